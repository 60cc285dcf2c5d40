//! Gaps of cloudy sequences filled by networks that never saw a clear one.
//!
//! [`fit`] trains the published method: a generator that fills, and two critics that judge frames and the differences between
//! them. [`fit_residual`] trains the alternative: a network that corrects the frame-offset biharmonic fill, taught by
//! seen cells that are hidden on purpose ([`Lesson`]); [`BestFill`] mixes it with other fills where hidden cells say so.
//!
//! What they learn from: [`sequences`] cut from a record, [`Clouds`] and other [`Occlusion`]s that hide cells of it, and a
//! [`SequenceScale`] taken from the visible cells.

mod apply;
mod best_fill;
mod blend;
mod clouds;
mod config;
mod critics;
mod first_fills;
mod fit;
mod generator;
mod losses;
mod normalisation;
mod occlusion;
mod residual_clues;
mod residual_fill;
mod residual_fit;
mod residual_lesson;
mod residual_network;
mod seen;
mod sequences;
mod trainee;

pub use apply::Unisst;
pub use best_fill::{BestConfig, BestFill, Partner};
pub use clouds::{CloudDraw, Clouds, THRESHOLDS, TRAINING_THRESHOLD, occlude};
pub use config::{UnisstConfig, UnisstFitOptions};
pub use critics::{CriticConfig, FrameCritic, SequenceCritic};
pub use fit::{GENERATOR, fit};
pub use generator::{Generator, GeneratorConfig};
pub use losses::{GeneratorLoss, critic_loss};
pub use normalisation::SequenceScale;
pub use occlusion::Occlusion;
pub use residual_fill::{ClueFills, ResidualFill};
pub use residual_fit::{ResidualFitOptions, fit_residual};
pub use residual_lesson::Lesson;
pub use residual_network::{ResidualNetwork, ResidualNetworkConfig};
pub use sequences::{Frames, SequenceSplit, sequences};
