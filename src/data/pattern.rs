//! URL patterns: `{YYYY}{MM}{DD}` and other placeholders filled in, query strings percent-encoded.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};

use super::access::{Segment, Step};

/// Fills the placeholders of `pattern`: `{YYYY}`, `{MM}`, `{DD}`, `{DOY}` from `day`, `{segment}` from
/// `segments`, every other `{name}` from `parameters`.
///
/// # Errors
/// A sentence that names the placeholder without a value.
pub(super) fn fill(
    pattern: &str,
    day: Option<NaiveDate>,
    segments: &[Segment],
    parameters: &BTreeMap<String, String>,
) -> Result<String, String> {
    let mut text = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some(open) = rest.find('{') {
        let Some(length) = rest[open..].find('}') else {
            return Err(format!("the pattern '{pattern}' has a '{{' without its '}}'; correct the manifest"));
        };
        text.push_str(&rest[..open]);
        let name = &rest[open + 1..open + length];
        text.push_str(&value_of(name, day, segments, parameters)?);
        rest = &rest[open + length + 1..];
    }
    text.push_str(rest);
    Ok(text)
}

fn value_of(
    name: &str,
    day: Option<NaiveDate>,
    segments: &[Segment],
    parameters: &BTreeMap<String, String>,
) -> Result<String, String> {
    let dated = |f: fn(NaiveDate) -> String| {
        day.map(f).ok_or_else(|| "this product has one file per date: give a period with --from DAY --to DAY".to_string())
    };
    match name {
        "YYYY" => dated(|d| format!("{:04}", d.year())),
        "MM" => dated(|d| format!("{:02}", d.month())),
        "DD" => dated(|d| format!("{:02}", d.day())),
        "DOY" => dated(|d| format!("{:03}", d.ordinal())),
        "segment" => segments
            .iter()
            .filter(|s| s.from <= day)
            .max_by_key(|s| s.from)
            .map(|s| s.value.clone())
            .ok_or_else(|| "no segment of the manifest begins on or before that day".to_string()),
        other => parameters
            .get(other)
            .map(|value| encode(value, ""))
            .ok_or_else(|| format!("the address needs a {other}: give it with --set {other}=VALUE")),
    }
}

/// The first days of the files that cover `from..=to`.
pub(super) fn days(step: Step, from: NaiveDate, to: NaiveDate) -> Vec<NaiveDate> {
    let key = |d: &NaiveDate| match step {
        Step::Day => (d.year(), d.ordinal()),
        Step::Month => (d.year(), d.month()),
        Step::Year => (d.year(), 0),
        Step::Once => (0, 0),
    };
    let mut days: Vec<NaiveDate> = from.iter_days().take_while(|d| *d <= to).collect();
    days.dedup_by_key(|d| key(d));
    days
}

/// Percent-encodes what may not stand in a query, sparing letters, digits, `-_.~` and the bytes of `keep`.
pub(super) fn encode(text: &str, keep: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || keep.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

/// Percent-encodes a constraint of ERDDAP or OPeNDAP: brackets go, the signs of the syntax stay.
pub(super) fn encode_constraint(text: &str) -> String {
    encode(text, "(),:=&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    #[test]
    fn placeholders_of_date_segment_and_parameter() {
        let segment = |y, value: &str| Segment { from: Some(day(y, 1, 1)), value: value.into(), verified: true };
        let segments = [segment(2011, "400"), segment(1992, "200"), segment(2001, "300")];
        let parameters = BTreeMap::from([("station".to_string(), "46 042".to_string())]);
        let filled = fill("a/{YYYY}{MM}/{segment}.{DD}.{DOY}/{station}h", Some(day(2008, 3, 5)), &segments, &parameters);
        // 31 + 29 + 5 = day 65 of the leap year
        assert_eq!(filled.unwrap(), "a/200803/300.05.065/46%20042h");
        assert!(fill("{segment}", Some(day(1980, 1, 1)), &segments, &parameters).is_err());
        assert!(fill("{key}", None, &[], &parameters).unwrap_err().contains("--set key="));
        assert!(fill("{YYYY}", None, &[], &parameters).unwrap_err().contains("--from"));
        assert!(fill("{YYYY", None, &[], &parameters).unwrap_err().contains("without"));
    }

    #[test]
    fn files_of_a_period() {
        let (from, to) = (day(2019, 12, 30), day(2020, 2, 1));
        assert_eq!(days(Step::Day, from, to).len(), 34);
        assert_eq!(days(Step::Month, from, to), vec![from, day(2020, 1, 1), day(2020, 2, 1)]);
        assert_eq!(days(Step::Year, from, to), vec![from, day(2020, 1, 1)]);
        assert_eq!(days(Step::Once, from, to), vec![from]);
        assert!(days(Step::Day, to, from).is_empty());
    }

    #[test]
    fn constraints_are_encoded() {
        assert_eq!(encode_constraint("sst[(2019-01-01T12:00:00Z)]"), "sst%5B(2019-01-01T12:00:00Z)%5D");
        assert_eq!(encode("é%", ""), "%C3%A9%25");
    }
}
