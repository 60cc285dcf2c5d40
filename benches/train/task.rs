//! A network in training: weights, inputs and loss, and the file through which both sides get the same.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result};
use isotherm::base::random::Random;
use isotherm::candle_core::{DType, Device, Tensor, safetensors};
use isotherm::nn::{Adam, AdamConfig, Parameters, first_gradients};

use crate::network;

/// The learning rate on both sides.
const RATE: f64 = 1e-3;
const SEED: u64 = 1;

/// Inputs by name.
pub type Inputs = BTreeMap<String, Tensor>;

/// The loss of one step.
pub type Loss = Box<dyn Fn(&Inputs) -> isotherm::candle_core::Result<Tensor>>;

/// Standard normal values, fixed by the name.
pub fn normal(name: &str, shape: &[usize]) -> Result<Tensor> {
    let mut random = Random::new(SEED, name);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| random.normal() as f32).collect();
    Ok(Tensor::from_vec(values, shape, &Device::Cpu)?)
}

/// Named inputs.
pub fn inputs<const N: usize>(named: [(&str, Tensor); N]) -> Inputs {
    named.map(|(name, tensor)| (name.to_string(), tensor)).into()
}

fn empty() -> Parameters {
    Parameters::new(&Device::Cpu, DType::F32, SEED)
}

/// Writes the weights as `weight/NAME` and the inputs as `input/NAME`.
pub fn write_start(name: &str, file: &str) -> Result<()> {
    let mut parameters = empty();
    let (_, inputs) = network(name, &mut parameters)?;
    let weights = parameters.snapshot()?.into_iter().map(|(name, tensor)| (format!("weight/{name}"), tensor));
    let all: HashMap<String, Tensor> = weights.chain(inputs.into_iter().map(|(n, t)| (format!("input/{n}"), t))).collect();
    Ok(safetensors::save(&all, file)?)
}

/// A network, its optimiser and its inputs.
pub struct Training {
    parameters: Parameters,
    optimizer: Adam,
    loss: Loss,
    inputs: Inputs,
}

impl Training {
    /// From a file that [`write_start`] wrote.
    pub fn read(name: &str, file: &str) -> Result<Training> {
        let tensors = safetensors::load(file, &Device::Cpu).with_context(|| format!("reading {file}"))?;
        let part = |kind: &str| -> BTreeMap<String, Tensor> {
            tensors.iter().filter_map(|(name, t)| Some((name.strip_prefix(kind)?.to_string(), t.clone()))).collect()
        };
        let mut parameters = empty();
        let (loss, _) = network(name, &mut parameters)?;
        parameters.set(&part("weight/"))?;
        let optimizer = Adam::new(&parameters, AdamConfig::default())?;
        Ok(Training { parameters, optimizer, loss, inputs: part("input/") })
    }

    /// Bytes of weights and inputs.
    pub fn bytes(&self) -> usize {
        4 * (self.parameters.value_count() + self.inputs.values().map(Tensor::elem_count).sum::<usize>())
    }

    /// Forward, backward and one step of Adam; the loss before the step.
    pub fn step(&mut self) -> Result<f64> {
        let loss = (self.loss)(&self.inputs)?;
        let gradients = first_gradients(&loss)?;
        self.optimizer.step(&self.parameters, &gradients, RATE, 1.0)?;
        Ok(f64::from(loss.to_scalar::<f32>()?))
    }
}
