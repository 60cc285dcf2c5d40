//! One number added to each channel.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail};

use super::planes::{map_planes, plane_len, sum_planes};
use super::slices::{by_type, lane_sum, own_path, slice};
use crate::nn::derivative::{cut, wanted};

/// `x[b, c, ...] + bias[c]`.
///
/// # Errors
/// A sentence where `bias` is not of shape `[c]`.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// let x = Tensor::new(&[[[1f32, 2.0], [3.0, 4.0]]], &Device::Cpu).unwrap(); // [1, 2, 2]
/// let y = isotherm::nn::ops::add_bias(&x, &Tensor::new(&[10f32, 20.0], &Device::Cpu).unwrap()).unwrap();
/// assert_eq!(y.to_vec3::<f32>().unwrap(), [[[11.0, 12.0], [23.0, 24.0]]]);
/// ```
pub fn add_bias(x: &Tensor, bias: &Tensor) -> Result<Tensor> {
    if x.rank() < 2 || bias.dims() != &x.dims()[1..2] {
        bail!("add_bias: input is {:?} and bias {:?}; a bias of one value for each channel is wanted", x.dims(), bias.dims());
    }
    if own_path(x) && x.dtype() == bias.dtype() {
        x.contiguous()?.apply_op2(&bias.contiguous()?, AddBias)
    } else {
        x.broadcast_add(&bias.reshape(channel_shape(x.rank(), bias.elem_count()))?)
    }
}

/// `[1, channels, 1, ...]`.
fn channel_shape(rank: usize, channels: usize) -> Vec<usize> {
    (0..rank).map(|axis| if axis == 1 { channels } else { 1 }).collect()
}

/// The sum of each channel of `x` `[b, c, ...]` over all else, `[c]`.
pub(super) fn sum_to_bias(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(SumToBias)
}

struct AddBias;
struct SumToBias;

impl CustomOp2 for AddBias {
    fn name(&self) -> &'static str {
        "add-bias"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        by_type!(s1, self.name(), T => {
            let bias = slice::<T>(s2, l2)?;
            let y = map_planes(slice::<T>(s1, l1)?, bias.len(), plane_len(l1), |channel, y, x| {
                for (y, x) in y.iter_mut().zip(x) {
                    *y = *x + bias[channel];
                }
            });
            Ok((T::to_cpu_storage_owned(y), l1.shape().clone()))
        })
    }

    fn bwd(&self, _x: &Tensor, bias: &Tensor, _result: &Tensor, above: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let to_bias = wanted(bias).then(|| sum_to_bias(above).map(cut)).transpose()?;
        Ok((Some(above.clone()), to_bias))
    }
}

impl CustomOp1 for SumToBias {
    fn name(&self) -> &'static str {
        "sum-to-bias"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let channels = layout.dims()[1];
        by_type!(storage, self.name(), T => {
            let x = slice::<T>(storage, layout)?;
            let sums = sum_planes(x, x, channels, plane_len(layout), |x, _| lane_sum(x));
            Ok((T::to_cpu_storage_owned(sums), channels.into()))
        })
    }

    fn bwd(&self, x: &Tensor, _result: &Tensor, above: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(above.reshape(channel_shape(x.rank(), above.elem_count()))?.broadcast_as(x.shape())?))
    }
}
