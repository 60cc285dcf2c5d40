//! Lag bins and the empirical semivariogram over them.

use serde::{Deserialize, Serialize};

use super::estimator::VariogramEstimator;
use crate::score::error::{ScoreError, ScoreResult};

/// Which distance stands for a bin, in plots and in model fits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LagPosition {
    /// The middle of the bin (ours, and GSTools').
    #[default]
    Centre,
    /// Its upper edge (SciKit-GStat's): the same variogram seems to reach half a bin farther.
    UpperEdge,
}

/// The distance classes of a semivariogram.
///
/// A pair at distance h belongs to bin k where `edge[k] ≤ h < edge[k + 1]`: a pair at an inner edge goes up, one exactly
/// at the last edge is left out.
///
/// # Example
/// ```
/// use isotherm::score::{LagBins, LagPosition};
/// let bins = LagBins::even(60.0, 3).unwrap();
/// assert_eq!(bins.edges(), [0.0, 20.0, 40.0, 60.0]);
/// assert_eq!(bins.positions(), [10.0, 30.0, 50.0]);
/// assert_eq!(bins.at(LagPosition::UpperEdge).positions(), [20.0, 40.0, 60.0]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LagBins {
    edges: Vec<f64>,
    position: LagPosition,
}

/// So many bins at most.
const MOST_BINS: usize = 60_000;

impl LagBins {
    /// `count` bins of equal width from 0 to `largest`.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] unless `largest` is positive and `count` at least 1.
    pub fn even(largest: f64, count: usize) -> ScoreResult<LagBins> {
        let width = largest / count as f64;
        LagBins::from_edges((0..count).map(|k| k as f64 * width).chain([largest]).collect())
    }

    /// Bins between ascending `edges`, of which the first need not be 0.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] unless there are at least two edges, finite, not negative and strictly ascending.
    pub fn from_edges(edges: Vec<f64>) -> ScoreResult<LagBins> {
        if !(2..=MOST_BINS + 1).contains(&edges.len()) {
            return Err(ScoreError::Argument(format!("{} bin edges were given; 2 to {MOST_BINS} are wanted", edges.len())));
        }
        let ascending = edges.windows(2).all(|e| e[0] < e[1]);
        if !ascending || edges[0] < 0.0 || edges.iter().any(|e| !e.is_finite()) {
            return Err(ScoreError::Argument(
                "bin edges must be finite, not negative and strictly ascending; two equal ones make an empty class".to_string(),
            ));
        }
        Ok(LagBins { edges, position: LagPosition::Centre })
    }

    /// The same bins with another position.
    pub fn at(mut self, position: LagPosition) -> LagBins {
        self.position = position;
        self
    }

    /// The edges, one more than there are bins.
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// Number of bins.
    pub fn count(&self) -> usize {
        self.edges.len() - 1
    }

    /// The distance that stands for each bin.
    pub fn positions(&self) -> Vec<f64> {
        let position = |e: &[f64]| match self.position {
            LagPosition::Centre => 0.5 * (e[0] + e[1]),
            LagPosition::UpperEdge => e[1],
        };
        self.edges.windows(2).map(position).collect()
    }

    /// The bin of a distance.
    pub fn find(&self, distance: f64) -> Option<usize> {
        let above = self.edges.partition_point(|e| *e <= distance);
        (above > 0 && above < self.edges.len()).then(|| above - 1)
    }

    /// The variogram over these bins from the pairs and semivariance of each.
    pub(super) fn variogram(&self, estimator: VariogramEstimator, of_bin: impl Iterator<Item = (u64, Option<f64>)>) -> Variogram {
        let positions = self.positions();
        let bins = of_bin
            .enumerate()
            .map(|(k, (pairs, semivariance))| LagBin {
                lower: self.edges[k],
                upper: self.edges[k + 1],
                position: positions[k],
                pairs,
                semivariance,
            })
            .collect();
        Variogram { bins, estimator }
    }
}

/// One distance class of an empirical semivariogram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LagBin {
    /// Smallest distance, within.
    pub lower: f64,
    /// Largest distance, no longer within.
    pub upper: f64,
    /// The distance that stands for the bin.
    pub position: f64,
    /// Number of pairs, each counted once.
    pub pairs: u64,
    /// Semivariance in the squared unit of the values; none where the bin holds too few pairs.
    pub semivariance: Option<f64>,
}

/// An empirical semivariogram: half the variance of the difference of two places, as a function of their distance.
///
/// It starts at the nugget (noise and what varies below the smallest distance) and levels off at the sill (the variance)
/// where places no longer know of one another. A field with a trend never levels off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variogram {
    /// The bins by ascending distance.
    pub bins: Vec<LagBin>,
    /// How the semivariances were estimated.
    pub estimator: VariogramEstimator,
}

impl Variogram {
    /// Position and semivariance of the bins that have one.
    pub fn points(&self) -> Vec<(f64, f64)> {
        self.bins.iter().filter_map(|b| b.semivariance.map(|g| (b.position, g))).collect()
    }

    /// The number of pairs in all bins.
    pub fn pairs(&self) -> u64 {
        self.bins.iter().map(|b| b.pairs).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_on_an_edge_goes_up() {
        let bins = LagBins::even(3.0, 3).unwrap();
        let found: Vec<Option<usize>> = [0.0, 0.5, 1.0, 2.999, 3.0, f64::NAN].iter().map(|d| bins.find(*d)).collect();
        assert_eq!(found, [Some(0), Some(0), Some(1), Some(2), None, None]);
        assert_eq!(LagBins::from_edges(vec![1.0, 2.0]).unwrap().find(0.5), None);
    }

    #[test]
    fn senseless_bins_are_refused() {
        for edges in [vec![], vec![1.0], vec![0.0, 1.0, 1.0], vec![-1.0, 1.0], vec![0.0, f64::INFINITY], vec![0.0, f64::NAN]] {
            assert!(LagBins::from_edges(edges.clone()).is_err(), "{edges:?}");
        }
        assert!(LagBins::even(0.0, 3).is_err() && LagBins::even(f64::NAN, 3).is_err() && LagBins::even(1.0, 0).is_err());
    }
}
