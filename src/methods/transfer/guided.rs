//! Refinement by regression on a guide: what the height of the ground tells of a field within its coarse cells.

use super::climatology::least_squares;
use crate::grid::{Interpolation, coarsen_plane, upsample_plane};
use crate::methods::error::{MethodError, MethodResult};

/// Rounds of putting back what the coarse means lack.
const ROUNDS: usize = 4;

/// A coarse plane that is refined with a guide, a plane on the fine grid.
#[derive(Clone, Copy, Debug)]
pub struct GuidedPlane<'a> {
    /// Means over coarse cells.
    pub coarse: &'a [f32],
    /// The guide, with as many cells as `shape` says.
    pub guide: &'a [f32],
    /// Rows and columns of the fine grid.
    pub shape: [usize; 2],
    /// Fine cells along one side of a coarse cell.
    pub factor: usize,
}

/// Three numbers, the same everywhere: how a field departs from what is bicubic between its coarse cells where the guide does.
///
/// # Formula
/// ```text
/// y = B(c) + w₁ a + w₂ a B(c) + w₃ a²,   a = g − B(C(g))
/// ```
/// with B bicubic between coarse centres and C means over coarse cells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GuidedRegression {
    weights: [f64; 3],
}

impl GuidedPlane<'_> {
    fn upsampled(&self, coarse: &[f32]) -> Vec<f32> {
        let [rows, columns] = self.shape.map(|cells| cells / self.factor);
        upsample_plane(coarse, rows, columns, self.factor, Interpolation::Bicubic, false)
    }

    fn coarsened(&self, plane: &[f32]) -> Vec<f32> {
        coarsen_plane(plane, self.shape[0], self.shape[1], self.factor)
    }

    fn check(&self) -> MethodResult<()> {
        let [rows, columns] = self.shape;
        let factor = self.factor.max(1);
        let nests = rows % factor == 0 && columns % factor == 0 && self.coarse.len() == rows / factor * (columns / factor);
        if self.factor == 0 || !nests || self.guide.len() != rows * columns {
            return Err(MethodError::Argument(format!(
                "guided refinement: {} coarse cells and {} of the guide for {rows} x {columns} cells and a factor of {}; grids \
                 that nest are wanted",
                self.coarse.len(),
                self.guide.len(),
                self.factor
            )));
        }
        Ok(())
    }

    /// What the coarse plane alone says, bicubic between centres; and the three columns of the regression.
    fn columns(&self) -> (Vec<f32>, [Vec<f32>; 3]) {
        let between = self.upsampled(self.coarse);
        let smooth = self.upsampled(&self.coarsened(self.guide));
        let anomaly: Vec<f32> = self.guide.iter().zip(smooth).map(|(g, s)| g - s).collect();
        let product = anomaly.iter().zip(&between).map(|(a, b)| a * b).collect();
        let square = anomaly.iter().map(|a| a * a).collect();
        (between, [anomaly, product, square])
    }

    /// The plane with its coarse means as they should be: what they lack is added, bicubic between centres, four times over.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where sizes do not fit.
    pub fn with_its_means(&self, plane: &[f32]) -> MethodResult<Vec<f32>> {
        self.check()?;
        if plane.len() != self.guide.len() {
            let problem = format!("guided refinement: a plane of {} cells for {}", plane.len(), self.guide.len());
            return Err(MethodError::Argument(problem));
        }
        let mut out = plane.to_vec();
        for _ in 0..ROUNDS {
            let lack: Vec<f32> = self.coarse.iter().zip(self.coarsened(&out)).map(|(wanted, found)| wanted - found).collect();
            out.iter_mut().zip(self.upsampled(&lack)).for_each(|(value, lack)| *value += lack);
        }
        Ok(out)
    }
}

impl GuidedRegression {
    /// From the cells that `learn` says, of planes and their truths.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where sizes do not fit, or the cells tell too little.
    pub fn fit<'a>(planes: impl Iterator<Item = (GuidedPlane<'a>, &'a [f32])>, learn: &[bool]) -> MethodResult<GuidedRegression> {
        let (mut normal, mut right) = ([[0.0; 3]; 3], [0.0; 3]);
        for (plane, truth) in planes {
            plane.check()?;
            if truth.len() != plane.guide.len() || learn.len() != truth.len() {
                let problem = format!("a truth of {} cells and {} marks for {}", truth.len(), learn.len(), plane.guide.len());
                return Err(MethodError::Argument(format!("guided refinement: {problem}")));
            }
            let (between, columns) = plane.columns();
            for i in (0..truth.len()).filter(|i| learn[*i]) {
                let departure = f64::from(truth[i] - between[i]);
                let at: [f64; 3] = std::array::from_fn(|k| f64::from(columns[k][i]));
                for k in 0..3 {
                    right[k] += at[k] * departure;
                    (0..3).for_each(|l| normal[k][l] += at[k] * at[l]);
                }
            }
        }
        let weights = least_squares(normal, right).ok_or_else(|| {
            MethodError::Argument("guided refinement: the cells tell too little; a guide that varies is wanted".to_string())
        })?;
        Ok(GuidedRegression { weights })
    }

    /// The three numbers.
    pub fn weights(&self) -> [f64; 3] {
        self.weights
    }

    /// The refined plane, with its coarse means as they should be.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where sizes do not fit.
    pub fn apply(&self, plane: &GuidedPlane<'_>) -> MethodResult<Vec<f32>> {
        plane.check()?;
        let (mut out, columns) = plane.columns();
        for (weight, column) in self.weights.iter().zip(&columns) {
            out.iter_mut().zip(column).for_each(|(value, c)| *value += *weight as f32 * c);
        }
        plane.with_its_means(&out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    fn guide() -> Vec<f32> {
        let mut random = Random::new(1, "guide");
        (0..24 * 24).map(|_| random.normal() as f32).collect()
    }

    #[test]
    fn the_numbers_behind_a_field_come_back() {
        let guide = guide();
        let coarse: Vec<f32> = (0..36).map(|i| 2.0 + (i % 5) as f32).collect();
        let plane = GuidedPlane { coarse: &coarse, guide: &guide, shape: [24, 24], factor: 4 };
        let (between, columns) = plane.columns();
        let truth: Vec<f32> =
            (0..576).map(|i| between[i] - 0.5 * columns[0][i] + 0.2 * columns[1][i] + 0.1 * columns[2][i]).collect();
        let found = GuidedRegression::fit(std::iter::once((plane, &truth[..])), &[true; 576]).unwrap();
        for (found, wanted) in found.weights().iter().zip([-0.5, 0.2, 0.1]) {
            assert!((found - wanted).abs() < 1e-4, "{found} {wanted}");
        }
        // Cells that are not learnt from do not count.
        let learn: Vec<bool> = (0..576).map(|i| i % 24 < 12).collect();
        let spoiled: Vec<f32> = truth.iter().zip(&learn).map(|(v, learn)| if *learn { *v } else { 99.0 }).collect();
        let again = GuidedRegression::fit(std::iter::once((plane, &spoiled[..])), &learn).unwrap();
        assert!((again.weights()[0] + 0.5).abs() < 1e-3, "{again:?}");
        assert!(GuidedRegression::fit(std::iter::once((plane, &truth[..])), &[false; 576]).is_err());
    }

    #[test]
    fn coarse_means_are_put_back() {
        let guide = guide();
        let coarse: Vec<f32> = (0..36).map(|i| ((i * 7) % 11) as f32).collect();
        let plane = GuidedPlane { coarse: &coarse, guide: &guide, shape: [24, 24], factor: 4 };
        let off = |values: &[f32]| plane.coarsened(values).iter().zip(&coarse).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let between = plane.upsampled(&coarse);
        let mended = plane.with_its_means(&between).unwrap();
        assert!(off(&mended) < 0.2 * off(&between), "{} {}", off(&mended), off(&between));
        assert!(plane.with_its_means(&between[1..]).is_err());
        assert!(GuidedPlane { factor: 5, ..plane }.with_its_means(&between).is_err());
    }
}
