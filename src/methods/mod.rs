//! Floor 4: the learned methods and their baselines.
//!
//! [`SuperResolver`] is the ladder for super-resolution: the interpolations, the closure-preserving
//! bicubic, and the learned network of [`edsr`]. [`uadm`], [`kiost`], [`unisst`] and [`transfer`] hold the
//! networks of the four papers.

pub mod baselines;
pub mod edsr;
mod error;
pub mod kiost;
mod super_resolution;
pub mod transfer;
pub mod uadm;
pub mod unisst;

pub use error::{MethodError, MethodResult};
pub use super_resolution::SuperResolver;
