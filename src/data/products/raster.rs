//! Global rasters without coordinates: pvlib's clear-sky turbidity and altitude, 1/12 degree.

use std::path::Path;

use crate::cf::Dataset;
use crate::data::{DataError, DataResult};
use crate::grid::{Axis, AxisKind, Field, Mask, TimeAxis, Unit, seconds_of_date};

/// Rows of the raster; row 0 touches the North Pole.
const ROWS: usize = 2160;
/// Columns; column 0 touches 180 W.
const COLUMNS: usize = 4320;
/// Degrees of a cell.
const SPACING: f64 = 1.0 / 12.0;
/// The year that a climatology's months are given, for want of one: none of its days is a leap day.
const CLIMATOLOGY_YEAR: i32 = 2001;

/// Linke turbidity (dimensionless) for the twelve months, rows turned south to north. Stored as 20 times its value.
///
/// A proxy for aerosol, with water vapour in it: not an aerosol optical depth.
///
/// # Errors
/// [`DataError::Content`] where the file is not pvlib's `LinkeTurbidities.h5`.
pub fn read_linke_turbidity(path: &Path) -> DataResult<Field> {
    let stored = stored(path, "LinkeTurbidity", &[ROWS, COLUMNS, 12])?;
    let n = ROWS * COLUMNS;
    let mut values = vec![0f32; 12 * n];
    for y in 0..ROWS {
        for x in 0..COLUMNS {
            for month in 0..12 {
                values[month * n + (ROWS - 1 - y) * COLUMNS + x] = (stored[(y * COLUMNS + x) * 12 + month] / 20.0) as f32;
            }
        }
    }
    let middle = |month: u32| chrono::NaiveDate::from_ymd_opt(CLIMATOLOGY_YEAR, month, 15).map(seconds_of_date);
    let time = TimeAxis::from_seconds((1..=12).filter_map(middle).collect())?;
    global("linke_turbidity", values, time, Unit::One)
}

/// Surface altitude in metres, rows turned south to north. Stored as `(altitude + 450) / 28`.
///
/// # Errors
/// [`DataError::Content`] where the file is not pvlib's `Altitude.h5`.
pub fn read_altitude(path: &Path) -> DataResult<Field> {
    let stored = stored(path, "Altitude", &[ROWS, COLUMNS])?;
    let mut values = vec![0f32; ROWS * COLUMNS];
    for y in 0..ROWS {
        for x in 0..COLUMNS {
            values[(ROWS - 1 - y) * COLUMNS + x] = (28.0 * stored[y * COLUMNS + x] - 450.0) as f32;
        }
    }
    global("altitude", values, TimeAxis::from_seconds(vec![0.0])?, Unit::Metre)
}

fn global(name: &str, values: Vec<f32>, time: TimeAxis, unit: Unit) -> DataResult<Field> {
    let latitude = Axis::regular(AxisKind::Latitude, -90.0 + SPACING / 2.0, SPACING, ROWS)?;
    let longitude = Axis::regular(AxisKind::Longitude, -180.0 + SPACING / 2.0, SPACING, COLUMNS)?;
    let mask = Mask::all_valid(values.len());
    Ok(Field::new(name, values, mask, time, latitude, longitude, unit)?)
}

fn stored(path: &Path, variable: &str, shape: &[usize]) -> DataResult<Vec<f64>> {
    let fail = |problem: String| DataError::Content { what: path.display().to_string(), problem };
    let dataset = Dataset::open(path).map_err(|e| fail(e.to_string()))?;
    let raw = dataset.raw(variable).map_err(|e| fail(e.to_string()))?;
    let found = &dataset.variable(variable).map_err(|e| fail(e.to_string()))?.shape;
    if found != shape {
        return Err(fail(format!("'{variable}' has shape {found:?}; {shape:?} is wanted")));
    }
    raw.to_f64().ok_or_else(|| fail(format!("'{variable}' holds no numbers")))
}
