//! Sizes of the adversarial method, and settings of its training.

use serde::{Deserialize, Serialize};

use super::clouds::TRAINING_THRESHOLD;
use super::critics::CriticConfig;
use super::generator::GeneratorConfig;
use super::losses::GeneratorLoss;
use crate::methods::error::{MethodError, MethodResult};
use crate::nn::{AdamConfig, Decay};
use crate::train::TrainingOptions;

/// The networks and what they are shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UnisstConfig {
    /// The network that fills.
    pub generator: GeneratorConfig,
    /// The critics of frames and of sequences.
    pub critic: CriticConfig,
    /// Is each frame's offset (the diurnal cycle) taken off before and put back after? As published it is not.
    pub frame_offsets: bool,
}

impl Default for UnisstConfig {
    fn default() -> UnisstConfig {
        UnisstConfig::faithful()
    }
}

impl UnisstConfig {
    /// The method as published, in the size for a processor.
    pub fn faithful() -> UnisstConfig {
        UnisstConfig { generator: GeneratorConfig::quick(), critic: CriticConfig::quick(), frame_offsets: false }
    }

    /// The method as published, in its own size.
    pub fn paper() -> UnisstConfig {
        UnisstConfig { generator: GeneratorConfig::paper(), critic: CriticConfig::paper(), frame_offsets: false }
    }

    /// The mended method: the network is told what is hidden, and offsets are taken off. With it belongs a
    /// [`UnisstFitOptions::self_supervision`] above 0.
    pub fn fixed() -> UnisstConfig {
        let generator = GeneratorConfig { mask_channel: true, ..GeneratorConfig::quick() };
        UnisstConfig { generator, frame_offsets: true, ..UnisstConfig::faithful() }
    }
}

/// Settings of the adversarial training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UnisstFitOptions {
    /// Iterations, rates, intervals; rates are the generator's.
    pub training: TrainingOptions,
    /// The critics' largest learning rate.
    pub critic_rate: f64,
    /// Steps of the critics for each of the generator.
    pub critic_steps: usize,
    /// Sequences in one step.
    pub batch: usize,
    /// Frames, rows and columns of what is cut from a sequence in each step.
    pub part: [usize; 3],
    /// Liquid water path above which a cloud hides, g/m², of the masks laid on what the generator made.
    pub threshold: f64,
    /// What the critics say to the generator.
    pub generator_loss: GeneratorLoss,
    /// Weight of the mean absolute error at seen cells that a fresh mask hides, filled again; 0 as published.
    pub self_supervision: f64,
    /// Seed of weights and samples.
    pub seed: u64,
}

impl Default for UnisstFitOptions {
    /// As published, except for the number of iterations (30,000) and the size of the parts (24 x 64 x 64).
    fn default() -> UnisstFitOptions {
        UnisstFitOptions {
            training: TrainingOptions {
                iterations: 400,
                peak_rate: 1e-4,
                final_rate: 0.0,
                warmup_iterations: 0,
                decay: Decay::Step { every: 50, factor: 0.99 },
                adam: AdamConfig { beta1: 0.0, beta2: 0.999, weight_decay: 0.0, ..AdamConfig::default() },
                clip_norm: 1e6,
                validate_every: 200,
                ..TrainingOptions::default()
            },
            critic_rate: 1e-4,
            critic_steps: 2,
            batch: 1,
            part: [12, 32, 32],
            threshold: TRAINING_THRESHOLD,
            generator_loss: GeneratorLoss::Hinge,
            self_supervision: 0.0,
            seed: 1,
        }
    }
}

impl UnisstFitOptions {
    /// Refuses settings out of range for sequences of the shape `smallest` and clouds of the shape `clouds`.
    pub(super) fn check(&self, smallest: [usize; 3], clouds: [usize; 2]) -> MethodResult<()> {
        let wrong = |problem: String| Err(MethodError::Argument(format!("unisst: {problem}")));
        if self.batch == 0 || self.critic_steps == 0 || self.training.accumulate != 1 {
            return wrong("batch and critic_steps must be at least 1, accumulate 1".into());
        }
        let [t, h, w] = self.part;
        let fits = t >= 2 && h >= 2 && w >= 2 && self.part.iter().zip(smallest).all(|(p, s)| *p <= s);
        if !fits || h > clouds[0] || w > clouds[1] {
            return wrong(format!(
                "parts of {:?} do not fit sequences of {smallest:?} and clouds of {clouds:?}; at least 2 of each axis, and no \
                 more than there are, are wanted",
                self.part
            ));
        }
        if !(self.self_supervision >= 0.0 && self.self_supervision.is_finite() && self.threshold.is_finite()) {
            return wrong("self_supervision must be a number of at least 0, and threshold a number".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_refused() {
        let refused = |change: fn(&mut UnisstFitOptions)| {
            let mut options = UnisstFitOptions::default();
            change(&mut options);
            options.check([24, 64, 64], [320, 320]).unwrap_err().to_string()
        };
        assert!(refused(|o| o.critic_steps = 0).contains("critic_steps"));
        assert!(refused(|o| o.part = [12, 80, 32]).contains("do not fit"));
        assert!(refused(|o| o.part = [1, 32, 32]).contains("at least 2"));
        assert!(refused(|o| o.self_supervision = f64::NAN).contains("self_supervision"));
        UnisstFitOptions::default().check([24, 64, 64], [320, 320]).unwrap();
    }

    #[test]
    fn configurations_survive_toml() {
        for config in [UnisstConfig::paper(), UnisstConfig::fixed()] {
            let text = toml::to_string(&config).unwrap();
            assert_eq!(toml::from_str::<UnisstConfig>(&text).unwrap(), config);
        }
        let text = toml::to_string(&UnisstFitOptions::default()).unwrap();
        assert_eq!(toml::from_str::<UnisstFitOptions>(&text).unwrap(), UnisstFitOptions::default());
    }
}
