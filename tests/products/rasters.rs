use isotherm::cf::{BoundingBox, Container, Raw, ReadOptions};
use isotherm::data::products::land_mask::read_minute_region;
use isotherm::data::products::raster::{read_altitude, read_linke_turbidity};
use isotherm::grid::Cell::{Land, Missing, Valid};
use isotherm::grid::{Unit, seconds_of_date};

use crate::sketch::{Sketch, Written, doubles};

/// Turbidity on 4 x 8 cells of 45 degrees; the stored byte is 10 * row + column + month from 0.
fn turbidity() -> Written {
    let stored = (0..4 * 8 * 12).map(|i| (10 * (i / 96) + i / 12 % 8 + i % 12) as u8).collect();
    Sketch::new(Container::Netcdf4)
        .dimension("phony_dim_0", 4)
        .dimension("phony_dim_1", 8)
        .dimension("phony_dim_2", 12)
        .variable("LinkeTurbidity", &["phony_dim_0", "phony_dim_1", "phony_dim_2"], Raw::U8(stored), &[])
        .write()
}

#[test]
fn turbidity_takes_its_geometry_from_its_shape() {
    let file = turbidity();
    let field = read_linke_turbidity(&file.path, &ReadOptions::default()).unwrap();
    assert_eq!((field.shape(), field.unit()), ([12, 4, 8], Unit::One));
    assert_eq!(field.latitude().centres(), &[-67.5, -22.5, 22.5, 67.5]);
    assert_eq!((field.longitude().centres()[0], field.longitude().centres()[7]), (-157.5, 157.5));
    assert!(field.longitude().wraps());
    // the northernmost row is the file's first: month 7 (from 0) at column 3 is (0 + 3 + 7) / 20
    assert_eq!(field.get(7, 3, 3), Some(0.5));
    // the southernmost is its last: (30 + 5 + 0) / 20
    assert_eq!(field.get(0, 0, 5), Some(1.75));
    let july = seconds_of_date(chrono::NaiveDate::from_ymd_opt(2001, 7, 15).unwrap());
    assert_eq!(field.time().seconds()[6], july);

    let bounds = Some(BoundingBox { south: 0.0, north: 45.0, west: -30.0, east: 70.0 });
    let part = read_linke_turbidity(&file.path, &ReadOptions { times: Some(6..7), bounds, ..ReadOptions::default() }).unwrap();
    assert_eq!((part.latitude().centres(), part.longitude().centres()), (&[22.5][..], &[-22.5, 22.5, 67.5][..]));
    assert_eq!(part.values(), &[(10.0 + 3.0 + 6.0) / 20.0, 1.0, 1.05]);
    assert_eq!(part.time().seconds(), &[july]);
}

#[test]
fn altitude_is_in_steps_of_28_metres_and_255_is_none() {
    let file = Sketch::new(Container::Netcdf4)
        .dimension("phony_dim_0", 2)
        .dimension("phony_dim_1", 4)
        .variable("Altitude", &["phony_dim_0", "phony_dim_1"], Raw::U8(vec![0, 254, 255, 16, 17, 18, 19, 20]), &[])
        .write();
    let field = read_altitude(&file.path, &ReadOptions::default()).unwrap();
    assert_eq!((field.shape(), field.unit()), ([1, 2, 4], Unit::Metre));
    // 28 * 16 - 450 = -2, and so on in steps of 28; 28 * 254 - 450 = 6662
    assert_eq!(field.values(), &[26.0, 54.0, 82.0, 110.0, -450.0, 6662.0, 0.0, -2.0]);
    assert_eq!(field.mask().cells()[4..], [Valid, Valid, Missing, Valid]);
}

#[test]
fn rasters_of_another_shape_or_elsewhere_are_refused() {
    let square = Sketch::new(Container::Netcdf4)
        .dimension("a", 2)
        .dimension("b", 2)
        .dimension("c", 12)
        .variable("LinkeTurbidity", &["a", "b", "c"], Raw::U8(vec![0; 48]), &[])
        .write();
    let sentence = read_linke_turbidity(&square.path, &ReadOptions::default()).unwrap_err().to_string();
    assert!(sentence.contains("has shape [2, 2, 12]; [rows, twice as many columns, 12] is wanted"), "{sentence}");
    let sentence = read_altitude(&square.path, &ReadOptions::default()).unwrap_err().to_string();
    assert!(sentence.contains("has no variable 'Altitude'; it has: LinkeTurbidity"), "{sentence}");
    let file = turbidity();
    for (bounds, times) in
        [(Some(BoundingBox { south: 0.0, north: 45.0, west: 170.0, east: -170.0 }), None), (None, Some(11..13))]
    {
        let sentence =
            read_linke_turbidity(&file.path, &ReadOptions { bounds, times, ..ReadOptions::default() }).unwrap_err().to_string();
        assert!(sentence.contains("holds nothing of months"), "{sentence}");
    }
}

/// `mask(lon, lat)` of 1 over land, longitudes 0..360, coordinates without units.
fn minute_mask() -> Written {
    // columns at 0, 90, 180, 270 east; rows at 10 S, 0, 10 N
    let land = vec![1, 0, 0, /* 90 */ 0, 1, 0, /* 180 */ 0, 0, 1, /* 270 */ 1, 1, 1];
    Sketch::new(Container::Netcdf4)
        .dimension("lat", 3)
        .dimension("lon", 4)
        .variable("lat", &["lat"], doubles(-10.0, 10.0, 3), &[])
        .variable("lon", &["lon"], doubles(0.0, 90.0, 4), &[])
        .variable("mask", &["lon", "lat"], Raw::U8(land), &[])
        .write()
}

#[test]
fn the_minute_mask_is_turned_and_joined_across_greenwich() {
    let file = minute_mask();
    let part = read_minute_region(&file.path, (-10.0, 5.0), (-100.0, 100.0)).unwrap();
    assert_eq!((part.latitude.centres(), part.longitude.centres()), (&[-10.0, 0.0][..], &[-90.0, 0.0, 90.0][..]));
    assert_eq!(part.mask.cells(), &[Land, Land, Valid, Land, Valid, Land]);
    let globe = read_minute_region(&file.path, (-90.0, 90.0), (-180.0, 180.0)).unwrap();
    assert_eq!(globe.longitude.centres(), &[-180.0, -90.0, 0.0, 90.0]);
    assert_eq!(globe.mask.cells()[8..], [Land, Land, Valid, Valid]);
    let sentence = read_minute_region(&file.path, (20.0, 30.0), (0.0, 10.0)).unwrap_err().to_string();
    assert!(sentence.contains("has no cell within latitudes (20.0, 30.0)"), "{sentence}");
}
