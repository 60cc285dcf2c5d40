//! Softmax along any axis.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, D, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::elementwise::Real;
use super::slices::{by_type, own_path, slice};
use crate::base::vector::{Call, widest};
use crate::nn::derivative::cut;

/// `exp(x) / Σ exp(x)` along `dim`; the largest value is taken off first, so nothing overflows.
///
/// A row may hold minus infinity (a masked place) unless all of it does.
///
/// # Errors
/// A sentence where `dim` does not exist or is empty.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// let x = Tensor::new(&[1000f64, 1000.0, f64::NEG_INFINITY], &Device::Cpu).unwrap();
/// let y = isotherm::nn::ops::softmax(&x, 0).unwrap();
/// assert_eq!(y.to_vec1::<f64>().unwrap(), [0.5, 0.5, 0.0]);
/// ```
pub fn softmax(x: &Tensor, dim: usize) -> Result<Tensor> {
    if dim >= x.rank() || x.dims()[dim] == 0 {
        bail!("softmax: input is {:?} and the axis {dim}; an axis with at least one value is wanted", x.dims());
    }
    if !own_path(x) {
        // The maximum is only a shift: the result does not depend on it, so neither does its gradient.
        let exponentials = x.broadcast_sub(&x.max_keepdim(dim)?.detach())?.exp()?;
        return exponentials.broadcast_div(&exponentials.sum_keepdim(dim)?);
    }
    let last = x.rank() - 1;
    if dim == last {
        return x.contiguous()?.apply_op1(Softmax);
    }
    x.transpose(dim, last)?.contiguous()?.apply_op1(Softmax)?.transpose(dim, last)?.contiguous()
}

/// Along the last axis.
struct Softmax;
/// `(y, above)` to `y · (above - Σ y above)`: the gradient, from the softmax `y` itself.
struct Gradient;

/// `y · (a - Σ y a)` along the last axis, for a softmax `y`.
pub(super) fn softmax_gradient(y: &Tensor, a: &Tensor) -> Result<Tensor> {
    y.contiguous()?.apply_op2(&a.contiguous()?, Gradient)
}

/// Rows of one task: a number that depends on the shape alone.
fn task_len(row: usize) -> usize {
    (16_384 / row.max(1)).max(1) * row.max(1)
}

/// Softmax of each row of `len` values, in place. A masked place (minus infinity) becomes exactly 0.
pub(super) fn rows_in_place<T: Real>(values: &mut [T], len: usize) {
    widest(Call(rows_of, (values, len)));
}

#[inline(always)]
fn rows_of<T: Real>((values, len): (&mut [T], usize)) {
    let zero = T::from_f64(0.0);
    for row in values.chunks_exact_mut(len) {
        // In lanes, like the sum below; the largest value has no order.
        let mut lanes = [row[0]; 16];
        for part in row.chunks(16) {
            for (lane, value) in lanes.iter_mut().zip(part) {
                *lane = if *value > *lane { *value } else { *lane };
            }
        }
        let largest = lanes.into_iter().fold(row[0], |largest, lane| if lane > largest { lane } else { largest });
        let lowest = T::from_f64(f64::NEG_INFINITY);
        for value in row.iter_mut() {
            *value = if *value == lowest { zero } else { (*value - largest).exponential() };
        }
        let scale = T::from_f64(1.0) / super::slices::lane_sum(row);
        for value in row.iter_mut() {
            *value *= scale;
        }
    }
}

/// From the gradient of each row's softmax `y`, in place, to that of what went into it, times `scale`.
pub(super) fn change_of_rows<T: Real>(change: &mut [T], y: &[T], len: usize, scale: T) {
    widest(Call(change_of, (change, y, len, scale)));
}

#[inline(always)]
fn change_of<T: Real>((change, y, len, scale): (&mut [T], &[T], usize, T)) {
    for (change, y) in change.chunks_exact_mut(len).zip(y.chunks_exact(len)) {
        for (change, y) in change.iter_mut().zip(y) {
            *change *= *y;
        }
        let total = super::slices::lane_sum(change);
        for (change, y) in change.iter_mut().zip(y) {
            *change = (*change - *y * total) * scale;
        }
    }
}

impl CustomOp1 for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let row = layout.dims().last().copied().unwrap_or(1);
        by_type!(storage, self.name(), T => {
            let mut y = slice::<T>(storage, layout)?.to_vec();
            y.par_chunks_mut(task_len(row)).for_each(|task| rows_in_place(task, row));
            Ok((<T as candle_core::WithDType>::to_cpu_storage_owned(y), layout.shape().clone()))
        })
    }

    fn bwd(&self, _x: &Tensor, result: &Tensor, above: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(cut(result.apply_op2(&above.contiguous()?, Gradient)?)))
    }
}

impl CustomOp2 for Gradient {
    fn name(&self) -> &'static str {
        "softmax-gradient"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        fn run<T: Real>(y: &[T], above: &[T], len: usize) -> Vec<T> {
            let mut out = vec![T::from_f64(0.0); y.len()];
            let tasks = y.par_chunks(task_len(len)).zip(above.par_chunks(task_len(len)));
            out.par_chunks_mut(task_len(len)).zip(tasks).for_each(|(out, (y, above))| {
                let rows = y.chunks_exact(len).zip(above.chunks_exact(len));
                for (out, (y, above)) in out.chunks_exact_mut(len).zip(rows) {
                    out.copy_from_slice(above);
                    change_of_rows(out, y, len, T::from_f64(1.0));
                }
            });
            out
        }
        let len = l1.dims().last().copied().unwrap_or(1);
        by_type!(s1, self.name(), T => {
            let out = run::<T>(slice(s1, l1)?, slice(s2, l2)?, len);
            Ok((<T as candle_core::WithDType>::to_cpu_storage_owned(out), l1.shape().clone()))
        })
    }

    fn bwd(&self, y: &Tensor, gradient: &Tensor, _result: &Tensor, above: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        // <h, y (g - Σ y g)>: by g it is the same map of h, by y it is h g - h Σ y g - g Σ h y
        let above = above.contiguous()?;
        let row_sum = |a: &Tensor, b: &Tensor| (a * b)?.sum_keepdim(D::Minus1);
        let falling = (above.broadcast_mul(&row_sum(y, gradient)?)? + gradient.broadcast_mul(&row_sum(&above, y)?)?)?;
        let to_y = ((&above * gradient)? - falling)?;
        Ok((Some(to_y), Some(y.apply_op2(&above, Gradient)?)))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn by_hand_along_both_axes() {
        // exp(ln 1), exp(ln 3): a quarter and three quarters
        let x = Tensor::new(&[[0.0, 3f64.ln()], [0.0, 0.0]], &Device::Cpu).unwrap();
        let close = |t: Tensor, want: [[f64; 2]; 2]| {
            let got = t.to_vec2::<f64>().unwrap();
            assert!(got.iter().flatten().zip(want.iter().flatten()).all(|(g, w)| (g - w).abs() < 1e-15), "{got:?}");
        };
        close(softmax(&x, 1).unwrap(), [[0.25, 0.75], [0.5, 0.5]]);
        close(softmax(&x, 0).unwrap(), [[0.5, 0.75], [0.5, 0.25]]);
        assert!(softmax(&x, 2).unwrap_err().to_string().contains("axis 2"));
    }

    #[test]
    fn a_row_without_any_place_left_is_not_a_number() {
        // Nothing is right there; the value must not look like one.
        let x = Tensor::new(&[[f64::NEG_INFINITY, f64::NEG_INFINITY]], &Device::Cpu).unwrap();
        assert!(softmax(&x, 1).unwrap().to_vec2::<f64>().unwrap()[0][0].is_nan());
    }
}
