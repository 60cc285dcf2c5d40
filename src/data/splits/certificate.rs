//! [`LeakageCertificate`]: the proof, made by looking at every pair of dates and boxes, that nothing of test or
//! validation is in train.

use std::fmt;

use serde::Serialize;

use super::split::{Buffer, Split};
use crate::base::hash::sha256_parts;
use crate::data::{DataError, DataResult};

/// Says that a split does not leak. There is no other way to get one than [`LeakageCertificate::issue`], so that
/// what asks for one can rely on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeakageCertificate {
    hash: String,
    statement: String,
}

impl LeakageCertificate {
    /// Looks for a leak, and certifies that there is none: train, validation and test are pairwise apart by
    /// `buffer`, and so is what the normalisation statistics were computed from (`normalisation`) from
    /// validation and test.
    ///
    /// Two samples are apart if more than `buffer.days` days lie between their dates, or if their boxes, one
    /// widened by `buffer.cells`, do not overlap. A method that looks at several days at once needs a buffer
    /// that covers its window too.
    ///
    /// # Errors
    /// [`DataError::Content`] names the first pair of dates that are too close, or the part without dates.
    pub fn issue(
        train: &Split,
        validation: &Split,
        test: &Split,
        normalisation: &Split,
        buffer: Buffer,
    ) -> DataResult<LeakageCertificate> {
        let named = [("train", train), ("validation", validation), ("test", test), ("normalisation", normalisation)];
        if let Some((name, _)) = named.iter().find(|(_, split)| split.dates.is_empty()) {
            return refuse(format!("{name} has no date, so there is nothing to certify"));
        }
        for (a, b) in [(0, 1), (0, 2), (1, 2), (3, 1), (3, 2)] {
            let ((name, split), (other_name, other)) = (named[a], named[b]);
            if let Some((date, other_date)) = split.closest_conflict(other, buffer) {
                return refuse(format!(
                    "{date} of {name} and {other_date} of {other_name} are closer than the buffer of {} days and {} cells",
                    buffer.days, buffer.cells
                ));
            }
        }
        let texts = named.map(|(name, split)| (name, describe(split)));
        let buffer_text = format!("{} days, {} cells", buffer.days, buffer.cells);
        let parts = texts.iter().map(|(name, text)| (*name, text.as_bytes()));
        let hash = sha256_parts(parts.chain([("buffer", buffer_text.as_bytes())]));
        let summary = |split: &Split| {
            let (first, last) = (split.dates.iter().min(), split.dates.iter().max());
            let span = first.zip(last).map_or(String::new(), |(a, b)| format!(" from {a} to {b}"));
            let place = if split.boxes.is_empty() { "the whole region".into() } else { format!("{} boxes", split.boxes.len()) };
            format!("{} dates{span} in {place}", split.dates.len())
        };
        let statement = format!(
            "No date and box of validation or test, widened by {buffer_text}, is in train or in the inputs of the normalisation \
             statistics, and validation and test are apart as well. Train: {}; validation: {}; test: {}; normalisation: {}. \
             Certificate {}.",
            summary(train),
            summary(validation),
            summary(test),
            summary(normalisation),
            &hash[..16]
        );
        Ok(LeakageCertificate { hash, statement })
    }

    /// SHA-256 over every date, box and buffer: equal hashes, equal splits.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The certificate in plain words.
    pub fn statement(&self) -> &str {
        &self.statement
    }
}

impl fmt::Display for LeakageCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.statement)
    }
}

/// Every date and box as text, in an order that does not depend on the order given.
fn describe(split: &Split) -> String {
    let (mut dates, mut boxes) = (split.dates.clone(), split.boxes.clone());
    dates.sort_unstable();
    boxes.sort_unstable();
    format!("{dates:?} {boxes:?}")
}

fn refuse<T>(problem: String) -> DataResult<T> {
    Err(DataError::Content { what: "leakage certificate refused".into(), problem })
}

#[cfg(test)]
mod tests {
    use super::super::split::{Part, RegionBox};
    use super::*;
    use chrono::{Days, NaiveDate};

    fn split(part: Part, days: std::ops::Range<u64>) -> Split {
        let first = NaiveDate::from_ymd_opt(2020, 1, 1).unwrap();
        Split { part, dates: days.map(|day| first + Days::new(day)).collect(), boxes: vec![] }
    }

    const BUFFER: Buffer = Buffer { days: 5, cells: 8 };

    #[test]
    fn statistics_that_saw_the_test_are_a_leak() {
        let (train, validation, test) = (split(Part::Train, 0..10), split(Part::Validation, 15..20), split(Part::Test, 25..30));
        let good = LeakageCertificate::issue(&train, &validation, &test, &train, BUFFER).unwrap();
        assert!(good.statement().contains("10 dates from 2020-01-01 to 2020-01-10"), "{good}");
        let all = split(Part::Train, 0..30);
        let sentence = LeakageCertificate::issue(&train, &validation, &test, &all, BUFFER).unwrap_err().to_string();
        assert!(sentence.contains("normalisation"), "{sentence}");
    }

    #[test]
    fn the_hash_knows_the_split_but_not_its_order() {
        let issue = |train: &Split, buffer: Buffer| {
            let (validation, test) = (split(Part::Validation, 30..35), split(Part::Test, 50..60));
            LeakageCertificate::issue(train, &validation, &test, train, buffer).unwrap().hash().to_string()
        };
        let train = split(Part::Train, 0..10);
        let mut turned = train.clone();
        turned.dates.reverse();
        assert_eq!(issue(&train, BUFFER), issue(&turned, BUFFER));
        assert_ne!(issue(&train, BUFFER), issue(&split(Part::Train, 0..11), BUFFER));
        assert_ne!(issue(&train, BUFFER), issue(&train, Buffer { days: 4, cells: 8 }));
    }

    #[test]
    fn regions_apart_may_share_dates() {
        let in_box =
            |part, rows: std::ops::Range<usize>| Split { boxes: vec![RegionBox::new(rows, 0..40).unwrap()], ..split(part, 0..9) };
        let (train, validation, test) =
            (in_box(Part::Train, 0..30), in_box(Part::Validation, 38..50), in_box(Part::Test, 58..70));
        assert!(LeakageCertificate::issue(&train, &validation, &test, &train, BUFFER).is_ok());
        assert!(LeakageCertificate::issue(&train, &in_box(Part::Validation, 37..50), &test, &train, BUFFER).is_err());
        let nothing = Split { dates: vec![], ..test.clone() };
        assert!(LeakageCertificate::issue(&train, &validation, &nothing, &train, BUFFER).is_err());
    }

    proptest::proptest! {
        /// Whatever the blocks: a certificate exists exactly where a day-by-day search finds no leak.
        #[test]
        fn issued_exactly_where_there_is_no_leak(a in 0u64..40, b in 0u64..40, c in 0u64..40, length in 1u64..6, days in 0usize..6) {
            let splits = [split(Part::Train, a..a + length), split(Part::Validation, b..b + length), split(Part::Test, c..c + length)];
            let leak = [(0, 1), (0, 2), (1, 2)].iter().any(|(p, q)| {
                splits[*p].dates.iter().any(|x| splits[*q].dates.iter().any(|y| (*x - *y).num_days().unsigned_abs() as usize <= days))
            });
            let issued = LeakageCertificate::issue(&splits[0], &splits[1], &splits[2], &splits[0], Buffer { days, cells: 0 });
            proptest::prop_assert_eq!(issued.is_ok(), !leak);
        }
    }
}
