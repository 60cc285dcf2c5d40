//! The training loop: a fixed number of iterations, checkpoints, validation, a log, and a way back in.

use std::collections::BTreeMap;
use std::time::Instant;

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::checkpoint::{Checkpoint, CheckpointState};
use super::error::{TrainError, TrainResult};
use super::run_folder::RunFolder;
use crate::base::progress::Progress;
use crate::base::random::Random;
use crate::nn::{Adam, AdamConfig, Ema, NnError, Parameters, Schedule, clip_scale, global_norm};

/// Settings of a training run that do not depend on the method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingOptions {
    /// Iterations in all.
    pub iterations: u64,
    /// Largest learning rate, reached after the warm-up.
    pub peak_rate: f64,
    /// Learning rate at the end of the cosine.
    pub final_rate: f64,
    /// Iterations of linear warm-up.
    pub warmup_iterations: u64,
    /// Constants of Adam.
    pub adam: AdamConfig,
    /// Largest length of the gradient; longer ones are shortened.
    pub clip_norm: f64,
    /// Decay of the moving average of the weights.
    pub ema_decay: f64,
    /// Iterations between validations (each is followed by a checkpoint).
    pub validate_every: u64,
    /// Iterations between log lines.
    pub log_every: u64,
    /// Stop after this many seconds even if iterations are left. The result then depends on the machine;
    /// none by default.
    pub time_budget_seconds: Option<f64>,
}

impl Default for TrainingOptions {
    fn default() -> TrainingOptions {
        TrainingOptions {
            iterations: 1000,
            peak_rate: 1e-3,
            final_rate: 1e-5,
            warmup_iterations: 50,
            adam: AdamConfig::default(),
            clip_norm: 1.0,
            ema_decay: 0.99,
            validate_every: 250,
            log_every: 25,
            time_budget_seconds: None,
        }
    }
}

impl TrainingOptions {
    fn check(&self) -> TrainResult<()> {
        let wrong = |what: &str| Err(TrainError::Argument(format!("training: {what}")));
        if self.iterations == 0 || self.validate_every == 0 || self.log_every == 0 {
            return wrong("iterations, validate_every and log_every must be at least 1");
        }
        if self.warmup_iterations > self.iterations {
            return wrong("the warm-up is longer than the training");
        }
        if !(self.peak_rate > 0.0 && self.final_rate >= 0.0 && self.clip_norm > 0.0) {
            return wrong("peak_rate and clip_norm must be positive, final_rate at least 0");
        }
        Ok(())
    }

    fn schedule(&self) -> Schedule {
        Schedule {
            peak_rate: self.peak_rate,
            final_rate: self.final_rate,
            warmup_steps: self.warmup_iterations,
            total_steps: self.iterations,
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All iterations are done.
    Finished,
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

/// Trains `parameters` in `folder`, going on from its last checkpoint where there is one.
///
/// `loss` gets the iteration and a random stream whose position is part of every checkpoint; all its
/// randomness must come from there. `validate` gives a score, smaller is better, and is called with the
/// moving averages in place of the parameters. `best.safetensors` and `last.safetensors` hold the outcome.
///
/// # Errors
/// [`TrainError::NotFinite`] where the loss, the gradient or the score is not finite; the checkpoints then
/// hold the last good state. [`TrainError::Argument`] for settings out of range, and whatever the closures,
/// the device and the file system give.
pub fn train(
    parameters: &Parameters,
    method: &str,
    config: &serde_json::Value,
    options: &TrainingOptions,
    folder: &RunFolder,
    mut loss: impl FnMut(u64, &mut Random) -> TrainResult<Tensor>,
    mut validate: impl FnMut() -> TrainResult<f64>,
) -> TrainResult<TrainingReport> {
    options.check()?;
    let schedule = options.schedule();
    let mut run = Run {
        parameters,
        folder,
        adam: Adam::new(parameters, options.adam)?,
        ema: Ema::new(parameters, options.ema_decay)?,
        random: Random::new(parameters.seed(), "training"),
        state: CheckpointState {
            method: method.to_string(),
            config: config.clone(),
            seed: parameters.seed(),
            ..Default::default()
        },
    };
    run.resume()?;
    folder.rewind_log(run.state.iteration)?;
    let started = Instant::now();
    let mut progress =
        Progress::new(format!("training {method}"), options.iterations - run.state.iteration.min(options.iterations));
    let mut outcome = Outcome::Finished;
    while run.state.iteration < options.iterations {
        let iteration = run.state.iteration;
        if options.time_budget_seconds.is_some_and(|budget| started.elapsed().as_secs_f64() > budget) {
            run.save_last()?;
            outcome = Outcome::OutOfTime;
            break;
        }
        let value = loss(iteration, &mut run.random)?;
        let number = run.finite("loss", value.to_dtype(candle_core::DType::F64)?.to_scalar::<f64>()?)?;
        let gradients = value.backward()?;
        drop(value); // frees the graph before the step
        let norm = run.finite("length of the gradient", global_norm(&gradients, parameters)?)?;
        let rate = schedule.rate(iteration);
        run.adam.step(parameters, &gradients, rate, clip_scale(norm, options.clip_norm))?;
        run.ema.update(parameters)?;
        run.state.iteration += 1;
        progress.message(format!("loss {number:.5}"));
        progress.advance(1);
        let mut line = json!({ "iteration": iteration, "loss": number, "rate": rate, "gradient_norm": norm });
        let last = run.state.iteration == options.iterations;
        if last || run.state.iteration.is_multiple_of(options.validate_every) {
            let score = run.ema.with_averages(parameters, &mut validate)?;
            run.finite("validation score", score)?;
            line["validation"] = json!(score);
            let better = run.state.best.is_none_or(|(best, _)| score < best);
            if better {
                run.state.best = Some((score, run.state.iteration));
                run.checkpoint()?.save(&folder.best())?;
            }
            line["seconds"] = json!(started.elapsed().as_secs_f64());
            folder.append_log(&line)?;
            run.save_last()?;
        } else if iteration.is_multiple_of(options.log_every) {
            line["seconds"] = json!(started.elapsed().as_secs_f64());
            folder.append_log(&line)?;
        }
    }
    let seconds = progress.finish();
    Ok(TrainingReport { outcome, iterations: run.state.iteration, best: run.state.best, seconds })
}

struct Run<'a> {
    parameters: &'a Parameters,
    folder: &'a RunFolder,
    adam: Adam,
    ema: Ema,
    random: Random,
    state: CheckpointState,
}

impl Run<'_> {
    fn resume(&mut self) -> TrainResult<()> {
        let path = self.folder.last();
        if !path.exists() {
            return Ok(());
        }
        let saved = Checkpoint::load(&path, self.parameters.device())?;
        if (&saved.state.method, &saved.state.config, saved.state.seed)
            != (&self.state.method, &self.state.config, self.state.seed)
        {
            return Err(TrainError::RunFolder {
                folder: self.folder.path().to_path_buf(),
                problem: "its last checkpoint is of another network or seed; give an empty folder".to_string(),
            });
        }
        self.parameters.set(&saved.model)?;
        self.adam.restore(&saved.moments, saved.state.optimizer_steps)?;
        self.ema.restore(saved.ema, saved.state.ema_updates)?;
        self.random.restore(saved.state.random_position);
        self.state = saved.state;
        Ok(())
    }

    fn checkpoint(&self) -> Result<Checkpoint, NnError> {
        let mut state = self.state.clone();
        state.random_position = self.random.position();
        state.optimizer_steps = self.adam.steps();
        state.ema_updates = self.ema.updates();
        let model = self.parameters.snapshot()?;
        let clone = |map: &BTreeMap<String, Tensor>| map.clone();
        Ok(Checkpoint { state, model, ema: clone(self.ema.averages()), moments: clone(self.adam.moments()) })
    }

    fn save_last(&self) -> TrainResult<()> {
        self.checkpoint()?.save(&self.folder.last())
    }

    fn finite(&self, what: &'static str, value: f64) -> TrainResult<f64> {
        if value.is_finite() {
            return Ok(value);
        }
        let last = self.folder.last();
        let last_good = if last.exists() { last.display().to_string() } else { "the start of the run".to_string() };
        Err(TrainError::NotFinite { what, value, iteration: self.state.iteration, last_good })
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;
    use crate::nn::Init;

    /// Fits `a` to the mean of noisy draws around 3.
    fn run(
        folder: &RunFolder,
        iterations: u64,
        stop_at: Option<u64>,
        poison: Option<u64>,
    ) -> (TrainResult<TrainingReport>, Vec<f32>) {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 9);
        let a = parameters.add("a", &[4], Init::Uniform { bound: 1.0 }).unwrap();
        let options = TrainingOptions {
            iterations,
            peak_rate: 0.1,
            warmup_iterations: 3,
            validate_every: 10,
            log_every: 1,
            ..TrainingOptions::default()
        };
        let report = train(
            &parameters,
            "test",
            &json!({ "n": 4 }),
            &options,
            folder,
            |iteration, random| {
                if stop_at == Some(iteration) {
                    return Err(TrainError::Task("cut".to_string()));
                }
                let scale = if poison == Some(iteration) { f64::NAN } else { 1.0 };
                let draws: Vec<f32> = (0..4).map(|_| ((3.0 + random.normal()) * scale) as f32).collect();
                Ok((&a - Tensor::new(draws.as_slice(), &Device::Cpu)?)?.sqr()?.mean_all()?)
            },
            || Ok(f64::from((&a - 3.0)?.sqr()?.mean_all()?.to_scalar::<f32>()?)),
        );
        (report, a.to_vec1::<f32>().unwrap())
    }

    fn folder(path: &std::path::Path) -> RunFolder {
        RunFolder::open(path, &json!({ "n": 4 }), 9, "cpu", &BTreeMap::new()).unwrap()
    }

    #[test]
    fn a_cut_run_resumes_bit_for_bit() {
        let place = tempfile::tempdir().unwrap();
        let (whole, cut) = (folder(&place.path().join("whole")), folder(&place.path().join("cut")));
        let (report, wanted) = run(&whole, 45, None, None);
        assert_eq!(report.unwrap().iterations, 45);
        assert!(run(&cut, 45, Some(27), None).0.is_err());
        let (report, got) = run(&cut, 45, None, None);
        report.unwrap();
        assert_eq!(got, wanted);
        // The files too: same bytes, and the same log but for the seconds.
        for name in ["last.safetensors", "best.safetensors"] {
            assert_eq!(std::fs::read(whole.path().join(name)).unwrap(), std::fs::read(cut.path().join(name)).unwrap());
        }
        let log = |f: &RunFolder| {
            let text = std::fs::read_to_string(f.log()).unwrap();
            text.lines()
                .map(|l| {
                    let mut v: serde_json::Value = serde_json::from_str(l).unwrap();
                    v.as_object_mut().unwrap().remove("seconds");
                    v
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(log(&whole).len(), 45);
        assert_eq!(log(&whole), log(&cut));
    }

    #[test]
    fn a_loss_that_is_no_number_stops_the_run_and_names_the_last_good_state() {
        let place = tempfile::tempdir().unwrap();
        let f = folder(place.path());
        let (report, _) = run(&f, 45, None, Some(33));
        let message = report.unwrap_err().to_string();
        assert!(message.contains("iteration 33") && message.contains("last.safetensors"), "{message}");
        assert_eq!(Checkpoint::load(&f.last(), &Device::Cpu).unwrap().state.iteration, 30);
    }

    #[test]
    fn it_learns_and_settings_are_checked() {
        let place = tempfile::tempdir().unwrap();
        let (report, _) = run(&folder(place.path()), 300, None, None);
        let (score, _) = report.unwrap().best.unwrap();
        // Starts near 9; noise of variance 1 leaves well below 0.2 after 300 averaged steps.
        assert!(score < 0.2, "{score}");
        assert!(run(&folder(&place.path().join("b")), 2, None, None).0.unwrap_err().to_string().contains("warm-up"));
    }
}
