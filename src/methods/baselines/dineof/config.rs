//! Settings of DINEOF.

use serde::{Deserialize, Serialize};

use super::super::background::Centring;
use super::super::hide::Hiding;
use crate::methods::error::{MethodError, MethodResult};

/// Settings of `GapFill::Dineof`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DineofConfig {
    /// The largest number of modes tried.
    pub most_modes: usize,
    /// Use this many modes and try no other number.
    pub modes: Option<usize>,
    /// The iteration ends where the gaps change less (root mean square) than this share of the observed deviation.
    pub tolerance: f64,
    /// The most iterations for one number of modes.
    pub most_iterations: usize,
    /// What is taken off first.
    pub centring: Centring,
    /// Share of the observed cells hidden for the choice of the number of modes.
    pub hidden_share: f64,
    /// How they are chosen.
    pub hiding: Hiding,
    /// Numbers of modes tried in a row without a smaller error before the search ends.
    pub patience: usize,
    /// Seed of the choice of hidden cells and of the first guess of the modes.
    pub seed: u64,
}

impl Default for DineofConfig {
    fn default() -> DineofConfig {
        DineofConfig {
            most_modes: 20,
            modes: None,
            tolerance: 1e-3,
            most_iterations: 300,
            centring: Centring::FrameOffsetAndPattern,
            hidden_share: 0.02,
            hiding: Hiding::Clouds,
            patience: 3,
            seed: 0,
        }
    }
}

impl DineofConfig {
    /// As published: single cells hidden, the mean taken off, up to ten modes.
    pub fn paper() -> DineofConfig {
        DineofConfig {
            most_modes: 10,
            centring: Centring::Mean,
            hidden_share: 0.01,
            hiding: Hiding::Points,
            ..DineofConfig::default()
        }
    }

    pub(super) fn check(&self) -> MethodResult<()> {
        let wrong = |problem: String| Err(MethodError::Argument(problem));
        if self.most_modes == 0 || self.modes == Some(0) || self.most_iterations == 0 || self.patience == 0 {
            return wrong("DINEOF was set to 0 modes, iterations or patience; 1 or more of each is wanted".into());
        }
        if !(self.tolerance > 0.0 && self.tolerance < 1.0 && self.hidden_share > 0.0 && self.hidden_share <= 0.3) {
            return wrong(format!(
                "DINEOF was given a tolerance of {} and a hidden share of {}; above 0, below 1 and at most 0.3 are wanted",
                self.tolerance, self.hidden_share
            ));
        }
        Ok(())
    }
}
