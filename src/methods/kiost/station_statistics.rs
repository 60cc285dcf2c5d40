//! What is known of a station before anything is learned: its seasonal cycle, its deviation, and forecasts made of them.

use serde::{Deserialize, Serialize};

use super::climatology::{LeastSquares, basis, evaluate};
use super::forecast_windows::ForecastWindow;
use super::station_series::StationSeries;
use crate::grid::TimeAxis;
use crate::methods::error::{MethodError, MethodResult};

/// A share of the samples that is added to the linear forecast's squares, so that neighbouring days do not fight each other.
const RIDGE: f64 = 1e-3;

/// One station's statistics of the training days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StationCycle {
    /// Mean, and cosine and sine of each harmonic of the year, degrees Celsius.
    pub coefficients: Vec<f64>,
    /// Standard deviation from the cycle, kelvin.
    pub deviation: f64,
    /// By lead, the share of the last anomaly that is left.
    pub damping: Vec<f64>,
}

impl StationCycle {
    /// The cycle at an instant, degrees Celsius.
    pub fn celsius(&self, seconds: f64) -> f64 {
        evaluate(&basis(seconds, self.coefficients.len() / 2), &self.coefficients)
    }
}

/// Statistics of all stations, of training days alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StationStatistics {
    /// By station.
    pub cycles: Vec<StationCycle>,
    /// By lead, the linear forecast's weights on the past days (oldest first), common to all stations.
    pub linear: Vec<Vec<f64>>,
    /// By lead, how much of its departure from the damped anomaly the linear forecast is worth on days that it was not
    /// fitted to.
    pub worth: Vec<f64>,
    /// By station and lead, weights of the departure from the damped anomaly on the station's own past and on the last days
    /// of all others; none where there are too few windows.
    #[serde(default)]
    pub neighbours: Vec<Vec<Vec<f64>>>,
    /// By lead, how much of that departure is worth on days that it was not fitted to.
    #[serde(default)]
    pub worth_of_neighbours: Vec<f64>,
}

/// Forecasts that need no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForecastBaseline {
    /// The seasonal cycle.
    Climatology,
    /// The last day goes on.
    Persistence,
    /// The last day's anomaly decays to the seasonal cycle as it did on training days.
    DampedAnomaly,
    /// A linear regression of each lead on the anomalies of all past days, drawn back to the damped anomaly as far as one
    /// half of the training days tells nothing of the other.
    Linear,
    /// A regression of its own for each station and lead, on its own past and on what all other stations reported on the
    /// last two days; drawn back to the damped anomaly as the linear one is.
    Neighbours,
}

impl ForecastBaseline {
    /// All, simplest first.
    pub const ALL: [ForecastBaseline; 5] = [
        ForecastBaseline::Climatology,
        ForecastBaseline::Persistence,
        ForecastBaseline::DampedAnomaly,
        ForecastBaseline::Linear,
        ForecastBaseline::Neighbours,
    ];

    /// The id in tables.
    pub fn id(self) -> &'static str {
        match self {
            ForecastBaseline::Climatology => "climatology",
            ForecastBaseline::Persistence => "persistence",
            ForecastBaseline::DampedAnomaly => "damped_anomaly",
            ForecastBaseline::Linear => "linear",
            ForecastBaseline::Neighbours => "neighbours",
        }
    }
}

impl StationStatistics {
    /// From the training days of the series: cycles of `harmonics` harmonics of the year, and weights from the windows.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where a station reports on too few training days, does not vary, or there is no window.
    pub fn fit(
        series: &[StationSeries],
        time: &TimeAxis,
        training_days: &[usize],
        windows: &[ForecastWindow],
        harmonics: usize,
    ) -> MethodResult<StationStatistics> {
        let seconds = time.seconds();
        let mut cycles = Vec::with_capacity(series.len());
        for station in series {
            let wrong = |problem: &str| MethodError::Argument(format!("forecasts: station {} {problem}", station.id));
            let reports: Vec<(f64, f64)> =
                training_days.iter().filter_map(|d| Some((*seconds.get(*d)?, (*station.celsius.get(*d)?)?))).collect();
            let mut fit = LeastSquares::new(2 * harmonics + 1);
            reports.iter().for_each(|(at, celsius)| fit.add(&basis(*at, harmonics), *celsius));
            let coefficients = fit.solve(0.0).ok_or_else(|| wrong("reports on too few training days for a seasonal cycle"))?;
            let mut cycle = StationCycle { coefficients, deviation: 0.0, damping: Vec::new() };
            let squares: f64 = reports.iter().map(|(at, celsius)| (celsius - cycle.celsius(*at)).powi(2)).sum();
            cycle.deviation = (squares / reports.len() as f64).sqrt();
            if cycle.deviation < 1e-6 {
                return Err(wrong("does not depart from its seasonal cycle on training days; leave it out"));
            }
            cycles.push(cycle);
        }
        let Some((past, future)) = windows.first().map(|w| (w.past.len(), w.future.len())) else {
            return Err(MethodError::Argument("forecasts: no training window is without a gap; give longer runs of days".into()));
        };
        let mut found = StationStatistics {
            cycles,
            linear: Vec::new(),
            worth: Vec::new(),
            neighbours: Vec::new(),
            worth_of_neighbours: Vec::new(),
        };
        let mut damping = vec![vec![(0.0, 0.0); future]; series.len()];
        let samples: Vec<(Vec<f64>, Vec<f64>)> = windows.iter().map(|w| found.anomalies(w)).collect();
        for (window, (before, after)) in windows.iter().zip(&samples) {
            let last = before.last().copied().unwrap_or(0.0);
            for (lead, value) in after.iter().enumerate() {
                let sums = &mut damping[window.station][lead];
                *sums = (sums.0 + last * value, sums.1 + last * last);
            }
        }
        for (cycle, sums) in found.cycles.iter_mut().zip(damping) {
            cycle.damping =
                sums.into_iter().map(|(with, own)| if own > 0.0 { (with / own).clamp(0.0, 1.0) } else { 0.0 }).collect();
        }
        found.linear = linear(&samples, past, future, |_| true).ok_or_else(|| {
            let count = windows.len();
            MethodError::Argument(format!("forecasts: {count} training windows do not fix a linear forecast; give more days"))
        })?;
        found.worth = found.worth_of_linear(windows, &samples, past, future);
        found.fit_neighbours(windows, &samples);
        Ok(found)
    }

    /// What each half of the training days says of the linear forecast that the other half gives; nothing where a half is
    /// too short.
    fn worth_of_linear(
        &self,
        windows: &[ForecastWindow],
        samples: &[(Vec<f64>, Vec<f64>)],
        past: usize,
        future: usize,
    ) -> Vec<f64> {
        let mut days: Vec<usize> = windows.iter().map(|w| w.first_day).collect();
        days.sort_unstable();
        let middle = days[days.len() / 2];
        let early = |i: usize| windows[i].first_day < middle;
        let halves = (linear(samples, past, future, early), linear(samples, past, future, |i| !early(i)));
        let (Some(first), Some(second)) = halves else { return vec![0.0; future] };
        let mut sums = vec![(0.0, 0.0); future];
        for (i, (before, after)) in samples.iter().enumerate() {
            let (weights, last) = (if early(i) { &second } else { &first }, before.last().copied().unwrap_or(0.0));
            for (lead, value) in after.iter().enumerate() {
                let damped = self.cycles[windows[i].station].damping[lead] * last;
                let departure = evaluate(before, &weights[lead]) - damped;
                sums[lead] = (sums[lead].0 + departure * (value - damped), sums[lead].1 + departure * departure);
            }
        }
        sums.into_iter().map(|(with, own): (f64, f64)| if own > 0.0 { (with / own).clamp(0.0, 1.0) } else { 0.0 }).collect()
    }

    /// Past and future of a window as departures from the station's cycle in units of its deviation.
    pub(super) fn anomalies(&self, window: &ForecastWindow) -> (Vec<f64>, Vec<f64>) {
        let cycle = &self.cycles[window.station];
        let anomaly = |(at, celsius): (&f64, &f64)| (celsius - cycle.celsius(*at)) / cycle.deviation;
        let split = window.past.len();
        (
            window.seconds[..split].iter().zip(&window.past).map(anomaly).collect(),
            window.seconds[split..].iter().zip(&window.future).map(anomaly).collect(),
        )
    }

    /// A baseline's forecast of a window as anomalies in units of the station's deviation, by lead.
    pub(super) fn forecast_anomalies(&self, baseline: ForecastBaseline, window: &ForecastWindow) -> Vec<f64> {
        let cycle = &self.cycles[window.station];
        let (before, after) = self.anomalies(window);
        let last = before.last().copied().unwrap_or(0.0);
        let told = if baseline == ForecastBaseline::Neighbours { self.told_by_neighbours(window) } else { Vec::new() };
        let lead = |lead: usize| match baseline {
            ForecastBaseline::Climatology => 0.0,
            ForecastBaseline::Persistence => {
                (window.latest() - cycle.celsius(window.seconds[window.past.len() + lead])) / cycle.deviation
            }
            ForecastBaseline::DampedAnomaly => cycle.damping[lead] * last,
            ForecastBaseline::Linear => {
                let damped = cycle.damping[lead] * last;
                damped + self.worth[lead] * (evaluate(&before, &self.linear[lead]) - damped)
            }
            ForecastBaseline::Neighbours => cycle.damping[lead] * last + told[lead],
        };
        (0..after.len()).map(lead).collect()
    }

    /// Anomalies of a window's future in units of the station's deviation as temperatures, degrees Celsius.
    pub(super) fn celsius(&self, window: &ForecastWindow, anomalies: &[f64]) -> Vec<f64> {
        let cycle = &self.cycles[window.station];
        let future = &window.seconds[window.past.len()..];
        future.iter().zip(anomalies).map(|(at, a)| cycle.celsius(*at) + a * cycle.deviation).collect()
    }

    /// A baseline's forecast of a window, degrees Celsius by lead.
    ///
    /// # Errors
    /// [`MethodError::Argument`] for a window of a station that is not known, or of other lengths than those learned from.
    pub fn forecast(&self, baseline: ForecastBaseline, window: &ForecastWindow) -> MethodResult<Vec<f64>> {
        let (past, future) = (self.linear.first().map_or(0, Vec::len), self.linear.len());
        if window.station >= self.cycles.len() || window.past.len() != past || window.future.len() != future {
            return Err(MethodError::Argument(format!(
                "forecasts: a window of station {} with {} and {} days; one of {} stations with {past} and {future} days is wanted",
                window.station,
                window.past.len(),
                window.future.len(),
                self.cycles.len()
            )));
        }
        Ok(self.celsius(window, &self.forecast_anomalies(baseline, window)))
    }
}

/// By lead, weights on the past days from the samples that count; none where they are too few. The intercept is fitted so
/// that it takes nothing from the weights, and then left out: anomalies have no mean.
fn linear(samples: &[(Vec<f64>, Vec<f64>)], past: usize, future: usize, counts: impl Fn(usize) -> bool) -> Option<Vec<Vec<f64>>> {
    let mut fits = vec![LeastSquares::new(past + 1); future];
    for (_, (before, after)) in samples.iter().enumerate().filter(|(i, _)| counts(*i)) {
        let row: Vec<f64> = std::iter::once(1.0).chain(before.iter().copied()).collect();
        fits.iter_mut().zip(after).for_each(|(fit, value)| fit.add(&row, *value));
    }
    fits.iter().map(|fit| fit.solve(RIDGE).map(|w| w[1..].to_vec())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;
    use crate::grid::SECONDS_PER_DAY;

    fn time(days: usize) -> TimeAxis {
        TimeAxis::from_seconds((0..days).map(|d| d as f64 * SECONDS_PER_DAY).collect()).unwrap()
    }

    /// A red-noise series of memory `memory` a day on a seasonal cycle.
    fn red(days: usize, memory: f64, amplitude: f64) -> StationSeries {
        let mut random = Random::new(3, "red");
        let mut anomaly = 0.0;
        let celsius = (0..days).map(|d| {
            anomaly = memory * anomaly + (1.0 - memory * memory).sqrt() * random.normal();
            Some(15.0 + 8.0 * (std::f64::consts::TAU * d as f64 / 365.25).sin() + amplitude * anomaly)
        });
        StationSeries { id: "R".into(), latitude: 0.0, longitude: 0.0, celsius: celsius.collect() }
    }

    fn fitted(series: &[StationSeries], days: usize) -> (StationStatistics, Vec<ForecastWindow>) {
        let all: Vec<usize> = (0..days).collect();
        let windows = ForecastWindow::all(series, &time(days), &all, 14, 7).unwrap();
        (StationStatistics::fit(series, &time(days), &all, &windows, 1).unwrap(), windows)
    }

    #[test]
    fn red_noise_is_damped_by_the_powers_of_its_memory() {
        let (found, windows) = fitted(&[red(6000, 0.9, 0.5)], 6000);
        let cycle = &found.cycles[0];
        // deviation 0.5; memory 0.9^lead; six thousand days know both to a few per cent
        assert!((cycle.deviation / 0.5 - 1.0).abs() < 0.08, "{}", cycle.deviation);
        for (lead, damping) in cycle.damping.iter().enumerate() {
            assert!((damping - 0.9f64.powi(lead as i32 + 1)).abs() < 0.06, "{lead} {damping}");
        }
        // of red noise only the last day tells, so the regression is worth little more than the damping
        assert!(found.worth.iter().all(|w| (0.0..=1.0).contains(w)));
        assert!((found.linear[0][13] - 0.9).abs() < 0.05 && found.linear[0][..12].iter().all(|w| w.abs() < 0.06));
        let squares = |baseline| {
            let error = |w: &ForecastWindow| (found.forecast(baseline, w).unwrap()[6] - w.future[6]).powi(2);
            windows.iter().map(error).sum::<f64>() / windows.len() as f64
        };
        // 1 - 0.9^14 of the variance 0.25 against all of it
        let damped = squares(ForecastBaseline::DampedAnomaly);
        assert!((damped / (0.25 * (1.0 - 0.9f64.powi(14))) - 1.0).abs() < 0.1, "{damped}");
        assert!(damped < squares(ForecastBaseline::Persistence) && damped < squares(ForecastBaseline::Climatology));
    }

    #[test]
    fn persistence_and_climatology_by_hand() {
        let (found, windows) = fitted(&[red(800, 0.8, 0.5)], 800);
        let window = &windows[100];
        let persistence = found.forecast(ForecastBaseline::Persistence, window).unwrap();
        assert!(persistence.iter().all(|c| (c - window.latest()).abs() < 1e-9));
        let climatology = found.forecast(ForecastBaseline::Climatology, window).unwrap();
        // day 100 + 14 + 6 of the year
        let wanted = 15.0 + 8.0 * (std::f64::consts::TAU * 120.0 / 365.25).sin();
        assert!((climatology[6] - wanted).abs() < 0.4, "{} {wanted}", climatology[6]);
        let other = ForecastWindow { station: 1, ..window.clone() };
        assert!(found.forecast(ForecastBaseline::Linear, &other).unwrap_err().to_string().contains("station 1"));
    }

    #[test]
    fn other_days_leave_no_trace_and_too_few_are_refused() {
        let mut series = [red(500, 0.8, 0.5)];
        let days: Vec<usize> = (0..400).collect();
        let fit = |series: &[StationSeries], days: &[usize]| {
            let windows = ForecastWindow::all(series, &time(500), days, 14, 7).unwrap();
            StationStatistics::fit(series, &time(500), days, &windows, 1)
        };
        let before = fit(&series, &days).unwrap();
        series[0].celsius[450] = Some(99.0);
        assert_eq!(before, fit(&series, &days).unwrap());
        assert!(fit(&series, &[0, 1]).unwrap_err().to_string().contains("too few"));
        assert!(fit(&series, &days[..10]).unwrap_err().to_string().contains("longer runs"));
    }
}
