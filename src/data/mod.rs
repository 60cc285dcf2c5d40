//! Floor 3: manifests, fetching, products, splits and the synthetic ocean.

mod error;
mod observations;
pub mod splits;
pub mod twin;

pub use error::{DataError, DataResult};
pub use observations::{Observation, Observations, Platform};
