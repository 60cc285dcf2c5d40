//! The calendars of CF: date and time to day number and back.

use std::fmt;

/// Microseconds in a day.
pub(super) const MICROSECONDS_PER_DAY: i128 = 86_400_000_000;

/// Day number (see [`Calendar::day_number`]) of 1582-10-15, the first day of the Gregorian calendar.
const GREGORIAN_REFORM: i64 = -141_427;

/// A CF calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calendar {
    /// Julian to 1582-10-04, Gregorian from 1582-10-15 on (`standard`, `gregorian`).
    Standard,
    /// Gregorian at all times.
    ProlepticGregorian,
    /// Julian at all times.
    Julian,
    /// Years of 365 days (`noleap`, `365_day`).
    NoLeap,
    /// Years of 366 days (`all_leap`, `366_day`).
    AllLeap,
    /// Twelve months of 30 days.
    Day360,
}

/// A date and time of day in some calendar, to the microsecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CalendarTime {
    /// Year; there is a year 0 in all but the standard and Julian calendars.
    pub year: i64,
    /// Month, 1..=12.
    pub month: u8,
    /// Day of the month, from 1.
    pub day: u8,
    /// Microseconds since midnight.
    pub microsecond_of_day: i64,
}

impl CalendarTime {
    /// Hour, minute, second and microsecond.
    pub fn clock(&self) -> (u8, u8, u8, u32) {
        let seconds = self.microsecond_of_day / 1_000_000;
        let micros = (self.microsecond_of_day % 1_000_000) as u32;
        ((seconds / 3600) as u8, (seconds / 60 % 60) as u8, (seconds % 60) as u8, micros)
    }
}

impl fmt::Display for CalendarTime {
    /// `YYYY-MM-DD HH:MM:SS`, with six decimals where there are microseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, minute, second, micros) = self.clock();
        write!(f, "{:04}-{:02}-{:02} {hour:02}:{minute:02}:{second:02}", self.year, self.month, self.day)?;
        if micros > 0 { write!(f, ".{micros:06}") } else { Ok(()) }
    }
}

impl Calendar {
    /// Reads a calendar's CF name, ignoring case; `None` where it is not one of CF's.
    pub fn parse(text: &str) -> Option<Calendar> {
        match text.trim().to_ascii_lowercase().as_str() {
            "standard" | "gregorian" => Some(Calendar::Standard),
            "proleptic_gregorian" => Some(Calendar::ProlepticGregorian),
            "julian" => Some(Calendar::Julian),
            "noleap" | "365_day" => Some(Calendar::NoLeap),
            "all_leap" | "366_day" => Some(Calendar::AllLeap),
            "360_day" => Some(Calendar::Day360),
            _ => None,
        }
    }

    /// Its CF name.
    pub fn name(self) -> &'static str {
        match self {
            Calendar::Standard => "standard",
            Calendar::ProlepticGregorian => "proleptic_gregorian",
            Calendar::Julian => "julian",
            Calendar::NoLeap => "noleap",
            Calendar::AllLeap => "all_leap",
            Calendar::Day360 => "360_day",
        }
    }

    /// Do its dates stand for real days?
    pub fn is_real(self) -> bool {
        matches!(self, Calendar::Standard | Calendar::ProlepticGregorian | Calendar::Julian)
    }

    /// Days of month `month` (1..=12) of `year`.
    fn month_length(self, year: i64, month: u8) -> u8 {
        let leap = match self {
            Calendar::Standard if year > 1582 => gregorian_leap(year),
            Calendar::ProlepticGregorian => gregorian_leap(year),
            Calendar::Standard | Calendar::Julian => julian_year(year).rem_euclid(4) == 0,
            Calendar::NoLeap => false,
            Calendar::AllLeap => true,
            Calendar::Day360 => return 30,
        };
        match month {
            2 => 28 + u8::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    /// The number of a date's day, or `None` where the calendar has no such date. For the real
    /// calendars it counts days since 1970-01-01 (Gregorian), for the others days of that calendar
    /// since its 0000-01-01.
    pub fn day_number(self, year: i64, month: u8, day: u8) -> Option<i64> {
        let no_year_zero = matches!(self, Calendar::Standard | Calendar::Julian);
        if !(-5_000_000..=5_000_000).contains(&year) || (no_year_zero && year == 0) || !(1..=12).contains(&month) {
            return None;
        }
        if day < 1 || day > self.month_length(year, month) {
            return None;
        }
        let before = |lengths: [i64; 12]| lengths[..usize::from(month) - 1].iter().sum::<i64>() + i64::from(day) - 1;
        match self {
            Calendar::ProlepticGregorian => Some(gregorian_number(year, month, day)),
            Calendar::Julian => Some(julian_number(year, month, day)),
            Calendar::Standard => match (year, month, day) {
                (1582, 10, 5..=14) => None,
                date if date < (1582, 10, 15) => Some(julian_number(year, month, day)),
                _ => Some(gregorian_number(year, month, day)),
            },
            Calendar::NoLeap => Some(year * 365 + before([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])),
            Calendar::AllLeap => Some(year * 366 + before([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])),
            Calendar::Day360 => Some(year * 360 + before([30; 12])),
        }
    }

    /// The date of a day number: `(year, month, day)`. The inverse of [`Calendar::day_number`].
    pub fn date(self, number: i64) -> (i64, u8, u8) {
        match self {
            Calendar::ProlepticGregorian => gregorian_date(number),
            Calendar::Julian => julian_date(number),
            Calendar::Standard if number < GREGORIAN_REFORM => julian_date(number),
            Calendar::Standard => gregorian_date(number),
            Calendar::NoLeap | Calendar::AllLeap | Calendar::Day360 => {
                let length = match self {
                    Calendar::NoLeap => 365,
                    Calendar::AllLeap => 366,
                    _ => 360,
                };
                let year = number.div_euclid(length);
                let mut left = number.rem_euclid(length);
                let mut month = 1;
                while left >= i64::from(self.month_length(year, month)) {
                    left -= i64::from(self.month_length(year, month));
                    month += 1;
                }
                (year, month, left as u8 + 1)
            }
        }
    }
}

fn gregorian_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

/// The Julian calendar has no year 0: year -1 is the astronomers' year 0.
fn julian_year(year: i64) -> i64 {
    if year < 0 { year + 1 } else { year }
}

/// Days since 0000-03-01 for a year that begins in March: the leap day is then its last.
fn day_of_march_year(month: u8, day: u8) -> i64 {
    let month = i64::from(month);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    (153 * shifted + 2) / 5 + i64::from(day) - 1
}

fn month_and_day(day_of_march_year: i64) -> (u8, u8) {
    let shifted = (5 * day_of_march_year + 2) / 153;
    let day = day_of_march_year - (153 * shifted + 2) / 5 + 1;
    (if shifted < 10 { shifted + 3 } else { shifted - 9 } as u8, day as u8)
}

/// Days since 1970-01-01; the eras of 400 years have 146 097 days.
fn gregorian_number(year: i64, month: u8, day: u8) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_march_year(month, day) - 719_468
}

fn gregorian_date(number: i64) -> (i64, u8, u8) {
    let shifted = number + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let (month, day) = month_and_day(of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100));
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// Days since 1970-01-01 (Gregorian); every four years have 1461 days. 0000-03-01 Julian is two days
/// before 0000-03-01 Gregorian.
fn julian_number(year: i64, month: u8, day: u8) -> i64 {
    let year = julian_year(year) - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(4), year.rem_euclid(4));
    era * 1461 + of_era * 365 + day_of_march_year(month, day) - 719_470
}

fn julian_date(number: i64) -> (i64, u8, u8) {
    let shifted = number + 719_470;
    let (era, of_era) = (shifted.div_euclid(1461), shifted.rem_euclid(1461));
    let year_of_era = (of_era - of_era / 1460) / 365;
    let (month, day) = month_and_day(of_era - 365 * year_of_era);
    let year = era * 4 + year_of_era + i64::from(month <= 2);
    (if year <= 0 { year - 1 } else { year }, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_days() {
        // Julian day numbers 2299160 and 2299161 minus 2440588 (1970-01-01)
        assert_eq!(Calendar::Standard.day_number(1582, 10, 4), Some(-141_428));
        assert_eq!(Calendar::Standard.day_number(1582, 10, 15), Some(GREGORIAN_REFORM));
        assert_eq!(Calendar::Standard.day_number(1582, 10, 10), None);
        assert_eq!(Calendar::ProlepticGregorian.day_number(1970, 1, 1), Some(0));
        // Julian day number 0 is 1 January 4713 BC in the Julian calendar
        assert_eq!(Calendar::Julian.day_number(-4713, 1, 1), Some(-2_440_588));
        assert_eq!(Calendar::Standard.day_number(0, 1, 1), None);
        // Julian 29 February 1900 is Gregorian 13 March 1900: 1900-01-01 is day -25567, 31 + 28 + 12 days later
        assert_eq!(Calendar::Julian.day_number(1900, 2, 29), Some(-25_496));
        assert_eq!(Calendar::NoLeap.day_number(2000, 2, 29), None);
        assert_eq!(Calendar::Day360.day_number(2000, 2, 30), Some(2000 * 360 + 59));
    }

    proptest! {
        #[test]
        fn every_day_has_one_date_and_follows_the_day_before(number in -2_000_000i64..2_000_000) {
            for calendar in [Calendar::Standard, Calendar::ProlepticGregorian, Calendar::Julian,
                             Calendar::NoLeap, Calendar::AllLeap, Calendar::Day360] {
                let (year, month, day) = calendar.date(number);
                prop_assert_eq!(calendar.day_number(year, month, day), Some(number));
                prop_assert!(calendar.date(number + 1) > (year, month, day));
            }
        }
    }
}
