//! Training steps of one network on one device in one precision.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use isotherm::candle_core::{DType, Device, Tensor, safetensors};
use isotherm::nn::{Adam, AdamConfig, Parameters, Precision, first_gradients};
use serde_json::{Value, json};

use crate::measure::{self, Task};
use crate::network;
use crate::task::{Inputs, Loss};

/// The learning rate on both sides.
const RATE: f64 = 1e-3;
/// Steps before the clock starts: kernels are loaded and memory is laid out in the first ones.
const WARM_UP: usize = 10;
/// Steps whose losses are compared with PyTorch's: the second and later ones prove the gradients and the optimiser too.
const COMPARED_STEPS: usize = 4;

struct Training {
    parameters: Parameters,
    optimizer: Adam,
    loss: Loss,
    inputs: Inputs,
    precision: Precision,
}

impl Training {
    /// From a file with `weight/NAME` and `input/NAME`.
    fn read(name: &str, file: &str, device: &Device, precision: Precision) -> Result<Training> {
        let tensors = safetensors::load(file, device).with_context(|| format!("reading {file}"))?;
        let part = |kind: &str| -> BTreeMap<String, Tensor> {
            tensors.iter().filter_map(|(name, t)| Some((name.strip_prefix(kind)?.to_string(), t.clone()))).collect()
        };
        let mut parameters = Parameters::new(device, DType::F32, 1);
        let (loss, _) = network(name, &mut parameters)?;
        parameters.set(&part("weight/"))?;
        let optimizer = Adam::new(&parameters, AdamConfig::default())?;
        Ok(Training { parameters, optimizer, loss, inputs: part("input/"), precision })
    }

    /// Forward, backward and one step of Adam; the loss before the step, which also waits for the card.
    fn step(&mut self) -> Result<f64> {
        let scope = self.precision.enter([&self.parameters])?;
        let loss = (self.loss)(&self.inputs)?;
        let gradients = first_gradients(&loss)?;
        drop(scope);
        self.optimizer.step(&self.parameters, &gradients, RATE, 1.0)?;
        Ok(f64::from(loss.to_scalar::<f32>()?))
    }
}

/// One JSON line in the form of `benches/train`.
pub fn timed(name: &str, file: &str, budget: f64, device: &Device, precision: Precision) -> Result<Value> {
    let mut timed = Training::read(name, file, device, precision)?;
    let losses = (0..COMPARED_STEPS).map(|_| timed.step()).collect::<Result<Vec<f64>>>()?;
    for _ in 0..WARM_UP {
        timed.step()?;
    }
    let mut report = measure::measure(Task::new(0, move || timed.step()), budget)?;
    report["losses"] = json!(losses);
    Ok(report)
}
