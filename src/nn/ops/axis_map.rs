//! Sparse linear maps along the axes of a tensor: what resampling, pooling by means, padding and shifting are.
//!
//! The gradient of a map is its transpose, itself such a map, so gradients of any order are right.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

use super::slices::{by_type, own_path, slice};
use crate::nn::derivative::cut;

/// Values that one task writes at least.
const TASK_VALUES: usize = 16_384;

/// For each output place of an axis, which input places and with what weights.
#[derive(Clone, Debug, PartialEq)]
struct Taps {
    inputs: usize,
    /// Taps of output place `i` are `bounds[i]..bounds[i + 1]`.
    bounds: Vec<usize>,
    indices: Vec<usize>,
    weights: Vec<f64>,
    /// Does every output place copy one input place?
    selects: bool,
}

impl Taps {
    fn new(inputs: usize, places: Vec<Vec<(usize, f64)>>) -> Taps {
        let mut taps = Taps { inputs, bounds: vec![0], indices: vec![], weights: vec![], selects: true };
        for place in places {
            taps.selects &= place.len() == 1 && place[0].1 == 1.0;
            for (index, weight) in place {
                taps.indices.push(index);
                taps.weights.push(weight);
            }
            taps.bounds.push(taps.weights.len());
        }
        taps
    }

    fn outputs(&self) -> usize {
        self.bounds.len() - 1
    }

    fn of(&self, place: usize) -> std::ops::Range<usize> {
        self.bounds[place]..self.bounds[place + 1]
    }

    fn transposed(&self) -> Taps {
        let mut places = vec![Vec::new(); self.inputs];
        for output in 0..self.outputs() {
            for tap in self.of(output) {
                places[self.indices[tap]].push((output, self.weights[tap]));
            }
        }
        Taps::new(self.outputs(), places)
    }

    fn dense(&self) -> Vec<f64> {
        let mut matrix = vec![0.0; self.outputs() * self.inputs];
        for output in 0..self.outputs() {
            for tap in self.of(output) {
                matrix[output * self.inputs + self.indices[tap]] += self.weights[tap];
            }
        }
        matrix
    }
}

/// A linear map along one axis, with its transpose.
#[derive(Clone, Debug)]
pub(crate) struct AxisMap {
    both: Arc<[Taps; 2]>,
    /// Which of the two is meant.
    which: usize,
}

impl AxisMap {
    /// Taps `(input place, weight)` of each output place; input places are below `inputs`.
    pub fn new(inputs: usize, outputs: usize, taps: impl Fn(usize) -> Vec<(usize, f64)>) -> AxisMap {
        let forward = Taps::new(inputs, (0..outputs).map(taps).collect());
        let back = forward.transposed();
        AxisMap { both: Arc::new([forward, back]), which: 0 }
    }

    fn transposed(&self) -> AxisMap {
        AxisMap { both: self.both.clone(), which: 1 - self.which }
    }

    fn forward(&self) -> &Taps {
        &self.both[self.which]
    }

    /// Applies the map along `axis`.
    pub fn along(&self, x: &Tensor, axis: usize) -> Result<Tensor> {
        apply(x, axis, Some(self), None)
    }
}

/// Applies `vertical` along the last axis but one and `horizontal` along the last.
pub(crate) fn along_planes(x: &Tensor, vertical: &AxisMap, horizontal: &AxisMap) -> Result<Tensor> {
    if x.rank() < 2 {
        bail!("a tensor {:?}; at least two axes are wanted", x.dims());
    }
    apply(x, x.rank() - 2, Some(vertical), Some(horizontal))
}

/// `vertical` along `axis`; `horizontal` along the next axis, which is then the last.
fn apply(x: &Tensor, axis: usize, vertical: Option<&AxisMap>, horizontal: Option<&AxisMap>) -> Result<Tensor> {
    let mut shape = x.dims().to_vec();
    for (axis, map) in [(axis, vertical), (axis + 1, horizontal)] {
        if let Some(map) = map {
            if axis >= shape.len() || shape[axis] != map.forward().inputs {
                bail!("a tensor {:?}; {} values along axis {axis} are wanted", x.dims(), map.forward().inputs);
            }
            shape[axis] = map.forward().outputs();
        }
    }
    if !own_path(x) {
        return dense(x, axis, vertical, horizontal, &shape);
    }
    let op = Separable {
        columns: x.dims()[axis + 1..].iter().product(),
        rows: x.dims()[axis],
        vertical: vertical.cloned(),
        horizontal: horizontal.cloned(),
        shape: shape.into(),
    };
    x.contiguous()?.apply_op1(op)
}

/// The same by matrix products, for other devices.
fn dense(x: &Tensor, axis: usize, vertical: Option<&AxisMap>, horizontal: Option<&AxisMap>, shape: &[usize]) -> Result<Tensor> {
    let (rows, columns) = (x.dims()[axis], x.dims()[axis + 1..].iter().product::<usize>());
    let outer: usize = x.dims()[..axis].iter().product();
    let matrix = |map: &AxisMap| {
        let taps = map.forward();
        Tensor::from_vec(taps.dense(), (taps.outputs(), taps.inputs), x.device())?.to_dtype(x.dtype())
    };
    let mut y = x.contiguous()?;
    let mut columns_now = columns;
    if let Some(map) = horizontal {
        columns_now = map.forward().outputs();
        y = y.reshape((outer * rows, columns))?.matmul(&matrix(map)?.t()?)?;
    }
    if let Some(map) = vertical {
        let matrix = matrix(map)?.unsqueeze(0)?.broadcast_as((outer, map.forward().outputs(), rows))?;
        y = matrix.contiguous()?.matmul(&y.reshape((outer, rows, columns_now))?)?;
    }
    y.reshape(shape)
}

#[derive(Clone)]
struct Separable {
    /// Sizes of an input plane.
    rows: usize,
    columns: usize,
    vertical: Option<AxisMap>,
    horizontal: Option<AxisMap>,
    /// Of the output.
    shape: Shape,
}

/// Along the rows of a plane.
fn run_horizontal<T: WithDType>(taps: &Taps, weights: &[T], x: &[T], y: &mut [T]) {
    let rows = y.chunks_exact_mut(taps.outputs().max(1)).zip(x.chunks_exact(taps.inputs.max(1)));
    for (y, x) in rows {
        if taps.selects {
            for (y, index) in y.iter_mut().zip(&taps.indices) {
                *y = x[*index];
            }
            continue;
        }
        for (place, y) in y.iter_mut().enumerate() {
            let range = taps.of(place);
            let pairs = taps.indices[range.clone()].iter().zip(&weights[range]);
            *y = pairs.fold(T::from_f64(0.0), |sum, (index, weight)| sum + x[*index] * *weight);
        }
    }
}

/// Down the columns of a plane.
fn run_vertical<T: WithDType>(taps: &Taps, weights: &[T], columns: usize, x: &[T], y: &mut [T]) {
    for (place, y) in y.chunks_exact_mut(columns.max(1)).enumerate() {
        let range = taps.of(place);
        if taps.selects {
            y.copy_from_slice(&x[taps.indices[range.start] * columns..][..columns]);
            continue;
        }
        y.fill(T::from_f64(0.0));
        for tap in range {
            let (row, weight) = (&x[taps.indices[tap] * columns..][..columns], weights[tap]);
            for (y, x) in y.iter_mut().zip(row) {
                *y += *x * weight;
            }
        }
    }
}

impl Separable {
    fn run<T: WithDType>(&self, x: &[T]) -> Vec<T> {
        let [vertical, horizontal] = [&self.vertical, &self.horizontal].map(|map| map.as_ref().map(AxisMap::forward));
        let weights = |taps: Option<&Taps>| -> Vec<T> {
            taps.map(|t| t.weights.iter().map(|w| T::from_f64(*w)).collect()).unwrap_or_default()
        };
        let (down, across) = (weights(vertical), weights(horizontal));
        let columns = horizontal.map_or(self.columns, Taps::outputs);
        let plane_out = vertical.map_or(self.rows, Taps::outputs) * columns;
        let plane_in = self.rows * self.columns;
        let mut y = vec![T::from_f64(0.0); self.shape.elem_count()];
        if y.is_empty() || plane_in == 0 {
            return y;
        }
        let planes = (TASK_VALUES / plane_out).max(1);
        y.par_chunks_mut(planes * plane_out).zip(x.par_chunks(planes * plane_in)).for_each(|(y, x)| {
            let mut between = vec![T::from_f64(0.0); if horizontal.is_some() { self.rows * columns } else { 0 }];
            for (y, x) in y.chunks_exact_mut(plane_out).zip(x.chunks_exact(plane_in)) {
                match (vertical, horizontal) {
                    (Some(vertical), Some(horizontal)) => {
                        run_horizontal(horizontal, &across, x, &mut between);
                        run_vertical(vertical, &down, columns, &between, y);
                    }
                    (Some(vertical), None) => run_vertical(vertical, &down, columns, x, y),
                    (None, Some(horizontal)) => run_horizontal(horizontal, &across, x, y),
                    (None, None) => y.copy_from_slice(x),
                }
            }
        });
        y
    }
}

impl CustomOp1 for Separable {
    fn name(&self) -> &'static str {
        "axis-map"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        by_type!(storage, self.name(), T => {
            Ok((T::to_cpu_storage_owned(self.run::<T>(slice(storage, layout)?)), self.shape.clone()))
        })
    }

    fn bwd(&self, x: &Tensor, _result: &Tensor, above: &Tensor) -> Result<Option<Tensor>> {
        let transposed = |map: &Option<AxisMap>| map.as_ref().map(AxisMap::transposed);
        let back = Separable {
            rows: self.vertical.as_ref().map_or(self.rows, |map| map.forward().outputs()),
            columns: self.horizontal.as_ref().map_or(self.columns, |map| map.forward().outputs()),
            vertical: transposed(&self.vertical),
            horizontal: transposed(&self.horizontal),
            shape: x.shape().clone(),
        };
        Ok(Some(cut(above.contiguous()?.apply_op1(back)?)))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::base::random::Random;

    #[test]
    fn own_loops_and_matrix_products_agree() {
        let mut random = Random::new(1, "taps");
        let mut map = |inputs: usize, outputs: usize| {
            let taps: Vec<Vec<(usize, f64)>> =
                (0..outputs).map(|place| (0..place % 4).map(|k| ((place + 2 * k) % inputs, random.normal())).collect()).collect();
            AxisMap::new(inputs, outputs, |place| taps[place].clone())
        };
        let (vertical, horizontal) = (map(5, 7), map(6, 3));
        let mut random = Random::new(1, "x");
        let x = Tensor::from_vec((0..120).map(|_| random.normal()).collect::<Vec<f64>>(), (2, 2, 5, 6), &Device::Cpu).unwrap();
        let same = |a: Tensor, b: Tensor| {
            assert_eq!(a.dims(), b.dims());
            assert!((a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f64>().unwrap() < 1e-14);
        };
        let both = along_planes(&x, &vertical, &horizontal).unwrap();
        same(both, dense(&x, 2, Some(&vertical), Some(&horizontal), &[2, 2, 7, 3]).unwrap());
        same(vertical.along(&x, 2).unwrap(), dense(&x, 2, Some(&vertical), None, &[2, 2, 7, 6]).unwrap());
        same(horizontal.along(&x, 3).unwrap(), dense(&x, 3, Some(&horizontal), None, &[2, 2, 5, 3]).unwrap());
        assert!(vertical.along(&x, 3).unwrap_err().to_string().contains("5 values along axis 3"));
    }
}
