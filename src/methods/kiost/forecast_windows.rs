//! Two weeks at a station and the week that follows: the windows that forecasts are learned from and judged on.

use std::sync::Arc;

use chrono::Datelike;

use super::station_series::StationSeries;
use crate::grid::{TimeAxis, instant};
use crate::methods::error::{MethodError, MethodResult};

/// One window without a gap.
#[derive(Clone, Debug, PartialEq)]
pub struct ForecastWindow {
    /// The station's place in the list.
    pub station: usize,
    /// The first day of the future, by its place on the time axis.
    pub first_day: usize,
    /// Seconds of all days, past and future.
    pub seconds: Vec<f64>,
    /// The past in degrees Celsius, the latest day last.
    pub past: Vec<f64>,
    /// The future.
    pub future: Vec<f64>,
    /// What all stations reported on the past days, day by day and station by station, degrees Celsius.
    pub around: Arc<Vec<Option<f64>>>,
}

impl ForecastWindow {
    /// All windows without a gap whose days all belong to `days`, by station and then by day.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where past or future have no day, or a series has another number of days than the axis.
    ///
    /// # Example
    /// ```
    /// use isotherm::grid::TimeAxis;
    /// use isotherm::methods::kiost::{ForecastWindow, StationSeries};
    /// let time = TimeAxis::from_seconds((0..6).map(|d| 86_400.0 * f64::from(d)).collect()).unwrap();
    /// let celsius = vec![Some(1.0), Some(2.0), Some(3.0), Some(4.0), None, Some(6.0)];
    /// let series = [StationSeries { id: "A".into(), latitude: 0.0, longitude: 0.0, celsius }];
    /// let all = ForecastWindow::all(&series, &time, &[0, 1, 2, 3, 4, 5], 2, 1).unwrap();
    /// assert_eq!((all.len(), all[1].past.clone(), all[1].future.clone()), (2, vec![2.0, 3.0], vec![4.0]));
    /// ```
    pub fn all(
        series: &[StationSeries],
        time: &TimeAxis,
        days: &[usize],
        past: usize,
        future: usize,
    ) -> MethodResult<Vec<ForecastWindow>> {
        if past == 0 || future == 0 {
            return Err(MethodError::Argument(format!(
                "forecast windows of {past} and {future} days; at least 1 of each is wanted"
            )));
        }
        let within: Vec<bool> = (0..time.len()).map(|d| days.contains(&d)).collect();
        let mut all = Vec::new();
        // Windows of all stations that start on one day share what was reported around.
        let mut shared: Vec<Option<Arc<Vec<Option<f64>>>>> = vec![None; time.len()];
        let reported = |start: usize| {
            let days = start..start + past;
            Arc::new(days.flat_map(|d| series.iter().map(move |s| s.celsius.get(d).copied().flatten())).collect())
        };
        for (station, one) in series.iter().enumerate() {
            if one.celsius.len() != time.len() {
                return Err(MethodError::Argument(format!(
                    "station {} has {} days, the time axis {}; as many are wanted",
                    one.id,
                    one.celsius.len(),
                    time.len()
                )));
            }
            for start in 0..time.len().saturating_sub(past + future - 1) {
                let span = start..start + past + future;
                if !within[span.clone()].iter().all(|w| *w) {
                    continue;
                }
                let Some(celsius) = one.celsius[span.clone()].iter().copied().collect::<Option<Vec<f64>>>() else { continue };
                let future = celsius[past..].to_vec();
                all.push(ForecastWindow {
                    station,
                    first_day: start + past,
                    seconds: time.seconds()[span].to_vec(),
                    past: celsius[..past].to_vec(),
                    future,
                    around: shared[start].get_or_insert_with(|| reported(start)).clone(),
                });
            }
        }
        Ok(all)
    }

    /// The last known day.
    pub fn latest(&self) -> f64 {
        self.past.last().copied().unwrap_or(f64::NAN)
    }

    /// Months (0 to 11) and days of the month (from 0) of all days.
    pub(super) fn calendar(&self) -> (Vec<f32>, Vec<f32>) {
        let date = |s: &f64| instant(*s).map_or((0.0, 0.0), |t| (t.month0() as f32, t.day0() as f32));
        self.seconds.iter().map(date).unzip()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::SECONDS_PER_DAY;

    fn axis(days: usize) -> TimeAxis {
        // from 25 February 2016, a leap year
        let first = 1_456_358_400.0;
        TimeAxis::from_seconds((0..days).map(|d| first + d as f64 * SECONDS_PER_DAY).collect()).unwrap()
    }

    fn series(gap: usize) -> StationSeries {
        let celsius = (0..40).map(|d| (d != gap).then_some(d as f64)).collect();
        StationSeries { id: "A".into(), latitude: 0.0, longitude: 0.0, celsius }
    }

    #[test]
    fn windows_hold_no_gap_and_no_day_of_another_part() {
        let days: Vec<usize> = (0..40).collect();
        let count = |gap, days: &[usize]| ForecastWindow::all(&[series(gap)], &axis(40), days, 14, 7).unwrap().len();
        assert_eq!(count(99, &days), 20);
        // without day 25 only those that end before it: starts 0 to 4
        assert_eq!(count(25, &days), 5);
        assert_eq!(count(99, &days[..21]), 1);
        let parts: Vec<usize> = (0..20).chain(25..40).collect();
        assert_eq!(count(99, &parts), 0);
        let window = &ForecastWindow::all(&[series(99)], &axis(40), &days, 14, 7).unwrap()[3];
        assert_eq!((window.first_day, window.latest(), window.future[0]), (17, 16.0, 17.0));
        assert!(ForecastWindow::all(&[series(99)], &axis(39), &days, 14, 7).is_err());
        assert!(ForecastWindow::all(&[series(99)], &axis(40), &days, 0, 7).is_err());
    }

    #[test]
    fn what_stations_reported_around_ends_before_the_future() {
        let days: Vec<usize> = (0..40).collect();
        let both = [series(99), series(3)];
        let windows = ForecastWindow::all(&both, &axis(40), &days, 14, 7).unwrap();
        let first = &windows[0];
        assert_eq!(first.around.len(), 14 * 2);
        // day 2 of both, day 3 of the first alone; the last is day 13, the future starts with 14
        assert_eq!(first.around[4..8], [Some(2.0), Some(2.0), Some(3.0), None]);
        assert_eq!((first.around[27], first.future[0]), (Some(13.0), 14.0));
    }

    #[test]
    fn the_calendar_is_that_of_the_days_themselves() {
        let days: Vec<usize> = (0..40).collect();
        let window = &ForecastWindow::all(&[series(99)], &axis(40), &days, 14, 7).unwrap()[0];
        let (months, of_month) = window.calendar();
        // 25 to 29 February, then 1 March
        assert_eq!(&months[3..7], [1.0, 1.0, 2.0, 2.0]);
        assert_eq!(&of_month[3..7], [27.0, 28.0, 0.0, 1.0]);
        assert_eq!((months.len(), of_month[20]), (21, 15.0));
    }
}
