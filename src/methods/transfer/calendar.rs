//! Days as numbers: one calendar for both records, and the seasons of its days.

use chrono::{Datelike, Days, NaiveDate};

use crate::grid::Field;
use crate::methods::error::{MethodError, MethodResult};
use crate::score::Season;

/// Consecutive days, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    first: NaiveDate,
    days: usize,
}

impl Calendar {
    /// `days` days from `first` on.
    ///
    /// # Example
    /// ```
    /// use isotherm::methods::transfer::Calendar;
    /// let day = |y, m, d| chrono::NaiveDate::from_ymd_opt(y, m, d).unwrap();
    /// // A record of 25 years, and the first day of one that begins within it.
    /// let calendar = Calendar::new(day(2000, 1, 1), 9132);
    /// assert_eq!(calendar.index(day(2005, 5, 15)), Some(1961));
    /// assert_eq!(calendar.index(day(2025, 1, 1)), None);
    /// ```
    pub fn new(first: NaiveDate, days: usize) -> Calendar {
        Calendar { first, days }
    }

    /// The calendar of a field of daily frames.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where a day is missing or there twice.
    pub fn of(field: &Field) -> MethodResult<Calendar> {
        let date =
            |i: usize| field.time().date(i).ok_or_else(|| MethodError::Argument(format!("frame {i} lies outside the calendar")));
        let calendar = Calendar::new(date(0)?, field.frames());
        for i in 0..field.frames() {
            if date(i)? != calendar.date(i) {
                return Err(MethodError::Argument(format!(
                    "frame {i} of {} is of {}, where {} was expected; one frame for each day is wanted",
                    field.name(),
                    date(i)?,
                    calendar.date(i)
                )));
            }
        }
        Ok(calendar)
    }

    /// Number of days.
    pub fn days(&self) -> usize {
        self.days
    }

    /// The date of a day; days beyond the end count on.
    pub fn date(&self, day: usize) -> NaiveDate {
        self.first.checked_add_days(Days::new(day as u64)).unwrap_or(NaiveDate::MAX)
    }

    /// The day of a date.
    pub fn index(&self, date: NaiveDate) -> Option<usize> {
        let day = usize::try_from((date - self.first).num_days()).ok()?;
        (day < self.days).then_some(day)
    }

    /// The season of a day.
    pub fn season(&self, day: usize) -> Season {
        Season::of_month(self.date(day).month())
    }

    /// How much of the year has passed, 0 to below 1.
    pub fn year_part(&self, day: usize) -> f64 {
        let date = self.date(day);
        f64::from(date.ordinal0()) / if date.leap_year() { 366.0 } else { 365.0 }
    }

    /// The days of a season.
    pub fn core(&self, season: Season) -> Vec<usize> {
        (0..self.days).filter(|day| self.season(*day) == season).collect()
    }

    /// The days of a season and the `buffer` days before each of them, as far as the calendar has them.
    pub fn pool(&self, season: Season, buffer: usize) -> Vec<usize> {
        let mut wanted = vec![false; self.days];
        for day in self.core(season) {
            wanted[day.saturating_sub(buffer)..=day].fill(true);
        }
        (0..self.days).filter(|day| wanted[*day]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Axis, AxisKind, Mask, TimeAxis, Unit};

    fn date(y: i32, m: u32, d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(y, m, d).unwrap()
    }

    /// The published records: their days by season, with buffers of 45 days.
    #[test]
    fn seasons_and_pools_of_the_published_records() {
        let fine = Calendar::new(date(2005, 5, 15), 763);
        let coarse = Calendar::new(date(2000, 1, 1), 9132);
        let sizes =
            |calendar: &Calendar| Season::ALL.map(|season| (calendar.core(season).len(), calendar.pool(season, 45).len()));
        assert_eq!(sizes(&fine), [(180, 270), (201, 291), (200, 307), (182, 272)]);
        assert_eq!(sizes(&coarse), [(2257, 3382), (2300, 3425), (2300, 3425), (2275, 3400)]);
        // Both end where the papers say.
        assert_eq!((fine.date(762), coarse.date(9131)), (date(2007, 6, 16), date(2024, 12, 31)));
    }

    #[test]
    fn a_gap_in_the_days_is_refused() {
        let field = |days: &[f64]| {
            let axis = |kind| Axis::regular(kind, 0.0, 1.0, 2).unwrap();
            let time = TimeAxis::from_seconds(days.iter().map(|d| (d + 0.5) * 86_400.0).collect()).unwrap();
            let n = 4 * days.len();
            let (latitude, longitude) = (axis(AxisKind::Latitude), axis(AxisKind::Longitude));
            Field::new("aod", vec![1.0; n], Mask::all_valid(n), time, latitude, longitude, Unit::One).unwrap()
        };
        let calendar = Calendar::of(&field(&[0.0, 1.0, 2.0])).unwrap();
        assert_eq!((calendar.days(), calendar.date(2)), (3, date(1970, 1, 3)));
        let sentence = Calendar::of(&field(&[0.0, 2.0])).unwrap_err().to_string();
        assert!(sentence.contains("1970-01-03") && sentence.contains("1970-01-02"), "{sentence}");
    }

    #[test]
    fn parts_of_the_year() {
        let calendar = Calendar::new(date(2004, 1, 1), 800);
        assert_eq!(calendar.year_part(0), 0.0);
        // 2004 has 366 days; day 366 is the next new year
        assert_eq!(calendar.year_part(183), 0.5);
        assert_eq!(calendar.year_part(366), 0.0);
        assert_eq!(calendar.season(59), Season::Djf); // the 29th of February
        assert_eq!(calendar.season(60), Season::Mam);
    }
}
