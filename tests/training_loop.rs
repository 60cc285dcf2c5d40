//! The training loop from outside: resuming, stopping, accumulating, several groups, the log and the event file.

use std::collections::BTreeMap;
use std::path::Path;

use isotherm::base::random::Random;
use isotherm::candle_core::{DType, Device, Tensor};
use isotherm::nn::{Decay, Init, Parameters, PlateauConfig, SgdConfig};
use isotherm::train::{
    Checkpoint, DataOrder, GroupOptions, Iteration, Outcome, ParameterGroup, RunDescription, RunFolder, TrainError, TrainResult,
    Trainee, TrainingOptions, TrainingReport, train, train_groups,
};
use serde_json::{Value, json};

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

fn folder(path: &Path) -> RunFolder {
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
                let mut v: Value = serde_json::from_str(l).unwrap();
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

/// The log without its seconds.
fn log_of(folder: &RunFolder) -> Vec<Value> {
    let mut lines = folder.log_lines().unwrap();
    for line in &mut lines {
        line.as_object_mut().unwrap().remove("seconds");
    }
    lines
}

/// A run of a fixed loss and given validation scores, one each iteration.
fn run_with_scores(folder: &RunFolder, options: &TrainingOptions, scores: &[f64]) -> TrainResult<TrainingReport> {
    let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 9);
    let a = parameters.add("a", &[4], Init::Constant(1.0)).unwrap();
    let (config, at) = (json!({ "n": 4 }), std::cell::Cell::new(0));
    train(
        &parameters,
        "test",
        &config,
        options,
        folder,
        |iteration, _| {
            at.set(iteration as usize);
            Ok(a.sqr()?.mean_all()?)
        },
        || Ok(scores[at.get()]),
    )
}

#[test]
fn a_score_that_gets_no_better_stops_the_run_and_a_resumed_one_too() {
    let place = tempfile::tempdir().unwrap();
    let scores = [5.0, 4.0, 4.5, 4.2, 4.1, 3.0, 2.0, 1.0];
    let options = TrainingOptions {
        iterations: 8,
        warmup_iterations: 1,
        validate_every: 1,
        stop_after_validations: Some(3),
        ..TrainingOptions::default()
    };
    for _ in 0..2 {
        // best after two iterations; the three scores after it are worse
        let report = run_with_scores(&folder(place.path()), &options, &scores).unwrap();
        assert_eq!((report.outcome, report.iterations, report.best), (Outcome::StoppedEarly, 5, Some((4.0, 2))));
    }
    let patient = TrainingOptions { stop_after_validations: Some(4), ..options };
    let report = run_with_scores(&folder(&place.path().join("b")), &patient, &scores).unwrap();
    assert_eq!((report.outcome, report.best), (Outcome::Finished, Some((1.0, 8))));
}

#[test]
fn a_plateau_lowers_the_rate_and_is_part_of_the_checkpoint() {
    let place = tempfile::tempdir().unwrap();
    let scores = [5.0, 6.0, 6.0, 4.0, 4.0, 4.0];
    let options = |iterations| TrainingOptions {
        iterations,
        warmup_iterations: 0,
        peak_rate: 0.1,
        final_rate: 0.03,
        decay: Decay::Constant,
        plateau: Some(PlateauConfig { factor: 0.5, patience: 1, threshold: 0.0 }),
        validate_every: 1,
        log_every: 1,
        ..TrainingOptions::default()
    };
    let rates = |f: &RunFolder| log_of(f).iter().map(|line| line["rate"].as_f64().unwrap()).collect::<Vec<f64>>();
    let whole = folder(&place.path().join("whole"));
    run_with_scores(&whole, &options(6), &scores).unwrap();
    // two bad scores halve it for the fourth iteration; two more would give 0.025, but 0.03 is the least
    assert_eq!(rates(&whole), [0.1, 0.1, 0.1, 0.05, 0.05, 0.05]);
    let cut = folder(&place.path().join("cut"));
    run_with_scores(&cut, &options(2), &scores).unwrap();
    run_with_scores(&cut, &options(6), &scores).unwrap();
    assert_eq!(rates(&cut), rates(&whole));
    let state = Checkpoint::load(&cut.last(), &Device::Cpu).unwrap().state.plateau.unwrap();
    assert_eq!((state.scale, state.best, state.waited), (0.25, Some(4.0), 0));
}

#[test]
fn a_loss_that_explodes_stops_the_run() {
    let place = tempfile::tempdir().unwrap();
    let f = folder(place.path());
    let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 9);
    let a = parameters.add("a", &[1], Init::Constant(1.0)).unwrap();
    // descent with a rate of 1.2 on x² multiplies x by −1.4 each time
    let options = TrainingOptions {
        iterations: 400,
        peak_rate: 1.2,
        warmup_iterations: 0,
        decay: Decay::Constant,
        sgd: Some(SgdConfig::default()),
        clip_norm: f64::INFINITY,
        divergence_factor: Some(10.0),
        checkpoint_every: Some(50),
        ..TrainingOptions::default()
    };
    let error =
        train(&parameters, "test", &json!({ "n": 4 }), &options, &f, |_, _| Ok(a.sqr()?.sum_all()?), || Ok(0.0)).unwrap_err();
    // the largest early loss is that of iteration 99; ten times as large is reached after ln 10 / (2 ln 1.4) = 3.4 more
    assert!(matches!(&error, TrainError::Diverged { iteration: 103, .. }), "{error}");
    assert!(error.to_string().contains("that of iteration 100 in"), "{error}");
}

#[test]
fn accumulated_parts_make_the_step_of_the_whole_batch() {
    let place = tempfile::tempdir().unwrap();
    let data: Vec<f64> = (0..24).map(|i| f64::from(i % 7) - 2.0).collect();
    let weights = |accumulate: u64| {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 3);
        let a = parameters.add("a", &[1], Init::Constant(5.0)).unwrap();
        let options = TrainingOptions { iterations: 4, warmup_iterations: 1, accumulate, ..TrainingOptions::default() };
        let f = RunFolder::open(&place.path().join(accumulate.to_string()), &json!({}), 3, "cpu", &BTreeMap::new()).unwrap();
        let (mut place, size) = (0, 6 / accumulate as usize);
        let loss = |_: u64, _: &mut Random| {
            let batch = Tensor::new(&data[place..place + size], &Device::Cpu)?;
            place += size;
            Ok(batch.broadcast_sub(&a)?.sqr()?.mean_all()?)
        };
        train(&parameters, "test", &json!({}), &options, &f, loss, || Ok(0.0)).unwrap();
        let losses: Vec<f64> = log_of(&f).iter().map(|line| line["loss"].as_f64().unwrap()).collect();
        (a.to_vec1::<f64>().unwrap()[0], losses)
    };
    let (whole, whole_losses) = weights(1);
    for accumulate in [2, 3, 6] {
        let (parts, losses) = weights(accumulate);
        assert!((parts - whole).abs() < 1e-12, "{accumulate}: {parts} {whole}");
        assert!(losses.iter().zip(&whole_losses).all(|(a, b)| (a - b).abs() < 1e-12));
    }
}

/// A critic that tells numbers around 2 from the generator's; three critic steps for each of the generator.
struct Duel {
    shift: Tensor,
    slope: Tensor,
    order: DataOrder,
    data: Vec<f32>,
    stop_at: Option<u64>,
}

impl Trainee for Duel {
    fn iterate(&mut self, iteration: &mut Iteration<'_, '_>) -> TrainResult<()> {
        if self.stop_at == Some(iteration.number()) {
            return Err(TrainError::Task("cut".to_string()));
        }
        for _ in 0..3 {
            let first = iteration.take_samples(5);
            let real: Vec<f32> = self.order.take(first, 5).iter().map(|i| self.data[*i]).collect();
            let noise: Vec<f32> = (0..5).map(|_| iteration.random().normal() as f32).collect();
            let fake = Tensor::new(noise, &Device::Cpu)?.broadcast_add(&self.shift.detach())?;
            let gap = (fake.mean_all()? - Tensor::new(real, &Device::Cpu)?.mean_all()?)?;
            let loss = (gap.broadcast_mul(&self.slope)?.sum_all()? + self.slope.sqr()?.sum_all()?)?;
            let value = iteration.descend("critic", loss)?;
            iteration.log("last_critic", value);
        }
        let loss = (&self.shift * self.slope.detach())?.sum_all()?.neg()?;
        iteration.descend("generator", loss)?;
        Ok(())
    }

    fn validate(&mut self) -> TrainResult<f64> {
        Ok(f64::from((self.shift.to_vec1::<f32>()?[0] - 2.0).abs()))
    }
}

fn duel(folder: &RunFolder, stop_at: Option<u64>) -> TrainResult<TrainingReport> {
    let mut generator = Parameters::new(&Device::Cpu, DType::F32, 1);
    let mut critic = Parameters::new(&Device::Cpu, DType::F32, 2);
    let shift = generator.add("a", &[1], Init::Constant(0.0))?;
    let slope = critic.add("a", &[1], Init::Constant(0.1))?;
    let options = TrainingOptions {
        iterations: 40,
        peak_rate: 0.05,
        warmup_iterations: 2,
        validate_every: 10,
        checkpoint_every: Some(4),
        log_every: 1,
        event_file: true,
        ..TrainingOptions::default()
    };
    let base = options.group();
    let groups = vec![
        ParameterGroup::new("generator", &generator, base)?,
        ParameterGroup::new(
            "critic",
            &critic,
            GroupOptions { ema_decay: None, divergence_factor: None, peak_rate: 0.1, ..base },
        )?,
    ];
    let data = (0..8).map(|i| 2.0 + 0.1 * i as f32).collect();
    let description = RunDescription { method: "duel", config: &json!({ "n": 4 }), seed: 9 };
    let mut trainee = Duel { shift, slope, order: DataOrder::new(5, 8), data, stop_at };
    train_groups(groups, description, &options, folder, &mut trainee)
}

#[test]
fn two_groups_in_one_checkpoint_resume_bit_for_bit() {
    let place = tempfile::tempdir().unwrap();
    let (whole, cut) = (folder(&place.path().join("whole")), folder(&place.path().join("cut")));
    duel(&whole, None).unwrap();
    for stop in [7, 8, 30] {
        assert!(duel(&cut, Some(stop)).unwrap_err().to_string().contains("cut"));
    }
    duel(&cut, None).unwrap();
    for name in ["last.safetensors", "best.safetensors"] {
        assert_eq!(std::fs::read(whole.path().join(name)).unwrap(), std::fs::read(cut.path().join(name)).unwrap());
    }
    assert_eq!(log_of(&whole), log_of(&cut));
    let line = &log_of(&whole)[39];
    assert!(line["loss/critic"].is_number() && line["rate/generator"].is_number() && line["last_critic"].is_number());
    let saved = Checkpoint::load(&whole.last(), &Device::Cpu).unwrap();
    assert_eq!(saved.state.samples_taken, 40 * 15);
    assert_eq!((saved.state.groups["critic"].optimizer_steps, saved.state.groups["generator"].optimizer_steps), (120, 40));
    assert_eq!((saved.state.groups["critic"].ema_updates, saved.state.groups["generator"].ema_updates), (0, 40));
    assert!(saved.model.contains_key("generator/a") && saved.ema.len() == 1 && saved.moments.len() == 2);
    // the event files hold the same records, but for the times
    let size = |f: &RunFolder| std::fs::metadata(f.events()).unwrap().len();
    assert_eq!(size(&whole), size(&cut));
}

#[test]
fn groups_that_cannot_be_told_apart_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let f = folder(place.path());
    let parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
    let options = TrainingOptions::default();
    struct Idle;
    impl Trainee for Idle {
        fn iterate(&mut self, iteration: &mut Iteration<'_, '_>) -> TrainResult<()> {
            iteration.step("other")
        }
        fn validate(&mut self) -> TrainResult<f64> {
            Ok(0.0)
        }
    }
    let message = |names: &[&str]| {
        let groups = names.iter().map(|name| ParameterGroup::new(name, &parameters, options.group()).unwrap()).collect();
        let description = RunDescription { method: "test", config: &json!({}), seed: 1 };
        train_groups(groups, description, &options, &f, &mut Idle).unwrap_err().to_string()
    };
    assert!(message(&["a", "a"]).contains("a name each"));
    assert!(message(&["", "a"]).contains("a name each"));
    assert!(message(&[]).contains("at least one"));
    assert!(message(&["a"]).contains("no group of parameters named 'other'"));
    assert!(ParameterGroup::new("a/b", &parameters, options.group()).is_err());
}
