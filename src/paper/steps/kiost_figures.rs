//! The figures of the third paper's downscaling: days of each season, and the trainings.

use serde_json::Value;

use super::bar_range::{span, two_ticks};
use super::kiost_bay::{BAY, Bay, SPLIT};
use super::kiost_methods::{self, CONFIGURATION, KiostScoresConfiguration, NEEDS, TRAINED, title};
use super::kiost_scales::SCALES;
use super::kiost_scores::SCORED;
use super::kiost_twin;
use super::training_ground::{DEVICE, LOG};
use crate::figure::{
    ColourMap, LinePanel, LineSeries, LineStyle, MapPanel, MapStyle, Passport, Scale, Tier, draw_lines, draw_maps,
};
use crate::grid::Field;
use crate::paper::PaperResult;
use crate::paper::products;
use crate::paper::step::{Step, StepContext};

const DRAWN: &[&str] = &["src/figure/", "assets/", "src/paper/steps/bar_range.rs", "src/paper/steps/kiost_figures.rs"];

macro_rules! figure_step {
    ($name:literal, $about:literal, $needs:expr, $run:expr) => {
        Step {
            name: $name,
            about: $about,
            rooms: &[super::TWIN_AND_SPLIT, BAY, SCORED, SCALES, DRAWN],
            configurations: &[CONFIGURATION, kiost_twin::CONFIGURATION, SPLIT],
            needs: $needs,
            data: &[],
            publishes: &[
                (concat!($name, ".png"), concat!("figures/", $name, ".png")),
                (concat!($name, ".svg"), concat!("figures/", $name, ".svg")),
                (concat!($name, ".json"), concat!("figures/", $name, ".json")),
            ],
            run: $run,
        }
    };
}

/// A test day of each season, and what the methods miss.
pub const MAPS: Step =
    figure_step!("kiost_maps", "figures/kiost_maps.png: a test day of each season, and the methods' errors", &NEEDS, maps);
/// Critic distance, penalty and losses.
pub const TRAINING: Step = figure_step!(
    "kiost_training",
    "figures/kiost_training.png: critic distance, gradient penalty and losses of the trainings",
    &TRAINED,
    training
);

/// The rows of the maps beside the truth.
const ERRORS: [&str; 3] = ["bicubic", "gan", "gan_insitu"];

fn maps(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: KiostScoresConfiguration = context.configuration()?;
    let bay = Bay::open(context)?;
    let days = &configuration.map_days;
    let truth = products::frames(bay.twin.truth(), days).map_err(|e| context.error(e))?;
    let fields = kiost_methods::fields(context, &bay, days, configuration.bias_band_degrees)?;
    let mut errors = Vec::new();
    for name in ERRORS {
        for field in fields.iter().filter(|f| f.name() == name) {
            let values = field.values().iter().zip(truth.values()).map(|(p, t)| p - t).collect();
            errors.push((name, field.with_values(values, truth.mask().clone()).map_err(|e| context.error(e))?));
        }
    }
    let sizes: Vec<f64> = errors.iter().flat_map(|(_, f)| valid(f)).map(f64::abs).collect();
    let largest = span(crate::score::quantile(&sizes, 0.99).map_err(|e| context.error(e))?);
    let mut drawn = Vec::new();
    for frame in 0..days.len() {
        let date = truth.time().date(frame).map_or(String::new(), |d| d.format("%-d %b %Y").to_string());
        drawn.push(MapPanel {
            title: format!("Truth, {date}"),
            field: &truth,
            frame,
            colour_map: ColourMap::Thermal,
            range: two_ticks(&truth, frame),
            quantity: "SST".into(),
            unit: truth.unit(),
        });
    }
    for (name, field) in &errors {
        for frame in 0..days.len() {
            drawn.push(MapPanel {
                title: format!("{} − truth", title(name)),
                field,
                frame,
                colour_map: ColourMap::Vik,
                range: Some((-largest, largest)),
                quantity: "error".into(),
                unit: field.unit(),
            });
        }
    }
    let style = MapStyle { panels_in_a_row: Some(days.len().max(1)), share_range: false, ..MapStyle::default() };
    let seed = configuration.seed;
    let passport = context.passport(context.step.name, vec![Tier::Twin], seed, Value::Null)?;
    draw_maps(&drawn, &style, &context.path("kiost_maps"), &passport).map_err(|e| context.error(e))?;
    Ok(())
}

fn valid(field: &Field) -> impl Iterator<Item = f64> + '_ {
    (0..field.values().len()).filter(|i| field.mask().is_valid(*i)).map(|i| f64::from(field.values()[i]))
}

fn training(context: &StepContext<'_>) -> PaperResult<()> {
    let mut logs = Vec::new();
    let mut device = String::new();
    for name in TRAINED {
        let folder = context.input(name)?;
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).map_err(|e| context.error(e));
        let lines: Vec<Value> = read(LOG)?.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
        device = read(DEVICE)?;
        logs.push((name, lines));
    }
    let panel = |title_: &str, key: &str, y_label: &str, y_scale: Option<Scale>| LinePanel {
        title: title_.into(),
        x_label: "iteration".into(),
        y_label: y_label.into(),
        x_scale: None,
        y_scale,
        series: logs
            .iter()
            .map(|(name, lines)| {
                let points = lines.iter().filter_map(|l| Some((l["iteration"].as_f64()?, l[key].as_f64()?)));
                let (x, y) = points.unzip();
                LineSeries { label: title(name).into(), x, y, band: None }
            })
            .collect(),
    };
    let drawn = [
        panel("Critic distance", "critic_distance", "mean D(true) − mean D(generated)", None),
        panel("Gradient penalty", "penalty", "mean (length of the gradient − 1)²", None),
        panel("Pixel error", "pixel", "mean square (spreads of a pixel)", None),
        panel("Station loss", "station", "mean (deviations of a station)", None),
        panel("Validation", "validation", "error / error without a network", None),
    ];
    let passport = Passport { device, ..context.passport(context.step.name, vec![Tier::Twin], 0, Value::Null)? };
    draw_lines(&drawn, &LineStyle::default(), &context.path("kiost_training"), &passport).map_err(|e| context.error(e))?;
    Ok(())
}
