//! What the stations around tell of a station's next days, by ridge regression.

use super::climatology::{LeastSquares, evaluate};
use super::forecast_windows::ForecastWindow;
use super::station_statistics::{StationCycle, StationStatistics};

/// Days of the other stations that count: yesterday and the day before tell how fast the water there changes.
const DAYS_AROUND: usize = 2;
/// A share of the samples that is added to the squares of all weights: there are dozens of them, and neighbours are alike.
const RIDGE: f64 = 0.03;

/// Anomalies of a window: 1, its own past (oldest first), and the last days of all other stations; 0 where one did not report.
///
/// # Formula
/// ```text
/// x = (1, a_s(t-14) .. a_s(t-1), a_r(t-1), a_r(t-2) for each station r; 0 for r = s),   a = (T - cycle) / deviation
/// ```
fn features(cycles: &[StationCycle], window: &ForecastWindow) -> Vec<f64> {
    let past = window.past.len();
    let own = &cycles[window.station];
    let anomaly =
        |cycle: &StationCycle, day: usize, celsius: f64| (celsius - cycle.celsius(window.seconds[day])) / cycle.deviation;
    let mut row = Vec::with_capacity(1 + past + DAYS_AROUND * cycles.len());
    row.push(1.0);
    row.extend(window.past.iter().enumerate().map(|(day, celsius)| anomaly(own, day, *celsius)));
    for (station, cycle) in cycles.iter().enumerate() {
        for back in 1..=DAYS_AROUND {
            let reported = past.checked_sub(back).and_then(|day| {
                let celsius = (*window.around.get(day * cycles.len() + station)?)?;
                (station != window.station).then(|| anomaly(cycle, day, celsius))
            });
            row.push(reported.unwrap_or(0.0));
        }
    }
    row
}

/// By station and lead, weights of the departure from the damped anomaly on the [`features`] of the windows that count; no
/// weights where a station has too few.
fn weights(
    rows: &[Vec<f64>],
    departures: &[Vec<f64>],
    windows: &[ForecastWindow],
    stations: usize,
    counts: impl Fn(usize) -> bool,
) -> Vec<Vec<Vec<f64>>> {
    let (width, leads) = (rows.first().map_or(0, Vec::len), departures.first().map_or(0, Vec::len));
    let mut fits = vec![vec![LeastSquares::new(width); leads]; stations];
    for i in (0..rows.len()).filter(|i| counts(*i)) {
        for (fit, value) in fits[windows[i].station].iter_mut().zip(&departures[i]) {
            fit.add(&rows[i], *value);
        }
    }
    let solved = |fit: &LeastSquares| {
        // Anomalies have no mean: the intercept takes nothing from the weights and is left out.
        fit.solve(RIDGE).map(|mut w| {
            w[0] = 0.0;
            w
        })
    };
    fits.iter().map(|of_station| of_station.iter().map(solved).collect::<Option<Vec<_>>>().unwrap_or_default()).collect()
}

/// The anomalies of all stations on a window's past days, day by day, in units of their deviations; 0 where one did not report.
pub(super) fn around(cycles: &[StationCycle], window: &ForecastWindow) -> Vec<f32> {
    let mut all = vec![0.0; window.past.len() * cycles.len()];
    for (i, (value, reported)) in all.iter_mut().zip(window.around.iter()).enumerate() {
        let cycle = &cycles[i % cycles.len()];
        if let Some(celsius) = reported {
            *value = ((celsius - cycle.celsius(window.seconds[i / cycles.len()])) / cycle.deviation) as f32;
        }
    }
    all
}

impl StationStatistics {
    /// Fits the weights on neighbours to the training windows, and what they are worth on days that they were not fitted to.
    pub(super) fn fit_neighbours(&mut self, windows: &[ForecastWindow], samples: &[(Vec<f64>, Vec<f64>)]) {
        let stations = self.cycles.len();
        let rows: Vec<Vec<f64>> = windows.iter().map(|w| features(&self.cycles, w)).collect();
        let departure = |(window, (before, after)): (&ForecastWindow, &(Vec<f64>, Vec<f64>))| -> Vec<f64> {
            let last = before.last().copied().unwrap_or(0.0);
            after.iter().zip(&self.cycles[window.station].damping).map(|(value, damping)| value - damping * last).collect()
        };
        let departures: Vec<Vec<f64>> = windows.iter().zip(samples).map(departure).collect();
        let leads = departures.first().map_or(0, Vec::len);
        let mut days: Vec<usize> = windows.iter().map(|w| w.first_day).collect();
        days.sort_unstable();
        let middle = days.get(days.len() / 2).copied().unwrap_or(0);
        let early = |i: usize| windows[i].first_day < middle;
        let first = weights(&rows, &departures, windows, stations, early);
        let second = weights(&rows, &departures, windows, stations, |i| !early(i));
        let mut sums = vec![(0.0, 0.0); leads];
        for (i, (row, departure)) in rows.iter().zip(&departures).enumerate() {
            let other_half = if early(i) { &second } else { &first };
            for ((sum, weights), value) in sums.iter_mut().zip(&other_half[windows[i].station]).zip(departure) {
                let told = evaluate(row, weights);
                *sum = (sum.0 + told * value, sum.1 + told * told);
            }
        }
        let share = |(with, own): (f64, f64)| if own > 0.0 { (with / own).clamp(0.0, 1.0) } else { 0.0 };
        self.worth_of_neighbours = sums.into_iter().map(share).collect();
        self.neighbours = weights(&rows, &departures, windows, stations, |_| true);
    }

    /// By lead, how far the neighbours move the damped anomaly of a window; 0 where they were not learned from.
    pub(super) fn told_by_neighbours(&self, window: &ForecastWindow) -> Vec<f64> {
        let row = features(&self.cycles, window);
        let weights = self.neighbours.get(window.station);
        let told = |lead: usize| {
            let weights = weights.and_then(|w| w.get(lead));
            weights.map_or(0.0, |w| self.worth_of_neighbours[lead] * evaluate(&row, w))
        };
        (0..window.future.len()).map(told).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::station_series::StationSeries;
    use super::super::station_statistics::ForecastBaseline;
    use super::*;
    use crate::base::random::Random;
    use crate::grid::{SECONDS_PER_DAY, TimeAxis};

    fn station(id: &str, celsius: Vec<f64>) -> StationSeries {
        StationSeries { id: id.into(), latitude: 0.0, longitude: 0.0, celsius: celsius.into_iter().map(Some).collect() }
    }

    /// White noise, and the same two days later.
    fn upstream_and_downstream(days: usize) -> Vec<StationSeries> {
        let mut random = Random::new(3, "stream");
        let noise: Vec<f64> = (0..days + 2).map(|_| 15.0 + random.normal()).collect();
        vec![station("up", noise[2..].to_vec()), station("down", noise[..days].to_vec())]
    }

    fn rms(
        found: &StationStatistics,
        windows: &[ForecastWindow],
        baseline: ForecastBaseline,
        station: usize,
        lead: usize,
    ) -> f64 {
        let own: Vec<&ForecastWindow> = windows.iter().filter(|w| w.station == station).collect();
        let error = |w: &&ForecastWindow| (found.forecast(baseline, w).unwrap()[lead] - w.future[lead]).powi(2);
        (own.iter().map(error).sum::<f64>() / own.len() as f64).sqrt()
    }

    #[test]
    fn what_passed_upstream_arrives_downstream() {
        let series = upstream_and_downstream(900);
        let time = TimeAxis::from_seconds((0..900).map(|d| d as f64 * SECONDS_PER_DAY).collect()).unwrap();
        let days: Vec<usize> = (0..900).collect();
        let windows = ForecastWindow::all(&series, &time, &days, 14, 7).unwrap();
        let found = StationStatistics::fit(&series, &time, &days, &windows, 0).unwrap();
        // Tomorrow and the day after downstream are known, but for the ridge's 3 %; upstream nothing is.
        let down = |lead| rms(&found, &windows, ForecastBaseline::Neighbours, 1, lead);
        assert!(down(0) < 0.1 && down(1) < 0.1 && down(2) > 0.9, "{} {} {}", down(0), down(1), down(2));
        assert!(rms(&found, &windows, ForecastBaseline::Neighbours, 0, 0) > 0.9);
        assert!(rms(&found, &windows, ForecastBaseline::Linear, 1, 0) > 0.9);
        // of what is not there nothing is taken over
        assert!(found.worth_of_neighbours[0] > 0.9 && found.worth_of_neighbours[5] < 0.4, "{:?}", found.worth_of_neighbours);
    }

    #[test]
    fn features_by_hand() {
        let series = [station("a", vec![1.0, 3.0, 2.0, 5.0, 0.0, 1.0]), station("b", vec![10.0, 14.0, 12.0, 8.0, 11.0, 9.0])];
        let time = TimeAxis::from_seconds((0..6).map(|d| d as f64 * SECONDS_PER_DAY).collect()).unwrap();
        let windows = ForecastWindow::all(&series, &time, &[0, 1, 2, 3, 4, 5], 3, 1).unwrap();
        let cycle = |mean: f64, deviation: f64| StationCycle { coefficients: vec![mean], deviation, damping: vec![0.5] };
        let cycles = [cycle(2.0, 1.0), cycle(10.0, 2.0)];
        // station a, days 0 to 2; b the day before and two days before: (12 - 10) / 2, (14 - 10) / 2
        assert_eq!(features(&cycles, &windows[0]), [1.0, -1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 2.0]);
        let of_b = windows.iter().find(|w| w.station == 1).unwrap();
        assert_eq!(features(&cycles, of_b), [1.0, 0.0, 2.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
        assert_eq!(around(&cycles, of_b), [-1.0, 0.0, 1.0, 2.0, 0.0, 1.0]);
    }
}
