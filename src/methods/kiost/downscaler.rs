//! A trained downscaling.

use std::path::Path;

use candle_core::{DType, Device, Tensor};

use super::downscaling_config::DownscalingConfig;
use super::generator::Generator;
use super::normalisation::Normalisation;
use super::weeks::week_frames;
use crate::grid::{Field, TimeAxis};
use crate::methods::error::{MethodError, MethodResult};
use crate::nn::Parameters;
use crate::train::{Checkpoint, TrainError};

/// The group of a checkpoint that holds the generator.
pub(super) const GENERATOR: &str = "generator";
/// The part of a checkpoint that holds the statistics of the training days.
pub(super) const STATISTICS: &str = "statistics";
/// Weeks that go through the network together.
const TOGETHER: usize = 16;

/// The generator with the statistics that it was trained in.
#[derive(Clone, Debug)]
pub struct Downscaler {
    method: String,
    config: DownscalingConfig,
    generator: Generator,
    normalisation: Normalisation,
    device: Device,
}

impl Downscaler {
    /// The downscaling of a checkpoint that [`fit_downscaling`](super::fit_downscaling) left, with its averaged weights.
    ///
    /// # Errors
    /// [`MethodError::Train`](crate::methods::MethodError::Train) where the file is damaged or of another method;
    /// [`MethodError::Argument`] where its statistics are absent.
    pub fn load(path: &Path, device: &Device) -> MethodResult<Downscaler> {
        let checkpoint = Checkpoint::load(path, device)?;
        let state = &checkpoint.state;
        let config: DownscalingConfig = serde_json::from_value(state.config["network"].clone()).map_err(|e| {
            let problem =
                format!("it holds the method '{}', whose config is of no downscaling of this program ({e})", state.method);
            TrainError::Checkpoint { path: path.to_path_buf(), problem }
        })?;
        let mut parameters = Parameters::new(device, DType::F32, state.seed);
        let generator = Generator::new(&mut parameters, &config.generator)?;
        parameters.set(&checkpoint.group_weights(GENERATOR))?;
        let normalisation = Normalisation::from_tensors(config.formulation, &checkpoint.group_weights(STATISTICS))?;
        Ok(Downscaler { method: state.method.clone(), config, generator, normalisation, device: device.clone() })
    }

    /// Its id in tables (`gan`), as the checkpoint has it.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Networks and formulation.
    pub fn config(&self) -> &DownscalingConfig {
        &self.config
    }

    /// The statistics of the training days.
    pub fn normalisation(&self) -> &Normalisation {
        &self.normalisation
    }

    /// The fine fields of those `days` of a coarse field, in degrees Celsius, that end a whole week; the others are left
    /// out. With a coastal correction it is part of them.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where the field is of another region, a day does not exist or none of them ends a whole
    /// week;
    /// [`MethodError::Nn`](crate::methods::MethodError::Nn) from the device.
    pub fn apply(&self, coarse: &Field, days: &[usize]) -> MethodResult<Field> {
        let fading = self.config.station_head.fading_cells();
        let correction = fading.map(|cells| self.normalisation.coastal_units(cells)).transpose()?;
        self.map(coarse, days, 0, correction.as_deref())
    }

    /// As [`Downscaler::apply`], without a coastal correction.
    ///
    /// # Errors
    /// As [`Downscaler::apply`].
    pub fn apply_uncorrected(&self, coarse: &Field, days: &[usize]) -> MethodResult<Field> {
        self.map(coarse, days, 0, None)
    }

    /// As [`Downscaler::apply`], of the map that the published program reads at stations.
    ///
    /// # Errors
    /// As [`Downscaler::apply`].
    pub fn apply_second(&self, coarse: &Field, days: &[usize]) -> MethodResult<Field> {
        self.map(coarse, days, 1, None)
    }

    fn map(&self, coarse: &Field, days: &[usize], map: usize, correction: Option<&[f32]>) -> MethodResult<Field> {
        let n = &self.normalisation;
        n.check(coarse)?;
        let seconds = coarse.time().seconds();
        if let Some(day) = days.iter().find(|d| **d >= seconds.len()) {
            return Err(MethodError::Argument(format!("kiost: day {day} does not exist; there are {}", seconds.len())));
        }
        let whole: Vec<(usize, Vec<usize>)> =
            days.iter().filter_map(|d| Some((*d, week_frames(seconds, seconds[*d], self.config.generator.days)?))).collect();
        if whole.is_empty() {
            return Err(MethodError::Argument(format!(
                "kiost: none of {} days ends {} days in a row; give days with their past",
                days.len(),
                self.config.generator.days
            )));
        }
        let [h, w] = n.coarse_shape();
        let mut values = Vec::with_capacity(whole.len() * n.fine_scale().len());
        for part in whole.chunks(TOGETHER) {
            let b = part.len();
            let mut input = Vec::with_capacity(b * self.config.generator.days * h * w);
            for frame in part.iter().flat_map(|(_, week)| week) {
                input.extend(n.coarse_input(coarse.frame(*frame), coarse.frame_mask(*frame), seconds[*frame])?);
            }
            let week =
                Tensor::from_vec(input, (b, 1, self.config.generator.days, h, w), &Device::Cpu)?.to_device(&self.device)?;
            let first = n.first_frame().repeat(b);
            let first = Tensor::from_vec(first, (b, 1, 1, h, w), &Device::Cpu)?.to_device(&self.device)?;
            let both = self.generator.forward_after(&first, &week)?.detach();
            let mut maps = both.narrow(1, map, 1)?;
            if let Some(units) = correction {
                let [rows, columns] = n.fine_shape();
                let units = Tensor::from_slice(units, (1, 1, rows, columns), &Device::Cpu)?.to_device(&self.device)?;
                maps = (maps + self.config.station_head.correction(&both)?.broadcast_mul(&units)?)?;
            }
            let maps = maps.flatten_all()?.to_vec1::<f32>()?;
            for ((day, _), map) in part.iter().zip(maps.chunks_exact(n.fine_scale().len())) {
                let base = n.base_of(coarse.frame(*day), coarse.frame_mask(*day), seconds[*day])?;
                let celsius = base.iter().zip(map).zip(n.fine_scale()).map(|((b, m), s)| (b + f64::from(m * s)) as f32);
                values.extend(celsius);
            }
        }
        let kept = TimeAxis::from_seconds(whole.iter().map(|(d, _)| seconds[*d]).collect())?;
        let like = coarse.slice(0..1, 0..h, 0..w)?;
        let frames = Field::new(
            coarse.name(),
            vec![0.0; whole.len() * h * w],
            crate::grid::Mask::all_valid(whole.len() * h * w),
            kept,
            like.latitude().clone(),
            like.longitude().clone(),
            coarse.unit(),
        )?;
        n.fine_field(&frames, values)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::critic::CriticConfig;
    use super::super::downscaling_config::{DownscalingFitOptions, StationHead};
    use super::super::downscaling_fit::fit_downscaling;
    use super::super::generator::GeneratorConfig;
    use super::super::normalisation::tests::pond;
    use super::super::refinement::Refinement;
    use super::super::station_series::StationSeries;
    use super::super::weeks::WeekSource;
    use super::*;
    use crate::grid::coarsen_mean;
    use crate::train::TrainingOptions;

    /// A few iterations of stations and pixels, without the critic, to cells 2.5 times finer.
    fn trained(refinement: Refinement, station_head: StationHead) -> MethodResult<(Downscaler, Field, Field)> {
        let (coarse, fine) = pond(40, |day, y, x| 15.0 + (1.7 * x - 0.8 * day).sin() + 0.5 * (1.1 * y).cos());
        let fine = coarsen_mean(&fine, 2, 0.5)?;
        let celsius = (0..40).map(|d| Some(13.0 + (0.8 * f64::from(d)).sin())).collect();
        let stations = [StationSeries { id: "S".into(), latitude: 0.525, longitude: 0.525, celsius }];
        let config = DownscalingConfig {
            station_head,
            generator: GeneratorConfig { days: 7, width: 4, attention_hidden: 8, refinement },
            critic: CriticConfig { fine: vec![4, 8], coarse: vec![4, 8] },
            ..DownscalingConfig::quick()
        };
        let paper = DownscalingFitOptions::paper();
        let training = TrainingOptions { iterations: 3, peak_rate: 1e-2, validate_every: 3, ..paper.training.clone() };
        let options = DownscalingFitOptions { training, start_iteration: 9, pixel_weight: 1.0, ..paper };
        let (days, place) = ((0..30).collect::<Vec<_>>(), tempfile::tempdir().unwrap());
        // A field alone needs no station.
        let seen = if station_head == StationHead::Field { &stations[..0] } else { &stations[..] };
        let source = WeekSource { coarse: &coarse, fine: &fine, stations: seen };
        let (to, none) = (place.path(), BTreeMap::new());
        let (network, _) = fit_downscaling("gan", &config, source, &days, &days, &options, to, &Device::Cpu, &none)?;
        Ok((network, coarse, fine))
    }

    #[test]
    fn two_and_a_half_times_finer() {
        let (network, coarse, fine) = trained(Refinement::TwoAndAHalf, StationHead::Field).unwrap();
        let found = network.apply(&coarse, &[10, 20]).unwrap();
        assert_eq!(found.shape(), [2, 20, 20]);
        let places = found.longitude().centres().iter().zip(fine.longitude().centres());
        assert!(places.into_iter().all(|(a, b)| (a - b).abs() < 1e-9));
        let refused = trained(Refinement::Five, StationHead::Field).unwrap_err().to_string();
        assert!(refused.contains("Five") && refused.contains("TwoAndAHalf"), "{refused}");
    }

    #[test]
    fn a_common_correction_has_one_number_a_day_and_fades() {
        let cells = 4.0;
        let (network, coarse, _) = trained(Refinement::TwoAndAHalf, StationHead::CommonCoast { cells }).unwrap();
        let (with, without) = (network.apply(&coarse, &[12]).unwrap(), network.apply_uncorrected(&coarse, &[12]).unwrap());
        let moved = |x: usize| f64::from(with.frame(0)[x] - without.frame(0)[x]);
        // Five cells of land lie west of the first sea cell of row 0; the correction falls by e over four cells.
        // The station is colder than the composite.
        assert!(moved(5) < -1e-4, "{}", moved(5));
        assert!((moved(9) / moved(5) - (-1.0f64).exp()).abs() < 0.02, "{} {}", moved(9), moved(5));
    }
}
