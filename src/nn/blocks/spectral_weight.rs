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
