//! Files larger than the memory allowed.

use std::process::{Command, Stdio};

use isotherm::cf::{Container, ElementType, Raw, write_file};

const DAYS: usize = 40;
const ROWS: usize = 720;
const COLUMNS: usize = 1440;

/// A file of 332 MB is scored within 64 MB for its values (and what the program itself takes).
#[test]
fn the_peak_stays_bounded() {
    if !std::path::Path::new("/proc/self/status").exists() {
        println!("skipped: no /proc to read the peak of memory from");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("both.nc");
    write_file(&path, Container::Offset64, |file| {
        let axis = |first: f64, step: f64, n: usize| Raw::F64((0..n).map(|i| first + step * i as f64).collect());
        let axes = [
            ("time", "days since 2020-01-01", axis(0.5, 1.0, DAYS)),
            ("lat", "degrees_north", axis(-89.875, 0.25, ROWS)),
            ("lon", "degrees_east", axis(0.125, 0.25, COLUMNS)),
        ];
        for (name, units, values) in &axes {
            file.dimension(name, values.len())?;
            file.variable(name, ElementType::F64, &[name])?;
            file.attribute(Some(name), "units", *units)?;
        }
        for name in ["truth", "prediction"] {
            file.variable(name, ElementType::F32, &["time", "lat", "lon"])?;
            file.attribute(Some(name), "units", "degree_Celsius")?;
        }
        // A classic file is defined as a whole before the first value comes.
        axes.iter().try_for_each(|(name, _, values)| file.put(name, values))?;
        for day in 0..DAYS {
            let frame = [day..day + 1, 0..ROWS, 0..COLUMNS];
            let truth: Vec<f32> = (0..ROWS * COLUMNS).map(|i| (i % 977) as f32 * 0.01).collect();
            // errors of 1, 3, 1, 3, ...: RMSE √5 wherever the columns are even in number
            let prediction = truth.iter().enumerate().map(|(i, v)| v + if i % 2 == 0 { 1.0 } else { 3.0 }).collect();
            file.put_slab("truth", &frame, &Raw::F32(truth))?;
            file.put_slab("prediction", &frame, &Raw::F32(prediction))?;
        }
        Ok(())
    })
    .unwrap();
    assert!(std::fs::metadata(&path).unwrap().len() > 330_000_000);
    for (more, printed) in [("--metrics rmse", "2.2361"), ("--metrics rmse --over time --output map.nc", "1.00000 to 3.00000")] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_isotherm"))
            .args("score both.nc both.nc --truth-variable truth --prediction-variable prediction --memory 64".split(' '))
            .args(more.split(' '))
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let status = format!("/proc/{}/status", child.id());
        let mut peak_kilobytes = 0;
        // The high-water mark only grows; the last look before the end is the one that counts.
        while child.try_wait().unwrap().is_none() {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:"));
            let found = line.and_then(|l| l.trim().trim_end_matches(" kB").trim().parse::<u64>().ok());
            peak_kilobytes = peak_kilobytes.max(found.unwrap_or(0));
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(printed), "{text}");
        println!("peak {peak_kilobytes} kB");
        // 64 MB of values, 12 MB of map, and the program with its libraries
        assert!((1..200_000).contains(&peak_kilobytes), "peak of {peak_kilobytes} kB");
    }
}
