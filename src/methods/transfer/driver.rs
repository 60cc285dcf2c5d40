//! The planes that the large network is given besides the features, and from what its state is counted.

use serde::{Deserialize, Serialize};

/// A plane beside the features that the large network is given. Planes are in units of about 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    /// The day's coarse field, each fine cell that of the coarse cell around it, scaled to 0..1: as published.
    CoarseNearest,
    /// The day's coarse field less its climatology, straight between centres.
    Coarse,
    /// The same of the day before.
    CoarseBefore,
    /// The fine field of the day before, less its climatology.
    LastFine,
    /// The fine climatology of the day.
    Climatology,
    /// Height of the ground.
    Elevation,
    /// Rows from 0 to 1.
    Latitude,
    /// Columns from 0 to 1.
    Longitude,
    /// The year, (year - 2000) / 24: as published.
    Year,
    /// Cosine of the day of the year.
    SeasonCosine,
    /// Sine of the day of the year.
    SeasonSine,
}

/// From what the large network's state is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Base {
    /// From the least value of the training days, in units of their range: the field itself within 0..1, as published.
    Range,
    /// From the coarse field between centres, its climatology replaced by the fine one.
    Bilinear,
    /// From the linear forecast.
    #[default]
    Linear,
}
