//! The synthetic ocean of the third paper.

use crate::data::twin::{Twin, TwinConfig};
use crate::paper::PaperResult;
use crate::paper::step::{Step, StepContext, read_configuration};

/// Its settings.
pub(super) const CONFIGURATION: &str = "configs/kiost/twin.toml";

/// The step.
pub const STEP: Step = Step {
    name: "kiost_twin",
    about: "five years of a synthetic bay with stations, for the third paper",
    rooms: &[&["src/base/", "src/grid/", "src/data/twin/", "src/data/observations.rs", "src/paper/steps/kiost_twin.rs"]],
    configurations: &[CONFIGURATION],
    needs: &[],
    data: &[],
    publishes: &[],
    run,
};

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: TwinConfig = context.configuration()?;
    Twin::open_or_generate(&configuration, &context.folder).map_err(|e| context.error(e))?;
    Ok(())
}

/// The ocean that a step named among its needs.
pub(super) fn open(context: &StepContext<'_>) -> PaperResult<Twin> {
    let folder = context.input("kiost_twin")?;
    let configuration: TwinConfig = read_configuration(context.study.root(), CONFIGURATION)?;
    Twin::open_or_generate(&configuration, &folder).map_err(|e| context.error(e))
}
