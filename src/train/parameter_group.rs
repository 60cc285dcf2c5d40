//! The parameters of one network with everything that moves them: optimiser, moving average, gradients on their way.

use std::collections::BTreeMap;

use candle_core::backprop::GradStore;
use candle_core::{DType, Tensor};

use super::checkpoint::{Checkpoint, GroupState};
use super::error::{TrainError, TrainResult};
use super::training_options::GroupOptions;
use crate::nn::{Ema, NnError, Optimizer, Parameters, add_gradients, clip_scale, first_gradients, global_norm, no_gradients};

/// Iterations whose largest loss is the measure of a later divergence.
const EARLY: u64 = 100;

/// One network in training. Several groups can train in one run, each with an optimiser of its own.
#[derive(Debug)]
pub struct ParameterGroup<'a> {
    name: String,
    parameters: &'a Parameters,
    options: GroupOptions,
    optimizer: Optimizer,
    ema: Option<Ema>,
    /// The sum of the gradients since the last step.
    pending: Option<GradStore>,
    /// The largest loss of the first iterations.
    early_loss: f64,
}

/// What one step of a group did, for the log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct GroupStep {
    pub rate: f64,
    pub gradient_norm: f64,
}

impl<'a> ParameterGroup<'a> {
    /// A group before its first step. The name is part of the tensors' names in checkpoints (`model/generator/head.weight`);
    /// an only network may have none (`model/head.weight`).
    ///
    /// # Errors
    /// [`TrainError::Argument`] for settings out of range or a name with a slash; [`TrainError::Nn`] from optimiser and
    /// average.
    pub fn new(name: &str, parameters: &'a Parameters, options: GroupOptions) -> TrainResult<ParameterGroup<'a>> {
        options.check()?;
        if name.contains('/') {
            return Err(TrainError::Argument(format!(
                "training: the group's name '{name}' holds a slash, which parts names in files"
            )));
        }
        Ok(ParameterGroup {
            name: name.to_string(),
            parameters,
            options,
            optimizer: Optimizer::new(parameters, options.optimizer)?,
            ema: options.ema_decay.map(|decay| Ema::new(parameters, decay)).transpose()?,
            pending: None,
            early_loss: 0.0,
        })
    }

    /// The group's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its settings.
    pub(super) fn options(&self) -> &GroupOptions {
        &self.options
    }

    /// Its parameters.
    pub(super) fn parameters(&self) -> &'a Parameters {
        self.parameters
    }

    /// Its moving average.
    pub(super) fn ema(&self) -> Option<&Ema> {
        self.ema.as_ref()
    }

    /// `what` with the group's name, for logs and errors: `loss`, `loss/critic`.
    pub(super) fn label(&self, what: &str) -> String {
        if self.name.is_empty() { what.to_string() } else { format!("{what}/{}", self.name) }
    }

    /// The size that a loss must not exceed at `iteration`, and takes note of early losses.
    pub(super) fn limit(&mut self, iteration: u64, loss: f64) -> f64 {
        if iteration < EARLY {
            self.early_loss = self.early_loss.max(loss.abs());
            return f64::INFINITY;
        }
        match self.options.divergence_factor {
            Some(factor) if self.early_loss > 0.0 => factor * self.early_loss,
            _ => f64::INFINITY,
        }
    }

    /// Adds the gradients of a loss to those on their way.
    pub(super) fn accumulate(&mut self, loss: &Tensor) -> TrainResult<()> {
        let gradients = first_gradients(loss)?;
        let mut sum = self.pending.take().map_or_else(no_gradients, Ok)?;
        add_gradients(&mut sum, &gradients, self.parameters)?;
        self.pending = Some(sum);
        Ok(())
    }

    /// The length of the gradient on its way.
    pub(super) fn gradient_norm(&self) -> TrainResult<f64> {
        match &self.pending {
            Some(gradients) => Ok(global_norm(gradients, self.parameters)?),
            None => Err(TrainError::Argument(format!(
                "training: a step of group '{}' was asked for without a loss; give one first",
                self.name
            ))),
        }
    }

    /// Moves the parameters along the gradient on its way, whose length is `norm`, and the average after them.
    pub(super) fn step(&mut self, rate: f64, norm: f64) -> TrainResult<GroupStep> {
        if let Some(gradients) = self.pending.take() {
            self.optimizer.step(self.parameters, &gradients, rate, clip_scale(norm, self.options.clip_norm))?;
            if let Some(ema) = &mut self.ema {
                ema.update(self.parameters)?;
            }
        }
        Ok(GroupStep { rate, gradient_norm: norm })
    }

    /// A tensor's name in a checkpoint.
    fn key(&self, name: &str) -> String {
        if self.name.is_empty() { name.to_string() } else { format!("{}/{name}", self.name) }
    }

    /// Puts the group's state into a checkpoint.
    pub(super) fn store(&self, checkpoint: &mut Checkpoint) -> Result<(), NnError> {
        let keyed = |map: &BTreeMap<String, Tensor>| -> Vec<(String, Tensor)> {
            map.iter().map(|(name, tensor)| (self.key(name), tensor.clone())).collect()
        };
        checkpoint.model.extend(keyed(&self.parameters.snapshot()?));
        checkpoint.moments.extend(keyed(self.optimizer.moments()));
        let mut ema_updates = 0;
        if let Some(ema) = &self.ema {
            checkpoint.ema.extend(keyed(ema.averages()));
            ema_updates = ema.updates();
        }
        let state = GroupState { optimizer_steps: self.optimizer.steps(), ema_updates, early_loss: self.early_loss };
        checkpoint.state.groups.insert(self.name.clone(), state);
        Ok(())
    }

    /// Takes the group's state out of a checkpoint.
    pub(super) fn restore(&mut self, checkpoint: &Checkpoint) -> TrainResult<()> {
        let Some(state) = checkpoint.state.groups.get(&self.name) else {
            return Err(TrainError::Argument(format!(
                "training: the checkpoint holds no state of the group '{}'; train again in an empty folder",
                self.name
            )));
        };
        let prefix = self.key("");
        let own = |map: &BTreeMap<String, Tensor>| -> BTreeMap<String, Tensor> {
            map.iter().filter_map(|(name, t)| Some((name.strip_prefix(&prefix)?.to_string(), t.clone()))).collect()
        };
        self.parameters.set(&own(&checkpoint.model))?;
        self.optimizer.restore(&own(&checkpoint.moments), state.optimizer_steps)?;
        if let Some(ema) = &mut self.ema {
            ema.restore(own(&checkpoint.ema), state.ema_updates)?;
        }
        self.early_loss = state.early_loss;
        self.pending = None;
        Ok(())
    }
}

/// The one number of a loss.
pub(super) fn scalar(loss: &Tensor) -> TrainResult<f64> {
    Ok(loss.to_dtype(DType::F64)?.to_scalar::<f64>()?)
}
