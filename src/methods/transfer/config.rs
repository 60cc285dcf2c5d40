//! The settings of the method.

use serde::{Deserialize, Serialize};

use super::denoiser::DenoiserConfig;
use super::forecast::ForecastConfig;
use super::groundwork::{Base, Driver};
use super::second_order::{crowded_times, second_order_walk};
use crate::diffusion::{
    DdpmSchedule, DiffusionResult, Parametrisation, ReverseVariance, ReverseWalk, Spacing, ancestral_walk, ddim_walk,
    respaced_times,
};
use crate::grid::{Tiling, Window as BlendWindow};
use crate::methods::error::{MethodError, MethodResult};

/// What the large network is shown of the days before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transfer {
    /// The features that the forecast's encoder makes of them, frozen.
    #[default]
    Encoder,
    /// The same from an encoder that has learnt nothing.
    RandomEncoder,
    /// Nothing: zeros in place of the features.
    Nothing,
    /// The days themselves, in units of the encoder's input.
    RawLags,
}

/// What the large network learns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// To take noise away: a diffusion, which draws fields.
    #[default]
    Diffusion,
    /// To say the field outright: the deterministic network with the same inputs.
    Regression,
}

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

/// How a field is cut into patches and put together again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stitching {
    /// Cells along one side of a patch, in training and after.
    pub patch: usize,
    /// Cells at each inner side of a patch that are computed and not used.
    pub halo: usize,
    /// Cells from one patch to the next.
    pub stride: usize,
    /// The weights of a patch's cells.
    pub window: BlendWindow,
    /// Clean fields are blended at every step, so that the whole map is one draw; else each patch is drawn by itself, as
    /// published, and the average of draws is too smooth.
    pub fused: bool,
}

impl Default for Stitching {
    fn default() -> Stitching {
        Stitching { patch: 32, halo: 4, stride: 24, window: BlendWindow::HannHalfSample, fused: true }
    }
}

impl Stitching {
    /// As published: patches of 16 every 2 cells, each drawn by itself.
    pub fn paper() -> Stitching {
        Stitching { patch: 16, halo: 4, stride: 2, window: BlendWindow::HannSymmetric, fused: false }
    }

    /// The patches of a map.
    ///
    /// # Errors
    /// [`MethodError::Grid`] where they do not cover it.
    ///
    /// # Example
    /// ```
    /// use isotherm::methods::transfer::Stitching;
    /// // The published areas, 224 x 318 and 425 x 352 fine cells.
    /// assert_eq!(Stitching::paper().tiling(224, 318).unwrap().len(), 105 * 152);
    /// assert_eq!(Stitching { stride: 8, ..Stitching::paper() }.tiling(425, 352).unwrap().len(), 2279);
    /// ```
    pub fn tiling(&self, rows: usize, columns: usize) -> MethodResult<Tiling> {
        Ok(Tiling::new(rows, columns, self.patch, self.stride)?.with_halo(self.halo)?.with_window(self.window))
    }
}

/// Settings of the method; [`TransferConfig::quick`] trains on a CPU, [`TransferConfig::paper`] is as published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TransferConfig {
    /// What the large network is shown of the days before.
    pub transfer: Transfer,
    /// Its other inputs.
    pub drivers: Vec<Driver>,
    /// From what its state is counted.
    pub base: Base,
    /// What it learns.
    pub task: Task,
    /// Sizes of the forecast whose encoder is lent.
    pub forecast: ForecastConfig,
    /// Sizes of the large network.
    pub denoiser: DenoiserConfig,
    /// The diffusion.
    pub diffusion: TransferDiffusion,
    /// The patches.
    pub stitching: Stitching,
}

impl Default for TransferConfig {
    fn default() -> TransferConfig {
        TransferConfig::quick()
    }
}

impl TransferConfig {
    /// Small, and counted from the linear forecast.
    pub fn quick() -> TransferConfig {
        TransferConfig {
            forecast: ForecastConfig::quick(),
            denoiser: DenoiserConfig::quick(),
            transfer: Transfer::Encoder,
            drivers: vec![
                Driver::Coarse,
                Driver::CoarseBefore,
                Driver::LastFine,
                Driver::Climatology,
                Driver::Elevation,
                Driver::SeasonCosine,
                Driver::SeasonSine,
            ],
            base: Base::Linear,
            task: Task::Diffusion,
            diffusion: TransferDiffusion::default(),
            stitching: Stitching::default(),
        }
    }

    /// The published sizes, inputs, units and schedule.
    pub fn paper() -> TransferConfig {
        TransferConfig {
            forecast: ForecastConfig::paper(),
            denoiser: DenoiserConfig::paper(),
            transfer: Transfer::Encoder,
            drivers: vec![Driver::CoarseNearest, Driver::Elevation, Driver::Latitude, Driver::Longitude, Driver::Year],
            base: Base::Range,
            task: Task::Diffusion,
            diffusion: TransferDiffusion::paper(),
            stitching: Stitching::paper(),
        }
    }

    /// Days that a prediction looks back on.
    pub fn lags(&self) -> usize {
        self.forecast.lags
    }

    /// Channels of what it is shown of the days before.
    pub(super) fn feature_channels(&self) -> usize {
        if self.transfer == Transfer::RawLags { self.forecast.lags } else { self.forecast.widths[2] }
    }

    pub(super) fn check(&self) -> MethodResult<()> {
        let wrong = |what: String| Err(MethodError::Argument(format!("transfer: {what}")));
        if self.denoiser.features != self.feature_channels() || self.denoiser.drivers != self.drivers.len() {
            return wrong(format!(
                "a network for {} features and {} drivers, but {} and {} are given; set denoiser.features and denoiser.drivers",
                self.denoiser.features,
                self.denoiser.drivers,
                self.feature_channels(),
                self.drivers.len()
            ));
        }
        if self.denoiser.bounded && (self.base != Base::Range || self.diffusion.parametrisation != Parametrisation::Clean) {
            return wrong("a network that ends within 0..1 wants the base `range` and the clean field as its answer".to_string());
        }
        if self.stitching.patch == 0 || !self.stitching.patch.is_multiple_of(4) {
            return wrong(format!("patches of {} cells; a multiple of 4 is wanted", self.stitching.patch));
        }
        self.diffusion.walk()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_hold_and_survive_toml() {
        for config in [TransferConfig::quick(), TransferConfig::paper()] {
            config.check().unwrap();
            let text = toml::to_string(&config).unwrap();
            assert_eq!(toml::from_str::<TransferConfig>(&text).unwrap(), config);
        }
    }

    #[test]
    fn settings_that_do_not_fit_are_refused() {
        let message = |change: fn(&mut TransferConfig)| {
            let mut config = TransferConfig::quick();
            change(&mut config);
            config.check().unwrap_err().to_string()
        };
        assert!(message(|c| c.drivers.truncate(3)).contains("drivers"));
        assert!(message(|c| c.transfer = Transfer::RawLags).contains("features"));
        assert!(message(|c| c.denoiser.bounded = true).contains("range"));
        assert!(message(|c| c.stitching.patch = 18).contains("multiple of 4"));
        assert!(message(|c| c.diffusion.visits = 0).contains("steps"));
    }

    /// The published walk: every tenth of 2000 times, from 1990 down to 0, and the shares of signal there.
    #[test]
    fn the_published_schedule() {
        let diffusion = TransferDiffusion::paper();
        let (walk, schedule) = (diffusion.walk().unwrap(), diffusion.schedule().unwrap());
        let times: Vec<usize> = walk.steps.iter().map(|step| step.time).collect();
        assert_eq!((times.len(), times[0], times[1], times[199]), (200, 1990, 1980, 0));
        for (time, wanted, digits) in
            [(0, 0.99998, 1e-5), (100, 0.99187, 1e-5), (500, 0.84645, 1e-5), (1000, 0.49306, 1e-5), (1900, 5.94e-3, 1e-5)]
        {
            assert!((schedule.signal_share(time).unwrap() - wanted).abs() < digits, "{time}");
        }
        assert!((schedule.signal_share(1990).unwrap() / 4.92e-5 - 1.0).abs() < 2e-3);
    }

    #[test]
    fn stitching_gives_constants_and_images_back() {
        for stitching in [Stitching::paper(), Stitching { stride: 8, ..Stitching::paper() }, Stitching::default()] {
            let tiling = stitching.tiling(40, 45).unwrap();
            let side = stitching.patch;
            let constant = tiling.stitch(&vec![vec![0.7f64; side * side]; tiling.len()]).unwrap();
            assert!(constant.iter().all(|v| (v - 0.7).abs() < 1e-12));
            let image: Vec<f64> = (0..40 * 45).map(|i| ((i * 31) % 97) as f64).collect();
            let tiles: Vec<Vec<f64>> = (0..tiling.len()).map(|i| tiling.cut(&image, i).unwrap()).collect();
            let back = tiling.stitch(&tiles).unwrap();
            assert!(image.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-9));
        }
        // Patches that do not meet between their halos are refused.
        assert!(Stitching { stride: 9, ..Stitching::paper() }.tiling(40, 45).is_err());
    }
}
