//! The input of a direct convolution: a copy with its padding, laid out so that each kernel tap of each output pixel
//! lies at the sum of two offsets, one of the tap and one of the pixel, and neighbouring columns side by side.

use candle_core::WithDType;
use rayon::prelude::*;

use super::convolution_kernels::Geometry;
use super::lanes::LANES;

/// Values that one task copies at least.
const TASK_VALUES: usize = 16_384;

/// Where things lie in the copy. A row of stride `s` is stored as `s` shorter rows, each with every `s`th column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    geometry: Geometry,
    /// Frames and rows with their padding.
    frames: usize,
    rows: usize,
    /// Columns of one of the shorter rows.
    columns: usize,
}

/// Up to eight output columns side by side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    /// Offset of the pixel in an image of the source.
    pub from: usize,
    /// Place in a plane of the output.
    pub to: usize,
    pub len: usize,
}

impl Source {
    pub fn new(geometry: &Geometry) -> Source {
        let padded = |axis: usize| geometry.size[axis] + 2 * geometry.padding[axis];
        Source { geometry: *geometry, frames: padded(0), rows: padded(1), columns: padded(2).div_ceil(geometry.stride[2]) }
    }

    fn row_len(&self) -> usize {
        self.geometry.stride[2] * self.columns
    }

    fn plane(&self) -> usize {
        self.frames * self.rows * self.row_len()
    }

    /// Values of one group of channels of one image.
    pub fn image(&self) -> usize {
        self.geometry.inputs * self.plane()
    }

    /// Offset of a place in a plane, by its padded coordinates.
    fn offset(&self, frame: usize, row: usize, column: usize) -> usize {
        let stride = self.geometry.stride[2];
        (frame * self.rows + row) * self.row_len() + column % stride * self.columns + column / stride
    }

    /// The copy of all images, and a few values more, so that eight can be read from any place.
    pub fn copy<T: WithDType>(&self, x: &[T]) -> Vec<T> {
        let g = &self.geometry;
        let (given, plane, stride) = (g.size.iter().product::<usize>(), self.plane(), g.stride[2]);
        let planes = g.batch * g.groups * g.inputs;
        let mut copy = vec![T::from_f64(0.0); planes * plane + LANES];
        if given == 0 {
            return copy;
        }
        let per_task = (TASK_VALUES / plane).max(1);
        let tasks = copy[..planes * plane].par_chunks_mut(per_task * plane).zip(x.par_chunks(per_task * given));
        tasks.for_each(|(to, from)| {
            for (to, from) in to.chunks_exact_mut(plane).zip(from.chunks_exact(given)) {
                for (line, from) in from.chunks_exact(g.size[2]).enumerate() {
                    let (frame, row) = (line / g.size[1] + g.padding[0], line % g.size[1] + g.padding[1]);
                    if stride == 1 {
                        to[self.offset(frame, row, g.padding[2])..][..from.len()].copy_from_slice(from);
                    } else {
                        for (column, value) in from.iter().enumerate() {
                            to[self.offset(frame, row, column + g.padding[2])] = *value;
                        }
                    }
                }
            }
        });
        copy
    }

    /// Offsets of the kernel taps, in the order of the weights.
    pub fn taps(&self) -> Vec<usize> {
        let Geometry { inputs, kernel, dilation, .. } = self.geometry;
        let mut taps = Vec::with_capacity(inputs * kernel.iter().product::<usize>());
        for input in 0..inputs {
            for frame in 0..kernel[0] {
                for row in 0..kernel[1] {
                    for column in 0..kernel[2] {
                        let place = self.offset(frame * dilation[0], row * dilation[1], column * dilation[2]);
                        taps.push(input * self.plane() + place);
                    }
                }
            }
        }
        taps
    }

    /// Offsets of the first pixel of each output row, frame by frame.
    pub fn lines(&self) -> Vec<usize> {
        let [frames, rows, _] = self.geometry.output_size();
        let stride = self.geometry.stride;
        let line = |line: usize| self.offset(line / rows * stride[0], line % rows * stride[1], 0);
        (0..frames * rows).map(line).collect()
    }

    /// All output pixels in pieces.
    pub fn pieces(&self) -> Vec<Piece> {
        let width = self.geometry.output_size()[2];
        let of_line = |(line, from): (usize, usize)| {
            let piece =
                move |first: usize| Piece { from: from + first, to: line * width + first, len: (width - first).min(LANES) };
            (0..width).step_by(LANES).map(piece)
        };
        self.lines().into_iter().enumerate().flat_map(of_line).collect()
    }

    /// The largest sum of two offsets, and the eight values there, lie inside one image and what follows it.
    pub fn check(&self, taps: &[usize], pieces: impl Iterator<Item = usize>) {
        let last = taps.iter().max().unwrap_or(&0) + pieces.max().unwrap_or(0);
        assert!(last < self.image(), "a kernel tap beyond the image");
    }
}
