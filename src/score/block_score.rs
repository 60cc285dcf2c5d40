//! What a [`BlockAccumulator`](super::BlockAccumulator) says: [`BlockScore`] of one method, [`BlockDifference`] of two.

use super::error::{ScoreError, ScoreResult};
use super::metric::PointwiseMetric;
use super::score::{Score, Weighting};
use crate::grid::Unit;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_knows_its_unit() {
        let as_score = |metric| {
            let score = BlockScore { metric, value: 0.5, lower: 0.4, upper: 0.6, coverage: 0.95, n: 50, n_effective: 5.0 };
            score.into_score(Unit::Celsius, Weighting::Equal, "land", "p1")
        };
        assert_eq!(as_score(PointwiseMetric::Rmse).unwrap().unit, Unit::KelvinDifference);
        assert_eq!(as_score(PointwiseMetric::Pearson).unwrap().unit, Unit::One);
        assert!(as_score(PointwiseMetric::Mse).is_err());
    }

    #[test]
    fn a_difference_is_clear_where_its_interval_leaves_zero_out() {
        let of = |lower: f64, upper: f64| BlockDifference {
            metric: PointwiseMetric::Rmse,
            difference: 0.5 * (lower + upper),
            lower,
            upper,
            coverage: 0.95,
            share_below: 0.5,
            n: 50,
            n_effective: 5.0,
        };
        assert!(of(0.1, 0.3).is_clear() && of(-0.3, -0.1).is_clear());
        assert!(!of(-0.1, 0.1).is_clear() && !of(0.0, 0.1).is_clear());
    }
}
