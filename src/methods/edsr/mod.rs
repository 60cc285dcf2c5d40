//! A residual network for super-resolution in the manner of EDSR, small enough to train on a CPU in a few
//! minutes.
//!
//! The network sees a coarse tile less its mean, divided by its standard deviation, and which of its cells are sea, and
//! predicts what the back-projected bicubic lacks. It trains on pairs made from fine fields of many smoothnesses, from
//! random fields of random spectra, and under random coasts, so that it cannot lean on one ocean.
//!
//! # Reference
//! Lim et al. (2017), Enhanced deep residual networks for single image super-resolution.
//! doi:10.1109/CVPRW.2017.151
//!
//! # Departures
//! The tail goes to 25 channels and shuffles them into one fine map, without the wide convolutions at the
//! fine size; the sum of each coarse cell's correction is zero, so block means stay the coarse values.

mod apply;
mod config;
mod fit;
mod network;

pub use apply::Edsr;
pub use config::EdsrConfig;
pub use fit::{FitOptions, fit};
