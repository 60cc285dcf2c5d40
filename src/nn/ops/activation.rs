//! Activations.

use candle_core::{Result, Tensor};

use super::elementwise::{Function, Plain};
use super::slices::own_path;

/// `max(x, 0)`; the derivative at 0 is 0, as in PyTorch.
///
/// # Errors
/// What candle gives on another device.
pub fn relu(x: &Tensor) -> Result<Tensor> {
    leaky_relu(x, 0.0)
}

/// `x` where it is positive, else `slope * x`; the derivative at 0 is `slope`.
///
/// # Errors
/// What candle gives on another device.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// let x = Tensor::new(&[-2f32, 3.0], &Device::Cpu).unwrap();
/// let y = isotherm::nn::ops::leaky_relu(&x, 0.5).unwrap();
/// assert_eq!(y.to_vec1::<f32>().unwrap(), [-1.0, 3.0]);
/// ```
pub fn leaky_relu(x: &Tensor, slope: f64) -> Result<Tensor> {
    if own_path(x) {
        return x.contiguous()?.apply_op1(Plain(Function::Rectifier { slope }));
    }
    // relu(x) - slope relu(-x): candle's derivative of relu at 0 is 1, which matters only there.
    if slope == 0.0 { x.relu() } else { x.relu()? - (x.neg()?.relu()? * slope)? }
}

/// `x / (1 + exp(-x))`. Elfwing et al. (2018), doi:10.1016/j.neunet.2017.12.012.
///
/// # Errors
/// What candle gives on another device.
pub fn silu(x: &Tensor) -> Result<Tensor> {
    if own_path(x) { x.contiguous()?.apply_op1(Plain(Function::Silu)) } else { x.silu() }
}

/// `x Φ(x)` with the normal distribution Φ, by the error function. Hendrycks and Gimpel (2016),
/// doi:10.48550/arXiv.1606.08415.
///
/// # Errors
/// What candle gives on another device.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// let y = isotherm::nn::ops::gelu(&Tensor::new(&[0f64, 1.0], &Device::Cpu).unwrap()).unwrap().to_vec1::<f64>().unwrap();
/// assert_eq!(y[0], 0.0);
/// assert!((y[1] - 0.841_344_746).abs() < 1e-9); // Φ(1)
/// ```
pub fn gelu(x: &Tensor) -> Result<Tensor> {
    if own_path(x) {
        return x.contiguous()?.apply_op1(Plain(Function::Gelu));
    }
    // candle's own GELU rounds 1 / sqrt(2π) to six digits in its derivative; that of erf is exact.
    (x * 0.5)? * ((x * std::f64::consts::FRAC_1_SQRT_2)?.erf()? + 1.0)?
}

/// [`gelu`] with Φ by `tanh`: `x / 2 (1 + tanh(sqrt(2/π) (x + 0.044715 x³)))`.
///
/// # Errors
/// What candle gives on another device.
pub fn gelu_tanh(x: &Tensor) -> Result<Tensor> {
    if own_path(x) {
        return x.contiguous()?.apply_op1(Plain(Function::GeluTanh));
    }
    let inner = ((x + (x.sqr()? * x)?.affine(0.044_715, 0.0)?)? * (2.0 / std::f64::consts::PI).sqrt())?;
    (x * 0.5)? * (inner.tanh()? + 1.0)?
}

/// `1 / (1 + exp(-x))`.
///
/// # Errors
/// What candle gives on another device.
pub fn sigmoid(x: &Tensor) -> Result<Tensor> {
    if own_path(x) {
        return x.contiguous()?.apply_op1(Plain(Function::Sigmoid));
    }
    // Half a tanh does not overflow.
    (x * 0.5)?.tanh()?.affine(0.5, 0.5)
}

/// The hyperbolic tangent.
///
/// # Errors
/// What candle gives on another device.
pub fn tanh(x: &Tensor) -> Result<Tensor> {
    if own_path(x) { x.contiguous()?.apply_op1(Plain(Function::Tanh)) } else { x.tanh() }
}

/// `ln(1 + exp(x))`, without overflow for large `x`.
///
/// # Errors
/// What candle gives on another device.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// let x = Tensor::new(&[0f64, 1000.0], &Device::Cpu).unwrap();
/// let y = isotherm::nn::ops::softplus(&x).unwrap().to_vec1::<f64>().unwrap();
/// assert!((y[0] - 2f64.ln()).abs() < 1e-15 && y[1] == 1000.0);
/// ```
pub fn softplus(x: &Tensor) -> Result<Tensor> {
    if own_path(x) {
        return x.contiguous()?.apply_op1(Plain(Function::Softplus));
    }
    // max(x, 0) + ln(1 + exp(-|x|)) has kinks at 0 that cancel; (x + |x|) / 2 keeps them together.
    let size = x.abs()?;
    ((x + &size)? * 0.5)? + (size.neg()?.exp()? + 1.0)?.log()?
}
