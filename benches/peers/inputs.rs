//! The arrays that `run.py` laid down for both sides: raw little-endian files, described by `inputs.json`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use isotherm::grid::{Axis, AxisKind, Cell, Field, Mask, TimeAxis, Unit};
use serde::Deserialize;

/// What `inputs.json` says.
#[derive(Deserialize)]
struct Index {
    arrays: BTreeMap<String, Description>,
    numbers: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct Description {
    kind: String,
    shape: Vec<usize>,
}

/// A folder of inputs.
pub struct Inputs {
    folder: PathBuf,
    index: Index,
}

impl Inputs {
    pub fn open(folder: &Path) -> Result<Inputs> {
        let path = folder.join("inputs.json");
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        Ok(Inputs { folder: folder.to_path_buf(), index: serde_json::from_str(&text)? })
    }

    /// A file in the folder that is no raw array.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// A number stated for both sides.
    pub fn number(&self, name: &str) -> Result<f64> {
        self.index.numbers.get(name).copied().with_context(|| format!("inputs.json states no number '{name}'"))
    }

    /// Lengths of an array along its axes.
    pub fn shape(&self, name: &str) -> Result<&[usize]> {
        Ok(&self.describe(name)?.shape)
    }

    /// An array of f64.
    pub fn doubles(&self, name: &str) -> Result<Vec<f64>> {
        let bytes = self.bytes(name, "f8")?;
        Ok(bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap_or_default())).collect())
    }

    /// An array of f32.
    pub fn singles(&self, name: &str) -> Result<Vec<f32>> {
        let bytes = self.bytes(name, "f4")?;
        Ok(bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap_or_default())).collect())
    }

    fn describe(&self, name: &str) -> Result<&Description> {
        self.index.arrays.get(name).with_context(|| format!("inputs.json describes no array '{name}'"))
    }

    fn bytes(&self, name: &str, kind: &str) -> Result<Vec<u8>> {
        let description = self.describe(name)?;
        ensure!(description.kind == kind, "array '{name}' is of kind {}, not {kind}", description.kind);
        let bytes = std::fs::read(self.path(&format!("{name}.raw")))?;
        let wanted = description.shape.iter().product::<usize>() * if kind == "f8" { 8 } else { 4 };
        ensure!(bytes.len() == wanted, "array '{name}' has {} bytes instead of {wanted}", bytes.len());
        Ok(bytes)
    }
}

/// Values and mask of what Python keeps as NaN: what reading a file gives on our side.
pub fn masked<T: Copy + Into<f64> + Default>(mut values: Vec<T>) -> (Vec<T>, Vec<bool>) {
    let valid: Vec<bool> = values.iter().map(|v| (*v).into().is_finite()).collect();
    values.iter_mut().zip(&valid).filter(|(_, valid)| !**valid).for_each(|(v, _)| *v = T::default());
    (values, valid)
}

/// Evenly spaced axis.
pub fn axis(kind: AxisKind, first: f64, last: f64, count: usize) -> Result<Axis> {
    let step = (last - first) / (count.max(2) - 1) as f64;
    Ok(Axis::new(kind, (0..count).map(|i| first + i as f64 * step).collect())?)
}

/// A field on the global grid with cells of 180° over `rows`; NaN cells become land.
pub fn global_field(values: Vec<f32>, seconds: Vec<f64>, rows: usize, columns: usize) -> Result<Field> {
    let (values, valid) = masked(values);
    let cell = 180.0 / rows as f64;
    let latitude = axis(AxisKind::Latitude, -90.0 + cell / 2.0, 90.0 - cell / 2.0, rows)?;
    let longitude = axis(AxisKind::Longitude, -180.0 + cell / 2.0, 180.0 - cell / 2.0, columns)?;
    let mask = Mask::from_valid(&valid, Cell::Land);
    Ok(Field::new("sst", values, mask, TimeAxis::from_seconds(seconds)?, latitude, longitude, Unit::Kelvin)?)
}
