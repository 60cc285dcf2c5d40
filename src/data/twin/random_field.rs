//! Gaussian random fields, correlated in space and time: errors, clouds, coasts.

use rustfft::num_complex::Complex32;

use super::spectral::{Transform, signed};
use crate::base::random::Random;

/// Shape of the spatial spectrum, for a wavenumber k in radians per length and a length scale L.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Spectrum {
    /// `exp(−k²L²/4)`: the correlation at distance r is `exp(−r²/L²)`.
    Gaussian,
    /// `(1 + k²L²)^(−p)`: a power law beyond L.
    PowerLaw(f64),
}

/// How a [`RandomField`] is made.
pub(super) struct RandomFieldSettings {
    /// Cells along each side.
    pub(super) cells: usize,
    /// Length scale L in cells.
    pub(super) length_cells: f64,
    /// Shape of the spectrum.
    pub(super) spectrum: Spectrum,
    /// Correlation from one step to the next, following the drift.
    pub(super) memory: f64,
    /// Drift in cells (x, y) each step.
    pub(super) drift_cells: (f64, f64),
}

/// A doubly periodic Gaussian field of mean 0 and variance 1 (over realisations: the mean of one frame
/// varies too), which drifts and forgets as an autoregressive process of order 1.
pub(super) struct RandomField {
    transform: Transform,
    /// Standard deviation of each of a mode's two parts.
    amplitude: Vec<f32>,
    /// Memory and drift of each mode over one step.
    turn: Vec<Complex32>,
    innovation: f32,
    modes: Vec<Complex32>,
    random: Random,
}

impl RandomField {
    pub(super) fn new(settings: &RandomFieldSettings, random: Random) -> RandomField {
        let cells = settings.cells;
        let wavenumbers = |index: usize| {
            let factor = std::f64::consts::TAU / cells as f64;
            (f64::from(signed(index / cells, cells)) * factor, f64::from(signed(index % cells, cells)) * factor)
        };
        let power: Vec<f64> = (0..cells * cells)
            .map(|i| {
                let (kx, ky) = wavenumbers(i);
                let k2l2 = (kx * kx + ky * ky) * settings.length_cells.powi(2);
                match settings.spectrum {
                    Spectrum::Gaussian => (-0.25 * k2l2).exp(),
                    Spectrum::PowerLaw(exponent) => (1.0 + k2l2).powf(-exponent),
                }
            })
            .collect();
        let total: f64 = power.iter().sum();
        // The modes have no Hermitian symmetry; the real part of their sum has variance Σ amplitude².
        let amplitude: Vec<f32> = power.iter().map(|p| (p / total).sqrt() as f32).collect();
        let turn = (0..cells * cells)
            .map(|i| {
                let (kx, ky) = wavenumbers(i);
                let phase = -(kx * settings.drift_cells.0 + ky * settings.drift_cells.1);
                Complex32::from_polar(settings.memory as f32, phase as f32)
            })
            .collect();
        let mut field = RandomField {
            transform: Transform::new(cells),
            modes: vec![Complex32::default(); amplitude.len()],
            amplitude,
            turn,
            innovation: 0.0,
            random,
        };
        // The first draw has the full variance, so that the field is stationary from the start.
        field.innovation = 1.0;
        field.step();
        field.innovation = (1.0 - settings.memory * settings.memory).sqrt() as f32;
        field
    }

    /// One step on.
    pub(super) fn step(&mut self) {
        for ((mode, turn), amplitude) in self.modes.iter_mut().zip(&self.turn).zip(&self.amplitude) {
            let draw = Complex32::new(self.random.normal() as f32, self.random.normal() as f32);
            *mode = *mode * turn + draw * (*amplitude * self.innovation);
        }
    }

    /// The field now, in (y, x) order.
    pub(super) fn values(&self) -> Vec<f32> {
        let mut scratch = self.modes.clone();
        let mut physical = vec![Complex32::default(); scratch.len()];
        self.transform.to_physical(&mut scratch, &mut physical);
        physical.iter().map(|value| value.re).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variance_and_correlations_are_those_asked_for() {
        let settings = RandomFieldSettings {
            cells: 48,
            length_cells: 3.0,
            spectrum: Spectrum::Gaussian,
            memory: 0.6,
            drift_cells: (2.0, 0.0),
        };
        let mut field = RandomField::new(&settings, Random::new(3, "test"));
        let (mut variance, mut neighbour, mut following, mut count) = (0.0, 0.0, 0.0, 0.0);
        let mut before = field.values();
        for _ in 0..150 {
            field.step();
            let now = field.values();
            for y in 0..48 {
                for x in 0..48 {
                    let value = f64::from(now[y * 48 + x]);
                    variance += value * value;
                    neighbour += value * f64::from(now[y * 48 + (x + 3) % 48]);
                    following += f64::from(now[y * 48 + (x + 2) % 48]) * f64::from(before[y * 48 + x]);
                    count += 1.0;
                }
            }
            before = now;
        }
        // About 150 frames x 48²/(π 3²) patches / (time memory 2) = 6000 independent values: 1.3 % each.
        let (variance, neighbour, following) = (variance / count, neighbour / count, following / count);
        assert!((variance - 1.0).abs() < 0.08, "{variance}");
        assert!((neighbour - (-1.0f64).exp()).abs() < 0.06, "{neighbour}");
        assert!((following - 0.6).abs() < 0.06, "{following}");
    }
}
