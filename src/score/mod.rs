//! Floor 2: statistics, metrics and inference: pure functions on slices, masks and weights.
//!
//! Errors are prediction − truth everywhere. What is undefined is a [`ScoreError`] with its reason.

mod blocks;
mod error;
mod interval;
mod pairs;
mod pointwise;
mod quantile;
mod resample;
mod robust;
#[allow(clippy::module_inception)]
mod score;

pub use blocks::{BlockAccumulator, BlockDifference, BlockScore, DEFAULT_COVERAGE};
pub use error::{ScoreError, ScoreResult};
pub use interval::{Interval, IntervalKind, basic_interval, bca_interval, interval, percentile_interval};
pub use pairs::Pairs;
pub use pointwise::{FitLine, PointwiseMetric};
pub use quantile::{median, quantile, quantile_of_sorted, sorted};
pub use resample::{Resampling, resample, runs_from};
pub use robust::{IQR_OF_STANDARD_NORMAL, MAD_TO_STANDARD_DEVIATION, RobustStatistics};
pub use score::{Score, Weighting};
