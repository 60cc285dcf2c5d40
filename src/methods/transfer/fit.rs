//! Training of the large network.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::config::TransferConfig;
use super::day_split::DaySplit;
use super::downscaler::Downscaler;
use super::encoder::FrozenEncoder;
use super::groundwork::Groundwork;
use super::inputs::InputMaker;
use super::model::Model;
use super::training_days::{Batch, Part};
use crate::base::random::Random;
use crate::methods::error::{MethodError, MethodResult};
use crate::nn::ops::Loss;
use crate::nn::{Parameters, describe_device};
use crate::train::{RunFolder, TrainingOptions, TrainingReport, train};

/// Settings of the training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TransferFitOptions {
    /// Patches in one step.
    pub batch: usize,
    /// The penalty, in units of the state.
    pub loss: Loss,
    /// Patches in the fixed validation set.
    pub validation_patches: usize,
    /// Seed of weights and samples.
    pub seed: u64,
    /// Iterations, rates, intervals.
    pub training: TrainingOptions,
}

impl Default for TransferFitOptions {
    fn default() -> TransferFitOptions {
        let training = TrainingOptions { iterations: 700, peak_rate: 2e-3, validate_every: 350, ..TrainingOptions::default() };
        TransferFitOptions { batch: 8, loss: Loss::MeanSquare, validation_patches: 24, seed: 1, training }
    }
}

/// Trains the large network on the training days and gives it back, with the averaged weights of the end of the run.
///
/// A step takes patches of random days and places. For a diffusion each gets a time and a noise, and what the network says of
/// the noisy state is held against what it should say; a regression says the state from nothing. The validation score, over
/// fixed patches of the validation days, is the fair CRPS of two draws (of a regression the mean absolute error) as a share of
/// the mean absolute error of the base: below 1 it is worth more. `run_folder` receives config, log and checkpoints; an
/// interrupted run goes on. The encoder's weights are not among those that move.
///
/// # Errors
/// [`MethodError::Argument`] for settings out of range or days without a history; [`MethodError::Train`] as [`train`].
#[expect(clippy::too_many_arguments, reason = "each is one thing that a training is made from")]
pub fn fit(
    method: &str,
    config: &TransferConfig,
    groundwork: &Groundwork<'_>,
    encoder: Option<FrozenEncoder>,
    split: &DaySplit,
    options: &TransferFitOptions,
    run_folder: &Path,
    device: &Device,
    provenance: &BTreeMap<String, String>,
) -> MethodResult<(Downscaler, TrainingReport)> {
    config.check()?;
    let side = config.stitching.patch;
    let [rows, columns] = groundwork.archive().shape();
    if options.batch == 0 || options.validation_patches == 0 || side > rows.min(columns) {
        return Err(MethodError::Argument(format!(
            "{method}: batches of {}, {} validation patches, patches of {side} on {rows} x {columns} cells; at least one of \
             each, and patches that fit, are wanted",
            options.batch, options.validation_patches
        )));
    }
    let maker = InputMaker::new(config, groundwork, encoder.as_ref())?;
    let training = Part::new(&maker, groundwork, &split.train, config.lags())?;
    let validation = Part::new(&maker, groundwork, &split.validation, config.lags())?;
    let mut fixed = Random::new(options.seed, "validation patches");
    let held_out: Vec<Batch> = (0..options.validation_patches.div_ceil(options.batch))
        .map(|_| validation.draw(side, options.batch, &mut fixed, device))
        .collect::<candle_core::Result<_>>()?;
    let fingerprint = encoder.as_ref().map(FrozenEncoder::fingerprint).transpose()?;
    let described = json!({ "transfer": config, "fit": options, "encoder": fingerprint });
    let folder = RunFolder::open(run_folder, &described, options.seed, &describe_device(device), provenance)?;
    let mut parameters = Parameters::new(device, DType::F32, options.seed);
    let model = Model::new(&mut parameters, config)?;
    model.begin(&parameters, encoder.as_ref())?;
    let report = train(
        &parameters,
        method,
        &described,
        &options.training,
        &folder,
        |_, random| {
            let batch = training.draw(side, options.batch, random, device)?;
            model.loss(config, &batch, options.loss, random)
        },
        || {
            let mut random = Random::new(options.seed, "validation noise");
            let (mut score, mut lacking) = (0.0, 0.0);
            for batch in &held_out {
                let (part, whole) = model.score(config, batch, &mut random)?;
                (score, lacking) = (score + part, lacking + whole);
            }
            Ok(score / lacking.max(f64::MIN_POSITIVE))
        },
    )?;
    Ok((Downscaler::load(&folder.last(), encoder, device)?, report))
}

#[cfg(test)]
mod tests {
    use super::super::config::Stitching;
    use super::super::denoiser::{Denoiser, DenoiserConfig};
    use super::super::downscaler::DrawOptions;
    use super::super::forecast::ForecastConfig;
    use super::super::groundwork::tests::waves;
    use super::super::inflation::Inflation;
    use super::super::task::{Task, Transfer};
    use super::super::window::Window;
    use super::*;
    use crate::train::Checkpoint;

    fn config(transfer: Transfer, kind: Task) -> TransferConfig {
        let forecast = ForecastConfig { lags: 3, widths: [8, 8, 16], blocks: 1, head_width: 8, groups: 4 };
        let features = if transfer == Transfer::Nothing { 3 } else { 16 };
        let denoiser = DenoiserConfig { features, projection: 4, widths: [8, 8, 16], groups: 4, ..DenoiserConfig::quick() };
        let stitching = Stitching { patch: 8, halo: 2, stride: 4, ..Stitching::default() };
        TransferConfig {
            forecast,
            denoiser,
            transfer,
            raw_lags: transfer == Transfer::Nothing,
            task: kind,
            stitching,
            ..TransferConfig::quick()
        }
    }

    fn split() -> DaySplit {
        DaySplit { train: (10..80).collect(), validation: (90..100).collect(), test: (110..120).collect() }
    }

    fn options(iterations: u64) -> TransferFitOptions {
        let training = TrainingOptions {
            iterations,
            peak_rate: 5e-3,
            warmup_iterations: 2,
            validate_every: iterations,
            ema_decay: 0.9,
            ..TrainingOptions::default()
        };
        TransferFitOptions { batch: 4, validation_patches: 4, training, ..TransferFitOptions::default() }
    }

    fn trained(config: &TransferConfig, encoder: Option<FrozenEncoder>, iterations: u64) -> (Downscaler, f64, Checkpoint) {
        let archive = waves();
        let groundwork = Groundwork::new(&archive, &split().train).unwrap();
        let place = tempfile::tempdir().unwrap();
        let (found, report) = fit(
            "ddpm",
            config,
            &groundwork,
            encoder,
            &split(),
            &options(iterations),
            place.path(),
            &Device::Cpu,
            &BTreeMap::new(),
        )
        .unwrap();
        let saved = Checkpoint::load(&place.path().join("last.safetensors"), &Device::Cpu).unwrap();
        (found, report.best.unwrap().0, saved)
    }

    #[test]
    fn the_encoder_keeps_every_byte_and_no_optimiser_knows_it() {
        let config = config(Transfer::Encoder, Task::Diffusion);
        let encoder = FrozenEncoder::untrained(&config.forecast, 5, &Device::Cpu).unwrap();
        let before = encoder.fingerprint().unwrap();
        let (_, _, saved) = trained(&config, Some(encoder.clone()), 3);
        assert_eq!(encoder.fingerprint().unwrap(), before);
        let mut own = Parameters::shapes_only();
        Denoiser::new(&mut own, &config.denoiser).unwrap();
        assert_eq!(saved.model.len(), own.len());
        assert!(saved.moments.keys().all(|name| saved.model.keys().any(|own| name.contains(own.as_str()))));
        assert_eq!(saved.state.config["encoder"].as_str(), Some(before.as_str()));
    }

    #[test]
    fn a_regression_learns_what_the_base_lacks() {
        let (_, score, _) = trained(&config(Transfer::Nothing, Task::Regression), None, 200);
        assert!(score < 0.9, "{score}");
    }

    #[test]
    fn members_differ_and_do_not_depend_on_their_number() {
        let config = config(Transfer::Nothing, Task::TrunkAndDiffusion);
        let (downscaler, _, _) = trained(&config, None, 3);
        let archive = waves();
        let groundwork = Groundwork::new(&archive, &split().train).unwrap();
        let window = Window::of(112, 3, Default::default()).unwrap();
        let inputs = downscaler.inputs_of(&groundwork, &window).unwrap();
        let draw = |members, day| downscaler.predict(&inputs, day, &DrawOptions { members, ..DrawOptions::default() }).unwrap();
        let (two, three) = (draw(2, 112), draw(3, 112));
        assert_eq!(two[..], three[..2]);
        assert!(two[0] != two[1] && two[0] != three[2] && two[0] != draw(1, 113)[0]);
        assert!(downscaler.predict(&inputs, 112, &DrawOptions { members: 0, ..DrawOptions::default() }).is_err());
        // Without the other's history the same inputs come of the same planes.
        let planes: Vec<&[f32]> = archive.history(&window).unwrap();
        assert_eq!(inputs, downscaler.inputs_after(&groundwork, 112, &planes).unwrap());
    }

    #[test]
    fn members_lie_around_what_the_trunk_says() {
        let config = config(Transfer::Nothing, Task::TrunkAndDiffusion);
        let (downscaler, _, _) = trained(&config, None, 3);
        let archive = waves();
        let groundwork = Groundwork::new(&archive, &split().train).unwrap();
        let inputs = downscaler.inputs_of(&groundwork, &Window::of(112, 3, Default::default()).unwrap()).unwrap();
        let centre = downscaler.centre(&inputs).unwrap();
        let options = DrawOptions { members: 2, centred: true, ..DrawOptions::default() };
        let pair = downscaler.predict(&inputs, 112, &options).unwrap();
        let twice = Inflation { coarse: 2.0, fine: 2.0 };
        let wide = downscaler.predict(&inputs, 112, &DrawOptions { inflation: twice, ..options }).unwrap();
        assert_eq!(downscaler.member(&inputs, 112, 1, &options).unwrap(), pair[1]);
        let mut moved = 0.0f32;
        for (i, centre) in centre.iter().enumerate() {
            assert!(((pair[0][i] + pair[1][i]) / 2.0 - centre).abs() < 1e-5);
            assert!((wide[0][i] - centre - 2.0 * (pair[0][i] - centre)).abs() < 1e-4);
            moved = moved.max((pair[0][i] - centre).abs());
        }
        assert!(moved > 1e-3);
        let wrong = DrawOptions { inflation: Inflation { coarse: -1.0, fine: 1.0 }, ..options };
        assert!(downscaler.predict(&inputs, 112, &wrong).unwrap_err().to_string().contains("factors above 0"));
        // Validation days' factors are those that make members lie as far off as the truth.
        let found = super::super::inflation::inflation(&downscaler, &groundwork, &[90, 91, 92], &options).unwrap();
        assert!(found.coarse > 0.0 && found.fine > 0.0);
        assert!(super::super::inflation::inflation(&downscaler, &groundwork, &[], &options).is_err());
    }

    #[test]
    fn an_autoencoder_learns_and_draws() {
        let config = config(Transfer::Nothing, Task::Autoencoder);
        let (downscaler, score, _) = trained(&config, None, 120);
        assert!(score < 1.0, "{score}");
        let archive = waves();
        let groundwork = Groundwork::new(&archive, &split().train).unwrap();
        let inputs = downscaler.inputs_of(&groundwork, &Window::of(112, 3, Default::default()).unwrap()).unwrap();
        let drawn = downscaler.predict(&inputs, 112, &DrawOptions { members: 3, ..DrawOptions::default() }).unwrap();
        assert!(drawn.len() == 3 && drawn[0] != drawn[1] && drawn[0] != drawn[2]);
        assert!(downscaler.centre(&inputs).unwrap_err().to_string().contains("trunk"));
    }

    #[test]
    fn another_encoder_is_refused() {
        let config = config(Transfer::RandomEncoder, Task::Diffusion);
        let encoder = |seed| FrozenEncoder::untrained(&config.forecast, seed, &Device::Cpu).unwrap();
        let (_, _, saved) = trained(&config, Some(encoder(1)), 2);
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("ddpm.safetensors");
        saved.save(&path).unwrap();
        assert!(Downscaler::load(&path, Some(encoder(1)), &Device::Cpu).is_ok());
        for wrong in [Some(encoder(2)), None] {
            let sentence = Downscaler::load(&path, wrong, &Device::Cpu).unwrap_err().to_string();
            assert!(sentence.contains("trained with"), "{sentence}");
        }
    }
}
