//! Which days a prediction of a day may see.

use std::ops::Range;

/// The days of one prediction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The day that is predicted.
    pub target: usize,
    /// The days whose fine fields are given, the oldest first.
    pub history: Range<usize>,
    /// The day whose coarse field is given.
    pub driver: usize,
}

/// Which days stand where in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Alignment {
    /// The history ends on the day before the target, and the coarse field is of the target: what can be known.
    #[default]
    Causal,
    /// As the published program slices: the history ends on the target itself, and the coarse field is of the day after. What
    /// it predicts is the next day, but it is scored on this one, whose truth it was given.
    Legacy,
}

impl Window {
    /// The window of a target with `lags` days of history; none where the days before the first would be wanted.
    ///
    /// # Example
    /// ```
    /// use isotherm::methods::transfer::{Alignment, Window};
    /// let window = Window::of(100, 40, Alignment::Causal).unwrap();
    /// assert_eq!((window.history, window.driver), (60..100, 100));
    /// let window = Window::of(100, 40, Alignment::Legacy).unwrap();
    /// assert_eq!((window.history, window.driver), (61..101, 101));
    /// ```
    pub fn of(target: usize, lags: usize, alignment: Alignment) -> Option<Window> {
        let (end, driver) = match alignment {
            Alignment::Causal => (target, target),
            Alignment::Legacy => (target + 1, target + 1),
        };
        Some(Window { target, history: end.checked_sub(lags)?..end, driver })
    }

    /// The windows of those targets whose own day and whole history pass `has`: on the calendar, with no day left out.
    ///
    /// # Example
    /// ```
    /// use isotherm::methods::transfer::Window;
    /// // Day 4 is missing, so that days 5 and 6 have no whole history of two days.
    /// let windows = Window::valid(&[1, 2, 3, 5, 6, 7], 2, |day| day != 4);
    /// assert_eq!(windows.iter().map(|w| w.target).collect::<Vec<_>>(), [2, 3, 7]);
    /// ```
    pub fn valid(targets: &[usize], lags: usize, has: impl Fn(usize) -> bool) -> Vec<Window> {
        targets
            .iter()
            .filter_map(|target| Window::of(*target, lags, Alignment::Causal))
            .filter(|window| has(window.target) && window.history.clone().all(&has))
            .collect()
    }
}

/// How many windows of `lags` rows and a target a list of days gives when its rows are joined as if nothing were missing
/// between them, and how many of these are on consecutive days in truth: the published training set against what it means.
///
/// # Example
/// ```
/// use isotherm::methods::transfer::joined_windows;
/// // Positions 0..3 and 1..4 are windows of two lags; only the first has consecutive days.
/// assert_eq!(joined_windows(&[10, 11, 12, 14], 2), (2, 1));
/// ```
pub fn joined_windows(days: &[usize], lags: usize) -> (usize, usize) {
    let windows = days.windows(lags + 1);
    (windows.len(), windows.filter(|w| w[lags] - w[0] == lags).count())
}

#[cfg(test)]
mod tests {
    use super::super::calendar::Calendar;
    use super::super::day_split::random_day_split;
    use super::*;

    #[test]
    fn history_ends_before_the_target_and_is_as_long_as_asked() {
        for lags in [1, 8, 40] {
            let window = Window::of(200, lags, Alignment::Causal).unwrap();
            assert_eq!((window.history.len(), window.history.end, window.driver), (lags, window.target, 200));
            assert!(Window::of(lags - 1, lags, Alignment::Causal).is_none());
            assert!(Window::of(lags, lags, Alignment::Causal).is_some());
        }
    }

    /// Values that are day numbers: a model that answers with its last lag is persistence, and only with the published slices
    /// does it know the answer.
    #[test]
    fn a_model_that_repeats_its_last_lag_scores_as_persistence() {
        let truth: Vec<f64> = (0..80).map(|d: i32| f64::from(d * d % 17)).collect();
        let error = |alignment: Alignment| -> f64 {
            (20..70)
                .filter_map(|target| Window::of(target, 8, alignment))
                .map(|window| (truth[window.history.end - 1] - truth[window.target]).powi(2))
                .sum()
        };
        let persistence: f64 = (20..70).map(|d| (truth[d - 1] - truth[d]).powi(2)).sum();
        assert_eq!(error(Alignment::Causal), persistence);
        assert!(persistence > 0.0);
        assert_eq!(error(Alignment::Legacy), 0.0);
    }

    /// 252 winter days make 212 windows of 40 lags by position; on the calendar about one of ten of them is whole.
    #[test]
    fn joined_rows_are_hardly_ever_consecutive_days() {
        let first = chrono::NaiveDate::from_ymd_opt(2005, 5, 15).unwrap();
        let (mut all, mut whole) = (0, 0);
        for seed in 0..20 {
            let splits = random_day_split(&Calendar::new(first, 763), 40, 45, 0.1, seed);
            for (split, wanted) in splits.iter().zip([212, 233, 250, 214]) {
                let (joined, consecutive) = joined_windows(&split.train, 40);
                assert_eq!(joined, wanted);
                (all, whole) = (all + joined, whole + consecutive);
            }
        }
        // Published: 25, 22, 21 and 19 of them.
        assert!((0.05..0.2).contains(&(f64::from(whole as u32) / f64::from(all as u32))), "{whole} of {all}");
    }
}
