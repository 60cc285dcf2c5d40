//! The training loop: a fixed number of iterations, checkpoints, validation, a log, and a way back in.

use std::time::Instant;

use candle_core::Tensor;
use serde_json::{Map, Value, json};

use super::error::TrainResult;
use super::iteration::Iteration;
use super::parameter_group::ParameterGroup;
use super::run_folder::RunFolder;
use super::training_options::TrainingOptions;
use super::training_run::{Run, RunDescription};
use crate::base::progress::Progress;
use crate::base::random::Random;
use crate::nn::{Parameters, Plateau};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All iterations are done.
    Finished,
    /// The validation score has not become better for as long as the options allow.
    StoppedEarly,
    /// The time budget ran out; the run can be resumed.
    OutOfTime,
}

/// What a run gave.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingReport {
    /// How it ended.
    pub outcome: Outcome,
    /// Iterations done in all, resumed ones included.
    pub iterations: u64,
    /// Best validation score (smaller is better) and its iteration.
    pub best: Option<(f64, u64)>,
    /// Seconds spent in this call.
    pub seconds: f64,
}

/// What trains: it makes the losses, the loop does the rest.
pub trait Trainee {
    /// One iteration: takes data, computes losses and hands them to [`Iteration::descend`], once or more for each group.
    ///
    /// # Errors
    /// What the losses and the steps give.
    fn iterate(&mut self, iteration: &mut Iteration<'_, '_>) -> TrainResult<()>;

    /// A score, smaller is better, computed with the moving averages in place of the parameters of the groups that have one.
    ///
    /// # Errors
    /// What the computation gives.
    fn validate(&mut self) -> TrainResult<f64>;
}

/// Trains `parameters` in `folder`, going on from its last checkpoint where there is one.
///
/// `loss` gets the iteration and a random stream whose position is part of every checkpoint; all its
/// randomness must come from there. `validate` gives a score, smaller is better, and is called with the
/// moving averages in place of the parameters. `best.safetensors` and `last.safetensors` hold the outcome.
///
/// # Errors
/// [`TrainError::NotFinite`](super::TrainError::NotFinite) where the loss, the gradient or the score is not finite and
/// [`TrainError::Diverged`](super::TrainError::Diverged) where the loss has grown far beyond its start; the checkpoints then
/// hold the last good state. [`TrainError::Argument`](super::TrainError::Argument) for settings out of range, and whatever
/// the closures, the device and the file system give.
pub fn train(
    parameters: &Parameters,
    method: &str,
    config: &Value,
    options: &TrainingOptions,
    folder: &RunFolder,
    loss: impl FnMut(u64, &mut Random) -> TrainResult<Tensor>,
    validate: impl FnMut() -> TrainResult<f64>,
) -> TrainResult<TrainingReport> {
    options.check()?;
    let group = ParameterGroup::new(ONLY, parameters, options.group())?;
    let description = RunDescription { method, config, seed: parameters.seed() };
    let mut trainee = OneLoss { parts: options.accumulate, loss, validate };
    train_groups(vec![group], description, options, folder, &mut trainee)
}

/// The name of an only group.
const ONLY: &str = "";

struct OneLoss<L, V> {
    parts: u64,
    loss: L,
    validate: V,
}

impl<L: FnMut(u64, &mut Random) -> TrainResult<Tensor>, V: FnMut() -> TrainResult<f64>> Trainee for OneLoss<L, V> {
    fn iterate(&mut self, iteration: &mut Iteration<'_, '_>) -> TrainResult<()> {
        for _ in 0..self.parts {
            let mut loss = (self.loss)(iteration.number(), iteration.random())?;
            if self.parts > 1 {
                loss = (loss / self.parts as f64)?;
            }
            iteration.accumulate(ONLY, &loss)?;
        }
        iteration.step(ONLY)
    }

    fn validate(&mut self) -> TrainResult<f64> {
        (self.validate)()
    }
}

/// Trains several groups of parameters in one run, for example a generator and a critic: `trainee` decides which losses move
/// which group, and how often. All groups go into one checkpoint, and the run resumes bit for bit.
///
/// # Errors
/// As [`train`]; also [`TrainError::Argument`](super::TrainError::Argument) where groups share a name.
///
/// # Example
/// ```
/// use isotherm::candle_core::{DType, Device, Tensor};
/// use isotherm::nn::{Init, Parameters};
/// use isotherm::train::*;
/// use serde_json::json;
///
/// /// The critic wants a large `a · b`, the generator a small one.
/// struct Duel(Tensor, Tensor);
///
/// impl Trainee for Duel {
///     fn iterate(&mut self, iteration: &mut Iteration<'_, '_>) -> TrainResult<()> {
///         for _ in 0..2 {
///             let loss = (&self.1 * self.0.detach())?.neg()?.sum_all()?;
///             iteration.descend("critic", loss)?;
///         }
///         let loss = (&self.0 * self.1.detach())?.sum_all()?;
///         iteration.descend("generator", loss)?;
///         Ok(())
///     }
///     fn validate(&mut self) -> TrainResult<f64> {
///         Ok((&self.0 * &self.1)?.sum_all()?.to_scalar::<f64>()?)
///     }
/// }
///
/// let (mut one, mut two) = (Parameters::new(&Device::Cpu, DType::F64, 1), Parameters::new(&Device::Cpu, DType::F64, 2));
/// let a = one.add("a", &[3], Init::Uniform { bound: 1.0 }).unwrap();
/// let b = two.add("b", &[3], Init::Uniform { bound: 1.0 }).unwrap();
/// let options = TrainingOptions { iterations: 6, warmup_iterations: 1, validate_every: 3, ..Default::default() };
/// let groups = vec![
///     ParameterGroup::new("generator", &one, options.group()).unwrap(),
///     ParameterGroup::new("critic", &two, GroupOptions { ema_decay: None, ..options.group() }).unwrap(),
/// ];
/// let place = tempfile::tempdir().unwrap();
/// let config = json!({});
/// let folder = RunFolder::open(place.path(), &config, 1, "cpu", &Default::default()).unwrap();
/// let description = RunDescription { method: "duel", config: &config, seed: 1 };
/// let report = train_groups(groups, description, &options, &folder, &mut Duel(a, b)).unwrap();
/// assert_eq!(report.iterations, 6);
/// let saved = Checkpoint::load(&folder.last(), &Device::Cpu).unwrap();
/// assert_eq!(saved.state.groups["critic"].optimizer_steps, 12);
/// assert!(saved.model.contains_key("generator/a"));
/// ```
pub fn train_groups(
    groups: Vec<ParameterGroup<'_>>,
    description: RunDescription<'_>,
    options: &TrainingOptions,
    folder: &RunFolder,
    trainee: &mut impl Trainee,
) -> TrainResult<TrainingReport> {
    options.check()?;
    let mut run = Run::open(groups, description, options, folder)?;
    let _precision = options.precision.enter(run.groups.iter().map(ParameterGroup::parameters))?;
    let started = Instant::now();
    let left = options.iterations - run.state.iteration.min(options.iterations);
    let mut progress = Progress::new(format!("training {}", description.method), left);
    let mut outcome = Outcome::Finished;
    while run.state.iteration < options.iterations {
        if no_longer_better(&run, options) {
            outcome = Outcome::StoppedEarly;
            break;
        }
        if options.time_budget_seconds.is_some_and(|budget| started.elapsed().as_secs_f64() > budget) {
            run.save_last()?;
            outcome = Outcome::OutOfTime;
            break;
        }
        let number = run.state.iteration;
        let mut line = one_iteration(&mut run, options, trainee)?;
        progress.message(losses(&line));
        progress.advance(1);
        let done = run.state.iteration;
        let validated = done == options.iterations || done.is_multiple_of(options.validate_every);
        if validated {
            let score = run.with_averages(|| trainee.validate())?;
            run.scored(score)?;
            line.insert("validation".to_string(), json!(score));
        }
        if validated || number.is_multiple_of(options.log_every) {
            line.insert("iteration".to_string(), json!(number));
            line.insert("seconds".to_string(), json!(started.elapsed().as_secs_f64()));
            run.log(&Value::Object(line))?;
        }
        if validated || options.checkpoint_every.is_some_and(|every| done.is_multiple_of(every)) {
            run.save_last()?;
        }
    }
    let seconds = progress.finish();
    Ok(TrainingReport { outcome, iterations: run.state.iteration, best: run.state.best, seconds })
}

/// Has the score not become better for too many validations? It follows from the state alone, so that a resumed run ends
/// where an uncut one does.
fn no_longer_better(run: &Run<'_, '_>, options: &TrainingOptions) -> bool {
    let since = |(_, iteration): (f64, u64)| (run.state.iteration - iteration) / options.validate_every;
    options.stop_after_validations.zip(run.state.best).is_some_and(|(patience, best)| since(best) >= patience)
}

/// Lets the trainee do one iteration and gives what it logged.
fn one_iteration(
    run: &mut Run<'_, '_>,
    options: &TrainingOptions,
    trainee: &mut impl Trainee,
) -> TrainResult<Map<String, Value>> {
    let last_good = run.last_good();
    let mut iteration = Iteration {
        number: run.state.iteration,
        random: &mut run.random,
        samples_taken: &mut run.state.samples_taken,
        groups: &mut run.groups,
        options,
        rate_scale: run.plateau.as_ref().map_or(1.0, Plateau::scale),
        last_good: &last_good,
        line: Map::new(),
        losses: Default::default(),
    };
    trainee.iterate(&mut iteration)?;
    let line = iteration.line;
    run.state.iteration += 1;
    Ok(line)
}

/// The losses of a log line in a few words.
fn losses(line: &Map<String, Value>) -> String {
    let loss = line.iter().filter(|(name, _)| name.starts_with("loss"));
    loss.filter_map(|(name, value)| Some(format!("{name} {:.5}", value.as_f64()?))).collect::<Vec<_>>().join(" ")
}
