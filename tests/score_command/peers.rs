//! The same files scored by xskillscore, where a Python that has it is found:
//! `ISOTHERM_PYTHON=<interpreter> cargo test --test score_command`.

use std::process::Command;

use super::support::*;

/// Prints metrics over everything, weighted by the area given, then RMSE of each day and of each cell.
const PEER: &str = r#"
import sys, numpy as np, xarray as xr, xskillscore as xs
t, p = (xr.open_dataset(f)["sst"].load() for f in sys.argv[1:3])
edges = lambda d: np.sin(np.radians(t.lat + d))
w = (edges(0.5) - edges(-0.5)).broadcast_like(t)
every = ["time", "lat", "lon"]
for name, metric in [("bias", xs.me), ("mae", xs.mae), ("rmse", xs.rmse), ("pearson", xs.pearson_r), ("nse", xs.r2)]:
    # me(a, b) = a - b: prediction first for prediction minus truth
    a, b = (p, t) if name == "bias" else (t, p)
    print(name, repr(float(metric(a, b, dim=every, weights=w, skipna=True))))
print("series", *(repr(float(v)) for v in xs.rmse(t, p, dim=["lat", "lon"], weights=w[0], skipna=True)))
print("map", *(repr(float(v)) for v in xs.rmse(t, p, dim="time", skipna=True).values.ravel()))
"#;

#[test]
fn xskillscore_says_the_same() {
    let python = std::env::var("ISOTHERM_PYTHON").unwrap_or_else(|_| "python3".into());
    let there = Command::new(&python).args(["-c", "import xskillscore, netCDF4"]).output();
    if !there.is_ok_and(|o| o.status.success()) {
        println!("skipped: {python} cannot import xskillscore and netCDF4; set ISOTHERM_PYTHON to one that can");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let truth = Sample::truth(8, 6, 7);
    truth.write(folder.path(), "t.nc");
    truth.prediction(0.5, 3).write(folder.path(), "p.nc");
    let output = Command::new(&python).args(["-c", PEER, "t.nc", "p.nc"]).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers = |name: &str| -> Vec<f64> {
        let line = text.lines().find_map(|l| l.strip_prefix(name)).unwrap();
        line.split_whitespace().map(|v| v.parse().unwrap()).collect()
    };
    let json = json(folder.path(), "t.nc p.nc");
    for metric in ["bias", "mae", "rmse", "pearson", "nse"] {
        // single precision in the peer's arithmetic
        let (ours, peer) = (found(&json, "all", metric).0, numbers(metric)[0]);
        assert!((ours - peer).abs() < 2e-5, "{metric}: {ours} {peer}");
    }
    let series = printed(folder.path(), "t.nc p.nc --over space --metrics rmse");
    for (line, peer) in series.lines().skip(1).zip(numbers("series")) {
        let ours: f64 = line.split(',').nth(3).unwrap().parse().unwrap();
        assert!((ours - peer).abs() < 2e-5, "{ours} {peer}");
    }
    printed(folder.path(), "t.nc p.nc --over time --metrics rmse --output map.nc");
    let dataset = isotherm::cf::Dataset::open(&folder.path().join("map.nc")).unwrap();
    let map = dataset.read("rmse").unwrap();
    for ((ours, valid), peer) in map.values.iter().zip(&map.valid).zip(numbers("map")) {
        assert_eq!(*valid, !peer.is_nan());
        assert!(peer.is_nan() || (ours - peer).abs() < 2e-5, "{ours} {peer}");
    }
}
