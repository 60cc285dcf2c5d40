//! [`SplitPlan`]: a stretch of days cut into blocks with buffers between them.

use std::ops::Range;

use chrono::{Days, NaiveDate};

use super::calendar::calendar;
use super::certificate::LeakageCertificate;
use super::split::{Buffer, Part, RegionBox, Split};
use crate::data::{DataError, DataResult};

/// Consecutive days of one part, counted from the plan's first day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What the days are for.
    pub part: Part,
    /// The days, from (inclusive) to (exclusive).
    pub days: Range<usize>,
}

/// Which days (and boxes) of a series are for training, validation and test. Days in no block are buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitPlan {
    first: NaiveDate,
    days: usize,
    buffer: Buffer,
    blocks: Vec<Block>,
    boxes: Vec<(Part, RegionBox)>,
}

impl SplitPlan {
    /// A plan for `days` days from `first` on. That it does not leak is for [`SplitPlan::certify`] to say.
    ///
    /// # Errors
    /// [`DataError::Content`] where a block is empty, runs past the end or shares a day with another, or a part
    /// has no day.
    pub fn new(first: NaiveDate, days: usize, buffer: Buffer, mut blocks: Vec<Block>) -> DataResult<SplitPlan> {
        blocks.sort_by_key(|block| block.days.start);
        for block in &blocks {
            if block.days.is_empty() || block.days.end > days {
                return refuse(format!(
                    "the {} block of days {:?} does not lie within {days} days",
                    block.part.name(),
                    block.days
                ));
            }
        }
        if let Some(pair) = blocks.windows(2).find(|pair| pair[1].days.start < pair[0].days.end) {
            let (a, b) = (&pair[0], &pair[1]);
            return refuse(format!(
                "the {} block of days {:?} and the {} block of days {:?} share a day",
                a.part.name(),
                a.days,
                b.part.name(),
                b.days
            ));
        }
        if let Some(part) = Part::ALL.iter().find(|part| !blocks.iter().any(|block| block.part == **part)) {
            return refuse(format!("no day is for {}; each part wants at least one", part.name()));
        }
        if first.checked_add_days(Days::new(days as u64)).is_none() {
            return refuse(format!("{days} days from {first} on run past the calendar's end"));
        }
        Ok(SplitPlan { first, days, buffer, blocks, boxes: Vec::new() })
    }

    /// The plan of the synthetic ocean: of a year, days 0..240 train, 15 days of buffer, 40 of validation, 15 of
    /// buffer, and the rest test; other lengths in proportion.
    ///
    /// The buffer follows the ocean's memory: the correlation of its temperature anomalies falls from 0.9 after
    /// a day to about 0.3 after ten, and 0.2 after fifteen.
    ///
    /// # Errors
    /// [`DataError::Content`] for fewer than 10 days.
    ///
    /// # Example
    /// ```
    /// use isotherm::data::splits::{Part, SplitPlan};
    /// let first = chrono::NaiveDate::from_ymd_opt(2021, 1, 1).unwrap();
    /// let plan = SplitPlan::twin(first, 365).unwrap();
    /// assert_eq!(plan.day_ranges(Part::Test), vec![310..365]);
    /// println!("{}", plan.calendar());
    /// println!("{}", plan.certify().unwrap().statement());
    /// ```
    pub fn twin(first: NaiveDate, days: usize) -> DataResult<SplitPlan> {
        if days < 10 {
            return refuse(format!("{days} days were given; at least 10 are wanted"));
        }
        let share = |of_a_year: usize| (of_a_year * days / 365).max(1);
        let (train, buffer, validation) = (share(240), share(15), share(40));
        let validated = train + buffer + validation;
        let blocks = vec![
            Block { part: Part::Train, days: 0..train },
            Block { part: Part::Validation, days: train + buffer..validated },
            Block { part: Part::Test, days: validated + buffer..days },
        ];
        SplitPlan::new(first, days, Buffer { days: buffer, cells: 0 }, blocks)
    }

    /// The same plan with region boxes and the cells wanted between boxes of different parts. A part without a
    /// box has the whole region.
    pub fn with_boxes(mut self, buffer_cells: usize, boxes: Vec<(Part, RegionBox)>) -> SplitPlan {
        self.buffer.cells = buffer_cells;
        self.boxes = boxes;
        self
    }

    /// Days and cells that must lie between parts.
    pub fn buffer(&self) -> Buffer {
        self.buffer
    }

    /// The days of a part, counted from the first day: one range for each block.
    pub fn day_ranges(&self, part: Part) -> Vec<Range<usize>> {
        self.blocks.iter().filter(|block| block.part == part).map(|block| block.days.clone()).collect()
    }

    /// The part of a day, or `None` for a day of the buffer or beyond the end.
    pub fn part_of(&self, day: usize) -> Option<Part> {
        self.blocks.iter().find(|block| block.days.contains(&day)).map(|block| block.part)
    }

    /// The dates and boxes of a part.
    pub fn split(&self, part: Part) -> Split {
        let dates = self.day_ranges(part).into_iter().flatten().map(|day| self.first + Days::new(day as u64)).collect();
        let boxes = self.boxes.iter().filter(|(of, _)| *of == part).map(|(_, region)| *region).collect();
        Split { part, dates, boxes }
    }

    /// The calendar: one line a month, `T` train, `v` validation, `t` test, `.` buffer.
    pub fn calendar(&self) -> String {
        calendar(self.first, self.days, |day| self.part_of(day))
    }

    /// The certificate of this plan, with normalisation statistics from the training part.
    ///
    /// # Errors
    /// [`DataError::Content`] where the plan leaks.
    pub fn certify(&self) -> DataResult<LeakageCertificate> {
        let train = self.split(Part::Train);
        LeakageCertificate::issue(&train, &self.split(Part::Validation), &self.split(Part::Test), &train, self.buffer)
    }
}

fn refuse<T>(problem: String) -> DataResult<T> {
    Err(DataError::Content { what: "split plan".into(), problem })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first() -> NaiveDate {
        NaiveDate::from_ymd_opt(2021, 1, 1).unwrap()
    }

    #[test]
    fn the_year_of_the_twin() {
        let plan = SplitPlan::twin(first(), 365).unwrap();
        assert_eq!(plan.day_ranges(Part::Train), vec![0..240]);
        assert_eq!(plan.day_ranges(Part::Validation), vec![255..295]);
        assert_eq!(plan.split(Part::Test).dates.first(), NaiveDate::from_ymd_opt(2021, 11, 7).as_ref());
        assert_eq!(plan.part_of(250), None);
        assert!(plan.certify().is_ok());
    }

    #[test]
    fn blocks_that_cannot_be_are_refused() {
        let buffer = Buffer { days: 2, cells: 0 };
        let plan = |blocks: &[(Part, Range<usize>)]| {
            SplitPlan::new(
                first(),
                30,
                buffer,
                blocks.iter().map(|(part, days)| Block { part: *part, days: days.clone() }).collect(),
            )
        };
        assert!(plan(&[(Part::Train, 0..10), (Part::Validation, 12..20), (Part::Test, 22..30)]).is_ok());
        assert!(plan(&[(Part::Train, 0..10), (Part::Validation, 9..20), (Part::Test, 22..30)]).is_err());
        assert!(plan(&[(Part::Train, 0..10), (Part::Validation, 12..20), (Part::Test, 22..31)]).is_err());
        assert!(plan(&[(Part::Train, 0..10), (Part::Test, 22..30)]).is_err());
        assert!(SplitPlan::twin(first(), 9).is_err());
    }

    #[test]
    fn a_plan_with_too_little_buffer_gets_no_certificate() {
        let blocks = vec![
            Block { part: Part::Train, days: 0..10 },
            Block { part: Part::Validation, days: 11..20 },
            Block { part: Part::Test, days: 22..30 },
        ];
        let plan = SplitPlan::new(first(), 30, Buffer { days: 2, cells: 0 }, blocks).unwrap();
        let sentence = plan.certify().unwrap_err().to_string();
        assert!(sentence.contains("2021-01-10") && sentence.contains("2021-01-12"), "{sentence}");
    }

    proptest::proptest! {
        #[test]
        fn every_twin_plan_is_free_of_leaks(days in 10usize..800) {
            let plan = SplitPlan::twin(first(), days).unwrap();
            proptest::prop_assert!(plan.certify().is_ok());
            let buffer = plan.buffer().days;
            for day in 0..days {
                for other in day..(day + buffer + 1).min(days) {
                    if let (Some(a), Some(b)) = (plan.part_of(day), plan.part_of(other)) {
                        proptest::prop_assert_eq!(a, b);
                    }
                }
            }
        }
    }
}
