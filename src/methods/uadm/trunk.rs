//! The regression inside the generator: what can be said of the fine field without any noise.

use candle_core::{Result, Tensor};

use crate::nn::ops::{ConvolutionOptions, pixel_shuffle, relu};
use crate::nn::{Convolution2d, Init, NnResult, Parameters};

/// Channels of the coarse tile: its values, and where they are sea.
const INPUTS: usize = 2;

/// Residual blocks on the coarse grid that give the mean of the fine field's residual, and features for the U-Net.
///
/// It reads the coarse tile once; the walk of every member of an ensemble, and every step of it, uses what it gave.
///
/// # Reference
/// Lim et al. (2017), Enhanced deep residual networks for single image super-resolution. doi:10.1109/CVPRW.2017.151
#[derive(Clone, Debug)]
pub(super) struct Trunk {
    head: Convolution2d,
    blocks: Vec<[Convolution2d; 2]>,
    end: Convolution2d,
    tail: Convolution2d,
    factor: usize,
}

/// What the trunk says of a tile.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// `[b, channels, h, w]`, on the coarse grid.
    pub features: Tensor,
    /// The expected residual, `[b, 1, h f, w f]`; its mean over each coarse cell is 0.
    pub mean: Tensor,
}

impl Trunk {
    /// Parameters `trunk...`.
    pub fn new(parameters: &mut Parameters, blocks: usize, channels: usize, factor: usize) -> NnResult<Trunk> {
        let mut conv = |name: String, channels: [usize; 2], init: Init| {
            Convolution2d::new(parameters, &format!("trunk.{name}"), channels, 3, ConvolutionOptions::same(3), init)
        };
        let (plain, before_relu) = (Init::KaimingNormal { gain: 1.0 }, Init::KaimingNormal { gain: std::f64::consts::SQRT_2 });
        let c = channels;
        Ok(Trunk {
            head: conv("head".to_string(), [c, INPUTS], plain)?,
            blocks: (0..blocks)
                .map(|i| {
                    let into_sum = Init::KaimingNormal { gain: 0.1 };
                    Ok([
                        conv(format!("body.{i}.conv1"), [c, c], before_relu)?,
                        conv(format!("body.{i}.conv2"), [c, c], into_sum)?,
                    ])
                })
                .collect::<NnResult<Vec<_>>>()?,
            end: conv("body_end".to_string(), [c, c], plain)?,
            // Zero: at first the expected residual is none.
            tail: conv("tail".to_string(), [factor * factor, c], Init::Constant(0.0))?,
            factor,
        })
    }

    /// Reads coarse tiles `[b, 2, h, w]`.
    pub fn forward(&self, low: &Tensor) -> Result<Reading> {
        let x = self.head.forward(low)?; // [b, c, h, w]
        let mut y = x.clone();
        for [first, second] in &self.blocks {
            y = (&y + second.forward(&relu(&first.forward(&y)?)?)?)?; // [b, c, h, w]
        }
        let features = (x + self.end.forward(&y)?)?; // [b, c, h, w]
        let fine = self.tail.forward(&features)?; // [b, f², h, w]
        let fine = fine.broadcast_sub(&fine.mean_keepdim(1)?)?;
        Ok(Reading { features, mean: pixel_shuffle(&fine, self.factor)? })
    }
}
