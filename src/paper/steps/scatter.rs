//! The scatter figure: products against in-situ temperatures, one panel a product.

use crate::figure::{PanelStatistics, ScatterPanel, ScatterStyle, Tier, draw_scatter};
use crate::paper::matchup_table::MatchupTable;
use crate::paper::step::{Step, StepContext};
use crate::paper::{PaperResult, TidyTable};

/// Products of the figure with their titles, in reading order.
const PANELS: [(&str, &str); 8] = [
    ("coarse_analysis", "Coarse analysis"),
    ("bicubic_backprojected", "Bicubic, closed"),
    ("rrdb", "RRDB"),
    ("swin_light", "SwinIR (light)"),
    ("edsr", "EDSR"),
    ("uadm_member", "UADM, one member"),
    ("uadm", "UADM, mean"),
    ("fine_analysis", "Fine analysis"),
];

/// The step.
pub const STEP: Step = Step {
    name: "scatter",
    about: "figures/scatter.png: products against drifters and moorings",
    rooms: &[&[
        "src/base/",
        "src/figure/",
        "assets/",
        "src/paper/table",
        "src/paper/matchup_table.rs",
        "src/paper/steps/scatter.rs",
    ]],
    configurations: &[],
    needs: &["matchups"],
    data: &[],
    publishes: &[
        ("scatter.png", "figures/scatter.png"),
        ("scatter.svg", "figures/scatter.svg"),
        ("scatter.json", "figures/scatter.json"),
    ],
    run,
};

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let folder = context.input("matchups")?;
    let matchups = MatchupTable::read(&folder.join("scatter_matchups.csv"))?;
    let scores = TidyTable::read_csv(&folder.join("scatter_scores.csv"))?;
    let mut panels = Vec::new();
    for (id, title) in PANELS {
        let values = matchups
            .products
            .iter()
            .find(|(name, _)| name == id)
            .map(|(_, values)| values)
            .ok_or_else(|| context.error(format!("the matchup table has no product '{id}'")))?;
        // The digits in the box are those of the table: it is the one source.
        let number = |metric: &str| {
            let row = scores.rows().iter().find(|r| r.method == id && r.metric == metric);
            row.map(|r| (r.value, r.n)).ok_or_else(|| context.error(format!("the score table has no {metric} of '{id}'")))
        };
        panels.push(ScatterPanel {
            title: title.into(),
            x: values.iter().map(|v| *v as f32).collect(),
            y: matchups.in_situ.iter().map(|v| *v as f32).collect(),
            statistics: PanelStatistics {
                slope: number("slope")?.0,
                intercept: number("intercept")?.0,
                r_squared: number("r_squared_pearson")?.0,
                bias: number("bias")?.0,
                rmse: number("rmse")?.0,
                n: number("rmse")?.1 as usize,
            },
        });
    }
    let seed = scores.rows().first().map_or(0, |r| r.seed);
    let passport = context.passport("scatter", vec![Tier::Twin], seed, serde_json::Value::Null)?;
    draw_scatter(&panels, &ScatterStyle::default(), &context.path("scatter"), &passport).map_err(|e| context.error(e))?;
    Ok(())
}
