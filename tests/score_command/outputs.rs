//! Tables, CSV, Parquet, maps and series.

use isotherm::cf::{Dataset, ReadOptions, read_field};
use isotherm::grid::Unit;
use polars_io::SerReader;
use polars_io::prelude::ParquetReader;

use super::support::*;

fn made() -> (tempfile::TempDir, Sample, Sample) {
    let folder = tempfile::tempdir().unwrap();
    let truth = Sample::truth(9, 6, 7);
    let prediction = truth.prediction(0.5, 3);
    truth.write(folder.path(), "t.nc");
    prediction.write(folder.path(), "p.nc");
    (folder, truth, prediction)
}

#[test]
fn the_table_names_rules_and_numbers() {
    let (folder, truth, prediction) = made();
    let text = printed(folder.path(), "t.nc p.nc --metrics rmse,kge_2009");
    let n = pairs(&truth, &prediction, |_| true).len();
    let line = text.lines().find(|l| l.contains("rmse")).unwrap();
    let wanted = format!("{:.5}", by_loops(&pairs(&truth, &prediction, |_| true), "rmse"));
    assert!(line.contains(&wanted) && line.contains(&n.to_string()) && line.contains(" K "), "{text}");
    assert!(text.contains("kge_2009 (°C)") && text.contains("weighting: area") && text.contains("blocks of 1 day"), "{text}");
}

#[test]
fn csv_json_and_parquet_say_the_same() {
    let (folder, ..) = made();
    let command = "t.nc p.nc --by month --metrics rmse,bias";
    let csv = printed(folder.path(), &format!("{command} --csv --parquet rows.parquet"));
    let json = json(folder.path(), command);
    let file = std::fs::File::open(folder.path().join("rows.parquet")).unwrap();
    let frame = ParquetReader::new(file).finish().unwrap();
    let rows = json["scores"].as_array().unwrap();
    assert_eq!((frame.height(), csv.lines().count()), (rows.len(), rows.len() + 1));
    for (i, row) in rows.iter().enumerate() {
        let value = row["score"]["value"].as_f64().unwrap();
        assert_eq!(frame.column("value").unwrap().f64().unwrap().get(i), Some(value));
        let cells: Vec<&str> = csv.lines().nth(i + 1).unwrap().split(',').collect();
        assert_eq!((cells[1], cells[3].parse()), (row["rules"]["stratum"].as_str().unwrap(), Ok(value)));
    }
}

#[test]
fn the_map_holds_the_score_of_each_cell() {
    let (folder, truth, prediction) = made();
    let mut reference = truth.prediction(1.0, 9);
    reference.valid.fill(true);
    reference.write(folder.path(), "r.nc");
    let text =
        printed(folder.path(), "t.nc p.nc --over time --metrics rmse,bias,pearson,skill_mse --reference r.nc --output map.nc");
    assert!(text.starts_with("map.nc: 9 instants, 6 x 7 cells"), "{text}");
    let dataset = Dataset::open(&folder.path().join("map.nc")).unwrap();
    let map = |name: &str| read_field(&dataset, name, &ReadOptions::default()).unwrap();
    assert_eq!((map("rmse").unit(), map("pearson").unit()), (Unit::KelvinDifference, Unit::One));
    for cell in 0..42 {
        let here = pairs(&truth, &prediction, |i| i % 42 == cell);
        assert_eq!(map("n").values()[cell], here.len() as f32);
        for metric in ["rmse", "bias", "pearson"] {
            let got = map(metric).get(0, cell / 7, cell % 7);
            // a correlation wants two pairs
            match here.len() >= if metric == "pearson" { 2 } else { 1 } {
                true => assert!((f64::from(got.unwrap()) - by_loops(&here, metric)).abs() < 1e-5, "{metric} {cell}"),
                false => assert_eq!(got, None, "{metric} {cell}"),
            }
        }
        if !here.is_empty() {
            let theirs = pairs(&truth, &reference, |i| i % 42 == cell && prediction.valid[i]);
            let wanted = 1.0 - by_loops(&here, "mse") / by_loops(&theirs, "mse");
            assert!((f64::from(map("skill_mse").get(0, cell / 7, cell % 7).unwrap()) / wanted - 1.0).abs() < 1e-5);
        }
    }
    // the whole number of values a map needs is in its own protocol
    assert_eq!(map("rmse").attributes()["protocol"].len(), 16);
}

#[test]
fn the_series_holds_the_score_of_each_day() {
    let (folder, truth, prediction) = made();
    let text = printed(folder.path(), "t.nc p.nc --over space --metrics rmse");
    let lines: Vec<Vec<&str>> = text.lines().skip(1).map(|l| l.split(',').collect()).collect();
    assert_eq!(lines.len(), 9);
    for (day, line) in lines.iter().enumerate() {
        let here = pairs(&truth, &prediction, |i| truth.place(i).0 == day);
        assert!((line[3].parse::<f64>().unwrap() - by_loops(&here, "rmse")).abs() < 1e-10);
        assert_eq!((line[1], line[4].parse()), ("all", Ok(here.len())));
    }
    assert_eq!((lines[0][0], lines[8][0]), ("2020-01-20T12:00:00Z", "2020-01-28T12:00:00Z"));
    printed(folder.path(), "t.nc p.nc --over space --metrics rmse --output series.csv");
    assert_eq!(std::fs::read_to_string(folder.path().join("series.csv")).unwrap(), text);
}
