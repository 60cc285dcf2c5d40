//! Resizing planes and fields to another number of cells over the same area.
//!
//! The house convention is PyTorch's: half-pixel centres (`align_corners = false`), bicubic with `a = -0.75`,
//! no antialias, borders clamped; longitudes that go around the globe are periodic. Other conventions give
//! other numbers, so each is a [`ResizeRule`] that names the program it follows.

use serde::{Deserialize, Serialize};

use super::edge::Edge;
use super::error::{GridError, GridResult};
use super::field::Field;
use super::kernel::{CUBIC_A_HOUSE, CUBIC_A_KEYS, Kernel};
use super::land_fill::{Fill, fill_plane};
use super::mask::{Cell, Mask};
use super::plan::{AxisPlan, AxisRule, apply};
use super::plane::{Sample, check_plane, valid_of_frame};

/// Interpolation in the house convention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// The nearest cell.
    Nearest,
    /// Straight lines between centres.
    Bilinear,
    /// Cubic convolution, a = -0.75.
    Bicubic,
}

/// A convention for resizing: which kernel, and what it does at the borders and when shrinking.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResizeRule {
    /// The kernel.
    pub kernel: Kernel,
    /// What lies beyond the borders.
    pub edge: Edge,
    /// Is the first cell's *centre* (not its outer edge) laid on the first cell's centre?
    pub align_corners: bool,
    /// Is the kernel widened by the ratio when shrinking?
    pub antialias: bool,
    /// Do columns go around the globe, whatever `edge` says?
    pub wrap_columns: bool,
}

impl ResizeRule {
    const fn new(kernel: Kernel, edge: Edge, align_corners: bool, antialias: bool) -> ResizeRule {
        ResizeRule { kernel, edge, align_corners, antialias, wrap_columns: false }
    }

    /// The house convention, which is that of PyTorch's `interpolate(align_corners=False)`.
    pub const fn house(interpolation: Interpolation) -> ResizeRule {
        let kernel = match interpolation {
            Interpolation::Nearest => Kernel::Nearest,
            Interpolation::Bilinear => Kernel::Linear,
            Interpolation::Bicubic => Kernel::Cubic { a: CUBIC_A_HOUSE },
        };
        ResizeRule::new(kernel, Edge::Clamp, false, false)
    }

    /// PyTorch's bicubic with `antialias=True`, for which it takes a = -0.5; also Pillow's `BICUBIC`.
    pub const fn antialiased_bicubic() -> ResizeRule {
        ResizeRule::pillow(Kernel::Cubic { a: CUBIC_A_KEYS })
    }

    /// Pillow's `Image.resize`: kernel widened when shrinking, weights renormalised at the borders.
    pub const fn pillow(kernel: Kernel) -> ResizeRule {
        ResizeRule::new(kernel, Edge::Drop, false, true)
    }

    /// SciPy's `ndimage.zoom` as it stands by default: outer centres aligned, cubic spline mirrored about them.
    pub const fn scipy_zoom(kernel: Kernel) -> ResizeRule {
        ResizeRule::new(kernel, Edge::Mirror, true, false)
    }

    /// SciPy's `ndimage.zoom(grid_mode=True)` with the mode that `edge` stands for.
    pub const fn scipy_grid_zoom(kernel: Kernel, edge: Edge) -> ResizeRule {
        ResizeRule::new(kernel, edge, false, false)
    }

    /// scikit-image's `transform.resize` without its antialias filter and without its clipping (mode `reflect`).
    pub const fn skimage(kernel: Kernel) -> ResizeRule {
        ResizeRule::new(kernel, Edge::Mirror, false, false)
    }

    /// The same rule with columns that go around the globe, or not.
    pub const fn wrapping(mut self, wrap_columns: bool) -> ResizeRule {
        self.wrap_columns = wrap_columns;
        self
    }

    fn plans(&self, from: [usize; 2], to: [usize; 2]) -> GridResult<[AxisPlan; 2]> {
        let ResizeRule { kernel, edge, align_corners, antialias, wrap_columns } = *self;
        let rows = AxisRule { kernel, edge, align_corners, antialias };
        let columns = if wrap_columns { AxisRule { edge: Edge::Wrap, ..rows } } else { rows };
        Ok([AxisPlan::resize(from[0], to[0], rows)?, AxisPlan::resize(from[1], to[1], columns)?])
    }
}

/// Resizes a plane of shape `from` (rows, columns) to shape `to` by `rule`.
///
/// # Errors
/// [`GridError::Length`] where `values` does not fit `from`; [`GridError::Argument`] where a spline is asked
/// for with an edge rule it cannot have.
///
/// # Example
/// ```
/// use isotherm::grid::{resize_plane, Kernel, ResizeRule};
/// let row = [0.0_f64, 1.0];
/// let fine = resize_plane(&row, [1, 2], [1, 3], ResizeRule::scipy_zoom(Kernel::Linear)).unwrap();
/// assert_eq!(fine, [0.0, 0.5, 1.0]);
/// ```
pub fn resize_plane<T: Sample>(values: &[T], from: [usize; 2], to: [usize; 2], rule: ResizeRule) -> GridResult<Vec<T>> {
    check_plane("the plane to resize", values.len(), from[0], from[1])?;
    let [vertical, horizontal] = rule.plans(from, to)?;
    if from == to {
        // Every kernel here is 1 at 0 and 0 at other whole numbers, or is made so by its coefficients.
        return Ok(values.to_vec());
    }
    Ok(apply(values, from[1], &vertical, &horizontal))
}

/// A plane with each cell cut into `factor` x `factor`, in the house convention.
///
/// # Panics
/// If `values` does not hold `rows * columns` numbers; that is the caller's to know.
///
/// # Example
/// ```
/// use isotherm::grid::{upsample_plane, Interpolation};
/// let fine = upsample_plane(&[0.0_f32, 1.0], 1, 2, 2, Interpolation::Bilinear, false);
/// assert_eq!(fine[..4], [0.0, 0.25, 0.75, 1.0]);
/// ```
pub fn upsample_plane<T: Sample>(
    values: &[T],
    rows: usize,
    columns: usize,
    factor: usize,
    interpolation: Interpolation,
    wrap_columns: bool,
) -> Vec<T> {
    assert_eq!(values.len(), rows * columns, "a plane of {rows} x {columns}");
    let rule = ResizeRule::house(interpolation).wrapping(wrap_columns);
    match rule.plans([rows, columns], [rows * factor, columns * factor]) {
        Ok([vertical, horizontal]) => apply(values, columns, &vertical, &horizontal),
        Err(never) => unreachable!("house rules hold no spline: {never}"),
    }
}

/// A field with each cell cut into `factor` x `factor`, in the house convention, around the globe where its
/// longitudes go around.
///
/// An output cell is valid where the cell it is part of is valid; elsewhere it keeps that cell's reason.
/// Masked cells are given the value of the nearest valid one first, so that what they hold cannot leak.
///
/// # Errors
/// [`GridError::Argument`] where `factor` is 0.
pub fn upsample(field: &Field, factor: usize, interpolation: Interpolation) -> GridResult<Field> {
    refine_frames(field, factor, |plane, _, rows, columns, wrap| {
        Ok(upsample_plane(plane, rows, columns, factor, interpolation, wrap))
    })
}

/// Refines each frame by `refine(filled plane, which cells were valid, rows, columns, wrap)`, with axes and mask to match.
pub(crate) fn refine_frames<E: From<GridError>>(
    field: &Field,
    factor: usize,
    refine: impl Fn(&[f32], &[bool], usize, usize, bool) -> Result<Vec<f32>, E>,
) -> Result<Field, E> {
    let (latitude, longitude) = (field.latitude().refine(factor)?, field.longitude().refine(factor)?);
    let [frames, rows, columns] = field.shape();
    let wrap = field.longitude().wraps();
    let fine = rows * columns * factor * factor;
    let mut values = Vec::with_capacity(frames * fine);
    let mut cells = Vec::with_capacity(frames * fine);
    for t in 0..frames {
        let valid = valid_of_frame(field, t);
        match fill_plane(field.frame(t), &valid, rows, columns, wrap, Fill::Nearest) {
            Ok(filled) => values.extend(refine(&filled, &valid, rows, columns, wrap)?),
            // A frame without any valid cell stays one.
            Err(GridError::Empty(_)) => values.resize(values.len() + fine, 0.0),
            Err(error) => return Err(error.into()),
        }
        cells.extend(repeat_cells(field.frame_mask(t), columns, factor));
    }
    Ok(field.on_grid(values, Mask::from_cells(cells), latitude, longitude)?)
}

fn repeat_cells(cells: &[Cell], columns: usize, factor: usize) -> impl Iterator<Item = Cell> + '_ {
    cells
        .chunks(columns)
        .flat_map(move |row| (0..factor).flat_map(move |_| row.iter().flat_map(move |cell| std::iter::repeat_n(*cell, factor))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Axis, AxisKind, TimeAxis, Unit};
    use super::*;

    const ALL: [Interpolation; 3] = [Interpolation::Nearest, Interpolation::Bilinear, Interpolation::Bicubic];

    #[test]
    fn bicubic_by_5_of_one_spike_shows_the_kernel() {
        // by hand: (1.25 d - 2.25) d² + 1 up to one cell, -0.75 (d³ - 5 d² + 8 d - 4) up to two
        let half = [1.0, 0.92, 0.72, 0.46, 0.2, 0.0, -0.096, -0.108, -0.072, -0.024];
        let fine = upsample_plane(&[0.0, 0.0, 1.0, 0.0, 0.0], 1, 5, 5, Interpolation::Bicubic, false);
        for (column, got) in fine[..25].iter().enumerate() {
            let want: f64 = half.get(column.abs_diff(12)).copied().unwrap_or(0.0);
            assert!((got - want).abs() < 1e-14, "column {column}: {got}, want {want}");
        }
    }

    #[test]
    fn a_global_plane_is_periodic() {
        // the first fine column lies between the last and the first cell: 0.25 * 4 + 0.75 * 0
        let fine = upsample_plane(&[0.0_f64, 1.0, 2.0, 4.0], 1, 4, 2, Interpolation::Bilinear, true);
        assert_eq!(fine[0], 1.0);
        assert_eq!(fine[7], 3.0);
    }

    fn field(values: Vec<f32>, cells: Vec<Cell>) -> Field {
        let lat = Axis::regular(AxisKind::Latitude, 10.0, 0.25, 2).unwrap();
        let lon = Axis::regular(AxisKind::Longitude, 0.0, 0.25, 3).unwrap();
        let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
        Field::new("sst", values, Mask::from_cells(cells), time, lat, lon, Unit::Celsius).unwrap()
    }

    #[test]
    fn land_does_not_leak_and_keeps_its_reason() {
        use Cell::{Land, Valid};
        // Field::new zeroes masked cells; without the fill the zero would pull its neighbours down
        let low = field(vec![20.0, 20.0, 0.0, 20.0, 20.0, 20.0], vec![Valid, Valid, Land, Valid, Valid, Valid]);
        let fine = upsample(&low, 5, Interpolation::Bicubic).unwrap();
        assert_eq!(fine.shape(), [1, 10, 15]);
        assert_eq!(fine.mask().count_valid(), 5 * 25);
        assert_eq!(fine.mask().cells()[10], Land);
        assert!(fine.values().iter().zip(fine.mask().cells()).all(|(v, c)| !c.is_valid() || (*v - 20.0).abs() < 1e-5));
        assert!(upsample(&low, 0, Interpolation::Nearest).is_err());
        let none = upsample(&field(vec![0.0; 6], vec![Land; 6]), 5, Interpolation::Bicubic).unwrap();
        assert_eq!(none.mask().count_valid(), 0);
    }

    proptest! {
        #[test]
        fn resizing_by_one_changes_nothing(values in prop::collection::vec(-50.0f32..50.0, 12)) {
            for interpolation in ALL {
                for wrap in [false, true] {
                    prop_assert_eq!(&upsample_plane(&values, 3, 4, 1, interpolation, wrap), &values);
                }
            }
        }

        #[test]
        fn a_constant_stays_one(value in -50.0f32..320.0, rows in 1usize..6, columns in 1usize..6, factor in 1usize..6) {
            for interpolation in ALL {
                let fine = upsample_plane(&vec![value; rows * columns], rows, columns, factor, interpolation, false);
                prop_assert!(fine.iter().all(|v| *v == value));
            }
        }

        #[test]
        fn rows_and_columns_are_treated_alike(values in prop::collection::vec(-50.0f64..50.0, 12)) {
            let turned: Vec<f64> = (0..12).map(|i| values[(i % 3) * 4 + i / 3]).collect();
            let a = upsample_plane(&values, 3, 4, 3, Interpolation::Bicubic, false);
            let b = upsample_plane(&turned, 4, 3, 3, Interpolation::Bicubic, false);
            for y in 0..9 {
                for x in 0..12 {
                    prop_assert!((a[y * 12 + x] - b[x * 9 + y]).abs() < 1e-12);
                }
            }
        }
    }
}
