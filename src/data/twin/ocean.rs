//! The flow: surface quasi-geostrophic turbulence, and sea-surface temperature stirred by it.

use rayon::prelude::*;
use rustfft::num_complex::Complex32;

use super::config::{CELL_DEGREES, CELL_METRES, TwinConfig};
use super::spectral::{Transform, mirror, signed};
use crate::base::random::Random;
use crate::grid::SECONDS_PER_DAY;

/// Order of the hyperviscosity: the smallest scales decay with k⁸.
const HYPERVISCOSITY_ORDER: i32 = 8;

/// Rows of modes that one task updates.
const ROWS_PER_TASK: usize = 16;

/// A doubly periodic surface quasi-geostrophic ocean on an f-plane of infinite depth.
///
/// # Formula
/// ```text
/// θ_t + u·∇θ = F − θ/τ_d − ν ∇⁸θ          θ: surface buoyancy / N, m/s
/// T_t + u·∇T = −v G − T/τ_r − ν ∇⁸T        T: temperature anomaly, K
/// ψ̂ = θ̂ / |k|,   u = −ψ_y,   v = ψ_x
/// ```
/// where F is white in time within a ring of wavelengths and injects half-variance at a given rate,
/// and G is the climate's meridional gradient. With θ in m/s the variance of the speed equals that of θ.
///
/// θ and T are the real and imaginary part of one complex state, so that four complex transforms make a
/// step. Products are de-aliased by the 2/3 rule on a circle; steps are third-order Adams-Bashforth with
/// an integrating factor for the hyperviscosity.
///
/// # Reference
/// Held, Pierrehumbert, Garner and Swanson (1995), Surface quasi-geostrophic dynamics.
/// doi:10.1017/S0022112095000012
pub(super) struct Ocean {
    cells: usize,
    seconds: f32,
    transform: Transform,
    /// θ̂ + i T̂, in (kx, ky) order.
    state: Vec<Complex32>,
    /// Tendencies of the last two steps, carried forward by the integrating factor.
    previous: [Vec<Complex32>; 2],
    steps: u64,
    decay: Vec<f32>,
    drag: f32,
    relaxation: f32,
    gradient: f32,
    wavenumber: f32,
    ring: Vec<(usize, usize)>,
    kick: f32,
    random: Random,
    velocity: Vec<Complex32>,
    tracers: Vec<Complex32>,
    products: [Vec<Complex32>; 2],
    spectra: [Vec<Complex32>; 2],
}

impl Ocean {
    /// An ocean at rest but for random eddies of about the final strength.
    pub(super) fn new(config: &TwinConfig) -> Ocean {
        let cells = config.cells;
        let domain = cells as f64 * CELL_METRES;
        let wavenumber = std::f64::consts::TAU / domain;
        let seconds = config.step_seconds();
        let smallest = cells as f64 / 3.0;
        let rate = 1.0 / (config.smallest_scale_hours * 3600.0);
        let size = |index: usize| f64::from(signed(index / cells, cells)).hypot(f64::from(signed(index % cells, cells)));
        // Modes beyond the circle, and the mean, are held at zero by a decay factor of zero.
        let decay = (0..cells * cells)
            .map(|i| {
                let k = size(i);
                if k >= smallest || k == 0.0 {
                    0.0
                } else {
                    (-rate * seconds * (k / smallest).powi(HYPERVISCOSITY_ORDER)).exp() as f32
                }
            })
            .collect();
        let (shortest, longest) = config.forcing_kilometres;
        let ring: Vec<(usize, usize)> = (0..cells * cells)
            .filter(|i| {
                let (kx, ky) = (signed(i / cells, cells), signed(i % cells, cells));
                let wavelength = domain / 1000.0 / size(*i).max(1e-9);
                (shortest..=longest).contains(&wavelength) && (kx > 0.0 || (kx == 0.0 && ky > 0.0))
            })
            .map(|i| (i, mirror(i, cells)))
            .collect();
        // E|kick·ξ|² over both members of each pair = 2 ε Δt, with E|ξ|² = 2 for a complex normal.
        let kick = (config.injection * seconds / (2.0 * ring.len().max(1) as f64)).sqrt() as f32;
        let zeros = || vec![Complex32::default(); cells * cells];
        let mut ocean = Ocean {
            cells,
            seconds: seconds as f32,
            transform: Transform::new(cells),
            state: zeros(),
            previous: [zeros(), zeros()],
            steps: 0,
            decay,
            drag: (1.0 / (config.drag_days * SECONDS_PER_DAY)) as f32,
            relaxation: (1.0 / (config.relaxation_days * SECONDS_PER_DAY)) as f32,
            gradient: (config.gradient_kelvin_per_degree * CELL_DEGREES / CELL_METRES) as f32,
            wavenumber: wavenumber as f32,
            ring,
            kick,
            random: Random::new(config.seed, "twin ocean forcing"),
            velocity: zeros(),
            tracers: zeros(),
            products: [zeros(), zeros()],
            spectra: [zeros(), zeros()],
        };
        // A week of injection at once: eddies to begin with.
        let start = ((7.0 * SECONDS_PER_DAY / seconds) as f32).sqrt();
        ocean.stir(start);
        ocean.evaluate();
        ocean
    }

    /// Adds random buoyancy within the ring.
    fn stir(&mut self, factor: f32) {
        for (index, opposite) in &self.ring {
            let xi = Complex32::new(self.random.normal() as f32, self.random.normal() as f32) * (self.kick * factor);
            // θ is real: the opposite mode is the conjugate.
            self.state[*index] += xi;
            self.state[*opposite] += xi.conj();
        }
    }

    /// Velocity (east, north) of every cell in m/s, in (y, x) order, as real and imaginary part.
    pub(super) fn velocity(&self) -> &[Complex32] {
        &self.velocity
    }

    /// Buoyancy (as m/s) and temperature anomaly (K) of every cell, as real and imaginary part.
    pub(super) fn tracers(&self) -> &[Complex32] {
        &self.tracers
    }

    /// Brings velocity and tracers on the grid up to date with the state.
    fn evaluate(&mut self) {
        let (cells, state, wavenumber) = (self.cells, &self.state, self.wavenumber);
        let [velocity, tracers] = &mut self.spectra;
        velocity.par_chunks_mut(ROWS_PER_TASK * cells).enumerate().for_each(|(task, modes)| {
            let first = task * ROWS_PER_TASK * cells;
            for (offset, mode) in modes.iter_mut().enumerate() {
                let index = first + offset;
                let (kx, ky) = (signed(index / cells, cells), signed(index % cells, cells));
                let psi = stream_function(state, index, cells, kx, ky, wavenumber);
                // u + i v with û = −i ky ψ̂ and v̂ = i kx ψ̂
                *mode = -Complex32::new(kx, ky) * wavenumber * psi;
            }
        });
        tracers.copy_from_slice(state);
        self.transform.to_physical(velocity, &mut self.velocity);
        self.transform.to_physical(tracers, &mut self.tracers);
    }

    /// One time step.
    pub(super) fn step(&mut self) {
        let cells = self.cells;
        let [along, across] = &mut self.products;
        along.par_chunks_mut(ROWS_PER_TASK * cells).zip(across.par_chunks_mut(ROWS_PER_TASK * cells)).enumerate().for_each(
            |(task, (along, across))| {
                let first = task * ROWS_PER_TASK * cells;
                let inputs = self.velocity[first..].iter().zip(&self.tracers[first..]);
                for ((p, q), (velocity, tracer)) in along.iter_mut().zip(across.iter_mut()).zip(inputs) {
                    *p = tracer * velocity.re;
                    *q = tracer * velocity.im;
                }
            },
        );
        let [along_spectrum, across_spectrum] = &mut self.spectra;
        self.transform.to_spectrum(along, along_spectrum);
        self.transform.to_spectrum(across, across_spectrum);

        let weights = match self.steps {
            0 => [1.0, 0.0, 0.0],
            1 => [1.5, -0.5, 0.0],
            _ => [23.0 / 12.0, -16.0 / 12.0, 5.0 / 12.0],
        }
        .map(|w: f32| w * self.seconds);
        let scale = self.wavenumber / (cells * cells) as f32;
        let (state, decay) = (&self.state, &self.decay);
        let (drag, relaxation, gradient, wavenumber) = (self.drag, self.relaxation, self.gradient, self.wavenumber);
        // The tendency goes to `products`, whose grid values are no longer needed.
        along.par_chunks_mut(ROWS_PER_TASK * cells).enumerate().for_each(|(task, modes)| {
            let first = task * ROWS_PER_TASK * cells;
            for (offset, mode) in modes.iter_mut().enumerate() {
                let index = first + offset;
                if decay[index] == 0.0 {
                    *mode = Complex32::default();
                    continue;
                }
                let (kx, ky) = (signed(index / cells, cells), signed(index % cells, cells));
                let flux = (along_spectrum[index] * kx + across_spectrum[index] * ky) * scale;
                let opposite = state[mirror(index, cells)].conj();
                let (buoyancy, temperature) = ((state[index] + opposite) * 0.5, (state[index] - opposite) * 0.5);
                let psi = stream_function(state, index, cells, kx, ky, wavenumber);
                // −i flux; the gradient's −i G v̂ = G kx ψ̂; `temperature` already holds its factor i.
                *mode = Complex32::new(flux.im, -flux.re) + psi * (gradient * kx * wavenumber)
                    - buoyancy * drag
                    - temperature * relaxation;
            }
        });
        let [newer, older] = &mut self.previous;
        let chunk = ROWS_PER_TASK * cells;
        self.state
            .par_chunks_mut(chunk)
            .zip(newer.par_chunks_mut(chunk))
            .zip(older.par_chunks_mut(chunk))
            .zip(along.par_chunks(chunk))
            .zip(decay.par_chunks(chunk))
            .for_each(|((((state, newer), older), now), decay)| {
                for i in 0..state.len() {
                    let advanced = state[i] + now[i] * weights[0] + newer[i] * weights[1] + older[i] * weights[2];
                    state[i] = advanced * decay[i];
                    older[i] = newer[i] * decay[i];
                    newer[i] = now[i] * decay[i];
                }
            });
        self.steps += 1;
        self.stir(1.0);
        self.evaluate();
    }
}

/// ψ̂ = θ̂ / |k| of a mode; 0 for the mean.
fn stream_function(state: &[Complex32], index: usize, cells: usize, kx: f32, ky: f32, wavenumber: f32) -> Complex32 {
    let size = (kx * kx + ky * ky).sqrt();
    if size == 0.0 {
        return Complex32::default();
    }
    (state[index] + state[mirror(index, cells)].conj()) * (0.5 / (size * wavenumber))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No forcing, no drag, no relaxation to speak of.
    fn still() -> Ocean {
        let slow = 1e9;
        Ocean::new(&TwinConfig { injection: 1e-40, drag_days: slow, relaxation_days: slow, ..TwinConfig::tiny() })
    }

    #[test]
    fn a_plane_wave_stands_and_pumps_heat_as_by_hand() {
        // θ = A cos(kx) makes ψ = (A/k) cos(kx), u = 0, v = ψ_x = −A sin(kx); nothing advects it, so it stays,
        // and T_t = −v G gives T = G A sin(kx) t, here for a day. Of k⁸ hyperviscosity nothing is felt at mode 2.
        let mut ocean = still();
        let (amplitude, mode, cells) = (0.3f32, 2usize, 64usize);
        ocean.state[mode * cells] = Complex32::new(0.5 * amplitude, 0.0);
        ocean.state[(cells - mode) * cells] = Complex32::new(0.5 * amplitude, 0.0);
        ocean.evaluate();
        (0..72).for_each(|_| ocean.step());
        // −0.6 K per degree, a degree being 20 cells of 5 km.
        let gradient = -0.6 / 100_000.0;
        for x in 0..cells {
            let phase = (std::f64::consts::TAU * (mode * x) as f64 / cells as f64) as f32;
            let (velocity, tracer) = (ocean.velocity()[7 * cells + x], ocean.tracers()[7 * cells + x]);
            assert!(velocity.re.abs() < 1e-5 && (velocity.im + amplitude * phase.sin()).abs() < 1e-5);
            assert!((tracer.re - amplitude * phase.cos()).abs() < 1e-5);
            let wanted = gradient * amplitude * phase.sin() * 86_400.0;
            assert!((tracer.im - wanted).abs() < 1e-4, "{} {wanted}", tracer.im);
        }
    }

    #[test]
    fn the_speed_has_the_variance_of_buoyancy() {
        let ocean = Ocean::new(&TwinConfig::tiny());
        let sum = |f: &dyn Fn(usize) -> f32| (0..64 * 64).map(|i| f64::from(f(i))).sum::<f64>();
        let speed = sum(&|i| ocean.velocity()[i].norm_sqr());
        let buoyancy = sum(&|i| ocean.tracers()[i].re.powi(2));
        assert!(buoyancy > 0.0 && (speed / buoyancy - 1.0).abs() < 1e-4, "{speed} {buoyancy}");
    }
}
