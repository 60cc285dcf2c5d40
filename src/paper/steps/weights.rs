//! The methods of the ladder, the trained one included.

use super::edsr_files::WEIGHTS;
use crate::methods::SuperResolver;
use crate::paper::PaperResult;
use crate::paper::step::StepContext;

/// All methods of the ladder, simplest first.
pub fn ladder_methods(context: &StepContext<'_>) -> PaperResult<Vec<SuperResolver>> {
    let mut methods = SuperResolver::untrained().to_vec();
    let path = context.input("edsr")?.join(WEIGHTS);
    methods.push(SuperResolver::regression_from(&path).map_err(|e| context.error(e))?);
    Ok(methods)
}
