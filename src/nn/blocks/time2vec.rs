//! A learned code for a point in time: sines of learned frequencies, and one trend.

use candle_core::{Result, Tensor};

use crate::nn::error::{NnError, NnResult};
use crate::nn::parameters::{Init, Parameters};

/// Time2Vec of one number.
///
/// # Formula
/// ```text
/// z = ω τ + φ,    code = ( sin z₁, ..., sin z_{k-1}, z_k )
/// ```
///
/// # Reference
/// Kazemi et al. (2019), Time2Vec: learning a vector representation of time. arXiv:1907.05321
#[derive(Clone, Debug)]
pub struct Time2Vec {
    frequency: Tensor,
    phase: Tensor,
    width: usize,
}

impl Time2Vec {
    /// A code of `width` numbers, at least 2, with parameters `NAME.weight` and `NAME.bias`.
    ///
    /// # Errors
    /// [`NnError::Argument`] where `width` is below 2; as [`Parameters::add`].
    ///
    /// # Example
    /// ```
    /// use isotherm::candle_core::{DType, Device, Tensor};
    /// use isotherm::nn::Parameters;
    /// use isotherm::nn::blocks::Time2Vec;
    /// let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
    /// let code = Time2Vec::new(&mut parameters, "calendar", 4).unwrap();
    /// let months = Tensor::new(&[[0f32, 5.0, 11.0]], &Device::Cpu).unwrap();
    /// assert_eq!(code.forward(&months).unwrap().dims(), [1, 3, 4]);
    /// ```
    pub fn new(parameters: &mut Parameters, name: &str, width: usize) -> NnResult<Time2Vec> {
        if width < 2 {
            return Err(NnError::Argument(format!("Time2Vec of width {width}; at least 2 is wanted, a sine and the trend")));
        }
        Ok(Time2Vec {
            frequency: parameters.add(format!("{name}.weight"), &[width, 1], Init::UniformFanIn)?,
            phase: parameters.add(format!("{name}.bias"), &[width], Init::Uniform { bound: 1.0 })?,
            width,
        })
    }

    /// Points in time `[...]` to codes `[..., width]`.
    ///
    /// # Errors
    /// What candle gives.
    pub fn forward(&self, time: &Tensor) -> Result<Tensor> {
        let z = time.unsqueeze(candle_core::D::Minus1)?.broadcast_mul(&self.frequency.flatten_all()?)?; // [..., width]
        let z = z.broadcast_add(&self.phase)?;
        let last = z.rank() - 1;
        let (sines, trend) = (z.narrow(last, 0, self.width - 1)?, z.narrow(last, self.width - 1, 1)?);
        Tensor::cat(&[sines.sin()?, trend], last)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn by_hand() {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 1);
        let code = Time2Vec::new(&mut parameters, "t", 2).unwrap();
        let values = BTreeMap::from([
            ("t.weight".to_string(), Tensor::new(&[[std::f64::consts::PI], [2.0]], &Device::Cpu).unwrap()),
            ("t.bias".to_string(), Tensor::new(&[0.0, -1.0], &Device::Cpu).unwrap()),
        ]);
        parameters.set(&values).unwrap();
        // sin(π/2) = 1; 2 · 0.5 - 1 = 0.  sin(3π/2) = -1; 2 · 1.5 - 1 = 2.
        let got = code.forward(&Tensor::new(&[0.5f64, 1.5], &Device::Cpu).unwrap()).unwrap().to_vec2::<f64>().unwrap();
        for (row, want) in got.iter().zip([[1.0, 0.0], [-1.0, 2.0]]) {
            assert!(row.iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-15), "{got:?}");
        }
        assert!(Time2Vec::new(&mut parameters, "u", 1).unwrap_err().to_string().contains("at least 2"));
    }
}
