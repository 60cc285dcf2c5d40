//! The time axis: seconds since 1970-01-01T00:00:00Z in the proleptic Gregorian calendar.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::error::{GridError, GridResult};

/// Seconds in a day.
pub const SECONDS_PER_DAY: f64 = 86_400.0;

/// Instants in seconds since 1970-01-01T00:00:00Z, strictly ascending. Files in other calendars and
/// epochs are brought to this one by `cf`.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct TimeAxis {
    seconds: Vec<f64>,
}

impl TimeAxis {
    /// A time axis from seconds since 1970.
    ///
    /// # Errors
    /// [`GridError::Axis`] where there is none, one is not finite, or they do not strictly ascend.
    pub fn from_seconds(seconds: Vec<f64>) -> GridResult<TimeAxis> {
        let fail = |problem: String| Err(GridError::Axis { axis: "time", problem });
        if seconds.is_empty() {
            return fail("has no points; at least one is wanted".into());
        }
        if seconds.iter().any(|s| !s.is_finite()) {
            return fail("holds a value that is not finite".into());
        }
        if let Some(i) = seconds.windows(2).position(|p| p[1] <= p[0]) {
            return fail(format!("does not ascend between points {i} and {}", i + 1));
        }
        Ok(TimeAxis { seconds })
    }

    /// `count` days from `first` on, each at `hour` hours UTC.
    pub fn daily(first: NaiveDate, hour: f64, count: usize) -> GridResult<TimeAxis> {
        let start = seconds_of_date(first) + hour * 3600.0;
        TimeAxis::from_seconds((0..count).map(|d| start + d as f64 * SECONDS_PER_DAY).collect())
    }

    /// Number of instants.
    pub fn len(&self) -> usize {
        self.seconds.len()
    }

    /// No instant at all? (Only for the default value.)
    pub fn is_empty(&self) -> bool {
        self.seconds.is_empty()
    }

    /// Seconds since 1970.
    pub fn seconds(&self) -> &[f64] {
        &self.seconds
    }

    /// The instant `index` as a date and time in UTC, or `None` outside chrono's range.
    pub fn at(&self, index: usize) -> Option<DateTime<Utc>> {
        self.seconds.get(index).and_then(|s| instant(*s))
    }

    /// The calendar day (UTC) of instant `index`.
    pub fn date(&self, index: usize) -> Option<NaiveDate> {
        self.at(index).map(|t| t.date_naive())
    }
}

/// Seconds since 1970 as a date and time in UTC.
pub fn instant(seconds: f64) -> Option<DateTime<Utc>> {
    if !seconds.is_finite() {
        return None;
    }
    let micros = (seconds * 1e6).round();
    if micros.abs() > 9.2e18 { None } else { DateTime::from_timestamp_micros(micros as i64) }
}

/// Seconds since 1970 of the start of `date` in UTC.
pub fn seconds_of_date(date: NaiveDate) -> f64 {
    date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp() as f64
}
