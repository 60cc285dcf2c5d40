//! What a trainee does in one iteration: draw, compute losses, step.

use std::collections::BTreeMap;

use candle_core::Tensor;
use serde_json::{Map, Value, json};

use super::error::{TrainError, TrainResult};
use super::parameter_group::{ParameterGroup, scalar};
use super::training_options::TrainingOptions;
use crate::base::random::Random;

/// One iteration of a run, in the hands of its trainee.
pub struct Iteration<'r, 'p> {
    pub(super) number: u64,
    pub(super) random: &'r mut Random,
    pub(super) samples_taken: &'r mut u64,
    pub(super) groups: &'r mut [ParameterGroup<'p>],
    pub(super) options: &'r TrainingOptions,
    /// What a plateau has made of the rate.
    pub(super) rate_scale: f64,
    /// Where the last good state lies, in words.
    pub(super) last_good: &'r str,
    /// The log line.
    pub(super) line: Map<String, Value>,
    /// Sum and number of the losses of each group since its last step.
    pub(super) losses: BTreeMap<String, (f64, u64)>,
}

impl<'p> Iteration<'_, 'p> {
    /// The number of the iteration; the first is 0.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The random stream of the training, whose position is part of every checkpoint. All randomness must come from here.
    pub fn random(&mut self) -> &mut Random {
        self.random
    }

    /// Moves the data cursor on by `count` samples and gives where it stood; it is part of every checkpoint. Which sample
    /// stands where is for [`DataOrder`](super::DataOrder) to say.
    pub fn take_samples(&mut self, count: u64) -> u64 {
        let first = *self.samples_taken;
        *self.samples_taken += count;
        first
    }

    /// Puts a number into the iteration's log line.
    pub fn log(&mut self, name: &str, value: f64) {
        self.line.insert(name.to_string(), json!(value));
    }

    /// Adds the gradients of `loss` with regard to a group's parameters to those on their way, and gives the loss's number.
    ///
    /// # Errors
    /// [`TrainError::NotFinite`] and [`TrainError::Diverged`] for a loss that is no number or far too large;
    /// [`TrainError::Argument`] where there is no such group; [`TrainError::Nn`] from the device.
    pub fn accumulate(&mut self, group: &str, loss: &Tensor) -> TrainResult<f64> {
        let number = scalar(loss)?;
        let iteration = self.number;
        let last_good = self.last_good;
        let group = self.group(group)?;
        finite(&group.label("loss"), number, iteration, last_good)?;
        let limit = group.limit(iteration, number);
        if number.abs() > limit {
            let what = group.label("loss");
            return Err(TrainError::Diverged { what, value: number, limit, iteration, last_good: last_good.to_string() });
        }
        group.accumulate(loss)?;
        let name = group.name().to_string();
        let sum = self.losses.entry(name).or_insert((0.0, 0));
        *sum = (sum.0 + number, sum.1 + 1);
        Ok(number)
    }

    /// Moves a group's parameters along the gradients on their way. The log line gets the sum of the losses since the last
    /// step, the rate and the length of the gradient.
    ///
    /// # Errors
    /// [`TrainError::NotFinite`] where the gradient is; [`TrainError::Argument`] where there is no such group or no loss
    /// was given; [`TrainError::Nn`] from the device.
    pub fn step(&mut self, group: &str) -> TrainResult<()> {
        let (iteration, last_good, options, scale) = (self.number, self.last_good, self.options, self.rate_scale);
        let group = self.group(group)?;
        let norm = finite(&group.label("length of the gradient"), group.gradient_norm()?, iteration, last_good)?;
        let rate = options.rate(group.options(), iteration);
        // The plateau's scale must not lift a rate of the warm-up above what it would have been, nor below the floor.
        let rate = if scale == 1.0 { rate } else { (rate * scale).max(group.options().final_rate.min(rate)) };
        let done = group.step(rate, norm)?;
        let labels = ["loss", "rate", "gradient_norm"].map(|what| group.label(what));
        let name = group.name().to_string();
        let loss = self.losses.remove(&name).map_or(0.0, |(sum, _)| sum);
        for (label, value) in labels.into_iter().zip([loss, done.rate, done.gradient_norm]) {
            self.line.insert(label, json!(value));
        }
        Ok(())
    }

    /// [`Iteration::accumulate`] and [`Iteration::step`] at once.
    ///
    /// # Errors
    /// As both.
    pub fn descend(&mut self, group: &str, loss: Tensor) -> TrainResult<f64> {
        let number = self.accumulate(group, &loss)?;
        drop(loss); // frees the graph before the step
        self.step(group)?;
        Ok(number)
    }

    fn group(&mut self, name: &str) -> TrainResult<&mut ParameterGroup<'p>> {
        match self.groups.iter_mut().find(|group| group.name() == name) {
            Some(group) => Ok(group),
            None => Err(TrainError::Argument(format!("training: there is no group of parameters named '{name}'"))),
        }
    }
}

/// `value`, or the error that says what is no longer a number.
pub(super) fn finite(what: &str, value: f64, iteration: u64, last_good: &str) -> TrainResult<f64> {
    if value.is_finite() {
        return Ok(value);
    }
    Err(TrainError::NotFinite { what: what.to_string(), value, iteration, last_good: last_good.to_string() })
}
