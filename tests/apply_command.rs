//! `isotherm apply uadm` and `isotherm coarsen` on files as people bring them: any unit, packing, order and count of the axes, much
//! land, several times. One sea in many files must come out as one sea.

use std::path::Path;
use std::process::Command;

use isotherm::cf::{Container, Dataset, ElementType, Raw, ReadOptions, read_field, write_file};
use isotherm::grid::{Field, Unit};

const ROWS: usize = 10;
const COLUMNS: usize = 16;
/// Hundredths of a degree, in which all files can hold the sea exactly.
const FILL: i16 = -32768;

/// Runs the command, which must succeed, and gives what it said.
fn isotherm(arguments: &[&str], folder: &Path) -> String {
    let ran = Command::new(env!("CARGO_BIN_EXE_isotherm")).args(arguments).current_dir(folder).output().unwrap();
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

/// More than half of the cells.
fn is_land(y: usize, x: usize) -> bool {
    x < 7 || (x < 12 && y > 5) || (y, x) == (2, 13)
}

/// Hundredths of a degree Celsius at a time.
fn hundredths(time: usize, y: usize, x: usize) -> i16 {
    let (y, x, t) = (y as f64, x as f64, time as f64);
    (1500.0 + 150.0 * (0.55 * x - 0.4 * y + t).sin() + 60.0 * (1.1 * y + 0.3 * t).cos()).round() as i16
}

/// How a file holds the sea.
struct Form {
    latitudes: Vec<f64>,
    longitudes: Vec<f64>,
    kelvin: bool,
    packed: bool,
    /// What a file without packing holds on land.
    land: f32,
    times: std::ops::Range<usize>,
}

impl Form {
    fn plain() -> Form {
        Form {
            latitudes: (0..ROWS).map(|y| 40.125 + 0.25 * y as f64).collect(),
            longitudes: (0..COLUMNS).map(|x| -11.875 + 0.25 * x as f64).collect(),
            kelvin: false,
            packed: false,
            land: f32::NAN,
            times: 0..1,
        }
    }

    /// The sea's row and column at a place of the file.
    fn place(&self, y: usize, x: usize) -> (usize, usize) {
        let plain = Form::plain();
        let row = plain.latitudes.iter().position(|lat| (lat - self.latitudes[y]).abs() < 1e-9).unwrap();
        (row, plain.longitudes.iter().position(|lon| ((lon - self.longitudes[x]).rem_euclid(360.0)).abs() < 1e-9).unwrap())
    }

    fn write(&self, path: &Path) {
        let cells = self.times.clone().flat_map(|t| (0..ROWS * COLUMNS).map(move |i| (t, i / COLUMNS, i % COLUMNS)));
        let sea = cells.map(|(t, y, x)| {
            let (row, column) = self.place(y, x);
            (!is_land(row, column)).then(|| hundredths(t, row, column))
        });
        write_file(path, Container::Netcdf4, |file| {
            for (name, units, values) in [("lat", "degrees_north", &self.latitudes), ("lon", "degrees_east", &self.longitudes)] {
                file.dimension(name, values.len())?;
                file.variable(name, ElementType::F64, &[name])?;
                file.attribute(Some(name), "units", units)?;
                file.put(name, &Raw::F64(values.clone()))?;
            }
            file.dimension("time", self.times.len())?;
            file.variable("time", ElementType::F64, &["time"])?;
            file.attribute(Some("time"), "units", "days since 2020-01-01")?;
            file.put("time", &Raw::F64(self.times.clone().map(|t| t as f64).collect()))?;
            let element = if self.packed { ElementType::I16 } else { ElementType::F32 };
            file.variable("sst", element, &["time", "lat", "lon"])?;
            file.attribute(Some("sst"), "units", if self.kelvin { "kelvin" } else { "degree_Celsius" })?;
            let offset = if self.kelvin { 273.15 } else { 0.0 };
            if self.packed {
                file.attribute(Some("sst"), "scale_factor", 0.01)?;
                file.attribute(Some("sst"), "add_offset", offset)?;
                file.attribute(Some("sst"), "_FillValue", FILL)?;
                file.put("sst", &Raw::I16(sea.map(|v| v.unwrap_or(FILL)).collect()))
            } else {
                file.attribute(Some("sst"), "_FillValue", self.land)?;
                let value = |v: i16| (0.01 * f64::from(v) + offset) as f32;
                file.put("sst", &Raw::F32(sea.map(|v| v.map_or(self.land, value)).collect()))
            }
        })
        .unwrap();
    }
}

/// Mean and spread of a frame in degrees Celsius by the sea's own place, row by row from the south.
fn refined(folder: &Path, form: &Form) -> Vec<(Vec<Option<f32>>, Vec<Option<f32>>)> {
    form.write(&folder.join("in.nc"));
    let said = isotherm(&["apply", "uadm", "in.nc", "out.nc", "--members", "2", "--device", "cpu"], folder);
    assert!(said.contains("closure"), "{said}");
    let dataset = Dataset::open(&folder.join("out.nc")).unwrap();
    let read = |name: &str| read_field(&dataset, name, &ReadOptions::default()).unwrap();
    let (mean, spread) = (read("sst").to_unit(Unit::Celsius).unwrap(), read("sst_spread"));
    assert_eq!(mean.shape(), [form.times.len(), 5 * ROWS, 5 * COLUMNS]);
    let frame = |field: &Field, t: usize| -> Vec<Option<f32>> {
        (0..field.frame_len()).map(|i| field.frame_mask(t)[i].is_valid().then(|| field.frame(t)[i])).collect()
    };
    (0..mean.frames()).map(|t| (frame(&mean, t), frame(&spread, t))).collect()
}

fn assert_alike(found: &[Option<f32>], wanted: &[Option<f32>], tolerance: f32, what: &str) {
    assert_eq!(found.len(), wanted.len());
    for (i, (a, b)) in found.iter().zip(wanted).enumerate() {
        match (a, b) {
            (Some(a), Some(b)) => assert!((a - b).abs() <= tolerance, "{what}, cell {i}: {a} against {b}"),
            (None, None) => {}
            _ => panic!("{what}, cell {i}: {a:?} against {b:?}"),
        }
    }
}

#[test]
fn one_sea_in_many_files_is_refined_alike() {
    let folder = tempfile::tempdir().unwrap();
    let land = (0..ROWS * COLUMNS).filter(|i| is_land(i / COLUMNS, i % COLUMNS)).count();
    assert!(2 * land > ROWS * COLUMNS, "more than half of the grid is to be land");
    let plain = refined(folder.path(), &Form::plain());
    for (i, value) in plain[0].0.iter().enumerate() {
        let (y, x) = (i / (5 * COLUMNS) / 5, i % (5 * COLUMNS) / 5);
        assert_eq!(value.is_none(), is_land(y, x), "land is kept, and nothing else is masked");
    }
    let sea = plain[0].1.iter().flatten();
    assert!(sea.clone().all(|s| *s >= 0.0) && sea.clone().any(|s| *s > 1e-3), "the members differ");
    let turned = |values: Vec<f64>| -> Vec<f64> { values.into_iter().rev().collect() };
    let around = |values: Vec<f64>| -> Vec<f64> { values.into_iter().map(|lon| lon + 360.0).collect() };
    let (latitudes, longitudes) = (Form::plain().latitudes, Form::plain().longitudes);
    // In kelvin a 32-bit number ends at 3e-5, which the network makes a few times larger.
    let forms = [
        ("land of another value", Form { land: -1e30, ..Form::plain() }, 0.0),
        ("longitudes of 0 to 360", Form { longitudes: around(longitudes.clone()), ..Form::plain() }, 0.0),
        ("north first", Form { latitudes: turned(latitudes.clone()), ..Form::plain() }, 0.0),
        ("integers", Form { packed: true, ..Form::plain() }, 1e-5),
        ("kelvin", Form { kelvin: true, ..Form::plain() }, 1e-3),
        (
            "integers in kelvin, north first, 0 to 360",
            Form { latitudes: turned(latitudes), longitudes: around(longitudes), kelvin: true, packed: true, ..Form::plain() },
            1e-3,
        ),
    ];
    for (what, form, tolerance) in forms {
        let found = refined(folder.path(), &form);
        assert_alike(&found[0].0, &plain[0].0, tolerance, what);
        assert_alike(&found[0].1, &plain[0].1, tolerance, &format!("spread, {what}"));
    }
    // Each time by itself gives what it gives among others.
    let all = refined(folder.path(), &Form { times: 0..3, ..Form::plain() });
    assert_alike(&all[0].0, &plain[0].0, 0.0, "first of three times");
    let last = refined(folder.path(), &Form { times: 2..3, ..Form::plain() });
    assert_alike(&all[2].0, &last[0].0, 0.0, "last of three times");
}

#[test]
fn a_global_map_comes_out_alike_however_its_longitudes_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    const AROUND: usize = 36;
    let mut found: Vec<Vec<Option<f32>>> = Vec::new();
    for west in [-175.0, 5.0] {
        let longitudes: Vec<f64> = (0..AROUND).map(|x| west + 10.0 * x as f64).collect();
        write_file(&folder.path().join("globe.nc"), Container::Netcdf4, |file| {
            let latitudes: Vec<f64> = (0..8).map(|y| -35.0 + 10.0 * y as f64).collect();
            let sst = (0..8 * AROUND).map(|i| {
                let (y, lon) = (i / AROUND, longitudes[i % AROUND].to_radians());
                (15.0 + 2.0 * (3.0 * lon).sin() + (y as f64 + 5.0 * lon).cos()) as f32
            });
            let sst = Raw::F32(sst.collect());
            for (name, units, values) in [("lat", "degrees_north", latitudes), ("lon", "degrees_east", longitudes.clone())] {
                file.dimension(name, values.len())?;
                file.variable(name, ElementType::F64, &[name])?;
                file.attribute(Some(name), "units", units)?;
                file.put(name, &Raw::F64(values))?;
            }
            file.variable("sst", ElementType::F32, &["lat", "lon"])?;
            file.attribute(Some("sst"), "units", "degree_Celsius")?;
            file.put("sst", &sst)
        })
        .unwrap();
        isotherm(&["apply", "uadm", "globe.nc", "fine.nc", "--members", "2", "--device", "cpu"], folder.path());
        let dataset = Dataset::open(&folder.path().join("fine.nc")).unwrap();
        let fine = read_field(&dataset, "sst", &ReadOptions::default()).unwrap();
        let first = fine.longitude().centres()[0];
        assert!((first - (west - 4.0)).abs() < 1e-9, "the file's own count is kept: {first}");
        let columns = fine.shape()[2];
        // From the date line on.
        let skipped = if west < 0.0 { 0 } else { columns / 2 };
        found.push((0..fine.frame_len()).map(|i| Some(fine.values()[i / columns * columns + (i + skipped) % columns])).collect());
    }
    assert_alike(&found[1], &found[0], 1e-3, "0 to 360 against -180 to 180");
}

#[test]
fn a_fine_field_is_coarsened_refined_and_scored_in_three_lines() {
    let folder = tempfile::tempdir().unwrap();
    // 53 x 82 cells: three rows and two columns fill no block.
    write_file(&folder.path().join("fine.nc"), Container::Netcdf4, |file| {
        let axis = |start: f64, n: usize| (0..n).map(|i| start + 0.05 * i as f64).collect::<Vec<f64>>();
        for (name, units, values) in [("lat", "degrees_north", axis(40.025, 53)), ("lon", "degrees_east", axis(10.025, 82))] {
            file.dimension(name, values.len())?;
            file.variable(name, ElementType::F64, &[name])?;
            file.attribute(Some(name), "units", units)?;
            file.put(name, &Raw::F64(values))?;
        }
        file.variable("analysed_sst", ElementType::I16, &["lat", "lon"])?;
        file.attribute(Some("analysed_sst"), "units", "kelvin")?;
        file.attribute(Some("analysed_sst"), "scale_factor", 0.01)?;
        file.attribute(Some("analysed_sst"), "add_offset", 273.15)?;
        file.attribute(Some("analysed_sst"), "_FillValue", FILL)?;
        let value = |i: usize| {
            let (y, x) = (i / 82, i % 82);
            // One cell of land in the block of row 1 and column 2 masks all of it.
            if (y, x) == (7, 11) { FILL } else { (1500.0 + 200.0 * (0.21 * x as f64).sin() * (0.17 * y as f64).cos()) as i16 }
        };
        file.put("analysed_sst", &Raw::I16((0..53 * 82).map(value).collect()))
    })
    .unwrap();
    let said = isotherm(&["coarsen", "fine.nc", "coarse.nc"], folder.path());
    assert!(said.contains("1 x 10 x 16, 159 valid cells") && said.contains("last 3 rows and 2 columns"), "{said}");
    let dataset = Dataset::open(&folder.path().join("coarse.nc")).unwrap();
    let coarse = read_field(&dataset, "analysed_sst", &ReadOptions::default()).unwrap();
    assert!(!coarse.frame_mask(0)[16 + 2].is_valid());
    assert!((coarse.latitude().centres()[0] - 40.125).abs() < 1e-6 && (coarse.longitude().spacing() - 0.25).abs() < 1e-6);
    // The first block's mean by hand.
    let block = (0..25).map(|i| 200.0 * (0.21 * f64::from(i % 5)).sin() * (0.17 * f64::from(i / 5)).cos());
    let mean = block.map(|v| (1500.0 + v).trunc()).sum::<f64>() / 2500.0 + 273.15;
    assert!((f64::from(coarse.values()[0]) - mean).abs() < 1e-3, "{} against {mean}", coarse.values()[0]);
    isotherm(&["apply", "uadm", "coarse.nc", "uadm.nc", "--members", "2", "--device", "cpu"], folder.path());
    let said = isotherm(&["score", "fine.nc", "uadm.nc", "--prediction-variable", "analysed_sst", "--csv"], folder.path());
    assert!(said.contains("rmse") && said.contains("3975"), "all fine cells of the 159 coarse ones: {said}");
}
