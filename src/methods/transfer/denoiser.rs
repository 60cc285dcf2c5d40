//! The large network: the fine field of a day, out of a noisy one.

use candle_core::{Result, Tensor, bail};
use serde::{Deserialize, Serialize};

use crate::nn::blocks::{Conditioning, Mixing, MixingPlace, Unet, UnetConfig, UnetHead, UnetLevel};
use crate::nn::ops::{ConvolutionOptions, Resampling, interpolate, sigmoid};
use crate::nn::{Convolution2d, Init, NnResult, Parameters};

/// Sizes of the [`Denoiser`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DenoiserConfig {
    /// Channels of the transferred features.
    pub features: usize,
    /// A learnt linear map brings them to so many channels before they enter; 0 for none, as published.
    pub projection: usize,
    /// So many of the features, the last ones, enter as they are, whatever `projection` says: the days before themselves, which
    /// would be lost among many features.
    pub direct: usize,
    /// Further channels at the fine size: the coarse field, the elevation, constant maps.
    pub drivers: usize,
    /// Channels of the three levels, finest first.
    pub widths: [usize; 3],
    /// Residual blocks of a level on the way down; one more on the way up.
    pub blocks: usize,
    /// Transformers on the two coarser levels, as published; else in the middle only.
    pub transformers: bool,
    /// Channels of an attention head.
    pub head_width: usize,
    /// Groups of the norms.
    pub groups: usize,
    /// End in a logistic function, for fields scaled to 0..1; else linear.
    pub bounded: bool,
}

impl Default for DenoiserConfig {
    fn default() -> DenoiserConfig {
        DenoiserConfig::quick()
    }
}

impl DenoiserConfig {
    /// The published widths.
    pub fn paper() -> DenoiserConfig {
        DenoiserConfig {
            features: 256,
            projection: 0,
            direct: 0,
            drivers: 5,
            widths: [128, 256, 512],
            blocks: 2,
            transformers: true,
            head_width: 64,
            groups: 32,
            bounded: true,
        }
    }

    /// About 0.8 million weights in the published arrangement, for the features of the quick forecast.
    pub fn small() -> DenoiserConfig {
        DenoiserConfig { features: 64, widths: [16, 32, 64], blocks: 1, head_width: 16, groups: 8, ..DenoiserConfig::paper() }
    }

    /// About 0.2 million weights, with a linear end, for a CPU.
    pub fn quick() -> DenoiserConfig {
        DenoiserConfig {
            projection: 8,
            drivers: 7,
            widths: [16, 24, 32],
            transformers: false,
            bounded: false,
            ..DenoiserConfig::small()
        }
    }

    /// Channels of the features where they enter.
    fn entering(&self) -> usize {
        if self.projects() { self.projection + self.direct } else { self.features }
    }

    fn projects(&self) -> bool {
        self.projection > 0 && self.features > self.direct
    }

    fn unet(&self) -> UnetConfig {
        let middle = Mixing::Transformer { head_width: self.head_width };
        let transformer = if self.transformers { middle } else { Mixing::None };
        let [fine, half, coarse] = self.widths;
        UnetConfig {
            inputs: 1 + self.entering() + self.drivers,
            levels: vec![
                UnetLevel { width: fine, down: Mixing::None, up: Mixing::None },
                UnetLevel { width: half, down: transformer, up: transformer },
                UnetLevel { width: coarse, down: transformer, up: Mixing::None },
            ],
            blocks: self.blocks,
            middle,
            place: MixingPlace::EveryBlock,
            time: [fine, 4 * fine],
            conditioning: Conditioning::Add,
            groups: self.groups,
            zero_start: false,
        }
    }
}

/// A U-Net that predicts the clean field from the noisy one, told the day's coarse field, the elevation, and
/// what the lent encoder made of the days before.
///
/// # Reference
/// Xiang et al. (2025), arXiv:2512.05139
///
/// # Departures
/// The published network is made for clips and given single frames, on which its temporal convolutions are
/// linear maps of the channels, its temporal attention a linear map, and its cross-attention to nothing a
/// constant. These parts are left out; what remains is the published spatial network.
#[derive(Clone, Debug)]
pub struct Denoiser {
    projection: Option<Convolution2d>,
    unet: Unet,
    head: UnetHead,
    config: DenoiserConfig,
}

impl Denoiser {
    /// Parameters `projection...`, `unet...`, `head...`.
    ///
    /// # Errors
    /// As [`Unet::new`].
    pub fn new(parameters: &mut Parameters, config: &DenoiserConfig) -> NnResult<Denoiser> {
        Denoiser::within(parameters, "", config)
    }

    /// The same with names that begin with `prefix`, which lets two networks share their parameters' list.
    ///
    /// # Errors
    /// As [`Unet::new`].
    pub fn within(parameters: &mut Parameters, prefix: &str, config: &DenoiserConfig) -> NnResult<Denoiser> {
        let unet = config.unet();
        let projection = if config.projects() {
            let (sizes, plain) = ([config.projection, config.features - config.direct], ConvolutionOptions::default());
            Some(Convolution2d::new(parameters, &format!("{prefix}projection"), sizes, 1, plain, Init::UniformFanIn)?)
        } else {
            None
        };
        Ok(Denoiser {
            projection,
            unet: Unet::new(parameters, &format!("{prefix}unet"), &unet)?,
            head: UnetHead::new(parameters, &format!("{prefix}head"), &unet, 1)?,
            config: config.clone(),
        })
    }

    /// The noisy field `[b, 1, h, w]`, features `[b, features, h', w']` of any size, drivers
    /// `[b, drivers, h, w]` and step numbers `[b]` to the clean field `[b, 1, h, w]`; height and width are
    /// multiples of 4.
    ///
    /// # Errors
    /// A sentence where a shape does not fit.
    pub fn forward(&self, noisy: &Tensor, features: &Tensor, drivers: &Tensor, step: &Tensor) -> Result<Tensor> {
        let (b, one, h, w) = noisy.dims4()?;
        let (fb, channels, _, _) = features.dims4()?;
        let fits = one == 1 && fb == b && channels == self.config.features;
        if !fits || drivers.dims() != [b, self.config.drivers, h, w] {
            bail!(
                "denoiser: noisy {:?}, features {:?}, drivers {:?}; [b, 1, h, w], [b, {}, ...] and [b, {}, h, w] are wanted",
                noisy.dims(),
                features.dims(),
                drivers.dims(),
                self.config.features,
                self.config.drivers
            );
        }
        let features = match &self.projection {
            Some(map) => {
                let lent = channels - self.config.direct;
                let projected = map.forward(&features.narrow(1, 0, lent)?)?; // [b, projection, h', w']
                if self.config.direct == 0 {
                    projected
                } else {
                    Tensor::cat(&[&projected, &features.narrow(1, lent, self.config.direct)?], 1)?
                }
            }
            None => features.clone(),
        };
        let features = interpolate(&features, (h, w), Resampling::Bilinear, false)?; // [b, entering, h, w]
        let x = Tensor::cat(&[noisy, &features, drivers], 1)?;
        let y = self.head.forward(&self.unet.forward(&x, Some(step))?)?; // [b, 1, h, w]
        if self.config.bounded { sigmoid(&y) } else { Ok(y) }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn sizes() {
        let count = |config: &DenoiserConfig| {
            let mut parameters = Parameters::shapes_only();
            Denoiser::new(&mut parameters, config).unwrap();
            parameters.value_count()
        };
        // Summed up by hand, layer by layer; the published 141,874,433 also count the parts left out.
        assert_eq!(count(&DenoiserConfig::paper()), 76_916_097);
        assert_eq!(count(&DenoiserConfig::small()), 836_417);
        assert_eq!(count(&DenoiserConfig::quick()), 243_353);
    }

    #[test]
    fn direct_features_are_not_projected() {
        let count = |features, direct| {
            let mut parameters = Parameters::shapes_only();
            Denoiser::new(&mut parameters, &DenoiserConfig { features, direct, ..DenoiserConfig::quick() }).unwrap();
            parameters.value_count()
        };
        // 8 channels more into the first convolution of 16 and no more into the projection; without others, no projection.
        assert_eq!(count(72, 8), count(64, 0) + 8 * 16 * 9);
        assert_eq!(count(8, 8) + 8 * 64 + 8, count(64, 0));
    }

    #[test]
    fn a_clean_field_within_its_bounds() {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
        let config = DenoiserConfig::small();
        let network = Denoiser::new(&mut parameters, &config).unwrap();
        let t = |shape: &[usize]| Tensor::ones(shape, DType::F32, &Device::Cpu).unwrap();
        let step = Tensor::new(&[1999f32, 0.0], &Device::Cpu).unwrap();
        let y = network.forward(&t(&[2, 1, 16, 12]), &t(&[2, 64, 4, 3]), &t(&[2, 5, 16, 12]), &step).unwrap();
        assert_eq!(y.dims(), [2, 1, 16, 12]);
        let values = y.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(values.iter().all(|v| (0.0..=1.0).contains(v)));
        let wrong = network.forward(&t(&[2, 1, 16, 12]), &t(&[2, 63, 4, 3]), &t(&[2, 5, 16, 12]), &step);
        assert!(wrong.unwrap_err().to_string().contains("[b, 64, ...]"));
    }
}
