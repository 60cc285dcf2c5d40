//! The steps of the paper, in an order in which they can run.

pub mod edsr;
pub mod ladder;
pub mod matchups;
pub mod overview;
pub mod scatter;
pub mod split;
pub mod twin;
mod weights;

use super::step::Step;

/// How many times finer the ladder makes a field: 0.25 to 0.05 degree.
pub const FACTOR: usize = 5;

/// All steps.
pub static ALL: &[Step] = &[twin::STEP, edsr::STEP, ladder::STEP, matchups::STEP, scatter::STEP, overview::STEP];
