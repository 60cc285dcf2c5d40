//! Attention of several heads between two sequences of vectors.

use candle_core::{Result, Tensor};

use crate::nn::error::{NnError, NnResult};
use crate::nn::layers::Linear;
use crate::nn::ops::attention;
use crate::nn::parameters::{Init, Parameters};

/// Queries from one sequence, keys and values from another (or the same), each head on its own part of the
/// width, and a linear map of the heads put side by side.
///
/// # Reference
/// Vaswani et al. (2017), Attention is all you need. doi:10.48550/arXiv.1706.03762
#[derive(Clone, Debug)]
pub struct MultiHeadAttention {
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    heads: usize,
}

impl MultiHeadAttention {
    /// For vectors of `width`, a multiple of `heads`; `projection_bias` for queries, keys and values (the
    /// output always has one).
    ///
    /// # Errors
    /// [`NnError::Argument`] where the heads do not divide the width; as [`Parameters::add`].
    pub fn new(
        parameters: &mut Parameters,
        name: &str,
        width: usize,
        heads: usize,
        projection_bias: bool,
    ) -> NnResult<MultiHeadAttention> {
        if heads == 0 || width == 0 || width % heads != 0 {
            return Err(NnError::Argument(format!("attention of width {width} and {heads} heads; a multiple is wanted")));
        }
        let mut projection = |part: &str| {
            let name = format!("{name}.{part}");
            if projection_bias {
                Linear::standard(parameters, &name, [width, width])
            } else {
                Linear::new(parameters, &name, [width, width], Init::UniformFanIn, None)
            }
        };
        let (query, key, value) = (projection("query")?, projection("key")?, projection("value")?);
        let out = Linear::standard(parameters, &format!("{name}.out"), [width, width])?;
        Ok(MultiHeadAttention { query, key, value, out, heads })
    }

    /// Queries from `x` `[b, n, width]`, keys and values from `memory` `[b, m, width]`: `[b, n, width]`.
    ///
    /// # Errors
    /// Those of [`attention`].
    pub fn forward(&self, x: &Tensor, memory: &Tensor) -> Result<Tensor> {
        let (b, n, width) = x.dims3()?;
        let split = |x: Tensor| -> Result<Tensor> {
            let (b, n, width) = x.dims3()?;
            x.reshape((b, n, self.heads, width / self.heads))?.transpose(1, 2)?.contiguous() // [b, heads, n, d]
        };
        let (q, k, v) = (self.query.forward(x)?, self.key.forward(memory)?, self.value.forward(memory)?);
        let y = attention(&split(q)?, &split(k)?, &split(v)?, None, None, None)?; // [b, heads, n, d]
        self.out.forward(&y.transpose(1, 2)?.contiguous()?.reshape((b, n, width))?)
    }
}
