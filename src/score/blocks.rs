//! Scores with intervals over many independent blocks (days, tiles, drifters), at a cost that does not
//! depend on the number of pairs: each block is kept as its moments only.

use rayon::prelude::*;

use super::error::{ScoreError, ScoreResult};
use super::interval::{IntervalKind, interval, percentile_interval};
use super::metric::PointwiseMetric;
use super::pairs::Pairs;
use super::resample::{Resampling, resample};
use super::score::{Score, Weighting};
use crate::grid::Unit;

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

/// A metric's value with its interval, before it is told what it measures ([`BlockScore::into_score`]).
#[derive(Clone, Debug, PartialEq)]
pub struct BlockScore {
    /// The metric.
    pub metric: PointwiseMetric,
    /// Its value over all pairs.
    pub value: f64,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval.
    pub upper: f64,
    /// Nominal coverage of the interval.
    pub coverage: f64,
    /// Number of pairs.
    pub n: usize,
    /// Number of blocks that hold at least one pair.
    pub n_effective: f64,
}

impl BlockScore {
    /// The score with its unit and conventions. Metrics without unit (`pearson`, `nse`, ...) get [`Unit::One`],
    /// the others the unit of a difference of `data_unit` (kelvin for both temperatures).
    ///
    /// # Errors
    /// [`ScoreError::Argument`] for `mse`, whose unit is a square that [`Unit`] does not know.
    pub fn into_score(
        self,
        data_unit: Unit,
        weighting: Weighting,
        mask: impl Into<String>,
        protocol: impl Into<String>,
    ) -> ScoreResult<Score> {
        if self.metric == PointwiseMetric::Mse && data_unit != Unit::One {
            return Err(ScoreError::Argument(format!("mse has the square of {data_unit} as unit; report rmse instead")));
        }
        Ok(Score {
            metric: self.metric.name().to_string(),
            value: self.value,
            lower: self.lower,
            upper: self.upper,
            coverage: self.coverage,
            n: self.n,
            n_effective: self.n_effective,
            unit: if self.metric.has_unit_of_data() { data_unit.difference() } else { Unit::One },
            weighting,
            mask: mask.into(),
            protocol: protocol.into(),
        })
    }
}

/// The difference of a metric between two methods that were scored on the same pairs.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockDifference {
    /// The metric.
    pub metric: PointwiseMetric,
    /// Value of the first method minus value of the second.
    pub difference: f64,
    /// Lower end of the interval of the difference.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
    /// Nominal coverage of the interval.
    pub coverage: f64,
    /// Share of the resamples in which the first method's value is below the second's (a tie counts half).
    /// Of an error measure: how often the first method wins.
    pub share_below: f64,
    /// Number of pairs.
    pub n: usize,
    /// Number of blocks that hold at least one pair.
    pub n_effective: f64,
}

impl BlockDifference {
    /// Does the interval exclude 0, so that one of the methods is clearly better?
    pub fn is_clear(&self) -> bool {
        self.lower > 0.0 || self.upper < 0.0
    }
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

    #[test]
    fn a_score_knows_its_unit() {
        let blocks = noisy(8, 5, 0.5);
        let as_score = |metric| blocks.score(metric, 50, 1).unwrap().into_score(Unit::Celsius, Weighting::Equal, "land", "p1");
        assert_eq!(as_score(PointwiseMetric::Rmse).unwrap().unit, Unit::KelvinDifference);
        assert!(as_score(PointwiseMetric::Mse).is_err());
    }
}
