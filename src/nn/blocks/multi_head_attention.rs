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
        if heads == 0 || width == 0 || !width.is_multiple_of(heads) {
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

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;
    use crate::base::random::Random;

    fn tensor(shape: &[usize], name: &str) -> Tensor {
        let mut random = Random::new(3, name);
        let values: Vec<f64> = (0..shape.iter().product()).map(|_| random.normal()).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    fn values(t: &Tensor) -> Vec<f64> {
        t.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn agrees_with_the_definition() {
        const WIDTH: usize = 6;
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 1);
        let block = MultiHeadAttention::new(&mut parameters, "a", WIDTH, 2, true).unwrap();
        let (x, memory) = (tensor(&[1, 3, WIDTH], "x"), tensor(&[1, 4, WIDTH], "memory"));
        let map = |part: &str, row: usize, input: &[f64]| {
            let get = |name: &str| values(parameters.get(&format!("a.{part}.{name}")).unwrap().as_tensor());
            get("bias")[row] + (0..WIDTH).map(|k| get("weight")[row * WIDTH + k] * input[k]).sum::<f64>()
        };
        let mut want = vec![];
        for from in values(&x).chunks(WIDTH) {
            let mut mixed = vec![0.0; WIDTH];
            for head in [0..3, 3..6] {
                let score = |to: &[f64]| {
                    let product: f64 = head.clone().map(|row| map("query", row, from) * map("key", row, to)).sum();
                    (product / 3f64.sqrt()).exp()
                };
                let total: f64 = values(&memory).chunks(WIDTH).map(score).sum();
                for row in head.clone() {
                    mixed[row] = values(&memory).chunks(WIDTH).map(|to| score(to) * map("value", row, to)).sum::<f64>() / total;
                }
            }
            want.extend((0..WIDTH).map(|row| map("out", row, &mixed)));
        }
        let got = values(&block.forward(&x, &memory).unwrap());
        assert!(got.iter().zip(&want).all(|(g, w)| (g - w).abs() < 1e-13), "{got:?} {want:?}");
        assert!(MultiHeadAttention::new(&mut parameters, "b", 6, 4, true).unwrap_err().to_string().contains("multiple"));
    }
}
