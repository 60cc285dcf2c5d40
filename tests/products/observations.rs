use std::io::Write;
use std::path::{Path, PathBuf};

use isotherm::cf::{Container, Raw};
use isotherm::data::products::delimited::{ATLANTIC_TRANSECT, DRIFTER_CSV, NERACOOS_B01, OSTERGARNSHOLM, read as read_delimited};
use isotherm::data::products::profile::{read_argo, read_iquam};
use isotherm::data::products::{Station, kma, ndbc};
use isotherm::data::{Observation, Platform};
use isotherm::grid::seconds_of_date;

use crate::sketch::{Sketch, Written};

fn seconds(year: i32, month: u32, day: u32, clock: f64) -> f64 {
    seconds_of_date(chrono::NaiveDate::from_ymd_opt(year, month, day).unwrap()) + clock
}

fn text_file(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    if name.ends_with(".gz") {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        std::fs::write(&path, encoder.finish().unwrap()).unwrap();
    } else {
        std::fs::write(&path, text).unwrap();
    }
    (folder, path)
}

/// Six rows of iQuam: a ship, a drifter, a mooring, one without temperature, an Argo float, a coral reef station.
fn iquam(identifiers: Raw, identifier_dimensions: &[&str]) -> Written {
    let bytes = |values: [i8; 6]| Raw::I8(values.to_vec());
    let kelvin = [
        ("units", "kelvin".into()),
        ("scale_factor", 0.01.into()),
        ("add_offset", 273.15.into()),
        ("_FillValue", i16::MIN.into()),
    ];
    Sketch::new(Container::Netcdf4)
        .dimension("num", 6)
        .dimension("width", 4)
        .variable("year", &["num"], Raw::I16(vec![2020; 6]), &[])
        .variable("month", &["num"], bytes([2; 6]), &[])
        .variable("day", &["num"], bytes([29, 1, 1, 1, 1, 1]), &[])
        .variable("hour", &["num"], bytes([23, 0, 6, 6, 6, 6]), &[])
        .variable("minute", &["num"], bytes([59, 0, 30, 30, 30, 30]), &[])
        .variable("second", &["num"], bytes([30, 0, 0, 0, 0, 0]), &[])
        .variable("lat", &["num"], Raw::F32(vec![-10.5, 0.0, 1.0, 2.0, 3.0, 4.0]), &[("units", "degrees_north".into())])
        .variable("lon", &["num"], Raw::F32(vec![179.5, -20.0, 1.0, 2.0, 3.0, 4.0]), &[("units", "degrees_east".into())])
        .variable("sst", &["num"], Raw::I16(vec![2550, -150, 2000, i16::MIN, 2100, 2200]), &kelvin)
        .variable("platform_type", &["num"], bytes([1, 6, 4, 2, 5, 8]), &[])
        .variable("quality_level", &["num"], bytes([5, 4, 0, 5, 5, -1]), &[("_FillValue", (-1i8).into())])
        .variable("depth", &["num"], Raw::F32(vec![5.0, -99.0, 1.0, 1.0, 4.5, 1.0]), &[("_FillValue", (-99.0f32).into())])
        .variable("platform_id", identifier_dimensions, identifiers, &[])
        .write()
}

#[test]
fn an_iquam_month() {
    let names = ["SHIP", "4101", "4600", "9", "59", "CRW1"];
    let characters = Raw::Char(names.iter().flat_map(|n| format!("{n:\0<4}").into_bytes()).collect());
    let numbers = Raw::I32(vec![1, 4101, 4600, 9, 59, 8]);
    let of_numbers = ["1", "4101", "4600", "59", "8"];
    let of_names = ["SHIP", "4101", "4600", "59", "CRW1"];
    for (identifiers, dimensions, wanted) in [(characters, &["num", "width"][..], of_names), (numbers, &["num"][..], of_numbers)]
    {
        let file = iquam(identifiers, dimensions);
        let all = read_iquam(&file.path).unwrap().0;
        let platforms: Vec<Platform> = all.iter().map(|o| o.platform).collect();
        assert_eq!(platforms, [Platform::Ship, Platform::Drifter, Platform::Mooring, Platform::Argo, Platform::Other]);
        assert_eq!(all.iter().map(|o| o.platform_id.as_str()).collect::<Vec<_>>(), wanted);
        assert_eq!(all.iter().map(|o| o.quality).collect::<Vec<_>>(), [5, 4, 0, 5, 0]);
        assert_eq!(all[0].time, seconds(2020, 2, 29, 23.0 * 3600.0 + 59.0 * 60.0 + 30.0));
        assert_eq!((all[0].latitude, all[0].longitude), (-10.5, 179.5));
        assert!((all[0].sst_celsius - 25.5).abs() < 1e-9 && (all[1].sst_celsius + 1.5).abs() < 1e-9);
        assert_eq!((all[0].depth_metres, all[1].depth_metres), (Some(5.0), None));
    }
}

#[test]
fn a_float_as_xoa_keeps_it() {
    let nan = f32::NAN;
    let celsius = [("units", "degree_Celsius".into()), ("_FillValue", nan.into()), ("valid_min", (-2.0f32).into())];
    let file = Sketch::new(Container::Netcdf4)
        .dimension("N_PROF", 4)
        .dimension("N_LEVELS", 3)
        .variable("PLATFORM_NUMBER", &["N_PROF"], Raw::I64(vec![7_900_573; 4]), &[])
        .variable("LATITUDE", &["N_PROF"], Raw::F64(vec![45.5, 45.6, 45.7, 45.8]), &[("units", "degrees_north".into())])
        .variable("LONGITUDE", &["N_PROF"], Raw::F64(vec![-4.0, -4.1, -4.2, -4.3]), &[("units", "degrees_east".into())])
        .variable(
            "TIME",
            &["N_PROF"],
            Raw::I64(vec![0, 1440, 2880, 4320]),
            &[("units", "minutes since 2021-11-09 05:26:20".into()), ("calendar", "proleptic_gregorian".into())],
        )
        // the second profile begins too deep, the third out of order
        .variable(
            "PRES",
            &["N_PROF", "N_LEVELS"],
            Raw::F32(vec![7.0, 8.3, nan, 11.0, 12.0, 13.0, 9.0, 5.5, 30.0, 5.0, 6.0, 7.0]),
            &[("units", "decibar".into())],
        )
        .variable(
            "TEMP",
            &["N_PROF", "N_LEVELS"],
            Raw::F32(vec![nan, 16.006, nan, 15.0, 15.0, 15.0, 14.5, 14.572, 14.0, 13.0, 13.0, 13.0]),
            &celsius,
        )
        .variable("TEMP_QC", &["N_PROF"], Raw::I64(vec![1, 1, 2, 4]), &[])
        .variable("TIME_QC", &["N_PROF"], Raw::I64(vec![1; 4]), &[])
        .write();
    let all = read_argo(&file.path).unwrap().0;
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].time, seconds(2021, 11, 9, 5.0 * 3600.0 + 26.0 * 60.0 + 20.0));
    assert!((all[0].sst_celsius - 16.006).abs() < 1e-6 && (all[1].sst_celsius - 14.572).abs() < 1e-6);
    assert!((all[0].depth_metres.unwrap() - 8.3).abs() < 1e-6);
    assert_eq!((all[1].latitude, all[1].depth_metres, all[1].quality), (45.7, Some(5.5), 4));
    assert_eq!((all[0].platform_id.as_str(), all[0].platform, all[0].quality), ("7900573", Platform::Argo, 5));
}

#[test]
fn a_float_as_the_archive_keeps_it() {
    let file = Sketch::new(Container::Classic)
        .dimension("N_PROF", 2)
        .dimension("N_LEVELS", 2)
        .dimension("STRING8", 8)
        .variable("PLATFORM_NUMBER", &["N_PROF", "STRING8"], Raw::Char(b"6901234 6901234 ".to_vec()), &[])
        .variable(
            "JULD",
            &["N_PROF"],
            Raw::F64(vec![26_297.5, 26_298.5]),
            &[("units", "days since 1950-01-01 00:00:00 UTC".into()), ("_FillValue", 999_999.0.into())],
        )
        .variable("JULD_QC", &["N_PROF"], Raw::Char(b"11".to_vec()), &[])
        .variable("LATITUDE", &["N_PROF"], Raw::F64(vec![10.0, 11.0]), &[("_FillValue", 99_999.0.into())])
        .variable("LONGITUDE", &["N_PROF"], Raw::F64(vec![20.0, 21.0]), &[("_FillValue", 99_999.0.into())])
        .variable("POSITION_QC", &["N_PROF"], Raw::Char(b"19".to_vec()), &[])
        .variable("PRES", &["N_PROF", "N_LEVELS"], Raw::F32(vec![2.0, 4.0, 2.0, 4.0]), &[("units", "decibar".into())])
        .variable("TEMP", &["N_PROF", "N_LEVELS"], Raw::F32(vec![99.0, 20.5, 21.0, 21.5]), &[("units", "degree_Celsius".into())])
        .variable("TEMP_QC", &["N_PROF", "N_LEVELS"], Raw::Char(b"4111".to_vec()), &[])
        .write();
    let all = read_argo(&file.path).unwrap().0;
    assert_eq!(all.len(), 1, "the second profile has no position to trust");
    // 26297 days are 72 years with 18 leap days less one: 72 * 365 + 18 = 26298 is 2022-01-01
    assert_eq!(all[0].time, seconds(2021, 12, 31, 12.0 * 3600.0));
    assert_eq!((all[0].sst_celsius, all[0].depth_metres, all[0].platform_id.as_str()), (20.5, Some(4.0), "6901234"));
}

#[track_caller]
fn assert_place(o: &Observation, time: f64, latitude: f64, longitude: f64, celsius: f64) {
    assert_eq!((o.time, o.latitude, o.longitude, o.sst_celsius), (time, latitude, longitude, celsius));
}

#[test]
fn the_buoy_of_bokeh_is_compressed_and_moored() {
    let text =
        "time (UTC),temperature (celsius)\n2016-02-15T00:00:00Z,4.929\n2016-02-15T00:30:00Z,\n2016-02-15T01:00:00Z,4.821\n";
    let (_folder, path) = text_file("sea_surface_temperature.csv.gz", text);
    let all = read_delimited(&path, &NERACOOS_B01).unwrap().0;
    assert_eq!(all.len(), 2);
    assert_place(&all[1], seconds(2016, 2, 15, 3600.0), 43.18, -70.43, 4.821);
    assert_eq!((all[1].platform_id.as_str(), all[1].platform), ("NERACOOS-B01", Platform::Mooring));
}

#[test]
fn the_drifter_of_xoa_has_a_row_of_units() {
    let text = "platform_code,platform_type,time,latitude,longitude,sst,slp,lon360\n\
                ,,UTC,degrees_north,degrees_east,Deg C,hPa,degree_east\n\
                6203641,DRIFTING BUOYS (GENERIC),2021-03-03T18:00:00Z,44.6818,-2.5441,13.09,1027.1,357.4559\n";
    let (_folder, path) = text_file("gdp-6203641.csv", text);
    let all = read_delimited(&path, &DRIFTER_CSV).unwrap().0;
    assert_eq!(all.len(), 1);
    assert_place(&all[0], seconds(2021, 3, 3, 18.0 * 3600.0), 44.6818, -2.5441, 13.09);
    assert_eq!((all[0].platform_id.as_str(), all[0].platform), ("6203641", Platform::Drifter));
}

#[test]
fn the_tables_of_fluxengine_are_separated_by_tabs() {
    let transect = "dataset_name\tyear\tmonth\tday\thour\tminute\tsecond\tdatetime\tlat\tlon\ttemperature\ttemperature_eq\n\
                    kitidis\t2013\t10\t9\t19\t42\t7\t2013-10-09 19:42:07\t45.9675\t-11.8248\t19.4150\t19.6870\n";
    let (_folder, path) = text_file("kitidis_consistent.tsv", transect);
    let all = read_delimited(&path, &ATLANTIC_TRANSECT).unwrap().0;
    assert_place(&all[0], seconds(2013, 10, 9, 19.0 * 3600.0 + 42.0 * 60.0 + 7.0), 45.9675, -11.8248, 19.415);
    assert_eq!(all[0].platform, Platform::Ship);
    let station = "expocode\tDate/Time\tLatitude\tLongitude\tDepth water [m]\tTemp [C]\tSal interp\n\
                   Ostergarnsholm\t2015-01-28 10:30:00\t57.4233\t18.9944\t0\t3.02\t35\t\t\t\n";
    let (_folder, path) = text_file("ostergarnsholm_data.tab", station);
    let all = read_delimited(&path, &OSTERGARNSHOLM).unwrap().0;
    assert_place(&all[0], seconds(2015, 1, 28, 10.5 * 3600.0), 57.4233, 18.9944, 3.02);
}

fn station(id: &str) -> Station {
    Station { id: id.into(), latitude: 36.785, longitude: -122.398, depth_metres: Some(1.5) }
}

#[test]
fn a_year_of_ndbc_compressed() {
    let text = "#YY  MM DD hh mm WDIR WSPD WTMP\n#yr  mo dy hr mn degT m/s  degC\n2019 01 10 21 20 320  5.0  13.4\n";
    let (_folder, path) = text_file("46042h2019.txt.gz", text);
    let all = ndbc::read(&path, &station("46042")).unwrap().0;
    assert_place(&all[0], seconds(2019, 1, 10, 21.0 * 3600.0 + 20.0 * 60.0), 36.785, -122.398, 13.4);
    assert_eq!(all[0].depth_metres, Some(1.5));
}

#[test]
fn a_day_of_kma_with_korean_comments() {
    let folder = tempfile::tempdir().unwrap();
    let path: &Path = &folder.path().join("kma_buoy.txt");
    let mut bytes = b"#START7777\n# TW : \xbc\xf6\xbf\xc2 (C)\n".to_vec(); // "water temperature" in code page 949
    bytes
        .extend(b"202301010830, 22107, 1, 2, 3, 4, 5, 6, 1006.1, 97.0, 24.3, 15.25, 2.4, 1.4, 0.9, 5.3, 211, 000000, //////,=\n");
    std::fs::write(path, bytes).unwrap();
    let all = kma::read(path, &[station("22107")]).unwrap().0;
    // half past eight in Korea is half past eleven of the evening before in Greenwich
    assert_place(&all[0], seconds(2022, 12, 31, 23.5 * 3600.0), 36.785, -122.398, 15.25);
    let sentence = kma::read(path, &[station("22101")]).unwrap_err().to_string();
    assert!(sentence.contains("22101; stations found: 22107"), "{sentence}");
}
