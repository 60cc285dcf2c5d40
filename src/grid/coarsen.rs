//! Blocks of cells brought to one number each.

use serde::{Deserialize, Serialize};

use super::error::{GridError, GridResult};
use super::field::Field;
use super::mask::{Cell, Mask};
use super::plane::{Sample, check_plane};

/// The one number that stands for a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockStatistic {
    /// Mean of the valid cells.
    Mean,
    /// Median of the valid cells (mean of the middle two where their number is even).
    Median,
    /// The block's first cell, where that is valid (plain striding).
    First,
}

/// What becomes of cells left over where the block does not divide the plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remainder {
    /// It is an error (xarray's `exact`).
    Refuse,
    /// They are dropped (xarray's `trim`).
    Trim,
    /// They make a smaller block (xarray's `pad`).
    Keep,
}

/// A plane of blocks.
#[derive(Clone, Debug, PartialEq)]
pub struct Blocks<T> {
    /// One value a block; 0 where no cell serves.
    pub values: Vec<T>,
    /// Share of a block's cells that are valid; cells beyond the plane do not count.
    pub valid_fraction: Vec<f64>,
    /// Does the block have a value?
    pub valid: Vec<bool>,
    /// Number of block rows.
    pub rows: usize,
    /// Number of block columns.
    pub columns: usize,
}

/// Blocks of `factor` x `factor` cells of a plane; `valid` says which cells count.
///
/// # Errors
/// [`GridError::Length`] where values or mask do not fit the shape; [`GridError::Argument`] where `factor` is 0,
/// or does not divide the plane and `remainder` is [`Remainder::Refuse`].
///
/// # Example
/// ```
/// use isotherm::grid::{coarsen_blocks, BlockStatistic, Remainder};
/// let blocks = coarsen_blocks(
///     &[1.0_f32, 2.0, 3.0, 9.0], &[true, true, true, false], 2, 2, 2, BlockStatistic::Mean, Remainder::Refuse,
/// ).unwrap();
/// assert_eq!((blocks.values[0], blocks.valid_fraction[0]), (2.0, 0.75));
/// ```
pub fn coarsen_blocks<T: Sample>(
    values: &[T],
    valid: &[bool],
    rows: usize,
    columns: usize,
    factor: usize,
    statistic: BlockStatistic,
    remainder: Remainder,
) -> GridResult<Blocks<T>> {
    check_plane("the plane to coarsen", values.len(), rows, columns)?;
    check_plane("the mask of the plane to coarsen", valid.len(), rows, columns)?;
    if factor == 0 || (remainder == Remainder::Refuse && !(rows.is_multiple_of(factor) && columns.is_multiple_of(factor))) {
        return Err(GridError::Argument(format!(
            "blocks of {factor} do not divide {rows} x {columns} cells; trim or keep what is left over, or choose another factor"
        )));
    }
    let count = |length: usize| if remainder == Remainder::Keep { length.div_ceil(factor) } else { length / factor };
    let (block_rows, block_columns) = (count(rows), count(columns));
    let blocks = block_rows * block_columns;
    let mut result = Blocks {
        values: Vec::with_capacity(blocks),
        valid_fraction: Vec::with_capacity(blocks),
        valid: Vec::with_capacity(blocks),
        rows: block_rows,
        columns: block_columns,
    };
    let mut members: Vec<f64> = Vec::with_capacity(factor * factor);
    for block in 0..blocks {
        let (top, left) = ((block / block_columns) * factor, (block % block_columns) * factor);
        let (bottom, right) = ((top + factor).min(rows), (left + factor).min(columns));
        members.clear();
        for y in top..bottom {
            for i in y * columns + left..y * columns + right {
                if valid[i] {
                    members.push(values[i].to_f64());
                }
            }
        }
        result.valid_fraction.push(members.len() as f64 / ((bottom - top) * (right - left)) as f64);
        let first = top * columns + left;
        let value = match statistic {
            BlockStatistic::Mean => mean(&members),
            BlockStatistic::Median => median(&mut members),
            BlockStatistic::First => valid[first].then(|| values[first].to_f64()),
        };
        result.valid.push(value.is_some());
        result.values.push(T::from_f64(value.unwrap_or(0.0)));
    }
    Ok(result)
}

fn mean(members: &[f64]) -> Option<f64> {
    (!members.is_empty()).then(|| members.iter().sum::<f64>() / members.len() as f64)
}

fn median(members: &mut [f64]) -> Option<f64> {
    members.sort_unstable_by(f64::total_cmp);
    let n = members.len();
    match n {
        0 => None,
        _ if n % 2 == 1 => Some(members[n / 2]),
        _ => Some(0.5 * (members[n / 2 - 1] + members[n / 2])),
    }
}

/// Sums of blocks of `factor` x `factor` cells, left-over rows and columns dropped.
///
/// # Panics
/// If `values` does not hold `rows * columns` numbers or `factor` is 0; that is the caller's to know.
pub fn block_sums<T: Sample>(values: &[T], rows: usize, columns: usize, factor: usize) -> Vec<f64> {
    assert_eq!(values.len(), rows * columns, "a plane of {rows} x {columns}");
    let (block_rows, block_columns) = (rows / factor, columns / factor);
    let mut sums = vec![0.0; block_rows * block_columns];
    for y in 0..block_rows * factor {
        let line = &values[y * columns..y * columns + block_columns * factor];
        let out = &mut sums[(y / factor) * block_columns..(y / factor + 1) * block_columns];
        for (sum, part) in out.iter_mut().zip(line.chunks_exact(factor)) {
            *sum += part.iter().map(|v| v.to_f64()).sum::<f64>();
        }
    }
    sums
}

/// Means of blocks of `factor` x `factor` cells of a plane without mask, left-over rows and columns dropped.
///
/// # Panics
/// As [`block_sums`].
///
/// # Example
/// ```
/// use isotherm::grid::coarsen_plane;
/// assert_eq!(coarsen_plane(&[1.0_f32, 2.0, 3.0, 6.0], 2, 2, 2), [3.0]);
/// ```
pub fn coarsen_plane<T: Sample>(values: &[T], rows: usize, columns: usize, factor: usize) -> Vec<T> {
    let cells = (factor * factor) as f64;
    block_sums(values, rows, columns, factor).into_iter().map(|sum| T::from_f64(sum / cells)).collect()
}

/// A field on blocks of `factor` x `factor` cells: the plain mean of a block's valid cells (no area weights: the
/// width of cells changes little within a block). Left-over rows and columns are dropped.
///
/// A block is valid where at least `minimum_valid_fraction` of its cells are, and at least one. Elsewhere it
/// takes the reason most of its masked cells have (of equally many: land, ice, cloud, missing, in this order).
///
/// # Errors
/// [`GridError::Argument`] where `factor` is 0 or larger than an axis, or the fraction not within 0..=1.
pub fn coarsen_mean(field: &Field, factor: usize, minimum_valid_fraction: f64) -> GridResult<Field> {
    if !(0.0..=1.0).contains(&minimum_valid_fraction) {
        return Err(GridError::Argument(format!(
            "the minimum valid fraction of a block is {minimum_valid_fraction}; a share from 0 to 1 is wanted"
        )));
    }
    let (latitude, longitude) = (field.latitude().coarsen(factor)?, field.longitude().coarsen(factor)?);
    let [frames, rows, columns] = field.shape();
    let mut values = Vec::with_capacity(frames * latitude.len() * longitude.len());
    let mut cells = Vec::with_capacity(values.capacity());
    for t in 0..frames {
        let states = field.frame_mask(t);
        let valid: Vec<bool> = states.iter().map(|c| c.is_valid()).collect();
        let blocks = coarsen_blocks(field.frame(t), &valid, rows, columns, factor, BlockStatistic::Mean, Remainder::Trim)?;
        for block in 0..blocks.values.len() {
            // The tolerance lets 0.6 mean 15 cells of 25.
            let enough = blocks.valid[block] && blocks.valid_fraction[block] >= minimum_valid_fraction - 1e-9;
            let (top, left) = ((block / blocks.columns) * factor, (block % blocks.columns) * factor);
            let members = (top..top + factor).flat_map(|y| &states[y * columns + left..y * columns + left + factor]);
            cells.push(if enough { Cell::Valid } else { majority(members) });
        }
        values.extend(blocks.values);
    }
    field.on_grid(values, Mask::from_cells(cells), latitude, longitude)
}

/// The commonest reason among masked cells.
fn majority<'a>(members: impl Iterator<Item = &'a Cell>) -> Cell {
    let mut counts = [0usize; 5];
    members.for_each(|cell| counts[*cell as usize] += 1);
    let reasons = [Cell::Land, Cell::Ice, Cell::Cloud, Cell::Missing];
    let most = reasons.iter().map(|r| counts[*r as usize]).max().unwrap_or(0);
    reasons.into_iter().find(|r| counts[*r as usize] == most).unwrap_or(Cell::Missing)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Axis, AxisKind, Interpolation, TimeAxis, Unit, upsample, upsample_plane};
    use super::*;

    fn field(rows: usize, columns: usize, values: Vec<f32>, cells: Vec<Cell>) -> Field {
        let lat = Axis::regular(AxisKind::Latitude, 0.5, 1.0, rows).unwrap();
        let lon = Axis::regular(AxisKind::Longitude, 0.5, 1.0, columns).unwrap();
        let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
        Field::new("sst", values, Mask::from_cells(cells), time, lat, lon, Unit::Celsius).unwrap()
    }

    #[test]
    fn a_block_by_hand() {
        use Cell::{Cloud, Ice, Land, Valid};
        let low =
            field(2, 4, vec![1.0, 2.0, 9.0, 4.0, 6.0, 9.0, 9.0, 9.0], vec![Valid, Valid, Land, Valid, Valid, Ice, Cloud, Land]);
        let coarse = coarsen_mean(&low, 2, 0.75).unwrap();
        // (1 + 2 + 6) / 3; then one cell of four, land twice against cloud once
        assert_eq!(coarse.values(), &[3.0, 0.0]);
        assert_eq!(coarse.mask().cells(), &[Valid, Land]);
        assert_eq!(coarse.longitude().centres(), &[1.0, 3.0]);
        assert_eq!(coarsen_mean(&low, 2, 0.25).unwrap().values(), &[3.0, 4.0]);
        assert!(coarsen_mean(&low, 3, 0.5).is_err());
        assert!(coarsen_mean(&low, 2, -1.0).is_err());
    }

    #[test]
    fn what_is_left_over_is_refused_trimmed_or_kept() {
        let go =
            |remainder| coarsen_blocks(&[1.0, 3.0, 7.0], &[true; 3], 1, 3, 1, BlockStatistic::Mean, remainder).map(|b| b.values);
        assert_eq!(go(Remainder::Refuse).unwrap(), [1.0, 3.0, 7.0]);
        let go = |remainder| {
            let (values, valid) = ([1.0, 3.0, 7.0, 1.0, 3.0, 7.0], [true; 6]);
            coarsen_blocks(&values, &valid, 2, 3, 2, BlockStatistic::Median, remainder).map(|b| b.values)
        };
        assert!(go(Remainder::Refuse).is_err());
        assert_eq!(go(Remainder::Trim).unwrap(), [2.0]);
        assert_eq!(go(Remainder::Keep).unwrap(), [2.0, 7.0]);
    }

    proptest! {
        #[test]
        fn blocks_of_repeated_cells_are_the_cells(values in prop::collection::vec(-40.0f32..320.0, 12), factor in 1usize..6) {
            let fine = upsample_plane(&values, 3, 4, factor, Interpolation::Nearest, false);
            prop_assert_eq!(coarsen_plane(&fine, 3 * factor, 4 * factor, factor), values);
        }

        #[test]
        fn a_masked_cell_may_hold_anything(values in prop::collection::vec(-40.0f32..320.0, 16), junk in -1e30f32..1e30, at in 0usize..16) {
            let mut cells = vec![Cell::Valid; 16];
            cells[at] = Cell::Cloud;
            let mut other = values.clone();
            other[at] = junk;
            let (a, b) = (field(4, 4, values, cells.clone()), field(4, 4, other, cells));
            prop_assert_eq!(coarsen_mean(&a, 2, 0.5).unwrap(), coarsen_mean(&b, 2, 0.5).unwrap());
            prop_assert_eq!(upsample(&a, 3, Interpolation::Bicubic).unwrap(), upsample(&b, 3, Interpolation::Bicubic).unwrap());
        }
    }
}
