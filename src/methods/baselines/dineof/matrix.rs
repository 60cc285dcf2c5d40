//! The matrix of pixels and frames, with its gaps.

use candle_core::WithDType;
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

/// The numbers that a matrix holds. The number of modes is sought with f32, which halves the way through memory; the last round
/// has f64.
pub(super) trait Number: WithDType + Send + Sync {
    fn of(value: f64) -> Self;
    fn told(self) -> f64;
}

impl Number for f32 {
    #[inline(always)]
    fn of(value: f64) -> f32 {
        value as f32
    }

    #[inline(always)]
    fn told(self) -> f64 {
        f64::from(self)
    }
}

impl Number for f64 {
    #[inline(always)]
    fn of(value: f64) -> f64 {
        value
    }

    #[inline(always)]
    fn told(self) -> f64 {
        self
    }
}

/// One row for each pixel that is ever seen, one column for each frame that sees any.
pub(super) struct GapMatrix<T> {
    pub pixels: Vec<usize>,
    pub frames: Vec<usize>,
    /// The values, and the present fill of the gaps.
    pub values: Vec<T>,
    /// Gaps to fill.
    pub gaps: Vec<bool>,
    /// The last steps of the gaps, fading: see [`Momentum`]. Empty while none is kept.
    velocity: Vec<f32>,
}

/// How gaps go from what they hold to what the modes say of them.
///
/// # Formula
/// ```text
/// v = keep v + step (fill − value);  value = value + v
/// ```
/// The plain iteration (1, 0) takes off each error by a share of its own between nearly all and, in wide gaps, a few
/// per cent. With momentum the slow ones fall several times faster, and the fixed point is the same: near it the map from
/// gaps to fills has eigenvalues between 0 and 1, for which the iteration is stable where `step < 2 (1 + keep)`.
///
/// # Reference
/// Polyak (1964), Some methods of speeding up the convergence of iteration methods. doi:10.1016/0041-5553(64)90137-5
#[derive(Clone, Copy, Debug)]
pub(super) struct Momentum {
    pub step: f64,
    pub keep: f64,
}

impl Momentum {
    /// Gaps take what the modes say.
    pub const NONE: Momentum = Momentum { step: 1.0, keep: 0.0 };
    /// Errors that the plain iteration brings down by 0.05 a round fall by 0.14, those of 0.1 by 0.32.
    pub const USUAL: Momentum = Momentum { step: 1.8, keep: 0.3 };
}

/// What one pass over the matrix finds.
pub(super) struct Pass {
    /// (XᵀX) U, one row for each frame.
    pub image: Vec<f64>,
    /// Sum of the squares by which the gaps changed.
    pub change: f64,
}

impl<T: Number> GapMatrix<T> {
    /// The anomalies of a sequence, `background(frame, pixel)` taken off; gaps hold 0.
    pub fn new(sequence: &Sequence, background: impl Fn(usize, usize) -> f64 + Sync) -> GapMatrix<T> {
        let all_pixels = sequence.frame_len();
        let mut seen = vec![false; all_pixels];
        for frame in sequence.observed.chunks(all_pixels) {
            seen.iter_mut().zip(frame).for_each(|(seen, o)| *seen |= o);
        }
        let pixels: Vec<usize> = (0..all_pixels).filter(|p| seen[*p]).collect();
        let counts = sequence.observed_per_frame();
        let frames: Vec<usize> = (0..counts.len()).filter(|t| counts[*t] > 0).collect();
        let n = frames.len();
        let (mut values, mut gaps) = (vec![T::of(0.0); pixels.len() * n], vec![true; pixels.len() * n]);
        let strip = TURNED_AT_A_TIME * n;
        values.par_chunks_mut(strip).zip(gaps.par_chunks_mut(strip)).zip(pixels.par_chunks(TURNED_AT_A_TIME)).for_each(
            |((values, gaps), pixels)| {
                for (column, t) in frames.iter().enumerate() {
                    for (row, p) in pixels.iter().enumerate() {
                        let from = t * all_pixels + p;
                        if sequence.observed[from] {
                            values[row * n + column] = T::of(sequence.values[from] - background(*t, *p));
                            gaps[row * n + column] = false;
                        }
                    }
                }
            },
        );
        GapMatrix { pixels, frames, values, gaps, velocity: Vec::new() }
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
                cells.fold((0.0, 0), |(sum, n), (v, _)| (sum + v.told() * v.told(), n + 1))
            })
            .collect();
        let (sum, n) = parts.into_iter().fold((0.0, 0), |(s, n), (sum, count)| (s + sum, n + count));
        (sum / n.max(1) as f64).sqrt()
    }

    /// Number of gaps.
    pub fn gap_count(&self) -> usize {
        self.gaps.par_iter().filter(|g| **g).count()
    }

    /// Gaps come to rest.
    pub fn stop(&mut self) {
        self.velocity.clear();
        self.velocity.resize(self.values.len(), 0.0);
    }

    /// Multiplies by the basis and back; where `modes` are given, the gaps then go to what those of the basis say of them.
    pub fn pass(&mut self, basis: &Subspace, modes: Option<(usize, Momentum)>) -> Pass {
        let (n, l) = (self.frames.len(), basis.size);
        let rows = self.pixels.len();
        let vectors: Vec<T> = basis.vectors.iter().map(|v| T::of(*v)).collect();
        let part = rows.div_ceil(PARTS).next_multiple_of(PIXELS_AT_A_TIME) * n;
        if modes.is_some() && self.velocity.len() != self.values.len() {
            self.stop();
        }
        // None is touched where no gap is filled.
        let mut none = Vec::new();
        let velocity = if modes.is_some() {
            &mut self.velocity
        } else {
            none.resize(self.values.len().div_ceil(part), 0.0);
            &mut none
        };
        let velocity_part = if modes.is_some() { part } else { 1 };
        let found: Vec<Pass> = self
            .values
            .par_chunks_mut(part)
            .zip(self.gaps.par_chunks(part))
            .zip(velocity.par_chunks_mut(velocity_part))
            .map(|((values, gaps), velocity)| {
                let mut change = 0.0;
                let mut image = vec![T::of(0.0); n * l];
                let mut scores = vec![T::of(0.0); PIXELS_AT_A_TIME * l];
                let mut fill = vec![T::of(0.0); PIXELS_AT_A_TIME * n];
                let block = PIXELS_AT_A_TIME * n;
                let mut velocities = velocity.chunks_mut(block);
                for (values, gaps) in values.chunks_mut(block).zip(gaps.chunks(block)) {
                    let velocity = velocities.next().unwrap_or_default();
                    let m = values.len() / n;
                    let basis_rows = Matrix::rows(&vectors, l);
                    multiply([m, l, n], &mut scores, l, false, Matrix::rows(values, n), basis_rows);
                    multiply([n, l, m], &mut image, l, true, Matrix::columns(values, n), Matrix::rows(&scores, l));
                    if let Some((modes, momentum)) = modes {
                        let right = Matrix::columns(&vectors, l);
                        multiply([m, n, modes], &mut fill, n, false, Matrix::rows(&scores, l), right);
                        change += widest(Exchange { values, gaps, fill: &fill, velocity, momentum });
                    }
                }
                Pass { image: image.into_iter().map(Number::told).collect(), change }
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

/// Moves the gaps.
struct Exchange<'a, T> {
    values: &'a mut [T],
    gaps: &'a [bool],
    fill: &'a [T],
    velocity: &'a mut [f32],
    momentum: Momentum,
}

impl<T: Number> Work for Exchange<'_, T> {
    type Output = f64;

    /// Gives the sum of the squares of what the gaps lack of their fill.
    #[inline(always)]
    fn run(self) -> f64 {
        let mut lanes = [0.0; 8];
        let Momentum { step, keep } = self.momentum;
        let groups = self.values.chunks_mut(8).zip(self.gaps.chunks(8)).zip(self.fill.chunks(8)).zip(self.velocity.chunks_mut(8));
        for (((values, gaps), fill), velocity) in groups {
            let cells = values.iter_mut().zip(gaps).zip(fill).zip(velocity).zip(lanes.iter_mut());
            for ((((value, gap), fill), velocity), lane) in cells {
                let lacks = if *gap { fill.told() - value.told() } else { 0.0 };
                let moved = keep * f64::from(*velocity) + step * lacks;
                *lane += lacks * lacks;
                *velocity = moved as f32;
                *value = T::of(value.told() + moved);
            }
        }
        lanes.iter().sum()
    }
}
