//! Which days are learnt from, chosen by and scored on.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::calendar::Calendar;
use crate::base::random::Random;
use crate::methods::error::{MethodError, MethodResult};
use crate::score::Season;

/// Days of each part, ascending. Days in none of them are gaps, which may only be looked back on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaySplit {
    /// Targets of the training.
    pub train: Vec<usize>,
    /// Targets by which settings are chosen.
    pub validation: Vec<usize>,
    /// Targets of the scores.
    pub test: Vec<usize>,
}

/// Contiguous held-out blocks in turn, with gaps, through a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockPlan {
    /// Days from one held-out block to the next.
    pub period_days: usize,
    /// Days of a held-out block.
    pub block_days: usize,
    /// Days on both sides of a held-out block that are in no part: at least the lags of the method.
    pub gap_days: usize,
    /// Of so many held-out blocks one is for validation, the others for the test.
    pub validation_every: usize,
}

impl BlockPlan {
    /// The days of `record`. Each period is training days, a gap, a held-out block, a gap; what is left at the end is for
    /// training. The first held-out block is for validation, and every `validation_every`th after it.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where the parts do not fit into a period, or one of them gets no day.
    ///
    /// # Example
    /// ```
    /// use isotherm::methods::transfer::BlockPlan;
    /// let plan = BlockPlan { period_days: 10, block_days: 3, gap_days: 2, validation_every: 2 };
    /// let split = plan.split(100..124).unwrap();
    /// assert_eq!(split.train, [100, 101, 102, 110, 111, 112, 120, 121, 122, 123]);
    /// assert_eq!((split.validation, split.test), (vec![105, 106, 107], vec![115, 116, 117]));
    /// ```
    pub fn split(&self, record: Range<usize>) -> MethodResult<DaySplit> {
        let held = self.block_days + 2 * self.gap_days;
        if self.block_days == 0 || self.validation_every < 2 || held >= self.period_days {
            return Err(MethodError::Argument(format!(
                "blocks of {} days with gaps of {} every {} days, one of {} for validation; room for training days, and at \
                 least one block of two for the test, are wanted",
                self.block_days, self.gap_days, self.period_days, self.validation_every
            )));
        }
        let mut split = DaySplit { train: Vec::new(), validation: Vec::new(), test: Vec::new() };
        let learnt = self.period_days - held;
        for day in record.clone() {
            let (period, place) = ((day - record.start) / self.period_days, (day - record.start) % self.period_days);
            let whole = record.start + (period + 1) * self.period_days <= record.end;
            if place < learnt || !whole {
                split.train.push(day);
            } else if (self.gap_days..self.gap_days + self.block_days).contains(&(place - learnt)) {
                if period.is_multiple_of(self.validation_every) { split.validation.push(day) } else { split.test.push(day) }
            }
        }
        if split.train.is_empty() || split.validation.is_empty() || split.test.is_empty() {
            return Err(MethodError::Argument(format!(
                "a record of {} days is too short for periods of {}; two whole ones at least are wanted",
                record.len(),
                self.period_days
            )));
        }
        Ok(split)
    }
}

/// The published split of one season.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeasonSplit {
    /// Days of the season and the days before it that are not for the test, in order: the published training set, whose rows
    /// are then joined as if nothing were missing between them.
    pub train: Vec<usize>,
    /// Single days, drawn at random.
    pub test: Vec<usize>,
}

/// The published split: of each season a share of the days that have `lags` days before them, drawn one by one; every other
/// day of the season, and of the `buffer` days before, is learnt from. Neighbours of test days, and test days' own past, are
/// thus in the training set: here to be compared with [`BlockPlan`], not to be used.
///
/// # Example
/// ```
/// use isotherm::methods::transfer::{Calendar, random_day_split};
/// let calendar = Calendar::new(chrono::NaiveDate::from_ymd_opt(2005, 5, 15).unwrap(), 763);
/// let winter = &random_day_split(&calendar, 40, 45, 0.1, 1)[0];
/// assert_eq!((winter.train.len(), winter.test.len()), (252, 18));
/// ```
pub fn random_day_split(calendar: &Calendar, lags: usize, buffer: usize, share: f64, seed: u64) -> [SeasonSplit; 4] {
    Season::ALL.map(|season| {
        let mut candidates: Vec<usize> = calendar.core(season).into_iter().filter(|day| *day >= lags).collect();
        Random::new(seed, &format!("random days/{}", season.name())).shuffle(&mut candidates);
        let count = (candidates.len() as f64 * share.clamp(0.0, 1.0) + 1e-9).floor() as usize;
        let mut test: Vec<usize> = candidates.into_iter().take(count).collect();
        test.sort_unstable();
        let train = calendar.pool(season, buffer).into_iter().filter(|day| test.binary_search(day).is_err()).collect();
        SeasonSplit { train, test }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    #[test]
    fn the_published_numbers_of_days() {
        let calendar = |y, m, d, days| Calendar::new(NaiveDate::from_ymd_opt(y, m, d).unwrap(), days);
        let sizes =
            |calendar: &Calendar| random_day_split(calendar, 40, 45, 0.1, 1).map(|split| (split.train.len(), split.test.len()));
        assert_eq!(sizes(&calendar(2005, 5, 15, 763)), [(252, 18), (273, 18), (290, 17), (254, 18)]);
        assert_eq!(sizes(&calendar(2000, 1, 1, 9132)), [(3161, 221), (3195, 230), (3195, 230), (3173, 227)]);
    }

    #[test]
    fn no_held_out_day_is_within_the_gap_of_a_training_day() {
        let plan = BlockPlan { period_days: 56, block_days: 10, gap_days: 8, validation_every: 3 };
        let split = plan.split(865..1596).unwrap();
        // 731 days: 13 periods of 30 + 8 + 10 + 8, and 3 days; blocks 0, 3, 6, 9, 12 are for validation.
        assert_eq!((split.train.len(), split.validation.len(), split.test.len()), (393, 50, 80));
        for held in split.validation.iter().chain(&split.test) {
            assert!(split.train.iter().all(|day| day.abs_diff(*held) > 8));
        }
        for day in &split.validation {
            assert!(split.test.iter().all(|other| other.abs_diff(*day) > 8));
        }
    }

    #[test]
    fn plans_without_room_are_refused() {
        let plan = BlockPlan { period_days: 26, block_days: 10, gap_days: 8, validation_every: 3 };
        assert!(plan.split(0..731).unwrap_err().to_string().contains("room"));
        let plan = BlockPlan { period_days: 56, ..plan };
        assert!(plan.split(0..100).unwrap_err().to_string().contains("too short"));
        assert!(BlockPlan { validation_every: 1, ..plan }.split(0..731).is_err());
    }
}
