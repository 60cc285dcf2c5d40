//! Gaussian random fields on a doubly periodic square that forget with time: winds, gusts, errors, mountains.

use std::f64::consts::TAU;
use std::sync::Arc;

use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};

use crate::base::random::Random;

/// Modes whose share of the largest power is below this are left out.
const NEGLIGIBLE: f64 = 1e-4;

/// A field with the spectrum `(1 + k²L²)^(−p)` or, with `p` infinite, `exp(−k²L²/4)`; mean 0, variance 1 over realisations.
/// The largest scale (k = 0) is left out.
pub(super) struct RandomField {
    cells: usize,
    inverse: Arc<dyn Fft<f32>>,
    modes: Vec<Mode>,
    memory: f64,
    random: Random,
}

struct Mode {
    index: usize,
    /// Wavenumbers in radians a cell.
    wave: (f32, f32),
    amplitude: f32,
    state: Complex32,
}

impl RandomField {
    /// A field of `cells` x `cells`, of this length in cells and spectral exponent, with a correlation of `memory` from one
    /// step to the next.
    pub(super) fn new(cells: usize, length: f64, exponent: f64, memory: f64, random: Random) -> RandomField {
        let signed = |i: usize| if i <= cells / 2 { i as f64 } else { i as f64 - cells as f64 };
        let factor = TAU / cells as f64;
        let mut all = Vec::new();
        for index in 1..cells * cells {
            let (ky, kx) = (signed(index / cells) * factor, signed(index % cells) * factor);
            let square = (kx * kx + ky * ky) * length * length;
            let power = if exponent.is_finite() { (1.0 + square).powf(-exponent) } else { (-0.25 * square).exp() };
            all.push((index, (kx as f32, ky as f32), power));
        }
        let largest = all.iter().map(|m| m.2).fold(0.0, f64::max);
        all.retain(|m| m.2 > NEGLIGIBLE * largest);
        let total: f64 = all.iter().map(|m| m.2).sum();
        // The modes have no Hermitian symmetry: the real part of their sum has variance Σ amplitude².
        let modes = all
            .into_iter()
            .map(|(index, wave, power)| Mode {
                index,
                wave,
                amplitude: (power / total).sqrt() as f32,
                state: Complex32::default(),
            })
            .collect();
        let inverse = FftPlanner::new().plan_fft_inverse(cells);
        let mut field = RandomField { cells, inverse, modes, memory: 0.0, random };
        // The first draw has the full variance, so that the field is stationary from the start.
        field.step();
        field.memory = memory;
        field
    }

    /// One step on.
    pub(super) fn step(&mut self) {
        let fresh = (1.0 - self.memory * self.memory).sqrt() as f32;
        for mode in &mut self.modes {
            let draw = Complex32::new(self.random.normal() as f32, self.random.normal() as f32);
            mode.state = mode.state * self.memory as f32 + draw * (mode.amplitude * fresh);
        }
    }

    /// The field now, in (row, column) order.
    pub(super) fn values(&self) -> Vec<f32> {
        let mut spectrum = vec![Complex32::default(); self.cells * self.cells];
        for mode in &self.modes {
            spectrum[mode.index] = mode.state;
        }
        self.physical(spectrum).into_iter().map(|v| v.re).collect()
    }

    /// Eastward and northward speed of the flow whose streamfunction is this field, without divergence, scaled to a root mean
    /// square of 1 over realisations.
    pub(super) fn flow(&self) -> Vec<(f32, f32)> {
        let speed: f32 = self.modes.iter().map(|m| (m.amplitude * m.wave.0.hypot(m.wave.1)).powi(2)).sum::<f32>().sqrt();
        // With ψ = Re Σ s exp(ikx), each mode and its mirror hold half of it, and u + iv = −∂ψ/∂y + i ∂ψ/∂x is one transform.
        let n = self.cells;
        let mut spectrum = vec![Complex32::default(); n * n];
        for mode in &self.modes {
            let turn = Complex32::new(-mode.wave.0, -mode.wave.1) / (2.0 * speed);
            let (y, x) = (mode.index / n, mode.index % n);
            spectrum[mode.index] += mode.state * turn;
            spectrum[(n - y) % n * n + (n - x) % n] -= mode.state.conj() * turn;
        }
        self.physical(spectrum).into_iter().map(|v| (v.re, v.im)).collect()
    }

    /// `Σ spectrum(k) exp(ikx)`.
    fn physical(&self, mut rows: Vec<Complex32>) -> Vec<Complex32> {
        self.inverse.process(&mut rows);
        let mut columns = transposed(&rows, self.cells);
        self.inverse.process(&mut columns);
        transposed(&columns, self.cells)
    }
}

fn transposed(values: &[Complex32], n: usize) -> Vec<Complex32> {
    (0..n).flat_map(|x| (0..n).map(move |y| values[y * n + x])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(values: impl Iterator<Item = f64>) -> (f64, f64) {
        let all: Vec<f64> = values.collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        (mean, all.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / all.len() as f64)
    }

    #[test]
    fn variance_memory_and_speed_are_those_asked_for() {
        let mut field = RandomField::new(32, 3.0, 3.0, 0.8, Random::new(4, "test"));
        let (mut values, mut speeds, mut products) = (Vec::new(), Vec::new(), Vec::new());
        let mut before = field.values();
        for _ in 0..200 {
            field.step();
            let now = field.values();
            products.extend(before.iter().zip(&now).map(|(a, b)| f64::from(a * b)));
            speeds.extend(field.flow().iter().map(|(u, v)| f64::from(u * u + v * v)));
            values.extend(now.iter().map(|v| f64::from(*v)));
            before = now;
        }
        let (mean, variance) = moments(values.into_iter());
        // No k = 0: the mean of a frame is exactly 0. 200 frames with this memory are worth about 22, of about 20 independent
        // patches each: the standard error of the variance is 7 %.
        assert!(mean.abs() < 1e-4 && (variance - 1.0).abs() < 0.2, "{mean} {variance}");
        assert!((moments(products.into_iter()).0 / variance - 0.8).abs() < 0.05);
        assert!((moments(speeds.into_iter()).0 - 1.0).abs() < 0.2);
    }

    #[test]
    fn the_flow_has_no_divergence() {
        let field = RandomField::new(32, 6.0, f64::INFINITY, 0.5, Random::new(5, "test"));
        let flow = field.flow();
        let at = |y: usize, x: usize| flow[y % 32 * 32 + x % 32];
        let (mut divergence, mut strain) = (0.0f32, 0.0f32);
        for y in 0..32 {
            for x in 0..32 {
                let (east, north) = (at(y, x + 1).0 - at(y, x + 31).0, at(y + 1, x).1 - at(y + 31, x).1);
                divergence += (east + north).powi(2);
                strain += (east - north).powi(2);
            }
        }
        // Centred differences of long waves see a few per cent of each derivative wrongly.
        assert!(divergence < 0.02 * strain, "{divergence} {strain}");
    }
}
