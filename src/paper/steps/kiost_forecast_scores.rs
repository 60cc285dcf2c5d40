//! The table of the station forecasts: errors by lead, and extremes judged as extremes.

use super::diagnostics_bootstrap::estimates;
use super::kiost_bay::{self, BAY, SPLIT};
use super::kiost_forecast_file::Forecasts;
use super::kiost_forecasts::{
    BUOY, CONFIGURATION, FORECAST, ForecastGround, ForecastScoresConfiguration, ForecastsConfiguration,
};
use super::kiost_twin;
use crate::data::Tier;
use crate::data::splits::Part;
use crate::methods::kiost::{EventCounts, StationStatistics, heatwave_days};
use crate::paper::step::{Step, StepContext};
use crate::paper::{PaperError, PaperResult, TableRender, TidyRow, TidyTable, publish_table};
use crate::score::{BlockAccumulator, DEFAULT_COVERAGE, PointwiseMetric, ScoreResult, quantile, return_level};

/// The step.
pub const STEP: Step = Step {
    name: "forecast_scores",
    about: "station forecasts by lead, loss and extremes, with intervals",
    rooms: &[BAY, FORECAST, ROOMS, &["src/paper/table"]],
    configurations: &[CONFIGURATION, kiost_twin::CONFIGURATION, SPLIT],
    needs: &["kiost_twin", "kiost_forecasts"],
    data: &[BUOY],
    publishes: &[
        ("forecast_scores.csv", "figures/tables/forecast_scores.csv"),
        ("forecast_scores.md", "figures/tables/forecast_scores.md"),
        ("forecast_scores.html", "figures/tables/forecast_scores.html"),
        ("forecast_scores.json", "figures/tables/forecast_scores.json"),
    ],
    run,
};

/// What scores and figures of the forecasts stand on besides.
pub(super) const ROOMS: &[&str] =
    &["src/figure/", "src/paper/steps/diagnostics_bootstrap.rs", "src/paper/steps/kiost_forecast_scores.rs"];

/// Pointwise metrics; the KGE is of degrees Celsius.
const METRICS: [PointwiseMetric; 5] =
    [PointwiseMetric::Rmse, PointwiseMetric::Bias, PointwiseMetric::Pearson, PointwiseMetric::Nse, PointwiseMetric::Kge2009];
/// The methods that others are held against.
const YARDSTICKS: [(&str, &str); 4] = [
    ("persistence", "rmse_minus_persistence"),
    ("damped_anomaly", "rmse_minus_damped_anomaly"),
    ("linear", "rmse_minus_linear"),
    ("neighbours", "rmse_minus_neighbours"),
];
/// Days in a row that make a marine heatwave.
const HEATWAVE_DAYS: usize = 5;

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: ForecastsConfiguration = context.configuration()?;
    let folder = context.input("kiost_forecasts")?;
    let (mut rows, mut certificates) = (Vec::new(), Vec::new());
    for ground in [ForecastGround::bay(context, &configuration)?, ForecastGround::buoy(context, &configuration)?] {
        let forecasts = Forecasts::read(&folder.join(format!("{}.csv", ground.dataset)))?;
        let subject = ScoredForecasts::of(&ground, &forecasts, &configuration.scores)?;
        rows.extend(subject.rows().map_err(|e| context.error(e))?);
        certificates.push(ground.plan.certify().map_err(|e| context.error(e))?.to_string());
    }
    let tiers = vec![Tier::Twin, Tier::Real];
    let passport = context.passport("forecast_scores", tiers, configuration.scores.seed, serde_json::Value::Null)?;
    let title = "Station forecasts by lead (days): the bay's known stations, and a real buoy";
    let render = TableRender { title, certificate: &certificates.join(" "), decimals: 4 };
    publish_table(&TidyTable::new("forecast_scores", rows)?, &render, &context.path("forecast_scores"), &passport)?;
    Ok(())
}

/// A kind of event, with its name in metric ids.
pub struct Event<'a> {
    /// `p95`, `28c`.
    pub name: &'static str,
    /// Is it one, at this station, on this day, at this temperature?
    pub is: Box<dyn Fn(usize, usize, f64) -> bool + Sync + 'a>,
}

/// Forecasts with what is needed to judge them.
pub struct ScoredForecasts<'a> {
    ground: &'a ForecastGround,
    /// The forecasts.
    pub forecasts: &'a Forecasts,
    configuration: &'a ForecastScoresConfiguration,
    statistics: StationStatistics,
    /// By station, the anomalies that bound cool and warm days.
    bounds: Vec<(f64, f64)>,
    /// By station, the anomaly above which days are of a marine heatwave where they last.
    heatwave_bounds: Vec<f64>,
    /// By window, the bootstrap block of its first day.
    blocks: Vec<usize>,
}

impl<'a> ScoredForecasts<'a> {
    /// With bounds from training days.
    ///
    /// # Errors
    /// Where a station has too few training days.
    pub fn of(
        ground: &'a ForecastGround,
        forecasts: &'a Forecasts,
        configuration: &'a ForecastScoresConfiguration,
    ) -> PaperResult<ScoredForecasts<'a>> {
        let statistics = ground.statistics()?;
        let seconds = ground.time.seconds();
        let train = kiost_bay::days_of(&ground.plan, Part::Train);
        let (mut bounds, mut heatwave_bounds) = (Vec::new(), Vec::new());
        for (station, cycle) in ground.series.iter().zip(&statistics.cycles) {
            let anomalies: Vec<f64> =
                train.iter().filter_map(|d| Some((*station.celsius.get(*d)?)? - cycle.celsius(seconds[*d]))).collect();
            let at = |q: f64| quantile(&anomalies, q).map_err(PaperError::step("forecast_scores"));
            bounds.push((at(configuration.low_quantile)?, at(configuration.high_quantile)?));
            heatwave_bounds.push(at(configuration.heatwave_quantile)?);
        }
        // Days of a part that do not follow each other never share a block.
        let ranges = ground.plan.day_ranges(Part::Test);
        let (mut starts, mut next) = (Vec::new(), 0);
        for range in &ranges {
            starts.push((range.clone(), next));
            next += range.len().div_ceil(configuration.block_days.max(1));
        }
        let block = |day: usize| {
            let found = starts.iter().find(|(range, _)| range.contains(&day));
            found.map_or(0, |(range, first)| first + (day - range.start) / configuration.block_days.max(1))
        };
        let blocks = forecasts.windows.iter().map(|(_, day)| block(*day)).collect();
        Ok(ScoredForecasts { ground, forecasts, configuration, statistics, bounds, heatwave_bounds, blocks })
    }

    /// Number of leads.
    pub fn leads(&self) -> usize {
        self.forecasts.truth.first().map_or(0, Vec::len)
    }

    /// The kinds of events.
    pub fn events(&self) -> Vec<Event<'_>> {
        let c = self.configuration;
        let anomaly =
            |s: usize, day: usize, celsius: f64| celsius - self.statistics.cycles[s].celsius(self.ground.time.seconds()[day]);
        vec![
            Event { name: "p95", is: Box::new(move |s, day, v| anomaly(s, day, v) >= self.bounds[s].1) },
            Event { name: "p05", is: Box::new(move |s, day, v| anomaly(s, day, v) <= self.bounds[s].0) },
            Event { name: "hot", is: Box::new(move |_, _, v| v >= c.high_celsius) },
            Event { name: "cold", is: Box::new(move |_, _, v| v <= c.low_celsius) },
        ]
    }

    /// Pairs of a method's forecasts at a lead by block, of the cases that `counts` admits by what came.
    pub fn pairs(
        &self,
        method: &[Vec<f64>],
        lead: usize,
        counts: impl Fn(usize, usize, f64) -> bool,
    ) -> ScoreResult<BlockAccumulator> {
        let mut blocks = BlockAccumulator::new();
        for (i, (station, day)) in self.forecasts.windows.iter().enumerate() {
            let truth = self.forecasts.truth[i][lead];
            if counts(*station, day + lead, truth) {
                blocks.add(self.blocks[i], truth, method[i][lead], 1.0)?;
            }
        }
        Ok(blocks)
    }

    /// Counts of an event at a lead by block.
    pub fn event_counts(&self, method: &[Vec<f64>], lead: usize, event: &Event<'_>) -> Vec<EventCounts> {
        let mut counts = vec![EventCounts::default(); self.blocks.iter().max().map_or(0, |b| b + 1)];
        for (i, (station, day)) in self.forecasts.windows.iter().enumerate() {
            let is = |celsius: f64| (event.is)(*station, day + lead, celsius);
            counts[self.blocks[i]].add(is(self.forecasts.truth[i][lead]), is(method[i][lead]));
        }
        counts
    }

    /// Counts of marine heatwave days at a lead by block: days that with their neighbours make a run of five above the bound,
    /// which the days known before the forecast may begin. The end of the week cuts runs of truth and forecast alike.
    pub fn heatwave_counts(&self, method: &[Vec<f64>], lead: usize) -> Vec<EventCounts> {
        let mut counts = vec![EventCounts::default(); self.blocks.iter().max().map_or(0, |b| b + 1)];
        let seconds = self.ground.time.seconds();
        for (i, (station, day)) in self.forecasts.windows.iter().enumerate() {
            let before = (HEATWAVE_DAYS - 1).min(*day);
            let above = |d: usize, celsius: f64| {
                celsius - self.statistics.cycles[*station].celsius(seconds[d]) > self.heatwave_bounds[*station]
            };
            let known = |d: usize| self.ground.series[*station].celsius[d].is_some_and(|celsius| above(d, celsius));
            let is = |future: &[f64]| {
                let past = (day - before..*day).map(known);
                let run: Vec<bool> = past.chain(future.iter().enumerate().map(|(l, celsius)| above(day + l, *celsius))).collect();
                heatwave_days(&run, HEATWAVE_DAYS)[before + lead]
            };
            counts[self.blocks[i]].add(is(&self.forecasts.truth[i]), is(&method[i]));
        }
        counts
    }

    /// Anomalies of what came and of what was forecast at a lead.
    pub fn anomalies(&self, method: &[Vec<f64>], lead: usize) -> (Vec<f64>, Vec<f64>) {
        let seconds = self.ground.time.seconds();
        let cases = self.forecasts.windows.iter().enumerate();
        cases
            .map(|(i, (station, day))| {
                let cycle = self.statistics.cycles[*station].celsius(seconds[day + lead]);
                (self.forecasts.truth[i][lead] - cycle, method[i][lead] - cycle)
            })
            .unzip()
    }

    #[expect(clippy::too_many_arguments, reason = "a row of the table")]
    fn row(
        &self,
        lead: usize,
        method: &str,
        metric: &str,
        value: f64,
        interval: Option<(f64, f64)>,
        n: usize,
        unit: &str,
    ) -> TidyRow {
        let blocks = self.blocks.iter().collect::<std::collections::BTreeSet<_>>().len();
        TidyRow {
            dataset: format!("{}_lead_{}", self.ground.dataset, lead + 1),
            tier: self.ground.tier,
            split: "test".into(),
            method: method.into(),
            metric: metric.into(),
            value,
            lower: interval.map(|i| i.0),
            upper: interval.map(|i| i.1),
            n: n as u64,
            n_eff: Some(blocks as f64),
            unit: unit.into(),
            seed: self.configuration.seed,
        }
    }

    fn rows(&self) -> ScoreResult<Vec<TidyRow>> {
        let (resamples, seed) = (self.configuration.resamples, self.configuration.seed);
        let mut rows = Vec::new();
        let all = |_: usize, _: usize, _: f64| true;
        for lead in 0..self.leads() {
            let mut yardsticks = Vec::new();
            for (yardstick, metric) in YARDSTICKS {
                if let Some((_, method)) = self.forecasts.methods.iter().find(|(name, _)| name == yardstick) {
                    yardsticks.push((yardstick, metric, self.pairs(method, lead, all)?));
                }
            }
            for (name, method) in &self.forecasts.methods {
                let blocks = self.pairs(method, lead, all)?;
                for metric in METRICS {
                    let s = blocks.score(metric, resamples, seed)?;
                    let unit = if metric.has_unit_of_data() { "K" } else { "1" };
                    rows.push(self.row(lead, name, metric.name(), s.value, Some((s.lower, s.upper)), s.n, unit));
                }
                for (_, metric, against) in yardsticks.iter().filter(|(y, ..)| y != name) {
                    let d = blocks.paired_difference(against, PointwiseMetric::Rmse, resamples, seed)?;
                    rows.push(self.row(lead, name, metric, d.difference, Some((d.lower, d.upper)), d.n, "K"));
                }
                rows.extend(self.extremes(name, method, lead)?);
            }
            if let Some((_, any)) = self.forecasts.methods.first() {
                let (truth, _) = self.anomalies(any, lead);
                rows.extend(self.return_level(lead, "observed", &truth));
            }
        }
        Ok(rows)
    }

    /// Hits, false alarms, errors on extreme days and the return level; what is not defined (no such day) has no row.
    fn extremes(&self, name: &str, method: &[Vec<f64>], lead: usize) -> ScoreResult<Vec<TidyRow>> {
        let (resamples, seed) = (self.configuration.resamples, self.configuration.seed);
        let mut rows = Vec::new();
        rows.extend(self.rates(name, lead, "heatwave", &self.heatwave_counts(method, lead)));
        for event in self.events() {
            rows.extend(self.rates(name, lead, event.name, &self.event_counts(method, lead, &event)));
            let blocks = self.pairs(method, lead, |s, day, truth| (event.is)(s, day, truth))?;
            if let Ok(s) = blocks.score(PointwiseMetric::Rmse, resamples, seed) {
                let metric = format!("rmse_{}", event.name);
                rows.push(self.row(lead, name, &metric, s.value, Some((s.lower, s.upper)), s.n, "K"));
            }
        }
        let (_, forecast) = self.anomalies(method, lead);
        rows.extend(self.return_level(lead, name, &forecast));
        Ok(rows)
    }

    /// The share of events that were foretold and of warnings that were false.
    fn rates(&self, name: &str, lead: usize, event: &str, counts: &[EventCounts]) -> Vec<TidyRow> {
        let (resamples, seed) = (self.configuration.resamples, self.configuration.seed);
        let total = |at: &[usize]| {
            let mut sum = EventCounts::default();
            at.iter().for_each(|b| sum.merge(&counts[*b]));
            sum
        };
        type Rate = fn(&EventCounts) -> ScoreResult<f64>;
        let rates: [(&str, Rate); 2] =
            [("hit_rate", EventCounts::hit_rate), ("false_alarm_ratio", EventCounts::false_alarm_ratio)];
        let whole = summed(counts);
        let mut rows = Vec::new();
        for (rate_name, rate) in rates {
            let Ok(value) = rate(&whole) else { continue };
            // Where a resample holds no such event the rate has no interval.
            let found = estimates(counts.len(), 1, resamples, seed, |at| Ok(vec![rate(&total(at))?])).ok();
            let interval = found.and_then(|f| f.interval(0)).map(|(a, b)| (a.min(value), b.max(value)));
            rows.push(self.row(lead, name, &format!("{rate_name}_{event}"), value, interval, whole.count() as usize, "1"));
        }
        rows
    }

    /// The anomaly that a station's monthly maximum exceeds once in so many months, from all stations' maxima by a
    /// generalized extreme value law; no row where there are too few months for one.
    fn return_level(&self, lead: usize, name: &str, anomalies: &[f64]) -> Option<TidyRow> {
        const MONTH: usize = 30;
        const LEAST_MAXIMA: usize = 30;
        let mut maxima: std::collections::BTreeMap<(usize, usize), f64> = Default::default();
        for ((station, day), anomaly) in self.forecasts.windows.iter().zip(anomalies) {
            let most = maxima.entry((*station, day / MONTH)).or_insert(f64::NEG_INFINITY);
            *most = most.max(*anomaly);
        }
        if maxima.len() < LEAST_MAXIMA {
            return None;
        }
        let maxima: Vec<f64> = maxima.into_values().collect();
        let level = return_level(&maxima, self.configuration.return_blocks, DEFAULT_COVERAGE).ok()?;
        let interval = Some((level.interval.lower, level.interval.upper)).filter(|(a, b)| a.is_finite() && b.is_finite());
        Some(self.row(lead, name, "return_level", level.level, interval, maxima.len(), "K"))
    }
}

/// Sum of the blocks of an event.
pub fn summed(counts: &[EventCounts]) -> EventCounts {
    let mut sum = EventCounts::default();
    counts.iter().for_each(|c| sum.merge(c));
    sum
}
