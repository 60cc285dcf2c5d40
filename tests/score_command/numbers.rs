//! Printed numbers against plain loops, and what must not change them.

use isotherm::grid::Unit;

use super::support::*;

const ALL: &str = "bias,mae,rmse,rmse_unbiased,pearson,r_squared_pearson,nse,kge_2009,kge_2012,kge_modified,\
                   normalised_rmse_by_mean,normalised_rmse_by_root_mean_square,volumetric_efficiency";

#[test]
fn every_metric_is_that_of_the_loops() {
    let folder = tempfile::tempdir().unwrap();
    let truth = Sample::truth(12, 7, 9);
    let prediction = truth.prediction(0.5, 3);
    truth.write(folder.path(), "t.nc");
    prediction.write(folder.path(), "p.nc");
    let found_area = json(folder.path(), &format!("t.nc p.nc --metrics {ALL} --resamples 50"));
    let found_equal = json(folder.path(), &format!("t.nc p.nc --metrics {ALL} --resamples 50 --weighting equal"));
    let weighted = pairs(&truth, &prediction, |_| true);
    let plain: Vec<_> = weighted.iter().map(|(t, p, _)| (*t, *p, 1.0)).collect();
    for (json, pairs) in [(&found_area, &weighted), (&found_equal, &plain)] {
        for metric in ALL.split(',') {
            let (value, n) = found(json, "all", metric);
            assert!((value - by_loops(pairs, metric)).abs() < 1e-10, "{metric}: {value} {}", by_loops(pairs, metric));
            assert_eq!(n as usize, pairs.len());
        }
    }
    let protocol = |json: &serde_json::Value| json["scores"][0]["score"]["protocol"].as_str().unwrap().to_string();
    assert_ne!(protocol(&found_area), protocol(&found_equal));
    let score = &found_area["scores"][2]["score"];
    assert_eq!((score["metric"].as_str(), score["n_effective"].as_f64()), (Some("rmse"), Some(12.0)));
    assert!(score["lower"].as_f64() < score["value"].as_f64() && score["value"].as_f64() < score["upper"].as_f64());
}

#[test]
fn skill_against_a_reference_on_the_common_set() {
    let folder = tempfile::tempdir().unwrap();
    let truth = Sample::truth(6, 5, 6);
    let (prediction, reference) = (truth.prediction(0.3, 3), truth.prediction(0.9, 4));
    for (sample, name) in [(&truth, "t.nc"), (&prediction, "p.nc"), (&reference, "r.nc")] {
        sample.write(folder.path(), name);
    }
    let json = json(folder.path(), "t.nc p.nc --reference r.nc --metrics rmse,skill_mse,skill_rmse,skill_mae");
    let ours = pairs(&truth, &prediction, |i| reference.valid[i]);
    let theirs = pairs(&truth, &reference, |i| prediction.valid[i]);
    for (skill, metric) in [("skill_mse", "mse"), ("skill_rmse", "rmse"), ("skill_mae", "mae")] {
        let wanted = 1.0 - by_loops(&ours, metric) / by_loops(&theirs, metric);
        let (value, n) = found(&json, "all", skill);
        assert!((value - wanted).abs() < 1e-10 && n as usize == ours.len(), "{skill}: {value} {wanted}");
    }
    assert!((found(&json, "all", "rmse").0 - by_loops(&ours, "rmse")).abs() < 1e-10);
}

#[test]
fn threads_and_memory_change_no_bit() {
    let folder = tempfile::tempdir().unwrap();
    // 5600 cells a frame take 67 kB of the two files: one megabyte holds some of the 40 frames only
    let mut truth = Sample::truth(40, 70, 80);
    truth.latitudes.iter_mut().for_each(|v| *v -= 80.0);
    truth.write(folder.path(), "t.nc");
    truth.prediction(0.5, 3).write(folder.path(), "p.nc");
    for by in ["", "--by season", "--by gradient", "--by coast", "--by region"] {
        let run = |more: &str| printed(folder.path(), &format!("t.nc p.nc {by} --json --resamples 20 {more}"));
        let first = run("--threads 1");
        assert_eq!(first, run("--threads 2"), "{by}");
        assert_eq!(first, run("--memory 1"), "{by}");
    }
    let map = |name: &str, more: &str| {
        printed(folder.path(), &format!("t.nc p.nc --over time --metrics nse --output {name} {more}"));
        let dataset = isotherm::cf::Dataset::open(&folder.path().join(name)).unwrap();
        dataset.raw("nse").unwrap()
    };
    assert_eq!(map("a.nc", "--threads 1"), map("b.nc", "--threads 2 --memory 1"));
}

/// A frame of 90,000 cells takes 1.08 MB of two files, so one megabyte holds it in two pieces.
#[test]
fn a_frame_may_be_larger_than_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Sample::truth(3, 300, 300);
    truth.latitudes = (0..300).map(|y| 20.05 + 0.1 * y as f64).collect();
    truth.longitudes = (0..300).map(|x| 0.05 + 0.1 * x as f64).collect();
    truth.write(folder.path(), "t.nc");
    truth.prediction(0.5, 3).write(folder.path(), "p.nc");
    let run = |more: &str| printed(folder.path(), &format!("t.nc p.nc --metrics rmse --json --resamples 20 {more}"));
    assert_eq!(run(""), run("--memory 1"));
    assert_eq!(run("--by coast"), run("--by coast --memory 1"));
    let map = |name: &str, more: &str| {
        printed(folder.path(), &format!("t.nc p.nc --over time --metrics rmse --output {name} {more}"));
        isotherm::cf::Dataset::open(&folder.path().join(name)).unwrap().raw("rmse").unwrap()
    };
    assert_eq!(map("a.nc", ""), map("b.nc", "--memory 1"));
    assert!(sentence(folder.path(), "t.nc p.nc --by gradient --memory 1").contains("--memory 2"));
}

#[test]
fn kelvin_and_celsius_are_brought_together_and_others_not() {
    let folder = tempfile::tempdir().unwrap();
    let truth = Sample::truth(3, 4, 5);
    let prediction = truth.prediction(0.5, 3);
    let mut in_kelvin = Sample { unit: Unit::Kelvin, ..prediction.clone() };
    in_kelvin.values.iter_mut().for_each(|v| *v = (f64::from(*v) + 273.15) as f32);
    truth.write(folder.path(), "t.nc");
    in_kelvin.write(folder.path(), "k.nc");
    let json = json(folder.path(), "t.nc k.nc --metrics bias");
    // 285 K in single precision are good to 1.5e-5 each
    let wanted = by_loops(&pairs(&truth, &prediction, |_| true), "bias");
    assert!((found(&json, "all", "bias").0 - wanted).abs() < 1.6e-5);
    assert_eq!(json["notes"][0], "the prediction was converted from K to °C");
    let in_metres = Sample { unit: Unit::Metre, ..prediction };
    in_metres.write(folder.path(), "m.nc");
    let text = sentence(folder.path(), "t.nc m.nc");
    assert!(text.contains("is in m and the truth in °C"), "{text}");
}

#[test]
fn the_common_part_of_grids_and_days_is_scored_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let truth = Sample::truth(6, 7, 9);
    let whole = truth.prediction(0.5, 3);
    // days 2..5 and rows 1.. of the prediction, north first, longitudes counted from 0 to 360
    let mut part = Sample { days: 3, first_day: 2, values: Vec::new(), valid: Vec::new(), ..whole.clone() };
    part.latitudes = whole.latitudes[1..].iter().rev().copied().collect();
    part.longitudes.iter_mut().for_each(|x| *x += 360.0);
    for i in (2..5).flat_map(|t| (1..7).rev().flat_map(move |y| (0..9).map(move |x| t * 63 + y * 9 + x))) {
        part.values.push(whole.values[i]);
        part.valid.push(whole.valid[i]);
    }
    truth.write(folder.path(), "t.nc");
    part.write(folder.path(), "p.nc");
    let json = json(folder.path(), "t.nc p.nc --metrics rmse");
    let common = pairs(&truth, &whole, |i| (2..5).contains(&truth.place(i).0) && truth.place(i).1 >= 1);
    let (value, n) = found(&json, "all", "rmse");
    assert!((value - by_loops(&common, "rmse")).abs() < 1e-10 && n as usize == common.len());
    let notes = json["notes"].to_string();
    assert!(notes.contains("6 of 7 rows and 9 columns") && notes.contains("3 of 6 instants of the truth"), "{notes}");
    assert_eq!(json["scores"][0]["rules"]["period"], "2020-01-22 to 2020-01-24, 3 instants");
}

#[test]
fn one_day_gets_its_interval_from_tiles_and_a_small_one_none() {
    let folder = tempfile::tempdir().unwrap();
    let truth = Sample::truth(1, 30, 90);
    truth.write(folder.path(), "t.nc");
    truth.prediction(0.5, 3).write(folder.path(), "p.nc");
    // 30 rows and 90 columns: tiles of 40 x 40 make 1 x 3 blocks
    let score = json(folder.path(), "t.nc p.nc --metrics rmse")["scores"][0]["score"].clone();
    assert_eq!(score["n_effective"], 3.0);
    assert!(score["lower"].as_f64().unwrap() < score["upper"].as_f64().unwrap());
    let small = json(folder.path(), "t.nc p.nc --metrics rmse --region 0,55,20,70");
    assert!(small["scores"][0]["score"]["lower"].is_null());
    assert!(small["scores"][0]["no_interval"].as_str().unwrap().contains("one block"), "{small}");
    let blocks = json(folder.path(), "t.nc p.nc --metrics rmse --block-cells 10");
    assert_eq!(blocks["scores"][0]["score"]["n_effective"], 27.0);
}
