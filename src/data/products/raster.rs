//! Global rasters without coordinates: pvlib's clear-sky turbidity and altitude, 1/12 degree.
//!
//! The geometry follows from the shape: rows from the North Pole to the South Pole, twice as many columns from
//! 180 W eastwards.

use std::ops::Range;
use std::path::Path;

use crate::cf::{BoundingBox, Dataset, Raw, ReadOptions};
use crate::data::{DataError, DataResult};
use crate::grid::{Axis, AxisKind, Cell, Field, Mask, TimeAxis, Unit, seconds_of_date};

/// The year that a climatology's months are given, for want of one: none of its days is a leap day.
const CLIMATOLOGY_YEAR: i32 = 2001;
/// Bytes read at a time, at most (unless one row has more).
const BYTES_AT_A_TIME: usize = 1 << 23;

/// The byte of an altitude that is not known, as it is over most of the sea.
const ALTITUDE_NO_DATA: u8 = 255;

/// A variable of bytes: its name in the file, its months (none for a constant) and what a byte means.
struct Raster {
    variable: &'static str,
    months: Option<usize>,
    name: &'static str,
    unit: Unit,
    /// The value of a stored byte; `None` where it stands for "no data".
    decode: fn(u8) -> Option<f32>,
}

const LINKE_TURBIDITY: Raster = Raster {
    variable: "LinkeTurbidity",
    months: Some(12),
    name: "linke_turbidity",
    unit: Unit::One,
    decode: |stored| Some(f32::from(stored) / 20.0),
};

const ALTITUDE: Raster = Raster {
    variable: "Altitude",
    months: None,
    name: "altitude",
    unit: Unit::Metre,
    decode: |stored| (stored != ALTITUDE_NO_DATA).then(|| 28.0 * f32::from(stored) - 450.0),
};

/// Linke turbidity (dimensionless) for the twelve months, rows turned south to north. Stored as 20 times its value.
///
/// A proxy for aerosol, with water vapour in it: not an aerosol optical depth. `options.times` chooses months
/// (`6..7` is July) and `options.bounds` an area west of the date line; the rest of the options means nothing here.
/// The whole file makes a field of 560 MB.
///
/// # Errors
/// [`DataError::Cf`] where the file is damaged or has no such variable; [`DataError::Content`] where the shape is not
/// that of pvlib's `LinkeTurbidities.h5` (rows, twice as many columns, 12) or nothing lies in the part asked for.
///
/// # Example
/// ```no_run
/// use isotherm::cf::{BoundingBox, ReadOptions};
/// use isotherm::data::products::raster::read_linke_turbidity;
/// let sahara = BoundingBox { south: 0.0, north: 45.0, west: -20.0, east: 70.0 };
/// let july = ReadOptions { times: Some(6..7), bounds: Some(sahara), ..ReadOptions::default() };
/// let turbidity = read_linke_turbidity("LinkeTurbidities.h5".as_ref(), &july)?;
/// # Ok::<(), isotherm::data::DataError>(())
/// ```
pub fn read_linke_turbidity(path: &Path, options: &ReadOptions) -> DataResult<Field> {
    read(path, &LINKE_TURBIDITY, options)
}

/// Surface altitude in metres, rows turned south to north. Stored as `(altitude + 450) / 28`; 255 stands for no data
/// (most of the sea) and becomes [`Cell::Missing`].
///
/// `options.bounds` chooses an area, as in [`read_linke_turbidity`].
///
/// # Errors
/// As [`read_linke_turbidity`], for pvlib's `Altitude.h5`.
pub fn read_altitude(path: &Path, options: &ReadOptions) -> DataResult<Field> {
    read(path, &ALTITUDE, options)
}

fn read(path: &Path, raster: &Raster, options: &ReadOptions) -> DataResult<Field> {
    let fail = |problem: String| DataError::Content { what: path.display().to_string(), problem };
    let dataset = Dataset::open(path)?;
    let shape = dataset.variable(raster.variable)?.shape.clone();
    let (height, width) = match (shape.as_slice(), raster.months) {
        ([height, width, months], Some(wanted)) if months == &wanted && *width == 2 * height => (*height, *width),
        ([height, width], None) if *width == 2 * height => (*height, *width),
        _ => {
            let months = raster.months.map_or(String::new(), |m| format!(", {m}"));
            return Err(fail(format!(
                "'{}' has shape {shape:?}; [rows, twice as many columns{months}] is wanted",
                raster.variable
            )));
        }
    };
    let spacing = 180.0 / height as f64;
    let (rows, columns) = match &options.bounds {
        None => (0..height, 0..width),
        Some(area) => (
            inside(height, |row| 90.0 - spacing * (row + 0.5), area.south, area.north),
            inside(width, |column| -180.0 + spacing * (column + 0.5), area.west, area.east),
        ),
    };
    let months = options.times.clone().unwrap_or(0..raster.months.unwrap_or(1));
    if rows.is_empty() || columns.is_empty() || months.is_empty() || months.end > raster.months.unwrap_or(1) {
        return Err(fail(format!(
            "holds nothing of months {months:?} in {}; longitudes -180 to 180, west before east, are wanted",
            options.bounds.as_ref().map_or("the whole globe".into(), |b: &BoundingBox| format!("{b:?}"))
        )));
    }
    let part = [rows, columns, months];
    let (values, mask) = decoded(&dataset, raster, &part)?;
    let [rows, columns, months] = part;
    let latitude = Axis::regular(AxisKind::Latitude, 90.0 - spacing * (rows.end as f64 - 0.5), spacing, rows.len())?;
    let longitude = Axis::regular(AxisKind::Longitude, -180.0 + spacing * (columns.start as f64 + 0.5), spacing, columns.len())?;
    let time = match raster.months {
        None => TimeAxis::from_seconds(vec![0.0])?,
        Some(_) => TimeAxis::from_seconds(months.filter_map(|m| middle(m as u32 + 1)).collect())?,
    };
    Ok(Field::new(raster.name, values, mask, time, latitude, longitude, raster.unit)?)
}

/// The values and cells of a part, (month, row from the south, column), read in bands of rows.
fn decoded(dataset: &Dataset, raster: &Raster, [rows, columns, months]: &[Range<usize>; 3]) -> DataResult<(Vec<f32>, Mask)> {
    let (height, width, depth) = (rows.len(), columns.len(), months.len());
    let mut values = vec![0f32; depth * height * width];
    let mut mask = Mask::all_valid(values.len());
    let cells = mask.cells_mut();
    let rows_at_a_time = (BYTES_AT_A_TIME / (width * depth)).max(1);
    for first in rows.clone().step_by(rows_at_a_time) {
        let band = first..rows.end.min(first + rows_at_a_time);
        let mut ranges = vec![band.clone(), columns.clone()];
        ranges.extend(raster.months.map(|_| months.clone()));
        let Raw::U8(stored) = dataset.raw_slab(raster.variable, &ranges)? else {
            let found = dataset.variable(raster.variable)?.element.name();
            let problem = format!("'{}' is {found}; uint8 is wanted", raster.variable);
            return Err(DataError::Content { what: dataset.path().display().to_string(), problem });
        };
        for (y, row) in band.zip(stored.chunks_exact(width * depth)) {
            let from_south = rows.end - 1 - y;
            for (x, cell) in row.chunks_exact(depth).enumerate() {
                for (month, byte) in cell.iter().enumerate() {
                    let to = (month * height + from_south) * width + x;
                    match (raster.decode)(*byte) {
                        Some(value) => values[to] = value,
                        None => cells[to] = Cell::Missing,
                    }
                }
            }
        }
    }
    Ok((values, mask))
}

/// The positions whose centre lies within `low..=high`.
fn inside(len: usize, centre: impl Fn(f64) -> f64, low: f64, high: f64) -> Range<usize> {
    let within = |i: &usize| (low..=high).contains(&centre(*i as f64));
    let first = (0..len).find(within);
    first.zip((0..len).rfind(within)).map_or(0..0, |(a, b)| a..b + 1)
}

/// The start of the 15th of a month, in seconds since 1970.
fn middle(month: u32) -> Option<f64> {
    chrono::NaiveDate::from_ymd_opt(CLIMATOLOGY_YEAR, month, 15).map(seconds_of_date)
}
