//! The synthetic dust.

use serde::Deserialize;

use crate::data::dust::{DustConfig, DustTwin};
use crate::paper::PaperResult;
use crate::paper::step::{Step, StepContext};

/// The dust's settings, and its split.
pub const CONFIGURATION: &str = "configs/transfer/dust.toml";

/// The step.
pub const STEP: Step = Step {
    name: "dust",
    about: "five years of synthetic dust on two nested grids",
    rooms: &[&["src/base/", "src/grid/", "src/data/dust/", "src/data/error.rs", "src/paper/steps/transfer_dust.rs"]],
    configurations: &[CONFIGURATION],
    needs: &[],
    data: &[],
    publishes: &[],
    run,
};

/// The split beside it is read by those who learn from the dust.
#[derive(Clone, Debug, Deserialize)]
struct DustConfiguration {
    record: DustConfig,
}

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let DustConfiguration { record } = context.configuration()?;
    DustTwin::open_or_generate(&record, &context.folder).map_err(|e| context.error(e))?;
    Ok(())
}
