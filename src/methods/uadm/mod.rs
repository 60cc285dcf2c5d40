//! Uncertainty-guided adversarial diffusion for the refinement of sea surface temperature, in a few steps.
//!
//! A residual-shifting diffusion leads from a noisy coarse field to a fine one. Its noise is strong where the coarse field
//! tells little: by the strain rate of a flow whose surface would look like the temperature (UADM), by what a regression adds
//! to the coarse field (as UPSR), or the same everywhere (as ResShift). A U-Net with Swin layers predicts the fine field from
//! each state; a critic may judge mosaics of true and generated pixels while it learns. Each noise gives another field:
//! ensembles have a mean, better than any member, and a spread.
//!
//! # Reference
//! Huang, Zhang, Wang, Nie, Wei (2025), Uncertainty-guided adversarial diffusion model for sea surface temperature
//! super-resolution (manuscript and program); Yue et al. (2023), ResShift. arXiv:2307.12348; Zhang et al. (2025),
//! Uncertainty-guided perturbation for image super-resolution diffusion model. arXiv:2503.18512
//!
//! # Departures
//! [`UadmConfig::paper`] keeps the published sizes, units, noise and schedule. By default the state is what the back-projected
//! bicubic lacks, in units of what is expected of it from the coarse tile's roughness, so that noise is measured by what is
//! really unknown, and the noise has the spectrum of it ([`NoiseColour`]); a regression trunk says the mean, and the U-Net what
//! departs from it; the deterministic sampler looks back one step, without which few steps lose variance; the strain is computed
//! as [`StrainMode::Fixed`] says; block means are kept; land counts nowhere.

mod adversarial;
mod apply;
mod config;
mod denoiser;
mod discriminator;
mod ensemble;
mod fit;
mod frame;
mod generator;
mod noise;
mod strain;
mod trainee;
mod trunk;
mod uncertainty;

pub use apply::Uadm;
pub use config::{
    AdversarialConfig, CriticMosaic, DiffusionConfig, StateUnits, UadmConfig, UncertaintyConfig, UncertaintySource,
};
pub use discriminator::Discriminator;
pub use ensemble::{Closure, Ensemble, EnsembleOptions, FrameEnsemble};
pub use fit::{GENERATOR, UadmFitOptions, fit};
pub use generator::{Generator, GeneratorConfig};
pub use noise::NoiseColour;
pub use strain::{StrainGrid, StrainMode};
