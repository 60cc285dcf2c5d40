//! Damaged files and full disks: an error or the right values, never wrong ones, and nothing left behind.

use std::path::Path;
use std::process::Command;

use isotherm::cf::{CfResult, Container, Dataset, ElementType, Provenance, Raw, write_fields, write_file};
use isotherm::grid::{Axis, AxisKind, Field, Mask, TimeAxis, Unit};

/// Everything a file holds, decoded and stored.
fn content(path: &Path) -> CfResult<Vec<(String, Raw)>> {
    let dataset = Dataset::open(path)?;
    dataset.variables().iter().map(|v| Ok((v.name.clone(), dataset.raw(&v.name)?))).collect()
}

fn small_file(path: &Path, container: Container) {
    write_file(path, container, |file| {
        file.unlimited_dimension("time", 3)?;
        file.dimension("x", 5)?;
        file.variable("fixed", ElementType::I16, &["x"])?;
        file.attribute(Some("fixed"), "units", "kelvin")?;
        file.variable("bytes", ElementType::I8, &["time", "x"])?;
        file.variable("time", ElementType::F64, &["time"])?;
        file.attribute(None, "title", "a small file")?;
        file.put("fixed", &Raw::I16(vec![1, 2, 3, 4, 5]))?;
        file.put("bytes", &Raw::I8((1..16).collect()))?;
        file.put("time", &Raw::F64(vec![1.5, 2.5, 3.5]))
    })
    .unwrap();
}

#[test]
fn every_truncation_is_an_error_or_harmless() {
    let folder = tempfile::tempdir().unwrap();
    for container in [Container::Classic, Container::Offset64, Container::Data64, Container::Netcdf4] {
        let whole = folder.path().join("whole.nc");
        small_file(&whole, container);
        let bytes = std::fs::read(&whole).unwrap();
        let want = content(&whole).unwrap();
        let cut = folder.path().join("cut.nc");
        // All lengths of a small NetCDF-3 file; HDF5 files are mostly metadata, so steps of a prime there.
        let step = if container == Container::Netcdf4 { 61 } else { 1 };
        let mut refused = 0;
        for length in (0..bytes.len()).step_by(step) {
            std::fs::write(&cut, &bytes[..length]).unwrap();
            match content(&cut) {
                Err(error) => {
                    refused += 1;
                    let sentence = error.to_string();
                    assert!(sentence.contains("cut.nc") && !sentence.contains('\n'), "{sentence}");
                }
                Ok(got) => assert_eq!(got, want, "{container:?} cut to {length} of {}", bytes.len()),
            }
        }
        // Only the padding at the end (three bytes at most) can be lost without harm.
        assert!(refused * step + 4 * step >= bytes.len(), "{container:?}: {refused} refused of {}", bytes.len());
    }
}

#[test]
fn a_truncated_classic_file_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.nc");
    small_file(&path, Container::Classic);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 8]).unwrap();
    let sentence = Dataset::open(&path).unwrap_err().to_string();
    let wanted =
        format!("is truncated: its header needs {} bytes, the file has {}; fetch it again", bytes.len(), bytes.len() - 8);
    assert!(sentence.contains(&wanted), "{sentence}");
}

#[test]
fn changed_bits_of_our_files_are_errors_or_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.nc");
    let lat = Axis::regular(AxisKind::Latitude, 0.0, 1.0, 12).unwrap();
    let lon = Axis::regular(AxisKind::Longitude, 0.0, 1.0, 12).unwrap();
    let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
    let values = (0..144).map(|i| (i as f32 * 0.7).sin()).collect();
    let field = Field::new("sst", values, Mask::all_valid(144), time, lat, lon, Unit::Celsius).unwrap();
    write_fields(&path, &[&field], &Provenance { title: "t".into(), ..Provenance::default() }).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let want = content(&path).unwrap();
    let bent = folder.path().join("bent.nc");
    let (mut refused, mut harmless) = (0, 0);
    for at in (0..bytes.len()).step_by(bytes.len() / 400 + 1) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        std::fs::write(&bent, &changed).unwrap();
        match content(&bent) {
            Err(_) => refused += 1,
            Ok(got) => {
                harmless += 1;
                for (name, values) in &want {
                    // A bit in a name loses the variable; the values under a name are right.
                    assert!(got.iter().all(|(n, v)| n != name || v == values), "byte {at}: '{name}' read wrong without error");
                }
            }
        }
    }
    assert!(refused > 0 && harmless > 0, "{refused} refused, {harmless} harmless");
}

#[test]
fn reading_damaged_files_prints_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.nc");
    if std::env::var_os("ISOTHERM_CF_CHILD").is_some() {
        return;
    }
    small_file(&path, Container::Netcdf4);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "child_reads_a_damaged_file", "--nocapture", "--test-threads=1"])
        .env("ISOTHERM_CF_CHILD", &path)
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    assert_eq!(String::from_utf8_lossy(&child.stderr), "");
}

#[test]
#[ignore = "run by reading_damaged_files_prints_nothing in a process of its own"]
fn child_reads_a_damaged_file() {
    let path = std::env::var_os("ISOTHERM_CF_CHILD").expect("the parent names the file");
    for _ in 0..2 {
        let path = path.clone();
        let thread = std::thread::spawn(move || Dataset::open(Path::new(&path)).is_err());
        assert!(thread.join().unwrap());
    }
}

/// A file-size limit stands for the full disk: writes beyond it fail in the same way.
#[test]
fn a_full_disk_leaves_the_old_file_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.nc");
    std::fs::write(&path, b"old").unwrap();
    let shell = Command::new("bash")
        .arg("-c")
        .arg("trap '' XFSZ; ulimit -f 8; exec \"$0\" --ignored --exact child_writes_a_large_file --test-threads=1")
        .arg(std::env::current_exe().unwrap())
        .env("ISOTHERM_CF_CHILD", &path)
        .output();
    let Ok(child) = shell else {
        println!("skipped: there is no bash to set a file-size limit with");
        return;
    };
    assert!(child.status.success(), "{} {}", String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, vec!["a.nc"]);
}

#[test]
#[ignore = "run by a_full_disk_leaves_the_old_file_and_nothing_else under a file-size limit"]
fn child_writes_a_large_file() {
    let path = std::env::var_os("ISOTHERM_CF_CHILD").expect("the parent names the file");
    for container in [Container::Netcdf4, Container::Classic] {
        let result = write_file(Path::new(&path), container, |file| {
            file.dimension("x", 100_000)?;
            file.variable("v", ElementType::F64, &["x"])?;
            file.put("v", &Raw::F64((0..100_000).map(f64::from).collect()))
        });
        let sentence = result.expect_err("the limit is 8 KiB, the file 800 kB").to_string();
        assert!(sentence.contains("a.nc") && !sentence.contains('\n'), "{sentence}");
    }
}
