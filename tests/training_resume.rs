//! A training that is killed at any moment and started again ends with the same bits as one that never was, on one thread or
//! two. The program is really killed: the test runs itself as a child process.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use isotherm::base::random::Random;
use isotherm::candle_core::{DType, Device, Tensor};
use isotherm::nn::ops::{ConvolutionOptions, relu};
use isotherm::nn::{Convolution2d, Init, Parameters};
use isotherm::train::{
    Checkpoint, DataOrder, GroupOptions, Iteration, ParameterGroup, RunDescription, RunFolder, TrainResult, Trainee,
    TrainingOptions, train_groups,
};
use serde_json::json;

/// Where the child trains; without it the test named `child` does nothing.
const FOLDER: &str = "ISOTHERM_TEST_TRAINING_FOLDER";
const ITERATIONS: u64 = 200;
/// Longer than any of these trainings takes.
const PATIENCE: Duration = Duration::from_secs(300);

/// Two convolutions, with a critic of two more.
struct Pair {
    generator: [Convolution2d; 2],
    critic: [Convolution2d; 2],
    order: DataOrder,
    data: Vec<Vec<f32>>,
}

fn layers(parameters: &mut Parameters, outputs: usize) -> [Convolution2d; 2] {
    let options = ConvolutionOptions { padding: 1, ..ConvolutionOptions::default() };
    let init = Init::KaimingNormal { gain: 1.0 };
    [
        Convolution2d::new(parameters, "one", [12, 1], 3, options, init).unwrap(),
        Convolution2d::new(parameters, "two", [outputs, 12], 3, options, init).unwrap(),
    ]
}

fn forward([one, two]: &[Convolution2d; 2], x: &Tensor) -> TrainResult<Tensor> {
    Ok(two.forward(&relu(&one.forward(x)?)?)?)
}

impl Trainee for Pair {
    fn iterate(&mut self, iteration: &mut Iteration<'_, '_>) -> TrainResult<()> {
        for _ in 0..2 {
            let first = iteration.take_samples(4);
            let real: Vec<f32> = self.order.take(first, 4).iter().flat_map(|i| self.data[*i].clone()).collect();
            let real = Tensor::from_vec(real, (4, 1, 16, 16), &Device::Cpu)?;
            let noise: Vec<f32> = (0..4 * 256).map(|_| iteration.random().normal() as f32).collect();
            let fake = forward(&self.generator, &Tensor::from_vec(noise, (4, 1, 16, 16), &Device::Cpu)?)?.detach();
            let wanted =
                ((forward(&self.critic, &real)? - 1.0)?.sqr()?.mean_all()? + forward(&self.critic, &fake)?.sqr()?.mean_all()?)?;
            iteration.descend("critic", wanted)?;
        }
        let noise: Vec<f32> = (0..4 * 256).map(|_| iteration.random().normal() as f32).collect();
        let fake = forward(&self.generator, &Tensor::from_vec(noise, (4, 1, 16, 16), &Device::Cpu)?)?;
        let wanted = (forward(&self.critic, &fake)? - 1.0)?.sqr()?.mean_all()?;
        iteration.descend("generator", wanted)?;
        Ok(())
    }

    fn validate(&mut self) -> TrainResult<f64> {
        let x = Tensor::full(0.5f32, (1, 1, 16, 16), &Device::Cpu)?;
        Ok(f64::from((forward(&self.generator, &x)? - 0.3)?.sqr()?.mean_all()?.to_scalar::<f32>()?))
    }
}

fn train_in(folder: &Path) {
    let (mut one, mut two) = (Parameters::new(&Device::Cpu, DType::F32, 1), Parameters::new(&Device::Cpu, DType::F32, 2));
    let (generator, critic) = (layers(&mut one, 1), layers(&mut two, 1));
    let options = TrainingOptions {
        iterations: ITERATIONS,
        warmup_iterations: 5,
        validate_every: 20,
        checkpoint_every: Some(3),
        log_every: 1,
        event_file: true,
        ..TrainingOptions::default()
    };
    let mut random = Random::new(3, "test data");
    let data = (0..10).map(|_| (0..256).map(|_| random.normal() as f32 * 0.2 + 0.3).collect()).collect();
    let groups = vec![
        ParameterGroup::new("generator", &one, options.group()).unwrap(),
        ParameterGroup::new("critic", &two, GroupOptions { ema_decay: None, ..options.group() }).unwrap(),
    ];
    let config = json!({ "iterations": ITERATIONS });
    let folder = RunFolder::open(folder, &config, 1, "cpu", &Default::default()).unwrap();
    let description = RunDescription { method: "pair", config: &config, seed: 1 };
    let mut trainee = Pair { generator, critic, order: DataOrder::new(7, 10), data };
    train_groups(groups, description, &options, &folder, &mut trainee).unwrap();
}

/// Not a test of its own: what the child processes of the others do.
#[test]
fn child() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        train_in(Path::new(&folder));
    }
}

fn start(folder: &Path, threads: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child"])
        .env(FOLDER, folder)
        .env("RAYON_NUM_THREADS", threads.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until the training is done.
fn finish(folder: &Path, threads: usize) {
    let status = start(folder, threads).wait().unwrap();
    assert!(status.success(), "the child in {} ended with {status}", folder.display());
}

/// The iteration of the newest checkpoint, 0 before the first.
fn iteration(folder: &Path) -> u64 {
    let path = folder.join("last.safetensors");
    if !path.exists() {
        return 0;
    }
    Checkpoint::load(&path, &Device::Cpu).unwrap().state.iteration
}

/// Starts the training, lets it get to a checkpoint past `target`, and kills it after `more` besides. True where it was alive
/// until then.
fn start_and_kill(folder: &Path, threads: usize, target: u64, more: Duration) -> bool {
    let mut process = start(folder, threads);
    let started = Instant::now();
    while iteration(folder) < target && process.try_wait().unwrap().is_none() {
        assert!(started.elapsed() < PATIENCE, "no checkpoint past iteration {target} in {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
    std::thread::sleep(more);
    let alive = process.try_wait().unwrap().is_none();
    process.kill().unwrap(); // SIGKILL: nothing can be tidied up
    process.wait().unwrap();
    alive
}

fn bytes(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap()
}

fn log_without_seconds(folder: &Path) -> Vec<serde_json::Value> {
    let text = String::from_utf8(bytes(folder, "log.jsonl")).unwrap();
    let line = |line: &str| {
        let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
        value.as_object_mut().unwrap().remove("seconds");
        value
    };
    text.lines().map(line).collect()
}

#[test]
fn killed_runs_end_with_the_bits_of_an_uncut_one_on_one_thread_and_on_two() {
    let place = tempfile::tempdir().unwrap();
    let whole = place.path().join("whole");
    finish(&whole, 1);
    let two = place.path().join("two threads");
    finish(&two, 2);
    assert_eq!(iteration(&whole), ITERATIONS);
    let mut random = Random::new(11, "when to kill");
    let mut killed = 0;
    for threads in [1, 2] {
        let cut = place.path().join(format!("cut {threads}"));
        // the first kill comes before the first checkpoint more often than not, the others anywhere
        for target in [0, 20, 70, 120, 160] {
            // threads change from one start to the next
            let alive = start_and_kill(
                &cut,
                1 + (threads + target as usize / 10) % 2,
                target,
                Duration::from_millis(random.below(40) as u64),
            );
            killed += usize::from(alive);
            let reached = iteration(&cut);
            assert!(reached >= target.min(ITERATIONS), "{reached} {target}");
        }
        finish(&cut, threads);
        for name in ["last.safetensors", "best.safetensors"] {
            assert!(bytes(&whole, name) == bytes(&cut, name), "{name} differs after kills with {threads} threads");
            assert!(bytes(&whole, name) == bytes(&two, name), "{name} differs between one and two threads");
        }
        assert_eq!(log_without_seconds(&whole), log_without_seconds(&cut));
        let left = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().ends_with(".part");
        assert!(!std::fs::read_dir(&cut).unwrap().any(|entry| left(entry.unwrap())), "a half-written file is left");
    }
    // a test that never hit the training while it ran would prove nothing
    assert!(killed >= 6, "{killed} of 10 kills met a living process");
}

/// Prints each tensor's name, shape and sum of products with 1, 2, 3, ... as Python's safetensors reads it.
const READER: &str = r#"
import sys
try:
    from safetensors.numpy import load_file
except ImportError as error:
    print("SKIP", error); sys.exit(0)
try:
    import torch
    from safetensors.torch import load_file as load_torch
    torch_tensors = {k: v.numpy() for k, v in load_torch(sys.argv[1]).items()}
except ImportError:
    torch_tensors = None
tensors = load_file(sys.argv[1])
for name, t in sorted(tensors.items()):
    if torch_tensors is not None:
        assert (torch_tensors[name] == t).all(), name
    flat = t.ravel().tolist()
    print(name, "x".join(map(str, t.shape)), t.dtype, repr(sum((i + 1) * v for i, v in enumerate(flat))), sep="\t")
"#;

#[test]
fn python_opens_the_weights() {
    let place = tempfile::tempdir().unwrap();
    let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 4);
    layers(&mut parameters, 2);
    let checkpoint = Checkpoint {
        state: Default::default(),
        model: parameters.snapshot().unwrap(),
        ema: Default::default(),
        moments: Default::default(),
    };
    let path = place.path().join("weights.safetensors");
    checkpoint.save(&path).unwrap();
    let python = std::env::var("ISOTHERM_PYTHON").unwrap_or_else(|_| "python3".to_string());
    let output = match Command::new(&python).args(["-c", READER]).arg(&path).output() {
        Ok(output) => output,
        Err(error) => return println!("skipped: {python} cannot be run ({error}); set ISOTHERM_PYTHON"),
    };
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    if text.starts_with("SKIP") {
        return println!("skipped: {python} has no safetensors; set ISOTHERM_PYTHON to one that has");
    }
    let wanted: Vec<String> = parameters
        .iter()
        .map(|(name, variable)| {
            let shape: Vec<String> = variable.dims().iter().map(usize::to_string).collect();
            let values = variable.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let sum = values.iter().enumerate().fold(0.0, |sum, (i, v)| sum + (i + 1) as f64 * f64::from(*v));
            format!("model/{name}\t{}\tfloat32\t{sum}", shape.join("x"))
        })
        .collect();
    // the sum is compared as a number: both sides print the shortest text that gives it back
    for (got, want) in text.lines().zip(&wanted) {
        let (got, want): (Vec<&str>, Vec<&str>) = (got.split('\t').collect(), want.split('\t').collect());
        assert_eq!(got[..3], want[..3]);
        assert_eq!(got[3].parse::<f64>().unwrap(), want[3].parse::<f64>().unwrap());
    }
    assert_eq!(text.lines().count(), wanted.len());
}
