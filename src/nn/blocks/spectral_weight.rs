//! A weight that is divided by its largest singular value.

use candle_core::{Result, Tensor, Var};

use crate::nn::error::NnResult;
use crate::nn::ops::spectral_norm;
use crate::nn::parameters::{Init, Parameters};

/// A trainable weight, and the power iteration that follows its largest singular value.
///
/// The weight is seen as a matrix `[outputs, rest]`. The iteration's vector is a buffer: it is saved with the
/// network, so that training resumes with the same numbers.
///
/// # Reference
/// Miyato et al. (2018), Spectral normalization for generative adversarial networks. arXiv:1802.05957
#[derive(Clone, Debug)]
pub(super) struct SpectralWeight {
    weight: Tensor,
    left: Var,
}

impl SpectralWeight {
    /// The parameter `name`, and the buffer `name_u`, which starts at random.
    pub fn new(parameters: &mut Parameters, name: &str, shape: &[usize], init: Init) -> NnResult<SpectralWeight> {
        let left = [shape.first().copied().unwrap_or(1)];
        Ok(SpectralWeight {
            weight: parameters.add(name, shape, init)?,
            left: parameters.add_buffer(format!("{name}_u"), &left, Init::KaimingNormal { gain: 1.0 })?,
        })
    }

    /// The weight divided by `uᵀ W v`, where `v` is the unit vector of `Wᵀ u`. In training `u` first moves to
    /// the unit vector of `W v`.
    pub fn normalised(&self, training: bool) -> Result<Tensor> {
        let mut left = self.left.as_detached_tensor();
        let normalised = spectral_norm(&self.weight, &mut left, usize::from(training))?;
        if training {
            self.left.set(&left)?;
        }
        Ok(normalised)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn the_iteration_is_part_of_the_saved_state() {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 1);
        let weight = SpectralWeight::new(&mut parameters, "w", &[3, 2, 3, 3], Init::UniformFanIn).unwrap();
        let values = |t: Tensor| t.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let before = parameters.snapshot().unwrap();
        assert_eq!(before.keys().collect::<Vec<_>>(), ["w", "w_u"]);
        let first = values(weight.normalised(true).unwrap());
        let second = values(weight.normalised(true).unwrap());
        assert_ne!(first, second);
        // Evaluation moves nothing, and a restored state gives the same numbers again.
        assert_eq!(values(weight.normalised(false).unwrap()), values(weight.normalised(false).unwrap()));
        parameters.set(&before).unwrap();
        assert_eq!(values(weight.normalised(true).unwrap()), first);
    }

    #[test]
    fn the_largest_singular_value_becomes_one() {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 1);
        let weight = SpectralWeight::new(&mut parameters, "w", &[2, 1, 1, 2], Init::UniformFanIn).unwrap();
        for _ in 0..200 {
            weight.normalised(true).unwrap();
        }
        let w = weight.normalised(false).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        // The larger root of λ² - trace λ + det² for WᵀW of the 2x2 matrix, by hand.
        let (trace, det) = (w.iter().map(|v| v * v).sum::<f64>(), w[0] * w[3] - w[1] * w[2]);
        let largest = (trace + (trace * trace - 4.0 * det * det).sqrt()) / 2.0;
        assert!((largest - 1.0).abs() < 1e-9, "{largest}");
    }
}
