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
use super::weeks::{WeekBatch, WeekSource, Weeks};
use crate::methods::error::{MethodError, MethodResult};
use crate::nn::ops::{Loss, gradient_penalty, interpolate_samples, masked_loss};
use crate::nn::{Parameters, describe_device};
use crate::train::{
    Checkpoint, GroupOptions, Iteration, ParameterGroup, RunDescription, RunFolder, TrainResult, Trainee, TrainingReport,
    train_groups,
};

/// The critic's group in checkpoints and logs.
const CRITIC: &str = "critic";
/// The file in the run folder that [`Downscaler::load`] reads.
pub const DOWNSCALER: &str = "downscaler.safetensors";

/// The gradient penalty over fine day and coarse week together: at places between true and generated days, the length of the
/// gradient with regard to both is to be 1.
///
/// # Formula
/// ```text
/// mean over samples of (‖(∂D/∂y, ∂D/∂x)‖ - 1)²   at   y = η true + (1 - η) generated
/// ```
/// `η` one share for each sample; the week `x` is the sample's own.
///
/// # Errors
/// As [`gradient_penalty`]; a sentence where shapes do not fit.
///
/// # Reference
/// Gulrajani et al. (2017), Improved training of Wasserstein GANs. doi:10.48550/arXiv.1704.00028
pub fn pair_penalty(
    critic: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
    real: &Tensor,
    fake: &Tensor,
    week: &Tensor,
    share: &Tensor,
) -> Result<Tensor> {
    let day = interpolate_samples(real, fake, share)?;
    let length = day.elem_count() / day.dim(0)?;
    let both = Tensor::cat(&[day.flatten_from(1)?, week.flatten_from(1)?], 1)?; // [b, values of day and week]
    gradient_penalty(
        |both| {
            let day = both.narrow(1, 0, length)?.contiguous()?.reshape(real.shape())?;
            let week = both.narrow(1, length, both.dim(1)? - length)?.contiguous()?.reshape(week.shape())?;
            critic(&day, &week)
        },
        &both,
    )
}

struct Duel<'a> {
    generator: Generator,
    critic: Critic,
    training: Weeks,
    held_out: Vec<WeekBatch>,
    /// Fine cells of the stations, and station units of an output unit there.
    cells: Tensor,
    units: Tensor,
    head: StationHead,
    options: &'a DownscalingFitOptions,
    device: &'a Device,
}

impl Duel<'_> {
    fn draw(&self, iteration: &mut Iteration<'_, '_>) -> TrainResult<WeekBatch> {
        Ok(self.training.draw(self.options.batch, iteration.random(), self.device)?)
    }

    /// The errors of a batch at its stations, in units of their deviation, `[b, stations]`.
    fn at_stations(&self, batch: &WeekBatch, maps: &Tensor) -> Result<Tensor> {
        let map = maps.narrow(1, usize::from(self.head == StationHead::Second), 1)?;
        let read = map.flatten_from(1)?.index_select(&self.cells, 1)?; // [b, stations]
        (read - &batch.reports)?.broadcast_mul(&self.units)
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
        let batch = self.draw(iteration)?;
        let maps = self.generator.forward_after(&batch.first, &batch.week)?;
        let fake = (maps.narrow(1, 0, 1)? * &batch.sea)?.detach();
        let shares: Vec<f32> = (0..self.options.batch).map(|_| iteration.random().uniform() as f32).collect();
        let share = Tensor::from_vec(shares, self.options.batch, &Device::Cpu)?.to_device(self.device)?;
        let critic = |day: &Tensor, week: &Tensor| self.critic.forward(day, week);
        let distance = (critic(&batch.target, &batch.week)?.mean_all()? - critic(&fake, &batch.week)?.mean_all()?)?;
        let penalty = pair_penalty(critic, &batch.target, &fake, &batch.week, &share)?;
        iteration.log("critic_distance", number(&distance)?);
        iteration.log("penalty", number(&penalty)?);
        iteration.descend(CRITIC, ((penalty * self.options.penalty_weight)? - distance)?)?;
        Ok(())
    }
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
        let batch = self.draw(iteration)?;
        let maps = self.generator.forward_after(&batch.first, &batch.week)?;
        let mut loss = self.observed(&batch, &maps, iteration)?;
        if judged {
            let fake = (maps.narrow(1, 0, 1)? * &batch.sea)?;
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

/// Trains a generator against a critic on the days `training` of a source and gives it back as its last iteration left it, averaged; its
/// statistics are of the training days alone. The score is the rms error on the days `validation` as a share of the error without a network;
/// it watches, and chooses nothing.
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
    options.check()?;
    let days = config.generator.days;
    let normalisation = Normalisation::fit(config.formulation, source.coarse, source.fine, training)?;
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
        final_rate: own.final_rate.min(options.critic_rate),
        ema_decay: None,
        divergence_factor: None,
        ..own
    };
    let groups = vec![
        ParameterGroup::new(GENERATOR, &generator_parameters, GroupOptions { divergence_factor: None, ..own })?,
        ParameterGroup::new(CRITIC, &critic_parameters, of_critic)?,
    ];
    let description = RunDescription { method, config: &described, seed: options.seed };
    let mut duel = Duel {
        generator,
        critic,
        held_out: batches(&held_out, options.validation_weeks, device)?,
        cells: Tensor::from_vec(weeks.cells(), weeks.cells().len(), &Device::Cpu)?.to_device(device)?,
        units: Tensor::from_vec(weeks.units(), weeks.units().len(), &Device::Cpu)?.to_device(device)?,
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
    use crate::nn::{gradient_check, second_order_gradients_work};
    use crate::train::TrainingOptions;

    fn ramp(shape: &[usize], step: f64) -> Tensor {
        let count: usize = shape.iter().product();
        Tensor::from_vec((0..count).map(|i| (i as f64 * step).sin()).collect::<Vec<f64>>(), shape, &Device::Cpu).unwrap()
    }

    #[test]
    fn the_penalty_of_a_plane_by_hand() {
        // D = 3 Σ y + 4 Σ x on one pixel each: the gradient (3, 4) has length 5, and (5 - 1)² = 16; of the day alone it would be 4
        let one = |v: f64| Tensor::new(&[[v]], &Device::Cpu).unwrap();
        let plane = |day: &Tensor, week: &Tensor| ((day * 3.0)? + (week * 4.0)?)?.flatten_all();
        let share = Tensor::new(&[0.25f64], &Device::Cpu).unwrap();
        let penalty = pair_penalty(plane, &one(1.0), &one(2.0), &one(0.5), &share).unwrap();
        assert!((penalty.to_scalar::<f64>().unwrap() - 16.0).abs() < 1e-9);
    }

    #[test]
    fn the_penalty_teaches_the_critic_as_finite_differences_say() {
        assert!(second_order_gradients_work(&Device::Cpu).unwrap());
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 5);
        let config = CriticConfig { fine: vec![2, 3], coarse: vec![2, 3] };
        let critic = Critic::new(&mut parameters, &config).unwrap();
        let (real, fake) = (ramp(&[2, 1, 6, 6], 0.7), ramp(&[2, 1, 6, 6], 1.3));
        let week = ramp(&[2, 1, 3, 4, 4], 0.4);
        let share = Tensor::new(&[0.3f64, 0.8], &Device::Cpu).unwrap();
        let penalty = || pair_penalty(|d, w| critic.forward(d, w), &real, &fake, &week, &share).unwrap();
        let gradients = penalty().backward().unwrap();
        const STEP: f64 = 1e-6;
        for name in ["fine.stem.weight", "fine.0.conv1.weight", "projection.weight", "coarse.stem.weight", "linear.weight"] {
            let Some(variable) = parameters.get(name) else { panic!("{name} of {:?}", names(&parameters)) };
            let gradient = gradients.get(variable.as_tensor()).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
            let values = variable.as_tensor().flatten_all().unwrap().to_vec1::<f64>().unwrap();
            let largest = gradient.iter().fold(0.0f64, |a, g| a.max(g.abs()));
            for i in (0..values.len()).step_by(values.len() / 3 + 1) {
                let moved = |by: f64| {
                    let mut values = values.clone();
                    values[i] += by;
                    variable.set(&Tensor::from_vec(values, variable.shape(), &Device::Cpu).unwrap()).unwrap();
                    penalty().to_scalar::<f64>().unwrap()
                };
                let difference = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
                moved(0.0);
                assert!((gradient[i] - difference).abs() < 1e-5 * largest.max(1.0), "{name} {i}: {} {difference}", gradient[i]);
            }
        }
    }

    fn names(parameters: &Parameters) -> Vec<String> {
        parameters.iter().map(|(name, _)| name.to_string()).collect()
    }

    #[test]
    fn judgements_pass_their_gradient_to_day_and_week() {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 5);
        let config = CriticConfig { fine: vec![2, 3], coarse: vec![2, 3] };
        let critic = Critic::new(&mut parameters, &config).unwrap();
        let inputs = [ramp(&[1, 1, 4, 4], 0.7), ramp(&[1, 1, 2, 2, 2], 0.4)];
        for report in gradient_check(&inputs, |x| critic.forward(&x[0], &x[1])).unwrap() {
            assert!(report.within(1e-7) && report.largest_gradient > 1e-6, "{report:?}");
        }
    }

    fn run(options: &DownscalingFitOptions, place: &Path) -> (Downscaler, Vec<Value>) {
        // A wave that wanders east, finer than the coarse grid shows well, and colder at the coast than the composite says.
        let truth = |day: f64, y: f64, x: f64| 15.0 + (1.7 * x - 0.8 * day).sin() + 0.5 * (1.1 * y + 0.3 * day).cos();
        let (coarse, fine) = pond(60, truth);
        let celsius = (0..60).map(|d| Some(14.0 + (1.7 * 7.0 - 0.8 * f64::from(d)).sin())).collect();
        let stations = [StationSeries { id: "S".into(), latitude: 1.875, longitude: 1.875, celsius }];
        let config = DownscalingConfig {
            generator: GeneratorConfig { days: 7, width: 4, attention_hidden: 8 },
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
        DownscalingFitOptions {
            training: TrainingOptions {
                iterations: 24,
                peak_rate: 2e-3,
                warmup_iterations: 0,
                validate_every: 24,
                log_every: 1,
                adam: DownscalingFitOptions::paper().training.adam,
                ..TrainingOptions::default()
            },
            batch: 2,
            critic_rate: 2e-3,
            critic_steps: 5,
            pixel_weight: 10.0,
            ..DownscalingFitOptions::paper()
        }
    }

    #[test]
    fn the_critic_finds_a_distance_and_its_gradient_becomes_one() {
        let place = tempfile::tempdir().unwrap();
        let (_, lines) = run(&short(), place.path());
        let mean = |name: &str, part: std::ops::Range<usize>| {
            let count = part.len() as f64;
            lines[part].iter().map(|l| l[name].as_f64().unwrap()).sum::<f64>() / count
        };
        // After a warm-up the mean of (length - 1)² is small: lengths between about 0.6 and 1.4.
        assert!(mean("penalty", 16..24) < 0.15, "{}", mean("penalty", 16..24));
        assert!(mean("critic_distance", 4..12) > 0.0, "{}", mean("critic_distance", 4..12));
        assert!(mean("pixel", 16..24) < mean("pixel", 0..4));
    }

    #[test]
    fn the_critic_waits_and_stations_pull() {
        let quiet = DownscalingFitOptions { start_iteration: 24, ..short() };
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (_, with) = run(&quiet, a.path());
        let (_, without) = run(&DownscalingFitOptions { station_weight: 0.0, ..quiet }, b.path());
        assert!(with.iter().all(|l| l["penalty"].is_null()));
        let last = |lines: &[Value], name: &str| lines.last().unwrap()[name].as_f64().unwrap();
        assert!(last(&with, "station") < 0.8 * last(&without, "station"), "{with:?} {without:?}");
    }
}
