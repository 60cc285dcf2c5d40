//! A small diffusion U-Net: three levels, told the time by FiLM, attention on the two coarse ones, by mean square error.

use anyhow::Result;
use isotherm::candle_core::{Device, Tensor};
use isotherm::nn::Parameters;
use isotherm::nn::blocks::{Conditioning, Mixing, MixingPlace, Unet, UnetConfig, UnetHead, UnetLevel};
use isotherm::nn::ops::{Loss as Penalty, masked_loss};

use crate::task::{Inputs, Loss, inputs, normal};

const BATCH: usize = 8;
const SIZE: usize = 32;

pub fn network(parameters: &mut Parameters) -> Result<(Loss, Inputs)> {
    let attention = Mixing::SelfAttention { head_width: 32 };
    let level = |width, mixing| UnetLevel { width, down: mixing, up: mixing };
    let config = UnetConfig {
        inputs: 2,
        levels: vec![level(32, Mixing::None), level(64, attention), level(64, attention)],
        blocks: 1,
        middle: attention,
        place: MixingPlace::EveryBlock,
        time: [32, 128],
        conditioning: Conditioning::Film,
        groups: 8,
        zero_start: false,
    };
    let unet = Unet::new(parameters, "unet", &config)?;
    let head = UnetHead::new(parameters, "head", &config, 1)?;
    let loss: Loss = Box::new(move |inputs| {
        let y = head.forward(&unet.forward(&inputs["noisy"], Some(&inputs["time"]))?)?; // [b, 1, h, w]
        masked_loss(Penalty::MeanSquare, &y, &inputs["noise"], None)
    });
    let time = Tensor::from_iter((0..BATCH).map(|i| (3 + 130 * i) as f32), &Device::Cpu)?;
    let noisy = normal("unet/noisy", &[BATCH, 2, SIZE, SIZE])?;
    let noise = normal("unet/noise", &[BATCH, 1, SIZE, SIZE])?;
    Ok((loss, inputs([("noisy", noisy), ("noise", noise), ("time", time)])))
}
