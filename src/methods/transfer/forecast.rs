//! The small network: the next day's coarse field from the days before.

use candle_core::{Result, Tensor, bail};
use serde::{Deserialize, Serialize};

use crate::nn::blocks::{Conditioning, Mixing, MixingPlace, Unet, UnetConfig, UnetHead, UnetLevel};
use crate::nn::{NnResult, Parameters};

/// Sizes of the [`Forecast`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ForecastConfig {
    /// Days of the past, one channel each, the oldest first.
    pub lags: usize,
    /// Channels of the three levels, finest first.
    pub widths: [usize; 3],
    /// Residual blocks of a level on the way down; one more on the way up.
    pub blocks: usize,
    /// Channels of an attention head.
    pub head_width: usize,
    /// Groups of the norms.
    pub groups: usize,
}

impl Default for ForecastConfig {
    fn default() -> ForecastConfig {
        ForecastConfig::quick()
    }
}

impl ForecastConfig {
    /// The published sizes: 15,152,961 weights, of which the encoder has 6,579,584.
    pub fn paper() -> ForecastConfig {
        ForecastConfig { lags: 40, widths: [64, 128, 256], blocks: 2, head_width: 8, groups: 32 }
    }

    /// About 0.6 million weights.
    pub fn quick() -> ForecastConfig {
        ForecastConfig { lags: 8, widths: [16, 32, 64], blocks: 1, head_width: 8, groups: 8 }
    }

    fn unet(&self) -> UnetConfig {
        let attention = Mixing::SelfAttention { head_width: self.head_width };
        let [fine, middle, coarse] = self.widths;
        UnetConfig {
            inputs: self.lags,
            // The coarsest level attends on the way down, the middle one on the way up, as published.
            levels: vec![
                UnetLevel { width: fine, down: Mixing::None, up: Mixing::None },
                UnetLevel { width: middle, down: Mixing::None, up: attention },
                UnetLevel { width: coarse, down: attention, up: Mixing::None },
            ],
            blocks: self.blocks,
            middle: attention,
            place: MixingPlace::EveryBlock,
            time: [fine, 4 * fine],
            conditioning: Conditioning::Add,
            groups: self.groups,
            zero_start: false,
        }
    }
}

/// A U-Net from the days of the past to the next one, whose encoder is later lent to the [`super::Denoiser`].
///
/// It is told the time 0 always, so that its time embedding is a learned constant.
///
/// # Reference
/// Xiang et al. (2025), Spatiotemporal satellite image downscaling with transfer encoders and autoregressive
/// generative models. arXiv:2512.05139
#[derive(Clone, Debug)]
pub struct Forecast {
    unet: Unet,
    head: UnetHead,
    lags: usize,
}

impl Forecast {
    /// Parameters `unet...`, `head...`.
    ///
    /// # Errors
    /// As [`Unet::new`].
    pub fn new(parameters: &mut Parameters, config: &ForecastConfig) -> NnResult<Forecast> {
        Forecast::within(parameters, "", config)
    }

    /// The same with names that begin with `prefix`.
    ///
    /// # Errors
    /// As [`Unet::new`].
    pub fn within(parameters: &mut Parameters, prefix: &str, config: &ForecastConfig) -> NnResult<Forecast> {
        let unet = config.unet();
        Ok(Forecast {
            unet: Unet::new(parameters, &format!("{prefix}unet"), &unet)?,
            head: UnetHead::new(parameters, &format!("{prefix}head"), &unet, 1)?,
            lags: config.lags,
        })
    }

    /// The past `[b, lags, h, w]` to the next day `[b, 1, h, w]`; height and width are multiples of 4.
    ///
    /// # Errors
    /// A sentence where the shape does not fit.
    pub fn forward(&self, past: &Tensor) -> Result<Tensor> {
        let time = self.no_time(past)?;
        self.head.forward(&self.unet.forward(past, Some(&time))?)
    }

    /// What the encoder makes of the past: `[b, widths[2], h / 4, w / 4]`, cut off from the graph, so that the
    /// encoder stays as it was trained.
    ///
    /// # Errors
    /// A sentence where the shape does not fit.
    pub fn features(&self, past: &Tensor) -> Result<Tensor> {
        Ok(self.trainable_features(&past.detach())?.detach())
    }

    /// The same within the graph, for an encoder that goes on learning.
    ///
    /// # Errors
    /// A sentence where the shape does not fit.
    pub fn trainable_features(&self, past: &Tensor) -> Result<Tensor> {
        let time = self.no_time(past)?;
        Ok(self.unet.encode(past, Some(&time))?.bottleneck)
    }

    fn no_time(&self, past: &Tensor) -> Result<Tensor> {
        let (b, lags, _, _) = past.dims4()?;
        if lags != self.lags {
            bail!("forecast: {lags} days of the past; {} are wanted", self.lags);
        }
        Tensor::zeros(b, past.dtype(), past.device())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn the_published_numbers_of_weights() {
        let count = |config: &ForecastConfig| {
            let mut parameters = Parameters::shapes_only();
            Forecast::new(&mut parameters, config).unwrap();
            parameters.value_count()
        };
        assert_eq!(count(&ForecastConfig::paper()), 15_152_961);
        assert!((100_000..1_000_000).contains(&count(&ForecastConfig::quick())));
    }

    #[test]
    fn a_day_and_features_of_any_size_that_quarters() {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
        let network = Forecast::new(&mut parameters, &ForecastConfig::quick()).unwrap();
        for (h, w) in [(16, 16), (8, 20)] {
            let past = Tensor::ones((2, 8, h, w), DType::F32, &Device::Cpu).unwrap();
            assert_eq!(network.forward(&past).unwrap().dims(), [2, 1, h, w]);
            assert_eq!(network.features(&past).unwrap().dims(), [2, 64, h / 4, w / 4]);
        }
        let past = |lags, h| Tensor::ones((2, lags, h, 16), DType::F32, &Device::Cpu).unwrap();
        assert!(network.forward(&past(7, 16)).unwrap_err().to_string().contains("7 days"));
        assert!(network.forward(&past(8, 18)).unwrap_err().to_string().contains("multiples of 4"));
        // The features are a constant to whoever trains on them.
        let gradients = network.features(&past(8, 16)).unwrap().sum_all().unwrap().backward().unwrap();
        assert!(parameters.iter().all(|(_, variable)| gradients.get(variable.as_tensor()).is_none()));
    }
}
