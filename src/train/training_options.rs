//! The settings of a training run that do not depend on the method.

use serde::{Deserialize, Serialize};

use super::error::{TrainError, TrainResult};
use crate::nn::{AdamConfig, Decay, OptimizerConfig, Plateau, PlateauConfig, Precision, Schedule, SgdConfig};

/// Settings of a training run that do not depend on the method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingOptions {
    /// Iterations in all.
    pub iterations: u64,
    /// Largest learning rate, reached after the warm-up.
    pub peak_rate: f64,
    /// Learning rate at the end; none falls below it after the warm-up.
    pub final_rate: f64,
    /// Iterations of linear warm-up.
    pub warmup_iterations: u64,
    /// How the rate falls after the warm-up.
    pub decay: Decay,
    /// Lets the rate fall, besides, when the validation score no longer does.
    pub plateau: Option<PlateauConfig>,
    /// Constants of Adam.
    pub adam: AdamConfig,
    /// Gradient descent in place of Adam.
    pub sgd: Option<SgdConfig>,
    /// Largest length of the gradient; longer ones are shortened.
    pub clip_norm: f64,
    /// Decay of the moving average of the weights.
    pub ema_decay: f64,
    /// The arithmetic of products; parameters, moments and averages are f32 in any case.
    pub precision: Precision,
    /// Losses whose mean makes one step, for batches that do not fit into memory at once.
    pub accumulate: u64,
    /// Iterations between validations (each is followed by a checkpoint).
    pub validate_every: u64,
    /// Iterations between further checkpoints.
    pub checkpoint_every: Option<u64>,
    /// Stop after this many validations without a better score.
    pub stop_after_validations: Option<u64>,
    /// Stop with an error when a loss is this many times as large as the largest of the first hundred iterations.
    pub divergence_factor: Option<f64>,
    /// Iterations between log lines.
    pub log_every: u64,
    /// Write the log as a TensorBoard event file too.
    pub event_file: bool,
    /// Stop after this many seconds even if iterations are left. The result then depends on the machine;
    /// none by default.
    pub time_budget_seconds: Option<f64>,
}

impl Default for TrainingOptions {
    fn default() -> TrainingOptions {
        TrainingOptions {
            iterations: 1000,
            peak_rate: 1e-3,
            final_rate: 1e-5,
            warmup_iterations: 50,
            decay: Decay::Cosine,
            plateau: None,
            adam: AdamConfig::default(),
            sgd: None,
            clip_norm: 1.0,
            ema_decay: 0.99,
            precision: Precision::F32,
            accumulate: 1,
            validate_every: 250,
            checkpoint_every: None,
            stop_after_validations: None,
            divergence_factor: Some(1000.0),
            log_every: 25,
            event_file: false,
            time_budget_seconds: None,
        }
    }
}

impl TrainingOptions {
    /// Refuses settings out of range.
    pub(super) fn check(&self) -> TrainResult<()> {
        let wrong = |what: &str| Err(TrainError::Argument(format!("training: {what}")));
        let counts = [self.iterations, self.validate_every, self.log_every, self.accumulate, self.checkpoint_every.unwrap_or(1)];
        if counts.contains(&0) || self.stop_after_validations == Some(0) {
            return wrong(
                "iterations, validate_every, log_every, accumulate, checkpoint_every and stop_after_validations must be at \
                 least 1",
            );
        }
        if self.warmup_iterations > self.iterations {
            return wrong("the warm-up is longer than the training");
        }
        self.decay.check()?;
        self.plateau.map(Plateau::new).transpose()?;
        self.group().check()
    }

    /// The settings of a group of parameters that follow from these.
    pub fn group(&self) -> GroupOptions {
        GroupOptions {
            peak_rate: self.peak_rate,
            final_rate: self.final_rate,
            optimizer: self.sgd.map_or(OptimizerConfig::Adam(self.adam), OptimizerConfig::Sgd),
            clip_norm: self.clip_norm,
            ema_decay: Some(self.ema_decay),
            divergence_factor: self.divergence_factor,
        }
    }

    /// The learning rate of a group at an iteration, without what a plateau does to it.
    pub(super) fn rate(&self, group: &GroupOptions, iteration: u64) -> f64 {
        let schedule = Schedule {
            peak_rate: group.peak_rate,
            final_rate: group.final_rate,
            warmup_steps: self.warmup_iterations,
            total_steps: self.iterations,
        };
        self.decay.rate(&schedule, iteration)
    }
}

/// The settings of one group of parameters (a generator, a critic).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupOptions {
    /// Largest learning rate, reached after the warm-up.
    pub peak_rate: f64,
    /// Learning rate at the end.
    pub final_rate: f64,
    /// The optimiser.
    pub optimizer: OptimizerConfig,
    /// Largest length of the group's gradient; infinite for no limit.
    pub clip_norm: f64,
    /// Decay of the moving average of the weights; none is kept where absent.
    pub ema_decay: Option<f64>,
    /// As in [`TrainingOptions`]; better absent for a critic, whose loss starts near 0 and has no bound.
    pub divergence_factor: Option<f64>,
}

impl GroupOptions {
    /// Refuses settings out of range.
    pub(super) fn check(&self) -> TrainResult<()> {
        let wrong = |what: &str| Err(TrainError::Argument(format!("training: {what}")));
        if !(self.peak_rate > 0.0 && self.final_rate >= 0.0 && self.clip_norm > 0.0) {
            return wrong("peak_rate and clip_norm must be positive, final_rate at least 0");
        }
        if self.divergence_factor.is_some_and(|factor| factor.is_nan() || factor <= 1.0) {
            return wrong("divergence_factor must be above 1");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_refused() {
        let message = |change: fn(&mut TrainingOptions)| {
            let mut options = TrainingOptions::default();
            change(&mut options);
            options.check().unwrap_err().to_string()
        };
        assert!(message(|o| o.accumulate = 0).contains("at least 1"));
        assert!(message(|o| o.stop_after_validations = Some(0)).contains("at least 1"));
        assert!(message(|o| o.warmup_iterations = 1001).contains("warm-up"));
        assert!(message(|o| o.peak_rate = f64::NAN).contains("peak_rate"));
        assert!(message(|o| o.divergence_factor = Some(1.0)).contains("divergence_factor"));
        assert!(message(|o| o.decay = Decay::Exponential { factor: 2.0 }).contains("decay"));
        TrainingOptions::default().check().unwrap();
    }
}
