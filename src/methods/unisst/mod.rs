//! Inpainting of cloudy sequences learned without a clear one: a generator that fills, and two critics that
//! judge frames and the differences between them.

mod critics;
mod generator;

pub use critics::{CriticConfig, FrameCritic, SequenceCritic};
pub use generator::{Generator, GeneratorConfig};
