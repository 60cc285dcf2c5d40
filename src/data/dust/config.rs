//! What the synthetic dust is made of.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::base::hash::sha256_parts;
use crate::data::{DataError, DataResult};

/// Raised whenever the same configuration would give other numbers, so that old caches are not read.
const MODEL_VERSION: &str = "1";

/// Degrees of a coarse cell: latitude, longitude.
pub(super) const COARSE_DEGREES: (f64, f64) = (0.5, 0.625);
/// The South-West corner of the labels, degrees north and east.
pub(super) const CORNER_DEGREES: (f64, f64) = (30.0, 60.0);
/// Width of a coarse cell in metres, the same in both directions.
pub(super) const COARSE_METRES: f64 = 57_000.0;
/// Fine cells around the area in which the tracer is brought to what comes from outside.
pub(super) const RIM_CELLS: usize = 8;

/// The synthetic dust's settings. Start from [`DustConfig::quick`] or [`DustConfig::tiny`].
///
/// # Example
/// ```
/// use isotherm::data::dust::DustConfig;
/// let config = DustConfig { seed: 7, ..DustConfig::quick() };
/// assert!(config.validate().is_ok());
/// assert_eq!(config.fine_cells(), 80);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DustConfig {
    /// Seed of everything random.
    pub seed: u64,
    /// Coarse cells along each side of the square.
    pub coarse_cells: usize,
    /// Fine cells along one side of a coarse cell.
    pub factor: usize,
    /// Calendar year on whose 1 January the coarse record begins.
    pub first_year: i32,
    /// Days of the coarse record.
    pub coarse_days: usize,
    /// Days of the coarse record before the fine one begins.
    pub days_before_fine: usize,
    /// Days of the fine record.
    pub fine_days: usize,
    /// Days computed and dropped before the first one kept.
    pub spin_up_days: usize,
    /// Time steps in a day.
    pub steps_per_day: usize,
    /// The wind.
    pub wind: WindConfig,
    /// What is lifted, and how long it stays.
    pub emission: EmissionConfig,
    /// How the coarse record errs.
    pub coarse: CoarseErrors,
}

/// The wind that carries the dust: a prevailing part that turns with the seasons, and two random flows without divergence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindConfig {
    /// Speed of the prevailing wind, m/s.
    pub prevailing: f64,
    /// Root mean square speed of the large eddies, m/s.
    pub synoptic: f64,
    /// Their length in kilometres and memory in days.
    pub synoptic_scale: (f64, f64),
    /// Root mean square speed of the small eddies, m/s.
    pub mesoscale: f64,
    /// Their length in kilometres and memory in days.
    pub mesoscale_scale: (f64, f64),
}

/// What is lifted, and how long it stays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmissionConfig {
    /// Optical depth that a wind of one threshold above the threshold lifts in a day from a full source.
    pub strength: f64,
    /// Wind speed from which on dust is lifted, m/s.
    pub threshold: f64,
    /// Amplitude of the yearly cycle of the ground's readiness, 0 to 1; it is readiest in early June.
    pub seasonal: f64,
    /// Days in which the dust falls to 1/e over low, smooth ground.
    pub lifetime_days: f64,
    /// Mean optical depth of what comes in from outside.
    pub inflow: f64,
    /// Height in metres over which the column of dust falls to 1/e.
    pub scale_height: f64,
    /// Share of the difference from its neighbours' mean that a cell loses in a step.
    pub diffusion: f64,
}

/// How the coarse record errs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoarseErrors {
    /// Root mean square displacement of the plumes in coarse cells, each way.
    pub displacement_cells: f64,
    /// Standard deviation of the Gaussian smoothing in coarse cells.
    pub smoothing_cells: f64,
    /// Standard deviation of the error of the logarithm (base 10).
    pub error_decades: f64,
    /// Length of displacement and error in coarse cells.
    pub length_cells: f64,
    /// Memory of displacement and error in days.
    pub memory_days: f64,
    /// Offset of the logarithm (base 10).
    pub bias_decades: f64,
}

impl DustConfig {
    /// Five years on 16 x 16 coarse and 80 x 80 fine cells; the fine record has two of them.
    pub fn quick() -> DustConfig {
        DustConfig {
            seed: 1,
            coarse_cells: 16,
            factor: 5,
            first_year: 2001,
            coarse_days: 1826,
            days_before_fine: 865,
            fine_days: 731,
            spin_up_days: 30,
            steps_per_day: 8,
            wind: WindConfig {
                prevailing: 0.6,
                synoptic: 1.0,
                synoptic_scale: (300.0, 3.0),
                mesoscale: 0.5,
                mesoscale_scale: (60.0, 0.5),
            },
            emission: EmissionConfig {
                strength: 30.0,
                threshold: 1.4,
                seasonal: 0.7,
                lifetime_days: 3.0,
                inflow: 0.3,
                scale_height: 1500.0,
                diffusion: 0.06,
            },
            coarse: CoarseErrors {
                displacement_cells: 0.6,
                smoothing_cells: 0.6,
                error_decades: 0.1,
                length_cells: 4.0,
                memory_days: 3.0,
                bias_decades: 0.06,
            },
        }
    }

    /// A valley for tests: 8 x 8 coarse and 24 x 24 fine cells, 90 days, a fraction of a second.
    pub fn tiny() -> DustConfig {
        DustConfig {
            coarse_cells: 8,
            factor: 3,
            coarse_days: 90,
            days_before_fine: 20,
            fine_days: 50,
            spin_up_days: 5,
            ..DustConfig::quick()
        }
    }

    /// Fine cells along each side.
    pub fn fine_cells(&self) -> usize {
        self.coarse_cells * self.factor
    }

    /// Cells along each side of the doubly periodic square in which the tracer moves: the area and its rim.
    pub(super) fn simulated_cells(&self) -> usize {
        self.fine_cells() + 2 * RIM_CELLS
    }

    /// Width of a fine cell in metres.
    pub(super) fn cell_metres(&self) -> f64 {
        COARSE_METRES / self.factor as f64
    }

    /// First day of the coarse record.
    pub fn first_day(&self) -> NaiveDate {
        NaiveDate::from_ymd_opt(self.first_year, 1, 1).unwrap_or_default()
    }

    /// First day of the fine record.
    pub fn fine_first_day(&self) -> NaiveDate {
        self.first_day() + Days::new(self.days_before_fine as u64)
    }

    /// Fails unless every setting makes sense.
    ///
    /// # Errors
    /// [`DataError::Content`] names the first setting that does not.
    pub fn validate(&self) -> DataResult<()> {
        let (w, e, c) = (&self.wind, &self.emission, &self.coarse);
        let positive = [
            ("wind.synoptic_scale", w.synoptic_scale.0.min(w.synoptic_scale.1)),
            ("wind.mesoscale_scale", w.mesoscale_scale.0.min(w.mesoscale_scale.1)),
            ("emission.threshold", e.threshold),
            ("emission.lifetime_days", e.lifetime_days),
            ("emission.inflow", e.inflow),
            ("emission.scale_height", e.scale_height),
            ("coarse.length_cells", c.length_cells),
            ("coarse.memory_days", c.memory_days),
        ];
        let not_negative = [
            ("wind.prevailing", w.prevailing),
            ("wind.synoptic", w.synoptic),
            ("wind.mesoscale", w.mesoscale),
            ("emission.strength", e.strength),
            ("coarse.displacement_cells", c.displacement_cells),
            ("coarse.smoothing_cells", c.smoothing_cells),
            ("coarse.error_decades", c.error_decades),
        ];
        if let Some((name, value)) = positive.iter().find(|(_, v)| !(v.is_finite() && *v > 0.0)) {
            return refuse(name, format!("is {value}; a number above 0 is wanted"));
        }
        if let Some((name, value)) = not_negative.iter().find(|(_, v)| !(v.is_finite() && *v >= 0.0)) {
            return refuse(name, format!("is {value}; 0 or more is wanted"));
        }
        if !c.bias_decades.is_finite() || !(0.0..=1.0).contains(&e.seasonal) {
            return refuse(
                "coarse.bias_decades or emission.seasonal",
                "is out of range; a number, and 0 to 1, are wanted".into(),
            );
        }
        if !(0.0..=0.5).contains(&e.diffusion) {
            return refuse("emission.diffusion", format!("is {}; 0 to 0.5 is wanted", e.diffusion));
        }
        if !(4..=64).contains(&self.coarse_cells) || !(2..=12).contains(&self.factor) {
            return refuse(
                "coarse_cells or factor",
                format!("is {} or {}; 4 to 64, and 2 to 12, are wanted", self.coarse_cells, self.factor),
            );
        }
        if self.steps_per_day == 0 || self.fine_days == 0 || self.coarse_days < self.days_before_fine + self.fine_days {
            return refuse(
                "steps_per_day or the days",
                format!(
                    "do not fit: {} steps, {} coarse days, {} of them before {} fine ones",
                    self.steps_per_day, self.coarse_days, self.days_before_fine, self.fine_days
                ),
            );
        }
        if !(1900..=2200).contains(&self.first_year) {
            return refuse("first_year", format!("is {}; 1900 to 2200 is wanted", self.first_year));
        }
        Ok(())
    }

    /// A hash of every setting and of the model's version: equal hashes, equal dust.
    pub fn hash(&self) -> String {
        // The derived Debug text holds every field, and f64 is written so that it reads back exactly.
        sha256_parts([("model", MODEL_VERSION.as_bytes()), ("config", format!("{self:?}").as_bytes())])
    }
}

fn refuse(name: &str, problem: String) -> DataResult<()> {
    Err(DataError::Content { what: "the dust's configuration".into(), problem: format!("{name} {problem}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_valid_and_survive_toml() {
        for config in [DustConfig::quick(), DustConfig::tiny()] {
            config.validate().unwrap();
            let text = toml::to_string(&config).unwrap();
            assert_eq!(toml::from_str::<DustConfig>(&text).unwrap(), config);
        }
        // 2001 and 2002 have 365 days: 865 is 135 days into 2003, the 16th of May.
        assert_eq!(DustConfig::quick().fine_first_day(), NaiveDate::from_ymd_opt(2003, 5, 16).unwrap());
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        let tiny = DustConfig::tiny;
        let bad = [
            (DustConfig { coarse_cells: 2, ..tiny() }, "coarse_cells"),
            (DustConfig { coarse_days: 60, ..tiny() }, "days"),
            (DustConfig { emission: EmissionConfig { threshold: 0.0, ..tiny().emission }, ..tiny() }, "threshold"),
            (DustConfig { emission: EmissionConfig { diffusion: 0.7, ..tiny().emission }, ..tiny() }, "diffusion"),
            (DustConfig { coarse: CoarseErrors { error_decades: f64::NAN, ..tiny().coarse }, ..tiny() }, "error_decades"),
        ];
        for (config, name) in bad {
            let sentence = config.validate().unwrap_err().to_string();
            assert!(sentence.contains(name), "{sentence}");
        }
    }

    #[test]
    fn the_hash_sees_every_setting() {
        let mut other = DustConfig::tiny();
        other.coarse.bias_decades += 0.001;
        assert_ne!(DustConfig::tiny().hash(), other.hash());
        assert_eq!(DustConfig::tiny().hash(), DustConfig::tiny().hash());
    }
}
