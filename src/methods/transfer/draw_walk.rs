//! The diffusion's schedule and the walk by which a field is drawn.

use serde::{Deserialize, Serialize};

use super::second_order::{crowded_times, second_order_walk};
use crate::diffusion::{
    DdpmSchedule, DiffusionResult, Parametrisation, ReverseVariance, ReverseWalk, Spacing, ancestral_walk, ddim_walk,
    respaced_times,
};

/// How a field is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Sampler {
    /// Each step draws from the posterior of the state before: as published.
    Ancestral,
    /// DDIM.
    Ddim {
        /// 0 deterministic, 1 ancestral.
        stochasticity: f64,
    },
    /// [`second_order_walk`].
    SecondOrder {
        /// How far a line is followed, in units of how far it was seen; to the end of each step where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        follow: Option<f64>,
    },
}

impl Default for Sampler {
    fn default() -> Sampler {
        Sampler::SecondOrder { follow: None }
    }
}

/// The diffusion.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TransferDiffusion {
    /// Times of the cosine schedule.
    pub times: usize,
    /// What the network predicts.
    pub parametrisation: Parametrisation,
    /// Steps of a draw.
    pub visits: usize,
    /// How they are spread over the times.
    pub spacing: Spacing,
    /// Above 1 the visited times crowd where the noise is little ([`crowded_times`]); then the spacing does not count.
    pub crowding: f64,
    /// The walk.
    pub sampler: Sampler,
}

impl Default for TransferDiffusion {
    fn default() -> TransferDiffusion {
        TransferDiffusion {
            times: 1000,
            parametrisation: Parametrisation::Velocity,
            visits: 8,
            spacing: Spacing::Even,
            crowding: 1.0,
            sampler: Sampler::default(),
        }
    }
}

impl TransferDiffusion {
    /// As published: 2000 times, the clean field predicted, 200 of them visited by the ancestral walk.
    pub fn paper() -> TransferDiffusion {
        TransferDiffusion {
            times: 2000,
            parametrisation: Parametrisation::Clean,
            visits: 200,
            spacing: Spacing::Leading,
            crowding: 1.0,
            sampler: Sampler::Ancestral,
        }
    }

    pub(super) fn schedule(&self) -> DiffusionResult<DdpmSchedule> {
        DdpmSchedule::cosine(self.times, 0.008, 0.999)
    }

    pub(super) fn walk(&self) -> DiffusionResult<ReverseWalk> {
        let schedule = self.schedule()?;
        let times = if self.crowding == 1.0 {
            respaced_times(self.times, self.visits, self.spacing)?
        } else {
            crowded_times(self.times, self.visits, self.crowding)?
        };
        match self.sampler {
            Sampler::Ancestral => ancestral_walk(&schedule, &times, ReverseVariance::Small),
            Sampler::Ddim { stochasticity } => ddim_walk(&schedule, &times, stochasticity),
            Sampler::SecondOrder { follow } => second_order_walk(&schedule, &times, follow),
        }
    }
}
