//! Another program's view of the same days: plumes displaced and smoothed, mountains as block means, errors that last.

use super::config::{DustConfig, RIM_CELLS};
use super::random_field::RandomField;
use crate::base::random::Random;
use crate::data::DataResult;
use crate::grid::{Edge, coarsen_plane, gaussian_plane};

/// What makes the coarse record out of the daily mean columns.
pub(super) struct CoarseView<'a> {
    config: &'a DustConfig,
    /// Displacement each way in fine cells, and the error of the logarithm.
    shifts: [RandomField; 2],
    error: RandomField,
    /// Height of each coarse cell.
    elevation: Vec<f32>,
}

impl<'a> CoarseView<'a> {
    /// The view of a configuration's dust over an area of these heights (fine cells).
    pub(super) fn new(config: &'a DustConfig, elevation: &[f32]) -> CoarseView<'a> {
        let n = config.simulated_cells();
        let length = config.coarse.length_cells * config.factor as f64;
        let memory = (-1.0 / config.coarse.memory_days).exp();
        let field = |name: &str| {
            RandomField::new(n, length, f64::INFINITY, memory, Random::new(config.seed, &format!("dust coarse/{name}")))
        };
        let cells = config.fine_cells();
        CoarseView {
            config,
            shifts: [field("east"), field("north")],
            error: field("error"),
            elevation: coarsen_plane(elevation, cells, cells, config.factor),
        }
    }

    /// The coarse optical depth of a day from the mean column of the simulated square, with its own scale height's share of
    /// the column above each coarse cell.
    pub(super) fn day(&mut self, column: &[f32], above: impl Fn(f32) -> f32) -> DataResult<Vec<f32>> {
        let (n, cells, factor) = (self.config.simulated_cells(), self.config.fine_cells(), self.config.factor);
        let c = &self.config.coarse;
        self.shifts.iter_mut().for_each(RandomField::step);
        self.error.step();
        let reach = (c.displacement_cells * factor as f64) as f32;
        let (east, north) = (self.shifts[0].values(), self.shifts[1].values());
        let at = |y: usize, x: usize| {
            let i = (y + RIM_CELLS) * n + x + RIM_CELLS;
            let last = (n - 1) as f32;
            let (y, x) = ((i / n) as f32 - reach * north[i], (i % n) as f32 - reach * east[i]);
            bilinear(column, n, y.clamp(0.0, last), x.clamp(0.0, last))
        };
        let seen: Vec<f32> = (0..cells * cells).map(|i| at(i / cells, i % cells)).collect();
        let sigma = c.smoothing_cells * factor as f64;
        let seen = if sigma > 0.0 { gaussian_plane(&seen, cells, cells, [sigma; 2], [Edge::Clamp; 2])? } else { seen };
        let blocks = coarsen_plane(&seen, cells, cells, factor);
        let errors = self.error.values();
        let middle = |i: usize| {
            let (y, x) = (i / self.config.coarse_cells, i % self.config.coarse_cells);
            errors[(RIM_CELLS + y * factor + factor / 2) * n + RIM_CELLS + x * factor + factor / 2]
        };
        let wrong = |i: usize| 10f32.powf(c.bias_decades as f32 + c.error_decades as f32 * middle(i));
        Ok(blocks.iter().enumerate().map(|(i, column)| column * above(self.elevation[i]) * wrong(i)).collect())
    }
}

/// The value at a place within the square, straight between the four cells around.
fn bilinear(values: &[f32], n: usize, y: f32, x: f32) -> f32 {
    let (y0, x0) = ((y as usize).min(n - 2), (x as usize).min(n - 2));
    let (fy, fx) = (y - y0 as f32, x - x0 as f32);
    let line = |y: usize| values[y * n + x0] * (1.0 - fx) + values[y * n + x0 + 1] * fx;
    line(y0) * (1.0 - fy) + line(y0 + 1) * fy
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::dust::config::CoarseErrors;

    #[test]
    fn without_errors_it_is_the_block_mean() {
        let mut config = DustConfig::tiny();
        config.coarse = CoarseErrors {
            displacement_cells: 0.0,
            smoothing_cells: 0.0,
            error_decades: 0.0,
            bias_decades: 0.0,
            ..config.coarse
        };
        let (n, cells) = (config.simulated_cells(), config.fine_cells());
        let column: Vec<f32> = (0..n * n).map(|i| (i % 17) as f32).collect();
        let found = CoarseView::new(&config, &vec![0.0; cells * cells]).day(&column, |_| 1.0).unwrap();
        for (i, value) in found.iter().enumerate() {
            let (y, x) = (i / config.coarse_cells * config.factor, i % config.coarse_cells * config.factor);
            let block = (0..9).map(|k| column[(RIM_CELLS + y + k / 3) * n + RIM_CELLS + x + k % 3]);
            assert!((value - block.sum::<f32>() / 9.0).abs() < 1e-4);
        }
    }

    #[test]
    fn straight_lines_stay_straight() {
        let n = 5;
        let plane: Vec<f32> = (0..25).map(|i| 2.0 * (i / n) as f32 - (i % n) as f32).collect();
        assert!((bilinear(&plane, n, 1.25, 2.5) - (2.5 - 2.5)).abs() < 1e-6);
        assert!((bilinear(&plane, n, 4.0, 4.0) - 4.0).abs() < 1e-6);
    }
}
