//! A step of a Wasserstein critic of patches with the gradient penalty, whose gradient is of second order.

use anyhow::Result;
use isotherm::candle_core::{Device, Tensor};
use isotherm::nn::ops::{ConvolutionOptions, gradient_penalty, interpolate_samples, leaky_relu, wasserstein_critic};
use isotherm::nn::{Convolution2d, Init, Parameters};

use crate::task::{Inputs, Loss, inputs, normal};

const BATCH: usize = 8;
const SIZE: usize = 32;
const SLOPE: f64 = 0.2;
const PENALTY: f64 = 10.0;
/// Channels out and in, and stride, of each layer; the last gives the logits.
const LAYERS: [([usize; 2], usize); 4] = [([32, 1], 2), ([64, 32], 2), ([64, 64], 1), ([1, 64], 1)];

pub fn network(parameters: &mut Parameters) -> Result<(Loss, Inputs)> {
    let mut layers = vec![];
    for (i, (channels, stride)) in LAYERS.into_iter().enumerate() {
        let options = ConvolutionOptions { stride, ..ConvolutionOptions::same(3) };
        layers.push(Convolution2d::new(parameters, &format!("critic.{i}"), channels, 3, options, Init::UniformFanIn)?);
    }
    let critic = move |x: &Tensor| {
        let mut x = x.clone();
        for (i, layer) in layers.iter().enumerate() {
            x = layer.forward(&x)?;
            if i + 1 < layers.len() {
                x = leaky_relu(&x, SLOPE)?;
            }
        }
        Ok(x)
    };
    let loss: Loss = Box::new(move |inputs| {
        let (real, fake) = (&inputs["real"], &inputs["fake"]);
        let between = interpolate_samples(real, fake, &inputs["share"])?;
        let penalty = (gradient_penalty(&critic, &between)? * PENALTY)?;
        wasserstein_critic(&critic(real)?, &critic(fake)?)? + penalty
    });
    let shape = [BATCH, 1, SIZE, SIZE];
    let share = Tensor::from_iter((0..BATCH).map(|i| (i as f32 + 0.5) / BATCH as f32), &Device::Cpu)?;
    let (real, fake) = (normal("critic/real", &shape)?, normal("critic/fake", &shape)?);
    Ok((loss, inputs([("real", real), ("fake", fake), ("share", share)])))
}
