//! [`Refinement`]: how many times finer the output is than the input.

use serde::{Deserialize, Serialize};

use crate::grid::{Axis, GridResult, Interpolation, coarsen_plane, upsample_plane};

/// The two published refinements. Both are made on the lattice of cells five times finer, of which two by two make one cell of
/// the smaller refinement: so a factor that is no whole number still has whole cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refinement {
    /// Korean waters: 0.25 to 0.05 degree.
    #[default]
    Five,
    /// The global ocean: 0.25 to 0.1 degree.
    TwoAndAHalf,
}

impl Refinement {
    /// Cells of the lattice along one coarse cell.
    const LATTICE: usize = 5;

    /// Cells of the lattice along one fine cell.
    fn merged(self) -> usize {
        match self {
            Refinement::Five => 1,
            Refinement::TwoAndAHalf => 2,
        }
    }

    /// How many fine cells lie along so many coarse ones; the last of an odd number is left out.
    ///
    /// # Example
    /// ```
    /// use isotherm::methods::kiost::Refinement;
    /// assert_eq!((Refinement::Five.cells(120), Refinement::TwoAndAHalf.cells(120)), (600, 300));
    /// ```
    pub fn cells(self, coarse: usize) -> usize {
        coarse * Refinement::LATTICE / self.merged()
    }

    /// The refinement from one shape `[rows, columns]` to another; none where it is neither.
    pub fn between(coarse: [usize; 2], fine: [usize; 2]) -> Option<Refinement> {
        let fits = |r: &Refinement| (0..2).all(|i| coarse[i] * Refinement::LATTICE == fine[i] * r.merged());
        [Refinement::Five, Refinement::TwoAndAHalf].into_iter().find(fits)
    }

    /// The bicubic of a coarse plane on the fine cells.
    pub(super) fn bicubic(self, coarse: &[f32], rows: usize, columns: usize) -> Vec<f32> {
        let lattice = upsample_plane(coarse, rows, columns, Refinement::LATTICE, Interpolation::Bicubic, false);
        match self.merged() {
            1 => lattice,
            merged => coarsen_plane(&lattice, rows * Refinement::LATTICE, columns * Refinement::LATTICE, merged),
        }
    }

    /// The mean of a fine plane (of so many rows and columns) on the coarse cells.
    pub(super) fn coarse_means(self, fine: &[f32], rows: usize, columns: usize) -> Vec<f32> {
        let merged = self.merged();
        let (high, wide) = (rows * merged, columns * merged);
        let lattice: Vec<f32> = (0..high * wide).map(|i| fine[i / wide / merged * columns + i % wide / merged]).collect();
        coarsen_plane(&lattice, high, wide, Refinement::LATTICE)
    }

    /// The fine axis over a coarse one.
    ///
    /// # Errors
    /// From the grid floor.
    pub(super) fn axis(self, coarse: &Axis) -> GridResult<Axis> {
        coarse.refine(Refinement::LATTICE)?.coarsen(self.merged())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::AxisKind;

    #[test]
    fn shapes_tell_the_refinement() {
        assert_eq!(Refinement::between([8, 16], [40, 80]), Some(Refinement::Five));
        assert_eq!(Refinement::between([8, 16], [20, 40]), Some(Refinement::TwoAndAHalf));
        assert_eq!(Refinement::between([8, 16], [20, 80]), None);
        assert_eq!(Refinement::between([7, 7], [17, 17]), None);
    }

    #[test]
    fn planes_and_axes_by_hand() {
        for (refinement, fine) in [(Refinement::Five, 10), (Refinement::TwoAndAHalf, 5)] {
            // a constant stays, a mean comes back
            assert!(refinement.bicubic(&[3.0; 4], 2, 2).iter().all(|v| (v - 3.0).abs() < 1e-5));
            let plane: Vec<f32> = (0..fine * fine).map(|i| (i % fine) as f32).collect();
            let found = refinement.coarse_means(&plane, fine, fine);
            // Columns 0 to 9 halve into means 2 and 7; of columns 0 to 4 the third lies half on either side: (0 + 1 + 2/2) / 2.5
            let wanted = if fine == 10 { [2.0, 7.0, 2.0, 7.0] } else { [0.8, 3.2, 0.8, 3.2] };
            assert!(found.iter().zip(wanted).all(|(f, w)| (f - w).abs() < 1e-6), "{found:?}");
            let axis = refinement.axis(&Axis::regular(AxisKind::Latitude, 30.125, 0.25, 2).unwrap()).unwrap();
            assert_eq!(axis.len(), fine);
            assert!((axis.centres()[0] - (30.0 + 0.25 / fine as f64)).abs() < 1e-9);
        }
    }
}
