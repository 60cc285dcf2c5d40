//! Inpainting of cloudy sequences learned without a clear one: a generator that fills, and two critics that
//! judge frames and the differences between them.
//!
//! What they learn from: [`sequences`] cut from a record, [`Clouds`] and other [`Occlusion`]s that hide cells of it, and a
//! [`SequenceScale`] taken from the visible cells.

mod clouds;
mod critics;
mod generator;
mod normalisation;
mod occlusion;
mod sequences;

pub use clouds::{CloudDraw, Clouds, THRESHOLDS, TRAINING_THRESHOLD, occlude};
pub use critics::{CriticConfig, FrameCritic, SequenceCritic};
pub use generator::{Generator, GeneratorConfig};
pub use normalisation::SequenceScale;
pub use occlusion::Occlusion;
pub use sequences::{Frames, SequenceSplit, sequences};
