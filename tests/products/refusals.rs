//! What is wrong with a file is said in one sentence that names it.

use std::path::Path;

use isotherm::cf::{Container, Raw};
use isotherm::data::DataResult;
use isotherm::data::products::delimited::{DRIFTER_CSV, read as read_delimited};
use isotherm::data::products::gridded::{OISST, OSTIA, read};
use isotherm::data::products::land_mask::read_minute_region;
use isotherm::data::products::profile::{read_argo, read_iquam};

use crate::sketch::{Sketch, Written, floats};

#[track_caller]
fn refused<T: std::fmt::Debug>(result: DataResult<T>, path: &Path, words: &str) {
    let sentence = result.unwrap_err().to_string();
    assert!(sentence.contains(words), "no '{words}' in: {sentence}");
    assert_eq!(sentence.matches(&path.display().to_string()).count(), 1, "the file is named once in: {sentence}");
    assert!(!sentence.contains('\n'), "{sentence}");
}

fn sst(container: Container, units: &str, mask_columns: usize) -> Written {
    Sketch::new(container)
        .coordinate("lat", floats(0.0, 1.0, 2), "degrees_north")
        .coordinate("lon", floats(0.0, 1.0, 2), "degrees_east")
        .coordinate("lon2", floats(0.0, 1.0, mask_columns), "degrees_east")
        .variable("analysed_sst", &["lat", "lon"], Raw::F32(vec![280.0; 4]), &[("units", units.into())])
        .variable("mask", &["lat", "lon2"], Raw::I8(vec![1; 2 * mask_columns]), &[])
        .write()
}

#[test]
fn a_damaged_file() {
    let file = sst(Container::Classic, "kelvin", 2);
    let bytes = std::fs::read(&file.path).unwrap();
    std::fs::write(&file.path, &bytes[..bytes.len() - 8]).unwrap();
    refused(read(&file.path, &OSTIA), &file.path, "is truncated: its header needs");
    std::fs::write(&file.path, "<html>401 Unauthorized</html>").unwrap();
    refused(read(&file.path, &OSTIA), &file.path, "is not a NetCDF file");
    refused(read_iquam(&file.path), &file.path, "is not a NetCDF file");
    refused(read_minute_region(&file.path, (0.0, 1.0), (0.0, 1.0)), &file.path, "is not a NetCDF file");
    let file = sst(Container::Netcdf4, "kelvin", 2);
    let bytes = std::fs::read(&file.path).unwrap();
    std::fs::write(&file.path, &bytes[..bytes.len() / 2]).unwrap();
    refused(read(&file.path, &OSTIA), &file.path, "is damaged");
}

#[test]
fn a_missing_variable() {
    let file = sst(Container::Netcdf4, "kelvin", 2);
    refused(read(&file.path, &OISST), &file.path, "has no variable 'sst'; it has: analysed_sst, ");
    refused(read_argo(&file.path), &file.path, "has no variable 'LATITUDE'");
    refused(read_iquam(&file.path), &file.path, "has no variable");
}

#[test]
fn a_unit_that_is_unknown_or_no_temperature() {
    let file = sst(Container::Netcdf4, "furlong", 2);
    refused(read(&file.path, &OSTIA), &file.path, "is 'furlong', which is not known");
    let file = sst(Container::Netcdf4, "m s-1", 2);
    refused(read(&file.path, &OSTIA), &file.path, "cannot be turned into");
}

#[test]
fn a_mask_of_another_shape() {
    let file = sst(Container::Netcdf4, "kelvin", 3);
    refused(read(&file.path, &OSTIA), &file.path, "'mask' has shape [1, 2, 3]; that of the field, [1, 2, 2], is wanted");
}

#[test]
fn observations_without_a_unit_or_of_odd_lengths() {
    let table = |units: &[(&str, isotherm::cf::Attribute)], years: usize| {
        let column = |values: Vec<i8>| Raw::I8(values);
        let mut sketch = Sketch::new(Container::Netcdf4).dimension("n", 2).dimension("years", years);
        for name in ["lat", "lon", "month", "day", "hour", "minute", "platform_type", "quality_level"] {
            sketch = sketch.variable(name, &["n"], column(vec![1; 2]), &[]);
        }
        sketch
            .variable("year", &["years"], Raw::I16(vec![2020; years]), &[])
            .variable("sst", &["n"], column(vec![1; 2]), units)
            .write()
    };
    let file = table(&[], 2);
    refused(read_iquam(&file.path), &file.path, "has a 'sst' without units");
    let file = table(&[("units", "m".into())], 2);
    refused(read_iquam(&file.path), &file.path, "is no temperature");
    let file = table(&[("units", "celsius".into())], 3);
    refused(read_iquam(&file.path), &file.path, "columns that differ in length");
    let file = table(&[("units", "celsius".into())], 2);
    assert_eq!(read_iquam(&file.path).unwrap().len(), 2);
}

#[test]
fn a_table_of_text_that_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("drifter.csv");
    refused(read_delimited(&path, &DRIFTER_CSV), &path, "No such file");
    std::fs::write(&path, "time,lat\nUTC,degrees\n2020-01-01,1\n").unwrap();
    refused(read_delimited(&path, &DRIFTER_CSV), &path, "has no column");
}
