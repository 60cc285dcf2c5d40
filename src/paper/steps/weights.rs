//! The methods of the ladder, the trained one included.

use super::training_ground::WEIGHTS;
use crate::methods::SuperResolver;
use crate::paper::PaperResult;
use crate::paper::step::StepContext;

/// All methods of the ladder, simplest first.
pub fn ladder_methods(context: &StepContext<'_>) -> PaperResult<Vec<SuperResolver>> {
    let mut methods = SuperResolver::untrained().to_vec();
    methods.push(trained(context, "edsr")?);
    Ok(methods)
}

/// The network that a step trained.
pub fn trained(context: &StepContext<'_>, step: &str) -> PaperResult<SuperResolver> {
    SuperResolver::regression_from(&context.input(step)?.join(WEIGHTS)).map_err(|e| context.error(e))
}
