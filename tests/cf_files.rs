//! Files of many layouts, written and read back: CF-1.11 round trips, grids as products lay them out,
//! and what is refused, in one sentence each.

use std::path::{Path, PathBuf};

use isotherm::base::random::Random;
use isotherm::cf::{
    BoundingBox, Builder, CfResult, Container, Dataset, ElementType, Epoch, Filters, Packing, Provenance, Raw, ReadOptions,
    WriteOptions, read_field, roll_longitude, validate, write_fields, write_fields_with, write_file,
};
use isotherm::grid::{Axis, AxisKind, Cell, Field, Mask, TimeAxis, Unit};

/// A field with every kind of masked cell.
fn field(seed: u64) -> Field {
    let [times, rows, columns] = [3, 7, 11];
    let lat = Axis::regular(AxisKind::Latitude, -3.0, 1.0, rows).unwrap();
    let lon = Axis::regular(AxisKind::Longitude, 120.125, 0.25, columns).unwrap();
    let time = TimeAxis::from_seconds((0..times).map(|t| 1.6e9 + 0.25 + 86_400.0 * t as f64).collect()).unwrap();
    let mut random = Random::new(seed, "cf");
    let n = times * rows * columns;
    let values = (0..n).map(|_| (18.0 + 4.0 * random.normal()) as f32).collect();
    let kinds = [Cell::Valid, Cell::Valid, Cell::Valid, Cell::Land, Cell::Ice, Cell::Cloud, Cell::Missing];
    let cells = (0..n).map(|_| kinds[random.below(kinds.len())]).collect();
    Field::new("sst", values, Mask::from_cells(cells), time, lat, lon, Unit::Celsius)
        .unwrap()
        .with_attribute("standard_name", "sea_surface_temperature")
        .with_attribute("long_name", "sea surface temperature")
}

fn provenance() -> Provenance {
    let mut provenance =
        Provenance { title: "Test".into(), history: "made by a test".into(), source: "Philox".into(), ..Provenance::default() };
    provenance.extra.insert("institution".into(), "isotherm".into());
    provenance
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.nc");
    (folder, path)
}

fn read(path: &Path, variable: &str, options: &ReadOptions) -> CfResult<Field> {
    read_field(&Dataset::open(path)?, variable, options)
}

#[test]
fn float_fields_come_back_bit_for_bit_with_mask_and_times() {
    let (_folder, path) = folder();
    let (sst, error) = (field(1), field(2).named("sst_error").with_attribute("long_name", "standard error"));
    let error = Field::new(
        "sst_error",
        error.values().to_vec(),
        Mask::all_valid(error.values().len()),
        error.time().clone(),
        error.latitude().clone(),
        error.longitude().clone(),
        Unit::KelvinDifference,
    )
    .unwrap();
    write_fields(&path, &[&sst, &error], &provenance()).unwrap();
    assert_eq!(validate(&path).unwrap(), vec![]);
    let back = read(&path, "sst", &ReadOptions::default()).unwrap();
    assert_eq!(back.values(), sst.values());
    assert_eq!(back.mask(), sst.mask());
    assert_eq!(back.time(), sst.time());
    assert_eq!(back.latitude(), sst.latitude());
    assert_eq!(back.longitude(), sst.longitude());
    assert_eq!(back.unit(), Unit::Celsius);
    assert_eq!(back.attributes()["standard_name"], "sea_surface_temperature");
    assert_eq!(read(&path, "sst_error", &ReadOptions::default()).unwrap().unit(), Unit::KelvinDifference);
    let dataset = Dataset::open(&path).unwrap();
    assert!(!dataset.has("sst_error_mask"), "a field without masked cells needs no flags");
    let wanted = Filters { shuffle: true, deflate: 4, fletcher32: true };
    for variable in dataset.variables() {
        assert_eq!(variable.filters, wanted, "{}", variable.name);
    }
}

#[test]
fn packed_fields_come_back_within_half_a_step() {
    let options = WriteOptions { packing: Packing::Int16Fitted, epoch: Epoch::Ghrsst, ..WriteOptions::default() };
    for seed in 0..5 {
        let (_folder, path) = folder();
        let sst = field(seed);
        write_fields_with(&path, &[&sst], &provenance(), &options).unwrap();
        assert_eq!(validate(&path).unwrap(), vec![]);
        let scale = Dataset::open(&path).unwrap().variable("sst").unwrap().number("scale_factor").unwrap();
        let back = read(&path, "sst", &ReadOptions::default()).unwrap();
        assert_eq!(back.mask(), sst.mask());
        assert_eq!(back.time(), sst.time());
        for (got, want) in back.values().iter().zip(sst.values()) {
            // half a step, and two roundings to f32 of numbers below 64 (4e-6)
            assert!((f64::from(*got) - f64::from(*want)).abs() <= 0.5 * scale + 4e-6, "{got} {want} {scale}");
        }
    }
}

#[test]
fn the_same_field_gives_the_same_bytes() {
    let (_folder, path) = folder();
    let other = path.with_file_name("other.nc");
    // HDF5 stamps what it makes with the second, so the two are compared when both were made within one.
    let second = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    for _ in 0..20 {
        let before = second();
        write_fields(&path, &[&field(1)], &provenance()).unwrap();
        write_fields(&other, &[&field(1)], &provenance()).unwrap();
        if second() == before {
            assert!(std::fs::read(&path).unwrap() == std::fs::read(&other).unwrap());
            return;
        }
    }
    panic!("two small files were never written within one second");
}

#[test]
fn what_cannot_be_written_is_refused_and_leaves_nothing() {
    let (folder, path) = folder();
    let sst = field(1);
    let later = sst.slice(0..1, 0..7, 0..11).unwrap().named("later");
    let packed = WriteOptions { packing: Packing::Int16 { scale: 1e-5, offset: 0.0 }, ..WriteOptions::default() };
    let cases: [(CfResult<()>, &str); 5] = [
        (write_fields(&path, &[], &provenance()), "no field"),
        (write_fields(&path, &[&sst, &sst], &provenance()), "written twice"),
        (write_fields(&path, &[&sst, &later], &provenance()), "do not share"),
        (write_fields(&path, &[&sst.clone().named("1st name")], &provenance()), "is no CF name"),
        (write_fields_with(&path, &[&sst], &provenance(), &packed), "larger scale"),
    ];
    for (result, words) in cases {
        let sentence = result.unwrap_err().to_string();
        assert!(sentence.contains(words), "{sentence}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Adds coordinate variables `lat` and `lon`.
fn axes(file: &mut Builder, lat: &[f64], lon: &[f64]) -> CfResult<()> {
    for (name, values, units) in [("lat", lat, "degrees_north"), ("lon", lon, "degrees_east")] {
        file.dimension(name, values.len())?;
        file.variable(name, ElementType::F32, &[name])?;
        file.attribute(Some(name), "units", units)?;
    }
    Ok(())
}

fn put_axes(file: &mut Builder, lat: &[f64], lon: &[f64]) -> CfResult<()> {
    file.put("lat", &Raw::F32(lat.iter().map(|v| *v as f32).collect()))?;
    file.put("lon", &Raw::F32(lon.iter().map(|v| *v as f32).collect()))
}

/// A file laid out as OISST v2.1: (time, zlev, lat, lon), int16 of 0.01 degree Celsius, 0..360.
fn oisst(path: &Path) {
    let lat: Vec<f64> = (0..4).map(|i| -67.5 + 45.0 * i as f64).collect();
    let lon: Vec<f64> = (0..8).map(|i| 22.5 + 45.0 * i as f64).collect();
    write_file(path, Container::Netcdf4, |file| {
        file.unlimited_dimension("time", 1)?;
        file.dimension("zlev", 1)?;
        axes(file, &lat, &lon)?;
        file.variable("time", ElementType::F32, &["time"])?;
        file.attribute(Some("time"), "units", "days since 1978-01-01 12:00:00")?;
        file.variable("sst", ElementType::I16, &["time", "zlev", "lat", "lon"])?;
        file.attribute(Some("sst"), "units", "Celsius")?;
        file.attribute(Some("sst"), "_FillValue", -999i16)?;
        file.attribute(Some("sst"), "scale_factor", 0.01f32)?;
        file.attribute(Some("sst"), "add_offset", 0.0f32)?;
        put_axes(file, &lat, &lon)?;
        file.put("time", &Raw::F32(vec![1.0]))?;
        file.put("sst", &Raw::I16((0..32).map(|i| if i == 9 { -999 } else { 100 * i }).collect()))
    })
    .unwrap();
}

#[test]
fn a_file_like_oisst() {
    let (_folder, path) = folder();
    oisst(&path);
    let sst = read(&path, "sst", &ReadOptions::default()).unwrap();
    assert_eq!(sst.shape(), [1, 4, 8]);
    assert_eq!(sst.get(0, 1, 2), Some(10.0)); // row 1, column 2 is number 10: 1000 * 0.01
    assert_eq!(sst.get(0, 1, 1), None);
    // 1978-01-02 12:00 is eight years (two leap), one day and a half after 1970
    assert_eq!(sst.time().seconds(), &[(8.0 * 365.0 + 2.0 + 1.5) * 86_400.0]);
    let rolled = roll_longitude(&sst).unwrap();
    assert_eq!(rolled.longitude().centres()[0], -157.5);
    assert_eq!(rolled.get(0, 0, 0), Some(4.0)); // 202.5 east, column 4
    let bounds = Some(BoundingBox { south: -30.0, north: 30.0, west: -70.0, east: 70.0 });
    let around = read(&path, "sst", &ReadOptions { bounds, unit: Some(Unit::Kelvin), ..ReadOptions::default() }).unwrap();
    assert_eq!(around.longitude().centres(), &[-67.5, -22.5, 22.5, 67.5]);
    assert_eq!(around.latitude().centres(), &[-22.5, 22.5]);
    assert_eq!(around.frame(0), &[287.15, 288.15, 281.15, 0.0, 295.15, 296.15, 289.15, 290.15]);
}

#[test]
fn a_part_of_the_globe_across_the_date_line_is_not_rolled() {
    let (_folder, path) = folder();
    oisst(&path);
    let bounds = Some(BoundingBox { south: -90.0, north: 90.0, west: 150.0, east: 210.0 });
    let pacific = read(&path, "sst", &ReadOptions { bounds, ..ReadOptions::default() }).unwrap();
    assert_eq!(pacific.longitude().centres(), &[157.5, 202.5]);
    assert!(roll_longitude(&pacific).unwrap_err().to_string().contains("cross the date line"));
}

#[test]
fn transposed_and_descending_files_read_as_the_plain_one() {
    let lat = [10.0, 20.0, 30.0];
    let lon = [0.0, 1.0, 2.0, 3.0];
    let level_of = |t: usize, z: usize, y: usize, x: usize| (1000 * t + 100 * z + 10 * y + x) as f32;
    let write = |path: &Path, order: [&str; 4], descending: bool| {
        write_file(path, Container::Data64, |file| {
            let rows: Vec<f64> = if descending { lat.iter().rev().copied().collect() } else { lat.to_vec() };
            axes(file, &rows, &lon)?;
            file.dimension("time", 2)?;
            file.dimension("depth", 2)?;
            file.variable("time", ElementType::F64, &["time"])?;
            file.attribute(Some("time"), "units", "hours since 1970-01-01")?;
            file.variable("thetao", ElementType::F32, &order)?;
            file.attribute(Some("thetao"), "units", "degree_Celsius")?;
            put_axes(file, &rows, &lon)?;
            file.put("time", &Raw::F64(vec![0.0, 24.0]))?;
            let lengths = order.map(|d| match d {
                "lat" => 3,
                "lon" => 4,
                _ => 2,
            });
            let mut values = Vec::new();
            for i in 0..48usize {
                let mut left = i;
                let mut at = [0; 4];
                for position in (0..4).rev() {
                    at[position] = left % lengths[position];
                    left /= lengths[position];
                }
                let of = |d: &str| order.iter().position(|o| *o == d).map_or(0, |p| at[p]);
                let row = if descending { 2 - of("lat") } else { of("lat") };
                values.push(level_of(of("time"), of("depth"), row, of("lon")));
            }
            file.put("thetao", &Raw::F32(values))
        })
        .unwrap();
    };
    let orders = [["time", "depth", "lat", "lon"], ["lon", "lat", "depth", "time"], ["depth", "lon", "time", "lat"]];
    for order in orders {
        for descending in [false, true] {
            let (_folder, path) = folder();
            write(&path, order, descending);
            let options = ReadOptions { level: Some(1), times: Some(1..2), ..ReadOptions::default() };
            let got = read(&path, "thetao", &options).unwrap();
            assert_eq!(got.latitude().centres(), &lat);
            let want: Vec<f32> = (0..12).map(|i| level_of(1, 1, i / 4, i % 4)).collect();
            assert_eq!(got.values(), want, "{order:?} {descending}");
            assert_eq!(got.time().seconds(), &[86_400.0]);
            let sentence = read(&path, "thetao", &ReadOptions::default()).unwrap_err().to_string();
            assert!(sentence.contains("'depth' of length 2; say which level"), "{sentence}");
        }
    }
}

#[test]
fn what_the_file_leaves_open_is_asked_for() {
    let (_folder, path) = folder();
    let (lat, lon) = ([0.0, 1.0], [5.0, 6.0]);
    write_file(&path, Container::Classic, |file| {
        axes(file, &lat, &lon)?;
        file.dimension("y", 2)?;
        file.dimension("x", 2)?;
        file.variable("plain", ElementType::F32, &["lat", "lon"])?;
        file.variable("odd", ElementType::F32, &["lat", "lon"])?;
        file.attribute(Some("odd"), "units", "furlong")?;
        file.variable("nav_lat", ElementType::F32, &["y", "x"])?;
        file.variable("curved", ElementType::F32, &["y", "x"])?;
        file.attribute(Some("curved"), "units", "K")?;
        put_axes(file, &lat, &lon)?;
        for name in ["plain", "odd", "nav_lat", "curved"] {
            // the last is NC_FILL_FLOAT, which files of the 1990s leave without a word
            file.put(name, &Raw::F32(vec![1.0, 2.0, f32::NAN, 9.969_21e36]))?;
        }
        Ok(())
    })
    .unwrap();
    let refused = |variable: &str, words: &str| {
        let sentence = read(&path, variable, &ReadOptions::default()).unwrap_err().to_string();
        assert!(sentence.contains(words), "{sentence}");
    };
    refused("plain", "has no units attribute");
    refused("odd", "is 'furlong', which is not known; wanted one of: kelvin");
    refused("curved", "curvilinear");
    refused("sst", "has no variable 'sst'; it has: lat, lon, plain, odd, nav_lat, curved");
    let options = ReadOptions { default_unit: Some(Unit::Celsius), default_time: None, ..ReadOptions::default() };
    let plain = read(&path, "plain", &options).unwrap();
    assert_eq!(plain.mask().cells(), &[Cell::Valid, Cell::Valid, Cell::Missing, Cell::Missing]);
    assert_eq!(plain.time().seconds(), &[0.0]);
    assert_eq!(plain.attributes()["time_note"], "the file states no time");
    let far = Some(BoundingBox { south: 50.0, north: 60.0, west: 0.0, east: 1.0 });
    let sentence = read(&path, "plain", &ReadOptions { bounds: far, ..options.clone() }).unwrap_err().to_string();
    assert!(sentence.contains("holds no cell of 'plain'"), "{sentence}");
    let metres = ReadOptions { unit: Some(Unit::Metre), ..options };
    assert!(read(&path, "plain", &metres).unwrap_err().to_string().contains("cannot be turned into m"));
}

#[test]
fn the_validator_finds_what_readers_stumble_over() {
    let (_folder, path) = folder();
    write_file(&path, Container::Netcdf4, |file| {
        axes(file, &[1.0, 0.5, 0.75], &[0.0])?;
        file.variable("a", ElementType::I16, &["lat", "lon"])?;
        file.attribute(Some("a"), "valid_min", 0i32)?;
        file.attribute(Some("a"), "scale_factor", 0.1f32)?;
        file.attribute(Some("a"), "add_offset", 0.1f64)?;
        file.attribute(Some("a"), "ancillary_variables", "b")?;
        file.attribute(Some("a"), "flag_values", &[1i16, 2][..])?;
        file.attribute(Some("a"), "flag_meanings", "one")?;
        put_axes(file, &[1.0, 0.5, 0.75], &[0.0])
    })
    .unwrap();
    let text = validate(&path).unwrap().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for words in [
        "Conventions names no version",
        "title is missing",
        "lat: the coordinate is not strictly monotone",
        "a: valid_min is int32, the variable int16",
        "a: scale_factor is float32 and add_offset float64",
        "a: ancillary_variables names 'b'",
        "a: flag_values holds 2 numbers, flag_meanings 1 words",
    ] {
        assert!(text.contains(words), "no '{words}' in:\n{text}");
    }
}
