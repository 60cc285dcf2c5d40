//! The slow part of the synthetic ocean's temperature: latitude, season, and cold water at the coast.

use chrono::Datelike;

use super::coast::Coast;
use super::config::{CELL_DEGREES, CORNER_DEGREES, TwinConfig};
use super::waves::Waves;
use crate::grid::instant;

/// Day of the year of the warmest water.
const WARMEST_DAY: f64 = 235.0;

/// Distance over which the coastal cooling fades by 1/e, cells (25 km).
const COOLING_CELLS: f32 = 5.0;

/// Climate and coastal upwelling.
///
/// # Formula
/// ```text
/// T_c(φ, t, d) = T₀ + G (φ − φ₀) + A cos(2π (doy − 235) / 365.25) − C exp(−d / 25 km) w(t)
/// ```
/// with d the distance to land and w ≥ 0 a random function of time alone with mean about 1 (the wind).
pub(super) struct Climate {
    mean: f64,
    gradient: f64,
    middle_latitude: f64,
    seasonal: f64,
    /// C exp(−d / 25 km) of each cell, kelvin.
    pub(super) cooling: Vec<f32>,
    wind: Waves,
}

impl Climate {
    pub(super) fn new(config: &TwinConfig, coast: &Coast) -> Climate {
        let strength = config.coastal_cooling_kelvin as f32;
        Climate {
            mean: config.mean_celsius,
            gradient: config.gradient_kelvin_per_degree,
            middle_latitude: CORNER_DEGREES.0 + 0.5 * config.cells as f64 * CELL_DEGREES,
            seasonal: config.seasonal_kelvin,
            cooling: coast.distance_cells.iter().map(|d| strength * (-d / COOLING_CELLS).exp()).collect(),
            wind: Waves::new(config.seed, "twin upwelling", 24, (f64::INFINITY, f64::INFINITY), (5.0, 40.0)),
        }
    }

    /// Temperature in degrees Celsius without the eddies, for a cell whose full cooling is `cooling` kelvin.
    pub(super) fn celsius(&self, seconds: f64, latitude: f64, cooling: f64) -> f64 {
        self.mean + self.gradient * (latitude - self.middle_latitude) + self.season(seconds) - cooling * self.upwelling(seconds)
    }

    fn season(&self, seconds: f64) -> f64 {
        let day = instant(seconds).map_or(0.0, |t| f64::from(t.ordinal0()));
        let fraction = seconds.rem_euclid(crate::grid::SECONDS_PER_DAY) / crate::grid::SECONDS_PER_DAY;
        self.seasonal * (std::f64::consts::TAU * (day + fraction - WARMEST_DAY) / 365.25).cos()
    }

    fn upwelling(&self, seconds: f64) -> f64 {
        (1.0 + 0.6 * self.wind.at(seconds, 0.0, 0.0)).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::seconds_of_date;
    use chrono::NaiveDate;

    #[test]
    fn seasons_and_latitudes_by_hand() {
        let config = TwinConfig::tiny();
        let climate = Climate::new(&config, &Coast::new(&config));
        let at = |month, day| seconds_of_date(NaiveDate::from_ymd_opt(2021, month, day).unwrap());
        // Day 235 counted from 0 is 24 August. 64 cells of 0.05 degrees: the middle lies at 31.6 N.
        assert!((climate.celsius(at(8, 24), 31.6, 0.0) - 21.5).abs() < 1e-9);
        // One degree further North it is 0.6 K colder.
        assert!((climate.celsius(at(8, 24), 32.6, 0.0) - 20.9).abs() < 1e-9);
        // Half a year later, 182.625 days, the water is at its coldest: 17.5 − 4.
        assert!((climate.celsius(at(2, 22), 31.6, 0.0) - 13.5).abs() < 1e-2);
    }

    #[test]
    fn upwelling_only_cools() {
        let config = TwinConfig::tiny();
        let climate = Climate::new(&config, &Coast::new(&config));
        let mean = (0..400).map(|day| climate.upwelling(f64::from(day) * 86_400.0)).sum::<f64>() / 400.0;
        assert!((0..400).all(|day| climate.upwelling(f64::from(day) * 86_400.0) >= 0.0));
        assert!((0.7..1.3).contains(&mean), "{mean}");
    }
}
