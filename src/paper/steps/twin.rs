//! The synthetic ocean.

use crate::data::twin::{Twin, TwinConfig};
use crate::paper::PaperResult;
use crate::paper::step::{Step, StepContext, read_configuration};
use crate::paper::study::Study;

/// The twin's settings.
pub(super) const CONFIGURATION: &str = "configs/twin/quick.toml";

/// The step.
pub const STEP: Step = Step {
    name: "twin",
    about: "a year of the synthetic ocean and of what its instruments see",
    rooms: &[&["src/base/", "src/grid/", "src/data/twin/", "src/data/observations.rs", "src/paper/steps/twin.rs"]],
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

/// The twin that a step named among its needs.
pub(super) fn open(context: &StepContext<'_>) -> PaperResult<Twin> {
    let folder = context.input("twin")?;
    let configuration: TwinConfig = read_configuration(context.study.root(), CONFIGURATION)?;
    Twin::open_or_generate(&configuration, &folder).map_err(|e| context.error(e))
}

impl Study {
    /// The twin, made if it is stale.
    ///
    /// # Errors
    /// As [`Study::run`].
    pub fn twin(&self) -> PaperResult<Twin> {
        let folder = self.run("twin")?;
        let configuration: TwinConfig = read_configuration(self.root(), CONFIGURATION)?;
        Twin::open_or_generate(&configuration, &folder).map_err(crate::paper::PaperError::step("twin"))
    }
}
