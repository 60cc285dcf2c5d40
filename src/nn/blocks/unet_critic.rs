//! A critic that judges each pixel: down, up again, with additive skips.

use candle_core::{Result, Tensor, bail};

use super::convolution::{Convolution, ConvolutionRecipe};
use crate::nn::error::NnResult;
use crate::nn::ops::{Resampling, interpolate, leaky_relu};
use crate::nn::parameters::Parameters;

const SLOPE: f64 = 0.2;

/// A U-Net discriminator with one logit for each pixel, spectrally normalised but for its first and last
/// convolution.
///
/// Three convolutions of stride 2 go down to an eighth of the size, three bilinear doublings go up, and the
/// map of the same size on the way down is added after each.
///
/// # Reference
/// Schönfeld et al. (2020), A U-Net based discriminator for generative adversarial networks.
/// doi:10.1109/CVPR42600.2020.00823; Wang et al. (2021), Real-ESRGAN. doi:10.1109/ICCVW54120.2021.00217
#[derive(Clone, Debug)]
pub struct UnetCritic {
    first: Convolution,
    down: Vec<Convolution>,
    up: Vec<Convolution>,
    refine: Vec<Convolution>,
    last: Convolution,
}

impl UnetCritic {
    /// From `inputs` channels; `width` channels at full size, 2, 4 and 8 times as many below.
    ///
    /// # Errors
    /// As [`Parameters::add`].
    ///
    /// # Example
    /// ```
    /// use isotherm::nn::Parameters;
    /// use isotherm::nn::blocks::UnetCritic;
    /// let mut parameters = Parameters::shapes_only();
    /// UnetCritic::new(&mut parameters, "critic", 1, 64).unwrap();
    /// assert_eq!(parameters.value_count(), 4_375_745);
    /// ```
    pub fn new(parameters: &mut Parameters, name: &str, inputs: usize, width: usize) -> NnResult<UnetCritic> {
        let plain = ConvolutionRecipe::plane(3);
        let normalised = plain.without_bias().spectral();
        let halving = ConvolutionRecipe::plane(4).stride(2).padding(1).without_bias().spectral();
        let mut build = |recipe: ConvolutionRecipe, part: &str, channels: [usize; 2]| {
            recipe.build(parameters, &format!("{name}.{part}"), channels)
        };
        let w = width;
        Ok(UnetCritic {
            first: build(plain, "first", [w, inputs])?,
            down: vec![
                build(halving, "down.0", [2 * w, w])?,
                build(halving, "down.1", [4 * w, 2 * w])?,
                build(halving, "down.2", [8 * w, 4 * w])?,
            ],
            up: vec![
                build(normalised, "up.0", [4 * w, 8 * w])?,
                build(normalised, "up.1", [2 * w, 4 * w])?,
                build(normalised, "up.2", [w, 2 * w])?,
            ],
            refine: vec![build(normalised, "refine.0", [w, w])?, build(normalised, "refine.1", [w, w])?],
            last: build(plain, "last", [1, w])?,
        })
    }

    /// `[b, inputs, h, w]` to logits `[b, 1, h, w]`.
    ///
    /// # Errors
    /// A sentence where height or width is not a multiple of 8; those of the convolutions.
    pub fn forward(&self, x: &Tensor, training: bool) -> Result<Tensor> {
        let (_, _, h, w) = x.dims4()?;
        if h == 0 || w == 0 || !h.is_multiple_of(8) || !w.is_multiple_of(8) {
            bail!("U-Net critic: an image of {h}x{w}; multiples of 8 are wanted");
        }
        let step = |layer: &Convolution, x: &Tensor| leaky_relu(&layer.forward(x, training)?, SLOPE);
        let mut x = step(&self.first, x)?; // [b, width, h, w]
        let mut skips = vec![];
        for layer in &self.down {
            let halved = step(layer, &x)?; // [b, 2 c, h / 2, w / 2]
            skips.push(x);
            x = halved;
        }
        for (layer, skip) in self.up.iter().zip(skips.iter().rev()) {
            let (_, _, h, w) = skip.dims4()?;
            let finer = interpolate(&x, (h, w), Resampling::Bilinear, false)?;
            x = (step(layer, &finer)? + skip)?; // [b, c / 2, 2 h, 2 w]
        }
        for layer in &self.refine {
            x = step(layer, &x)?; // [b, width, h, w]
        }
        self.last.forward(&x, training)
    }
}
