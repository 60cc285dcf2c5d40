//! The Fourier transform of real planes, with plans and buffers that are used again.

use std::sync::Arc;

use rayon::prelude::*;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

/// Columns that are transposed together: four times 16 bytes fill a cache line.
const STRIP: usize = 8;

/// Transforms of planes of one size. The spectrum lies column by column, as that is how it is computed.
pub(in crate::score) struct PlaneTransform {
    rows: usize,
    columns: usize,
    along: Arc<dyn RealToComplex<f64>>,
    along_back: Arc<dyn ComplexToReal<f64>>,
    across: Arc<dyn Fft<f64>>,
    across_back: Arc<dyn Fft<f64>>,
}

/// Buffers of one transform at a time.
#[derive(Default)]
pub(in crate::score) struct TransformBuffers {
    lines: Vec<Complex<f64>>,
    /// The half spectrum: entry (kx, ky) at `kx * rows + ky`, kx from 0 to columns/2.
    pub(in crate::score) spectrum: Vec<Complex<f64>>,
}

impl PlaneTransform {
    pub(in crate::score) fn new(rows: usize, columns: usize) -> PlaneTransform {
        let (mut real, mut complex) = (RealFftPlanner::new(), FftPlanner::new());
        PlaneTransform {
            rows,
            columns,
            along: real.plan_fft_forward(columns),
            along_back: real.plan_fft_inverse(columns),
            across: complex.plan_fft_forward(rows),
            across_back: complex.plan_fft_inverse(rows),
        }
    }

    /// Number of columns of the half spectrum.
    pub(in crate::score) fn half(&self) -> usize {
        self.columns / 2 + 1
    }

    /// The spectrum `Σ z(x, y) exp(−2πi (kx x / columns + ky y / rows))` of the plane whose first `filled` rows `fill(row,
    /// line)` writes into lines of zeros; the others stay zero.
    pub(in crate::score) fn forward(
        &self,
        buffers: &mut TransformBuffers,
        filled: usize,
        fill: impl Fn(usize, &mut [f64]) + Sync,
    ) {
        let (rows, half) = (self.rows, self.half());
        buffers.lines.resize(filled * half, Complex::default());
        buffers.spectrum.resize(half * rows, Complex::default());
        buffers.lines.par_chunks_mut(half).enumerate().for_each_init(
            || (self.along.make_input_vec(), self.along.make_scratch_vec()),
            |(line, scratch), (row, out)| {
                line.fill(0.0);
                fill(row, line);
                // The lengths are those of the plan, the one thing that can fail.
                let _ = self.along.process_with_scratch(line, out, scratch);
            },
        );
        let lines = &buffers.lines;
        buffers.spectrum.par_chunks_mut(rows * STRIP).enumerate().for_each_init(
            || vec![Complex::default(); self.across.get_inplace_scratch_len()],
            |scratch, (strip, out)| {
                let (first, width) = (strip * STRIP, out.len() / rows);
                for y in 0..filled {
                    for (k, value) in lines[y * half + first..][..width].iter().enumerate() {
                        out[k * rows + y] = *value;
                    }
                }
                for k in 0..width {
                    out[k * rows + filled..(k + 1) * rows].fill(Complex::default());
                }
                self.across.process_with_scratch(out, scratch);
            },
        );
    }

    /// The first `wanted` rows of the plane whose half spectrum is given (and lost), times rows · columns.
    pub(in crate::score) fn backward(&self, spectrum: &mut [Complex<f64>], wanted: usize) -> Vec<f64> {
        let (rows, half) = (self.rows, self.half());
        spectrum.par_chunks_mut(rows * STRIP).for_each_init(
            || vec![Complex::default(); self.across_back.get_inplace_scratch_len()],
            |scratch, strip| self.across_back.process_with_scratch(strip, scratch),
        );
        let spectrum = &*spectrum;
        let mut plane = vec![0.0; wanted * self.columns];
        // As many rows at once as fill a cache line of the spectrum's columns.
        plane.par_chunks_mut(self.columns * STRIP).enumerate().for_each_init(
            || (vec![Complex::default(); half * STRIP], self.along_back.make_scratch_vec()),
            |(lines, scratch), (strip, out)| {
                let (first, height) = (strip * STRIP, out.len() / self.columns);
                for x in 0..half {
                    for (k, value) in spectrum[x * rows + first..][..height].iter().enumerate() {
                        lines[k * half + x] = *value;
                    }
                }
                for (line, out) in lines.chunks_mut(half).zip(out.chunks_mut(self.columns)) {
                    // These are real but for rounding, which the plan would refuse.
                    line[0].im = 0.0;
                    if self.columns % 2 == 0 {
                        line[half - 1].im = 0.0;
                    }
                    let _ = self.along_back.process_with_scratch(line, out, scratch);
                }
            },
        );
        plane
    }
}

/// The smallest even product of 2, 3 and 5 that is at least `length`: transforms of such lengths are fast.
pub(in crate::score) fn fast_length(length: usize) -> usize {
    let smooth = |mut n: usize| {
        for prime in [2, 3, 5] {
            while n % prime == 0 {
                n /= prime;
            }
        }
        n == 1
    };
    (length.max(2)..).find(|n| n % 2 == 0 && smooth(*n)).unwrap_or(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    fn noise(n: usize, seed: u64) -> Vec<f64> {
        let mut random = Random::new(seed, "plane transform");
        (0..n).map(|_| random.normal()).collect()
    }

    #[test]
    fn it_is_the_sum_of_the_definition() {
        for (rows, columns, filled) in [(6usize, 10usize, 6usize), (9, 7, 5), (1, 1, 1), (5, 20, 3)] {
            let plane = noise(filled * columns, 1);
            let transform = PlaneTransform::new(rows, columns);
            let mut buffers = TransformBuffers::default();
            transform.forward(&mut buffers, filled, |y, line| line.copy_from_slice(&plane[y * columns..(y + 1) * columns]));
            for kx in 0..transform.half() {
                for ky in 0..rows {
                    let want: Complex<f64> = (0..filled * columns)
                        .map(|i| {
                            let (y, x) = (i / columns, i % columns);
                            let turns = (kx * x) as f64 / columns as f64 + (ky * y) as f64 / rows as f64;
                            plane[i] * Complex::from_polar(1.0, -std::f64::consts::TAU * turns)
                        })
                        .sum();
                    assert!((buffers.spectrum[kx * rows + ky] - want).norm() < 1e-12, "{rows} {columns} {kx} {ky}");
                }
            }
            let back = transform.backward(&mut buffers.spectrum, filled);
            for (got, want) in back.iter().zip(&plane) {
                assert!((got / (rows * columns) as f64 - want).abs() < 1e-13);
            }
        }
    }

    #[test]
    fn fast_lengths() {
        assert_eq!([1, 7, 11, 920, 1441].map(fast_length), [2, 8, 12, 960, 1458]);
    }
}
