//! The semivariogram of a plane along its rows or columns, for every estimator.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::bins::{LagBin, Variogram};
use super::estimator::VariogramEstimator;
use super::lag_map::checked_mean;
use crate::score::error::ScoreResult;

/// An axis of a plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlaneAxis {
    /// Pairs in one column, so many rows apart.
    Rows,
    /// Pairs in one row, so many columns apart.
    Columns,
}

/// The semivariogram of pairs along one axis at lags of 1 to `largest` whole cells (cut to the plane's size).
///
/// The bin of lag k holds the pairs exactly k cells apart and has k as its position. Pairs of valid cells only.
///
/// # Errors
/// As [`LagMap::of`](super::LagMap::of).
///
/// # Example
/// ```
/// use isotherm::score::{axis_variogram, PlaneAxis, VariogramEstimator};
/// let values = [0.0, 1.0, 4.0];
/// let v = axis_variogram(&values, 1, 3, None, PlaneAxis::Columns, 2, VariogramEstimator::Matheron).unwrap();
/// assert_eq!(v.points(), [(1.0, 2.5), (2.0, 8.0)]);
/// ```
///
/// # Reference
/// Cressie (1993), doi:10.1002/9781119115151
pub fn axis_variogram(
    values: &[f64],
    rows: usize,
    columns: usize,
    valid: Option<&[bool]>,
    axis: PlaneAxis,
    largest: usize,
    estimator: VariogramEstimator,
) -> ScoreResult<Variogram> {
    checked_mean(values, rows, columns, valid)?;
    let cells = match axis {
        PlaneAxis::Rows => rows,
        PlaneAxis::Columns => columns,
    };
    let bin = |lag: usize| {
        let (dy, dx) = match axis {
            PlaneAxis::Rows => (lag, 0),
            PlaneAxis::Columns => (0, lag),
        };
        let mut increments = Vec::with_capacity((rows - dy) * (columns - dx));
        for y in 0..rows - dy {
            for x in 0..columns - dx {
                let (from, to) = (y * columns + x, (y + dy) * columns + x + dx);
                if valid.is_none_or(|v| v[from] && v[to]) {
                    increments.push(values[to] - values[from]);
                }
            }
        }
        let pairs = increments.len() as u64;
        let enough = increments.len() >= estimator.least_pairs();
        let semivariance = if enough { Some(estimator.semivariance(&mut increments)?) } else { None };
        let position = lag as f64;
        Ok(LagBin { lower: position, upper: position + 1.0, position, pairs, semivariance })
    };
    let bins = (1..=largest.min(cells - 1)).into_par_iter().map(bin).collect::<ScoreResult<_>>()?;
    Ok(Variogram { bins, estimator })
}

#[cfg(test)]
mod tests {
    use super::super::LagMap;
    use super::*;
    use crate::base::random::Random;

    #[test]
    fn it_is_the_axis_of_the_lag_map() {
        let mut random = Random::new(3, "axis");
        let values: Vec<f64> = (0..12 * 9).map(|_| random.normal()).collect();
        let valid: Vec<bool> = (0..12 * 9).map(|_| random.uniform() < 0.6).collect();
        let map = LagMap::of(&values, 12, 9, Some(&valid), 11, 8).unwrap();
        for axis in [PlaneAxis::Rows, PlaneAxis::Columns] {
            let got = axis_variogram(&values, 12, 9, Some(&valid), axis, 99, VariogramEstimator::Matheron).unwrap();
            assert_eq!(got.bins.len(), if axis == PlaneAxis::Rows { 11 } else { 8 });
            for bin in &got.bins {
                let lag = bin.position as isize;
                let (dy, dx) = if axis == PlaneAxis::Rows { (lag, 0) } else { (0, lag) };
                assert_eq!(bin.pairs, map.pairs(dy, dx));
                assert!((bin.semivariance.unwrap_or(0.0) - map.semivariance(dy, dx).unwrap_or(0.0)).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn robust_estimators_by_hand() {
        // lag 1 along rows: increments 4, -9; roots 2, 3; median of 4 and 9 is 6.5
        let of = |e| axis_variogram(&[0.0, 4.0, -5.0], 3, 1, None, PlaneAxis::Rows, 1, e).unwrap().points()[0].1;
        assert!((of(VariogramEstimator::Dowd) - 0.5 * 2.198 * 42.25).abs() < 1e-12);
        let cressie = 0.5 * 2.5_f64.powi(4) / (0.457 + 0.247 + 0.01125);
        assert!((of(VariogramEstimator::CressieHawkins) - cressie).abs() < 1e-12);
    }
}
