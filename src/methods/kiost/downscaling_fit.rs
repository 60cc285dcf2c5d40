//! Training of the generator against the projection critic, with stations.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device, Result, Tensor};
use serde_json::json;

use super::critic::Critic;
use super::downscaler::{Downscaler, GENERATOR, STATISTICS};
use super::downscaling_config::{DownscalingConfig, DownscalingFitOptions, StationHead};
use super::generator::Generator;
use super::normalisation::Normalisation;
use super::pair_penalty::pair_penalty;
use super::weeks::{WeekBatch, WeekSource, Weeks};
use crate::methods::error::{MethodError, MethodResult};
use crate::nn::ops::{Loss, masked_loss};
use crate::nn::{OptimizerConfig, Parameters, describe_device};
use crate::train::{
    Checkpoint, GroupOptions, Iteration, ParameterGroup, RunDescription, RunFolder, TrainResult, Trainee, TrainingReport,
    train_groups,
};

/// The critic's group in checkpoints and logs.
const CRITIC: &str = "critic";
/// The file in the run folder that [`Downscaler::load`] reads.
pub const DOWNSCALER: &str = "downscaler.safetensors";

struct Duel<'a> {
    generator: Generator,
    critic: Critic,
    training: Weeks,
    held_out: Vec<WeekBatch>,
    /// Fine cells of the stations, and station units of an output unit there.
    cells: Tensor,
    units: Tensor,
    /// Kelvin of one unit of output by fine pixel, `[1, 1, h, w]`, and on the mean.
    kelvin: (Tensor, f64),
    /// Output units of one unit of the coastal correction at the stations, where there is one.
    coastal: Option<Tensor>,
    head: StationHead,
    options: &'a DownscalingFitOptions,
    device: &'a Device,
}

impl Duel<'_> {
    fn draw(&self, count: usize, iteration: &mut Iteration<'_, '_>) -> TrainResult<WeekBatch> {
        Ok(self.training.draw(count, iteration.random(), self.device)?)
    }

    /// The generator's maps of a batch, `[b, 2, h, w]`, made from mirrored weeks where that is asked for.
    fn maps(&self, batch: &WeekBatch, iteration: &mut Iteration<'_, '_>) -> Result<Tensor> {
        let turns = [3, 4].map(|axis| self.options.mirrored.then_some(axis).filter(|_| iteration.random().uniform() < 0.5));
        let turned = |x: &Tensor| turns.iter().flatten().try_fold(x.clone(), |x, axis| mirror(&x, *axis));
        let maps = self.generator.forward_after(&turned(&batch.first)?, &turned(&batch.week)?)?;
        turns.iter().flatten().try_fold(maps, |x, axis| mirror(&x, *axis - 1))
    }

    /// The errors of a batch at its stations, in units of their deviation, `[b, stations]`.
    fn at_stations(&self, batch: &WeekBatch, maps: &Tensor) -> Result<Tensor> {
        let read = |map: Tensor| map.flatten_from(1)?.contiguous()?.index_select(&self.cells, 1); // [b, stations]
        let read = match &self.coastal {
            Some(coastal) => {
                let correction = read(self.head.correction(maps)?)?.broadcast_mul(coastal)?;
                (read(maps.narrow(1, 0, 1)?)?.detach() + correction)?
            }
            None => read(maps.narrow(1, usize::from(self.head == StationHead::Second), 1)?)?,
        };
        (read - &batch.reports)?.broadcast_mul(&self.units)
    }

    /// The day that the critic is shown, `[b, 1, h, w]`: base and output together as a departure from the seasonal cycle, in
    /// units of the mean spread; land is 0. An output alone would not tell whether it sharpens what lies below it.
    fn shown(&self, output: &Tensor, batch: &WeekBatch) -> Result<Tensor> {
        let whole = (output.broadcast_mul(&self.kelvin.0)? + &batch.base)?;
        (whole * &batch.sea)? * (1.0 / self.kelvin.1)
    }

    /// Losses of the generator without the critic; numbers go to the log.
    fn observed(&self, batch: &WeekBatch, maps: &Tensor, iteration: &mut Iteration<'_, '_>) -> TrainResult<Option<Tensor>> {
        let options = self.options;
        let mut loss = None;
        let pixel = masked_loss(Loss::MeanSquare, &maps.narrow(1, 0, 1)?, &batch.target, Some(&batch.sea))?;
        iteration.log("pixel", number(&pixel)?);
        if options.pixel_weight > 0.0 {
            loss = Some((pixel * options.pixel_weight)?);
        }
        if self.cells.dim(0)? > 0 {
            let station = options.station_loss.mean(&self.at_stations(batch, maps)?, &batch.reported)?;
            iteration.log("station", number(&station)?);
            if options.station_weight > 0.0 {
                let station = (station * options.station_weight)?;
                loss = Some(loss.map_or(Ok(station.clone()), |l| l + station)?);
            }
        }
        Ok(loss)
    }

    /// One step of the critic on a batch of its own.
    fn teach_critic(&self, iteration: &mut Iteration<'_, '_>) -> TrainResult<()> {
        let count = self.options.critic_batch.unwrap_or(self.options.batch);
        let batch = self.draw(count, iteration)?;
        let maps = self.maps(&batch, iteration)?;
        let fake = self.shown(&maps.narrow(1, 0, 1)?, &batch)?.detach();
        let real = self.shown(&batch.target, &batch)?;
        let shares: Vec<f32> = (0..count).map(|_| iteration.random().uniform() as f32).collect();
        let share = Tensor::from_vec(shares, count, &Device::Cpu)?.to_device(self.device)?;
        let critic = |day: &Tensor, week: &Tensor| self.critic.forward(day, week);
        let distance = (critic(&real, &batch.week)?.mean_all()? - critic(&fake, &batch.week)?.mean_all()?)?;
        let penalty = pair_penalty(critic, &real, &fake, &batch.week, &share)?;
        iteration.log("critic_distance", number(&distance)?);
        iteration.log("penalty", number(&penalty)?);
        iteration.descend(CRITIC, ((penalty * self.options.penalty_weight)? - distance)?)?;
        Ok(())
    }
}

/// The same from the other end of an axis.
fn mirror(x: &Tensor, axis: usize) -> Result<Tensor> {
    let last = x.dim(axis)? as u32;
    let places = Tensor::from_vec((0..last).rev().collect::<Vec<u32>>(), last as usize, x.device())?;
    x.contiguous()?.index_select(&places, axis)
}

fn number(t: &Tensor) -> Result<f64> {
    t.to_dtype(DType::F64)?.to_scalar::<f64>()
}

impl Trainee for Duel<'_> {
    fn iterate(&mut self, iteration: &mut Iteration<'_, '_>) -> TrainResult<()> {
        let judged = iteration.number() >= self.options.start_iteration;
        if judged {
            for _ in 0..self.options.critic_steps {
                self.teach_critic(iteration)?;
            }
        }
        let batch = self.draw(self.options.batch, iteration)?;
        let maps = self.maps(&batch, iteration)?;
        let mut loss = self.observed(&batch, &maps, iteration)?;
        if judged {
            let fake = self.shown(&maps.narrow(1, 0, 1)?, &batch)?;
            let judgement = self.critic.forward(&fake, &batch.week)?.mean_all()?;
            let adversarial = (judgement * -self.options.adversarial_weight)?;
            loss = Some(loss.map_or(Ok(adversarial.clone()), |l| l + adversarial)?);
        }
        if let Some(loss) = loss {
            iteration.descend(GENERATOR, loss)?;
        }
        Ok(())
    }

    /// The rms error of the validation weeks as a share of what the network is to add.
    fn validate(&mut self) -> TrainResult<f64> {
        let (mut left, mut lacking) = (0.0, 0.0);
        for batch in &self.held_out {
            let map = self.generator.forward_after(&batch.first, &batch.week)?.narrow(1, 0, 1)?.detach();
            left += number(&((map - &batch.target)?.sqr()? * &batch.sea)?.sum_all()?)?;
            lacking += number(&batch.target.sqr()?.sum_all()?)?;
        }
        Ok((left / f64::max(lacking, f64::MIN_POSITIVE)).sqrt())
    }
}

/// Trains a generator against a critic on the days `training` of a source and gives it back as its last iteration left it,
/// averaged; its statistics are of the training days alone. The score is the rms error on the days `validation` as a share
/// of the error without a network; it watches, and chooses nothing.
///
/// # Errors
/// [`MethodError::Argument`] for settings out of range and data that do not fit;
/// [`MethodError::Train`](crate::methods::MethodError::Train) as [`train_groups`].
#[expect(clippy::too_many_arguments, reason = "each is one thing that a training is made from")]
pub fn fit_downscaling(
    method: &str,
    config: &DownscalingConfig,
    source: WeekSource<'_>,
    training: &[usize],
    validation: &[usize],
    options: &DownscalingFitOptions,
    run_folder: &Path,
    device: &Device,
    provenance: &BTreeMap<String, String>,
) -> MethodResult<(Downscaler, TrainingReport)> {
    options.check(config.station_head)?;
    let days = config.generator.days;
    let normalisation = Normalisation::fit(config.formulation, source.coarse, source.fine, training)?;
    if normalisation.refinement() != config.generator.refinement {
        let (network, fields) = (config.generator.refinement, normalisation.refinement());
        let problem = format!("kiost: the network refines by {network:?}, the fields by {fields:?}; the same is wanted");
        return Err(MethodError::Argument(problem));
    }
    let weeks = Weeks::new(source, &normalisation, training, days, training)?;
    let held_out = Weeks::new(source, &normalisation, validation, days, training)?;
    let mut generator_parameters = Parameters::new(device, DType::F32, options.seed);
    let generator = Generator::new(&mut generator_parameters, &config.generator)?;
    let mut critic_parameters = Parameters::new(device, DType::F32, options.seed);
    let critic = Critic::new(&mut critic_parameters, &config.critic)?;
    let described = json!({ "network": config, "fit": options });
    let folder = RunFolder::open(run_folder, &described, options.seed, &describe_device(device), provenance)?;
    let own = options.training.group();
    let of_critic = GroupOptions {
        peak_rate: options.critic_rate,
        final_rate: options.critic_rate,
        optimizer: OptimizerConfig::Adam(options.critic_adam),
        ema_decay: None,
        divergence_factor: None,
        ..own
    };
    let groups = vec![
        ParameterGroup::new(GENERATOR, &generator_parameters, GroupOptions { divergence_factor: None, ..own })?,
        ParameterGroup::new(CRITIC, &critic_parameters, of_critic)?,
    ];
    let description = RunDescription { method, config: &described, seed: options.seed };
    let on_device = |values: Vec<f32>| -> Result<Tensor> {
        let count = values.len();
        Tensor::from_vec(values, count, &Device::Cpu)?.to_device(device)
    };
    let coastal = match config.station_head.fading_cells() {
        Some(cells) => {
            let units = normalisation.coastal_units(cells)?;
            Some(on_device(weeks.cells().iter().map(|c| units[*c as usize]).collect())?)
        }
        None => None,
    };
    let [rows, columns] = normalisation.fine_shape();
    let kelvin = on_device(normalisation.fine_scale().to_vec())?.reshape((1, 1, rows, columns))?;
    let mut duel = Duel {
        kelvin: (kelvin, f64::from(normalisation.mean_scale())),
        generator,
        coastal,
        critic,
        held_out: batches(&held_out, options.validation_weeks, device)?,
        cells: Tensor::from_vec(weeks.cells(), weeks.cells().len(), &Device::Cpu)?.to_device(device)?,
        units: on_device(weeks.units())?,
        training: weeks,
        head: config.station_head,
        options,
        device,
    };
    let report = train_groups(groups, description, &options.training, &folder, &mut duel)?;
    let mut trained = Checkpoint::load(&folder.last(), &Device::Cpu)?.for_use(GENERATOR)?;
    let statistics = normalisation.tensors()?.into_iter().map(|(name, t)| (format!("{STATISTICS}/{name}"), t));
    trained.model.extend(statistics);
    let path = folder.path().join(DOWNSCALER);
    trained.save(&path)?;
    Ok((Downscaler::load(&path, device)?, report))
}

/// At most `count` weeks at even distances, in batches of eight.
fn batches(weeks: &Weeks, count: usize, device: &Device) -> MethodResult<Vec<WeekBatch>> {
    const TOGETHER: usize = 8;
    let kept = count.min(weeks.len());
    let samples: Vec<usize> = (0..kept).map(|i| (2 * i + 1) * weeks.len() / (2 * kept)).collect();
    samples.chunks(TOGETHER).map(|part| weeks.batch(part, device).map_err(MethodError::from)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::critic::CriticConfig;
    use super::super::generator::GeneratorConfig;
    use super::super::normalisation::tests::pond;
    use super::super::station_series::StationSeries;
    use super::*;
    use crate::train::TrainingOptions;

    fn run(station_head: StationHead, options: &DownscalingFitOptions, place: &Path) -> (Downscaler, Vec<Value>) {
        // A wave that wanders east, finer than the coarse grid shows well, and colder at the coast than the composite says.
        let truth = |day: f64, y: f64, x: f64| 15.0 + (1.7 * x - 0.8 * day).sin() + 0.5 * (1.1 * y + 0.3 * day).cos();
        let (coarse, fine) = pond(60, truth);
        let celsius = (0..60).map(|d| Some(14.0 + (1.7 * 7.0 - 0.8 * f64::from(d)).sin())).collect();
        let stations = [StationSeries { id: "S".into(), latitude: 1.875, longitude: 1.875, celsius }];
        let config = DownscalingConfig {
            station_head,
            generator: GeneratorConfig { days: 7, width: 4, attention_hidden: 8, ..GeneratorConfig::quick() },
            critic: CriticConfig { fine: vec![4, 8, 8], coarse: vec![4, 8] },
            ..DownscalingConfig::quick()
        };
        let source = WeekSource { coarse: &coarse, fine: &fine, stations: &stations };
        let (training, validation): (Vec<usize>, Vec<usize>) = ((0..40).collect(), (45..60).collect());
        let none = BTreeMap::new();
        let (network, report) =
            fit_downscaling("gan", &config, source, &training, &validation, options, place, &Device::Cpu, &none).unwrap();
        assert_eq!(report.iterations, options.training.iterations);
        let field = network.apply(&coarse, &[5, 6, 59]).unwrap();
        assert_eq!((field.shape(), field.get(0, 0, 0)), ([2, 40, 40], None));
        let folder = RunFolder::open(place, &json!({ "network": config, "fit": options }), options.seed, "", &none).unwrap();
        (network, folder.log_lines().unwrap())
    }

    fn short() -> DownscalingFitOptions {
        let paper = DownscalingFitOptions::paper();
        DownscalingFitOptions {
            training: TrainingOptions {
                iterations: 40,
                peak_rate: 4e-3,
                final_rate: 1e-3,
                warmup_iterations: 0,
                validate_every: 40,
                log_every: 1,
                ..paper.training.clone()
            },
            batch: 2,
            critic_rate: 1e-3,
            penalty_weight: 100.0,
            pixel_weight: 10.0,
            ..paper
        }
    }

    fn mean(lines: &[Value], name: &str, part: std::ops::Range<usize>) -> f64 {
        let count = part.len() as f64;
        lines[part].iter().map(|l| l[name].as_f64().unwrap()).sum::<f64>() / count
    }

    #[test]
    fn the_critic_finds_a_distance_and_its_gradient_becomes_one() {
        let place = tempfile::tempdir().unwrap();
        let (_, lines) = run(StationHead::Field, &short(), place.path());
        // After a warm-up the mean of (length - 1)² is small: lengths between about 0.6 and 1.4.
        assert!(mean(&lines, "penalty", 25..40) < 0.15, "{}", mean(&lines, "penalty", 25..40));
        assert!(mean(&lines, "critic_distance", 10..40) > 0.0, "{}", mean(&lines, "critic_distance", 10..40));
    }

    #[test]
    fn the_critic_waits_and_stations_pull() {
        let mut quiet =
            DownscalingFitOptions { start_iteration: 40, mirrored: true, pixel_weight: 1.0, station_weight: 100.0, ..short() };
        (quiet.training.peak_rate, quiet.training.final_rate) = (3e-2, 1e-2);
        let deaf = DownscalingFitOptions { station_weight: 0.0, ..quiet.clone() };
        for head in [StationHead::Field, StationHead::Second, StationHead::Coastal { cells: 200.0 }] {
            let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let ((_, with), (_, without)) = (run(head, &quiet, a.path()), run(head, &deaf, b.path()));
            assert!(with.iter().all(|l| l["penalty"].is_null()));
            // the same weeks in both trainings
            let (near, far) = (mean(&with, "station", 25..40), mean(&without, "station", 25..40));
            assert!(near < 0.8 * far, "{head:?} {near} {far}");
        }
    }

    #[test]
    fn mirrored_twice_is_as_it_was() {
        let x = Tensor::arange(0f32, 12.0, &Device::Cpu).unwrap().reshape((2, 2, 3)).unwrap();
        let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let once = mirror(&x, 2).unwrap();
        assert_eq!(values(&once)[..6], [2.0, 1.0, 0.0, 5.0, 4.0, 3.0]);
        assert_eq!(values(&mirror(&once, 2).unwrap()), values(&x));
    }
}
