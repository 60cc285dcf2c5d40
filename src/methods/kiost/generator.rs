//! The network that makes a fine day out of a coarse week.

use candle_core::{Result, Tensor, bail};
use serde::{Deserialize, Serialize};

use super::refinement::Refinement;
use super::temporal_attention::TemporalAttention;
use crate::nn::blocks::{Convolution, ConvolutionRecipe, PooledResidual, UpsampledResidual};
use crate::nn::ops::leaky_relu;
use crate::nn::{NnError, NnResult, Parameters};

const SLOPE: f64 = 0.01;

/// Sizes of the [`Generator`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GeneratorConfig {
    /// Days of the past, one less than a multiple of 8.
    pub days: usize,
    /// Channels at the coarse field's full size, a multiple of 4.
    pub width: usize,
    /// Width between the two linear maps of each temporal attention.
    pub attention_hidden: usize,
    /// How many times finer the output is; the last block of the decoder makes the difference.
    pub refinement: Refinement,
}

impl Default for GeneratorConfig {
    fn default() -> GeneratorConfig {
        GeneratorConfig::quick()
    }
}

impl GeneratorConfig {
    /// The published sizes: 2,545,577 weights.
    pub fn paper() -> GeneratorConfig {
        GeneratorConfig { days: 7, width: 32, attention_hidden: 512, refinement: Refinement::Five }
    }

    /// About 0.16 million weights.
    pub fn quick() -> GeneratorConfig {
        GeneratorConfig { days: 7, width: 8, attention_hidden: 64, refinement: Refinement::Five }
    }
}

/// A residual encoder in time and space, one map of each level by temporal attention, and a residual decoder
/// to five times the size.
///
/// # Reference
/// Kim, Kim and Ryu (2023), doi:10.1016/j.jag.2023.103312 (the layers as in the authors' published program)
#[derive(Clone, Debug)]
pub struct Generator {
    stem: Convolution,
    encoder: Vec<PooledResidual>,
    attention: Vec<TemporalAttention>,
    decoder: Vec<UpsampledResidual>,
    last: Convolution,
    days: usize,
    refinement: Refinement,
}

impl Generator {
    /// Parameters `stem`, `encoder.LEVEL`, `attention.LEVEL`, `decoder.LEVEL`, `last`.
    ///
    /// # Errors
    /// [`NnError::Argument`] where a size does not fit; as [`Parameters::add`].
    pub fn new(parameters: &mut Parameters, config: &GeneratorConfig) -> NnResult<Generator> {
        let GeneratorConfig { days, width: w, attention_hidden, refinement } = *config;
        if !(days + 1).is_multiple_of(8) || w == 0 || !w.is_multiple_of(4) || attention_hidden == 0 {
            return Err(NnError::Argument(format!(
                "kiost: {days} days, width {w}, attention over {attention_hidden}; 7 days (or 15, ...), a multiple of 4 and at least 1 are wanted"
            )));
        }
        let volume = ConvolutionRecipe::volume(3);
        let stem = volume.build(parameters, "stem", [w, 1])?;
        let (mut encoder, mut attention) = (vec![], vec![]);
        for level in 0..4 {
            let inputs = w << level;
            attention.push(TemporalAttention::new(
                parameters,
                &format!("attention.{level}"),
                (days + 1) >> level,
                attention_hidden,
            )?);
            if level < 3 {
                let channels = [2 * inputs, inputs, inputs];
                encoder.push(PooledResidual::new(parameters, &format!("encoder.{level}"), volume, channels, SLOPE)?);
            }
        }
        // Inputs and outputs of each: the levels' maps are put beside the decoder's.
        let channels = [[8 * w, 4 * w], [8 * w, 2 * w], [4 * w, w], [2 * w, w / 2], [w / 2, w / 4]];
        let decoder = channels
            .iter()
            .enumerate()
            .map(|(i, &[inputs, outputs])| {
                UpsampledResidual::new(parameters, &format!("decoder.{i}"), [outputs, outputs, inputs], SLOPE, true)
            })
            .collect::<NnResult<Vec<_>>>()?;
        let last = ConvolutionRecipe::plane(3).build(parameters, "last", [2, w / 4])?;
        Ok(Generator { stem, encoder, attention, decoder, last, days, refinement })
    }

    /// A week of coarse maps `[b, 1, days, h, w]`, the last day last, to `[b, 2, 5 h, 5 w]` (2.5 times
    /// in the smaller refinement): the fine map of the last day, and the map that is read at the stations.
    ///
    /// # Errors
    /// A sentence where height or width is not a multiple of 8 or the days are not those of the config.
    pub fn forward(&self, week: &Tensor) -> Result<Tensor> {
        let (b, _, _, h, w) = week.dims5()?;
        self.forward_after(&Tensor::zeros((b, 1, 1, h, w), week.dtype(), week.device())?, week)
    }

    /// As [`Generator::forward`], with another frame `[b, 1, 1, h, w]` than zeros before the first day: something that does
    /// not change, like the share of land.
    ///
    /// # Errors
    /// As [`Generator::forward`].
    pub fn forward_after(&self, first: &Tensor, week: &Tensor) -> Result<Tensor> {
        let (_, channels, days, h, w) = week.dims5()?;
        if channels != 1 || days != self.days || h == 0 || w == 0 || !h.is_multiple_of(8) || !w.is_multiple_of(8) {
            bail!("kiost: input is {:?}; [b, 1, {}, h, w] with multiples of 8 is wanted", week.dims(), self.days);
        }
        // A frame before the first day makes the number of frames a multiple of 8.
        let mut x = self.stem.forward(&Tensor::cat(&[first, week], 2)?, false)?; // [b, c, days + 1, h, w]
        let mut maps = vec![self.attention[0].forward(&x)?]; // [b, c, h, w]
        for (block, attention) in self.encoder.iter().zip(&self.attention[1..]) {
            x = block.forward(&x, false)?; // [b, 2 c, t / 2, h / 2, w / 2]
            maps.push(attention.forward(&x)?); // [b, 2 c, h / 2, w / 2]
        }
        let mut y = maps[3].clone(); // [b, 8 c, h / 8, w / 8]
        for (level, block) in [2, 1, 0].into_iter().zip(&self.decoder) {
            let finer = block.forward(&y, (h >> level, w >> level))?;
            y = Tensor::cat(&[&maps[level], &finer], 1)?; // [b, 2 · width of the level, h >> level, w >> level]
        }
        y = self.decoder[3].forward(&y, (2 * h, 2 * w))?; // [b, c / 2, 2 h, 2 w]
        let size = (self.refinement.cells(h), self.refinement.cells(w));
        y = self.decoder[4].forward(&y, size)?; // [b, c / 4, 5 h, 5 w]
        self.last.forward(&leaky_relu(&y, SLOPE)?, false) // [b, 2, 5 h, 5 w]
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    fn count(config: &GeneratorConfig) -> usize {
        let mut parameters = Parameters::shapes_only();
        Generator::new(&mut parameters, config).unwrap();
        parameters.value_count()
    }

    #[test]
    fn the_published_number_of_weights() {
        assert_eq!(count(&GeneratorConfig::paper()), 2_545_577);
        assert!((100_000..1_000_000).contains(&count(&GeneratorConfig::quick())));
    }

    #[test]
    fn a_week_becomes_a_finer_day() {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
        let network = Generator::new(&mut parameters, &GeneratorConfig::quick()).unwrap();
        let week = |days, h, w| Tensor::ones((1, 1, days, h, w), DType::F32, &Device::Cpu).unwrap();
        assert_eq!(network.forward(&week(7, 16, 24)).unwrap().dims(), [1, 2, 80, 120]);
        let zeros = Tensor::zeros((1, 1, 1, 16, 24), DType::F32, &Device::Cpu).unwrap();
        let values = |t: Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let plain = values(network.forward(&week(7, 16, 24)).unwrap());
        assert_eq!(plain, values(network.forward_after(&zeros, &week(7, 16, 24)).unwrap()));
        assert_ne!(plain, values(network.forward_after(&(zeros + 1.0).unwrap(), &week(7, 16, 24)).unwrap()));
        let global = GeneratorConfig { refinement: Refinement::TwoAndAHalf, ..GeneratorConfig::quick() };
        assert_eq!(count(&global), count(&GeneratorConfig::quick()));
        let network_of_the_globe = Generator::new(&mut Parameters::new(&Device::Cpu, DType::F32, 1), &global).unwrap();
        assert_eq!(network_of_the_globe.forward(&week(7, 16, 24)).unwrap().dims(), [1, 2, 40, 60]);
        assert!(network.forward(&week(6, 16, 24)).unwrap_err().to_string().contains("[b, 1, 7, h, w]"));
        assert!(network.forward(&week(7, 12, 24)).unwrap_err().to_string().contains("multiples of 8"));
        let wrong = GeneratorConfig { days: 6, ..GeneratorConfig::quick() };
        assert!(Generator::new(&mut Parameters::shapes_only(), &wrong).is_err());
    }
}
