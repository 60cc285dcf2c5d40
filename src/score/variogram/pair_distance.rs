//! Quantiles of the distances between all pairs of points, and bins of equal count.

use super::bins::LagBins;
use super::cloud::{PointCloud, PointDistance};
use super::lookup::BinLookup;
use super::pair_scan::PairScan;
use crate::score::error::{ScoreError, ScoreResult};

/// Cells into which the squared distances are counted before the wanted ones are looked at.
const CELLS: usize = 8192;

/// Quantiles of the distances of all pairs of points that are at most `largest` apart (none: of all pairs).
///
/// The largest distance is the quantile at 1, the median, often taken as the largest lag, that at 1/2. Exact: the pairs
/// are counted in fine cells first, and only the cells that hold a wanted rank are looked at, so that memory does not grow
/// with the number of pairs. Quantiles are interpolated linearly, as in [`quantile`](crate::score::quantile()).
///
/// # Errors
/// [`ScoreError::TooFew`] where no pair is near enough, [`ScoreError::Argument`] for a probability outside 0..1 or senseless
/// points, [`ScoreError::NotFinite`] for a coordinate that is not finite.
///
/// # Example
/// ```
/// use isotherm::score::{pair_distance_quantiles, PointDistance};
/// // distances 1, 2, 3
/// let quantiles = pair_distance_quantiles(&[0.0, 1.0, 3.0], &[0.0; 3], None, PointDistance::Planar, None, &[0.5, 1.0]);
/// assert_eq!(quantiles.unwrap(), [2.0, 3.0]);
/// ```
pub fn pair_distance_quantiles(
    x: &[f64],
    y: &[f64],
    valid: Option<&[bool]>,
    distance: PointDistance,
    largest: Option<f64>,
    probabilities: &[f64],
) -> ScoreResult<Vec<f64>> {
    if let Some(p) = probabilities.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return Err(ScoreError::Argument(format!("probability {p} is outside 0..1")));
    }
    let cloud = PointCloud::new(x, y, &vec![0.0; x.len()], valid, distance)?;
    let mut top = cloud.widest_square();
    if let Some(largest) = largest {
        // The largest distance itself is within.
        let bins = LagBins::from_edges(vec![0.0, largest.next_up()])?;
        top = top.min(distance.lookup(&bins).largest());
    }
    if top == 0.0 {
        // All points coincide, which is no error where there are two.
        top = 1.0;
    }
    let cells = (0..CELLS).map(|k| top * (k as f64 / CELLS as f64)).chain([top]);
    let scan = PairScan::new(&cloud, BinLookup::new(cells.collect()), None);
    let counts = scan.counts();
    let mut before = vec![0_usize];
    for slot in 1..=CELLS {
        before.push(before[slot - 1] + counts.iter().map(|task| task[slot]).sum::<usize>());
    }
    let pairs = before[CELLS];
    if pairs == 0 {
        return Err(ScoreError::TooFew { metric: "a quantile of distances (pairs)", found: 0, wanted: 1 });
    }
    let of_rank = |rank: usize| {
        let slot = before.partition_point(|b| *b <= rank);
        let mut squares = scan.collect(slot..slot + 1, &counts, |_, square| square).swap_remove(0);
        let (_, square, _) = squares.select_nth_unstable_by(rank - before[slot - 1], f64::total_cmp);
        distance.of_square(*square)
    };
    let quantile = |p: &f64| {
        let position = (pairs - 1) as f64 * p;
        let (rank, part) = (position.floor() as usize, position.fract());
        let low = of_rank(rank);
        if part == 0.0 || rank + 1 >= pairs { low } else { low + (of_rank(rank + 1) - low) * part }
    };
    Ok(probabilities.iter().map(quantile).collect())
}

impl LagBins {
    /// `count` bins from 0 with about equally many pairs each, of the pairs that are at most `largest` apart (none: of all).
    ///
    /// The inner edges are quantiles of the distances; the last is the largest distance found, so that the pair that has it
    /// is left out.
    ///
    /// # Errors
    /// As [`pair_distance_quantiles`]; [`ScoreError::Argument`] where so many equal distances make an empty class.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::{LagBins, PointDistance};
    /// let bins = LagBins::equal_count(&[0.0, 1.0, 3.0, 7.0], &[0.0; 4], None, PointDistance::Planar, None, 2).unwrap();
    /// // distances 1 2 3 4 6 7
    /// assert_eq!(bins.edges(), [0.0, 3.5, 7.0]);
    /// ```
    pub fn equal_count(
        x: &[f64],
        y: &[f64],
        valid: Option<&[bool]>,
        distance: PointDistance,
        largest: Option<f64>,
        count: usize,
    ) -> ScoreResult<LagBins> {
        let probabilities: Vec<f64> = (1..=count).map(|k| k as f64 / count as f64).collect();
        let edges = pair_distance_quantiles(x, y, valid, distance, largest, &probabilities)?;
        LagBins::from_edges([0.0].into_iter().chain(edges).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;
    use crate::score::quantile;

    #[test]
    fn quantiles_are_those_of_all_distances() {
        let mut random = Random::new(5, "distances");
        let x: Vec<f64> = (0..120).map(|_| (random.uniform_in(0.0, 50.0) * 4.0).round() / 4.0).collect();
        let y: Vec<f64> = (0..120).map(|_| random.uniform_in(-1.0, 20.0)).collect();
        let mut all: Vec<f64> = (0..120)
            .flat_map(|i| (0..i).map(move |j| (i, j)))
            .map(|(i, j)| ((x[i] - x[j]).powi(2) + (y[i] - y[j]).powi(2)).sqrt())
            .collect();
        let probabilities = [0.0, 0.01, 0.3, 0.5, 0.999, 1.0];
        for largest in [None, Some(30.0), Some(0.4)] {
            all.retain(|d| largest.is_none_or(|l| *d <= l));
            let got = pair_distance_quantiles(&x, &y, None, PointDistance::Planar, largest, &probabilities).unwrap();
            for (got, p) in got.iter().zip(probabilities) {
                assert!((got - quantile(&all, p).unwrap()).abs() < 1e-12, "{largest:?} {p}");
            }
        }
    }

    #[test]
    fn the_largest_distance_itself_is_within() {
        let quantiles =
            |largest| pair_distance_quantiles(&[0.0, 1.0, 3.0], &[0.0; 3], None, PointDistance::Planar, Some(largest), &[1.0]);
        assert_eq!(quantiles(2.0).unwrap(), [2.0]);
        assert_eq!(quantiles(1.999).unwrap(), [1.0]);
        assert!(matches!(quantiles(0.5), Err(ScoreError::TooFew { .. })));
    }

    #[test]
    fn coinciding_and_bad_points() {
        let of = |x: &[f64], p| pair_distance_quantiles(x, &vec![0.0; x.len()], None, PointDistance::Planar, None, &[p]);
        assert_eq!(of(&[2.0, 2.0], 0.5).unwrap(), [0.0]);
        assert!(of(&[2.0], 0.5).is_err() && of(&[1.0, 2.0], 1.5).is_err() && of(&[1.0, f64::NAN], 0.5).is_err());
        assert!(LagBins::equal_count(&[2.0, 2.0], &[0.0; 2], None, PointDistance::Planar, None, 3).is_err());
    }
}
