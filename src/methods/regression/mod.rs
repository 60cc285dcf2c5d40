//! Regression: networks that predict what the back-projected bicubic lacks, all trained under one protocol, and a mean
//! offset as the least of all corrections ([`BiasCorrected`]).
//!
//! Each network sees a coarse tile less its mean, divided by its standard deviation, and which of its cells are sea. It
//! trains on pairs made from fine fields of many smoothnesses, from random fields of random spectra, and under random
//! coasts, so that it cannot lean on one ocean. Pairs, loss, iterations and batch are the same for all architectures; only
//! the [`Architecture`] differs.
//!
//! # Departures from the papers
//! - One value channel and one for the sea in place of three colours; a factor of 5.
//! - All but SRCNN end as light networks do: one convolution to 25 channels at the coarse size, shuffled into one fine map,
//!   with no convolutions at the fine size. SwinIR calls that `pixelshuffledirect`; EDSR and RRDB have wider ends.
//! - The last convolution starts at zero, so that before its first step each method is the back-projected bicubic.
//! - The sum of each coarse cell's correction is zero (`closed`), so block means stay the coarse values.

mod apply;
mod bias;
mod config;
mod edsr;
mod fit;
mod network;
mod protocol;
mod rrdb;
mod srcnn;
mod swin_light;

pub(in crate::methods) use apply::GENERATOR;
pub use apply::Regression;
pub use bias::{BiasBand, BiasCorrected};
pub use config::{Architecture, RegressionConfig};
pub use edsr::EdsrConfig;
pub use fit::{FitOptions, fit};
pub(in crate::methods) use network::Network;
pub(in crate::methods) use protocol::Protocol;
pub use rrdb::RrdbConfig;
pub use srcnn::SrcnnConfig;
pub use swin_light::SwinLightConfig;
