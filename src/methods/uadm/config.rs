//! The settings of the method.

use serde::{Deserialize, Serialize};

use super::generator::GeneratorConfig;
use super::noise::NoiseColour;
use super::strain::StrainMode;
use crate::diffusion::{
    DiffusionResult, ResidualShifting, ResidualShiftingConfig, ReverseWalk, residual_walk, residual_walk_of_second_order,
};
use crate::methods::error::{MethodError, MethodResult};
use crate::methods::refinement::TileConfig;

/// Settings of the method; [`UadmConfig::quick`] trains on a CPU, [`UadmConfig::paper`] is as published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UadmConfig {
    /// How a tile is cut and normalised.
    pub tile: TileConfig,
    /// The network that predicts the fine field.
    pub generator: GeneratorConfig,
    /// Channels of the critic at full size.
    pub critic_width: usize,
    /// Where the noise is strong and where weak.
    pub uncertainty: UncertaintyConfig,
    /// The diffusion.
    pub diffusion: DiffusionConfig,
    /// The adversarial part; absent for none.
    pub adversarial: Option<AdversarialConfig>,
}

impl Default for UadmConfig {
    fn default() -> UadmConfig {
        UadmConfig::quick()
    }
}

impl UadmConfig {
    /// Small, in our own units, without the adversarial part.
    pub fn quick() -> UadmConfig {
        UadmConfig {
            tile: TileConfig::default(),
            generator: GeneratorConfig::quick(),
            critic_width: 8,
            uncertainty: UncertaintyConfig::default(),
            diffusion: DiffusionConfig::default(),
            adversarial: None,
        }
    }

    /// The published sizes, units and schedule, with the adversarial part of its figure.
    pub fn paper() -> UadmConfig {
        UadmConfig {
            tile: TileConfig { cells: 64, back_projections: 0, ..TileConfig::default() },
            generator: GeneratorConfig::paper(),
            critic_width: super::Discriminator::PAPER_WIDTH,
            uncertainty: UncertaintyConfig { strain: StrainMode::Paper, percentile: 100.0, ..UncertaintyConfig::default() },
            diffusion: DiffusionConfig::paper(),
            adversarial: Some(AdversarialConfig { start: 5000, every: 1, refresh_every: 5000, ..AdversarialConfig::default() }),
        }
    }

    /// The sampler, with the stochasticity that is asked for.
    pub(super) fn walk(&self, schedule: &ResidualShifting, stochasticity: f64) -> DiffusionResult<ReverseWalk> {
        if self.diffusion.second_order && stochasticity == 0.0 {
            residual_walk_of_second_order(schedule)
        } else {
            residual_walk(schedule, stochasticity)
        }
    }

    pub(super) fn check(&self) -> MethodResult<()> {
        self.tile.check("uadm")?;
        let wrong = |what: String| Err(MethodError::Argument(format!("uadm: {what}")));
        if self.generator.factor != self.tile.factor {
            return wrong(format!("a generator for factor {} and tiles for {}", self.generator.factor, self.tile.factor));
        }
        let u = &self.uncertainty;
        if !(u.least > 0.0 && u.least <= 1.0 && u.saturation > 0.0 && (50.0..=100.0).contains(&u.percentile)) {
            return wrong(format!(
                "uncertainty with least {}, saturation {}, percentile {}; 0 to 1, above 0, and 50 to 100 are wanted",
                u.least, u.saturation, u.percentile
            ));
        }
        if u.source == UncertaintySource::Residual && self.generator.trunk_blocks == 0 {
            return wrong("the residual as uncertainty wants a generator with a trunk; set trunk_blocks".to_string());
        }
        ResidualShifting::new(self.diffusion.schedule)?;
        let d = &self.diffusion;
        let units = match d.units {
            StateUnits::Range { coldest, warmest } => warmest > coldest,
            StateUnits::Residual { scale, floor } => scale > 0.0 && floor > 0.0,
        };
        if !(units
            && d.data_spread > 0.0
            && (0.0..=1.0).contains(&d.stochasticity)
            && d.mean_square_weight.is_none_or(|m| m > 0.0))
        {
            return wrong("units, data_spread and mean_square_weight must be positive, stochasticity within 0 to 1".to_string());
        }
        if d.filter > 0 && (!d.preconditioned || d.filter.is_multiple_of(2)) {
            return wrong(format!("a filter of {} pixels; an odd number, and a preconditioned network, are wanted", d.filter));
        }
        if let Some(a) = &self.adversarial {
            let ordered = a.least_weight >= 0.0 && a.largest_weight >= a.least_weight && a.share > 0.0;
            if self.critic_width == 0 || !ordered || a.refresh_every == 0 || a.every == 0 || !(0.0..1.0).contains(&a.memory) {
                return wrong(
                    "critic_width, share, every and refresh_every must be positive, memory below 1, weights in order".to_string(),
                );
            }
            if !a.refresh_every.is_multiple_of(a.every) {
                return wrong(format!("refresh_every {} is no multiple of every {}", a.refresh_every, a.every));
            }
            if !(self.tile.cells * self.tile.factor).is_multiple_of(8) {
                return wrong(format!(
                    "tiles of {} fine pixels; the critic wants a multiple of 8",
                    self.tile.cells * self.tile.factor
                ));
            }
        }
        Ok(())
    }
}

/// What the local weight of the noise follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UncertaintySource {
    /// Nothing: 1 everywhere, as in ResShift.
    None,
    /// The strain rate of the resampled coarse field, as in UADM.
    #[default]
    Strain,
    /// The size of what the generator's regression trunk adds to the resampled coarse field, as in UPSR.
    Residual,
}

/// Where the noise is strong and where weak.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UncertaintyConfig {
    /// What it follows.
    pub source: UncertaintySource,
    /// How a strain is computed and normalised.
    pub strain: StrainMode,
    /// The weight where nothing is uncertain: b.
    pub least: f64,
    /// The normalised uncertainty from which on the weight is 1: 0.3 in the paper's figure, 1 in its program.
    pub saturation: f64,
    /// The percentile over a tile's sea that counts as 1; 100 for the maximum.
    pub percentile: f64,
}

impl Default for UncertaintyConfig {
    fn default() -> UncertaintyConfig {
        UncertaintyConfig {
            source: UncertaintySource::Strain,
            strain: StrainMode::Fixed,
            least: 0.4,
            saturation: 0.3,
            percentile: 99.5,
        }
    }
}

impl UncertaintyConfig {
    /// The weight of the noise for a normalised uncertainty: `b + (1 − b) min(ψ/ψ_max, 1)`.
    ///
    /// # Example
    /// ```
    /// use isotherm::methods::uadm::UncertaintyConfig;
    /// let config = UncertaintyConfig::default();
    /// assert_eq!([0.0, 0.15, 0.3, 0.9].map(|psi| config.weight(psi)), [0.4, 0.7, 1.0, 1.0]);
    /// ```
    pub fn weight(&self, psi: f64) -> f64 {
        self.least + (1.0 - self.least) * (psi.max(0.0) / self.saturation).min(1.0)
    }
}

/// The units in which the diffusion works.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum StateUnits {
    /// The field itself, its range brought to -1 .. 1.
    Range {
        /// The value that becomes -1, in the field's unit.
        coldest: f64,
        /// The value that becomes 1.
        warmest: f64,
    },
    /// What the back-projected bicubic lacks, divided by what is expected of it: `scale` times the rms of the coarse tile's
    /// difference from the mean of each cell's four neighbours.
    Residual {
        /// The factor.
        scale: f64,
        /// Smallest expectation, in units of the tile's standard deviation.
        floor: f64,
    },
}

/// The diffusion.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiffusionConfig {
    /// How fast it shifts, and how much noise it adds.
    pub schedule: ResidualShiftingConfig,
    /// Its units.
    pub units: StateUnits,
    /// Spread of what the network has to find, in these units.
    pub data_spread: f64,
    /// `E[u²]` in the input's divisor; each tile's own where absent.
    pub mean_square_weight: Option<f64>,
    /// The network gives its part of the field in proportion to what the noise hides, the rest being taken from the state;
    /// else it gives the whole field.
    pub preconditioned: bool,
    /// Side in pixels of the learnt filter, one for each time, that the state passes before it is taken over; 0 for none, else
    /// odd. White noise is roughest where the field is smoothest, and the generator alone must learn to carry each pixel's
    /// noise through its channels to take it away.
    pub filter: usize,
    /// The mean over each coarse cell is kept.
    pub closed: bool,
    /// The spectrum of the noise.
    pub colour: NoiseColour,
    /// Of the sampler: 0 deterministic, 1 ancestral.
    pub stochasticity: f64,
    /// The deterministic sampler looks back one step ([`crate::diffusion::residual_walk_of_second_order`]).
    pub second_order: bool,
}

impl Default for DiffusionConfig {
    fn default() -> DiffusionConfig {
        DiffusionConfig {
            schedule: ResidualShiftingConfig {
                steps: 5,
                // Noise with the data's own spectrum need not be stronger than what hides fields that are rougher than most.
                kappa: 5.0,
                power: 0.7,
                smallest_noise: 0.06,
                last_root: 0.99,
                capped: true,
            },
            units: StateUnits::Residual { scale: 0.65, floor: 0.003 },
            data_spread: 1.0,
            mean_square_weight: None,
            preconditioned: true,
            filter: 0,
            closed: true,
            colour: NoiseColour::Missing,
            stochasticity: 0.0,
            second_order: true,
        }
    }
}

impl DiffusionConfig {
    /// As published: -2 to 35 degrees become -1 to 1, and `E[u²]` is 0.3.
    pub fn paper() -> DiffusionConfig {
        DiffusionConfig {
            schedule: ResidualShiftingConfig::uadm(),
            units: StateUnits::Range { coldest: -2.0, warmest: 35.0 },
            data_spread: 0.5,
            mean_square_weight: Some(0.3),
            preconditioned: false,
            filter: 0,
            closed: false,
            colour: NoiseColour::White,
            stochasticity: 0.0,
            second_order: false,
        }
    }
}

/// Which pixels of the critic's mosaics are generated ones, while the critic learns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum CriticMosaic {
    /// With probability `exp(−(u − mean)² / (2 sd²))`, mean and standard deviation of the tile's u: the paper's bell.
    #[default]
    Bell,
    /// With probability `1 − ψ`, where `u = b + (1 − b) ψ`.
    Complement,
    /// With the same probability everywhere.
    Constant {
        /// The probability.
        probability: f64,
    },
    /// No mosaic: whole fields, half of them generated.
    Whole,
}

/// The adversarial part.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdversarialConfig {
    /// Iterations without it at the start.
    pub start: u64,
    /// After that it takes part in every so many iterations; the critic works at the fine size and costs far more than the
    /// generator.
    pub every: u64,
    /// The pixels that are generated ones while the critic learns.
    pub mosaic: CriticMosaic,
    /// While the generator learns a pixel is a generated one with probability u; else everywhere.
    pub generator_mosaic: bool,
    /// The adversarial gradient at the last layer as a share of the other losses'.
    pub share: f64,
    /// Smallest weight.
    pub least_weight: f64,
    /// Largest weight.
    pub largest_weight: f64,
    /// How much of the weight stays when it is computed again.
    pub memory: f64,
    /// Iterations between computations of the weight, a multiple of `every`.
    pub refresh_every: u64,
    /// The critic sees predictions of times up to this one; of all where absent.
    pub latest_time: Option<usize>,
    /// Largest learning rate of the critic.
    pub critic_rate: f64,
}

impl Default for AdversarialConfig {
    fn default() -> AdversarialConfig {
        AdversarialConfig {
            start: 1000,
            every: 4,
            mosaic: CriticMosaic::Bell,
            generator_mosaic: true,
            share: 0.15,
            least_weight: 0.0,
            largest_weight: 1.0,
            memory: 0.95,
            refresh_every: 20,
            latest_time: None,
            critic_rate: 2e-4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_toml_and_odd_ones_are_refused() {
        for config in [UadmConfig::quick(), UadmConfig::paper()] {
            config.check().unwrap();
            let text = toml::to_string(&config).unwrap();
            assert_eq!(toml::from_str::<UadmConfig>(&text).unwrap(), config);
        }
        let refused = |change: fn(&mut UadmConfig)| {
            let mut config = UadmConfig::quick();
            change(&mut config);
            config.check().unwrap_err().to_string()
        };
        assert!(refused(|c| c.generator.factor = 4).contains("factor"));
        assert!(refused(|c| c.uncertainty.least = 0.0).contains("least"));
        assert!(refused(|c| c.diffusion.data_spread = f64::NAN).contains("data_spread"));
        assert!(refused(|c| c.diffusion.filter = 4).contains("odd"));
        assert!(refused(|c| c.diffusion.schedule.kappa = -1.0).contains("kappa"));
        assert!(refused(|c| c.diffusion.units = StateUnits::Range { coldest: 1.0, warmest: 1.0 }).contains("units"));
        assert!(
            refused(|c| {
                c.generator.trunk_blocks = 0;
                c.uncertainty.source = UncertaintySource::Residual;
            })
            .contains("trunk")
        );
        assert!(
            refused(|c| {
                c.tile.cells = 10;
                c.adversarial = Some(AdversarialConfig::default());
            })
            .contains("multiple of 8")
        );
    }
}
