//! Files that isotherm writes, read by netCDF4-python and xarray, where a Python that has them is found:
//! `ISOTHERM_PYTHON=<interpreter> cargo test --test cf_peers`.

use std::path::Path;
use std::process::Command;

use isotherm::cf::{GhrsstMetadata, Packing, Provenance, WriteOptions, write_fields_with, write_ghrsst};
use isotherm::grid::{Axis, AxisKind, Cell, Field, Mask, TimeAxis, Unit};

/// Prints for each variable: values as text, NaN where masked; then the decoded times.
const READER: &str = r#"
import sys, numpy as np, netCDF4, xarray as xr
path, name = sys.argv[1:3]
with netCDF4.Dataset(path) as d:
    v = d[name]
    assert v.filters()["zlib"] and v.filters()["fletcher32"], v.filters()
    print(" ".join(repr(float(x)) for x in np.ma.filled(v[:].astype("f8"), np.nan).ravel()))
    t = d["time"]
    print(" ".join(x.strftime("%Y-%m-%dT%H:%M:%S") for x in netCDF4.num2date(t[:], t.units, t.calendar)))
with xr.open_dataset(path, engine="netcdf4") as d:
    print(" ".join(repr(float(x)) for x in d[name].values.ravel()))
    print(" ".join(np.datetime_as_string(d["time"].values, unit="s")))
"#;

fn peer() -> Option<String> {
    let python = std::env::var("ISOTHERM_PYTHON").unwrap_or_else(|_| "python3".into());
    let found = Command::new(&python).args(["-c", "import xarray, netCDF4"]).output();
    if found.is_ok_and(|o| o.status.success()) {
        return Some(python);
    }
    println!("skipped: {python} cannot import xarray and netCDF4; set ISOTHERM_PYTHON to one that can");
    None
}

fn field() -> Field {
    let lat = Axis::regular(AxisKind::Latitude, 30.0, 0.5, 2).unwrap();
    let lon = Axis::regular(AxisKind::Longitude, 120.0, 0.5, 3).unwrap();
    let time = TimeAxis::from_seconds(vec![951_825_600.0]).unwrap(); // 2000-02-29T12:00:00Z
    let mut cells = vec![Cell::Valid; 6];
    cells[4] = Cell::Cloud;
    let values = vec![18.25, 19.5, 20.75, 21.125, 0.0, 23.0625];
    Field::new("sst", values, Mask::from_cells(cells), time, lat, lon, Unit::Celsius).unwrap()
}

/// Both peers read the field within `tolerance` of its values plus `offset`, and its time.
fn check(python: &str, path: &Path, variable: &str, offset: f64, tolerance: f64) {
    let output = Command::new(python).args(["-c", READER]).arg(path).arg(variable).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    let field = field();
    for values in [lines[0], lines[2]] {
        let values: Vec<f64> = values.split(' ').map(|v| v.parse().unwrap()).collect();
        assert_eq!(values.len(), field.values().len());
        for ((got, want), cell) in values.iter().zip(field.values()).zip(field.mask().cells()) {
            match cell.is_valid() {
                true => assert!((got - f64::from(*want) - offset).abs() <= tolerance, "{got} {want}"),
                false => assert!(got.is_nan(), "{got}"),
            }
        }
    }
    assert_eq!((lines[1], lines[3]), ("2000-02-29T12:00:00", "2000-02-29T12:00:00"));
}

#[test]
fn python_reads_what_isotherm_writes() {
    let Some(python) = peer() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.nc");
    let provenance = Provenance { title: "t".into(), ..Provenance::default() };
    let packings =
        [(Packing::Float32, 0.0), (Packing::Int16 { scale: 0.01, offset: 20.0 }, 0.0051), (Packing::Int16Fitted, 1e-3)];
    for (packing, tolerance) in packings {
        let options = WriteOptions { packing, bounds: true, ..WriteOptions::default() };
        write_fields_with(&path, &[&field()], &provenance, &options).unwrap();
        check(&python, &path, "sst", 0.0, tolerance);
    }
    let metadata = GhrsstMetadata {
        provenance,
        institution: "isotherm".into(),
        id: "TEST-L4".into(),
        product_version: "1".into(),
        licence: "MIT".into(),
        created_seconds: 0.0,
        period_seconds: 86_400.0,
    };
    write_ghrsst(&path, &field(), None, None, &metadata).unwrap();
    check(&python, &path, "analysed_sst", 273.15, 0.0051);
}
