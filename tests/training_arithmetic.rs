//! Training in mixed precision and with dropout: what stays f32, how near to f32 it comes, and that a cut run goes on bit
//! for bit.

use std::collections::BTreeMap;
use std::path::Path;

use isotherm::base::random::Random;
use isotherm::candle_core::{DType, Device, Result, Tensor};
use isotherm::nn::blocks::{Lstm, Transformer, TransformerConfig};
use isotherm::nn::layers::{Dropout, GroupNorm};
use isotherm::nn::ops::{ConvolutionOptions, silu};
use isotherm::nn::{Adam, AdamConfig, Convolution2d, Init, Parameters, Precision};
use isotherm::train::{Checkpoint, RunFolder, TrainError, TrainResult, TrainingOptions, TrainingReport, train};
use serde_json::json;

/// Two convolutions, a norm and a dropout between: learns to sharpen.
struct Network {
    enter: Convolution2d,
    norm: GroupNorm,
    dropout: Dropout,
    leave: Convolution2d,
}

impl Network {
    fn new(parameters: &mut Parameters, dropout: f64) -> Network {
        let map = |p: &mut Parameters, name: &str, channels: [usize; 2]| {
            Convolution2d::new(p, name, channels, 3, ConvolutionOptions::same(3), Init::UniformFanIn).unwrap()
        };
        Network {
            enter: map(parameters, "enter", [8, 1]),
            norm: GroupNorm::new(parameters, "norm", 8, 2, 1e-5).unwrap(),
            dropout: Dropout::new(parameters, "dropout", dropout).unwrap(),
            leave: map(parameters, "leave", [1, 8]),
        }
    }

    fn loss(&self, random: &mut Random, training: bool) -> Result<Tensor> {
        let values: Vec<f32> = (0..2 * 64).map(|_| random.normal() as f32).collect();
        let x = Tensor::from_vec(values, (2, 1, 8, 8), &Device::Cpu)?;
        let y = silu(&self.norm.forward(&self.enter.forward(&x)?)?)?;
        let y = self.leave.forward(&self.dropout.forward(&y, training)?)?;
        (y - (x * 0.7)?)?.sqr()?.mean_all()
    }
}

struct Trained {
    report: TrainResult<TrainingReport>,
    weights: BTreeMap<String, Tensor>,
}

fn run(place: &Path, precision: Precision, dropout: f64, iterations: u64, cut_at: Option<u64>) -> Trained {
    let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 4);
    let network = Network::new(&mut parameters, dropout);
    let folder = RunFolder::open(place, &json!({}), 4, "cpu", &BTreeMap::new()).unwrap();
    let options = TrainingOptions {
        iterations,
        peak_rate: 5e-3,
        warmup_iterations: 1,
        validate_every: 5,
        precision,
        ..TrainingOptions::default()
    };
    let report = train(
        &parameters,
        "test",
        &json!({}),
        &options,
        &folder,
        |iteration, random| {
            if cut_at == Some(iteration) {
                return Err(TrainError::Task("cut".to_string()));
            }
            Ok(network.loss(random, true)?)
        },
        || Ok(f64::from(network.loss(&mut Random::new(1, "validation"), false)?.to_scalar::<f32>()?)),
    );
    Trained { report, weights: parameters.snapshot().unwrap() }
}

fn bits(weights: &BTreeMap<String, Tensor>) -> Vec<u64> {
    let flat = |t: &Tensor| t.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1::<f64>().unwrap();
    weights.values().flat_map(flat).map(f64::to_bits).collect()
}

#[test]
fn a_step_in_bf16_is_near_the_step_in_f32_and_the_weights_stay_f32() {
    let step = |precision: Precision| {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 4);
        let network = Network::new(&mut parameters, 0.0);
        let before = parameters.snapshot().unwrap();
        let scope = precision.enter([&parameters]).unwrap();
        let loss = network.loss(&mut Random::new(2, "data"), true).unwrap();
        let gradients = loss.backward().unwrap();
        drop(scope);
        // Adam with a large epsilon steps in proportion to the gradient, so that the steps show its size.
        let config = AdamConfig { epsilon: 1.0, ..AdamConfig::default() };
        let mut optimizer = Adam::new(&parameters, config).unwrap();
        optimizer.step(&parameters, &gradients, 0.1, 1.0).unwrap();
        let mut moves = BTreeMap::new();
        for (name, after) in parameters.snapshot().unwrap() {
            assert_eq!(after.dtype(), DType::F32, "{name}");
            assert_eq!(gradients.get(parameters.get(&name).unwrap().as_tensor()).unwrap().dtype(), DType::F32, "{name}");
            assert_eq!(optimizer.moments()[&name].dtype(), DType::F32, "{name}");
            moves.insert(name.clone(), (after - &before[&name]).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap());
        }
        (loss.to_scalar::<f32>().unwrap(), moves)
    };
    let (fine_loss, fine) = step(Precision::F32);
    let (coarse_loss, coarse) = step(Precision::Bf16);
    assert_eq!(step(Precision::Tf32), (fine_loss, fine.clone()), "a permission that the CPU does not use");
    assert!(fine_loss != coarse_loss && (fine_loss - coarse_loss).abs() < 0.01 * fine_loss, "{fine_loss} {coarse_loss}");
    let norm = |v: &[f32]| v.iter().map(|v| v * v).sum::<f32>().sqrt();
    for (name, fine) in &fine {
        let difference: Vec<f32> = fine.iter().zip(&coarse[name]).map(|(a, b)| a - b).collect();
        let share = norm(&difference) / norm(fine);
        // Factors of 8 bits (2⁻⁹ each at most): some per mille, added up over a few layers
        assert!(share > 0.0 && share < 0.03, "{name}: {share}");
    }
}

#[test]
fn training_in_bf16_learns_as_in_f32_and_keeps_all_bits_of_the_weights() {
    let place = tempfile::tempdir().unwrap();
    let last = |trained: &Trained| trained.report.as_ref().unwrap().best.unwrap().0;
    let fine = run(&place.path().join("f32"), Precision::F32, 0.0, 60, None);
    let coarse = run(&place.path().join("bf16"), Precision::Bf16, 0.0, 60, None);
    assert!(last(&fine) < 0.25 && last(&coarse) < 0.25, "{} {}", last(&fine), last(&coarse));
    assert!((last(&fine) - last(&coarse)).abs() < 0.1 * last(&fine), "{} {}", last(&fine), last(&coarse));
    let weight = coarse.weights["enter.weight"].flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert!(weight.iter().any(|w| w.to_bits() & 0xffff != 0), "weights of 8 bits only");
    assert_eq!(Precision::present(), Precision::F32, "the training gives the thread its precision back");
}

#[test]
fn a_cut_run_with_dropout_and_bf16_resumes_bit_for_bit() {
    for (number, precision) in [Precision::F32, Precision::Bf16].into_iter().enumerate() {
        let place = tempfile::tempdir().unwrap();
        let whole = run(&place.path().join("whole"), precision, 0.3, 20, None);
        let cut = place.path().join("cut");
        assert!(run(&cut, precision, 0.3, 20, Some(13)).report.is_err());
        let resumed = run(&cut, precision, 0.3, 20, None);
        assert_eq!(resumed.report.unwrap().iterations, 20);
        assert_eq!(bits(&whole.weights), bits(&resumed.weights), "{number}");
        assert_eq!(whole.weights["dropout.calls"].to_vec1::<f64>().unwrap(), [20.0]);
        let saved = Checkpoint::load(&place.path().join("whole").join("last.safetensors"), &Device::Cpu).unwrap();
        assert_eq!(saved.model["dropout.calls"].to_vec1::<f64>().unwrap(), [20.0]);
        let without = run(&place.path().join("without"), precision, 0.0, 20, None);
        assert_ne!(bits(&without.weights)[..], bits(&whole.weights)[1..], "the dropout did something");
    }
}

#[test]
fn recurrent_and_attending_blocks_compute_in_bf16_too() {
    let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 6);
    let lstm = Lstm::new(&mut parameters, "lstm", [4, 4], 2, 0.0).unwrap();
    let config = TransformerConfig { width: 4, heads: 2, encoder_layers: 1, decoder_layers: 1, hidden: 6, dropout: 0.0 };
    let transformer = Transformer::new(&mut parameters, "transformer", &config).unwrap();
    let mut random = Random::new(6, "x");
    let x = Tensor::from_vec((0..24).map(|_| random.normal() as f32).collect::<Vec<_>>(), (2, 3, 4), &Device::Cpu).unwrap();
    let run = || {
        let y = transformer.forward(&x, &lstm.forward(&x, None, true).unwrap().0, true).unwrap();
        let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
        for (name, variable) in parameters.iter() {
            assert_eq!(gradients.get(variable.as_tensor()).unwrap().dtype(), DType::F32, "{name}");
        }
        y
    };
    let fine = run();
    let _scope = Precision::Bf16.enter([&parameters]).unwrap();
    let coarse = run();
    let error = (fine - coarse).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
    assert!(error > 0.0 && error < 0.1, "{error}");
}

#[test]
fn what_cannot_be_done_says_so() {
    // Weights of another type than f32 cannot be the ones that training keeps.
    let place = tempfile::tempdir().unwrap();
    let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 4);
    let a = parameters.add("a", &[2], Init::Constant(1.0)).unwrap();
    let folder = RunFolder::open(place.path(), &json!({}), 4, "cpu", &BTreeMap::new()).unwrap();
    let options = TrainingOptions { precision: Precision::Bf16, ..TrainingOptions::default() };
    let loss = |_, _: &mut Random| Ok(a.sqr()?.sum_all()?);
    let error = train(&parameters, "test", &json!({}), &options, &folder, loss, || Ok(0.0)).unwrap_err().to_string();
    assert_eq!(error, "precision Bf16 wants f32 parameters, which it keeps as they are; found F64: make the network in f32");

    // A network whose weights themselves are bf16: no optimiser moves it.
    let mut parameters = Parameters::new(&Device::Cpu, DType::BF16, 4);
    let w = parameters.add("w", &[2, 3], Init::UniformFanIn).unwrap();
    let gradients = w.sum_all().unwrap().backward().unwrap();
    let error = Adam::new(&parameters, AdamConfig::default()).unwrap().step(&parameters, &gradients, 0.1, 1.0).unwrap_err();
    assert!(error.to_string().contains("keep f32 parameters and set the precision"), "{error}");
}
