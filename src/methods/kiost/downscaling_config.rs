//! Settings of the downscaling and its training.

use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

use super::critic::CriticConfig;
use super::generator::GeneratorConfig;
use super::normalisation::Formulation;
use super::station_loss::StationLoss;
use crate::methods::error::{MethodError, MethodResult};
use crate::nn::AdamConfig;
use crate::train::TrainingOptions;

/// How the generator's two maps are held against stations.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum StationHead {
    /// The fine field itself, as the published figure draws it.
    Field,
    /// The second map, as the published program has it; here in the units of the first, so that it can be read anywhere.
    Second,
    /// The second map corrects the first near the coast, where a composite is smoothest and stations know best. Stations
    /// teach the correction alone, the composite the field alone, so that the two do not pull the same cell two ways; the
    /// outcome is their sum.
    Coastal {
        /// Distance from land, in fine cells, at which the correction has faded to 1/e.
        cells: f64,
    },
    /// As `Coastal`, but the second map counts by its mean alone: one number for each day, common to the whole coast, so that
    /// what some stations tell holds where there is none.
    CommonCoast {
        /// Distance from land, in fine cells, at which the correction has faded to 1/e.
        cells: f64,
    },
}

impl StationHead {
    /// The distance at which a correction fades, where there is one.
    pub(super) fn fading_cells(self) -> Option<f64> {
        match self {
            StationHead::Field | StationHead::Second => None,
            StationHead::Coastal { cells } | StationHead::CommonCoast { cells } => Some(cells),
        }
    }

    /// The correction before it fades, `[b, 1, h, w]`, from the generator's maps `[b, 2, h, w]`.
    pub(super) fn correction(self, maps: &Tensor) -> Result<Tensor> {
        let second = maps.narrow(1, 1, 1)?;
        match self {
            StationHead::CommonCoast { .. } => second.mean_keepdim((2, 3))?.broadcast_as(second.shape()),
            _ => Ok(second),
        }
    }
}

/// Networks and formulation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DownscalingConfig {
    /// What the networks' numbers stand for.
    pub formulation: Formulation,
    /// Which map is held against stations.
    pub station_head: StationHead,
    /// The generator.
    pub generator: GeneratorConfig,
    /// The critic.
    pub critic: CriticConfig,
}

impl Default for DownscalingConfig {
    fn default() -> DownscalingConfig {
        DownscalingConfig::quick()
    }
}

impl DownscalingConfig {
    /// The published networks: 120 x 120 cells to 600 x 600.
    pub fn paper() -> DownscalingConfig {
        DownscalingConfig {
            formulation: Formulation::Published,
            station_head: StationHead::Second,
            generator: GeneratorConfig::paper(),
            critic: CriticConfig::paper(),
        }
    }

    /// Networks for a CPU and 16 x 16 cells.
    pub fn quick() -> DownscalingConfig {
        DownscalingConfig {
            formulation: Formulation::Residual,
            station_head: StationHead::Field,
            generator: GeneratorConfig::quick(),
            critic: CriticConfig { fine: vec![4, 8, 16, 32], coarse: vec![8, 16, 32] },
        }
    }
}

/// Settings of the training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DownscalingFitOptions {
    /// Settings of the loop; rates are the generator's.
    pub training: TrainingOptions,
    /// Weeks in a batch.
    pub batch: usize,
    /// Weeks in a batch of the critic; none: as many as the generator's. There are five of them to one of the generator.
    pub critic_batch: Option<usize>,
    /// Iterations of the generator alone, under pixel and station loss, before the critic starts.
    pub start_iteration: u64,
    /// Steps of the critic before each step of the generator.
    pub critic_steps: u64,
    /// The critic's learning rate, which does not fall: it starts late.
    pub critic_rate: f64,
    /// Constants of the critic's Adam; those of the generator are the loop's.
    pub critic_adam: AdamConfig,
    /// Weight of the gradient penalty in the critic's loss.
    pub penalty_weight: f64,
    /// Weight of the critic's judgement in the generator's loss.
    pub adversarial_weight: f64,
    /// Weight of the mean square error of pixels; published: 0.
    pub pixel_weight: f64,
    /// Weight of the station loss.
    pub station_weight: f64,
    /// The station loss.
    pub station_loss: StationLoss,
    /// Show the generator weeks mirrored to east and west, north and south, at random: eddies have no side, and five years
    /// are few.
    pub mirrored: bool,
    /// Weeks of the validation score, spread over the validation days.
    pub validation_weeks: usize,
    /// Seed of weights and draws.
    pub seed: u64,
}

impl Default for DownscalingFitOptions {
    fn default() -> DownscalingFitOptions {
        DownscalingFitOptions::paper()
    }
}

impl DownscalingFitOptions {
    /// As published: 20,000 steps of the critic on single weeks, one of the generator after five of them, no pixel loss.
    pub fn paper() -> DownscalingFitOptions {
        let adam = AdamConfig { beta1: 0.0, beta2: 0.9, weight_decay: 1e-4, decoupled: false, ..AdamConfig::default() };
        DownscalingFitOptions {
            training: TrainingOptions {
                iterations: 4000,
                peak_rate: 1e-4,
                final_rate: 1e-4,
                warmup_iterations: 0,
                adam,
                clip_norm: f64::INFINITY,
                divergence_factor: None,
                ..TrainingOptions::default()
            },
            batch: 1,
            critic_batch: None,
            start_iteration: 0,
            critic_steps: 5,
            critic_rate: 1e-4,
            critic_adam: adam,
            penalty_weight: 10.0,
            adversarial_weight: 1.0,
            pixel_weight: 0.0,
            station_weight: 10.0,
            station_loss: StationLoss::Mse,
            mirrored: false,
            validation_weeks: 24,
            seed: 1,
        }
    }

    pub(super) fn check(&self, head: StationHead) -> MethodResult<()> {
        if let Some(cells) = head.fading_cells()
            && !(cells > 0.0 && cells.is_finite())
        {
            return Err(MethodError::Argument(format!("kiost: the correction fades over {cells} cells; more than 0 is wanted")));
        }
        let weights = [self.penalty_weight, self.adversarial_weight, self.pixel_weight, self.station_weight];
        let problem = if weights.iter().any(|w| !(w.is_finite() && *w >= 0.0)) {
            format!("the losses' weights are {weights:?}; numbers of at least 0 are wanted")
        } else if self.batch == 0 || self.critic_batch == Some(0) || self.critic_steps == 0 || self.validation_weeks == 0 {
            "batch, critic_steps and validation_weeks must be at least 1".to_string()
        } else if self.training.accumulate != 1 {
            "accumulate must be 1 against a critic; make the batch larger".to_string()
        } else if self.start_iteration > 0 && self.pixel_weight + self.station_weight == 0.0 {
            "before the critic starts there is no loss; give a pixel_weight, or start_iteration 0".to_string()
        } else {
            return self.station_loss.check();
        };
        Err(MethodError::Argument(format!("kiost: {problem}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_settings() {
        let fit = DownscalingFitOptions::paper();
        assert_eq!(fit.training.iterations * fit.critic_steps, 20_000);
        assert_eq!((fit.batch, fit.pixel_weight, fit.station_weight, fit.penalty_weight), (1, 0.0, 10.0, 10.0));
        let adam = fit.training.adam;
        assert_eq!((adam.beta1, adam.beta2, adam.weight_decay, adam.decoupled), (0.0, 0.9, 1e-4, false));
        fit.check(StationHead::Field).unwrap();
        let text = toml::to_string(&DownscalingConfig::paper()).unwrap();
        assert_eq!(toml::from_str::<DownscalingConfig>(&text).unwrap(), DownscalingConfig::paper());
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let common = DownscalingFitOptions::paper().check(StationHead::CommonCoast { cells: -1.0 });
        assert!(common.unwrap_err().to_string().contains("more than 0"));
        let message = |change: fn(&mut DownscalingFitOptions)| {
            let mut fit = DownscalingFitOptions::paper();
            change(&mut fit);
            fit.check(StationHead::Field).unwrap_err().to_string()
        };
        assert!(message(|f| f.pixel_weight = f64::NAN).contains("at least 0"));
        assert!(message(|f| f.critic_steps = 0).contains("critic_steps"));
        assert!(message(|f| f.critic_batch = Some(0)).contains("at least 1"));
        assert!(message(|f| f.training.accumulate = 2).contains("accumulate"));
        assert!(message(|f| f.station_loss = StationLoss::Gumbel { r: 0.5 }).contains("at least 1"));
        let flat = DownscalingFitOptions::paper().check(StationHead::Coastal { cells: 0.0 }).unwrap_err().to_string();
        assert!(flat.contains("more than 0"));
        assert!(message(|f| (f.start_iteration, f.station_weight) = (5, 0.0)).contains("no loss"));
    }
}
