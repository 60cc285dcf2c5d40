//! [`Skill`]: how much of a reference's error a prediction removes.

use serde::{Deserialize, Serialize};

use super::blocks::{BlockAccumulator, DEFAULT_COVERAGE};
use super::error::{ScoreError, ScoreResult};
use super::interval::percentile_interval;
use super::metric::PointwiseMetric;
use super::pairs::Pairs;
use super::resample::{Resampling, resample};

/// Skill against a reference by one measure of error.
///
/// # Formula
/// ```text
/// skill = 1 − E_prediction / E_reference        E = MSE, RMSE or MAE
/// ```
/// −∞..1; 1 is perfect, 0 as good as the reference, negative worse than it. RMSE skill is 1 − √(1 − MSE skill).
///
/// # Example
/// ```
/// use isotherm::score::{Pairs, Skill};
/// let truth = [1.0, 2.0, 3.0];
/// let prediction = Pairs::collect(&truth, &[1.5, 2.5, 3.5], None, None).unwrap();
/// let reference = Pairs::collect(&truth, &[2.0, 3.0, 4.0], None, None).unwrap();
/// assert_eq!(Skill::Mse.of(&prediction, &reference).unwrap(), 0.75); // 1 − 0.25/1
/// assert_eq!(Skill::Rmse.of(&prediction, &reference).unwrap(), 0.5);
/// ```
///
/// # Reference
/// Murphy (1988), doi:10.1175/1520-0493(1988)116<2417:SSBOTM>2.0.CO;2
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Skill {
    /// By the mean squared error.
    #[serde(rename = "skill_mse")]
    Mse,
    /// By the root mean squared error.
    #[serde(rename = "skill_rmse")]
    Rmse,
    /// By the mean absolute error.
    #[serde(rename = "skill_mae")]
    Mae,
}

/// A skill with its interval.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockSkill {
    /// By which error.
    pub skill: Skill,
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

impl Skill {
    /// Every skill.
    pub const ALL: [Skill; 3] = [Skill::Mse, Skill::Rmse, Skill::Mae];

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Skill::Mse => "skill_mse",
            Skill::Rmse => "skill_rmse",
            Skill::Mae => "skill_mae",
        }
    }

    /// The skill of that name; `None` where there is none.
    pub fn parse(name: &str) -> Option<Skill> {
        Skill::ALL.into_iter().find(|s| s.name() == name)
    }

    /// The measure of error.
    pub fn metric(self) -> PointwiseMetric {
        match self {
            Skill::Mse => PointwiseMetric::Mse,
            Skill::Rmse => PointwiseMetric::Rmse,
            Skill::Mae => PointwiseMetric::Mae,
        }
    }

    /// The skill of a prediction against a reference, both held against the same truths.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] without pairs; [`ScoreError::Argument`] where the two do not hold the same number of pairs, or the
    /// reference has no error at all.
    pub fn of(self, prediction: &Pairs, reference: &Pairs) -> ScoreResult<f64> {
        if prediction.count() != reference.count() {
            return Err(ScoreError::Argument(format!(
                "{} pairs of the prediction and {} of the reference; score both on their common set first",
                prediction.count(),
                reference.count()
            )));
        }
        let yardstick = self.metric().of(reference)?;
        if yardstick == 0.0 {
            return Err(ScoreError::Argument(format!("the reference has no error, so {} is undefined", self.name())));
        }
        Ok(1.0 - self.metric().of(prediction)? / yardstick)
    }

    /// The skill over all blocks, with a percentile interval of 95 %: the same blocks are drawn for both.
    ///
    /// # Errors
    /// As [`Skill::of`]; [`ScoreError::TooFew`] below two blocks with data or two resamples.
    pub fn of_blocks(
        self,
        prediction: &BlockAccumulator,
        reference: &BlockAccumulator,
        resamples: usize,
        seed: u64,
    ) -> ScoreResult<BlockSkill> {
        let empty = Pairs::default();
        let at = |blocks: &BlockAccumulator, i: usize| *blocks.blocks().get(i).unwrap_or(&empty);
        let length = prediction.blocks().len().max(reference.blocks().len());
        let filled: Vec<(Pairs, Pairs)> =
            (0..length).map(|i| (at(prediction, i), at(reference, i))).filter(|(a, b)| a.count() + b.count() > 0).collect();
        if let Some((a, b)) = filled.iter().find(|(a, b)| a.count() != b.count()) {
            self.of(a, b)?;
        }
        let of = |positions: &mut dyn Iterator<Item = usize>| {
            let (mut a, mut b) = (Pairs::default(), Pairs::default());
            for i in positions {
                a.merge(&filled[i].0);
                b.merge(&filled[i].1);
            }
            self.of(&a, &b)
        };
        let value = of(&mut (0..filled.len()))?;
        let replicates = resample(filled.len(), Resampling::Unit, resamples, seed, |at| of(&mut at.iter().copied()))?;
        let interval = percentile_interval(&replicates, DEFAULT_COVERAGE)?;
        Ok(BlockSkill {
            skill: self,
            value,
            lower: interval.lower,
            upper: interval.upper,
            coverage: interval.coverage,
            n: filled.iter().map(|(a, _)| a.count()).sum(),
            n_effective: filled.len() as f64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    #[test]
    fn every_name_reads_back() {
        assert!(Skill::ALL.iter().all(|s| Skill::parse(s.name()) == Some(*s)));
        assert_eq!(Skill::parse("skill"), None);
    }

    #[test]
    fn blocks_agree_with_the_whole_and_what_is_shared_cancels() {
        let (mut good, mut plain) = (BlockAccumulator::new(), BlockAccumulator::new());
        let mut random = Random::new(2, "skill");
        for block in 0..40 {
            for _ in 0..10 {
                let error = random.normal();
                good.add(block, 0.0, 0.8 * error, 1.0).unwrap();
                plain.add(block, 0.0, error, 1.0).unwrap();
            }
        }
        for (skill, wanted) in [(Skill::Mse, 1.0 - 0.64), (Skill::Rmse, 0.2), (Skill::Mae, 0.2)] {
            let found = skill.of_blocks(&good, &plain, 200, 1).unwrap();
            // every error is scaled by the same number, so the skill does not depend on the draw
            for value in [found.value, found.lower, found.upper] {
                assert!((value - wanted).abs() < 1e-12, "{found:?}");
            }
            assert_eq!((found.n, found.n_effective), (400, 40.0));
        }
    }

    #[test]
    fn undefined_is_a_reason() {
        let pairs = |p: &[f64]| Pairs::collect(&vec![1.0; p.len()], p, None, None).unwrap();
        assert!(Skill::Mse.of(&pairs(&[2.0]), &pairs(&[1.0])).unwrap_err().to_string().contains("no error"));
        assert!(Skill::Mse.of(&pairs(&[2.0, 2.0]), &pairs(&[2.0])).unwrap_err().to_string().contains("common set"));
        assert!(matches!(Skill::Mae.of(&pairs(&[]), &pairs(&[])), Err(ScoreError::TooFew { .. })));
    }
}
