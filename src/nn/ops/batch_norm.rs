//! Batch normalisation: by given means and variances, and the statistics of a batch.

use candle_core::{Result, Tensor, bail};

use super::bias::add_bias;
use super::channels::{channel_product, scale_channels};

/// `weight · (x - mean) / sqrt(variance + ε) + bias`, channel by channel, for `x` `[b, c, ...]`.
///
/// In training `mean` and `variance` are those of [`batch_statistics`] (the gradient flows through them), in
/// evaluation the running ones.
///
/// # Errors
/// A sentence where a parameter is not of shape `[c]`.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// use isotherm::nn::ops::{batch_norm, batch_statistics};
/// let x = Tensor::new(&[[1f64], [3.0]], &Device::Cpu).unwrap(); // [2, 1]
/// let (mean, variance) = batch_statistics(&x).unwrap();
/// let y = batch_norm(&x, &mean, &variance, None, None, 0.0).unwrap();
/// assert_eq!(y.to_vec2::<f64>().unwrap(), [[-1.0], [1.0]]);
/// ```
///
/// # Reference
/// Ioffe and Szegedy (2015), Batch normalization. doi:10.48550/arXiv.1502.03167
pub fn batch_norm(
    x: &Tensor,
    mean: &Tensor,
    variance: &Tensor,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    epsilon: f64,
) -> Result<Tensor> {
    if x.rank() < 2 {
        bail!("batch_norm: input is {:?}; [batch, channels, ...] is wanted", x.dims());
    }
    let given = [("mean", Some(mean)), ("variance", Some(variance)), ("weight", weight), ("bias", bias)];
    for (what, parameter) in given {
        if let Some(p) = parameter.filter(|p| p.dims() != &x.dims()[1..2]) {
            bail!("batch_norm: {what} is {:?}; [{}] is wanted", p.dims(), x.dims()[1]);
        }
    }
    let scale = (variance + epsilon)?.sqrt()?.recip()?;
    let scale = if let Some(weight) = weight { (scale * weight)? } else { scale };
    // The mean goes first: x scale - mean scale would lose the digits that they share.
    let y = scale_channels(&add_bias(x, &mean.neg()?)?, &scale)?;
    if let Some(bias) = bias { add_bias(&y, bias) } else { Ok(y) }
}

/// Mean and biased variance of each channel over the batch and all other axes: two tensors `[c]`.
///
/// # Errors
/// A sentence where there is no channel axis or no value.
pub fn batch_statistics(x: &Tensor) -> Result<(Tensor, Tensor)> {
    if x.rank() < 2 || x.elem_count() == 0 {
        bail!("batch_statistics: input is {:?}; [batch, channels, ...] with at least one value is wanted", x.dims());
    }
    let count = (x.elem_count() / x.dims()[1]) as f64;
    let mean = (channel_product(x, &x.ones_like()?)? / count)?;
    let centred = add_bias(x, &mean.neg()?)?;
    let variance = (channel_product(&centred, &centred)? / count)?;
    Ok((mean, variance))
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn statistics_by_hand() {
        // channel 0 holds 1, 2, 5, 4: mean 3, squares 4 + 1 + 4 + 1 = 10, variance 2.5; channel 1 holds 7 only
        let x = Tensor::new(&[[[1f64, 2.0], [7.0, 7.0]], [[5.0, 4.0], [7.0, 7.0]]], &Device::Cpu).unwrap();
        let (mean, variance) = batch_statistics(&x).unwrap();
        assert_eq!(mean.to_vec1::<f64>().unwrap(), [3.0, 7.0]);
        assert_eq!(variance.to_vec1::<f64>().unwrap(), [2.5, 0.0]);
        assert!(batch_norm(&x, &mean, &variance.narrow(0, 0, 1).unwrap(), None, None, 1e-5).is_err());
    }
}
