//! Losses as weighted means over the cells that count.

use candle_core::{Result, Tensor, bail};
use serde::{Deserialize, Serialize};

/// The penalty of one difference `d`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// `d²`.
    MeanSquare,
    /// `|d|`.
    MeanAbsolute,
    /// `sqrt(d² + ε²)`: like `|d|`, smooth at 0. Charbonnier et al. (1994), doi:10.1109/ICIP.1994.413553.
    Charbonnier {
        /// ε, in the unit of the values.
        epsilon: f64,
    },
}

impl Loss {
    /// The penalty of each difference.
    ///
    /// # Errors
    /// What candle gives.
    pub fn of(self, difference: &Tensor) -> Result<Tensor> {
        match self {
            Loss::MeanSquare => difference.sqr(),
            Loss::MeanAbsolute => difference.abs(),
            Loss::Charbonnier { epsilon } => (difference.sqr()? + epsilon * epsilon)?.sqrt(),
        }
    }
}

/// `Σ weight · loss(prediction - target) / Σ weight`; without a weight the plain mean. A cell of weight 0
/// changes nothing, whatever finite value it holds.
///
/// # Errors
/// A sentence where shapes differ or no cell has weight.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// use isotherm::nn::ops::{Loss, masked_loss};
/// let t = |v: [f32; 3]| Tensor::new(&v, &Device::Cpu).unwrap();
/// let loss = masked_loss(Loss::MeanSquare, &t([1.0, 2.0, 9.0]), &t([0.0, 0.0, 0.0]), Some(&t([1.0, 1.0, 0.0]))).unwrap();
/// assert_eq!(loss.to_scalar::<f32>().unwrap(), 2.5);
/// ```
pub fn masked_loss(loss: Loss, prediction: &Tensor, target: &Tensor, weight: Option<&Tensor>) -> Result<Tensor> {
    let penalty = loss.of(&(prediction - target)?)?;
    let Some(weight) = weight else { return penalty.mean_all() };
    let total = weight.sum_all()?;
    if total.to_dtype(candle_core::DType::F64)?.to_scalar::<f64>()? <= 0.0 {
        bail!("masked_loss: no cell has weight, so the loss is undefined; give at least one valid cell");
    }
    (penalty * weight)?.sum_all()?.div(&total)
}
