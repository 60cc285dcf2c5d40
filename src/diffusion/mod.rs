//! Floor 3: diffusion. Noise schedules, forward processes, and samplers that lead from noise to a field.
//!
//! A sampler here is data: a [`ReverseWalk`] lists, step by step, how much of the present state, of the network's
//! prediction of the clean field, of the low-resolution field and of fresh noise makes the next state. DDPM
//! ([`ancestral_walk`]), DDIM ([`ddim_walk`]) and residual shifting ([`residual_walk`]) differ only in these numbers, so
//! one loop runs them all, on one batch ([`ReverseWalk::sample`]) or on a map of overlapping tiles
//! ([`TiledSampler`]).
//!
//! Times count from 0 (the least noise) to `steps - 1`; this is also the number that a network is given.

mod ancestral;
mod ddim;
mod ddpm_schedule;
mod error;
mod noise;
mod parametrisation;
mod per_sample;
mod residual_sampler;
mod residual_shifting;
mod respacing;
mod reverse_walk;
mod tiled_sampler;

pub use ancestral::{ReverseVariance, ancestral_walk};
pub use ddim::ddim_walk;
pub use ddpm_schedule::DdpmSchedule;
pub use error::{DiffusionError, DiffusionResult};
pub use noise::{NoiseField, ensemble_noise};
pub use parametrisation::Parametrisation;
pub use residual_sampler::{residual_walk, residual_walk_of_second_order};
pub use residual_shifting::{ResidualShifting, ResidualShiftingConfig};
pub use respacing::{Spacing, respaced_times};
pub use reverse_walk::{Conditions, ReverseStep, ReverseWalk};
pub use tiled_sampler::{PlaneConditions, TiledSampler};
