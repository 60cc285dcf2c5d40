//! Yes-or-no events foretold: hits, misses, false alarms.

use crate::score::{ScoreError, ScoreResult};

/// How often an event was foretold and came.
///
/// # Example
/// ```
/// use isotherm::methods::kiost::EventCounts;
/// let mut counts = EventCounts::default();
/// for (came, foretold) in [(true, true), (true, false), (false, true), (false, false), (true, true)] {
///     counts.add(came, foretold);
/// }
/// assert_eq!(counts.hit_rate().unwrap(), 2.0 / 3.0);
/// assert_eq!(counts.false_alarm_ratio().unwrap(), 1.0 / 3.0);
/// assert_eq!(counts.critical_success_index().unwrap(), 0.5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct EventCounts {
    /// Foretold, and it came.
    pub hits: u64,
    /// It came, and was not foretold.
    pub misses: u64,
    /// Foretold, and it did not come.
    pub false_alarms: u64,
    /// Neither.
    pub quiet: u64,
}

impl EventCounts {
    /// Counts one case.
    pub fn add(&mut self, came: bool, foretold: bool) {
        match (came, foretold) {
            (true, true) => self.hits += 1,
            (true, false) => self.misses += 1,
            (false, true) => self.false_alarms += 1,
            (false, false) => self.quiet += 1,
        }
    }

    /// Adds the cases of another count.
    pub fn merge(&mut self, other: &EventCounts) {
        self.hits += other.hits;
        self.misses += other.misses;
        self.false_alarms += other.false_alarms;
        self.quiet += other.quiet;
    }

    /// All cases.
    pub fn count(&self) -> u64 {
        self.hits + self.misses + self.false_alarms + self.quiet
    }

    /// The share of events that were foretold: hits / (hits + misses). 1 is perfect.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] where no event came.
    pub fn hit_rate(&self) -> ScoreResult<f64> {
        share("the hit rate (events that came)", self.hits, self.hits + self.misses)
    }

    /// The share of warnings that no event followed: false alarms / (hits + false alarms). 0 is perfect.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] where no event was foretold.
    pub fn false_alarm_ratio(&self) -> ScoreResult<f64> {
        share("the false alarm ratio (events foretold)", self.false_alarms, self.hits + self.false_alarms)
    }

    /// Hits / (hits + misses + false alarms). 1 is perfect.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] where no event came or was foretold.
    pub fn critical_success_index(&self) -> ScoreResult<f64> {
        share("the critical success index (events)", self.hits, self.hits + self.misses + self.false_alarms)
    }
}

/// Which days belong to a run of at least `least` days that are all above their bound: with the 90th percentile of the season
/// and five days, those of a marine heatwave.
///
/// # Example
/// ```
/// use isotherm::methods::kiost::heatwave_days;
/// assert_eq!(heatwave_days(&[true, false, true, true, true], 3), [false, false, true, true, true]);
/// ```
///
/// # Reference
/// Hobday et al. (2016), A hierarchical approach to defining marine heatwaves. doi:10.1016/j.pocean.2015.12.014
pub fn heatwave_days(above: &[bool], least: usize) -> Vec<bool> {
    let mut days = Vec::with_capacity(above.len());
    for run in above.chunk_by(|a, b| a == b) {
        let counts = run.first() == Some(&true) && run.len() >= least;
        days.extend(std::iter::repeat_n(counts, run.len()));
    }
    days
}

fn share(metric: &'static str, part: u64, of: u64) -> ScoreResult<f64> {
    if of == 0 {
        return Err(ScoreError::TooFew { metric, found: 0, wanted: 1 });
    }
    Ok(part as f64 / of as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let counts = EventCounts { hits: 3, misses: 1, false_alarms: 2, quiet: 94 };
        assert_eq!((counts.hit_rate(), counts.false_alarm_ratio()), (Ok(0.75), Ok(0.4)));
        assert_eq!((counts.critical_success_index(), counts.count()), (Ok(0.5), 100));
        let mut twice = counts;
        twice.merge(&counts);
        assert_eq!((twice.hit_rate(), twice.count()), (Ok(0.75), 200));
    }

    #[test]
    fn short_runs_are_no_heatwave() {
        let above: Vec<bool> = "0111101111100".chars().map(|c| c == '1').collect();
        let five: String = heatwave_days(&above, 5).iter().map(|d| if *d { '1' } else { '0' }).collect();
        assert_eq!(five, "0000001111100");
        assert_eq!(heatwave_days(&above, 1), above);
        assert!(heatwave_days(&[], 5).is_empty());
    }

    #[test]
    fn what_never_happened_has_no_rate() {
        let quiet = EventCounts { quiet: 9, ..EventCounts::default() };
        assert!(matches!(quiet.hit_rate(), Err(ScoreError::TooFew { .. })));
        assert!(quiet.false_alarm_ratio().is_err() && quiet.critical_success_index().is_err());
        let missed = EventCounts { misses: 2, ..quiet };
        assert_eq!(missed.hit_rate(), Ok(0.0));
        assert!(missed.false_alarm_ratio().is_err());
    }
}
