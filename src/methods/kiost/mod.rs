//! Downscaling of a week of reanalysis under a projection critic, and the forecasts at stations.

mod critic;
mod forecaster;
mod generator;
mod temporal_attention;

pub use critic::{Critic, CriticConfig};
pub use forecaster::{Core, Forecaster, ForecasterConfig};
pub use generator::{Generator, GeneratorConfig};
