//! Bad input: one clear sentence, a non-zero exit, and no output that is half-written.

use std::path::Path;

use super::support::*;

fn made() -> (tempfile::TempDir, Sample, Sample) {
    let folder = tempfile::tempdir().unwrap();
    let truth = Sample::truth(4, 5, 6);
    let prediction = truth.prediction(0.5, 3);
    truth.write(folder.path(), "t.nc");
    prediction.write(folder.path(), "p.nc");
    (folder, truth, prediction)
}

/// Every way to an output fails with the sentence, and leaves what stood there.
fn refused(folder: &Path, files: &str, words: &[&str]) {
    std::fs::write(folder.join("out"), "old").unwrap();
    let before = std::fs::read_dir(folder).unwrap().count();
    for way in ["", "--json", "--parquet out", "--over time --output out", "--over space --output out"] {
        let text = sentence(folder, &format!("{files} {way}"));
        assert!(words.iter().all(|word| text.contains(word)), "{words:?} in {text}");
        assert_eq!(std::fs::read(folder.join("out")).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), before, "no other file is left");
    }
}

#[test]
fn a_truncated_or_missing_file() {
    let (folder, ..) = made();
    let path = folder.path();
    let bytes = std::fs::read(path.join("p.nc")).unwrap();
    for part in [0, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(path.join("cut.nc"), &bytes[..part]).unwrap();
        refused(path, "t.nc cut.nc", &["cut.nc"]);
        refused(path, "cut.nc t.nc", &["cut.nc"]);
    }
    refused(path, "t.nc no.nc", &["no.nc"]);
    // damage that is met only once the values are read
    let large = Sample::truth(20, 30, 40);
    large.write(path, "large.nc");
    let mut damaged = std::fs::read(path.join("large.nc")).unwrap();
    let at = damaged.len() / 2;
    (at..at + 400).for_each(|i| damaged[i] ^= 0x55);
    std::fs::write(path.join("hurt.nc"), damaged).unwrap();
    refused(path, "large.nc hurt.nc", &["hurt.nc"]);
}

#[test]
fn a_missing_variable_and_an_unknown_word() {
    let (folder, ..) = made();
    let path = folder.path();
    refused(path, "t.nc p.nc --prediction-variable chlorophyll", &["chlorophyll", "sst"]);
    refused(path, "t.nc p.nc --metrics rsme", &["rsme", "rmse"]);
    refused(path, "t.nc p.nc --region atlantis", &["atlantis", "black_sea"]);
    refused(path, "t.nc p.nc --region 100,0,120,10", &["holds no cell of the truth"]);
    refused(path, "t.nc p.nc --mask t.nc:sea", &["sea", "sst"]);
    refused(path, "t.nc p.nc --metrics mse", &["rmse"]);
    assert!(sentence(path, "t.nc p.nc --by moon").contains("season"));
    assert!(sentence(path, "t.nc p.nc --by gradient --memory 0").contains("--memory"));
}

#[test]
fn grids_and_dates_that_do_not_meet() {
    let (folder, truth, prediction) = made();
    let path = folder.path();
    let mut half = prediction.clone();
    half.latitudes.iter_mut().for_each(|v| *v += 0.5);
    half.write(path, "half.nc");
    refused(path, "t.nc half.nc", &["the grids differ", "5 x 6 cells of 1.0000 x 1.0000"]);
    let finer = Sample::truth(4, 10, 12);
    let mut finer = Sample { latitudes: (0..10).map(|y| 50.25 + 0.5 * y as f64).collect(), ..finer };
    finer.longitudes = (0..12).map(|x| -4.75 + 0.5 * x as f64).collect();
    finer.write(path, "finer.nc");
    refused(path, "t.nc finer.nc", &["the grids differ", "10 x 12 cells of 0.5000 x 0.5000"]);
    let mut south = prediction.clone();
    south.latitudes.iter_mut().for_each(|v| *v -= 90.0);
    south.write(path, "south.nc");
    refused(path, "t.nc south.nc", &["no overlap in space"]);
    Sample { first_day: 50, ..truth }.write(path, "later.nc");
    refused(path, "t.nc later.nc", &["no overlap in time", "2020-01-20", "2020-03-10"]);
}

#[test]
fn nothing_or_too_little_to_score() {
    let (folder, truth, prediction) = made();
    let path = folder.path();
    let mut masked = prediction.clone();
    masked.valid.fill(false);
    masked.write(path, "masked.nc");
    refused(path, "t.nc masked.nc", &["no pair", "the prediction 0"]);
    let one = (0..truth.values.len()).find(|i| truth.valid[*i]).unwrap();
    masked.valid[one] = true;
    masked.write(path, "one.nc");
    refused(path, "t.nc one.nc", &["only 1 pair"]);
    let mut nowhere = truth.clone();
    nowhere.values.fill(0.0);
    nowhere.valid.fill(true);
    nowhere.unit = isotherm::grid::Unit::One;
    nowhere.write(path, "zeros.nc");
    refused(path, "t.nc p.nc --mask zeros.nc:sst", &["no pair", "after the mask"]);
}

#[test]
fn a_constant_field_and_infinities() {
    let (folder, truth, prediction) = made();
    let path = folder.path();
    let mut constant = truth.clone();
    constant.values.fill(15.0);
    constant.write(path, "constant.nc");
    let text = sentence(path, "constant.nc p.nc");
    assert!(text.contains("the truth is constant, so pearson is undefined") && text.contains("--metrics"), "{text}");
    refused(path, "constant.nc p.nc --metrics nse", &["nse"]);
    assert!(printed(path, "constant.nc p.nc --metrics bias,rmse").contains("rmse"));
    let text = sentence(path, "t.nc t.nc --reference t.nc --metrics skill_mse");
    assert!(text.contains("the reference has no error"), "{text}");
    // an infinity in the file, as the field type would not let it be written
    let bad = (0..truth.values.len()).rev().find(|i| truth.valid[*i] && prediction.valid[*i]).unwrap();
    let (t, y, x) = truth.place(bad);
    let day = format!("2020-01-{}", 20 + t);
    let place = format!("latitude {:.4}, longitude {:.4}", truth.latitudes[y], truth.longitudes[x]);
    for (name, value) in [("infinite.nc", f32::INFINITY), ("negative.nc", f32::NEG_INFINITY)] {
        raw(path, name, &prediction, bad, value);
        refused(path, &format!("t.nc {name}"), &[name, "not finite", &day, &place]);
        refused(path, &format!("{name} p.nc"), &[name, "not finite", &day]);
    }
}

/// The sample with one value replaced, whatever it is.
fn raw(folder: &Path, name: &str, sample: &Sample, at: usize, value: f32) {
    use isotherm::cf::{Container, ElementType, Raw, write_file};
    let shape = [sample.days, sample.latitudes.len(), sample.longitudes.len()];
    write_file(&folder.join(name), Container::Netcdf4, |file| {
        let seconds = (0..sample.days).map(|d| FIRST_SECOND + d as f64 * DAY).collect();
        let axes = [
            ("time", "seconds since 1970-01-01", seconds),
            ("lat", "degrees_north", sample.latitudes.clone()),
            ("lon", "degrees_east", sample.longitudes.clone()),
        ];
        for ((name, units, values), length) in axes.into_iter().zip(shape) {
            file.dimension(name, length)?;
            file.variable(name, ElementType::F64, &[name])?;
            file.attribute(Some(name), "units", units)?;
            file.put(name, &Raw::F64(values))?;
        }
        file.variable("sst", ElementType::F32, &["time", "lat", "lon"])?;
        file.attribute(Some("sst"), "units", "degree_Celsius")?;
        file.attribute(Some("sst"), "_FillValue", -999.0f32)?;
        let cells = sample.values.iter().zip(&sample.valid).enumerate();
        let stored = cells.map(|(i, (v, valid))| {
            if i == at {
                value
            } else if *valid {
                *v
            } else {
                -999.0
            }
        });
        file.put("sst", &Raw::F32(stored.collect()))
    })
    .unwrap();
}

#[test]
fn an_output_that_cannot_be_written() {
    let (folder, ..) = made();
    let path = folder.path();
    std::fs::write(path.join("file"), "no folder").unwrap();
    for way in ["--parquet file/rows", "--over time --output file/map.nc", "--over space --output file/series.csv"] {
        let text = sentence(path, &format!("t.nc p.nc {way}"));
        assert!(text.contains("file/"), "{text}");
    }
}
