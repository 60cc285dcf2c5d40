//! Floor 4: the learned methods and their baselines.
//!
//! [`SuperResolver`] is the ladder for super-resolution: the interpolations, the closure-preserving
//! bicubic, the networks of [`regression`] and those trained against a critic by [`adversarial`]. [`uadm`], [`kiost`],
//! [`unisst`] and [`transfer`] hold the networks of the four papers; [`baselines`] fills gaps without learning.

pub mod adversarial;
pub mod baselines;
mod error;
pub mod kiost;
pub mod refinement;
pub mod regression;
mod super_resolution;
pub mod transfer;
pub mod uadm;
pub mod unisst;

pub use error::{MethodError, MethodResult};
pub use super_resolution::SuperResolver;
