//! The loops of the convolutions on the CPU: forward, gradient of the input, gradient of the weight.
//!
//! There are always three spatial axes (time, height, width); an image has one frame, a series one frame
//! of one row. Most shapes take the direct loops of [`super::convolution_direct`]. Else a tile of output
//! rows is gathered into a matrix (kernel taps by pixels) that fits the cache, and multiplied by the
//! weights. Tiles are fixed by the shape alone and sums run in a fixed order, so the result is the same for
//! any number of threads.

use candle_core::WithDType;
use rayon::prelude::*;

use super::convolution_direct as direct;
use super::lanes::Laned;
use super::matrix::{Matrix, multiply};

/// Values of a gathered tile: about 512 KiB in f32, the size of a core's second-level cache.
const TILE_VALUES: usize = 131_072;

fn joined([first, second]: [usize; 2], [t, h, w]: [usize; 3]) -> [usize; 5] {
    [first, second, t, h, w]
}

/// All sizes of one convolution; arrays are (time, height, width).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub batch: usize,
    pub groups: usize,
    /// Input channels of one group.
    pub inputs: usize,
    /// Output channels of one group.
    pub outputs: usize,
    pub size: [usize; 3],
    pub kernel: [usize; 3],
    pub stride: [usize; 3],
    pub padding: [usize; 3],
    pub dilation: [usize; 3],
}

impl Geometry {
    pub fn output_size(&self) -> [usize; 3] {
        [0, 1, 2].map(|a| (self.size[a] + 2 * self.padding[a] - self.reach(a) - 1) / self.stride[a] + 1)
    }

    /// Batch, channels, time, height, width of the input.
    pub fn input_dims(&self) -> [usize; 5] {
        joined([self.batch, self.groups * self.inputs], self.size)
    }

    /// The same of the output.
    pub fn output_dims(&self) -> [usize; 5] {
        joined([self.batch, self.groups * self.outputs], self.output_size())
    }

    /// Outputs, inputs of a group, time, height, width of the weight.
    pub fn weight_dims(&self) -> [usize; 5] {
        joined([self.groups * self.outputs, self.inputs], self.kernel)
    }

    /// Distance of the first and the last tap.
    fn reach(&self, axis: usize) -> usize {
        self.dilation[axis] * (self.kernel[axis] - 1)
    }

    fn taps(&self) -> usize {
        self.inputs * self.kernel_len()
    }

    fn kernel_len(&self) -> usize {
        self.kernel.iter().product()
    }

    fn input_plane(&self) -> usize {
        self.size.iter().product()
    }

    fn output_plane(&self) -> usize {
        self.output_size().iter().product()
    }

    /// Output rows of all frames.
    fn output_rows(&self) -> usize {
        self.output_size()[0] * self.output_size()[1]
    }

    fn output_columns(&self) -> usize {
        self.output_size()[2]
    }

    /// Output rows of one tile.
    fn tile_rows(&self) -> usize {
        (TILE_VALUES / self.taps().max(1) / self.output_columns().max(1)).clamp(1, self.output_rows().max(1))
    }

    /// Values of a gathered tile of `rows` output rows.
    fn tile_len(&self, rows: usize) -> usize {
        self.taps() * rows * self.output_columns()
    }

    /// Output columns `[low, high)` whose source column lies inside the image, for kernel column `kx`.
    fn inside(&self, kx: usize) -> (usize, usize) {
        let (offset, padding, columns, stride) = (kx * self.dilation[2], self.padding[2], self.size[2], self.stride[2]);
        let low = padding.saturating_sub(offset).div_ceil(stride);
        let high = if columns + padding > offset { (columns + padding - offset - 1) / stride + 1 } else { 0 };
        let high = high.min(self.output_columns());
        (low.min(high), high)
    }

    /// Where in a plane the source row of an output row starts, for a kernel tap; `None` in the padding.
    fn source_row(&self, frame: usize, row: usize, kt: usize, ky: usize) -> Option<usize> {
        let source = |axis: usize, position: usize, tap: usize| {
            let padded = position * self.stride[axis] + tap * self.dilation[axis];
            padded.checked_sub(self.padding[axis]).filter(|inside| *inside < self.size[axis])
        };
        Some((source(0, frame, kt)? * self.size[1] + source(1, row, ky)?) * self.size[2])
    }

    /// Calls `body` for each line of a tile of output rows `[first, last)`: with the number of the tap, of
    /// the line, and the stretch of source values for its columns `[low, high)`, if any.
    fn for_each_line(&self, first: usize, last: usize, mut body: impl FnMut(usize, usize, Option<(usize, usize, usize)>)) {
        let rows = self.output_size()[1];
        let mut tap = 0;
        for input in 0..self.inputs {
            let plane = input * self.input_plane();
            for kt in 0..self.kernel[0] {
                for ky in 0..self.kernel[1] {
                    for kx in 0..self.kernel[2] {
                        let (low, high) = self.inside(kx);
                        for row in first..last {
                            let source = self.source_row(row / rows, row % rows, kt, ky).filter(|_| low < high);
                            let start = |row: usize| plane + row + low * self.stride[2] + kx * self.dilation[2] - self.padding[2];
                            body(tap, row - first, source.map(|row| (start(row), low, high)));
                        }
                        tap += 1;
                    }
                }
            }
        }
    }
}

/// Gathers output rows `[first, last)` of one group of one image: row r of `tile` holds, for kernel tap
/// r, the source value of each output pixel (0 outside the image).
fn gather<T: WithDType>(g: &Geometry, image: &[T], first: usize, last: usize, tile: &mut [T]) {
    let (width, step, zero) = (g.output_columns(), g.stride[2], T::from_f64(0.0));
    let pixels = (last - first) * width;
    g.for_each_line(first, last, |tap, line, source| {
        let line = &mut tile[tap * pixels + line * width..][..width];
        let Some((start, low, high)) = source else {
            line.fill(zero);
            return;
        };
        line[..low].fill(zero);
        line[high..].fill(zero);
        if step == 1 {
            line[low..high].copy_from_slice(&image[start..start + high - low]);
        } else {
            for (value, source) in line[low..high].iter_mut().zip(image[start..].iter().step_by(step)) {
                *value = *source;
            }
        }
    });
}

/// The adjoint of [`gather`]: adds each tile value back to the pixel it came from.
fn scatter_add<T: WithDType>(g: &Geometry, tile: &[T], first: usize, last: usize, image: &mut [T]) {
    let (width, step) = (g.output_columns(), g.stride[2]);
    let pixels = (last - first) * width;
    g.for_each_line(first, last, |tap, line, source| {
        let Some((start, low, high)) = source else { return };
        let line = &tile[tap * pixels + line * width..][low..high];
        if step == 1 {
            for (target, value) in image[start..start + high - low].iter_mut().zip(line) {
                *target += *value;
            }
        } else {
            for (target, value) in image[start..].iter_mut().step_by(step).zip(line) {
                *target += *value;
            }
        }
    });
}

/// The output `[batch, groups * outputs, output size]`, with one number added to each channel, if any.
pub(crate) fn forward<T: Laned>(g: &Geometry, x: &[T], weight: &[T], bias: Option<&[T]>) -> Vec<T> {
    if direct::pays(g) {
        return direct::forward(g, x, weight, bias);
    }
    let mut out = forward_by_product(g, x, weight);
    if let Some(bias) = bias {
        let plane = g.output_plane().max(1);
        out.par_chunks_mut(plane).enumerate().for_each(|(channel, values)| {
            let bias = bias[channel % bias.len()];
            values.iter_mut().for_each(|value| *value += bias);
        });
    }
    out
}

/// By products of matrices.
fn forward_by_product<T: WithDType>(g: &Geometry, x: &[T], weight: &[T]) -> Vec<T> {
    let (taps, plane, width) = (g.taps(), g.output_plane(), g.output_columns());
    let mut out = vec![T::from_f64(0.0); g.batch * g.groups * g.outputs * plane];
    let pointwise = g.kernel == [1; 3] && g.stride == [1; 3] && g.padding == [0; 3];
    // A task is one group of one image: disjoint stretches of the output, whatever the threads do. Where
    // there are few of them, tiles inside are shared out as well.
    let tile_rows = g.tile_rows();
    let tiles = g.output_rows().div_ceil(tile_rows);
    out.par_chunks_mut((g.outputs * plane).max(1)).enumerate().for_each(|(task, out)| {
        let image = &x[task * g.inputs * g.input_plane()..][..g.inputs * g.input_plane()];
        let weight = &weight[(task % g.groups) * g.outputs * taps..][..g.outputs * taps];
        let weight_matrix = || Matrix { values: weight, row_step: taps, column_step: 1 };
        if pointwise {
            let right = Matrix { values: image, row_step: plane, column_step: 1 };
            multiply([g.outputs, plane, taps], out, plane, false, weight_matrix(), right);
            return;
        }
        let run = |tile: usize, buffer: &mut Vec<T>, out: &mut [T], row_step: usize| {
            let (first, last) = (tile * tile_rows, ((tile + 1) * tile_rows).min(g.output_rows()));
            buffer.resize(g.tile_len(last - first), T::from_f64(0.0));
            gather(g, image, first, last, buffer);
            let pixels = (last - first) * width;
            let right = Matrix { values: buffer, row_step: pixels, column_step: 1 };
            multiply([g.outputs, pixels, taps], out, row_step, false, weight_matrix(), right);
        };
        if tiles > 1 && g.batch * g.groups < 2 * rayon::current_num_threads() {
            // Each tile into a buffer of its own, copied to its place: the same products as below.
            let parts: Vec<Vec<T>> = (0..tiles)
                .into_par_iter()
                .map_init(Vec::new, |buffer, tile| {
                    let rows = ((tile + 1) * tile_rows).min(g.output_rows()) - tile * tile_rows;
                    let mut part = vec![T::from_f64(0.0); g.outputs * rows * width];
                    run(tile, buffer, &mut part, rows * width);
                    part
                })
                .collect();
            for (tile, part) in parts.iter().enumerate() {
                let pixels = part.len() / g.outputs;
                for (channel, values) in part.chunks_exact(pixels).enumerate() {
                    out[channel * plane + tile * tile_rows * width..][..pixels].copy_from_slice(values);
                }
            }
        } else {
            let mut buffer = Vec::new();
            for tile in 0..tiles {
                run(tile, &mut buffer, &mut out[tile * tile_rows * width..], plane);
            }
        }
    });
    out
}

/// The gradient of the input, from the gradient of the output.
pub(crate) fn input_gradient<T: Laned>(g: &Geometry, output_gradient: &[T], weight: &[T]) -> Vec<T> {
    let (taps, plane, width) = (g.taps(), g.output_plane(), g.output_columns());
    if g.stride == [1; 3] && (0..3).all(|axis| g.reach(axis) >= g.padding[axis]) {
        // With stride 1 it is itself a convolution, by the turned kernel with inputs and outputs swapped.
        let kernel = g.kernel_len();
        let mut turned = vec![T::from_f64(0.0); weight.len()];
        for (target, source) in turned.chunks_mut(g.outputs * taps).zip(weight.chunks(g.outputs * taps)) {
            for output in 0..g.outputs {
                for input in 0..g.inputs {
                    let from = &source[(output * g.inputs + input) * kernel..][..kernel];
                    let to = &mut target[(input * g.outputs + output) * kernel..][..kernel];
                    for (to, from) in to.iter_mut().zip(from.iter().rev()) {
                        *to = *from;
                    }
                }
            }
        }
        let swapped = Geometry {
            inputs: g.outputs,
            outputs: g.inputs,
            size: g.output_size(),
            padding: [0, 1, 2].map(|axis| g.reach(axis) - g.padding[axis]),
            ..*g
        };
        return forward(&swapped, output_gradient, &turned, None);
    }
    let tile_rows = g.tile_rows();
    let mut gradient = vec![T::from_f64(0.0); g.batch * g.groups * g.inputs * g.input_plane()];
    gradient.par_chunks_mut((g.inputs * g.input_plane()).max(1)).enumerate().for_each(|(task, image)| {
        let weight = &weight[(task % g.groups) * g.outputs * taps..][..g.outputs * taps];
        let above = &output_gradient[task * g.outputs * plane..][..g.outputs * plane];
        let mut tile = Vec::new();
        for first in (0..g.output_rows()).step_by(tile_rows) {
            let last = (first + tile_rows).min(g.output_rows());
            let pixels = (last - first) * width;
            tile.resize(g.tile_len(last - first), T::from_f64(0.0));
            let left = Matrix { values: weight, row_step: 1, column_step: taps };
            let right = Matrix { values: &above[first * width..], row_step: plane, column_step: 1 };
            multiply([taps, pixels, g.outputs], &mut tile, pixels, false, left, right);
            scatter_add(g, &tile, first, last, image);
        }
    });
    gradient
}

/// The gradient of the weight: `[groups * outputs, inputs, kernel]`.
pub(crate) fn weight_gradient<T: Laned>(g: &Geometry, x: &[T], output_gradient: &[T]) -> Vec<T> {
    if direct::pays(g) {
        direct::weight_gradient(g, x, output_gradient)
    } else {
        weight_gradient_by_product(g, x, output_gradient)
    }
}

/// By products of matrices.
fn weight_gradient_by_product<T: WithDType>(g: &Geometry, x: &[T], output_gradient: &[T]) -> Vec<T> {
    let (taps, plane, width) = (g.taps(), g.output_plane(), g.output_columns());
    let tile_rows = g.tile_rows();
    // One sum for each image and group, added up in order: independent of the number of threads.
    let parts: Vec<Vec<T>> = (0..g.batch * g.groups)
        .into_par_iter()
        .map_init(Vec::new, |tile, task| {
            let image = &x[task * g.inputs * g.input_plane()..][..g.inputs * g.input_plane()];
            let above = &output_gradient[task * g.outputs * plane..][..g.outputs * plane];
            let mut sum = vec![T::from_f64(0.0); g.outputs * taps];
            for first in (0..g.output_rows()).step_by(tile_rows) {
                let last = (first + tile_rows).min(g.output_rows());
                let pixels = (last - first) * width;
                tile.resize(g.tile_len(last - first), T::from_f64(0.0));
                gather(g, image, first, last, tile);
                let left = Matrix { values: &above[first * width..], row_step: plane, column_step: 1 };
                let right = Matrix { values: tile, row_step: 1, column_step: pixels };
                multiply([g.outputs, taps, pixels], &mut sum, taps, true, left, right);
            }
            sum
        })
        .collect();
    let mut gradient = vec![T::from_f64(0.0); g.groups * g.outputs * taps];
    for (task, part) in parts.iter().enumerate() {
        let target = &mut gradient[(task % g.groups) * g.outputs * taps..][..g.outputs * taps];
        for (sum, value) in target.iter_mut().zip(part) {
            *sum += *value;
        }
    }
    gradient
}
