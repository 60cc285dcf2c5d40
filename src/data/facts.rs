//! The facts of a manifest: licence, variables, grid, period, files.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Licence and terms of use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// Name of the licence.
    pub name: String,
    /// Where its text lies.
    pub url: Option<String>,
    /// Terms that must be accepted before the first fetch; absent where no consent is needed.
    pub acceptance: Option<String>,
    /// Was this checked?
    #[serde(default = "yes")]
    pub verified: bool,
}

/// A variable inside the files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Name in the file.
    pub name: String,
    /// Unit after unpacking.
    pub unit: String,
    /// CF standard name, where there is one.
    pub standard_name: Option<String>,
    /// How the numbers are stored: type, scale, offset, fill value.
    pub packing: Option<String>,
    /// Was this checked?
    #[serde(default = "yes")]
    pub verified: bool,
}

/// A regular latitude and longitude grid: cell `i` lies at `start + i * step` (degrees).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridFacts {
    /// Cells in latitude.
    pub latitudes: usize,
    /// Cells in longitude.
    pub longitudes: usize,
    /// Latitude of the first row, degrees north.
    pub latitude_start: f64,
    /// Step in latitude; negative where the rows go from north to south.
    pub latitude_step: f64,
    /// Longitude of the first column, degrees east.
    pub longitude_start: f64,
    /// Step in longitude, degrees.
    pub longitude_step: f64,
    /// Was this checked?
    #[serde(default = "yes")]
    pub verified: bool,
    /// Anything unusual.
    pub remark: Option<String>,
}

/// Period covered and time step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// First day, absent where time plays no part.
    #[serde(default, with = "date_text")]
    pub from: Option<NaiveDate>,
    /// Last day; absent where the product goes on.
    #[serde(default, with = "date_text")]
    pub to: Option<NaiveDate>,
    /// In words: `daily`, `monthly climatology`.
    pub resolution: String,
    /// Was this checked?
    #[serde(default = "yes")]
    pub verified: bool,
    /// Anything unusual.
    pub remark: Option<String>,
}

/// A file with a fixed name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestFile {
    /// Path inside the wheel, and under the product's folder in the cache.
    pub member: String,
    /// SHA-256; absent where the whole wheel's sum must do.
    pub sha256: Option<String>,
    /// Size in bytes.
    pub bytes: Option<u64>,
    /// What it holds.
    pub holds: Option<String>,
    /// Was this checked?
    #[serde(default = "yes")]
    pub verified: bool,
}

/// The default of every `verified`.
pub(super) fn yes() -> bool {
    true
}

/// Days as `"1981-09-01"`.
pub(super) mod date_text {
    use super::*;

    pub fn serialize<S: serde::Serializer>(day: &Option<NaiveDate>, serializer: S) -> Result<S::Ok, S::Error> {
        match day {
            Some(day) => serializer.collect_str(day),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Some).map_err(|_| serde::de::Error::custom(format!("'{text}' is not a day like 1981-09-01")))
    }
}
