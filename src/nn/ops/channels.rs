//! Channel by channel: a factor for each channel, and the scalar product of two tensors over each channel.
//! Each of the two is the other's derivative, so gradients of any order are right.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail};

use super::planes::{map_planes, plane_len, sum_planes};
use super::slices::{by_type, own_path, slice};
use crate::nn::derivative::{cut, wanted};

/// `x[b, c, ...] · scale[c]`.
///
/// # Errors
/// A sentence where `scale` is not of shape `[c]`.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// let x = Tensor::new(&[[[1f32, 2.0], [3.0, 4.0]]], &Device::Cpu).unwrap(); // [1, 2, 2]
/// let y = isotherm::nn::ops::scale_channels(&x, &Tensor::new(&[10f32, 1.0], &Device::Cpu).unwrap()).unwrap();
/// assert_eq!(y.to_vec3::<f32>().unwrap(), [[[10.0, 20.0], [3.0, 4.0]]]);
/// ```
pub fn scale_channels(x: &Tensor, scale: &Tensor) -> Result<Tensor> {
    if x.rank() < 2 || scale.dims() != &x.dims()[1..2] {
        bail!("scale_channels: input is {:?} and scale {:?}; a factor for each channel is wanted", x.dims(), scale.dims());
    }
    if own_path(x) && x.dtype() == scale.dtype() {
        x.contiguous()?.apply_op2(&scale.contiguous()?, Scale)
    } else {
        let shape: Vec<usize> = (0..x.rank()).map(|axis| if axis == 1 { x.dims()[1] } else { 1 }).collect();
        x.broadcast_mul(&scale.reshape(shape)?)
    }
}

/// `Σ a · b` over all but the channel axis: `[c]`.
///
/// # Errors
/// A sentence where the shapes differ or there is no channel axis.
pub fn channel_product(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if a.rank() < 2 || a.dims() != b.dims() {
        bail!("channel_product: {:?} and {:?}; the same shape [batch, channels, ...] is wanted", a.dims(), b.dims());
    }
    if own_path(a) && a.dtype() == b.dtype() {
        return a.contiguous()?.apply_op2(&b.contiguous()?, Product);
    }
    let axes: Vec<usize> = (0..a.rank()).filter(|axis| *axis != 1).collect();
    (a * b)?.sum(axes)
}

struct Scale;
struct Product;

/// `Σ a b` in sixteen interleaved lanes.
fn lane_product<T: WithDType>(a: &[T], b: &[T]) -> T {
    let mut lanes = [T::from_f64(0.0); 16];
    for (a, b) in a.chunks(16).zip(b.chunks(16)) {
        for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += *a * *b;
        }
    }
    lanes.into_iter().fold(T::from_f64(0.0), |sum, lane| sum + lane)
}

impl CustomOp2 for Scale {
    fn name(&self) -> &'static str {
        "scale-channels"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        by_type!(s1, self.name(), T => {
            let scale = slice::<T>(s2, l2)?;
            let y = map_planes(slice::<T>(s1, l1)?, scale.len(), plane_len(l1), |channel, y, x| {
                for (y, x) in y.iter_mut().zip(x) {
                    *y = *x * scale[channel];
                }
            });
            Ok((T::to_cpu_storage_owned(y), l1.shape().clone()))
        })
    }

    fn bwd(&self, x: &Tensor, scale: &Tensor, _result: &Tensor, above: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let above = above.contiguous()?;
        let to_x = if wanted(x) { Some(cut(above.apply_op2(scale, Scale)?)) } else { None };
        let to_scale = if wanted(scale) { Some(cut(above.apply_op2(x, Product)?)) } else { None };
        Ok((to_x, to_scale))
    }
}

impl CustomOp2 for Product {
    fn name(&self) -> &'static str {
        "channel-product"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let channels = l1.dims()[1];
        by_type!(s1, self.name(), T => {
            let sums = sum_planes(slice::<T>(s1, l1)?, slice::<T>(s2, l2)?, channels, plane_len(l1), lane_product);
            Ok((T::to_cpu_storage_owned(sums), channels.into()))
        })
    }

    fn bwd(&self, a: &Tensor, b: &Tensor, _result: &Tensor, above: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let above = above.contiguous()?;
        let to_a = if wanted(a) { Some(cut(b.apply_op2(&above, Scale)?)) } else { None };
        let to_b = if wanted(b) { Some(cut(a.apply_op2(&above, Scale)?)) } else { None };
        Ok((to_a, to_b))
    }
}
