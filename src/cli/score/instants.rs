//! The instants that several files have in common.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use chrono::NaiveDate;

use crate::grid::{TimeAxis, instant};

/// The instants of one file.
pub(super) struct Instants<'a> {
    /// `the truth`, `the prediction`, ...
    pub label: &'a str,
    pub frames: usize,
    /// `None` where the file states none.
    pub times: Option<&'a TimeAxis>,
}

/// One instant that every file has.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Moment {
    /// The day (UTC); `None` where no file states a time.
    pub date: Option<NaiveDate>,
    /// Seconds since 1970 in the first file that states them.
    pub seconds: Option<f64>,
    /// The frame in each file.
    pub frames: Vec<usize>,
}

/// Common instants, and the rule that brought them together.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Common {
    pub moments: Vec<Moment>,
    pub rule: &'static str,
}

/// Brings the instants of files together: by the calendar day where no file has two on one day, else to the second.
/// Single frames without a time match each other.
///
/// # Errors
/// One sentence: nothing in common, with the periods found, or a file of several frames that states no time.
pub(super) fn common_instants(files: &[Instants<'_>]) -> anyhow::Result<Common> {
    if files.iter().all(|f| f.frames == 1) && files.iter().any(|f| f.times.is_none()) {
        let stated = files.iter().find_map(|f| f.times).and_then(|t| t.seconds().first().copied());
        let date = stated.and_then(instant).map(|t| t.date_naive());
        let moment = Moment { date, seconds: stated, frames: vec![0; files.len()] };
        return Ok(Common { moments: vec![moment], rule: "the only instant of each file, of which one states no time" });
    }
    let mut axes = Vec::new();
    for file in files {
        match file.times {
            Some(times) => axes.push(times),
            None => {
                bail!("{} states no time, so its {} frames cannot be matched; add a time coordinate", file.label, file.frames)
            }
        }
    }
    let days: Vec<Vec<i64>> = axes.iter().map(|t| t.seconds().iter().map(|s| day_of(*s)).collect()).collect();
    let daily = days.iter().all(|d| d.iter().collect::<BTreeSet<_>>().len() == d.len());
    let keys: Vec<Vec<i64>> = match daily {
        true => days,
        false => axes.iter().map(|t| t.seconds().iter().map(|s| s.round() as i64).collect()).collect(),
    };
    let others: Vec<BTreeMap<i64, usize>> =
        keys[1..].iter().map(|k| k.iter().enumerate().map(|(i, key)| (*key, i)).collect()).collect();
    let mut moments = Vec::new();
    for (i, key) in keys[0].iter().enumerate() {
        let found: Option<Vec<usize>> = others.iter().map(|o| o.get(key).copied()).collect();
        if let Some(found) = found {
            let seconds = axes[0].seconds()[i];
            let frames = std::iter::once(i).chain(found).collect();
            moments.push(Moment { date: instant(seconds).map(|t| t.date_naive()), seconds: Some(seconds), frames });
        }
    }
    if moments.is_empty() {
        let periods: Vec<String> = files.iter().zip(&axes).map(|(f, t)| format!("{} has {}", f.label, period(t))).collect();
        bail!("no overlap in time: {}; check the dates of the files", periods.join(", "));
    }
    Ok(Common { moments, rule: if daily { "by calendar day (UTC)" } else { "to the second" } })
}

fn day_of(seconds: f64) -> i64 {
    (seconds / crate::grid::SECONDS_PER_DAY).floor() as i64
}

fn period(times: &TimeAxis) -> String {
    let word = |i: usize| times.date(i).map_or("an unknown date".into(), |d| d.to_string());
    match times.len() {
        1 => word(0),
        n => format!("{n} instants from {} to {}", word(0), word(n - 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(hours: &[f64]) -> TimeAxis {
        TimeAxis::from_seconds(hours.iter().map(|h| h * 3600.0).collect()).unwrap()
    }

    fn common(axes: &[&TimeAxis]) -> anyhow::Result<Common> {
        let labels = ["the truth", "the prediction", "the reference"];
        let files: Vec<Instants<'_>> =
            axes.iter().zip(labels).map(|(t, label)| Instants { label, frames: t.len(), times: Some(t) }).collect();
        common_instants(&files)
    }

    #[test]
    fn days_match_whatever_the_hour() {
        let found = common(&[&axis(&[0.0, 24.0, 48.0]), &axis(&[36.0, 60.0, 84.0]), &axis(&[30.0, 49.0])]).unwrap();
        let frames: Vec<Vec<usize>> = found.moments.iter().map(|m| m.frames.clone()).collect();
        assert_eq!(frames, [[1, 0, 0], [2, 1, 1]]);
        assert_eq!(found.moments[0].date.unwrap().to_string(), "1970-01-02");
        assert!(found.rule.contains("day"));
    }

    #[test]
    fn several_instants_a_day_match_to_the_second() {
        let found = common(&[&axis(&[0.0, 6.0, 12.0]), &axis(&[6.0, 18.0])]).unwrap();
        assert_eq!(found.moments.len(), 1);
        assert_eq!((found.moments[0].frames.as_slice(), found.rule), (&[1, 0][..], "to the second"));
    }

    #[test]
    fn no_common_day_is_told_with_the_periods() {
        let sentence = common(&[&axis(&[0.0, 24.0]), &axis(&[240.0])]).unwrap_err().to_string();
        assert!(sentence.contains("2 instants from 1970-01-01 to 1970-01-02") && sentence.contains("1970-01-11"), "{sentence}");
    }

    #[test]
    fn frames_without_a_time() {
        let one = axis(&[24.0]);
        let with = |frames: usize| {
            common_instants(&[
                Instants { label: "the truth", frames: 1, times: Some(&one) },
                Instants { label: "the prediction", frames, times: None },
            ])
        };
        assert_eq!(with(1).unwrap().moments[0].date.unwrap().to_string(), "1970-01-02");
        assert!(with(2).unwrap_err().to_string().contains("the prediction states no time"));
    }
}
