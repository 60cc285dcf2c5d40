//! [`Score`]: a number that says what it is.

use serde::{Deserialize, Serialize};

use super::error::{ScoreError, ScoreResult};
use super::interval::Interval;
use crate::grid::Unit;

/// How the pairs that entered a score were weighted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weighting {
    /// Every pair counts the same.
    Equal,
    /// By the exact area of the cell on the sphere.
    Area,
}

impl Weighting {
    /// The word in tables and messages.
    pub fn name(self) -> &'static str {
        match self {
            Weighting::Equal => "equal",
            Weighting::Area => "area",
        }
    }
}

/// A metric's value with all that is needed to read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The metric (`rmse`, `bias`, ...).
    pub metric: String,
    /// Its value.
    pub value: f64,
    /// Lower end of the interval; not finite where there is none ([`Score::interval`]).
    pub lower: f64,
    /// Upper end of the interval; not finite where there is none.
    pub upper: f64,
    /// Nominal coverage of the interval (0.95).
    pub coverage: f64,
    /// Number of valid pairs.
    pub n: usize,
    /// Number of independent units behind it (blocks, days, tiles), as the bootstrap sees them.
    pub n_effective: f64,
    /// Unit of the value.
    pub unit: Unit,
    /// How pairs were weighted.
    pub weighting: Weighting,
    /// What was masked, in words.
    pub mask: String,
    /// Hash of the protocol under which it was made.
    pub protocol: String,
}

impl Score {
    /// The interval; `None` where there is none, because a single unit (one day, one tile) has no spread to draw from.
    pub fn interval(&self) -> Option<Interval> {
        let ends = self.lower.is_finite() && self.upper.is_finite();
        ends.then_some(Interval { lower: self.lower, upper: self.upper, coverage: self.coverage })
    }

    /// Is this score's interval wholly below the other's? (For errors: better.)
    ///
    /// # Errors
    /// [`ScoreError::Protocol`] where the two were made under different protocols, [`ScoreError::Argument`] where one has
    /// no interval.
    pub fn clearly_below(&self, other: &Score) -> ScoreResult<bool> {
        self.comparable(other)?;
        match (self.interval(), other.interval()) {
            (Some(mine), Some(others)) => Ok(mine.upper < others.lower),
            _ => Err(ScoreError::Argument(format!("{} has no interval, so nothing is clear about it", self.metric))),
        }
    }

    /// Fails unless both scores follow the same protocol and metric.
    ///
    /// # Errors
    /// [`ScoreError::Protocol`], [`ScoreError::Argument`].
    pub fn comparable(&self, other: &Score) -> ScoreResult<()> {
        if self.protocol != other.protocol {
            return Err(ScoreError::Protocol { left: self.protocol.clone(), right: other.protocol.clone() });
        }
        if self.metric != other.metric || self.unit != other.unit || self.weighting != other.weighting {
            return Err(ScoreError::Argument(format!(
                "{} in {} of {} weight cannot be compared with {} in {} of {} weight",
                self.metric,
                self.unit,
                self.weighting.name(),
                other.metric,
                other.unit,
                other.weighting.name()
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(lower: f64, upper: f64) -> Score {
        Score {
            metric: "rmse".into(),
            value: 0.5 * (lower + upper),
            lower,
            upper,
            coverage: 0.95,
            n: 100,
            n_effective: 10.0,
            unit: Unit::KelvinDifference,
            weighting: Weighting::Area,
            mask: "land".into(),
            protocol: "a".into(),
        }
    }

    #[test]
    fn only_scores_of_one_protocol_are_compared() {
        assert_eq!(score(0.1, 0.2).clearly_below(&score(0.3, 0.4)), Ok(true));
        assert_eq!(score(0.1, 0.3).clearly_below(&score(0.2, 0.4)), Ok(false));
        let other = Score { protocol: "b".into(), ..score(0.3, 0.4) };
        let wanted = ScoreError::Protocol { left: "a".into(), right: "b".into() };
        assert_eq!(score(0.1, 0.2).clearly_below(&other), Err(wanted));
        let in_metres = Score { unit: Unit::Metre, ..score(0.3, 0.4) };
        assert!(score(0.1, 0.2).comparable(&in_metres).unwrap_err().to_string().contains(" in m of area weight"));
        let equal = Score { weighting: Weighting::Equal, ..score(0.3, 0.4) };
        assert!(score(0.1, 0.2).comparable(&equal).is_err());
    }

    #[test]
    fn without_an_interval_nothing_is_clear() {
        let bare = Score { lower: f64::NAN, upper: f64::NAN, ..score(0.1, 0.2) };
        assert!(bare.interval().is_none() && bare.clearly_below(&score(0.3, 0.4)).is_err());
    }
}
