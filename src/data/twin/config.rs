//! What a synthetic ocean is made of.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::super::error::{DataError, DataResult};
use crate::base::hash::sha256_parts;

/// Raised whenever the same configuration would give other numbers, so that old caches are not read.
const MODEL_VERSION: &str = "2";

/// Width of a cell in metres, the same in both directions (the labels in degrees are only labels).
pub const CELL_METRES: f64 = 5_000.0;

/// Width of a fine cell in the labels' degrees.
pub const CELL_DEGREES: f64 = 0.05;

/// Fine cells along one side of a coarse cell.
pub const COARSE_FACTOR: usize = 5;

/// The South-West corner of the labels, degrees north and east.
pub const CORNER_DEGREES: (f64, f64) = (30.0, 130.0);

/// The synthetic ocean's settings. Start from [`TwinConfig::quick`] or [`TwinConfig::tiny`].
///
/// # Example
/// ```
/// use isotherm::data::twin::TwinConfig;
/// let config = TwinConfig { seed: 7, ..TwinConfig::quick() };
/// assert!(config.validate().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TwinConfig {
    /// Seed of everything random.
    pub seed: u64,
    /// Cells along each side of the square.
    pub cells: usize,
    /// Days kept, each at 00 UTC.
    pub days: usize,
    /// Days computed and dropped before the first one kept.
    pub spin_up_days: usize,
    /// Calendar year whose 1 January is day 0.
    pub year: i32,
    /// Time steps in a day; a multiple of 4, since observations are taken every 6 hours.
    pub steps_per_day: usize,
    /// Injection of half the variance of surface buoyancy (as a velocity), m² s⁻³.
    pub injection: f64,
    /// Shortest and longest wavelength at which eddies are stirred, kilometres.
    pub forcing_kilometres: (f64, f64),
    /// Decay time of the large-scale buoyancy, days.
    pub drag_days: f64,
    /// Decay time of the smallest resolved scale, hours.
    pub smallest_scale_hours: f64,
    /// Decay time of sea-surface temperature anomalies towards the climate, days.
    pub relaxation_days: f64,
    /// Climatological mean temperature of the middle latitude, degrees Celsius.
    pub mean_celsius: f64,
    /// Climatological gradient towards the North, kelvin per degree of latitude.
    pub gradient_kelvin_per_degree: f64,
    /// Amplitude of the seasonal cycle, kelvin.
    pub seasonal_kelvin: f64,
    /// Mean cooling at the coast, kelvin.
    pub coastal_cooling_kelvin: f64,
    /// Share of the square that is land.
    pub land_fraction: f64,
    /// Drifters at sea at any time.
    pub drifters: usize,
    /// Moorings; two of three stand at the coast.
    pub moorings: usize,
    /// How the two analyses see the truth.
    pub analyses: AnalysisConfig,
    /// How the instruments see the truth.
    pub instruments: InstrumentConfig,
}

/// Smoothing and error of the two gridded analyses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnalysisConfig {
    /// Standard deviation of the coarse analysis's Gaussian smoothing, in coarse cells.
    pub coarse_smoothing_cells: f64,
    /// Standard deviation of the coarse analysis's correlated error, kelvin.
    pub coarse_error_kelvin: f64,
    /// Standard deviation of the fine analysis's Gaussian smoothing, in fine cells.
    pub fine_smoothing_cells: f64,
    /// Standard deviation of the fine analysis's correlated error, kelvin.
    pub fine_error_kelvin: f64,
    /// Correlation length of both errors, kilometres.
    pub error_kilometres: f64,
    /// Correlation time (to 1/e) of both errors, days.
    pub error_days: f64,
    /// Step to which both analyses are rounded, kelvin.
    pub quantum_kelvin: f64,
}

/// Errors of the in-situ instruments, all as standard deviations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstrumentConfig {
    /// Constant offset of each drifter, kelvin.
    pub drifter_bias_kelvin: f64,
    /// Noise of each reading of a drifter, kelvin.
    pub drifter_noise_kelvin: f64,
    /// Noise of each reading of a mooring, kelvin.
    pub mooring_noise_kelvin: f64,
    /// Variability of a point within a cell that the grid does not resolve, kelvin; all platforms.
    pub representativeness_kelvin: f64,
    /// Share of readings that are gross errors (2 K), and flagged as such.
    pub bad_fraction: f64,
}

impl TwinConfig {
    /// The year of `just reproduce`: 320 x 320 cells, 365 days.
    pub fn quick() -> TwinConfig {
        TwinConfig {
            seed: 1,
            cells: 320,
            days: 365,
            spin_up_days: 80,
            year: 2021,
            steps_per_day: 72,
            injection: 8e-9,
            forcing_kilometres: (180.0, 320.0),
            drag_days: 60.0,
            smallest_scale_hours: 20.0,
            relaxation_days: 60.0,
            mean_celsius: 17.5,
            gradient_kelvin_per_degree: -0.6,
            seasonal_kelvin: 4.0,
            coastal_cooling_kelvin: 0.8,
            land_fraction: 0.15,
            drifters: 60,
            moorings: 16,
            analyses: AnalysisConfig {
                coarse_smoothing_cells: 1.0,
                coarse_error_kelvin: 0.2,
                fine_smoothing_cells: 1.75,
                fine_error_kelvin: 0.1,
                error_kilometres: 120.0,
                error_days: 4.0,
                quantum_kelvin: 0.01,
            },
            instruments: InstrumentConfig {
                drifter_bias_kelvin: 0.1,
                drifter_noise_kelvin: 0.1,
                mooring_noise_kelvin: 0.05,
                representativeness_kelvin: 0.05,
                bad_fraction: 0.03,
            },
        }
    }

    /// A pond for tests: 64 x 64 cells, 20 days, a second of work.
    pub fn tiny() -> TwinConfig {
        TwinConfig { cells: 64, days: 20, spin_up_days: 30, drifters: 12, ..TwinConfig::quick() }
    }

    /// Fails unless every setting makes sense.
    ///
    /// # Errors
    /// [`DataError::Content`] names the first setting that does not.
    pub fn validate(&self) -> DataResult<()> {
        let positive = [
            ("injection", self.injection),
            ("drag_days", self.drag_days),
            ("smallest_scale_hours", self.smallest_scale_hours),
            ("relaxation_days", self.relaxation_days),
            ("forcing_kilometres", self.forcing_kilometres.0),
            ("error_kilometres", self.analyses.error_kilometres),
            ("error_days", self.analyses.error_days),
            ("quantum_kelvin", self.analyses.quantum_kelvin),
        ];
        let not_negative = [
            ("coastal_cooling_kelvin", self.coastal_cooling_kelvin),
            ("coarse_smoothing_cells", self.analyses.coarse_smoothing_cells),
            ("coarse_error_kelvin", self.analyses.coarse_error_kelvin),
            ("fine_smoothing_cells", self.analyses.fine_smoothing_cells),
            ("fine_error_kelvin", self.analyses.fine_error_kelvin),
            ("drifter_bias_kelvin", self.instruments.drifter_bias_kelvin),
            ("drifter_noise_kelvin", self.instruments.drifter_noise_kelvin),
            ("mooring_noise_kelvin", self.instruments.mooring_noise_kelvin),
            ("representativeness_kelvin", self.instruments.representativeness_kelvin),
        ];
        let finite = [
            ("mean_celsius", self.mean_celsius),
            ("gradient_kelvin_per_degree", self.gradient_kelvin_per_degree),
            ("seasonal_kelvin", self.seasonal_kelvin),
        ];
        if let Some((name, value)) = positive.iter().find(|(_, v)| !(v.is_finite() && *v > 0.0)) {
            return Err(refuse(name, format!("is {value}; a number above 0 is wanted")));
        }
        if let Some((name, value)) = not_negative.iter().find(|(_, v)| !(v.is_finite() && *v >= 0.0)) {
            return Err(refuse(name, format!("is {value}; 0 or more is wanted")));
        }
        if let Some((name, value)) = finite.iter().find(|(_, v)| !v.is_finite()) {
            return Err(refuse(name, format!("is {value}; a finite number is wanted")));
        }
        // 1200 cells span 60 degrees of latitude: from 30 N to the pole.
        if !(32..=1200).contains(&self.cells) {
            return Err(refuse("cells", format!("is {}; 32 to 1200 are wanted", self.cells)));
        }
        if self.days == 0 {
            return Err(refuse("days", "is 0; at least one day is wanted".into()));
        }
        if self.steps_per_day < 4 || !self.steps_per_day.is_multiple_of(4) {
            return Err(refuse("steps_per_day", format!("is {}; a multiple of 4 is wanted", self.steps_per_day)));
        }
        if !(0.0..=0.6).contains(&self.land_fraction) {
            return Err(refuse("land_fraction", format!("is {}; 0 to 0.6 is wanted", self.land_fraction)));
        }
        if !(0.0..1.0).contains(&self.instruments.bad_fraction) {
            return Err(refuse("bad_fraction", format!("is {}; 0 to below 1 is wanted", self.instruments.bad_fraction)));
        }
        let domain_kilometres = self.cells as f64 * CELL_METRES / 1000.0;
        let (shortest, longest) = self.forcing_kilometres;
        if !(shortest < longest && shortest <= domain_kilometres) {
            let wanted =
                format!("a shorter then a longer wavelength, the shorter within the {domain_kilometres} km of the square");
            return Err(refuse("forcing_kilometres", format!("is {shortest} and {longest}; wanted are {wanted}")));
        }
        self.first_date().map(|_| ())
    }

    /// 1 January of [`TwinConfig::year`].
    ///
    /// # Errors
    /// [`DataError::Content`] for a year outside the calendar.
    pub fn first_date(&self) -> DataResult<NaiveDate> {
        let inside = (1900..=2200).contains(&self.year).then(|| NaiveDate::from_ymd_opt(self.year, 1, 1)).flatten();
        inside.ok_or_else(|| refuse("year", format!("is {}; 1900 to 2200 is wanted", self.year)))
    }

    /// Seconds of one time step.
    pub(super) fn step_seconds(&self) -> f64 {
        crate::grid::SECONDS_PER_DAY / self.steps_per_day as f64
    }

    /// A hash of every setting and of the model's version: equal hashes, equal oceans.
    pub fn hash(&self) -> String {
        // The derived Debug text holds every field, and f64 is written so that it reads back exactly.
        sha256_parts([("model", MODEL_VERSION.as_bytes()), ("config", format!("{self:?}").as_bytes())])
    }
}

fn refuse(name: &str, problem: String) -> DataError {
    DataError::Content { what: "the twin's configuration".into(), problem: format!("{name} {problem}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_valid_and_survive_toml() {
        for config in [TwinConfig::quick(), TwinConfig::tiny()] {
            config.validate().unwrap();
            let text = toml::to_string(&config).unwrap();
            assert_eq!(toml::from_str::<TwinConfig>(&text).unwrap(), config);
        }
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        let bad = [
            (TwinConfig { cells: 8, ..TwinConfig::tiny() }, "cells"),
            (TwinConfig { days: 0, ..TwinConfig::tiny() }, "days"),
            (TwinConfig { steps_per_day: 50, ..TwinConfig::tiny() }, "steps_per_day"),
            (TwinConfig { land_fraction: 0.9, ..TwinConfig::tiny() }, "land_fraction"),
            (TwinConfig { injection: f64::NAN, ..TwinConfig::tiny() }, "injection"),
            (TwinConfig { year: 0, ..TwinConfig::tiny() }, "year"),
            (TwinConfig { forcing_kilometres: (400.0, 900.0), ..TwinConfig::tiny() }, "forcing_kilometres"),
        ];
        for (config, name) in bad {
            let sentence = config.validate().unwrap_err().to_string();
            assert!(sentence.contains(name), "{sentence}");
        }
    }

    #[test]
    fn the_hash_sees_every_setting() {
        let base = TwinConfig::tiny();
        let mut other = base.clone();
        other.instruments.bad_fraction = 0.031;
        assert_ne!(base.hash(), other.hash());
        assert_eq!(base.hash(), TwinConfig::tiny().hash());
    }
}
