//! The wind that carries the dust.

use std::f64::consts::TAU;

use super::config::{DustConfig, WindConfig};
use super::random_field::RandomField;
use crate::base::random::Random;
use crate::grid::SECONDS_PER_DAY;

/// Smoothness of both random flows: their energy falls as k^(2 - 2 p) beyond their length.
const EXPONENT: f64 = 4.0;

/// A prevailing wind that turns with the seasons, large eddies that last for days, small ones that last for hours.
pub(super) struct Wind {
    config: WindConfig,
    synoptic: RandomField,
    mesoscale: RandomField,
}

impl Wind {
    /// The wind of a configuration at its start.
    pub(super) fn new(config: &DustConfig) -> Wind {
        let n = config.simulated_cells();
        let field = |name: &str, (kilometres, days): (f64, f64)| {
            let memory = (-1.0 / (days * config.steps_per_day as f64)).exp();
            let length = kilometres * 1000.0 / config.cell_metres() / TAU;
            RandomField::new(n, length, EXPONENT, memory, Random::new(config.seed, &format!("dust wind/{name}")))
        };
        Wind {
            synoptic: field("synoptic", config.wind.synoptic_scale),
            mesoscale: field("mesoscale", config.wind.mesoscale_scale),
            config: config.wind.clone(),
        }
    }

    /// One time step on.
    pub(super) fn step(&mut self) {
        self.synoptic.step();
        self.mesoscale.step();
    }

    /// Eastward and northward speed in m/s of each cell at a time of the year (0 to 1).
    pub(super) fn speeds(&self, year_part: f64) -> Vec<(f32, f32)> {
        // From the North-West in summer, from the West and weaker in winter.
        let summer = 0.5 - 0.5 * (TAU * year_part).cos();
        let (east, north) = (self.config.prevailing * (0.7 + 0.3 * summer), -0.8 * self.config.prevailing * summer);
        let (large, small) = (self.config.synoptic as f32, self.config.mesoscale as f32);
        let flows = self.synoptic.flow().into_iter().zip(self.mesoscale.flow());
        flows.map(|((u, v), (a, b))| (east as f32 + large * u + small * a, north as f32 + large * v + small * b)).collect()
    }
}

/// Cells that a speed in m/s covers in a time step.
pub(super) fn cells_in_a_step(config: &DustConfig) -> f32 {
    (SECONDS_PER_DAY / config.steps_per_day as f64 / config.cell_metres()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summer_blows_from_the_north_west() {
        let mut config = DustConfig::tiny();
        (config.wind.synoptic, config.wind.mesoscale) = (0.0, 0.0);
        let wind = Wind::new(&config);
        let (winter, summer) = (wind.speeds(0.0)[7], wind.speeds(0.5)[7]);
        assert!((winter.0 - 0.42).abs() < 1e-6 && winter.1.abs() < 1e-6, "{winter:?}");
        assert!((summer.0 - 0.6).abs() < 1e-6 && (summer.1 + 0.48).abs() < 1e-6, "{summer:?}");
        // 57 km / 3 = 19 km; 1 m/s covers 10.8 km in an eighth of a day
        assert!((cells_in_a_step(&config) - 10.8 / 19.0).abs() < 1e-6);
    }
}
