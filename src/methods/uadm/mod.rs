//! Uncertainty-guided adversarial diffusion: a Swin U-Net that predicts the fine field from a noisy one, and
//! a critic that judges each pixel.

mod discriminator;
mod generator;

pub use discriminator::Discriminator;
pub use generator::{Generator, GeneratorConfig};
