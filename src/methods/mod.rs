//! Floor 4: the learned methods and their baselines.
//!
//! [`SuperResolver`] is the ladder for super-resolution: the interpolations, the closure-preserving
//! bicubic, and the learned network of [`edsr`].

pub mod edsr;
mod error;
mod super_resolution;

pub use error::{MethodError, MethodResult};
pub use super_resolution::SuperResolver;
