//! The real commands on the user's own files: what they write, and how they end on bad input: one clear sentence, a
//! non-zero exit, nothing damaged and nothing half-written.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use isotherm::cf::{Container, Dataset, ElementType, Provenance, Raw, ReadOptions, read_field, write_fields, write_file};
use isotherm::grid::{Axis, AxisKind, Cell, Field, Mask, TimeAxis, Unit, coarsen_mean};

fn isotherm(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_isotherm")).args(arguments).current_dir(folder).env("RUST_BACKTRACE", "0").output().unwrap()
}

/// The one sentence on stderr of a command that failed.
fn sentence(output: &Output) -> String {
    assert!(!output.status.success(), "the command was to fail");
    assert_eq!(output.status.code(), Some(1), "an error, not a crash");
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(text.trim_end().lines().count(), 1, "one sentence is wanted: {text}");
    assert!(text.starts_with("isotherm: "), "{text}");
    text
}

/// A frame of 12 x 16 cells with a front and a patch of land.
fn field() -> Field {
    let latitude = Axis::regular(AxisKind::Latitude, 40.125, 0.25, 12).unwrap();
    let longitude = Axis::regular(AxisKind::Longitude, 10.125, 0.25, 16).unwrap();
    let time = TimeAxis::from_seconds(vec![1_600_000_000.0]).unwrap();
    let values = (0..192).map(|i| 15.0 + (i as f32 * 0.37).sin() + 0.1 * (i / 16) as f32).collect();
    let cells = (0..192).map(|i| if i % 16 < 3 && i < 64 { Cell::Land } else { Cell::Valid }).collect();
    Field::new("sst", values, Mask::from_cells(cells), time, latitude, longitude, Unit::Celsius).unwrap()
}

fn written(folder: &Path) -> PathBuf {
    let path = folder.join("in.nc");
    write_fields(&path, &[&field()], &Provenance::default()).unwrap();
    path
}

#[test]
fn apply_refines_a_file_and_keeps_its_block_means() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    let output = isotherm(&["apply", "bicubic_backprojected", "in.nc", "out.nc"], folder.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("closure"));
    let dataset = Dataset::open(&folder.path().join("out.nc")).unwrap();
    let fine = read_field(&dataset, "sst", &ReadOptions::default()).unwrap();
    assert_eq!(fine.shape(), [1, 60, 80]);
    let back = coarsen_mean(&fine, 5, 1.0).unwrap();
    for (i, (a, b)) in back.values().iter().zip(field().values()).enumerate() {
        assert_eq!(back.mask().is_valid(i), field().mask().is_valid(i));
        // ten rounds of back-projection leave about a thousandth of the spread (1 K)
        assert!((a - b).abs() < 5e-3, "cell {i}: {a} against {b}");
    }
}

/// The same field with the north first, in kelvin.
fn turned() -> Field {
    let field = field();
    let [_, rows, columns] = field.shape();
    let order = |i: usize| (rows - 1 - i / columns) * columns + i % columns;
    let values = (0..192).map(|i| field.values()[order(i)] + 273.15).collect();
    let cells = (0..192).map(|i| field.mask().cells()[order(i)]).collect();
    let latitude = Axis::regular(AxisKind::Latitude, 42.875, -0.25, 12).unwrap();
    let longitude = field.longitude().clone();
    Field::new("sst", values, Mask::from_cells(cells), field.time().clone(), latitude, longitude, Unit::Kelvin).unwrap()
}

#[test]
fn uadm_applies_with_the_weights_that_come_with_the_project() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    write_fields(&folder.path().join("turned.nc"), &[&turned()], &Provenance::default()).unwrap();
    let mut found = Vec::new();
    for (input, output) in [("in.nc", "out.nc"), ("turned.nc", "turned_out.nc")] {
        let ran = isotherm(&["apply", "uadm", input, output, "--members", "2", "--device", "cpu"], folder.path());
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(said.contains("closure") && said.contains("twin"), "{said}");
        let dataset = Dataset::open(&folder.path().join(output)).unwrap();
        let read = |name: &str| read_field(&dataset, name, &ReadOptions::default()).unwrap().ascending().unwrap();
        found.push((read("sst").to_unit(Unit::Celsius).unwrap(), read("sst_spread")));
    }
    let (mean, spread) = &found[0];
    assert_eq!(mean.shape(), [1, 60, 80]);
    let back = coarsen_mean(mean, 5, 1.0).unwrap();
    for (i, (a, b)) in back.values().iter().zip(field().values()).enumerate() {
        assert_eq!(back.mask().is_valid(i), field().mask().is_valid(i));
        assert!(!back.mask().is_valid(i) || (a - b).abs() < 0.02, "cell {i}: {a} against {b}");
    }
    let sea: Vec<usize> = (0..mean.values().len()).filter(|i| mean.mask().is_valid(*i)).collect();
    assert!(sea.iter().all(|i| spread.values()[*i] >= 0.0) && sea.iter().any(|i| spread.values()[*i] > 1e-4));
    // The unit and the order of the rows are the file's affair, not the sea's: float32 kelvin costs a few digits.
    for i in sea {
        let (a, b) = (mean.values()[i], found[1].0.values()[i]);
        assert!((a - b).abs() < 0.02, "cell {i}: {a} against {b}");
    }
    let text = sentence(&isotherm(&["apply", "uadm", "in.nc", "out.nc", "--factor", "4"], folder.path()));
    assert!(text.contains("factor of 5"), "{text}");
    let text = sentence(&isotherm(&["apply", "uadm", "in.nc", "out.nc", "--members", "0"], folder.path()));
    assert!(text.contains("at least 1"), "{text}");
    let text = sentence(&isotherm(&["apply", "uadm", "in.nc", "out.nc", "--device", "gpu"], folder.path()));
    assert!(text.contains("auto, cpu, cuda"), "{text}");
}

#[test]
fn inspect_says_what_a_file_holds() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    let output = isotherm(&["inspect", "in.nc", "--values"], folder.path());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("sst(time=1, lat") && text.contains("180 of 192 valid"), "{text}");
}

#[test]
fn a_truncated_file_is_refused_and_the_old_output_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path());
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(folder.path().join("out.nc"), b"old").unwrap();
    for part in [0, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..part]).unwrap();
        let text = sentence(&isotherm(&["apply", "bicubic", "in.nc", "out.nc"], folder.path()));
        assert!(text.contains("in.nc"), "{text}");
        assert_eq!(std::fs::read(folder.path().join("out.nc")).unwrap(), b"old");
    }
    assert!(sentence(&isotherm(&["inspect", "no.nc"], folder.path())).contains("no.nc"));
}

#[test]
fn a_missing_variable_is_named_with_those_found() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    let text = sentence(&isotherm(&["apply", "bicubic", "in.nc", "out.nc", "--variable", "chlorophyll"], folder.path()));
    assert!(text.contains("chlorophyll") && text.contains("sst"), "{text}");
    assert!(!folder.path().join("out.nc").exists());
}

#[test]
fn an_unknown_unit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write_file(&folder.path().join("in.nc"), Container::Netcdf4, |file| {
        file.dimension("lat", 2)?;
        file.dimension("lon", 2)?;
        for (name, units) in [("lat", "degrees_north"), ("lon", "degrees_east")] {
            file.variable(name, ElementType::F64, &[name])?;
            file.attribute(Some(name), "units", units)?;
        }
        file.variable("sst", ElementType::F32, &["lat", "lon"])?;
        file.attribute(Some("sst"), "units", "furlong")?;
        file.put("lat", &Raw::F64(vec![1.0, 2.0]))?;
        file.put("lon", &Raw::F64(vec![1.0, 2.0]))?;
        file.put("sst", &Raw::F32(vec![1.0; 4]))
    })
    .unwrap();
    let text = sentence(&isotherm(&["apply", "bicubic", "in.nc", "out.nc"], folder.path()));
    assert!(text.contains("furlong") && text.contains("kelvin"), "{text}");
}

#[test]
fn an_unknown_method_and_a_bad_factor_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    let text = sentence(&isotherm(&["apply", "magic", "in.nc", "out.nc"], folder.path()));
    assert!(text.contains("bicubic_backprojected"), "{text}");
    assert!(sentence(&isotherm(&["apply", "bicubic", "in.nc", "out.nc", "--factor", "1"], folder.path())).contains("2 or more"));
    let text = sentence(&isotherm(&["apply", "edsr", "in.nc", "out.nc", "--weights", "in.nc"], folder.path()));
    assert!(text.contains("in.nc"), "{text}");
}

#[test]
fn matchups_and_an_empty_overlap() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    let row = |lat: f64, lon: f64| format!("time,latitude,longitude,sst,platform_id\n2020-09-13T12:00:00Z,{lat},{lon},15.5,b1\n");
    std::fs::write(folder.path().join("near.csv"), row(42.0, 12.0)).unwrap();
    let output = isotherm(&["match", "in.nc", "near.csv", "out.csv"], folder.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(std::fs::read_to_string(folder.path().join("out.csv")).unwrap().lines().count() == 2);
    std::fs::write(folder.path().join("far.csv"), row(-42.0, 12.0)).unwrap();
    let text = sentence(&isotherm(&["match", "in.nc", "far.csv", "far_out.csv"], folder.path()));
    assert!(text.contains("no overlap"), "{text}");
    assert!(!folder.path().join("far_out.csv").exists());
}

#[test]
fn a_wrong_checksum_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cached = folder.path().join("xoa/2026.10.0/xoa/data_samples");
    std::fs::create_dir_all(&cached).unwrap();
    std::fs::write(cached.join("gdp-6203641.csv"), b"not the drifter").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_isotherm"))
        .args(["data", "verify", "xoa"])
        .current_dir(project)
        .env("ISOTHERM_DATA", folder.path())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("gdp-6203641.csv"), "{said}");
}

/// A file-size limit stands for the full disk: writes beyond it fail in the same way.
#[test]
fn a_full_disk_is_one_sentence_and_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    std::fs::write(folder.path().join("out.nc"), b"old").unwrap();
    let output = Command::new("bash")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 8; exec \"$0\" apply bicubic in.nc out.nc --factor 20",
            env!("CARGO_BIN_EXE_isotherm"),
        ])
        .current_dir(folder.path())
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap();
    let text = sentence(&output);
    assert!(text.contains("out.nc"), "{text}");
    assert_eq!(std::fs::read(folder.path().join("out.nc")).unwrap(), b"old");
    let mut left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["in.nc", "out.nc"]);
}
