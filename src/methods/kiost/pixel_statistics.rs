//! Seasonal cycles and scales of every pixel of a grid.

use rayon::prelude::*;

use super::climatology::{LeastSquares, basis, evaluate};
use crate::grid::Field;

/// One grid's statistics. Where a scale is 0 the pixel is land.
#[derive(Clone, Debug)]
pub(super) struct Pixels {
    pub rows: usize,
    pub columns: usize,
    /// Coefficients of the seasonal cycle, pixel after pixel.
    pub cycle: Vec<f64>,
    /// What one unit stands for, kelvin.
    pub scale: Vec<f32>,
}

impl Pixels {
    /// Seasonal cycles of all pixels on some days; the scale is 1 where there is one, else 0.
    pub fn cycles(field: &Field, days: &[usize], harmonics: usize) -> Pixels {
        let [_, rows, columns] = field.shape();
        let terms = 2 * harmonics + 1;
        let bases: Vec<Vec<f64>> = days.iter().map(|d| basis(field.time().seconds()[*d], harmonics)).collect();
        let found: Vec<Option<Vec<f64>>> = (0..rows * columns)
            .into_par_iter()
            .map(|i| {
                let mut fit = LeastSquares::new(terms);
                for (day, basis) in days.iter().zip(&bases) {
                    if field.frame_mask(*day)[i].is_valid() {
                        fit.add(basis, f64::from(field.frame(*day)[i]));
                    }
                }
                fit.solve(0.0)
            })
            .collect();
        let scale = found.iter().map(|c| f32::from(u8::from(c.is_some()))).collect();
        let cycle = found.into_iter().flat_map(|c| c.unwrap_or_else(|| vec![0.0; terms])).collect();
        Pixels { rows, columns, cycle, scale }
    }

    pub fn len(&self) -> usize {
        self.rows * self.columns
    }

    /// The cycle of every pixel at an instant.
    pub fn cycle_at(&self, seconds: f64, harmonics: usize) -> Vec<f64> {
        let basis = basis(seconds, harmonics);
        self.cycle.chunks_exact(basis.len()).map(|c| evaluate(&basis, c)).collect()
    }

    pub fn valid(&self) -> Vec<bool> {
        self.scale.iter().map(|s| *s > 0.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::normalisation::tests::pond;
    use super::*;

    #[test]
    fn each_pixel_has_its_own_cycle_and_land_none() {
        // 10 + x, and a season of amplitude y
        let season = |day: f64| (std::f64::consts::TAU * day / 365.25).cos();
        let (coarse, _) = pond(200, |day, y, x| 10.0 + x + y * season(day));
        let days: Vec<usize> = (0..200).collect();
        let pixels = Pixels::cycles(&coarse, &days, 1);
        assert_eq!((pixels.len(), pixels.valid()[9], pixels.valid()[10]), (64, false, true));
        let cycle = &pixels.cycle[3 * (5 * 8 + 2)..][..3];
        for (got, want) in cycle.iter().zip([12.0, 5.0, 0.0]) {
            assert!((got - want).abs() < 1e-4, "{cycle:?}");
        }
        let at = pixels.cycle_at(30.0 * 86_400.0, 1);
        assert!((at[5 * 8 + 2] - 12.0 - 5.0 * season(30.0)).abs() < 1e-4 && at[0] == 0.0);
    }
}
