//! The settings of the method.

use serde::{Deserialize, Serialize};

use super::autoencoder::LatentConfig;
use super::denoiser::DenoiserConfig;
use super::draw_walk::TransferDiffusion;
use super::driver::{Base, Driver};
use super::forecast::ForecastConfig;
use super::task::{Task, Transfer};
use crate::diffusion::Parametrisation;
use crate::grid::{Tiling, Window as BlendWindow};
use crate::methods::error::{MethodError, MethodResult};

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
    /// Whose features of the days before the large network is shown.
    pub transfer: Transfer,
    /// It is shown the days before themselves as well.
    pub raw_lags: bool,
    /// Its other inputs.
    pub drivers: Vec<Driver>,
    /// From what its state is counted.
    pub base: Base,
    /// What it learns.
    pub task: Task,
    /// Sizes of the forecast whose encoder is lent.
    pub forecast: ForecastConfig,
    /// Sizes of the large network; of each of the two, where there is a trunk.
    pub denoiser: DenoiserConfig,
    /// Sizes of what reads the hidden numbers, where the task is an autoencoder.
    pub latent: LatentConfig,
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
            latent: LatentConfig::default(),
            transfer: Transfer::Encoder,
            raw_lags: false,
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
            task: Task::TrunkAndDiffusion,
            diffusion: TransferDiffusion::default(),
            stitching: Stitching::default(),
        }
    }

    /// The published sizes, inputs, units and schedule.
    pub fn paper() -> TransferConfig {
        TransferConfig {
            forecast: ForecastConfig::paper(),
            denoiser: DenoiserConfig::paper(),
            latent: LatentConfig::default(),
            transfer: Transfer::Encoder,
            raw_lags: false,
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
        let own = if self.transfer.encodes() || !self.raw_lags { self.forecast.widths[2] } else { 0 };
        own + if self.raw_lags { self.forecast.lags } else { 0 }
    }

    /// Channels that each day's inputs have for it: a trainable encoder is given the days themselves.
    pub(super) fn given_channels(&self) -> usize {
        if self.transfer == Transfer::TrainableEncoder { self.forecast.lags } else { self.feature_channels() }
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
        if self.denoiser.direct > self.denoiser.features {
            return wrong(format!("{} of {} features are to enter directly", self.denoiser.direct, self.denoiser.features));
        }
        if self.denoiser.bounded && (self.base != Base::Range || self.diffusion.parametrisation != Parametrisation::Clean) {
            return wrong("a network that ends within 0..1 wants the base `range` and the clean field as its answer".to_string());
        }
        if self.stitching.patch == 0 || !self.stitching.patch.is_multiple_of(4) {
            return wrong(format!("patches of {} cells; a multiple of 4 is wanted", self.stitching.patch));
        }
        if self.latent.channels == 0 || self.latent.width == 0 {
            return wrong(format!("{:?} of the autoencoder; at least 1 of each is wanted", self.latent));
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
        assert!(message(|c| c.raw_lags = true).contains("features"));
        assert!(message(|c| c.denoiser.direct = 65).contains("directly"));
        assert!(message(|c| c.denoiser.bounded = true).contains("range"));
        assert!(message(|c| c.latent.channels = 0).contains("autoencoder"));
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
