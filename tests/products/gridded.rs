use isotherm::cf::{BoundingBox, Container, Raw, ReadOptions};
use isotherm::data::products::gridded::{
    BLACK_SEA, DUACS, ERA5, G5NR, GriddedProduct, MERRA2, MUR, OISST, OSTIA, OSTIA_CLIMATOLOGY, OSTIA_MONTHLY, REYNOLDS_MONTHLY,
    read, read_with,
};
use isotherm::grid::Cell::{Ice, Land, Missing, Valid};
use isotherm::grid::{Cell, Field, Unit, seconds_of_date};

use crate::sketch::{Sketch, Written, doubles, floats};

fn seconds(year: i32, month: u32, day: u32, hours: f64) -> f64 {
    seconds_of_date(chrono::NaiveDate::from_ymd_opt(year, month, day).unwrap()) + hours * 3600.0
}

/// Values of a frame to a part in ten million (single precision), and its cells.
#[track_caller]
fn assert_frame(field: &Field, time: usize, values: &[f64], cells: &[Cell]) {
    assert_eq!(field.frame_mask(time), cells);
    for (got, want) in field.frame(time).iter().zip(values) {
        assert!((f64::from(*got) - want).abs() <= 1e-7 * want.abs().max(100.0), "{got} {want}");
    }
}

fn oisst() -> Written {
    let packed = |most: i16, units: &str| {
        vec![
            ("units", units.into()),
            ("_FillValue", (-999i16).into()),
            ("add_offset", 0.0f32.into()),
            ("scale_factor", 0.01f32.into()),
            ("valid_min", (if most == 100 { 0i16 } else { -300 }).into()),
            ("valid_max", most.into()),
        ]
    };
    Sketch::new(Container::Netcdf4)
        .coordinate("time", Raw::F32(vec![15340.0]), "days since 1978-01-01 12:00:00")
        .coordinate("zlev", Raw::F32(vec![0.0]), "meters")
        .coordinate("lat", floats(59.875, 0.25, 2), "degrees_north")
        .coordinate("lon", floats(45.0, 90.0, 4), "degrees_east")
        .variable(
            "sst",
            &["time", "zlev", "lat", "lon"],
            Raw::I16(vec![-180, 0, 1234, -999, 2850, -150, 3200, -999]),
            &packed(4500, "Celsius"),
        )
        // 0.85 and 0.14 of the sea: below and above 15 %
        .variable(
            "ice",
            &["time", "zlev", "lat", "lon"],
            Raw::I16(vec![85, 14, -999, -999, -999, 15, -999, -999]),
            &packed(100, "%"),
        )
        .write()
}

#[test]
fn oisst_has_a_level_and_packs_its_percents_as_fractions() {
    let file = oisst();
    let sst = read(&file.path, &OISST).unwrap();
    assert_eq!((sst.shape(), sst.unit()), ([1, 2, 4], Unit::Celsius));
    assert_frame(&sst, 0, &[0.0, 0.0, 12.34, 0.0, 28.5, 0.0, 32.0, 0.0], &[Ice, Valid, Valid, Land, Valid, Ice, Valid, Land]);
    assert_eq!(sst.longitude().centres(), &[45.0, 135.0, 225.0, 315.0]);
    // 15340 days after noon of 1978-01-01: 42 years with 10 leap days are 15340 days, so noon of 2020-01-01
    assert_eq!(sst.time().seconds(), &[seconds(2020, 1, 1, 12.0)]);
}

#[test]
fn a_part_of_a_file_in_another_unit() {
    let file = oisst();
    let bounds = Some(BoundingBox { south: 60.0, north: 61.0, west: -60.0, east: 50.0 });
    let part =
        read_with(&file.path, &OISST, &ReadOptions { bounds, unit: Some(Unit::Kelvin), ..ReadOptions::default() }).unwrap();
    assert_eq!((part.shape(), part.unit()), ([1, 1, 2], Unit::Kelvin));
    assert_eq!(part.longitude().centres(), &[-45.0, 45.0]);
    assert_frame(&part, 0, &[0.0, 301.65], &[Land, Valid]);
}

#[test]
fn ice_in_true_percents_is_understood_too() {
    let file = Sketch::new(Container::Netcdf4)
        .coordinate("lat", floats(70.0, 1.0, 1), "degrees_north")
        .coordinate("lon", floats(0.0, 1.0, 2), "degrees_east")
        .variable("sst", &["lat", "lon"], Raw::F32(vec![-1.0, 1.0]), &[("units", "degree_C".into())])
        .variable("ice", &["lat", "lon"], Raw::F32(vec![16.0, 1.0]), &[("units", "percent".into())])
        .write();
    assert_frame(&read(&file.path, &OISST).unwrap(), 0, &[0.0, 1.0], &[Ice, Valid]);
}

/// A GHRSST level-4 file of six cells: (time, lat, lon), packed temperatures and mask bytes.
fn ghrsst(scale: f64, offset: f64, stored: Vec<i16>, mask: Vec<i8>) -> Written {
    Sketch::new(Container::Netcdf4)
        .coordinate("time", Raw::I32(vec![1_356_912_000]), "seconds since 1981-01-01 00:00:00")
        .coordinate("lat", floats(10.025, 0.05, 2), "degrees_north")
        .coordinate("lon", floats(-170.025, 0.05, 3), "degrees_east")
        .variable(
            "analysed_sst",
            &["time", "lat", "lon"],
            Raw::I16(stored),
            &[
                ("units", "kelvin".into()),
                ("_FillValue", i16::MIN.into()),
                ("scale_factor", scale.into()),
                ("add_offset", offset.into()),
                ("standard_name", "sea_surface_foundation_temperature".into()),
            ],
        )
        .variable(
            "mask",
            &["time", "lat", "lon"],
            Raw::I8(mask),
            &[("_FillValue", i8::MIN.into()), ("flag_meanings", "water land optional_lake_surface sea_ice".into())],
        )
        .write()
}

#[test]
fn ostia_tells_land_lake_and_ice_apart() {
    let file = ghrsst(0.01, 273.15, vec![2512, 2000, 1500, -180, i16::MIN, i16::MIN], vec![1, 1, 5, 9, 2, i8::MIN]);
    let sst = read(&file.path, &OSTIA).unwrap();
    assert_frame(&sst, 0, &[25.12, 20.0, 0.0, 0.0, 0.0, 0.0], &[Valid, Valid, Land, Ice, Land, Missing]);
    // 1356912000 s are 15705 days: 43 years with 10 leap days (15705 = 43 * 365 + 10), so 2024-01-01
    assert_eq!(sst.time().seconds(), &[seconds(2024, 1, 1, 0.0)]);
    assert_eq!(sst.attributes()["standard_name"], "sea_surface_foundation_temperature");
}

#[test]
fn mur_counts_from_25_degrees_celsius() {
    let file = ghrsst(0.001, 298.15, vec![0, 2500, -26_800, -26_700, -20_000, i16::MIN], vec![1, 1, 9, 13, 5, 2]);
    let sst = read(&file.path, &MUR).unwrap();
    assert_frame(&sst, 0, &[25.0, 27.5, 0.0, 0.0, 0.0, 0.0], &[Valid, Valid, Ice, Land, Land, Land]);
}

#[test]
fn the_black_sea_has_a_mask_of_fill_only() {
    let all_fill = ghrsst(0.01, 273.15, vec![2400, i16::MIN, 2500, 2600, 2700, i16::MIN], vec![i8::MIN; 6]);
    let cells = [Valid, Land, Valid, Valid, Valid, Land];
    for product in [&BLACK_SEA, &OSTIA] {
        assert_frame(&read(&all_fill.path, product).unwrap(), 0, &[24.0, 0.0, 25.0, 26.0, 27.0, 0.0], &cells);
    }
}

#[test]
fn era5_runs_north_to_south_under_either_name_of_time() {
    let nan = f32::NAN;
    let new = Sketch::new(Container::Netcdf4)
        .coordinate("valid_time", Raw::I64(vec![1_704_067_200, 1_704_070_800]), "seconds since 1970-01-01")
        .coordinate("latitude", doubles(60.25, -0.25, 2), "degrees_north")
        .coordinate("longitude", doubles(0.0, 0.25, 2), "degrees_east")
        .variable("number", &[], Raw::I64(vec![0]), &[("units", "1".into())])
        .dimension("width", 4)
        .variable("expver", &["valid_time", "width"], Raw::Char(b"00010001".to_vec()), &[])
        .variable(
            "sst",
            &["valid_time", "latitude", "longitude"],
            Raw::F32(vec![280.0, nan, 281.0, 282.0, 283.0, nan, nan, 284.0]),
            &[("units", "K".into()), ("_FillValue", nan.into()), ("GRIB_paramId", 34i32.into())],
        )
        .write();
    let sst = read(&new.path, &ERA5).unwrap();
    assert_eq!(sst.latitude().centres(), &[60.0, 60.25]);
    assert_frame(&sst, 0, &[7.85, 8.85, 6.85, 0.0], &[Valid, Valid, Valid, Land]);
    // a cell that has a value at some hour is no land
    assert_frame(&sst, 1, &[0.0, 10.85, 9.85, 0.0], &[Missing, Valid, Valid, Land]);
    assert_eq!(sst.time().seconds(), &[seconds(2024, 1, 1, 0.0), seconds(2024, 1, 1, 1.0)]);

    let old = Sketch::new(Container::Offset64)
        .coordinate("longitude", floats(359.75, 0.25, 1), "degrees_east")
        .coordinate("latitude", floats(60.25, -0.25, 2), "degrees_north")
        .coordinate("time", Raw::I32(vec![1_052_568]), "hours since 1900-01-01 00:00:00.0")
        .variable(
            "sst",
            &["time", "latitude", "longitude"],
            Raw::I16(vec![100, -32767]),
            &[
                ("scale_factor", 0.5.into()),
                ("add_offset", 250.0.into()),
                ("_FillValue", (-32767i16).into()),
                ("missing_value", (-32767i16).into()),
                ("units", "K".into()),
            ],
        )
        .write();
    let sst = read(&old.path, &ERA5).unwrap();
    assert_frame(&sst, 0, &[0.0, 26.85], &[Land, Valid]); // 250 + 50 K
    // 1052568 hours are 43857 days: 120 years with 29 leap days (1900 has none) and 28 of January 2020
    assert_eq!(sst.time().seconds(), &[seconds(2020, 1, 29, 0.0)]);
}

/// Dust of 24 hours at two latitudes (the South Pole is one) and three longitudes.
fn dust(name: &str, time: Raw, time_units: &str, units: Option<&str>) -> Written {
    let mut values: Vec<f32> = (0..24 * 6).map(|i| 0.01 * i as f32).collect();
    values[7] = 1e15;
    let mut notes = vec![("_FillValue", 1e15f32.into()), ("missing_value", 1e15f32.into())];
    notes.extend(units.map(|text| ("units", text.into())));
    Sketch::new(Container::Netcdf4)
        .coordinate("lon", doubles(-180.0, 0.625, 3), "degrees_east")
        .coordinate("lat", doubles(-90.0, 0.5, 2), "degrees_north")
        .coordinate("time", time, time_units)
        .variable(name, &["time", "lat", "lon"], Raw::F32(values), &notes)
        .write()
}

#[track_caller]
fn assert_dust(field: &Field, first_instant: f64) {
    assert_eq!((field.shape(), field.unit()), ([24, 2, 3], Unit::One));
    assert_eq!(field.get(1, 0, 1), None);
    assert_eq!(field.frame_mask(1)[1], Missing);
    assert_eq!(field.mask().count_valid(), 24 * 6 - 1);
    assert_eq!(field.get(23, 1, 2), Some(0.01 * 143.0));
    assert_eq!(field.time().seconds()[0], first_instant);
}

#[test]
fn merra2_has_24_hourly_means_at_half_past() {
    let minutes = || Raw::I32((0..24).map(|h| 60 * h).collect());
    let file = dust("DUEXTTAU", minutes(), "minutes since 2020-07-01 00:30:00", Some("1"));
    let field = read(&file.path, &MERRA2).unwrap();
    assert_dust(&field, seconds(2020, 7, 1, 0.5));
    assert_eq!(field.time().seconds()[23], seconds(2020, 7, 1, 23.5));
    let some = read_with(&file.path, &MERRA2, &ReadOptions { times: Some(2..4), ..ReadOptions::default() }).unwrap();
    assert_eq!((some.shape(), some.values()), ([2, 2, 3], &field.values()[12..24]));
}

#[test]
fn g5nr_writes_lower_case_and_may_state_no_unit() {
    let minutes = || Raw::F64((0..24).map(|h| 60.0 * f64::from(h)).collect());
    for unit in [None, Some("1"), Some("")] {
        let file = dust("duexttau", minutes(), "minutes since 2006-07-01 00:00:00", unit);
        assert_dust(&read(&file.path, &G5NR).unwrap(), seconds(2006, 7, 1, 0.0));
    }
}

#[test]
fn a_dust_file_that_says_nothing_of_its_fill() {
    let file = Sketch::new(Container::Classic)
        .coordinate("lat", doubles(0.0, 0.5, 1), "degrees_north")
        .coordinate("lon", doubles(0.0, 0.5, 2), "degrees_east")
        .variable("duexttau", &["lat", "lon"], Raw::F32(vec![1e15, 0.25]), &[])
        .write();
    assert_frame(&read(&file.path, &G5NR).unwrap(), 0, &[0.0, 0.25], &[Missing, Valid]);
}

#[test]
fn duacs_counts_days_in_single_precision() {
    let file = Sketch::new(Container::Netcdf4)
        .coordinate("time", Raw::F32(vec![20179.0, 20180.0]), "days since 1950-01-01 00:00:00")
        .coordinate("latitude", floats(30.0625, 0.125, 1), "degrees_north")
        .coordinate("longitude", floats(-5.9375, 0.125, 3), "degrees_east")
        .variable(
            "adt",
            &["time", "latitude", "longitude"],
            Raw::I16(vec![-1234, -32767, 2000, 500, -32767, -32767]),
            &[("_FillValue", (-32767i16).into()), ("scale_factor", 1e-4.into()), ("units", "m".into())],
        )
        .write();
    let adt = read(&file.path, &DUACS).unwrap();
    assert_eq!(adt.unit(), Unit::Metre);
    assert_frame(&adt, 0, &[-0.1234, 0.0, 0.2], &[Valid, Land, Valid]);
    assert_frame(&adt, 1, &[0.05, 0.0, 0.0], &[Valid, Land, Missing]);
    // 55 years from 1950 with 14 leap days are 20089 days; 90 more (31 + 28 + 31) reach 2005-04-01
    assert_eq!(adt.time().seconds(), &[seconds(2005, 4, 1, 0.0), seconds(2005, 4, 2, 0.0)]);
}

fn monthly(product: &GriddedProduct, container: Container, name: &str, values: Raw, notes: crate::sketch::Notes) -> Field {
    let file = Sketch::new(container)
        .coordinate("time", Raw::F64(vec![1_009_843_200.0]), "seconds since 1981-01-01 00:00:00UTC")
        .coordinate("lat", doubles(-0.5, 1.0, 2), "degrees_north")
        .coordinate("lon", doubles(-179.5, 1.0, 2), "degrees_east")
        .variable(name, &["time", "lat", "lon"], values, notes)
        .write();
    let field = read(&file.path, product).unwrap();
    // 1009843200 s are 11688 days: 32 years with 8 leap days, so 2013-01-01
    assert_eq!(field.time().seconds(), &[seconds(2013, 1, 1, 0.0)]);
    field
}

#[test]
fn monthly_means_with_spoken_and_silent_fills() {
    let fill = 9.969_21e36f32;
    let cells = [Valid, Land, Valid, Land];
    // units "degrees C", and the library's fill value without an attribute that names it
    let values = Raw::F32(vec![28.25, fill, -1.5, fill]);
    let sst = monthly(&REYNOLDS_MONTHLY, Container::Netcdf4, "sst_mean", values, &[("units", "degrees C".into())]);
    assert_frame(&sst, 0, &[28.25, 0.0, -1.5, 0.0], &cells);
    // a decimal copy of the fill value, a tenth of a percent off
    let values = Raw::F32(vec![28.25, 9.96e36, -1.5, 9.97e36]);
    let sst = monthly(&REYNOLDS_MONTHLY, Container::Netcdf4, "sst_mean", values, &[("units", "degrees C".into())]);
    assert_frame(&sst, 0, &[28.25, 0.0, -1.5, 0.0], &cells);
    let sst = monthly(
        &OSTIA_MONTHLY,
        Container::Netcdf4,
        "surface_temperature",
        Raw::F32(vec![300.0, 1e20, 299.5, 1e20]),
        &[("units", "K".into()), ("_FillValue", 1e20f32.into()), ("standard_name", "surface_temperature".into())],
    );
    assert_frame(&sst, 0, &[26.85, 0.0, 26.35, 0.0], &cells);
    let sst = monthly(
        &OSTIA_CLIMATOLOGY,
        Container::Classic,
        "analysed_sst",
        Raw::I16(vec![2705, i16::MIN, -160, i16::MIN]),
        &[
            ("units", "kelvin".into()),
            ("_FillValue", i16::MIN.into()),
            ("add_offset", 273.15.into()),
            ("scale_factor", 0.01.into()),
            ("valid_min", (-300i16).into()),
            ("valid_max", 4500i16.into()),
        ],
    );
    assert_frame(&sst, 0, &[27.05, 0.0, -1.6, 0.0], &cells);
}
