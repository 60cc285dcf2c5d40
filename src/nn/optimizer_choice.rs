//! One of the optimisers, chosen by a config.

use std::collections::BTreeMap;

use candle_core::Tensor;
use candle_core::backprop::GradStore;
use serde::{Deserialize, Serialize};

use super::error::NnResult;
use super::optimizer::{Adam, AdamConfig};
use super::parameters::Parameters;
use super::sgd::{Sgd, SgdConfig};

/// Which optimiser, with its constants.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum OptimizerConfig {
    /// Adam or AdamW.
    Adam(AdamConfig),
    /// Gradient descent with momentum.
    Sgd(SgdConfig),
}

/// An optimiser whose state can be saved and put back, bit for bit.
///
/// # Example
/// ```
/// use isotherm::candle_core::{DType, Device};
/// use isotherm::nn::{Init, Optimizer, OptimizerConfig, Parameters, SgdConfig};
/// let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
/// let a = parameters.add("a", &[1], Init::Constant(1.0)).unwrap();
/// let mut optimizer = Optimizer::new(&parameters, OptimizerConfig::Sgd(SgdConfig::default())).unwrap();
/// let gradients = a.sqr().unwrap().sum_all().unwrap().backward().unwrap();
/// optimizer.step(&parameters, &gradients, 0.25, 1.0).unwrap();
/// assert_eq!(a.to_vec1::<f32>().unwrap(), [0.5]);
/// ```
#[derive(Clone, Debug)]
pub enum Optimizer {
    /// Adam or AdamW.
    Adam(Adam),
    /// Gradient descent with momentum.
    Sgd(Sgd),
}

impl Optimizer {
    /// An optimiser for these parameters.
    ///
    /// # Errors
    /// As [`Adam::new`] and [`Sgd::new`].
    pub fn new(parameters: &Parameters, config: OptimizerConfig) -> NnResult<Optimizer> {
        Ok(match config {
            OptimizerConfig::Adam(config) => Optimizer::Adam(Adam::new(parameters, config)?),
            OptimizerConfig::Sgd(config) => Optimizer::Sgd(Sgd::new(parameters, config)?),
        })
    }

    /// One step at learning rate `rate`, with every gradient multiplied by `scale` first (clipping).
    ///
    /// # Errors
    /// As [`Adam::step`] and [`Sgd::step`].
    pub fn step(&mut self, parameters: &Parameters, gradients: &GradStore, rate: f64, scale: f64) -> NnResult<()> {
        match self {
            Optimizer::Adam(adam) => adam.step(parameters, gradients, rate, scale),
            Optimizer::Sgd(sgd) => sgd.step(parameters, gradients, rate, scale),
        }
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        match self {
            Optimizer::Adam(adam) => adam.steps(),
            Optimizer::Sgd(sgd) => sgd.steps(),
        }
    }

    /// The state's tensors by parameter name, for a checkpoint.
    pub fn moments(&self) -> &BTreeMap<String, Tensor> {
        match self {
            Optimizer::Adam(adam) => adam.moments(),
            Optimizer::Sgd(sgd) => sgd.moments(),
        }
    }

    /// Puts a saved state back.
    ///
    /// # Errors
    /// As [`Adam::restore`] and [`Sgd::restore`].
    pub fn restore(&mut self, moments: &BTreeMap<String, Tensor>, steps: u64) -> NnResult<()> {
        match self {
            Optimizer::Adam(adam) => adam.restore(moments, steps),
            Optimizer::Sgd(sgd) => sgd.restore(moments, steps),
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::super::parameters::Init;
    use super::*;

    /// Ten steps of a bowl; after the fifth the optimiser may be replaced by one restored from its saved state.
    fn ten_steps(config: OptimizerConfig, through_a_file: bool) -> Vec<u32> {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 2);
        let p = parameters.add("p", &[40], Init::Uniform { bound: 1.0 }).unwrap();
        let mut optimizer = Optimizer::new(&parameters, config).unwrap();
        for step in 0..10 {
            if step == 5 && through_a_file {
                let (saved, steps) = (optimizer.moments().clone(), optimizer.steps());
                optimizer = Optimizer::new(&parameters, config).unwrap();
                optimizer.restore(&saved, steps).unwrap();
            }
            let loss = (p.sqr().unwrap() + p.sin().unwrap()).unwrap().sum_all().unwrap();
            optimizer.step(&parameters, &loss.backward().unwrap(), 0.05, 0.7).unwrap();
        }
        p.to_vec1::<f32>().unwrap().iter().map(|v| v.to_bits()).collect()
    }

    #[test]
    fn every_optimiser_goes_on_bit_for_bit() {
        let sgd = SgdConfig { momentum: 0.9, nesterov: true, weight_decay: 0.01 };
        let configs = [
            OptimizerConfig::Adam(AdamConfig { weight_decay: 0.1, ..AdamConfig::default() }),
            OptimizerConfig::Sgd(sgd),
            OptimizerConfig::Sgd(SgdConfig::default()),
        ];
        let paths: Vec<Vec<u32>> = configs.iter().map(|config| ten_steps(*config, false)).collect();
        for (config, path) in configs.iter().zip(&paths) {
            assert_eq!(*path, ten_steps(*config, true), "{config:?}");
        }
        assert!(paths[0] != paths[1] && paths[1] != paths[2]);
    }
}
