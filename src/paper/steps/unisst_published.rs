//! The published numbers of UNISST beside ours. They are of another ocean, other clouds and other squares, so the two are
//! read side by side and never subtracted.

use serde_json::Value;

use super::unisst_methods::METHODS;
use crate::data::Tier;
use crate::paper::step::{Step, StepContext};
use crate::paper::{PaperResult, TableRender, TidyRow, TidyTable, publish_table};

/// Threshold of the liquid water path and mean absolute error in kelvin over hidden cells, as printed for the published
/// network (trained at 70 g/m²; mean over 60 test sequences of a model of the South Atlantic).
const PUBLISHED: [(u32, f64); 6] = [(55, 0.1273), (60, 0.1047), (65, 0.0988), (70, 0.0739), (75, 0.0698), (80, 0.0497)];

/// DINEOF at 70 g/m² in the same paper.
const PUBLISHED_DINEOF: f64 = 0.1214;

/// Test sequences of the published scores.
const SEQUENCES: f64 = 60.0;

/// Cells of those sequences: 60 of 24 frames of 64 x 64.
const CELLS: u64 = 60 * 24 * 64 * 64;

/// The step.
pub const STEP: Step = Step {
    name: "unisst_published",
    about: "the published numbers of UNISST beside ours, which are of another ocean",
    rooms: &[
        super::TWIN_AND_SPLIT,
        &[
            "src/base/",
            "src/paper/table",
            "src/data/",
            "src/paper/steps/unisst_methods.rs",
            "src/paper/steps/unisst_published.rs",
        ],
    ],
    configurations: &["configs/unisst/ladder.toml", super::split::CONFIGURATION],
    needs: &["unisst_scores"],
    data: &[],
    publishes: &[
        ("unisst_published.csv", "figures/tables/unisst_published.csv"),
        ("unisst_published.md", "figures/tables/unisst_published.md"),
        ("unisst_published.html", "figures/tables/unisst_published.html"),
        ("unisst_published.json", "figures/tables/unisst_published.json"),
    ],
    run,
};

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let ours = TidyTable::read_csv(&context.input("unisst_scores")?.join("unisst_scores.csv"))?;
    let shown = |row: &&TidyRow| {
        row.tier == Tier::Twin && row.metric == "mae" && row.dataset != "twin_all" && METHODS.contains(&row.method.as_str())
    };
    let mut rows: Vec<TidyRow> = ours.rows().iter().filter(shown).cloned().collect();
    let published = |method: &str, threshold: u32, value: f64| TidyRow {
        dataset: format!("published_{threshold}"),
        tier: Tier::Proxy,
        split: "test".into(),
        method: method.into(),
        metric: "mae".into(),
        value,
        lower: None,
        upper: None,
        n: CELLS,
        n_eff: Some(SEQUENCES),
        unit: "K".into(),
        seed: 0,
    };
    rows.extend(PUBLISHED.iter().map(|(threshold, value)| published("published_unisst", *threshold, *value)));
    rows.push(published("published_dineof", 70, PUBLISHED_DINEOF));
    let certificate = context.study.split()?.certificate()?.to_string();
    let seed = ours.rows().first().map_or(0, |r| r.seed);
    let passport = context.passport("unisst_published", vec![Tier::Twin, Tier::Proxy], seed, Value::Null)?;
    let title = "Ours on the twin, and the published errors from a model of the South Atlantic: NOT comparable";
    let render = TableRender { title, certificate: &certificate, decimals: 4 };
    publish_table(&TidyTable::new("unisst_published", rows)?, &render, &context.path("unisst_published"), &passport)?;
    Ok(())
}
