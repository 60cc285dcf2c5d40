//! Activations: the rectifier, its leaky form, and SiLU.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};

use super::slices::{by_type, map, map2, own_path, slice};

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
        return x.contiguous()?.apply_op1(Rectifier { slope });
    }
    // relu(x) - slope relu(-x): candle's derivative of relu at 0 is 1, which matters only there.
    if slope == 0.0 { x.relu() } else { x.relu()? - (x.neg()?.relu()? * slope)? }
}

/// `x / (1 + exp(-x))`. Elfwing et al. (2018), doi:10.1016/j.neunet.2017.12.012.
///
/// # Errors
/// What candle gives on another device.
pub fn silu(x: &Tensor) -> Result<Tensor> {
    if own_path(x) { x.contiguous()?.apply_op1(Silu) } else { x.silu() }
}

#[derive(Clone, Copy)]
struct Rectifier {
    slope: f64,
}

/// (x, above) to above * derivative(x)
struct RectifierGradient(Rectifier);

impl CustomOp1 for Rectifier {
    fn name(&self) -> &'static str {
        "leaky-relu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        by_type!(storage, self.name(), T => {
            let slope = self.slope as T;
            let y = map::<T>(slice(storage, layout)?, |x| if x > 0.0 { x } else { slope * x });
            Ok((<T as candle_core::WithDType>::to_cpu_storage_owned(y), layout.shape().clone()))
        })
    }

    fn bwd(&self, x: &Tensor, _result: &Tensor, above: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(x.apply_op2(&above.contiguous()?, RectifierGradient(*self))?))
    }
}

impl CustomOp2 for RectifierGradient {
    fn name(&self) -> &'static str {
        "leaky-relu-gradient"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        by_type!(s1, self.name(), T => {
            let slope = self.0.slope as T;
            let y = map2::<T>(slice(s1, l1)?, slice(s2, l2)?, |x, above| if x > 0.0 { above } else { slope * above });
            Ok((<T as candle_core::WithDType>::to_cpu_storage_owned(y), l1.shape().clone()))
        })
    }

    fn bwd(&self, x: &Tensor, _gradient: &Tensor, _result: &Tensor, above: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        // Piecewise linear: the second derivative is zero wherever it exists.
        Ok((None, Some(x.apply_op2(&above.contiguous()?, RectifierGradient(self.0))?)))
    }
}

struct Silu;
/// (x, above) to above * silu'(x)
struct SiluGradient;

impl CustomOp1 for Silu {
    fn name(&self) -> &'static str {
        "silu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        by_type!(storage, self.name(), T => {
            let y = map::<T>(slice(storage, layout)?, |x| x / (1.0 + (-x).exp()));
            Ok((<T as candle_core::WithDType>::to_cpu_storage_owned(y), layout.shape().clone()))
        })
    }

    fn bwd(&self, x: &Tensor, _result: &Tensor, above: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(x.apply_op2(&above.contiguous()?, SiluGradient)?))
    }
}

impl CustomOp2 for SiluGradient {
    fn name(&self) -> &'static str {
        "silu-gradient"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        by_type!(s1, self.name(), T => {
            let y = map2::<T>(slice(s1, l1)?, slice(s2, l2)?, |x, above| {
                let s = 1.0 / (1.0 + (-x).exp());
                above * s * (1.0 + x * (1.0 - s))
            });
            Ok((<T as candle_core::WithDType>::to_cpu_storage_owned(y), l1.shape().clone()))
        })
    }

    fn bwd(&self, x: &Tensor, gradient: &Tensor, _result: &Tensor, above: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        // silu'' = s (1 - s) (2 + x (1 - 2 s)), with s = (1 + tanh(x / 2)) / 2, which does not overflow
        let s = (((x * 0.5)?.tanh()? + 1.0)? * 0.5)?;
        let spread = (&s * s.affine(-1.0, 1.0)?)?;
        let second = (spread * ((x * s.affine(-2.0, 1.0)?)? + 2.0)?)?;
        let to_x = ((gradient * above)? * second)?;
        Ok((Some(to_x), Some(x.apply_op2(&above.contiguous()?, SiluGradient)?)))
    }
}
