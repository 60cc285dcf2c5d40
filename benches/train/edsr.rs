//! A small EDSR: 6 residual blocks of 32 channels, five times finer, by mean absolute error.

use anyhow::Result;
use isotherm::nn::ops::{ConvolutionOptions, Loss as Penalty, masked_loss, pixel_shuffle, relu};
use isotherm::nn::{Convolution2d, Init, Parameters};

use crate::task::{Inputs, Loss, inputs, normal};

const BATCH: usize = 8;
const SIZE: usize = 16;
const FACTOR: usize = 5;
const CHANNELS: usize = 32;
const BLOCKS: usize = 6;

pub fn network(parameters: &mut Parameters) -> Result<(Loss, Inputs)> {
    let mut conv = |name: &str, channels: [usize; 2]| {
        Convolution2d::new(parameters, name, channels, 3, ConvolutionOptions::same(3), Init::UniformFanIn)
    };
    let head = conv("head", [CHANNELS, 2])?;
    let mut body = vec![];
    for i in 0..BLOCKS {
        let first = conv(&format!("body.{i}.conv1"), [CHANNELS; 2])?;
        body.push((first, conv(&format!("body.{i}.conv2"), [CHANNELS; 2])?));
    }
    let body_end = conv("body_end", [CHANNELS; 2])?;
    let tail = conv("tail", [FACTOR * FACTOR, CHANNELS])?;
    let loss: Loss = Box::new(move |inputs| {
        let x = head.forward(&inputs["low"])?; // [b, c, h, w]
        let mut y = x.clone();
        for (first, second) in &body {
            y = (&y + second.forward(&relu(&first.forward(&y)?)?)?)?;
        }
        let y = (x + body_end.forward(&y)?)?;
        masked_loss(Penalty::MeanAbsolute, &pixel_shuffle(&tail.forward(&y)?, FACTOR)?, &inputs["high"], None)
    });
    let low = normal("edsr/low", &[BATCH, 2, SIZE, SIZE])?;
    let high = normal("edsr/high", &[BATCH, 1, FACTOR * SIZE, FACTOR * SIZE])?;
    Ok((loss, inputs([("low", low), ("high", high)])))
}
