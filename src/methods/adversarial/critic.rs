//! The critic and what it sees.

use candle_core::{Result, Tensor};

use super::config::CriticConfig;
use crate::methods::refinement::Batch;
use crate::nn::blocks::{PatchCritic, PatchCriticConfig, UnetCritic};
use crate::nn::{NnResult, Parameters};

/// Channels that a critic sees: the base, and the correction.
const INPUTS: usize = 2;
const SLOPE: f64 = 0.2;

/// Either kind.
#[derive(Clone, Debug)]
pub(super) enum Critic {
    Patch(PatchCritic),
    Unet(UnetCritic),
}

impl Critic {
    pub fn new(parameters: &mut Parameters, config: &CriticConfig) -> NnResult<Critic> {
        Ok(match config {
            CriticConfig::Patch { strided, kept } => {
                let (strided, kept) = (strided.clone(), kept.clone());
                let sizes = PatchCriticConfig { inputs: INPUTS, volume: false, strided, kept, slope: SLOPE, start: 0.02 };
                Critic::Patch(PatchCritic::new(parameters, "critic", &sizes)?)
            }
            CriticConfig::Unet { width } => Critic::Unet(UnetCritic::new(parameters, "critic", INPUTS, *width)?),
        })
    }

    /// `[b, 2, h, w]` to logits; `training` moves the power iterations of the spectral norms on.
    pub fn forward(&self, x: &Tensor, training: bool) -> Result<Tensor> {
        match self {
            Critic::Patch(critic) => critic.forward(x, training),
            Critic::Unet(critic) => critic.forward(x, training),
        }
    }
}

/// What the critic sees of a correction `[b, 1, h, w]`: the base, and the correction times the tile's `weight`
/// `[b, 1, 1, 1]`, `[b, 2, h, w]`. On land, where the truth is not known, all corrections look like none.
pub(super) fn shown(batch: &Batch, correction: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let correction = (correction.broadcast_mul(weight)? * &batch.sea)?; // [b, 1, h, w]
    Tensor::cat(&[&batch.base, &correction], 1)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;
    use crate::nn::gradient_check;

    fn ramp(shape: (usize, usize, usize, usize), step: f64) -> Tensor {
        let count = shape.0 * shape.1 * shape.2 * shape.3;
        let values: Vec<f64> = (0..count).map(|i| (i as f64 * step).sin()).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    #[test]
    fn land_shows_nothing_and_gradients_pass_to_the_correction() {
        let sea: Vec<f64> = (0..128).map(|i| f64::from(u8::from(i % 8 != 3))).collect();
        let sea = Tensor::from_vec(sea, (2, 1, 8, 8), &Device::Cpu).unwrap();
        let zeros = Tensor::zeros((2, 2, 2, 2), DType::F64, &Device::Cpu).unwrap();
        let batch = Batch { low: zeros, base: ramp((2, 1, 8, 8), 0.3), target: ramp((2, 1, 8, 8), 0.7), sea: sea.clone() };
        let weight = Tensor::new(&[2f64, 0.5], &Device::Cpu).unwrap().reshape((2, 1, 1, 1)).unwrap();
        let correction = ramp((2, 1, 8, 8), 1.1);
        // Any other values on land.
        let other = (&correction + ((&sea - 1.0).unwrap() * 7.0).unwrap()).unwrap();
        let values = |t: Tensor| t.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let one = values(shown(&batch, &correction, &weight).unwrap());
        assert_eq!(one, values(shown(&batch, &other, &weight).unwrap()));
        assert_eq!(one[64], 2.0 * 0.0f64.sin());
        assert!((one[64 + 1] - 2.0 * 1.1f64.sin()).abs() < 1e-15 && one[64 + 3] == 0.0);
        for config in [CriticConfig::Patch { strided: vec![3, 4], kept: vec![3] }, CriticConfig::Unet { width: 2 }] {
            let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 3);
            let critic = Critic::new(&mut parameters, &config).unwrap();
            let look = |x: &[Tensor]| critic.forward(&shown(&batch, &x[0], &weight)?, false);
            let report = gradient_check(std::slice::from_ref(&correction), look).unwrap();
            assert!(report[0].within(1e-7) && report[0].largest_gradient > 1e-6, "{config:?} {report:?}");
        }
    }
}
