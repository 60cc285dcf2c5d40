//! [`Score`]: a number that says what it is.

use serde::{Deserialize, Serialize};

use super::error::{ScoreError, ScoreResult};
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

/// A metric's value with all that is needed to read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The metric (`rmse`, `bias`, ...).
    pub metric: String,
    /// Its value.
    pub value: f64,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval.
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
    /// Is this score's interval wholly below the other's? (For errors: better.)
    ///
    /// # Errors
    /// [`ScoreError::Protocol`] where the two were made under different protocols.
    pub fn clearly_below(&self, other: &Score) -> ScoreResult<bool> {
        self.comparable(other)?;
        Ok(self.upper < other.lower)
    }

    /// Fails unless both scores follow the same protocol and metric.
    ///
    /// # Errors
    /// [`ScoreError::Protocol`], [`ScoreError::Argument`].
    pub fn comparable(&self, other: &Score) -> ScoreResult<()> {
        if self.protocol != other.protocol {
            return Err(ScoreError::Protocol { left: self.protocol.clone(), right: other.protocol.clone() });
        }
        if self.metric != other.metric || self.unit != other.unit {
            return Err(ScoreError::Argument(format!(
                "{} in {} cannot be compared with {} in {}",
                self.metric, self.unit, other.metric, other.unit
            )));
        }
        Ok(())
    }
}
