//! A regression network trained against a critic, in the manner of ESRGAN: sharper fields at a higher pointwise error.
//!
//! The generator is one of the networks of [`regression`](super::regression) (by default the RRDB), on the same pairs and with
//! the same pixel loss; after a warm-up without a critic a small share of an adversarial loss joins it. The checkpoint loads
//! as a [`Regression`](super::regression::Regression).
//!
//! # Reference
//! Wang et al. (2018), ESRGAN: enhanced super-resolution generative adversarial networks.
//! doi:10.1007/978-3-030-11021-5_5
//!
//! # Departures
//! - No perceptual loss: the paper compares features of a network that was trained to classify colour photographs. For one
//!   channel of temperature there is no such network, and features of photographs would reward the wrong textures.
//! - So the pixel loss keeps its full weight (the paper: 0.01 beside the perceptual loss), and the adversarial one is small.
//! - The critic judges patches (or pixels), not whole images, since tiles are small; it sees the correction, in units of what
//!   the tile lacks, beside the base, since a correction is a hundredth of the field it is added to.
//! - The last state is kept, not the best by the pixel score: that would be the one before the critic came.

mod config;
mod critic;
mod fit;
mod losses;

pub use config::{AdversarialConfig, CriticConfig};
pub use fit::{AdversarialFitOptions, fit};
pub use losses::AdversarialLoss;
