//! Training the learned method of the ladder on the twin's training days.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::figure::{LinePanel, LineSeries, LineStyle, Scale, Tier, draw_lines};
use crate::methods::edsr::{EdsrConfig, FineFieldSource, FitOptions, fit};
use crate::nn::{DeviceChoice, select_device};
use crate::paper::PaperResult;
use crate::paper::step::{Step, StepContext};

/// Name of the checkpoint in the step's folder.
pub const WEIGHTS: &str = "edsr.safetensors";

/// `configs/edsr/quick.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    network: EdsrConfig,
    fit: FitOptions,
}

/// The step.
pub const STEP: Step = Step {
    name: "edsr",
    about: "a network for x5, trained on the twin's training days",
    rooms: &[
        "src/base/",
        "src/grid/",
        "src/nn/",
        "src/train/",
        "src/data/twin/",
        "src/data/splits/",
        "src/methods/",
        "src/paper/steps/edsr.rs",
        "src/paper/steps/split.rs",
    ],
    configurations: &["configs/edsr/quick.toml", super::split::CONFIGURATION],
    needs: &["twin"],
    data: &[],
    publishes: &[
        ("edsr_training.png", "figures/edsr_training.png"),
        ("edsr_training.svg", "figures/edsr_training.svg"),
        ("edsr_training.json", "figures/edsr_training.json"),
    ],
    run,
};

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: Configuration = context.configuration()?;
    let twin = super::twin::open(context)?;
    let split = context.study.split()?;
    let source = |days: &[usize]| FineFieldSource::new(twin.truth(), days).map_err(|e| context.error(e));
    let (device, description) = select_device(DeviceChoice::Auto).map_err(|e| context.error(e))?;
    let folder = context.path("run");
    println!("training on {description}; log: {}", folder.join("log.jsonl").display());
    let passport = context.passport("edsr_training", vec![Tier::Twin], configuration.fit.seed, Value::Null)?;
    let provenance = BTreeMap::from([
        ("commit".to_string(), passport.commit.clone()),
        ("key".to_string(), context.key.clone()),
        ("lockfile_sha256".to_string(), passport.lockfile_sha256.clone()),
    ]);
    let (_, report) = fit(
        &configuration.network,
        source(&split.train_days())?,
        source(&split.validation_days())?,
        &configuration.fit,
        &folder,
        &device,
        &provenance,
    )
    .map_err(|e| context.error(e))?;
    if let Some((score, iteration)) = report.best {
        println!("best at iteration {iteration}: error {score:.3} times the back-projected bicubic's on validation tiles");
    }
    let best = if folder.join("best.safetensors").is_file() { "best.safetensors" } else { "last.safetensors" };
    std::fs::copy(folder.join(best), context.path(WEIGHTS)).map_err(|e| context.error(e))?;
    draw_training(context, &folder.join("log.jsonl"), crate::figure::Passport { device: description, ..passport })
}

/// Loss and validation score against the iteration.
fn draw_training(context: &StepContext<'_>, log: &std::path::Path, passport: crate::figure::Passport) -> PaperResult<()> {
    let text = std::fs::read_to_string(log).map_err(|e| context.error(e))?;
    let lines: Vec<Value> = text.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
    let series = |label: &str, key: &str| {
        let points: Vec<(f64, f64)> = lines.iter().filter_map(|l| Some((l["iteration"].as_f64()?, l[key].as_f64()?))).collect();
        LineSeries {
            label: label.into(),
            x: points.iter().map(|p| p.0).collect(),
            y: points.iter().map(|p| p.1).collect(),
            band: None,
        }
    };
    let panel = |title: &str, y_label: &str, y_scale: Option<Scale>, series: LineSeries| LinePanel {
        title: title.into(),
        x_label: "iteration".into(),
        y_label: y_label.into(),
        x_scale: None,
        y_scale,
        series: vec![series],
    };
    let panels = [
        panel("Training loss", "loss (relative)", None, series("training tiles", "loss")),
        panel("Validation", "RMSE / RMSE of back-projected bicubic", None, series("validation tiles", "validation")),
    ];
    draw_lines(&panels, &LineStyle::default(), &context.path("edsr_training"), &passport).map_err(|e| context.error(e))?;
    Ok(())
}
