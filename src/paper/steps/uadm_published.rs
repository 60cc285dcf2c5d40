//! The published numbers of UADM beside ours. They are of another ocean, another year and other buoys, so the two are read
//! side by side and never subtracted.

use serde_json::Value;

use super::uadm_methods::SCORED;
use crate::data::Tier;
use crate::paper::step::{Step, StepContext};
use crate::paper::{PaperResult, TableRender, TidyRow, TidyTable, publish_table};

/// Slope and intercept of in situ on product, R², bias and RMSE in kelvin, number of matchups; as printed in the panels of
/// the published scatter figure (OISST to OSTIA, x5, against in-situ temperatures).
const PUBLISHED: [(&str, [f64; 5], u64); 8] = [
    ("published_oisst", [0.9981, 0.0649, 0.9968, 0.0284, 0.3787], 440_256),
    ("published_glo12v4", [0.9963, 0.0776, 0.9961, 0.0084, 0.4197], 828_588),
    ("published_hycom", [1.0010, 0.0192, 0.9956, 0.0374, 0.4598], 492_218),
    ("published_ostia", [0.9964, 0.1209, 0.9984, 0.0519, 0.2697], 961_946),
    ("published_rrdb", [0.9855, 0.1829, 0.9971, 0.0988, 0.3632], 961_946),
    ("published_swinir", [0.9962, 0.2192, 0.9970, 0.1455, 0.3689], 961_946),
    ("published_catanet", [0.9980, 0.2239, 0.9967, 0.1852, 0.3869], 961_946),
    ("published_uadm", [0.9981, 0.0729, 0.9975, 0.0362, 0.3353], 961_946),
];

/// The metrics, in that order, with their units.
const METRICS: [(&str, &str); 5] = [("slope", "1"), ("intercept", "K"), ("r_squared_pearson", "1"), ("bias", "K"), ("rmse", "K")];

/// The step.
pub const STEP: Step = Step {
    name: "uadm_published",
    about: "the published numbers of UADM beside ours, which are of another ocean",
    rooms: &[
        super::TWIN_AND_SPLIT,
        &["src/base/", "src/paper/table", "src/data/", "src/paper/steps/uadm_methods.rs", "src/paper/steps/uadm_published.rs"],
    ],
    configurations: &["configs/scatter/quick.toml", super::split::CONFIGURATION],
    needs: &["matchups"],
    data: &[],
    publishes: &[
        ("uadm_published.csv", "figures/tables/uadm_published.csv"),
        ("uadm_published.md", "figures/tables/uadm_published.md"),
        ("uadm_published.html", "figures/tables/uadm_published.html"),
        ("uadm_published.json", "figures/tables/uadm_published.json"),
    ],
    run,
};

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let ours = TidyTable::read_csv(&context.input("matchups")?.join("scatter_scores.csv"))?;
    let shown = |id: &str| SCORED.iter().any(|(method, _)| *method == id) || id.ends_with("_analysis");
    let mut rows: Vec<TidyRow> = ours.rows().iter().filter(|r| shown(&r.method)).cloned().collect();
    for (method, numbers, n) in PUBLISHED {
        for ((metric, unit), value) in METRICS.into_iter().zip(numbers) {
            rows.push(TidyRow {
                dataset: "published_global_in_situ".into(),
                tier: Tier::Real,
                split: "test".into(),
                method: method.into(),
                metric: metric.into(),
                value,
                lower: None,
                upper: None,
                n,
                n_eff: None,
                unit: unit.into(),
                seed: 0,
            });
        }
    }
    let certificate = context.study.split()?.certificate()?.to_string();
    let seed = ours.rows().first().map_or(0, |r| r.seed);
    let passport = context.passport("uadm_published", vec![Tier::Twin, Tier::Real], seed, Value::Null)?;
    let title = "Ours on the twin, and the published numbers from the real ocean: NOT comparable";
    let render = TableRender { title, certificate: &certificate, decimals: 4 };
    publish_table(&TidyTable::new("uadm_published", rows)?, &render, &context.path("uadm_published"), &passport)?;
    Ok(())
}
