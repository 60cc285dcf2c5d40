//! [`TimeUnits`]: "days since 1981-01-01" in a calendar, to dates and to seconds since 1970, and back.

use super::calendar::{Calendar, CalendarTime, MICROSECONDS_PER_DAY};
use super::error::{CfError, CfResult};

/// The units of a time coordinate: a step, a reference date and a calendar.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeUnits {
    text: String,
    calendar: Calendar,
    /// Microseconds of one unit.
    step: i128,
    /// Microseconds from the calendar's day 0 to the reference date, in UTC.
    reference: i128,
}

impl TimeUnits {
    /// Reads `UNIT since DATE [TIME] [ZONE]` with units from microseconds to days, a `T` or a space
    /// before the time, and a zone of `Z`, `UTC` or `±hh[:mm]`. An empty calendar is `standard`.
    ///
    /// "months since" is taken only in the 360-day calendar, where a month is 30 days (as cftime
    /// does), "years since" never: their length varies.
    ///
    /// # Errors
    /// [`CfError::Time`].
    ///
    /// # Example
    /// ```
    /// use isotherm::cf::TimeUnits;
    /// let units = TimeUnits::parse("days since 1981-01-01 00:00:00", "gregorian").unwrap();
    /// assert_eq!(units.date(13_888.5).unwrap().to_string(), "2019-01-10 12:00:00");
    /// assert_eq!(units.seconds(0.0).unwrap(), 347_155_200.0); // 1981-01-01 is 4018 days after 1970-01-01
    /// ```
    pub fn parse(text: &str, calendar: &str) -> CfResult<TimeUnits> {
        let fail = |problem: &str| {
            Err(CfError::Time { units: text.to_string(), calendar: calendar.to_string(), problem: problem.to_string() })
        };
        let name = if calendar.trim().is_empty() { "standard" } else { calendar };
        let Some(calendar_found) = Calendar::parse(name) else {
            return fail("this calendar is not known; wanted standard, proleptic_gregorian, julian, noleap, all_leap or 360_day");
        };
        let lower = text.trim().to_ascii_lowercase();
        let mut words = lower.split_whitespace();
        let (Some(unit), Some("since")) = (words.next(), words.next()) else {
            return fail("wanted the form 'days since 1981-01-01 00:00:00'");
        };
        let step = match unit {
            "microsecond" | "microseconds" | "microsec" | "microsecs" => 1,
            "millisecond" | "milliseconds" | "millisec" | "millisecs" | "msec" | "msecs" | "ms" => 1_000,
            "second" | "seconds" | "sec" | "secs" | "s" => 1_000_000,
            "minute" | "minutes" | "min" | "mins" => 60_000_000,
            "hour" | "hours" | "hr" | "hrs" | "h" => 3_600_000_000,
            "day" | "days" | "d" => MICROSECONDS_PER_DAY,
            "month" | "months" if calendar_found == Calendar::Day360 => 30 * MICROSECONDS_PER_DAY,
            "month" | "months" | "year" | "years" | "common_year" | "common_years" => {
                return fail("months and years differ in length, so they cannot be counted; wanted days or shorter");
            }
            _ => return fail("the unit is not known; wanted days, hours, minutes, seconds or parts of seconds"),
        };
        let rest = words.collect::<Vec<_>>().join(" ");
        let Some(reference) = reference(&rest, calendar_found) else {
            return fail("the reference date is not one of this calendar; wanted for instance '1981-01-01 00:00:00'");
        };
        Ok(TimeUnits { text: text.to_string(), calendar: calendar_found, step, reference })
    }

    /// The units as text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The calendar.
    pub fn calendar(&self) -> Calendar {
        self.calendar
    }

    fn fail<T>(&self, problem: String) -> CfResult<T> {
        Err(CfError::Time { units: self.text.clone(), calendar: self.calendar.name().into(), problem })
    }

    /// Microseconds from the calendar's day 0, to the nearest; whole units are exact at any size.
    fn microseconds(&self, value: f64) -> CfResult<i128> {
        if !value.is_finite() || value.abs() > 1e18 {
            return self.fail(format!("the value {value} is not a time"));
        }
        let whole = value.floor();
        let part = ((value - whole) * self.step as f64).round() as i128;
        let total = self.reference + whole as i128 * self.step + part;
        // a million years either way
        if total.abs() > 366_000_000 * MICROSECONDS_PER_DAY {
            return self.fail(format!("the value {value} lies more than a million years away"));
        }
        Ok(total)
    }

    /// The date and time of a coordinate value, in UTC and in the calendar, to the microsecond.
    ///
    /// # Errors
    /// [`CfError::Time`] where the value is not finite or absurdly far.
    pub fn date(&self, value: f64) -> CfResult<CalendarTime> {
        let total = self.microseconds(value)?;
        let number = total.div_euclid(MICROSECONDS_PER_DAY) as i64;
        let (year, month, day) = self.calendar.date(number);
        Ok(CalendarTime { year, month, day, microsecond_of_day: total.rem_euclid(MICROSECONDS_PER_DAY) as i64 })
    }

    /// Seconds since 1970-01-01T00:00:00Z of a coordinate value: the time of this house.
    ///
    /// # Errors
    /// [`CfError::Time`], also for the model calendars, whose days are not those of the world.
    pub fn seconds(&self, value: f64) -> CfResult<f64> {
        if !self.calendar.is_real() {
            return self.fail("its days are not those of the real world; wanted a standard, proleptic or Julian calendar".into());
        }
        Ok(self.microseconds(value)? as f64 / 1e6)
    }

    /// The coordinate value of an instant in seconds since 1970: the inverse of [`TimeUnits::seconds`].
    ///
    /// # Errors
    /// As [`TimeUnits::seconds`].
    pub fn from_seconds(&self, seconds: f64) -> CfResult<f64> {
        if !self.calendar.is_real() {
            return self.fail("its days are not those of the real world; wanted a standard, proleptic or Julian calendar".into());
        }
        if !seconds.is_finite() || seconds.abs() > 3.2e13 {
            return self.fail(format!("{seconds} seconds since 1970 is not a time"));
        }
        let since = (seconds * 1e6).round() as i128 - self.reference;
        Ok(since.div_euclid(self.step) as f64 + since.rem_euclid(self.step) as f64 / self.step as f64)
    }

    /// The coordinate value of a date in this calendar: the inverse of [`TimeUnits::date`].
    ///
    /// # Errors
    /// [`CfError::Time`] where the calendar has no such date.
    pub fn encode(&self, date: &CalendarTime) -> CfResult<f64> {
        let Some(number) = self.calendar.day_number(date.year, date.month, date.day) else {
            return self.fail(format!("the date {date} is not one of this calendar"));
        };
        let since = i128::from(number) * MICROSECONDS_PER_DAY + i128::from(date.microsecond_of_day) - self.reference;
        Ok(since.div_euclid(self.step) as f64 + since.rem_euclid(self.step) as f64 / self.step as f64)
    }
}

/// Microseconds from the calendar's day 0 to a written date, time and zone; `None` where it is none.
fn reference(text: &str, calendar: Calendar) -> Option<i128> {
    let (date, rest) = match text.find(|c: char| c == 't' || c.is_whitespace() || c == 'z') {
        Some(at) => (&text[..at], text[at..].trim_start_matches('t').trim()),
        None => (text, ""),
    };
    let (sign, digits) = match date.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, date),
    };
    let mut parts = digits.split('-');
    let year = sign * whole(parts.next()?)?;
    let month = parts.next().map_or(Some(1), whole)?;
    let day = parts.next().map_or(Some(1), whole)?;
    if parts.next().is_some() {
        return None;
    }
    let number = calendar.day_number(year, u8::try_from(month).ok()?, u8::try_from(day).ok()?)?;
    let (clock, zone) = match rest.find(|c: char| c.is_whitespace() || matches!(c, '+' | '-' | 'z' | 'u' | 'g')) {
        Some(at) => (&rest[..at], rest[at..].trim()),
        None => (rest, ""),
    };
    let clock = clock_microseconds(clock)?;
    let offset = zone_microseconds(zone)?;
    Some(i128::from(number) * MICROSECONDS_PER_DAY + clock - offset)
}

fn whole(text: &str) -> Option<i64> {
    if text.is_empty() || text.len() > 9 || !text.bytes().all(|b| b.is_ascii_digit()) { None } else { text.parse().ok() }
}

/// `hh[:mm[:ss[.f]]]`; nothing is midnight.
fn clock_microseconds(text: &str) -> Option<i128> {
    if text.is_empty() {
        return Some(0);
    }
    let mut parts = text.split(':');
    let hour = whole(parts.next()?)?;
    let minute = parts.next().map_or(Some(0), whole)?;
    let second = parts.next().unwrap_or("0");
    let (second, fraction) = second.split_once('.').unwrap_or((second, ""));
    let second = whole(second)?;
    if !fraction.bytes().all(|b| b.is_ascii_digit()) || parts.next().is_some() {
        return None;
    }
    let micros: i64 = format!("{fraction:0<6}")[..6].parse().ok()?;
    if hour > 24 || minute > 59 || second > 60 {
        return None;
    }
    Some(i128::from(hour * 3600 + minute * 60 + second) * 1_000_000 + i128::from(micros))
}

/// `Z`, `UTC`, `GMT`, `±h`, `±hh:mm`, `±hhmm`: how far the zone is ahead of UTC; nothing is UTC.
fn zone_microseconds(text: &str) -> Option<i128> {
    if matches!(text, "" | "z" | "utc" | "gmt") {
        return Some(0);
    }
    let (sign, digits) = match text.as_bytes()[0] {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) => (whole(hours)?, whole(minutes)?),
        None if digits.len() == 4 => (whole(digits.get(..2)?)?, whole(digits.get(2..)?)?),
        None => (whole(digits)?, 0),
    };
    if hours > 18 || minutes > 59 { None } else { Some(sign * i128::from(hours * 60 + minutes) * 60_000_000) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms_of_the_reference() {
        let epoch = |text: &str| TimeUnits::parse(text, "").unwrap().seconds(0.0).unwrap();
        assert_eq!(epoch("seconds since 1970-01-01T00:00:00Z"), 0.0);
        assert_eq!(epoch("hours since 1970-1-1 00:00:0.0"), 0.0);
        assert_eq!(epoch("Days since 1970-01-01 UTC"), 0.0);
        assert_eq!(epoch("s since 1970-01-01 05:30:00 +05:30"), 0.0);
        assert_eq!(epoch("s since 1970-01-01 00:00:00.25-0100"), 3600.25);
        // cftime 1.6: date2num of 0001-01-01 in the standard calendar, days since 1970-01-01
        assert_eq!(epoch("hours since 1-1-1 00:00:00"), -719_164.0 * 86_400.0);
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        for (units, calendar) in [
            ("months since 2000-01-01", "standard"),
            ("years since 2000-01-01", "noleap"),
            ("days since 2000-02-30", "standard"),
            ("days since 1582-10-10", "standard"),
            ("days after 2000-01-01", "standard"),
            ("days since 2000-01-01 25:00", "standard"),
            ("days since yesterday", "standard"),
            ("kelvin", ""),
            ("days since 2000-01-01", "lunar"),
        ] {
            assert!(TimeUnits::parse(units, calendar).is_err(), "{units} {calendar}");
        }
        let model = TimeUnits::parse("days since 2000-01-01", "noleap").unwrap();
        assert!(model.seconds(0.0).is_err() && model.date(f64::NAN).is_err());
    }

    proptest! {
        #[test]
        fn encoding_undoes_decoding(value in -1e6f64..1e6) {
            for (text, calendar) in [("days since 1981-01-01", "standard"), ("hours since 1900-01-01 +02:00", "noleap"),
                                     ("minutes since 1582-10-15", "360_day")] {
                let units = TimeUnits::parse(text, calendar).unwrap();
                // half a microsecond in the coarsest unit (hours, minutes, days) is 1.4e-10 hours
                let back = units.encode(&units.date(value).unwrap()).unwrap();
                prop_assert!((back - value).abs() < 1e-8, "{} {} {}", text, value, back);
            }
            let units = TimeUnits::parse("seconds since 1981-01-01", "standard").unwrap();
            prop_assert!((units.from_seconds(units.seconds(value).unwrap()).unwrap() - value).abs() < 1e-6);
        }
        #[test]
        fn no_text_panics(text in "\\PC{0,30}") {
            let _ = TimeUnits::parse(&format!("days since {text}"), "standard");
        }
    }
}
