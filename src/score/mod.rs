//! Floor 2: statistics, metrics and inference: pure functions on slices, masks and weights.

mod error;
#[allow(clippy::module_inception)]
mod score;

pub use error::{ScoreError, ScoreResult};
pub use score::{Score, Weighting};
