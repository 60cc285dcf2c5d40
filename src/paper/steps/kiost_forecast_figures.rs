//! The figures of the station forecasts: errors against lead, and extremes.

use serde_json::Value;

use super::kiost_bay::{BAY, SPLIT};
use super::kiost_forecast_file::Forecasts;
use super::kiost_forecast_scores::{ROOMS, ScoredForecasts, summed};
use super::kiost_forecasts::{AVERAGE, BUOY, CONFIGURATION, DYNAMIC_SHIFT, FORECAST, ForecastGround, ForecastsConfiguration};
use super::kiost_twin;
use crate::figure::{Band, LinePanel, LineSeries, LineStyle, Scale, Tier, draw_lines};
use crate::methods::kiost::EventCounts;
use crate::paper::PaperResult;
use crate::paper::step::{Step, StepContext};
use crate::score::{PointwiseMetric, ScoreResult, quantile};

const DRAWN: &[&str] = &["assets/", "src/paper/steps/kiost_forecast_figures.rs"];

macro_rules! figure_step {
    ($name:literal, $about:literal, $run:expr) => {
        Step {
            name: concat!($name, "_figure"),
            about: $about,
            rooms: &[BAY, FORECAST, ROOMS, DRAWN],
            configurations: &[CONFIGURATION, kiost_twin::CONFIGURATION, SPLIT],
            needs: &["kiost_twin", "kiost_forecasts"],
            data: &[BUOY],
            publishes: &[
                (concat!($name, ".png"), concat!("figures/", $name, ".png")),
                (concat!($name, ".svg"), concat!("figures/", $name, ".svg")),
                (concat!($name, ".json"), concat!("figures/", $name, ".json")),
            ],
            run: $run,
        }
    };
}

/// Errors against lead.
pub const SCORES: Step =
    figure_step!("forecast_scores", "figures/forecast_scores.png: errors of the station forecasts against lead, by loss", scores);
/// Quantiles, hits and false alarms.
pub const EXTREMES: Step =
    figure_step!("forecast_extremes", "figures/forecast_extremes.png: extremes of the station forecasts, by loss", extremes);

/// How a method is called in figures.
fn title(method: &str) -> String {
    let (core, loss) = match method.split_once('_') {
        Some(("lstm", loss)) => ("LSTM", loss),
        Some(("transformer", loss)) => ("Transformer", loss),
        _ if method == AVERAGE => return "LSTM and Transformer, mean".into(),
        _ => return method.replace('_', " "),
    };
    let parts: Vec<&str> = loss.split('_').collect();
    match parts.as_slice() {
        ["dynamic", "shift"] => format!("{core}, dynamic shift"),
        ["mse"] => format!("{core}, MSE"),
        ["gumbel", rest @ ..] => format!("{core}, Gumbel r {}", rest.join(".")),
        ["frechet", a, rest @ ..] => format!("{core}, Fréchet {a}; {}", rest.join(".")),
        _ => format!("{core}, {loss}"),
    }
}

/// The methods that are drawn: baselines, and the networks' mean.
const DRAWN_METHODS: [&str; 5] = ["persistence", "damped_anomaly", "linear", "neighbours", AVERAGE];

fn drawn<'f>(forecasts: &'f Forecasts, names: &[&str]) -> Vec<(String, &'f Vec<Vec<f64>>)> {
    let found = names.iter().filter_map(|name| forecasts.methods.iter().find(|(method, _)| method == name));
    found.map(|(name, values)| (title(name), values)).collect()
}

/// Both grounds with their forecasts.
fn grounds(context: &StepContext<'_>, configuration: &ForecastsConfiguration) -> PaperResult<Vec<(ForecastGround, Forecasts)>> {
    let folder = context.input("kiost_forecasts")?;
    let both = [ForecastGround::bay(context, configuration)?, ForecastGround::buoy(context, configuration)?];
    both.into_iter()
        .map(|ground| {
            let forecasts = Forecasts::read(&folder.join(format!("{}.csv", ground.dataset)))?;
            Ok((ground, forecasts))
        })
        .collect()
}

fn name_of(ground: &ForecastGround) -> &'static str {
    if ground.dataset == "twin" { "the bay's stations" } else { "buoy B01" }
}

fn scores(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: ForecastsConfiguration = context.configuration()?;
    let c = &configuration.scores;
    let mut panels = Vec::new();
    for (ground, forecasts) in &grounds(context, &configuration)? {
        let subject = ScoredForecasts::of(ground, forecasts, c)?;
        let leads = subject.leads();
        let curve = |method: &[Vec<f64>], metric: PointwiseMetric| -> ScoreResult<(Vec<f64>, Option<Band>)> {
            let (mut y, mut lower, mut upper) = (Vec::new(), Vec::new(), Vec::new());
            for lead in 0..leads {
                let s = subject.pairs(method, lead, |_, _, _| true)?.score(metric, c.resamples, c.seed)?;
                y.push(s.value);
                lower.push(s.lower);
                upper.push(s.upper);
            }
            Ok((y, Some(Band { lower, upper })))
        };
        let x: Vec<f64> = (1..=leads).map(|l| l as f64).collect();
        for (metric, label) in [(PointwiseMetric::Rmse, "RMSE (K)"), (PointwiseMetric::Nse, "NSE")] {
            let mut series = Vec::new();
            for (label, method) in drawn(forecasts, &DRAWN_METHODS) {
                let (y, band) = curve(method, metric).map_err(|e| context.error(e))?;
                // One band is enough to see how sure they are; the table has all.
                let band = band.filter(|_| label == title(AVERAGE));
                series.push(LineSeries { label, x: x.clone(), y, band });
            }
            // Room for the legend above the curves, which rise from the lower left.
            let highest = series.iter().flat_map(|s: &LineSeries| s.y.iter().copied()).fold(0.0, f64::max);
            let errors = metric == PointwiseMetric::Rmse;
            panels.push(LinePanel {
                title: format!("{}, {}", metric.name().to_uppercase(), name_of(ground)),
                x_label: "lead (days)".into(),
                y_label: label.into(),
                x_scale: Some(Scale::Linear(1.0, leads as f64)),
                y_scale: errors.then(|| Scale::Linear(0.0, (5.0 * 1.6 * highest).ceil() / 5.0)),
                series,
            });
        }
    }
    let passport = context.passport("forecast_scores", vec![Tier::Twin, Tier::Real], c.seed, Value::Null)?;
    draw_lines(&panels, &LineStyle::default(), &context.path("forecast_scores"), &passport).map_err(|e| context.error(e))?;
    Ok(())
}

/// Networks whose extremes are drawn.
const EXTREME_METHODS: [&str; 5] = ["damped_anomaly", "lstm_mse", "lstm_gumbel_2", "lstm_frechet_10_1_7", DYNAMIC_SHIFT];
/// The lead whose quantiles are drawn.
const DRAWN_LEAD: usize = 4;

fn extremes(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: ForecastsConfiguration = context.configuration()?;
    let fail = |e: crate::score::ScoreError| context.error(e);
    let mut panels = Vec::new();
    for (ground, forecasts) in &grounds(context, &configuration)? {
        let subject = ScoredForecasts::of(ground, forecasts, &configuration.scores)?;
        panels.push(quantiles(&subject, forecasts, ground).map_err(fail)?);
        if ground.dataset == "twin" {
            panels.extend(rates(&subject, forecasts, ground));
        }
    }
    let seed = configuration.scores.seed;
    let passport = context.passport("forecast_extremes", vec![Tier::Twin, Tier::Real], seed, Value::Null)?;
    draw_lines(&panels, &LineStyle::default(), &context.path("forecast_extremes"), &passport).map_err(|e| context.error(e))?;
    Ok(())
}

/// Quantiles of the forecast anomalies against those of what came.
fn quantiles(subject: &ScoredForecasts<'_>, forecasts: &Forecasts, ground: &ForecastGround) -> ScoreResult<LinePanel> {
    let shares: Vec<f64> = (1..200).map(|i| f64::from(i) / 200.0).collect();
    let of = |values: &[f64]| shares.iter().map(|q| quantile(values, *q)).collect::<ScoreResult<Vec<f64>>>();
    let lead = DRAWN_LEAD.min(subject.leads().saturating_sub(1));
    let mut series = Vec::new();
    let mut ends = (0.0f64, 0.0f64);
    for (label, method) in drawn(forecasts, &EXTREME_METHODS) {
        let (truth, forecast) = subject.anomalies(method, lead);
        let x = of(&truth)?;
        ends = x.iter().fold(ends, |(a, b), v| (a.min(*v), b.max(*v)));
        series.push(LineSeries { label, x, y: of(&forecast)?, band: None });
    }
    series.push(LineSeries { label: "as it came".into(), x: vec![ends.0, ends.1], y: vec![ends.0, ends.1], band: None });
    Ok(LinePanel {
        title: format!("Quantiles at lead {}, {}", lead + 1, name_of(ground)),
        x_label: "observed anomaly (K)".into(),
        y_label: "forecast anomaly (K)".into(),
        x_scale: None,
        y_scale: None,
        series,
    })
}

/// Hit rates of warm and cool days, and of hot ones, against lead; a lead without such days is left out.
fn rates(subject: &ScoredForecasts<'_>, forecasts: &Forecasts, ground: &ForecastGround) -> Vec<LinePanel> {
    let events = subject.events();
    let words = ["warm days (5 %)", "cool days (5 %)", "28 °C and more", "4 °C and less"];
    let mut panels = Vec::new();
    let mut panel = |words: &str, counts: &dyn Fn(&[Vec<f64>], usize) -> Vec<EventCounts>| {
        let mut series = Vec::new();
        for (label, method) in drawn(forecasts, &EXTREME_METHODS) {
            let found = (0..subject.leads()).filter_map(|lead| {
                let index = summed(&counts(method, lead)).critical_success_index();
                Some(((lead + 1) as f64, index.ok()?))
            });
            let (x, y): (Vec<f64>, Vec<f64>) = found.unzip();
            if !x.is_empty() {
                series.push(LineSeries { label, x, y, band: None });
            }
        }
        if !series.is_empty() {
            panels.push(LinePanel {
                title: format!("{words}, {}", name_of(ground)),
                x_label: "lead (days)".into(),
                y_label: "hits / (hits + misses + false alarms)".into(),
                x_scale: None,
                y_scale: Some(Scale::Linear(0.0, 1.0)),
                series,
            });
        }
    };
    for (event, words) in events.iter().zip(words) {
        panel(words, &|method, lead| subject.event_counts(method, lead, event));
    }
    panel("marine heatwaves", &|method, lead| subject.heatwave_counts(method, lead));
    panels
}
