//! [`Split`]: which dates and boxes belong to one part, and when two parts are too close.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::data::{DataError, DataResult};

/// What a part of the data is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Weights and normalisation statistics are fitted to it.
    Train,
    /// Checkpoints and settings are chosen by it.
    Validation,
    /// Looked at once, for the tables.
    Test,
}

impl Part {
    /// All parts.
    pub const ALL: [Part; 3] = [Part::Train, Part::Validation, Part::Test];

    /// The word in tables: `train`, `validation`, `test`.
    pub fn name(self) -> &'static str {
        match self {
            Part::Train => "train",
            Part::Validation => "validation",
            Part::Test => "test",
        }
    }

    /// The mark in calendars: `T`, `v`, `t`.
    pub fn mark(self) -> char {
        match self {
            Part::Train => 'T',
            Part::Validation => 'v',
            Part::Test => 't',
        }
    }
}

/// A box of grid cells: rows and columns from (inclusive) to (exclusive).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RegionBox {
    /// First row and the one after the last.
    pub rows: (usize, usize),
    /// First column and the one after the last.
    pub columns: (usize, usize),
}

impl RegionBox {
    /// A box that holds at least one cell.
    ///
    /// # Errors
    /// [`DataError::Content`] for an empty box.
    pub fn new(rows: std::ops::Range<usize>, columns: std::ops::Range<usize>) -> DataResult<RegionBox> {
        if rows.is_empty() || columns.is_empty() {
            return Err(DataError::Content {
                what: "region box".into(),
                problem: format!("rows {rows:?} and columns {columns:?} hold no cell; at least one is wanted"),
            });
        }
        Ok(RegionBox { rows: (rows.start, rows.end), columns: (columns.start, columns.end) })
    }

    /// Does this box, widened by `cells` on every side, share a cell with `other`?
    pub fn near(&self, other: &RegionBox, cells: usize) -> bool {
        let meet = |a: (usize, usize), b: (usize, usize)| a.0 < b.1 + cells && b.0 < a.1 + cells;
        meet(self.rows, other.rows) && meet(self.columns, other.columns)
    }
}

/// How far apart two parts must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buffer {
    /// Days left unused between two parts.
    pub days: usize,
    /// Cells left unused between two parts.
    pub cells: usize,
}

/// The dates and boxes of one part. Every date is taken in every box; no box at all means the whole region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// What it is for.
    pub part: Part,
    /// Its dates, ascending.
    pub dates: Vec<NaiveDate>,
    /// Its boxes; none means everywhere.
    pub boxes: Vec<RegionBox>,
}

impl Split {
    /// The first pair of a date here and a date there that are closer than `buffer` while the boxes are too, or
    /// `None` where the two parts are well apart.
    ///
    /// Two samples are apart if they are apart in time *or* in space.
    pub fn closest_conflict(&self, other: &Split, buffer: Buffer) -> Option<(NaiveDate, NaiveDate)> {
        let everywhere = self.boxes.is_empty() || other.boxes.is_empty();
        let near = everywhere || self.boxes.iter().any(|a| other.boxes.iter().any(|b| a.near(b, buffer.cells)));
        if !near {
            return None;
        }
        let mut theirs = other.dates.clone();
        theirs.sort_unstable();
        self.dates.iter().find_map(|date| {
            // The nearest date there is the one just before or just after.
            let after = theirs.partition_point(|other| other < date);
            let neighbours = [after.checked_sub(1), Some(after)].into_iter().flatten().filter_map(|i| theirs.get(i));
            let distance = |other: &NaiveDate| (*other - *date).num_days().unsigned_abs() as usize;
            neighbours
                .min_by_key(|other| distance(other))
                .filter(|other| distance(other) <= buffer.days)
                .map(|other| (*date, *other))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: u64) -> NaiveDate {
        NaiveDate::default() + chrono::Days::new(number)
    }

    fn split(part: Part, days: &[u64], boxes: &[RegionBox]) -> Split {
        Split { part, dates: days.iter().map(|d| day(*d)).collect(), boxes: boxes.to_vec() }
    }

    #[test]
    fn boxes_near_each_other() {
        let a = RegionBox::new(0..10, 0..10).unwrap();
        // Two cells, 10 and 11, lie between.
        let b = RegionBox::new(12..20, 0..10).unwrap();
        assert!(!a.near(&b, 2) && a.near(&b, 3) && b.near(&a, 3));
        // Overlap in rows alone is none.
        assert!(!a.near(&RegionBox::new(0..10, 50..60).unwrap(), 5));
        assert!(RegionBox::new(3..3, 0..1).is_err());
    }

    #[test]
    fn apart_in_time_or_in_space() {
        let (west, east) = (RegionBox::new(0..9, 0..10).unwrap(), RegionBox::new(0..9, 20..30).unwrap());
        let buffer = Buffer { days: 3, cells: 8 };
        let train = split(Part::Train, &[1, 2, 3], &[west]);
        assert_eq!(train.closest_conflict(&split(Part::Test, &[6, 7], &[west]), buffer), Some((day(3), day(6))));
        assert_eq!(train.closest_conflict(&split(Part::Test, &[7, 8], &[west]), buffer), None);
        assert_eq!(train.closest_conflict(&split(Part::Test, &[2], &[east]), buffer), None);
        assert_eq!(
            train.closest_conflict(&split(Part::Test, &[2], &[east]), Buffer { days: 3, cells: 11 }),
            Some((day(1), day(2)))
        );
        // No box is the whole region.
        assert!(train.closest_conflict(&split(Part::Test, &[2], &[]), buffer).is_some());
    }

    proptest::proptest! {
        #[test]
        fn as_brute_force(mine in proptest::collection::vec(0u64..60, 0..12), theirs in proptest::collection::vec(0u64..60, 0..12), days in 0usize..9) {
            let (a, b) = (split(Part::Train, &mine, &[]), split(Part::Test, &theirs, &[]));
            let slow = mine.iter().any(|x| theirs.iter().any(|y| x.abs_diff(*y) as usize <= days));
            proptest::prop_assert_eq!(a.closest_conflict(&b, Buffer { days, cells: 0 }).is_some(), slow);
        }
    }
}
