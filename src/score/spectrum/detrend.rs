//! What is taken away from data before a spectrum.

use serde::{Deserialize, Serialize};

/// Running sums side by side along a row, which need not wait for each other.
const LANES: usize = 8;

/// The part of the data that is taken away first; what is left has mean 0 unless nothing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Detrend {
    /// Nothing.
    None,
    /// The mean.
    #[default]
    Mean,
    /// The least-squares line, on a plane the least-squares plane.
    Linear,
}

/// A plane `level + row · y + column · x` over cells counted from the middle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Trend {
    level: f64,
    row: f64,
    column: f64,
    middle: [f64; 2],
}

impl Detrend {
    /// The trend of `rows` x `columns` values.
    ///
    /// On a full grid rows and columns counted from the middle are orthogonal, so each slope is found by itself.
    pub(super) fn of(self, value: impl Fn(usize) -> f64, rows: usize, columns: usize) -> Trend {
        let middle = [0.5 * (rows as f64 - 1.0), 0.5 * (columns as f64 - 1.0)];
        let mut trend = Trend { middle, ..Trend::default() };
        if self == Detrend::None {
            return trend;
        }
        let count = (rows * columns) as f64;
        let slopes = self == Detrend::Linear;
        let line_sums = |y: usize| {
            let (mut sums, mut moments) = ([0.0; LANES], [0.0; LANES]);
            for start in (0..columns).step_by(LANES) {
                let lanes = sums.iter_mut().zip(&mut moments).take(columns - start);
                for (lane, (sum, moment)) in lanes.enumerate() {
                    let z = value(y * columns + start + lane);
                    *sum += z;
                    if slopes {
                        *moment += z * ((start + lane) as f64 - middle[1]);
                    }
                }
            }
            (sums.iter().sum::<f64>(), moments.iter().sum::<f64>())
        };
        let sums: Vec<(f64, f64)> = (0..rows).map(line_sums).collect();
        trend.level = sums.iter().map(|s| s.0).sum::<f64>() / count;
        if slopes {
            // Σ(i − middle)² of n whole steps is n(n² − 1)/12; a single row or column has no slope.
            let spread = |n: usize| n as f64 * ((n * n) as f64 - 1.0) / 12.0;
            let slope = |moment: f64, spread: f64| if spread > 0.0 { moment / spread } else { 0.0 };
            trend.column = slope(sums.iter().map(|s| s.1).sum(), rows as f64 * spread(columns));
            let moment = sums.iter().enumerate().map(|(y, s)| s.0 * (y as f64 - middle[0])).sum();
            trend.row = slope(moment, columns as f64 * spread(rows));
        }
        trend
    }
}

impl Trend {
    /// The trend at a cell.
    #[inline]
    pub(super) fn at(&self, row: usize, column: usize) -> f64 {
        let (level, slope) = self.along(row);
        level + slope * (column as f64 - self.middle[1])
    }

    /// The trend in the middle of a row, and what it gains from one column to the next.
    pub(super) fn along(&self, row: usize) -> (f64, f64) {
        (self.level + self.row * (row as f64 - self.middle[0]), self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    #[test]
    fn a_plane_is_its_own_trend() {
        let plane: Vec<f64> = (0..35).map(|i| 3.0 + 0.5 * (i / 7) as f64 - 2.0 * (i % 7) as f64).collect();
        let trend = Detrend::Linear.of(|i| plane[i], 5, 7);
        assert!((0..35).all(|i| (trend.at(i / 7, i % 7) - plane[i]).abs() < 1e-13));
        assert_eq!(Detrend::None.of(|i| plane[i], 5, 7).at(2, 2), 0.0);
        // one value and one row have a level and no slope where there is nothing to see
        assert_eq!(Detrend::Linear.of(|_| 4.0, 1, 1).at(0, 0), 4.0);
    }

    #[test]
    fn what_is_left_is_orthogonal_to_the_trend() {
        let mut random = Random::new(1, "detrend");
        let noise: Vec<f64> = (0..48).map(|_| random.normal()).collect();
        let trend = Detrend::Linear.of(|i| noise[i], 6, 8);
        let left: Vec<f64> = (0..48).map(|i| noise[i] - trend.at(i / 8, i % 8)).collect();
        let against = |of: &dyn Fn(usize) -> f64| left.iter().enumerate().map(|(i, v)| v * of(i)).sum::<f64>();
        for moment in [against(&|_| 1.0), against(&|i| (i / 8) as f64), against(&|i| (i % 8) as f64)] {
            assert!(moment.abs() < 1e-12);
        }
    }
}
