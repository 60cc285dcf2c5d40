//! The critic that judges each pixel.

use candle_core::{Result, Tensor};

use crate::nn::blocks::UnetCritic;
use crate::nn::{NnResult, Parameters};

/// A U-Net that gives a logit for each pixel: is it from the truth or from the generator?
#[derive(Clone, Debug)]
pub struct Discriminator {
    critic: UnetCritic,
}

impl Discriminator {
    /// Channels at full size in the paper: 4,375,745 weights.
    pub const PAPER_WIDTH: usize = 64;
    /// For a CPU: about 0.27 million weights.
    pub const QUICK_WIDTH: usize = 16;

    /// With `width` channels at full size.
    ///
    /// # Errors
    /// As [`Parameters::add`].
    pub fn new(parameters: &mut Parameters, width: usize) -> NnResult<Discriminator> {
        Ok(Discriminator { critic: UnetCritic::new(parameters, "critic", 1, width)? })
    }

    /// `[b, 1, h, w]` to logits `[b, 1, h, w]`; height and width are multiples of 8. `training` moves the
    /// power iterations of the spectral norms on.
    ///
    /// # Errors
    /// As [`UnetCritic::forward`].
    pub fn forward(&self, x: &Tensor, training: bool) -> Result<Tensor> {
        self.critic.forward(x, training)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn the_published_number_of_weights() {
        let count = |width| {
            let mut parameters = Parameters::shapes_only();
            Discriminator::new(&mut parameters, width).unwrap();
            parameters.value_count()
        };
        assert_eq!(count(Discriminator::PAPER_WIDTH), 4_375_745);
        assert!((100_000..1_000_000).contains(&count(Discriminator::QUICK_WIDTH)));
    }

    #[test]
    fn one_logit_for_each_pixel() {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
        let critic = Discriminator::new(&mut parameters, 4).unwrap();
        let image = |h, w| Tensor::ones((2, 1, h, w), DType::F32, &Device::Cpu).unwrap();
        assert_eq!(critic.forward(&image(24, 16), true).unwrap().dims(), [2, 1, 24, 16]);
        assert!(critic.forward(&image(20, 16), false).unwrap_err().to_string().contains("multiples of 8"));
    }
}
