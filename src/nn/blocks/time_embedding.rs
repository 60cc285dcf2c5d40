//! The diffusion time as a vector that the blocks of a network read.

use candle_core::{DType, Result, Tensor};

use crate::nn::error::{NnError, NnResult};
use crate::nn::layers::Linear;
use crate::nn::ops::{silu, timestep_embedding};
use crate::nn::parameters::Parameters;

/// Sinusoids of the step number, then two linear maps with a SiLU between.
///
/// # Reference
/// Ho et al. (2020), Denoising diffusion probabilistic models. arXiv:2006.11239
#[derive(Clone, Debug)]
pub struct TimeEmbedding {
    sinusoids: usize,
    first: Linear,
    second: Linear,
}

impl TimeEmbedding {
    /// From `sinusoids` sines and cosines to a vector of `width`.
    ///
    /// # Errors
    /// [`NnError::Argument`] where `sinusoids` is odd or a size is 0; as [`Parameters::add`].
    pub fn new(parameters: &mut Parameters, name: &str, sinusoids: usize, width: usize) -> NnResult<TimeEmbedding> {
        if sinusoids == 0 || !sinusoids.is_multiple_of(2) || width == 0 {
            return Err(NnError::Argument(format!(
                "time embedding of {sinusoids} sinusoids and width {width}; an even number and at least 1 are wanted"
            )));
        }
        Ok(TimeEmbedding {
            sinusoids,
            first: Linear::standard(parameters, &format!("{name}.linear1"), [width, sinusoids])?,
            second: Linear::standard(parameters, &format!("{name}.linear2"), [width, width])?,
        })
    }

    /// Step numbers `[b]` of any type to vectors `[b, width]` of the parameters' type.
    ///
    /// # Errors
    /// Those of [`timestep_embedding`].
    pub fn forward(&self, time: &Tensor, dtype: DType) -> Result<Tensor> {
        // Waves of a large step number have no digits left in a short type; they are made in a long one.
        let long = if dtype == DType::F64 { DType::F64 } else { DType::F32 };
        let waves = timestep_embedding(&time.to_dtype(long)?, self.sinusoids)?.to_dtype(dtype)?; // [b, sinusoids]
        self.second.forward(&silu(&self.first.forward(&waves)?)?) // [b, width]
    }
}
