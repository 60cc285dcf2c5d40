//! How the learning rate falls after its warm-up.

use serde::{Deserialize, Serialize};

use super::error::{NnError, NnResult};
use super::schedule::Schedule;

/// The way down from a [`Schedule`]'s peak rate. No way leads below its final rate.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Decay {
    /// Half a cosine down to the final rate at the last step.
    #[default]
    Cosine,
    /// The peak rate for ever.
    Constant,
    /// Times `factor` after every `every` steps since the warm-up.
    Step {
        /// Steps between falls.
        every: u64,
        /// Factor of each fall.
        factor: f64,
    },
    /// Times `factor` at each of these steps, counted from the start of the training.
    Milestones {
        /// The steps, in any order.
        at: Vec<u64>,
        /// Factor of each fall.
        factor: f64,
    },
    /// Times `factor` after each step since the warm-up.
    Exponential {
        /// Factor of each step.
        factor: f64,
    },
}

impl Decay {
    /// The rate used at `step` (the first is 0), for the peak, final rate, warm-up and length of `schedule`.
    ///
    /// # Example
    /// ```
    /// use isotherm::nn::{Decay, Schedule};
    /// let schedule = Schedule { peak_rate: 1.0, final_rate: 0.2, warmup_steps: 2, total_steps: 100 };
    /// let decay = Decay::Step { every: 3, factor: 0.5 };
    /// let rates: Vec<f64> = (0..12).map(|step| decay.rate(&schedule, step)).collect();
    /// assert_eq!(rates, [0.5, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2]);
    /// ```
    pub fn rate(&self, schedule: &Schedule, step: u64) -> f64 {
        if step < schedule.warmup_steps || *self == Decay::Cosine {
            return schedule.rate(step);
        }
        let since = step - schedule.warmup_steps;
        let falls = |count: u64, factor: f64| (schedule.peak_rate * factor.powf(count as f64)).max(schedule.final_rate);
        match self {
            Decay::Cosine | Decay::Constant => schedule.peak_rate,
            Decay::Step { every, factor } => falls(since / (*every).max(1), *factor),
            Decay::Milestones { at, factor } => falls(at.iter().filter(|milestone| **milestone <= step).count() as u64, *factor),
            Decay::Exponential { factor } => falls(since, *factor),
        }
    }

    /// Refuses settings without meaning.
    ///
    /// # Errors
    /// [`NnError::Argument`] where a factor is not above 0 and at most 1, or a step is of length 0.
    pub fn check(&self) -> NnResult<()> {
        let factor = match self {
            Decay::Cosine | Decay::Constant => 1.0,
            Decay::Step { factor, .. } | Decay::Milestones { factor, .. } | Decay::Exponential { factor } => *factor,
        };
        if !(factor > 0.0 && factor <= 1.0) || matches!(self, Decay::Step { every: 0, .. }) {
            return Err(NnError::Argument(format!(
                "found the learning-rate decay {self:?}; a factor above 0 and at most 1 and steps of at least 1 are wanted"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_without_meaning_are_refused() {
        assert!(Decay::Step { every: 0, factor: 0.5 }.check().is_err());
        assert!(Decay::Exponential { factor: 1.1 }.check().is_err());
        assert!(Decay::Exponential { factor: f64::NAN }.check().is_err());
        assert!(Decay::Milestones { at: vec![5], factor: 0.1 }.check().is_ok());
    }

    #[test]
    fn all_warm_up_alike() {
        let schedule = Schedule { peak_rate: 0.4, final_rate: 0.0, warmup_steps: 4, total_steps: 10 };
        for decay in [Decay::Cosine, Decay::Constant, Decay::Exponential { factor: 0.5 }] {
            // a quarter, a half, three quarters, all of it
            let rates: Vec<f64> = (0..5).map(|step| decay.rate(&schedule, step)).collect();
            for (rate, want) in rates.iter().zip([0.1, 0.2, 0.3, 0.4, 0.4]) {
                assert!((rate - want).abs() < 1e-15, "{decay:?}: {rates:?}");
            }
        }
    }
}
