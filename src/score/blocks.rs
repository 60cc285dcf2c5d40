//! Scores with intervals over many independent blocks (days, tiles, drifters), at a cost that does not
//! depend on the number of pairs: each block is kept as its moments only.

use rayon::prelude::*;

use super::block_score::{BlockDifference, BlockScore};
use super::error::{ScoreError, ScoreResult};
use super::interval::{IntervalKind, interval, percentile_interval};
use super::metric::PointwiseMetric;
use super::pairs::Pairs;
use super::resample::{Resampling, resample};

/// Nominal coverage of every interval that is not asked for in detail.
pub const DEFAULT_COVERAGE: f64 = 0.95;

/// Pairs gathered by block: the unit that a bootstrap draws.
///
/// # Example
/// ```
/// use isotherm::score::{BlockAccumulator, PointwiseMetric};
/// let mut blocks = BlockAccumulator::new();
/// for day in 0..20 {
///     for k in 0..5 {
///         let truth = 15.0 + k as f64;
///         blocks.add(day, truth, truth + 0.1 * (day % 3) as f64, 1.0).unwrap();
///     }
/// }
/// let rmse = blocks.score(PointwiseMetric::Rmse, 500, 1).unwrap();
/// assert_eq!((rmse.n, rmse.n_effective), (100, 20.0));
/// assert!(rmse.lower < rmse.value && rmse.value < rmse.upper);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BlockAccumulator {
    blocks: Vec<Pairs>,
}

impl BlockAccumulator {
    /// No blocks yet; they are made as pairs come in.
    pub fn new() -> BlockAccumulator {
        BlockAccumulator::default()
    }

    /// From blocks that were summed elsewhere (in parallel, or from files).
    pub fn from_blocks(blocks: Vec<Pairs>) -> BlockAccumulator {
        BlockAccumulator { blocks }
    }

    /// Adds one pair to block `block`. Blocks are numbered from 0; those never named stay empty.
    ///
    /// # Errors
    /// As [`Pairs::add`].
    pub fn add(&mut self, block: usize, truth: f64, prediction: f64, weight: f64) -> ScoreResult<()> {
        self.block_mut(block).add(truth, prediction, weight)
    }

    /// Adds many pairs to block `block`.
    pub fn add_pairs(&mut self, block: usize, pairs: &Pairs) {
        self.block_mut(block).merge(pairs);
    }

    fn block_mut(&mut self, block: usize) -> &mut Pairs {
        if block >= self.blocks.len() {
            self.blocks.resize(block + 1, Pairs::default());
        }
        &mut self.blocks[block]
    }

    /// The blocks, empty ones included.
    pub fn blocks(&self) -> &[Pairs] {
        &self.blocks
    }

    /// All pairs together.
    pub fn total(&self) -> Pairs {
        merged(self.blocks.iter())
    }

    /// The metric over all pairs, with a percentile interval of 95 % from `resamples` draws of whole blocks.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] below two blocks with data (an interval needs at least two independent units) or
    /// two resamples; the metric's own errors.
    pub fn score(&self, metric: PointwiseMetric, resamples: usize, seed: u64) -> ScoreResult<BlockScore> {
        self.score_with(metric, Resampling::Unit, IntervalKind::Percentile, DEFAULT_COVERAGE, resamples, seed)
    }

    /// As [`BlockAccumulator::score`], with every choice stated. Of a series of days that depend on one another,
    /// draw runs of blocks ([`Resampling::Stationary`]).
    ///
    /// # Errors
    /// As [`BlockAccumulator::score`], and for a plan or coverage that makes no sense.
    pub fn score_with(
        &self,
        metric: PointwiseMetric,
        plan: Resampling,
        kind: IntervalKind,
        coverage: f64,
        resamples: usize,
        seed: u64,
    ) -> ScoreResult<BlockScore> {
        let filled: Vec<Pairs> = self.blocks.iter().filter(|b| b.count() > 0).copied().collect();
        let total = merged(filled.iter());
        let value = metric.of(&total)?;
        let replicates = resample(filled.len(), plan, resamples, seed, |at| metric.of(&merged(at.iter().map(|i| &filled[*i]))))?;
        let interval = interval(kind, value, &replicates, coverage, || jackknife(&filled, metric))?;
        Ok(BlockScore {
            metric,
            value,
            lower: interval.lower,
            upper: interval.upper,
            coverage,
            n: total.count(),
            n_effective: filled.len() as f64,
        })
    }

    /// This method's metric minus the other's, with a percentile interval of 95 %: the *same* blocks are drawn
    /// for both, so what they share (hard days, noisy drifters) cancels.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] where the two do not hold the same number of pairs in every block (they were
    /// not scored on a common set); else as [`BlockAccumulator::score`].
    pub fn paired_difference(
        &self,
        other: &BlockAccumulator,
        metric: PointwiseMetric,
        resamples: usize,
        seed: u64,
    ) -> ScoreResult<BlockDifference> {
        let length = self.blocks.len().max(other.blocks.len());
        let empty = Pairs::default();
        let both = |i: usize| (*self.blocks.get(i).unwrap_or(&empty), *other.blocks.get(i).unwrap_or(&empty));
        for i in 0..length {
            let (a, b) = both(i);
            if a.count() != b.count() {
                return Err(ScoreError::Argument(format!(
                    "block {i} holds {} pairs of one method and {} of the other; score both on their common set first",
                    a.count(),
                    b.count()
                )));
            }
        }
        let filled: Vec<(Pairs, Pairs)> = (0..length).map(both).filter(|(a, _)| a.count() > 0).collect();
        let difference = |at: &mut dyn Iterator<Item = usize>| -> ScoreResult<f64> {
            let (mut a, mut b) = (Pairs::default(), Pairs::default());
            for i in at {
                a.merge(&filled[i].0);
                b.merge(&filled[i].1);
            }
            Ok(metric.of(&a)? - metric.of(&b)?)
        };
        let value = difference(&mut (0..filled.len()))?;
        let replicates = resample(filled.len(), Resampling::Unit, resamples, seed, |at| difference(&mut at.iter().copied()))?;
        let interval = percentile_interval(&replicates, DEFAULT_COVERAGE)?;
        let below = replicates.iter().map(|r| if *r < 0.0 { 1.0 } else { f64::from(u8::from(*r == 0.0)) / 2.0 }).sum::<f64>();
        Ok(BlockDifference {
            metric,
            difference: value,
            lower: interval.lower,
            upper: interval.upper,
            coverage: DEFAULT_COVERAGE,
            share_below: below / replicates.len() as f64,
            n: filled.iter().map(|(a, _)| a.count()).sum(),
            n_effective: filled.len() as f64,
        })
    }
}

fn merged<'a>(blocks: impl Iterator<Item = &'a Pairs>) -> Pairs {
    blocks.fold(Pairs::default(), |mut all, block| {
        all.merge(block);
        all
    })
}

/// The metric without each block in turn, from the sums before and after it.
fn jackknife(blocks: &[Pairs], metric: PointwiseMetric) -> ScoreResult<Vec<f64>> {
    let mut after = vec![Pairs::default(); blocks.len() + 1];
    for i in (0..blocks.len()).rev() {
        after[i] = blocks[i];
        let rest = after[i + 1];
        after[i].merge(&rest);
    }
    let mut before = Vec::with_capacity(blocks.len());
    let mut sum = Pairs::default();
    for block in blocks {
        before.push(sum);
        sum.merge(block);
    }
    before
        .into_par_iter()
        .enumerate()
        .map(|(i, mut rest)| {
            rest.merge(&after[i + 1]);
            metric.of(&rest)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    fn noisy(seed: u64, blocks: usize, sigma: f64) -> BlockAccumulator {
        let mut random = Random::new(seed, "blocks");
        let mut accumulator = BlockAccumulator::new();
        for block in 0..blocks {
            let shared = 0.3 * random.normal();
            for _ in 0..10 {
                accumulator.add(block, 0.0, shared + sigma * random.normal(), 1.0).unwrap();
            }
        }
        accumulator
    }

    #[test]
    fn the_interval_of_a_mean_is_the_textbook_one() {
        let blocks = noisy(4, 400, 0.5);
        let means: Vec<f64> = blocks.blocks().iter().map(|b| b.bias().unwrap()).collect();
        let mean = means.iter().sum::<f64>() / 400.0;
        let error = (means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / 400.0 / 400.0).sqrt();
        for kind in [IntervalKind::Percentile, IntervalKind::Basic, IntervalKind::Bca] {
            let score = blocks.score_with(PointwiseMetric::Bias, Resampling::Unit, kind, 0.95, 4000, 1).unwrap();
            assert!((score.value - mean).abs() < 1e-12);
            // ±1.96 standard errors; the quantiles of 4000 draws are good to about 5 % of one
            assert!((score.upper - mean - 1.96 * error).abs() < 0.2 * error, "{kind:?} {score:?} {error}");
            assert!((mean - score.lower - 1.96 * error).abs() < 0.2 * error, "{kind:?} {score:?} {error}");
        }
    }

    #[test]
    fn the_jackknife_leaves_each_block_out() {
        let blocks = noisy(5, 6, 0.5);
        let fast = jackknife(blocks.blocks(), PointwiseMetric::Rmse).unwrap();
        for (i, value) in fast.iter().enumerate() {
            let rest = merged(blocks.blocks().iter().enumerate().filter(|(k, _)| *k != i).map(|(_, b)| b));
            assert!((value - rest.rmse().unwrap()).abs() < 1e-13);
        }
    }

    #[test]
    fn who_wins() {
        let (mut good, mut bad) = (BlockAccumulator::new(), BlockAccumulator::new());
        let mut random = Random::new(6, "duel");
        for block in 0..50 {
            let hard = 1.0 + 4.0 * random.uniform();
            for _ in 0..20 {
                let error = hard * random.normal();
                good.add(block * 2, 10.0, 10.0 + error, 1.0).unwrap();
                bad.add(block * 2, 10.0, 10.0 + 1.05 * error, 1.0).unwrap();
            }
        }
        let duel = good.paired_difference(&bad, PointwiseMetric::Rmse, 500, 3).unwrap();
        assert!(duel.is_clear() && duel.upper < 0.0 && duel.share_below == 1.0, "{duel:?}");
        assert_eq!((duel.n, duel.n_effective), (1000, 50.0));
        // 5 % of the error, exactly
        assert!((duel.difference + 0.05 * good.total().rmse().unwrap()).abs() < 1e-12);
        let same = good.paired_difference(&good, PointwiseMetric::Rmse, 100, 3).unwrap();
        assert!(!same.is_clear() && same.share_below == 0.5);
        good.add(0, 1.0, 1.0, 1.0).unwrap();
        assert!(good.paired_difference(&bad, PointwiseMetric::Rmse, 100, 3).is_err());
    }

    #[test]
    fn one_block_has_no_interval() {
        let blocks = noisy(7, 1, 0.5);
        assert!(matches!(blocks.score(PointwiseMetric::Rmse, 100, 1), Err(ScoreError::TooFew { found: 1, wanted: 2, .. })));
        assert!(BlockAccumulator::new().score(PointwiseMetric::Rmse, 100, 1).is_err());
    }
}
