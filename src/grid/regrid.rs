//! Values of a field on other latitudes and longitudes.

use rayon::prelude::*;

use super::axis::Axis;
use super::error::{GridError, GridResult};
use super::field::Field;
use super::kernel::{CUBIC_A_HOUSE, Kernel};
use super::lookup::{Bracket, Lookup};
use super::mask::{Cell, Mask};
use super::points::{check_minimum_weight, enough};
use super::resample::Interpolation;

/// A field interpolated to the centres of other axes, of any direction and turn of longitude.
///
/// Nothing is extrapolated: a target centre beyond the source's outer *centres* (for
/// [`Interpolation::Nearest`]: outside its outer *cells*) becomes [`Cell::Missing`]. Longitudes that go around
/// the globe have no end. For grids whose cells nest, [`super::upsample`] and [`super::coarsen_mean`] are exact
/// to the border; towards a coarser grid interpolation aliases, so take the mean first.
///
/// Masked corners are left out and the weights of the valid ones renormalised. A target is valid where these
/// carry more than `minimum_weight` of the whole (or all of it); else it keeps the reason of the nearest masked
/// corner. Bicubic needs its 4 x 4 cells all valid (clamped at the borders, in index space); elsewhere it falls
/// back on bilinear.
///
/// # Errors
/// [`GridError::Argument`] where `minimum_weight` is not within 0..=1, or an axis is not of its kind.
///
/// # Example
/// ```
/// use isotherm::grid::{regrid, Axis, AxisKind, Field, Interpolation, Mask, TimeAxis, Unit};
/// let axis = |kind, start| Axis::regular(kind, start, 1.0, 2).unwrap();
/// let (lat, lon) = (axis(AxisKind::Latitude, 0.0), axis(AxisKind::Longitude, 350.0));
/// let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
/// let field = Field::new("sst", vec![1.0, 2.0, 3.0, 4.0], Mask::all_valid(4), time, lat, lon, Unit::Celsius).unwrap();
/// let (lat, lon) =
///     (Axis::new(AxisKind::Latitude, vec![0.5]).unwrap(), Axis::new(AxisKind::Longitude, vec![-9.5]).unwrap());
/// let point = regrid(&field, &lat, &lon, Interpolation::Bilinear, 0.5).unwrap();
/// assert_eq!(point.values(), &[2.5]);
/// ```
pub fn regrid(
    field: &Field,
    latitude: &Axis,
    longitude: &Axis,
    interpolation: Interpolation,
    minimum_weight: f64,
) -> GridResult<Field> {
    check_minimum_weight(minimum_weight)?;
    for (target, source) in [(latitude, field.latitude()), (longitude, field.longitude())] {
        if target.kind() != source.kind() {
            return Err(GridError::Argument(format!(
                "a {} axis was given as the target of the field's {} axis",
                target.kind().name(),
                source.kind().name()
            )));
        }
    }
    let source = Source { rows: Lookup::new(field.latitude()), columns: Lookup::new(field.longitude()) };
    let rows = Target::of(&source.rows, latitude);
    let columns = Target::of(&source.columns, longitude);
    let (width, frame) = (longitude.len(), latitude.len() * longitude.len());
    let mut values = vec![0.0_f32; frame * field.frames()];
    let mut cells = vec![Cell::Missing; values.len()];
    values.par_chunks_mut(width).zip(cells.par_chunks_mut(width)).enumerate().for_each(|(line, (out, states))| {
        let (t, y) = (line / latitude.len(), line % latitude.len());
        let plane = Plane { source: &source, values: field.frame(t), cells: field.frame_mask(t) };
        if interpolation == Interpolation::Bilinear {
            if let Some(row) = rows.brackets[y] {
                plane.bilinear_row(row, &columns.ends, minimum_weight, out, states);
            }
            return;
        }
        for (x, (value, state)) in out.iter_mut().zip(states).enumerate() {
            let found = match interpolation {
                Interpolation::Nearest => plane.nearest(rows.cells[y], columns.cells[x]),
                Interpolation::Bilinear | Interpolation::Bicubic => plane
                    .bicubic(rows.brackets[y], columns.brackets[x])
                    .map_or_else(|| plane.bilinear(rows.brackets[y], columns.brackets[x], minimum_weight), Ok),
            };
            match found {
                Ok(found) => (*value, *state) = (found as f32, Cell::Valid),
                Err(reason) => *state = reason,
            }
        }
    });
    field.on_grid(values, Mask::from_cells(cells), latitude.clone(), longitude.clone())
}

struct Source {
    rows: Lookup,
    columns: Lookup,
}

/// Where each target centre of one axis lies in the source.
struct Target {
    brackets: Vec<Option<Bracket>>,
    cells: Vec<Option<usize>>,
    ends: Vec<Option<Ends>>,
}

/// The two source cells around a target centre, by position, with their weights.
#[derive(Clone, Copy)]
struct Ends {
    positions: [usize; 2],
    weights: [f64; 2],
}

impl Ends {
    fn of(source: &Lookup, bracket: Bracket) -> Ends {
        let lower = bracket.lower as isize;
        Ends { positions: [source.cell(lower), source.cell(lower + 1)], weights: [1.0 - bracket.fraction, bracket.fraction] }
    }
}

impl Target {
    fn of(source: &Lookup, axis: &Axis) -> Target {
        let brackets: Vec<Option<Bracket>> = axis.centres().iter().map(|c| source.bracket(*c)).collect();
        Target {
            ends: brackets.iter().map(|bracket| bracket.map(|b| Ends::of(source, b))).collect(),
            brackets,
            cells: axis.centres().iter().map(|c| source.containing(*c)).collect(),
        }
    }
}

struct Plane<'a> {
    source: &'a Source,
    values: &'a [f32],
    cells: &'a [Cell],
}

impl Plane<'_> {
    /// Value of a cell counted upwards from south-west, or the reason why it has none.
    fn at(&self, row: isize, column: isize) -> Result<f64, Cell> {
        let index = self.source.rows.cell(row) * self.source.columns.len() + self.source.columns.cell(column);
        if self.cells[index].is_valid() { Ok(f64::from(self.values[index])) } else { Err(self.cells[index]) }
    }

    fn nearest(&self, row: Option<usize>, column: Option<usize>) -> Result<f64, Cell> {
        let (Some(row), Some(column)) = (row, column) else { return Err(Cell::Missing) };
        self.at(row as isize, column as isize)
    }

    fn bilinear(&self, row: Option<Bracket>, column: Option<Bracket>, minimum_weight: f64) -> Result<f64, Cell> {
        let (Some(y), Some(x)) = (row, column) else { return Err(Cell::Missing) };
        let (rows, columns) = (Ends::of(&self.source.rows, y), Ends::of(&self.source.columns, x));
        self.between(rows, columns, minimum_weight)
    }

    /// A row of targets.
    fn bilinear_row(&self, row: Bracket, columns: &[Option<Ends>], minimum_weight: f64, values: &mut [f32], states: &mut [Cell]) {
        let rows = Ends::of(&self.source.rows, row);
        for ((value, state), ends) in values.iter_mut().zip(states).zip(columns) {
            let Some(ends) = ends else { continue };
            match self.between(rows, *ends, minimum_weight) {
                Ok(found) => (*value, *state) = (found as f32, Cell::Valid),
                Err(reason) => *state = reason,
            }
        }
    }

    /// The mean of four cells by their weights, or the reason of the heaviest masked one. Without a branch for each
    /// corner, since near coasts and clouds none could be foretold.
    #[inline]
    fn between(&self, rows: Ends, columns: Ends, minimum_weight: f64) -> Result<f64, Cell> {
        let width = self.source.columns.len();
        let (mut sum, mut weight) = (0.0, 0.0);
        let mut heaviest = (0.0, Cell::Missing);
        for (row, wy) in rows.positions.into_iter().zip(rows.weights) {
            for (column, wx) in columns.positions.into_iter().zip(columns.weights) {
                let index = row * width + column;
                let (cell, share) = (self.cells[index], wy * wx);
                let valid = cell.is_valid();
                sum += if valid { share * f64::from(self.values[index]) } else { 0.0 };
                weight += if valid { share } else { 0.0 };
                let heavier = !valid & (share > heaviest.0);
                heaviest = if heavier { (share, cell) } else { heaviest };
            }
        }
        if enough(weight, minimum_weight) { Ok(sum / weight) } else { Err(heaviest.1) }
    }

    fn bicubic(&self, row: Option<Bracket>, column: Option<Bracket>) -> Option<f64> {
        let (y, x) = (row?, column?);
        let kernel = Kernel::Cubic { a: CUBIC_A_HOUSE };
        let mut sum = 0.0;
        for dy in -1..=2 {
            let weight = kernel.weight(f64::from(dy) - y.fraction);
            for dx in -1..=2 {
                let value = self.at(y.lower as isize + dy as isize, x.lower as isize + dx as isize).ok()?;
                sum += weight * kernel.weight(f64::from(dx) - x.fraction) * value;
            }
        }
        Some(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AxisKind, TimeAxis, Unit, upsample};
    use super::*;

    fn axis(kind: AxisKind, start: f64, spacing: f64, count: usize) -> Axis {
        Axis::regular(kind, start, spacing, count).unwrap()
    }

    fn field(latitude: Axis, longitude: Axis, value: impl Fn(f64, f64) -> f64) -> Field {
        let values: Vec<f32> =
            latitude.centres().iter().flat_map(|y| longitude.centres().iter().map(|x| value(*y, *x) as f32)).collect();
        let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
        let mask = Mask::all_valid(values.len());
        Field::new("sst", values, mask, time, latitude, longitude, Unit::Celsius).unwrap()
    }

    #[test]
    fn a_plane_is_met_exactly_in_either_direction_and_turn() {
        let source = field(axis(AxisKind::Latitude, 50.0, -0.5, 9), axis(AxisKind::Longitude, 355.0, 0.5, 9), |y, x| y + 0.1 * x);
        let (lat, lon) = (axis(AxisKind::Latitude, 47.1, 0.3, 5), axis(AxisKind::Longitude, -4.3, 0.3, 6));
        for interpolation in [Interpolation::Bilinear, Interpolation::Bicubic] {
            let got = regrid(&source, &lat, &lon, interpolation, 0.5).unwrap();
            assert_eq!(got.mask().count_valid(), 30);
            if interpolation == Interpolation::Bilinear {
                for (y, latitude) in lat.centres().iter().enumerate() {
                    for (x, longitude) in lon.centres().iter().enumerate() {
                        let want = latitude + 0.1 * (longitude + 360.0);
                        assert!((f64::from(got.get(0, y, x).unwrap()) - want).abs() < 1e-4);
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_is_extrapolated_but_the_globe_has_no_end() {
        let source = field(axis(AxisKind::Latitude, 0.0, 1.0, 3), axis(AxisKind::Longitude, 45.0, 90.0, 4), |_, x| x);
        let lat = Axis::new(AxisKind::Latitude, vec![-0.6, -0.4, 1.0]).unwrap();
        let lon = Axis::new(AxisKind::Longitude, vec![0.0, 90.0]).unwrap();
        let linear = regrid(&source, &lat, &lon, Interpolation::Bilinear, 0.0).unwrap();
        // 0 E is midway between 315 and 45
        assert_eq!(linear.values(), &[0.0, 0.0, 0.0, 0.0, 180.0, 90.0]);
        assert_eq!(linear.frame_mask(0)[1], Cell::Missing);
        let nearest = regrid(&source, &lat, &lon, Interpolation::Nearest, 0.0).unwrap();
        assert_eq!(nearest.mask().count_valid(), 4); // -0.4 lies in the cell of 0, -0.6 in none
    }

    #[test]
    fn interior_of_a_nested_grid_equals_upsampling() {
        let wave = |y: f64, x: f64| (3.0 * y).sin() + (2.0 * x).cos();
        let source = field(axis(AxisKind::Latitude, 0.0, 0.25, 8), axis(AxisKind::Longitude, 10.0, 0.25, 9), wave);
        for interpolation in [Interpolation::Nearest, Interpolation::Bilinear, Interpolation::Bicubic] {
            let fine = upsample(&source, 5, interpolation).unwrap();
            let got = regrid(&source, fine.latitude(), fine.longitude(), interpolation, 0.0).unwrap();
            assert!(got.mask().count_valid() >= 36 * 41);
            for (i, cell) in got.mask().cells().iter().enumerate() {
                assert!(!cell.is_valid() || (got.values()[i] - fine.values()[i]).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn masked_corners_are_renormalised_down_to_the_minimum_weight() {
        let source = field(axis(AxisKind::Latitude, 0.0, 1.0, 1), axis(AxisKind::Longitude, 0.0, 1.0, 2), |_, x| 7.0 + x);
        let source = source.masked(&Mask::from_cells(vec![Cell::Valid, Cell::Ice])).unwrap();
        let lat = axis(AxisKind::Latitude, 0.0, 1.0, 1);
        let lon = Axis::new(AxisKind::Longitude, vec![0.25, 0.75]).unwrap();
        let got = regrid(&source, &lat, &lon, Interpolation::Bicubic, 0.5).unwrap();
        assert_eq!(got.values(), &[7.0, 0.0]);
        assert_eq!(got.mask().cells(), &[Cell::Valid, Cell::Ice]);
        assert!(regrid(&source, &lat, &lon, Interpolation::Bilinear, 1.5).is_err());
        assert!(regrid(&source, &lon, &lat, Interpolation::Bilinear, 0.5).is_err());
    }
}
