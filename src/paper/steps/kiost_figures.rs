//! The figures of the third paper's downscaling: days of each season, and the trainings.

use serde_json::Value;

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

const DRAWN: &[&str] = &["src/figure/", "assets/", "src/paper/steps/kiost_figures.rs"];

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

/// The step (1, 2 or 5 times a power of ten) not below `raw`.
fn nice_step(raw: f64) -> f64 {
    let power = 10f64.powf(raw.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|s| *s >= raw * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

/// The ticks of a narrow panel's colour bar stand this share of its range apart, or the next nice number.
const TICK_SHARE: f64 = 0.4;

/// An end of a range about 0, not less than `largest`, whose bar is ticked at 0 and at both sides.
fn span(largest: f64) -> f64 {
    let step = nice_step(2.0 * TICK_SHARE * largest);
    largest.max(step)
}

/// A range that holds a frame's values and at least two ticks of a narrow panel's bar.
fn two_ticks(field: &Field, frame: usize) -> Option<(f64, f64)> {
    let cells = field.frame(frame).iter().zip(field.frame_mask(frame)).filter(|(_, c)| c.is_valid());
    let (low, high) =
        cells.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), (v, _)| (a.min(f64::from(*v)), b.max(f64::from(*v))));
    (low < high).then(|| with_two_ticks(low, high))
}

fn with_two_ticks(mut low: f64, mut high: f64) -> (f64, f64) {
    const TRIES: usize = 4;
    for _ in 0..TRIES {
        let step = nice_step(TICK_SHARE * (high - low));
        let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
        if last > first {
            break;
        }
        // The nearer of the next ticks on either side is taken in.
        let (below, above) = ((first - 1.0) * step, (last + 1.0) * step);
        if low - below <= above - high { low = below } else { high = above }
    }
    (low, high)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_bar_has_two_ticks_or_more() {
        for (low, high) in [(20.6, 27.8), (3.5, 10.5), (-1.3, 1.4), (8.1, 8.3), (21.0, 26.0)] {
            let (a, b) = with_two_ticks(low, high);
            let step = nice_step(TICK_SHARE * (b - a));
            let ticks = (b / step + 1e-9).floor() - (a / step - 1e-9).ceil() + 1.0;
            assert!(a <= low && b >= high && ticks >= 2.0, "{low} {high}: {a} {b} step {step}");
        }
        // by hand: 7.2 wide asks for steps of 5, of which 25 alone lies within; 20 is nearer than 30
        assert_eq!(with_two_ticks(20.6, 27.8), (20.0, 27.8));
    }

    #[test]
    fn errors_are_ticked_on_both_sides() {
        assert_eq!((span(1.4), span(1.2), span(0.9), span(3.0)), (2.0, 1.2, 1.0, 5.0));
    }
}
