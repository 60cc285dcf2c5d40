//! The figures of the gap fillers: errors by cloud, gap and distance, and strips of one sequence.

use serde_json::Value;

use super::bar_range::two_ticks;
use super::training_ground::LOG;
use super::unisst_gaps::{CLASSES, class_name};
use super::unisst_methods::{METHODS, short_title, title};
use super::unisst_predictions::{CONFIGURATION, Fills, GapConfiguration, file_name};
use super::unisst_scores::{ALL_THRESHOLDS, Depth};
use super::unisst_structure::{LAGS, metric};
use crate::data::Tier;
use crate::figure::{Band, ColourMap, LinePanel, LineSeries, LineStyle, MapPanel, MapStyle, Scale, draw_lines, draw_maps};
use crate::grid::Field;
use crate::methods::unisst::TRAINING_THRESHOLD;
use crate::paper::step::{Step, StepContext};
use crate::paper::{PaperResult, TidyRow, TidyTable};

const ROOMS: &[&str] = &[
    "src/base/",
    "src/grid/",
    "src/cf/",
    "src/nn/",
    "src/train/",
    "src/methods/baselines/",
    "src/methods/refinement/",
    "src/methods/unisst/",
    "src/methods/error.rs",
    "src/score/",
    "src/data/",
    "src/diffusion/",
    "src/figure/",
    "assets/",
    "src/paper/table",
    "src/paper/products.rs",
    "src/paper/steps/bar_range.rs",
    "src/paper/steps/contests.rs",
    "src/paper/steps/diagnostics_bootstrap.rs",
    "src/paper/steps/training_ground.rs",
    "src/paper/steps/unisst_figures.rs",
    "src/paper/steps/unisst_gaps.rs",
    "src/paper/steps/unisst_methods.rs",
    "src/paper/steps/unisst_predictions.rs",
    "src/paper/steps/unisst_scores.rs",
    "src/paper/steps/unisst_cloudy_twin.rs",
    "src/paper/steps/unisst_sequences.rs",
    "src/paper/steps/unisst_structure.rs",
];

/// Errors against threshold, gap length and distance, and the trainings.
///
/// The step's name differs from the figure's, which the table's step bears.
pub const SCORES: Step = Step {
    name: "unisst_errors",
    about: "figures/unisst_scores.png: errors by cloud, by length of the gap, by distance to the edge",
    rooms: &[super::TWIN_AND_SPLIT, ROOMS],
    configurations: &[CONFIGURATION, super::unisst_sequences::CONFIGURATION, super::split::CONFIGURATION],
    needs: &["unisst_scores", "unisst", "unisst_best", "unisst_supervised"],
    data: &[],
    publishes: &[
        ("unisst_scores.png", "figures/unisst_scores.png"),
        ("unisst_scores.svg", "figures/unisst_scores.svg"),
        ("unisst_scores.json", "figures/unisst_scores.json"),
    ],
    run: scores,
};

/// One sequence: truth, what is seen, fills.
pub const STRIPS: Step = Step {
    name: "unisst_strips",
    about: "figures/unisst_strips.png: a cloudy test sequence and its fills",
    rooms: &[super::TWIN_AND_SPLIT, ROOMS],
    configurations: &[CONFIGURATION, super::unisst_sequences::CONFIGURATION, super::split::CONFIGURATION],
    needs: &["unisst_predictions"],
    data: &[],
    publishes: &[
        ("unisst_strips.png", "figures/unisst_strips.png"),
        ("unisst_strips.svg", "figures/unisst_strips.svg"),
        ("unisst_strips.json", "figures/unisst_strips.json"),
    ],
    run: strips,
};

fn scores(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: GapConfiguration = context.configuration()?;
    let folder = context.input("unisst_scores")?;
    let table = TidyTable::read_csv(&folder.join("unisst_scores.csv"))?;
    let deep = TidyTable::read_csv(&folder.join("unisst_gaps.csv"))?;
    let dataset = |threshold: &f64| format!("twin_{threshold:.0}");
    let by_threshold = |method: &str, metric: &str| {
        let row = |t: &f64| Some((*t, find(&table, &dataset(t), method, metric)?.clone()));
        series(method, configuration.thresholds.iter().filter_map(row).collect())
    };
    let threshold_label = "hidden where liquid water path is above (g/m²)";
    let against = "mae_minus_frame_offset_biharmonic";
    let mut panels = vec![
        with_room(panel(
            "Errors under clouds",
            threshold_label,
            "MAE (K)",
            DRAWN.iter().map(|m| by_threshold(m, "mae")).collect(),
        )),
        panel(
            "Against the frame-offset biharmonic fill",
            threshold_label,
            "MAE minus its MAE (K)",
            ["moving_biharmonic", "oi", "best", "supervised"].iter().map(|m| by_threshold(m, against)).collect(),
        ),
    ];
    for (depth, title, label) in [
        (Depth::Gap, "By length of the gap", "days hidden in a row"),
        (Depth::Edge, "By distance to the edge", "distance (cells of 5 km)"),
    ] {
        let scale = if depth == Depth::Gap { 0.25 } else { 1.0 };
        let end = |class: usize| CLASSES.get(class + 1).map_or(1.4 * CLASSES[class] as f64, |next| *next as f64);
        let at = |class: usize| scale * (CLASSES[class] as f64 * end(class)).sqrt();
        let of = |method: &&str| {
            let row = |class: usize| Some((at(class), find(&deep, ALL_THRESHOLDS, method, &depth.metric(class))?.clone()));
            series(method, (0..CLASSES.len()).filter_map(row).collect())
        };
        panels.push(with_room(panel(title, label, "MAE (K)", DRAWN.iter().map(of).collect())));
    }
    let of = |method: &&str| {
        let dataset = format!("twin_{TRAINING_THRESHOLD:.0}");
        let row = |lag: &usize| Some((*lag as f64, find(&deep, &dataset, method, &metric(*lag))?.clone()));
        series(method, LAGS.iter().filter_map(row).collect())
    };
    let rough = ["frame_offset_biharmonic", "moving_biharmonic", "oi", "dineof", "best"].iter().map(of).collect();
    panels.push(LinePanel {
        x_scale: Some(Scale::Logarithmic(0.9, 18.0)),
        ..with_room(panel(
            "Roughness inside the clouds",
            "distance (cells of 5 km)",
            "squared differences over the truth's",
            rough,
        ))
    });
    panels.push(trainings(context)?);
    panels.retain(|p| p.series.iter().all(|s| !s.x.is_empty()));
    let classes: Vec<String> = (0..CLASSES.len()).map(class_name).collect();
    let numbers = serde_json::json!({ "training_threshold": TRAINING_THRESHOLD, "classes": classes });
    let passport = context.passport("unisst_scores", vec![Tier::Twin], configuration.seed, numbers)?;
    draw_lines(&panels, &LineStyle::default(), &context.path("unisst_scores"), &passport).map_err(|e| context.error(e))?;
    Ok(())
}

fn find<'t>(table: &'t TidyTable, dataset: &str, method: &str, metric: &str) -> Option<&'t TidyRow> {
    table.rows().iter().find(|r| r.dataset == dataset && r.method == method && r.metric == metric)
}

fn series(method: &str, points: Vec<(f64, TidyRow)>) -> LineSeries {
    let ends = |end: fn(&TidyRow) -> Option<f64>| points.iter().map(|(_, r)| end(r)).collect::<Option<Vec<f64>>>();
    let band = ends(|r| r.lower).zip(ends(|r| r.upper)).map(|(lower, upper)| Band { lower, upper });
    LineSeries {
        label: title(method).into(),
        x: points.iter().map(|p| p.0).collect(),
        y: points.iter().map(|p| p.1.value).collect(),
        band,
    }
}

fn panel(title: &str, x_label: &str, y_label: &str, series: Vec<LineSeries>) -> LinePanel {
    let (title, x_label, y_label) = (title.into(), x_label.into(), y_label.into());
    LinePanel { title, x_label, y_label, x_scale: None, y_scale: None, series }
}

/// The panel from 0 on, with room for a legend above its curves.
fn with_room(panel: LinePanel) -> LinePanel {
    let highest = panel.series.iter().flat_map(|s| s.y.iter().copied()).fold(0.0, f64::max);
    LinePanel { y_scale: Some(Scale::Linear(0.0, (10.0 * 1.8 * highest).ceil() / 10.0)), ..panel }
}

/// Methods whose errors are drawn: the network as published, an order of magnitude above, is in the table and in the strips.
const DRAWN: [&str; 6] = ["frame_offset_biharmonic", "moving_biharmonic", "oi", "dineof", "best", "supervised"];

/// The validation scores of the residual networks by iteration.
fn trainings(context: &StepContext<'_>) -> PaperResult<LinePanel> {
    let mut all = Vec::new();
    for (step, label) in [("unisst_best", title("best")), ("unisst_supervised", title("supervised"))] {
        let text = std::fs::read_to_string(context.input(step)?.join(LOG)).map_err(|e| context.error(e))?;
        let lines = text.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok());
        let points: Vec<(f64, f64)> = lines.filter_map(|l| Some((l["iteration"].as_f64()?, l["validation"].as_f64()?))).collect();
        let (x, y) = points.into_iter().unzip();
        all.push(LineSeries { label: label.into(), x, y, band: None });
    }
    Ok(LinePanel {
        y_scale: Some(Scale::Linear(0.9, 1.1)),
        ..panel("Training", "iteration", "MAE over the first fill's, validation", all)
    })
}

/// Frames of the strips, three days apart.
const SHOWN_FRAMES: [usize; 2] = [5, 17];
/// Rows of the strips after truth and observation.
const SHOWN_METHODS: [&str; 4] = ["frame_offset_biharmonic", "dineof", "unisst", "best"];

fn strips(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: GapConfiguration = context.configuration()?;
    let folder = context.input("unisst_predictions")?;
    let fills = Fills::open(&folder, &file_name(TRAINING_THRESHOLD, configuration.shown_sequence), &METHODS)?;
    let truth = &fills.truth;
    let mut rows: Vec<(String, Field)> = vec![("truth".into(), truth.clone()), ("seen".into(), fills.seen()?)];
    for method in SHOWN_METHODS {
        let short = short_title(method);
        rows.push((short.into(), fills.whole(method)?));
    }
    let mut panels = Vec::new();
    for t in SHOWN_FRAMES {
        for (k, (name, field)) in rows.iter().enumerate() {
            panels.push(MapPanel {
                title: if k == 0 { format!("{name}, day {:.1}", t as f64 / 4.0) } else { name.clone() },
                field,
                frame: t,
                colour_map: ColourMap::Thermal,
                range: two_ticks(truth, t),
                quantity: "SST".into(),
                unit: field.unit(),
            });
        }
    }
    // Three and three, so that a map is large enough to be read.
    let style = MapStyle { panels_in_a_row: Some(rows.len().div_ceil(2)), ..MapStyle::default() };
    let passport = context.passport("unisst_strips", vec![Tier::Twin], configuration.seed, Value::Null)?;
    draw_maps(&panels, &style, &context.path("unisst_strips"), &passport).map_err(|e| context.error(e))?;
    Ok(())
}
