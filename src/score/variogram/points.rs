//! The semivariogram of scattered points.

use serde::{Deserialize, Serialize};

use super::bins::{LagBins, Variogram};
use super::cloud::{PointCloud, PointDistance};
use super::direction::LagDirection;
use super::estimator::{Summary, VariogramEstimator};
use super::pair_scan::PairScan;
use crate::score::error::{ScoreError, ScoreResult};

/// Increments held at once at least, for the estimators that need them all (8 MB of increments for a million).
const HELD_AT_LEAST: usize = 8 << 20;
/// Of all increments so large a part is held at once at least: a few passes over the pairs are cheaper than their memory.
const HELD_PART: usize = 8;

/// What semivariogram of scattered points is wanted.
///
/// # Formula
/// ```text
/// γ(h) = ½ Var[ z(s + h) − z(s) ],   estimated in each bin from the increments of all pairs of points in it
/// ```
/// Every pair of valid points is used once. Memory does not grow with the number of pairs for Matheron and
/// Cressie-Hawkins; Dowd and Genton hold the increments of a few bins at a time. The result is the same to the last bit
/// for any number of threads and any order of the points.
///
/// # Example
/// ```
/// use isotherm::score::{LagBins, PointDistance, PointVariogram, VariogramEstimator};
/// let wanted = PointVariogram {
///     estimator: VariogramEstimator::Matheron,
///     bins: LagBins::even(2.0, 2).unwrap(),
///     distance: PointDistance::Planar,
///     direction: None,
/// };
/// // on a line at 0, 1, 2: increments 1 and 3 at distance 1 (bin 1..2); the pair at distance 2 is on the last edge
/// let variogram = wanted.of(&[0.0, 1.0, 2.0], &[0.0; 3], &[0.0, 1.0, 4.0], None).unwrap();
/// assert_eq!(variogram.bins[1].semivariance, Some((1.0 + 9.0) / 4.0));
/// assert_eq!(variogram.bins[0].semivariance, None);
/// ```
///
/// # Reference
/// Matheron (1963), doi:10.2113/gsecongeo.58.8.1246
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointVariogram {
    /// How a bin's increments become a semivariance.
    pub estimator: VariogramEstimator,
    /// The distance classes, in the unit of the distance.
    pub bins: LagBins,
    /// How far two points are apart.
    pub distance: PointDistance,
    /// Only pairs along a direction (planar coordinates only).
    pub direction: Option<LagDirection>,
}

impl PointVariogram {
    /// The semivariogram of `values` at (`x`, `y`); on a sphere x is the longitude and y the latitude in degrees.
    ///
    /// Points that are not `valid` may hold anything. A bin with fewer pairs than the estimator needs has no semivariance.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] below two valid points, [`ScoreError::NotFinite`] for a valid one that is not finite,
    /// [`ScoreError::Argument`] for lengths that differ, latitudes beyond the poles or a direction on a sphere.
    pub fn of(&self, x: &[f64], y: &[f64], values: &[f64], valid: Option<&[bool]>) -> ScoreResult<Variogram> {
        if self.direction.is_some() && self.distance != PointDistance::Planar {
            return Err(ScoreError::Argument(
                "a direction is defined in the plane only; project the coordinates first".to_string(),
            ));
        }
        let cloud = PointCloud::new(x, y, values, valid, self.distance)?;
        if cloud.len() < 2 {
            return Err(ScoreError::TooFew { metric: "a semivariogram", found: cloud.len(), wanted: 2 });
        }
        let scan = PairScan::new(&cloud, self.distance.lookup(&self.bins), self.direction);
        match self.estimator.summary() {
            Summary::SumOfSquares => Ok(self.with_sums(&scan.sums(|d| d * d))),
            Summary::SumOfRoots => Ok(self.with_sums(&scan.sums(|d| d.abs().sqrt()))),
            Summary::Everything => self.with_increments(&scan),
        }
    }

    fn with_sums(&self, sums: &[[f64; 2]]) -> Variogram {
        let bins = sums[1..=self.bins.count()].iter();
        self.bins.variogram(
            self.estimator,
            bins.map(|[pairs, sum]| (*pairs as u64, (*pairs > 0.0).then(|| self.estimator.of_sum(*sum, *pairs)))),
        )
    }

    fn with_increments(&self, scan: &PairScan) -> ScoreResult<Variogram> {
        let counts = scan.counts();
        let pairs: Vec<usize> = (1..=self.bins.count()).map(|slot| counts.iter().map(|task| task[slot]).sum()).collect();
        let held = (pairs.iter().sum::<usize>() / HELD_PART).max(HELD_AT_LEAST);
        let mut of_bin = Vec::with_capacity(pairs.len());
        while of_bin.len() < pairs.len() {
            let start = of_bin.len();
            // As many bins as fit, but one at least.
            let mut end = start + 1;
            while end < pairs.len() && pairs[start..=end].iter().sum::<usize>() <= held {
                end += 1;
            }
            for mut increments in scan.collect(start + 1..end + 1, &counts, |increment, _| increment) {
                let enough = increments.len() >= self.estimator.least_pairs();
                let semivariance = if enough { Some(self.estimator.semivariance(&mut increments)?) } else { None };
                of_bin.push((increments.len() as u64, semivariance));
            }
        }
        Ok(self.bins.variogram(self.estimator, of_bin.into_iter()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;
    use crate::grid::great_circle_metres;

    fn cloud(n: usize, seed: u64) -> [Vec<f64>; 3] {
        let mut random = Random::new(seed, "variogram points");
        let x: Vec<f64> = (0..n).map(|_| random.uniform_in(0.0, 100.0)).collect();
        let y: Vec<f64> = (0..n).map(|_| random.uniform_in(-40.0, 40.0)).collect();
        let z = x.iter().zip(&y).map(|(x, y)| 288.0 + (x / 9.0).sin() + (y / 7.0).cos() + 0.2 * random.normal()).collect();
        [x, y, z]
    }

    /// Every pair, its distance by the plain formula, its bin by search.
    fn brute_force(wanted: &PointVariogram, [x, y, z]: &[Vec<f64>; 3], valid: &[bool]) -> Vec<(u64, Option<f64>)> {
        let mut increments = vec![Vec::new(); wanted.bins.count()];
        for i in 0..x.len() {
            for j in (0..i).filter(|j| valid[i] && valid[*j]) {
                // from west to east, on the sphere from south to north, as the sign matters to Genton
                let (a, b) = match wanted.distance {
                    PointDistance::Planar if x[i] < x[j] => (i, j),
                    PointDistance::GreatCircle { .. } if y[i] < y[j] => (i, j),
                    _ => (j, i),
                };
                let distance = match wanted.distance {
                    PointDistance::Planar => (x[b] - x[a]).hypot(y[b] - y[a]),
                    PointDistance::GreatCircle { .. } => great_circle_metres(y[a], x[a], y[b], x[b]) / 1000.0,
                };
                let taken = wanted.direction.is_none_or(|d| d.takes(x[b] - x[a], y[b] - y[a]));
                if let Some(bin) = wanted.bins.find(distance).filter(|_| taken) {
                    increments[bin].push(z[b] - z[a]);
                }
            }
        }
        let of = |d: &mut Vec<f64>| (d.len() as u64, wanted.estimator.semivariance(d).ok());
        increments.iter_mut().map(of).collect()
    }

    fn check(wanted: &PointVariogram, points: &[Vec<f64>; 3], valid: &[bool]) {
        let got = wanted.of(&points[0], &points[1], &points[2], Some(valid)).unwrap();
        assert!(got.pairs() > 50);
        for (bin, (pairs, semivariance)) in got.bins.iter().zip(brute_force(wanted, points, valid)) {
            assert_eq!(bin.pairs, pairs, "{wanted:?}");
            match (bin.semivariance, semivariance) {
                (Some(got), Some(want)) => assert!((got - want).abs() <= 1e-10 * want, "{got} {want} {wanted:?}"),
                (got, want) => assert_eq!(got, want),
            }
        }
    }

    #[test]
    fn it_is_the_variogram_of_all_pairs() {
        let points = cloud(300, 1);
        let mut random = Random::new(2, "mask");
        let valid: Vec<bool> = (0..300).map(|_| random.uniform() < 0.8).collect();
        let narrow = LagDirection::azimuth(30.0, 20.0, Some(6.0)).unwrap();
        for estimator in VariogramEstimator::ALL {
            for (distance, largest) in
                [(PointDistance::Planar, 15.0), (PointDistance::Planar, 90.0), (PointDistance::kilometres(), 6000.0)]
            {
                for direction in [None, Some(narrow)].into_iter().filter(|d| d.is_none() || distance == PointDistance::Planar) {
                    let bins = LagBins::even(largest, 9).unwrap();
                    check(&PointVariogram { estimator, bins, distance, direction }, &points, &valid);
                }
            }
            // uneven bins that leave the nearest pairs out
            let bins = LagBins::from_edges(vec![0.5, 0.6, 2.0, 30.0, 31.0, 500.0]).unwrap();
            check(&PointVariogram { estimator, bins, distance: PointDistance::Planar, direction: None }, &points, &valid);
        }
    }

    #[test]
    fn neither_threads_nor_order_change_a_bit() {
        let points = cloud(700, 3);
        let mut order: Vec<usize> = (0..700).collect();
        Random::new(4, "order").shuffle(&mut order);
        let shuffled = points.clone().map(|c| order.iter().map(|i| c[*i]).collect::<Vec<f64>>());
        for estimator in VariogramEstimator::ALL {
            let bins = LagBins::even(60.0, 12).unwrap();
            let wanted = PointVariogram { estimator, bins, distance: PointDistance::Planar, direction: None };
            let of = |threads: usize, [x, y, z]: &[Vec<f64>; 3]| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| wanted.of(x, y, z, None).unwrap())
            };
            let one = of(1, &points);
            assert_eq!(one, of(3, &points));
            assert_eq!(one, of(2, &shuffled));
        }
    }

    #[test]
    fn antipodes_are_in_the_last_bin_only() {
        let bins = LagBins::from_edges(vec![0.0, 10_000.0, 20_000.0, 20_100.0]).unwrap();
        let (estimator, distance) = (VariogramEstimator::Matheron, PointDistance::kilometres());
        let wanted = PointVariogram { estimator, bins, distance, direction: None };
        let got = wanted.of(&[65.7, -114.3], &[-14.3, 14.3], &[1.0, 3.0], None).unwrap();
        assert_eq!(got.bins.iter().map(|b| b.pairs).collect::<Vec<_>>(), [0, 0, 1]);
        assert_eq!(got.bins[2].semivariance, Some(2.0));
    }

    #[test]
    fn bad_input_is_refused() {
        let bins = LagBins::even(1.0, 2).unwrap();
        let wanted = PointVariogram {
            estimator: VariogramEstimator::Dowd,
            bins,
            distance: PointDistance::kilometres(),
            direction: Some(LagDirection::azimuth(0.0, 10.0, None).unwrap()),
        };
        assert!(matches!(wanted.of(&[0.0, 1.0], &[0.0, 1.0], &[0.0, 1.0], None), Err(ScoreError::Argument(_))));
        let planar = PointVariogram { distance: PointDistance::Planar, ..wanted };
        assert!(matches!(planar.of(&[0.0], &[0.0], &[0.0], None), Err(ScoreError::TooFew { .. })));
        assert!(matches!(planar.of(&[0.0; 2], &[0.0; 2], &[f64::NAN; 2], None), Err(ScoreError::NotFinite { .. })));
        // Genton has nothing to say about a single pair
        let genton = PointVariogram { estimator: VariogramEstimator::Genton, direction: None, ..planar };
        let one = genton.of(&[0.0, 0.1], &[0.0; 2], &[0.0, 1.0], None).unwrap();
        assert_eq!((one.bins[0].pairs, one.bins[0].semivariance), (1, None));
    }
}
