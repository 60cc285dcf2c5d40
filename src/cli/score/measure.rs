//! [`Measure`]: what one row of the result tells.

use anyhow::bail;

use super::derived::Derived;
use crate::grid::Unit;
use crate::score::{BlockAccumulator, Pairs, PointwiseMetric, ScoreError, ScoreResult, Skill};

/// Metrics that need all pairs at once, which a file larger than memory cannot give; the library has them.
const WHOLE_LISTS: [&str; 9] = [
    "kendall",
    "kge_nonparametric",
    "median_error",
    "robust_standard_deviation",
    "mape",
    "smape",
    "rmsle",
    "index_of_agreement",
    "wasserstein",
];

/// A metric of the prediction alone, its skill against the reference, or a metric of derived pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    Pointwise(PointwiseMetric),
    Skill(Skill),
    Derived(Derived),
}

/// A value with its interval, where there is one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Estimate {
    pub value: f64,
    /// Ends of the interval of 95 %, or why there is none.
    pub interval: Result<(f64, f64), ScoreError>,
    pub n: usize,
    pub n_effective: f64,
}

impl Measure {
    /// The measure of that name.
    ///
    /// # Errors
    /// One sentence with the names known.
    pub fn parse(name: &str) -> anyhow::Result<Measure> {
        if let Some(skill) = Skill::parse(name) {
            return Ok(Measure::Skill(skill));
        }
        if let Some(derived) = Derived::ALL.into_iter().find(|d| d.name() == name) {
            return Ok(Measure::Derived(derived));
        }
        if WHOLE_LISTS.contains(&name) {
            bail!(
                "{name} needs all pairs at once, but files are read piece by piece; take it from the library (isotherm::score), \
                 or ask for one of: {}",
                known()
            );
        }
        match PointwiseMetric::parse(name) {
            Ok(metric) => Ok(Measure::Pointwise(metric)),
            Err(_) => bail!("metric '{name}' is not known; wanted one of: {}", known()),
        }
    }

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Measure::Pointwise(metric) => metric.name(),
            Measure::Skill(skill) => skill.name(),
            Measure::Derived(derived) => derived.name(),
        }
    }

    /// What it derives first, if anything.
    pub fn derived(self) -> Option<Derived> {
        match self {
            Measure::Derived(derived) => Some(derived),
            _ => None,
        }
    }

    /// The metric whose sums must be kept.
    pub fn metric(self) -> PointwiseMetric {
        match self {
            Measure::Pointwise(metric) => metric,
            Measure::Skill(skill) => skill.metric(),
            Measure::Derived(derived) => derived.metric(),
        }
    }

    /// The unit of the value.
    ///
    /// # Errors
    /// One sentence for a mean squared error of data with a unit, whose square is no [`Unit`].
    pub fn unit(self, data: Unit) -> anyhow::Result<Unit> {
        match self {
            Measure::Pointwise(PointwiseMetric::Mse) if data != Unit::One => {
                bail!("mse has the square of {} as unit, which isotherm does not write; ask for rmse", data.difference())
            }
            Measure::Pointwise(metric) if metric.has_unit_of_data() => Ok(data.difference()),
            Measure::Derived(derived) if derived.has_unit_of_data() => Ok(data.difference()),
            _ => Ok(Unit::One),
        }
    }

    /// Does the value move with the zero of the data's unit?
    pub fn depends_on_zero_of_unit(self) -> bool {
        match self {
            Measure::Pointwise(metric) => metric.depends_on_zero_of_unit(),
            Measure::Skill(_) => false,
            Measure::Derived(derived) => derived == Derived::Ssim,
        }
    }

    /// The value for these pairs.
    pub fn of(self, prediction: &Pairs, reference: &Pairs) -> ScoreResult<f64> {
        match self {
            Measure::Pointwise(metric) => metric.of(prediction),
            Measure::Derived(derived) => derived.metric().of(prediction),
            Measure::Skill(skill) => skill.of(prediction, reference),
        }
    }

    /// The value over all blocks, with an interval from drawing blocks.
    pub fn estimate(
        self,
        prediction: &BlockAccumulator,
        reference: &BlockAccumulator,
        resamples: usize,
        seed: u64,
    ) -> ScoreResult<Estimate> {
        let total = prediction.total();
        let value = self.of(&total, &reference.total())?;
        let filled = prediction.blocks().iter().filter(|b| b.count() > 0).count();
        let interval = match self {
            Measure::Pointwise(_) | Measure::Derived(_) => {
                prediction.score(self.metric(), resamples, seed).map(|s| (s.lower, s.upper))
            }
            Measure::Skill(skill) => skill.of_blocks(prediction, reference, resamples, seed).map(|s| (s.lower, s.upper)),
        };
        Ok(Estimate { value, interval, n: total.count(), n_effective: filled as f64 })
    }
}

fn known() -> String {
    let metrics = PointwiseMetric::ALL.iter().map(|m| m.name());
    let all = metrics.chain(Skill::ALL.iter().map(|s| s.name())).chain(Derived::ALL.iter().map(|d| d.name()));
    all.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_follow_the_metric() {
        let unit = |name: &str, data| Measure::parse(name).unwrap().unit(data);
        assert_eq!(unit("rmse", Unit::Celsius).unwrap(), Unit::KelvinDifference);
        assert_eq!(unit("skill_mae", Unit::Celsius).unwrap(), Unit::One);
        assert_eq!(unit("mse", Unit::One).unwrap(), Unit::One);
        assert!(unit("mse", Unit::Metre).unwrap_err().to_string().contains("rmse"));
    }

    #[test]
    fn one_block_gives_a_value_without_an_interval() {
        let mut blocks = BlockAccumulator::new();
        (0..5).for_each(|i| blocks.add(0, f64::from(i), f64::from(i) + 1.0, 1.0).unwrap());
        let found = Measure::parse("rmse").unwrap().estimate(&blocks, &blocks, 100, 1).unwrap();
        assert_eq!((found.value, found.n, found.n_effective), (1.0, 5, 1.0));
        assert!(matches!(found.interval, Err(ScoreError::TooFew { found: 1, .. })));
    }
}
