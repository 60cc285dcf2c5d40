//! The two critics: of frames, and of how they change.

use candle_core::{Result, Tensor, bail};
use serde::{Deserialize, Serialize};

use super::generator::START;
use crate::nn::blocks::{PatchCritic, PatchCriticConfig};
use crate::nn::{NnResult, Parameters};

/// Sizes of both critics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CriticConfig {
    /// Channels after each convolution that halves height and width.
    pub strided: Vec<usize>,
    /// Channels after the convolutions that follow.
    pub kept: Vec<usize>,
}

impl Default for CriticConfig {
    fn default() -> CriticConfig {
        CriticConfig::quick()
    }
}

impl CriticConfig {
    /// The published sizes, for frames of 64x64: 2,160,385 weights for frames, 6,478,657 for sequences.
    pub fn paper() -> CriticConfig {
        CriticConfig { strided: vec![32, 64, 128, 256, 256, 256], kept: vec![256] }
    }

    /// For frames of 32x32: about 0.07 and 0.2 million weights.
    pub fn quick() -> CriticConfig {
        CriticConfig { strided: vec![8, 16, 32, 48, 48], kept: vec![48] }
    }

    fn patch(&self, volume: bool) -> PatchCriticConfig {
        PatchCriticConfig { inputs: 1, volume, strided: self.strided.clone(), kept: self.kept.clone(), slope: 0.2, start: START }
    }
}

/// Judges single frames.
#[derive(Clone, Debug)]
pub struct FrameCritic(PatchCritic);

impl FrameCritic {
    /// Parameters `frame.0`, `frame.1`, and so on.
    ///
    /// # Errors
    /// As [`PatchCritic::new`].
    pub fn new(parameters: &mut Parameters, config: &CriticConfig) -> NnResult<FrameCritic> {
        Ok(FrameCritic(PatchCritic::new(parameters, "frame", &config.patch(false))?))
    }

    /// Sequences `[b, 1, t, h, w]` to the logits of their frames' patches, `[b t, 1, h', w']`.
    ///
    /// # Errors
    /// Those of the layers.
    pub fn forward(&self, sequence: &Tensor, training: bool) -> Result<Tensor> {
        let (b, c, t, h, w) = sequence.dims5()?;
        self.0.forward(&sequence.transpose(1, 2)?.contiguous()?.reshape((b * t, c, h, w))?, training)
    }
}

/// Judges how a sequence changes from frame to frame.
#[derive(Clone, Debug)]
pub struct SequenceCritic(PatchCritic);

impl SequenceCritic {
    /// Parameters `sequence.0`, `sequence.1`, and so on.
    ///
    /// # Errors
    /// As [`PatchCritic::new`].
    pub fn new(parameters: &mut Parameters, config: &CriticConfig) -> NnResult<SequenceCritic> {
        Ok(SequenceCritic(PatchCritic::new(parameters, "sequence", &config.patch(true))?))
    }

    /// Sequences `[b, 1, t, h, w]` to one logit each, `[b]`: the sum of all patches' logits for the
    /// differences `x_t - x_{t+1}`.
    ///
    /// # Errors
    /// A sentence where there are fewer than two frames; those of the layers.
    pub fn forward(&self, sequence: &Tensor, training: bool) -> Result<Tensor> {
        let t = sequence.dims5()?.2;
        if t < 2 {
            bail!("sequence critic: {t} frames; at least 2 are wanted");
        }
        let changes = (sequence.narrow(2, 0, t - 1)? - sequence.narrow(2, 1, t - 1)?)?; // [b, 1, t - 1, h, w]
        self.0.forward(&changes, training)?.flatten_from(1)?.sum(1)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn the_published_numbers_of_weights() {
        let count = |config: &CriticConfig| {
            let (mut frames, mut sequences) = (Parameters::shapes_only(), Parameters::shapes_only());
            FrameCritic::new(&mut frames, config).unwrap();
            SequenceCritic::new(&mut sequences, config).unwrap();
            (frames.value_count(), sequences.value_count())
        };
        assert_eq!(count(&CriticConfig::paper()), (2_160_385, 6_478_657));
        let (frames, sequences) = count(&CriticConfig::quick());
        assert!(frames > 50_000 && sequences < 1_000_000);
    }

    #[test]
    fn frames_get_maps_and_sequences_one_logit() {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
        let frames = FrameCritic::new(&mut parameters, &CriticConfig::quick()).unwrap();
        let sequences = SequenceCritic::new(&mut parameters, &CriticConfig::quick()).unwrap();
        let clip = |t, h, w| Tensor::ones((2, 1, t, h, w), DType::F32, &Device::Cpu).unwrap();
        assert_eq!(frames.forward(&clip(3, 32, 32), true).unwrap().dims(), [6, 1, 1, 1]);
        assert_eq!(frames.forward(&clip(3, 40, 33), true).unwrap().dims(), [6, 1, 2, 2]);
        assert_eq!(sequences.forward(&clip(3, 32, 32), true).unwrap().dims(), [2]);
        assert!(sequences.forward(&clip(1, 32, 32), true).unwrap_err().to_string().contains("at least 2"));
    }
}
