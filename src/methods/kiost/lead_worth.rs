//! How much of what a network adds to a baseline is worth keeping, lead by lead.

use super::forecast_windows::ForecastWindow;

/// By lead, the share of a network's departures from a baseline that serves best on windows that it was not fitted to: the
/// least-squares share, held between 0 and 1. Without windows, or where the network departs nowhere, 0.
///
/// # Formula
/// ```text
/// w = clamp( Σ d (y - b) / Σ d² , 0, 1 ),   d = f - b
/// ```
/// `y` what came, `b` the baseline, `f` the network, at one lead over all windows.
///
/// # Example
/// ```
/// use isotherm::grid::TimeAxis;
/// use isotherm::methods::kiost::{ForecastWindow, StationSeries, lead_worth};
/// let time = TimeAxis::from_seconds((0..3).map(|d| 86_400.0 * f64::from(d)).collect()).unwrap();
/// let celsius = vec![Some(1.0), Some(2.0), Some(3.0)];
/// let series = [StationSeries { id: "A".into(), latitude: 0.0, longitude: 0.0, celsius }];
/// let windows = ForecastWindow::all(&series, &time, &[0, 1, 2], 1, 2).unwrap();
/// // Day one is 2: half of the way from 1 to 3. Day two is 3, on the other side of 4 than 5.
/// assert_eq!(lead_worth(&windows, &[vec![1.0, 4.0]], &[vec![3.0, 5.0]]), [0.5, 0.0]);
/// ```
pub fn lead_worth(windows: &[ForecastWindow], base: &[Vec<f64>], forecasts: &[Vec<f64>]) -> Vec<f64> {
    let leads = windows.first().map_or(0, |w| w.future.len());
    let mut sums = vec![(0.0, 0.0); leads];
    for (window, (base, forecast)) in windows.iter().zip(base.iter().zip(forecasts)) {
        for (sum, (came, (b, f))) in sums.iter_mut().zip(window.future.iter().zip(base.iter().zip(forecast))) {
            let departure = f - b;
            *sum = (sum.0 + departure * (came - b), sum.1 + departure * departure);
        }
    }
    sums.into_iter().map(|(with, own): (f64, f64)| if own > 0.0 { (with / own).clamp(0.0, 1.0) } else { 0.0 }).collect()
}

/// As [`lead_worth`] on the earlier and on the later half of the windows, the smaller of the two: what one half asks for and the
/// other does not is left.
pub fn careful_worth(windows: &[ForecastWindow], base: &[Vec<f64>], forecasts: &[Vec<f64>]) -> Vec<f64> {
    let mut days: Vec<usize> = windows.iter().map(|w| w.first_day).collect();
    days.sort_unstable();
    let middle = days.get(days.len() / 2).copied().unwrap_or(0);
    let half = |early: bool| {
        let at: Vec<usize> = (0..windows.len()).filter(|i| (windows[*i].first_day < middle) == early).collect();
        let of = |all: &[Vec<f64>]| -> Vec<Vec<f64>> { at.iter().filter_map(|i| all.get(*i).cloned()).collect() };
        let own: Vec<ForecastWindow> = at.iter().map(|i| windows[*i].clone()).collect();
        lead_worth(&own, &of(base), &of(forecasts))
    };
    half(true).into_iter().zip(half(false)).map(|(a, b)| a.min(b)).collect()
}

/// Forecasts drawn back to a baseline: of what they add, the share `worth` of each lead is kept.
///
/// # Example
/// ```
/// use isotherm::methods::kiost::drawn_back;
/// assert_eq!(drawn_back(&[vec![1.0, 2.0]], &[vec![3.0, 4.0]], &[0.25, 1.0]), [[1.5, 4.0]]);
/// ```
pub fn drawn_back(base: &[Vec<f64>], forecasts: &[Vec<f64>], worth: &[f64]) -> Vec<Vec<f64>> {
    let one = |(base, forecast): (&Vec<f64>, &Vec<f64>)| {
        base.iter().zip(forecast).zip(worth).map(|((b, f), w)| b + w * (f - b)).collect()
    };
    base.iter().zip(forecasts).map(one).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn window(future: &[f64]) -> ForecastWindow {
        let (past, around) = (vec![0.0], Arc::new(Vec::new()));
        ForecastWindow { station: 0, first_day: 1, seconds: vec![0.0; 1 + future.len()], past, future: future.to_vec(), around }
    }

    #[test]
    fn the_share_is_the_best_there_is() {
        let windows = [window(&[1.0]), window(&[3.0]), window(&[-2.0])];
        let (base, forecasts) = (vec![vec![0.5], vec![1.0], vec![-1.0]], vec![vec![2.5], vec![4.0], vec![-2.0]]);
        let error = |w: f64| {
            let drawn = drawn_back(&base, &forecasts, &[w]);
            windows.iter().zip(drawn).map(|(window, f)| (f[0] - window.future[0]).powi(2)).sum::<f64>()
        };
        let worth = lead_worth(&windows, &base, &forecasts);
        // departures 2, 3, -1 against lacks 0.5, 2, -1: 8 / 14
        assert!((worth[0] - 8.0 / 14.0).abs() < 1e-12);
        assert!((0..=20).all(|i| error(worth[0]) <= error(f64::from(i) / 20.0)));
    }

    #[test]
    fn what_one_half_alone_asks_for_is_left() {
        let on = |day: usize, future: &[f64]| ForecastWindow { first_day: day, ..window(future) };
        let windows = [on(1, &[1.0, 1.0]), on(2, &[1.0, 1.0]), on(3, &[-1.0, 0.5]), on(4, &[-1.0, 0.5])];
        let (base, forecasts) = (vec![vec![0.0, 0.0]; 4], vec![vec![1.0, 1.0]; 4]);
        assert_eq!(careful_worth(&windows, &base, &forecasts), [0.0, 0.5]);
    }

    #[test]
    fn what_leads_astray_or_adds_nothing_is_worth_nothing() {
        let windows = [window(&[1.0, 2.0, 9.0])];
        let worth = lead_worth(&windows, &[vec![2.0, 2.0, 0.0]], &[vec![3.0, 2.0, 4.0]]);
        assert_eq!(worth, [0.0, 0.0, 1.0]);
        assert!(lead_worth(&[], &[], &[]).is_empty());
    }
}
