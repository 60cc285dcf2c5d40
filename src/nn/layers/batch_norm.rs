//! Batch normalisation with weight, bias and running statistics.

use candle_core::{Result, Tensor, Var, bail};

use crate::nn::error::NnResult;
use crate::nn::ops::{batch_norm, batch_statistics};
use crate::nn::parameters::{Init, Parameters};

/// [`batch_norm`] with parameters. In training it normalises by the batch and moves its running mean and
/// (unbiased) variance towards it; in evaluation it normalises by these.
///
/// The running statistics are the buffers `NAME.running_mean` and `NAME.running_var`: saved with the network,
/// not trained. Clones share them.
#[derive(Clone, Debug)]
pub struct BatchNorm {
    weight: Tensor,
    bias: Tensor,
    epsilon: f64,
    momentum: f64,
    running_mean: Var,
    running_variance: Var,
}

impl BatchNorm {
    /// For `channels`; `momentum` is the share of the new batch in the running statistics (PyTorch: 0.1).
    ///
    /// # Errors
    /// As [`Parameters::add`].
    pub fn new(parameters: &mut Parameters, name: &str, channels: usize, epsilon: f64, momentum: f64) -> NnResult<BatchNorm> {
        Ok(BatchNorm {
            weight: parameters.add(format!("{name}.weight"), &[channels], Init::Constant(1.0))?,
            bias: parameters.add(format!("{name}.bias"), &[channels], Init::Constant(0.0))?,
            epsilon,
            momentum,
            running_mean: parameters.add_buffer(format!("{name}.running_mean"), &[channels], Init::Constant(0.0))?,
            running_variance: parameters.add_buffer(format!("{name}.running_var"), &[channels], Init::Constant(1.0))?,
        })
    }

    /// `[b, channels, ...]` to the same.
    ///
    /// # Errors
    /// As [`batch_norm`]; in training a sentence where there is only one value for each channel.
    pub fn forward(&self, x: &Tensor, training: bool) -> Result<Tensor> {
        if !training {
            let [mean, variance] = self.running();
            return batch_norm(x, &mean, &variance, Some(&self.weight), Some(&self.bias), self.epsilon);
        }
        let (mean, variance) = batch_statistics(x)?;
        let count = (x.elem_count() / x.dims()[1]) as f64;
        if count < 2.0 {
            bail!("batch normalisation in training: input is {:?}; more than one value for each channel is wanted", x.dims());
        }
        let y = batch_norm(x, &mean, &variance, Some(&self.weight), Some(&self.bias), self.epsilon)?;
        let towards =
            |old: &Tensor, new: &Tensor, factor: f64| (old * (1.0 - self.momentum))? + (new.detach() * (self.momentum * factor))?;
        let [old_mean, old_variance] = self.running();
        self.set_running([towards(&old_mean, &mean, 1.0)?, towards(&old_variance, &variance, count / (count - 1.0))?])?;
        Ok(y)
    }

    /// Running mean and variance, `[channels]` each.
    pub fn running(&self) -> [Tensor; 2] {
        [self.running_mean.as_detached_tensor(), self.running_variance.as_detached_tensor()]
    }

    /// Sets the running mean and variance.
    ///
    /// # Errors
    /// A sentence where a shape does not fit.
    pub fn set_running(&self, running: [Tensor; 2]) -> Result<()> {
        if let Some(wrong) = running.iter().find(|t| t.dims() != self.weight.dims()) {
            bail!("batch normalisation: running statistics of {:?}; {:?} is wanted", wrong.dims(), self.weight.dims());
        }
        let [mean, variance] = running;
        self.running_mean.set(&mean.detach())?;
        self.running_variance.set(&variance.detach())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn running_statistics_by_hand() {
        let mut p = Parameters::new(&Device::Cpu, DType::F64, 1);
        let layer = BatchNorm::new(&mut p, "n", 1, 0.0, 0.5).unwrap();
        let x = Tensor::new(&[[1f64], [5.0]], &Device::Cpu).unwrap();
        layer.forward(&x, true).unwrap();
        // mean (0 + 3) / 2; variance of 1, 5 with n - 1 is 8: (1 + 8) / 2
        let [mean, variance] = layer.running();
        assert_eq!((mean.to_vec1::<f64>().unwrap(), variance.to_vec1::<f64>().unwrap()), (vec![1.5], vec![4.5]));
        assert!(layer.forward(&x.narrow(0, 0, 1).unwrap(), true).unwrap_err().to_string().contains("more than one value"));
        assert!(layer.set_running([x.clone(), x]).is_err());
    }
}
