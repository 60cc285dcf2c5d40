//! The two-dimensional Fourier transform of a doubly periodic square, row by row in parallel.

use std::sync::Arc;

use rayon::prelude::*;
use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};

/// Rows that one task transforms. Rows do not depend on each other, so the number of threads cannot
/// change a bit of the result.
const ROWS_PER_TASK: usize = 16;

/// Transforms of `cells x cells` complex fields.
///
/// Physical fields lie in (y, x) order, spectra in (kx, ky) order: the transposed order saves one
/// transposition for each transform. Wavenumbers follow the usual order 0, 1, ..., -2, -1.
pub(super) struct Transform {
    cells: usize,
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
}

impl Transform {
    pub(super) fn new(cells: usize) -> Transform {
        let mut planner = FftPlanner::new();
        Transform { cells, forward: planner.plan_fft_forward(cells), inverse: planner.plan_fft_inverse(cells) }
    }

    /// `sum over k of spectrum(k) exp(i k x)`. `spectrum` is left as scratch.
    pub(super) fn to_physical(&self, spectrum: &mut [Complex32], physical: &mut [Complex32]) {
        transform_rows(&self.inverse, self.cells, spectrum);
        transpose(self.cells, spectrum, physical);
        transform_rows(&self.inverse, self.cells, physical);
    }

    /// The inverse of [`Transform::to_physical`] but for the factor `cells²`. `physical` is left as scratch.
    pub(super) fn to_spectrum(&self, physical: &mut [Complex32], spectrum: &mut [Complex32]) {
        transform_rows(&self.forward, self.cells, physical);
        transpose(self.cells, physical, spectrum);
        transform_rows(&self.forward, self.cells, spectrum);
    }
}

fn transform_rows(plan: &Arc<dyn Fft<f32>>, cells: usize, values: &mut [Complex32]) {
    values.par_chunks_mut(ROWS_PER_TASK * cells).for_each_init(
        || vec![Complex32::default(); plan.get_inplace_scratch_len()],
        |scratch, rows| plan.process_with_scratch(rows, scratch),
    );
}

fn transpose(cells: usize, from: &[Complex32], to: &mut [Complex32]) {
    to.par_chunks_mut(ROWS_PER_TASK * cells).enumerate().for_each(|(task, rows)| {
        let first = task * ROWS_PER_TASK;
        let count = rows.len() / cells;
        // Each source row is read in one piece of `count` neighbours, so that cache lines are used whole.
        for (source, row) in from.chunks_exact(cells).enumerate() {
            for (offset, value) in row[first..first + count].iter().enumerate() {
                rows[offset * cells + source] = *value;
            }
        }
    });
}

/// Signed wavenumber (cycles per domain) of index `index`.
pub(super) fn signed(index: usize, cells: usize) -> f32 {
    if index <= cells / 2 { index as f32 } else { index as f32 - cells as f32 }
}

/// Index of the mode with the opposite wavenumber.
pub(super) fn mirror(index: usize, cells: usize) -> usize {
    let (kx, ky) = (index / cells, index % cells);
    (cells - kx) % cells * cells + (cells - ky) % cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mode_is_a_plane_wave() {
        let cells = 20;
        let transform = Transform::new(cells);
        let mut spectrum = vec![Complex32::default(); cells * cells];
        // kx = 2, ky = -3
        spectrum[2 * cells + cells - 3] = Complex32::new(1.0, 0.0);
        let mut physical = spectrum.clone();
        transform.to_physical(&mut spectrum, &mut physical);
        for y in 0..cells {
            for x in 0..cells {
                let phase = std::f64::consts::TAU * (2.0 * x as f64 - 3.0 * y as f64) / cells as f64;
                let got = physical[y * cells + x];
                assert!((f64::from(got.re) - phase.cos()).abs() < 1e-5 && (f64::from(got.im) - phase.sin()).abs() < 1e-5);
            }
        }
        transform.to_spectrum(&mut physical, &mut spectrum);
        let scale = (cells * cells) as f32;
        for (index, value) in spectrum.iter().enumerate() {
            let want = if index == 2 * cells + cells - 3 { 1.0 } else { 0.0 };
            assert!((value / scale - Complex32::new(want, 0.0)).norm() < 1e-5);
        }
    }

    #[test]
    fn mirrors() {
        assert_eq!(mirror(0, 8), 0);
        assert_eq!(mirror(8 + 2, 8), 7 * 8 + 6);
        assert_eq!((signed(4, 8), signed(5, 8)), (4.0, -3.0));
    }
}
