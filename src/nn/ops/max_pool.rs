//! Pooling by the largest value.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

use super::pooling::windows;
use super::slices::{by_type, own_path, slice};

/// The largest value in windows of `kernel` (rows, columns) of `x` `[b, c, h, w]`, every `stride`, with
/// `padding` places on each side that never win. Of equal values the first (by rows) gets the gradient, as
/// in PyTorch.
///
/// # Errors
/// As [`super::average_pool2d`].
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// let x = Tensor::new(&[[[[1f32, 2.0, 3.0], [5.0, 8.0, 9.0]]]], &Device::Cpu).unwrap();
/// let y = isotherm::nn::ops::max_pool2d(&x, [2, 2], [1, 1], [0, 0]).unwrap();
/// assert_eq!(y.flatten_all().unwrap().to_vec1::<f32>().unwrap(), [8.0, 9.0]);
/// ```
pub fn max_pool2d(x: &Tensor, kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let count = |size: usize, a: usize| windows("max_pool2d", size, kernel[a], stride[a], padding[a]);
    let output = [count(h, 0)?, count(w, 1)?];
    let pool = Pool { size: [h, w], output, kernel, stride, padding };
    if own_path(x) { x.contiguous()?.apply_op1(Largest(pool)) } else { pool.plain(x) }
}

#[derive(Clone, Copy, Debug)]
struct Pool {
    size: [usize; 2],
    output: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
}

impl Pool {
    fn planes(&self) -> [usize; 2] {
        [self.size[0] * self.size[1], self.output[0] * self.output[1]]
    }

    /// Calls `body(output place, input place)` with the winner of each window of one plane.
    fn for_each_winner<T: WithDType>(&self, x: &[T], mut body: impl FnMut(usize, usize)) {
        let range = |a: usize, i: usize| {
            let start = i * self.stride[a];
            let end = (start + self.kernel[a]).min(self.size[a] + self.padding[a]) - self.padding[a];
            start.saturating_sub(self.padding[a])..end
        };
        for row in 0..self.output[0] {
            for column in 0..self.output[1] {
                let (rows, columns) = (range(0, row), range(1, column));
                let mut winner = rows.start * self.size[1] + columns.start;
                for y in rows {
                    for x_place in columns.clone() {
                        let place = y * self.size[1] + x_place;
                        // Something that is not a number wins, so that it is seen.
                        if x[place] > x[winner] || x[place].partial_cmp(&x[place]).is_none() {
                            winner = place;
                        }
                    }
                }
                body(row * self.output[1] + column, winner);
            }
        }
    }

    /// The values of `of` at the winners of `x`.
    fn gather<T: WithDType>(&self, x: &[T], of: &[T]) -> Vec<T> {
        let [plane_in, plane_out] = self.planes();
        let mut y = vec![T::from_f64(0.0); x.len() / plane_in.max(1) * plane_out];
        let planes = x.par_chunks(plane_in.max(1)).zip(of.par_chunks(plane_in.max(1)));
        y.par_chunks_mut(plane_out.max(1)).zip(planes).for_each(|(y, (x, of))| {
            self.for_each_winner(x, |to, from| y[to] = of[from]);
        });
        y
    }

    /// The adjoint: `above` added up at the winners of `x`.
    fn scatter<T: WithDType>(&self, x: &[T], above: &[T]) -> Vec<T> {
        let [plane_in, plane_out] = self.planes();
        let mut dx = vec![T::from_f64(0.0); x.len()];
        let planes = x.par_chunks(plane_in.max(1)).zip(above.par_chunks(plane_out.max(1)));
        dx.par_chunks_mut(plane_in.max(1)).zip(planes).for_each(|(dx, (x, above))| {
            self.for_each_winner(x, |to, from| dx[from] += above[to]);
        });
        dx
    }

    /// In plain operations, for other devices: one tap after the other, a later one only where larger.
    fn plain(&self, x: &Tensor) -> Result<Tensor> {
        let mut padded = x.clone();
        for a in 0..2 {
            for after in [false, true] {
                if self.padding[a] > 0 {
                    let mut shape = padded.dims().to_vec();
                    shape[a + 2] = self.padding[a];
                    let low = Tensor::full(f64::NEG_INFINITY, shape, x.device())?.to_dtype(x.dtype())?;
                    let parts = if after { [&padded, &low] } else { [&low, &padded] };
                    padded = Tensor::cat(&parts, a + 2)?;
                }
            }
        }
        let mut best: Option<Tensor> = None;
        for ky in 0..self.kernel[0] {
            for kx in 0..self.kernel[1] {
                let mut tap = padded.clone();
                for (a, first) in [(0, ky), (1, kx)] {
                    let places: Vec<u32> = (0..self.output[a]).map(|i| (first + i * self.stride[a]) as u32).collect();
                    tap = tap.contiguous()?.index_select(&Tensor::new(places, x.device())?, a + 2)?;
                }
                best = Some(match best {
                    None => tap,
                    Some(best) => tap.gt(&best)?.where_cond(&tap, &best)?,
                });
            }
        }
        let Some(best) = best else { bail!("max_pool2d: the kernel is empty") };
        Ok(best)
    }
}

struct Largest(Pool);
/// (x, above) to the gradient of x.
struct AtWinners(Pool);
/// (x, values) to the values at the winners of x.
struct OfWinners(Pool);

fn pooled(pool: &Pool, layout: &Layout) -> Shape {
    (layout.dims()[0], layout.dims()[1], pool.output[0], pool.output[1]).into()
}

impl CustomOp1 for Largest {
    fn name(&self) -> &'static str {
        "max-pool"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        by_type!(storage, self.name(), T => {
            let x = slice::<T>(storage, layout)?;
            Ok((T::to_cpu_storage_owned(self.0.gather(x, x)), pooled(&self.0, layout)))
        })
    }

    fn bwd(&self, x: &Tensor, _result: &Tensor, above: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(x.apply_op2(&above.contiguous()?, AtWinners(self.0))?))
    }
}

impl CustomOp2 for AtWinners {
    fn name(&self) -> &'static str {
        "max-pool-gradient"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        by_type!(s1, self.name(), T => {
            let dx = self.0.scatter::<T>(slice(s1, l1)?, slice(s2, l2)?);
            Ok((T::to_cpu_storage_owned(dx), l1.shape().clone()))
        })
    }

    fn bwd(&self, x: &Tensor, _above: &Tensor, _result: &Tensor, above: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        // Where it has a derivative, who wins does not change.
        Ok((Some(x.zeros_like()?), Some(x.apply_op2(&above.contiguous()?, OfWinners(self.0))?)))
    }
}

impl CustomOp2 for OfWinners {
    fn name(&self) -> &'static str {
        "max-pool-of-winners"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        by_type!(s1, self.name(), T => {
            let y = self.0.gather::<T>(slice(s1, l1)?, slice(s2, l2)?);
            Ok((T::to_cpu_storage_owned(y), pooled(&self.0, l1)))
        })
    }

    fn bwd(&self, x: &Tensor, _values: &Tensor, _result: &Tensor, above: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        Ok((Some(x.zeros_like()?), Some(x.apply_op2(&above.contiguous()?, AtWinners(self.0))?)))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::base::random::Random;

    fn gradient(y: &Tensor, x: &Var) -> Vec<f64> {
        let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
        gradients.get(x).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap()
    }

    #[test]
    fn of_equal_values_the_first_gets_the_gradient() {
        let x = Var::new(&[[[[3f64, 3.0], [3.0, 1.0]]]], &Device::Cpu).unwrap();
        let pool = Pool { size: [2, 2], output: [1, 1], kernel: [2, 2], stride: [2, 2], padding: [0, 0] };
        assert_eq!(gradient(&max_pool2d(&x, [2, 2], [2, 2], [0, 0]).unwrap(), &x), [6.0, 0.0, 0.0, 0.0]);
        assert_eq!(gradient(&pool.plain(&x).unwrap(), &x), [6.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn own_loops_and_plain_operations_agree() {
        let mut random = Random::new(2, "x");
        let values: Vec<f64> = (0..2 * 2 * 7 * 6).map(|_| random.normal()).collect();
        let x = Var::from_tensor(&Tensor::from_vec(values, (2, 2, 7, 6), &Device::Cpu).unwrap()).unwrap();
        for (kernel, stride, padding, output) in
            [([3, 3], [2, 2], [1, 1], [4, 3]), ([2, 3], [1, 3], [0, 1], [6, 2]), ([2, 2], [2, 2], [1, 0], [4, 3])]
        {
            let own = max_pool2d(&x, kernel, stride, padding).unwrap();
            let plain = Pool { size: [7, 6], output, kernel, stride, padding }.plain(&x).unwrap();
            let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f64>().unwrap();
            assert_eq!(values(&own), values(&plain));
            assert_eq!(gradient(&own, &x), gradient(&plain, &x));
        }
    }
}
