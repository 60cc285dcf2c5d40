//! The figure of the learned method's training.

use serde_json::Value;

use super::training_ground::{DEVICE, LOG};
use crate::figure::{LinePanel, LineSeries, LineStyle, Passport, Scale, Tier, draw_lines};
use crate::paper::PaperResult;
use crate::paper::step::{Step, StepContext};

/// The step.
pub const STEP: Step = Step {
    name: "edsr_training",
    about: "figures/edsr_training.png: loss and validation score against the iteration",
    rooms: &[
        super::TWIN_AND_SPLIT,
        &[
            "src/base/",
            "src/grid/",
            "src/nn/",
            "src/train/",
            "src/data/",
            "src/methods/refinement/",
            "src/figure/",
            "assets/",
            "src/paper/steps/training_ground.rs",
            "src/paper/steps/training.rs",
        ],
    ],
    configurations: &["configs/uadm/edsr.toml"],
    needs: &["edsr"],
    data: &[],
    publishes: &[
        ("edsr_training.png", "figures/edsr_training.png"),
        ("edsr_training.svg", "figures/edsr_training.svg"),
        ("edsr_training.json", "figures/edsr_training.json"),
    ],
    run,
};

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let folder = context.input("edsr")?;
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).map_err(|e| context.error(e));
    let text = read(LOG)?;
    let configuration: Value = context.configuration()?;
    let seed = configuration["fit"]["seed"].as_u64().unwrap_or_default();
    let passport = Passport { device: read(DEVICE)?, ..context.passport("edsr_training", vec![Tier::Twin], seed, Value::Null)? };
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
