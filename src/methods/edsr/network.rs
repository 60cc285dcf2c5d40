//! The layers.

use candle_core::{Result, Tensor};

use super::config::EdsrConfig;
use crate::nn::ops::{ConvolutionOptions, pixel_shuffle, relu};
use crate::nn::{Convolution2d, Init, NnResult, Parameters};

/// `x + scale · conv(relu(conv(x)))`: a residual block without normalisation.
#[derive(Clone, Debug)]
struct ResidualBlock {
    first: Convolution2d,
    second: Convolution2d,
    scale: f64,
}

impl ResidualBlock {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let branch = self.second.forward(&relu(&self.first.forward(x)?)?)?;
        if self.scale == 1.0 { x + branch } else { x + (branch * self.scale)? }
    }
}

/// Input channels: the values, and where they are sea.
const INPUTS: usize = 2;

/// Head, body, tail, shuffle.
#[derive(Clone, Debug)]
pub(super) struct Network {
    head: Convolution2d,
    body: Vec<ResidualBlock>,
    body_end: Convolution2d,
    tail: Convolution2d,
    factor: usize,
    closed: bool,
}

impl Network {
    pub fn new(parameters: &mut Parameters, config: &EdsrConfig) -> NnResult<Network> {
        let c = config.channels;
        let mut conv = |name: &str, channels: [usize; 2], init: Init| {
            Convolution2d::new(parameters, name, channels, 3, ConvolutionOptions::same(3), init)
        };
        let (plain, before_relu) = (Init::KaimingNormal { gain: 1.0 }, Init::KaimingNormal { gain: std::f64::consts::SQRT_2 });
        // Each block adds a branch; a small start keeps the depth from swelling the signal.
        let into_sum = Init::KaimingNormal { gain: 0.1 };
        let body = (0..config.blocks)
            .map(|i| {
                Ok(ResidualBlock {
                    first: conv(&format!("body.{i}.conv1"), [c, c], before_relu)?,
                    second: conv(&format!("body.{i}.conv2"), [c, c], into_sum)?,
                    scale: config.residual_scale,
                })
            })
            .collect::<NnResult<Vec<_>>>()?;
        Ok(Network {
            head: conv("head", [c, INPUTS], plain)?,
            body,
            body_end: conv("body_end", [c, c], plain)?,
            // Zero: before its first step the method is the back-projected bicubic.
            tail: conv("tail", [config.tile.factor * config.tile.factor, c], Init::Constant(0.0))?,
            factor: config.tile.factor,
            closed: config.closed,
        })
    }

    /// The correction to the back-projected bicubic, `[b, 2, h, w]` to `[b, 1, h f, w f]`, both in units of
    /// the tile's standard deviation.
    pub fn forward(&self, low: &Tensor) -> Result<Tensor> {
        let x = self.head.forward(low)?; // [b, c, h, w]
        let mut y = x.clone();
        for block in &self.body {
            y = block.forward(&y)?; // [b, c, h, w]
        }
        let y = (x + self.body_end.forward(&y)?)?; // [b, c, h, w]
        let mut correction = self.tail.forward(&y)?; // [b, f², h, w]
        if self.closed {
            correction = correction.broadcast_sub(&correction.mean_keepdim(1)?)?;
        }
        pixel_shuffle(&correction, self.factor) // [b, 1, h f, w f]
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;
    use crate::methods::refinement::TileConfig;
    use crate::nn::gradient_check;

    #[test]
    fn starts_at_zero_and_has_a_right_gradient() {
        let config =
            EdsrConfig { tile: TileConfig { factor: 2, ..TileConfig::default() }, blocks: 1, channels: 3, ..EdsrConfig::quick() };
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 1);
        let network = Network::new(&mut parameters, &config).unwrap();
        let values: Vec<f64> = (0..32).map(|i| ((i * 7 % 32) as f64).sin()).collect();
        let x = Tensor::from_vec(values, (1, 2, 4, 4), &Device::Cpu).unwrap();
        assert_eq!(network.forward(&x).unwrap().abs().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap(), 0.0);
        // Any other tail, so that gradients pass.
        let mut tensors = parameters.snapshot().unwrap();
        let tail = Tensor::from_vec(
            (0..108).map(|i| ((i * 5 % 23) as f64 - 11.0) / 20.0).collect::<Vec<f64>>(),
            (4, 3, 3, 3),
            &Device::Cpu,
        );
        tensors.insert("tail.weight".to_string(), tail.unwrap());
        parameters.set(&tensors).unwrap();
        let report = gradient_check(std::slice::from_ref(&x), |x| network.forward(&x[0])).unwrap();
        assert!(report[0].within(1e-7) && report[0].largest_gradient > 1e-3, "{report:?}");
        // Closed: each coarse cell's corrections sum to zero.
        let y = network.forward(&x).unwrap().reshape((4, 2, 4, 2)).unwrap().sum((1, 3)).unwrap();
        assert!(y.abs().unwrap().max_all().unwrap().to_scalar::<f64>().unwrap() < 1e-12);
    }
}
