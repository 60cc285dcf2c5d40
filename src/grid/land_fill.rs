//! Giving masked cells a value, so that filters and networks can run over them. The mask is kept apart: a filled
//! value is never scored.

use serde::{Deserialize, Serialize};

use super::distance::nearest_valid;
use super::error::GridResult;
use super::field::Field;
use super::harmonic::harmonic_fill;
use super::mask::Mask;
use super::plane::{Sample, check_plane, valid_of_frame};

/// How masked cells are filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    /// The value of the nearest valid cell (exact Euclidean distance in cells).
    Nearest,
    /// Laplace's equation: smooth inland, equal to the sea at the coast.
    Harmonic,
}

/// A plane whose cells that are not valid are filled from those that are; what they hold is not read.
///
/// # Errors
/// [`super::GridError::Length`] where values or mask do not fit; [`super::GridError::Empty`] where no cell is
/// valid; for [`Fill::Harmonic`] also [`super::GridError::Argument`] where a valid value is not finite.
///
/// # Example
/// ```
/// use isotherm::grid::{fill_plane, Fill};
/// let filled = fill_plane(&[4.0_f32, 0.0, 0.0, 1.0], &[true, false, false, true], 1, 4, false, Fill::Nearest).unwrap();
/// assert_eq!(filled, [4.0, 4.0, 1.0, 1.0]);
/// ```
pub fn fill_plane<T: Sample>(
    values: &[T],
    valid: &[bool],
    rows: usize,
    columns: usize,
    wrap_columns: bool,
    fill: Fill,
) -> GridResult<Vec<T>> {
    check_plane("the plane to fill", values.len(), rows, columns)?;
    check_plane("the mask of the plane to fill", valid.len(), rows, columns)?;
    if !valid.contains(&false) {
        return Ok(values.to_vec());
    }
    match fill {
        Fill::Nearest => {
            let nearest = nearest_valid(valid, rows, columns, wrap_columns)?;
            Ok(nearest.source.into_iter().map(|source| values[source]).collect())
        }
        Fill::Harmonic => harmonic_fill(values, valid, rows, columns, wrap_columns),
    }
}

/// A field with every masked cell filled and so every cell valid. Keep the original's mask for scoring.
///
/// # Errors
/// [`super::GridError::Empty`] where a frame has no valid cell.
pub fn fill_masked(field: &Field, fill: Fill) -> GridResult<Field> {
    let [frames, rows, columns] = field.shape();
    let mut values = Vec::with_capacity(field.values().len());
    for t in 0..frames {
        let valid = valid_of_frame(field, t);
        values.extend(fill_plane(field.frame(t), &valid, rows, columns, field.longitude().wraps(), fill)?);
    }
    let mask = Mask::all_valid(values.len());
    field.with_values(values, mask)
}

/// A plane with gaps partly filled, and which of its cells now have a value.
#[derive(Clone, Debug, PartialEq)]
pub struct PartlyFilled<T> {
    /// The values; what stands in a cell that is not valid means nothing.
    pub values: Vec<T>,
    /// Which cells have a value.
    pub valid: Vec<bool>,
}

/// Gaps inside each row bridged by straight lines; nothing beyond a row's first and last valid cell. With
/// `limit`, only the first so many cells of a gap are filled (xarray's `interpolate_na`).
///
/// # Errors
/// [`super::GridError::Length`] where values or mask do not fit.
///
/// # Example
/// ```
/// use isotherm::grid::fill_rows_linear;
/// let row = fill_rows_linear(&[1.0_f64, 0.0, 3.0, 0.0], &[true, false, true, false], 1, 4, None).unwrap();
/// assert_eq!((row.values[1], row.valid[3]), (2.0, false));
/// ```
pub fn fill_rows_linear<T: Sample>(
    values: &[T],
    valid: &[bool],
    rows: usize,
    columns: usize,
    limit: Option<usize>,
) -> GridResult<PartlyFilled<T>> {
    fill_rows(values, valid, rows, columns, limit, |before, after| {
        let (left, at_left) = before;
        let (right, at_right) = after?;
        let slope = (at_right.to_f64() - at_left.to_f64()) / (right - left) as f64;
        Some((at_left.to_f64(), slope))
    })
}

/// Gaps of each row, and what follows its last valid cell, given the last valid value (xarray's `ffill`).
///
/// # Errors
/// [`super::GridError::Length`] where values or mask do not fit.
pub fn fill_rows_forward<T: Sample>(
    values: &[T],
    valid: &[bool],
    rows: usize,
    columns: usize,
    limit: Option<usize>,
) -> GridResult<PartlyFilled<T>> {
    fill_rows(values, valid, rows, columns, limit, |before, _| Some((before.1.to_f64(), 0.0)))
}

/// Fills gaps with the line (value at the cell before, slope a cell) that `line` makes of the cells around.
fn fill_rows<T: Sample>(
    values: &[T],
    valid: &[bool],
    rows: usize,
    columns: usize,
    limit: Option<usize>,
    line: impl Fn((usize, T), Option<(usize, T)>) -> Option<(f64, f64)>,
) -> GridResult<PartlyFilled<T>> {
    check_plane("the plane to fill", values.len(), rows, columns)?;
    check_plane("the mask of the plane to fill", valid.len(), rows, columns)?;
    let mut filled = PartlyFilled { values: values.to_vec(), valid: valid.to_vec() };
    for row in 0..rows {
        let (start, end) = (row * columns, (row + 1) * columns);
        let known: Vec<usize> = (start..end).filter(|i| valid[*i]).collect();
        for (k, before) in known.iter().enumerate() {
            let after = known.get(k + 1).copied();
            let Some((value, slope)) = line((*before, values[*before]), after.map(|i| (i, values[i]))) else { continue };
            let gap = before + 1..after.unwrap_or(end);
            for i in gap.take(limit.unwrap_or(columns)) {
                filled.values[i] = T::from_f64(value + slope * (i - before) as f64);
                filled.valid[i] = true;
            }
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::super::{Axis, AxisKind, Cell, GridError, TimeAxis, Unit};
    use super::*;

    #[test]
    fn rows_do_not_run_into_each_other() {
        let (values, valid) = ([0.0_f64, 2.0, 0.0, 0.0, 6.0, 0.0], [false, true, false, false, true, false]);
        let forward = fill_rows_forward(&values, &valid, 2, 3, None).unwrap();
        assert_eq!(forward.valid, [false, true, true, false, true, true]);
        assert_eq!((forward.values[2], forward.values[5]), (2.0, 6.0));
        let linear = fill_rows_linear(&values, &valid, 2, 3, None).unwrap();
        assert_eq!(linear.valid, valid);
        let limited = fill_rows_linear(&values, &valid, 1, 6, Some(1)).unwrap();
        assert_eq!(limited.valid, [false, true, true, false, true, false]);
        assert!((limited.values[2] - (2.0 + 4.0 / 3.0)).abs() < 1e-15);
    }

    #[test]
    fn a_field_is_filled_frame_by_frame() {
        let lat = Axis::regular(AxisKind::Latitude, 0.5, 1.0, 1).unwrap();
        let lon = Axis::regular(AxisKind::Longitude, 0.5, 1.0, 3).unwrap();
        let time = TimeAxis::from_seconds(vec![0.0, 1.0]).unwrap();
        let cells = vec![Cell::Land, Cell::Valid, Cell::Valid, Cell::Valid, Cell::Cloud, Cell::Valid];
        let make = |cells| {
            let values = vec![9.0, 1.0, 2.0, 3.0, 9.0, 5.0];
            Field::new("sst", values, Mask::from_cells(cells), time.clone(), lat.clone(), lon.clone(), Unit::Celsius).unwrap()
        };
        let harmonic = fill_masked(&make(cells.clone()), Fill::Harmonic).unwrap();
        for (got, want) in harmonic.values().iter().zip([1.0, 1.0, 2.0, 3.0, 4.0, 5.0]) {
            assert!((got - want).abs() < 1e-5);
        }
        assert_eq!(fill_masked(&make(cells), Fill::Nearest).unwrap().values()[..4], [1.0, 1.0, 2.0, 3.0]);
        assert!(matches!(fill_masked(&make(vec![Cell::Land; 6]), Fill::Nearest), Err(GridError::Empty(_))));
    }
}
