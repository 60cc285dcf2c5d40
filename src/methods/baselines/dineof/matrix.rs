//! The matrix of pixels and frames, with its gaps.

use rayon::prelude::*;

use super::super::sequence::Sequence;
use super::subspace::Subspace;
use crate::base::vector::{Work, widest};
use crate::nn::ops::matrix::{Matrix, multiply};

/// Pixels multiplied at a time: their series stay in the cache between the products.
const PIXELS_AT_A_TIME: usize = 128;
/// Parts of the pixels that are summed by themselves; fixed, so that sums do not depend on the number of threads.
const PARTS: usize = 64;
/// Pixels and frames turned over at a time.
const TURNED_AT_A_TIME: usize = 64;

/// One row for each pixel that is ever seen, one column for each frame that sees any.
pub(super) struct GapMatrix {
    pub pixels: Vec<usize>,
    pub frames: Vec<usize>,
    /// The values, and the present fill of the gaps.
    pub values: Vec<f64>,
    /// Gaps to fill.
    pub gaps: Vec<bool>,
}

/// What one pass over the matrix finds.
pub(super) struct Pass {
    /// (XᵀX) U, one row for each frame.
    pub image: Vec<f64>,
    /// Sum of the squares by which the gaps changed.
    pub change: f64,
}

impl GapMatrix {
    /// The anomalies of a sequence, `background(frame, pixel)` taken off; gaps hold 0.
    pub fn new(sequence: &Sequence, background: impl Fn(usize, usize) -> f64 + Sync) -> GapMatrix {
        let all_pixels = sequence.frame_len();
        let mut seen = vec![false; all_pixels];
        for frame in sequence.observed.chunks(all_pixels) {
            seen.iter_mut().zip(frame).for_each(|(seen, o)| *seen |= o);
        }
        let pixels: Vec<usize> = (0..all_pixels).filter(|p| seen[*p]).collect();
        let counts = sequence.observed_per_frame();
        let frames: Vec<usize> = (0..counts.len()).filter(|t| counts[*t] > 0).collect();
        let n = frames.len();
        let (mut values, mut gaps) = (vec![0.0; pixels.len() * n], vec![true; pixels.len() * n]);
        let strip = TURNED_AT_A_TIME * n;
        values.par_chunks_mut(strip).zip(gaps.par_chunks_mut(strip)).zip(pixels.par_chunks(TURNED_AT_A_TIME)).for_each(
            |((values, gaps), pixels)| {
                for (column, t) in frames.iter().enumerate() {
                    for (row, p) in pixels.iter().enumerate() {
                        let from = t * all_pixels + p;
                        if sequence.observed[from] {
                            values[row * n + column] = sequence.values[from] - background(*t, *p);
                            gaps[row * n + column] = false;
                        }
                    }
                }
            },
        );
        GapMatrix { pixels, frames, values, gaps }
    }

    /// Standard deviation about 0 of the observed cells.
    pub fn deviation(&self) -> f64 {
        let part = self.frames.len() * PIXELS_AT_A_TIME;
        let parts: Vec<(f64, usize)> = self
            .values
            .par_chunks(part)
            .zip(self.gaps.par_chunks(part))
            .map(|(values, gaps)| {
                let cells = values.iter().zip(gaps).filter(|(_, gap)| !**gap);
                cells.fold((0.0, 0), |(sum, n), (v, _)| (sum + v * v, n + 1))
            })
            .collect();
        let (sum, n) = parts.into_iter().fold((0.0, 0), |(s, n), (sum, count)| (s + sum, n + count));
        (sum / n.max(1) as f64).sqrt()
    }

    /// Number of gaps.
    pub fn gap_count(&self) -> usize {
        self.gaps.par_iter().filter(|g| **g).count()
    }

    /// Multiplies by the basis and back; where `modes` are given, the gaps then take what those of the basis say of them.
    pub fn pass(&mut self, basis: &Subspace, modes: Option<usize>) -> Pass {
        let (n, l) = (self.frames.len(), basis.size);
        let rows = self.pixels.len();
        let part = rows.div_ceil(PARTS).next_multiple_of(PIXELS_AT_A_TIME) * n;
        let found: Vec<Pass> = self
            .values
            .par_chunks_mut(part)
            .zip(self.gaps.par_chunks(part))
            .map(|(values, gaps)| {
                let mut pass = Pass { image: vec![0.0; n * l], change: 0.0 };
                let mut scores = vec![0.0; PIXELS_AT_A_TIME * l];
                let mut fill = vec![0.0; PIXELS_AT_A_TIME * n];
                let block = PIXELS_AT_A_TIME * n;
                for (values, gaps) in values.chunks_mut(block).zip(gaps.chunks(block)) {
                    let m = values.len() / n;
                    let basis_rows = Matrix::rows(&basis.vectors, l);
                    multiply([m, l, n], &mut scores, l, false, Matrix::rows(values, n), basis_rows);
                    multiply([n, l, m], &mut pass.image, l, true, Matrix::columns(values, n), Matrix::rows(&scores, l));
                    if let Some(modes) = modes {
                        let right = Matrix::columns(&basis.vectors, l);
                        multiply([m, n, modes], &mut fill, n, false, Matrix::rows(&scores, l), right);
                        pass.change += widest(Exchange { values, gaps, fill: &fill });
                    }
                }
                pass
            })
            .collect();
        let mut whole = Pass { image: vec![0.0; n * l], change: 0.0 };
        for part in found {
            whole.change += part.change;
            whole.image.iter_mut().zip(part.image).for_each(|(sum, v)| *sum += v);
        }
        whole
    }
}

/// Puts the fill into the gaps.
struct Exchange<'a> {
    values: &'a mut [f64],
    gaps: &'a [bool],
    fill: &'a [f64],
}

impl Work for Exchange<'_> {
    type Output = f64;

    /// Gives the sum of the squares of the changes.
    #[inline(always)]
    fn run(self) -> f64 {
        let mut lanes = [0.0; 8];
        let groups = self.values.chunks_mut(8).zip(self.gaps.chunks(8)).zip(self.fill.chunks(8));
        for ((values, gaps), fill) in groups {
            for (((value, gap), fill), lane) in values.iter_mut().zip(gaps).zip(fill).zip(lanes.iter_mut()) {
                let next = if *gap { *fill } else { *value };
                let change = next - *value;
                *lane += change * change;
                *value = next;
            }
        }
        lanes.iter().sum()
    }
}
