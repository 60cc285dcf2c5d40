//! A small residual network over time and space: 3 blocks of 3-D convolutions, by mean square error.

use anyhow::Result;
use isotherm::nn::layers::{Convolution3d, default_bias};
use isotherm::nn::ops::{Convolution3dOptions, Loss as Penalty, leaky_relu, masked_loss};
use isotherm::nn::{Init, Parameters};

use crate::task::{Inputs, Loss, inputs, normal};

const BATCH: usize = 2;
const FRAMES: usize = 7;
const SIZE: usize = 24;
const CHANNELS: usize = 32;
const BLOCKS: usize = 3;
const SLOPE: f64 = 0.1;

pub fn network(parameters: &mut Parameters) -> Result<(Loss, Inputs)> {
    let kernel = [3; 3];
    let mut conv = |name: &str, [outputs, inputs]: [usize; 2]| {
        let bias = Some(default_bias(&[outputs, inputs, 3, 3, 3]));
        let same = Convolution3dOptions::same(kernel);
        Convolution3d::new(parameters, name, [outputs, inputs], kernel, same, Init::UniformFanIn, bias)
    };
    let head = conv("head", [CHANNELS, 1])?;
    let mut body = vec![];
    for i in 0..BLOCKS {
        let first = conv(&format!("body.{i}.conv1"), [CHANNELS; 2])?;
        body.push((first, conv(&format!("body.{i}.conv2"), [CHANNELS; 2])?));
    }
    let tail = conv("tail", [1, CHANNELS])?;
    let loss: Loss = Box::new(move |inputs| {
        let mut x = head.forward(&inputs["clip"])?; // [b, c, t, h, w]
        for (first, second) in &body {
            let y = second.forward(&leaky_relu(&first.forward(&leaky_relu(&x, SLOPE)?)?, SLOPE)?)?;
            x = (x + y)?;
        }
        masked_loss(Penalty::MeanSquare, &tail.forward(&x)?, &inputs["target"], None)
    });
    let shape = [BATCH, 1, FRAMES, SIZE, SIZE];
    Ok((loss, inputs([("clip", normal("residual3d/clip", &shape)?), ("target", normal("residual3d/target", &shape)?)])))
}
