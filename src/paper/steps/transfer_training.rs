//! The trainings on the dust: the forecast whose encoder is lent, the deterministic network, the diffusion, and the same with
//! something else in place of the transferred features.

use candle_core::Device;
use serde::Deserialize;

use super::transfer_dust::CONFIGURATION;
use super::transfer_ground::{DUST_ROOMS, DustGround, WEIGHTS, leave, training_place};
use crate::methods::transfer::{
    Archive, Downscaler, ForecastConfig, ForecastFitOptions, FrozenEncoder, Transfer, TransferConfig, TransferFitOptions, fit,
    fit_forecast,
};
use crate::paper::step::{Step, StepContext, read_configuration};
use crate::paper::{PaperError, PaperResult};

/// What every training stands on besides the dust.
const TRAINED: &[&str] = &["src/paper/steps/transfer_training.rs"];

/// Seed of the weights of the encoder that has learnt nothing; not that of any training.
const UNTRAINED_SEED: u64 = 90_210;
/// Seed of the dealing out of coarse fields among days.
const SHUFFLING_SEED: u64 = 2_357;

macro_rules! training_step {
    ($name:literal, $about:literal, $configuration:literal, $needs:expr, $run:expr) => {
        Step {
            name: $name,
            about: $about,
            rooms: &[DUST_ROOMS, TRAINED],
            configurations: &[$configuration, CONFIGURATION],
            needs: $needs,
            data: &[],
            publishes: &[],
            run: $run,
        }
    };
}

/// The forecast of coarse fields.
pub const SOURCE: Step = training_step!(
    "transfer_source",
    "forecast of the coarse dust, whose encoder is lent",
    "configs/transfer/source.toml",
    &["dust"],
    train_source
);
/// The deterministic network.
pub const UNET: Step = training_step!(
    "transfer_unet",
    "the deterministic network with the diffusion's inputs",
    "configs/transfer/unet.toml",
    &["dust", "transfer_source"],
    train_large
);
/// The variational autoencoder.
pub const VAE: Step = training_step!(
    "transfer_vae",
    "the variational autoencoder with the diffusion's inputs",
    "configs/transfer/vae.toml",
    &["dust", "transfer_source"],
    train_large
);
/// The method.
pub const DDPM: Step = training_step!(
    "transfer_ddpm",
    "Transfer DDPM, trained on the synthetic dust",
    "configs/transfer/ddpm.toml",
    &["dust", "transfer_source"],
    train_large
);
/// Without the days themselves.
pub const ENCODER_ALONE: Step = training_step!(
    "transfer_ddpm_encoder_alone",
    "the same shown the lent features alone, without the days themselves",
    "configs/transfer/ddpm_encoder_alone.toml",
    &["dust", "transfer_source"],
    train_large
);
/// Without an encoder.
pub const RAW_LAGS: Step = training_step!(
    "transfer_ddpm_raw_lags",
    "the same shown the days before themselves and no features",
    "configs/transfer/ddpm_raw_lags.toml",
    &["dust"],
    train_large
);
/// Without transfer.
pub const NO_TRANSFER: Step = training_step!(
    "transfer_ddpm_no_transfer",
    "the same with zeros in place of features and days",
    "configs/transfer/ddpm_no_transfer.toml",
    &["dust"],
    train_large
);
/// An encoder that has learnt nothing.
pub const RANDOM_ENCODER: Step = training_step!(
    "transfer_ddpm_random_encoder",
    "the same with an encoder that has learnt nothing",
    "configs/transfer/ddpm_random_encoder.toml",
    &["dust"],
    train_large
);
/// An encoder that goes on learning.
pub const TRAINABLE_ENCODER: Step = training_step!(
    "transfer_ddpm_trainable_encoder",
    "the same with an encoder that begins as the lent one and goes on learning",
    "configs/transfer/ddpm_trainable_encoder.toml",
    &["dust", "transfer_source"],
    train_large
);
/// Coarse fields of other days.
pub const SHUFFLED: Step = training_step!(
    "transfer_ddpm_shuffled_coarse",
    "the same with coarse fields of other days of the same month",
    "configs/transfer/ddpm_shuffled_coarse.toml",
    &["dust", "transfer_source"],
    train_large
);

/// The trainings of the large network: the method in the tables and the step that trains it.
pub const LARGE: [(&str, &str); 9] = [
    ("unet", "transfer_unet"),
    ("vae", "transfer_vae"),
    ("ddpm", "transfer_ddpm"),
    ("ddpm_encoder_alone", "transfer_ddpm_encoder_alone"),
    ("ddpm_raw_lags", "transfer_ddpm_raw_lags"),
    ("ddpm_no_transfer", "transfer_ddpm_no_transfer"),
    ("ddpm_random_encoder", "transfer_ddpm_random_encoder"),
    ("ddpm_trainable_encoder", "transfer_ddpm_trainable_encoder"),
    ("ddpm_shuffled_coarse", "transfer_ddpm_shuffled_coarse"),
];

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceTraining {
    network: ForecastConfig,
    fit: ForecastFitOptions,
}

fn train_source(context: &StepContext<'_>) -> PaperResult<()> {
    let SourceTraining { network, fit } = context.configuration()?;
    let ground = DustGround::open(context)?;
    let groundwork = ground.groundwork(context)?;
    let (device, provenance) = training_place(context, fit.seed)?;
    let held_out = |day: usize| ground.held_out(day);
    let run = context.path("run");
    let trained =
        fit_forecast("forecast", &network, &groundwork, held_out, &ground.split.validation, &fit, &run, &device, &provenance);
    leave(context, &trained.map_err(|e| context.error(e))?.1, "best.safetensors")
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LargeTraining {
    /// Is the coarse field of each day that of another day of the same month?
    #[serde(default)]
    shuffled_coarse: bool,
    network: TransferConfig,
    fit: TransferFitOptions,
}

/// The encoder that a network's settings ask for, out of the source's weights.
fn encoder(context: &StepContext<'_>, config: &TransferConfig, device: &Device) -> PaperResult<Option<FrozenEncoder>> {
    let found = match config.transfer {
        Transfer::Encoder | Transfer::TrainableEncoder => {
            FrozenEncoder::load(&context.input("transfer_source")?.join(WEIGHTS), device)
        }
        Transfer::RandomEncoder => FrozenEncoder::untrained(&config.forecast, UNTRAINED_SEED, device),
        Transfer::Nothing => return Ok(None),
    };
    found.map(Some).map_err(|e| context.error(e))
}

fn train_large(context: &StepContext<'_>) -> PaperResult<()> {
    let LargeTraining { shuffled_coarse, network, fit: options } = context.configuration()?;
    let mut ground = DustGround::open(context)?;
    if shuffled_coarse {
        ground.archive = ground.archive.with_shuffled_coarse(SHUFFLING_SEED);
    }
    let groundwork = ground.groundwork(context)?;
    let (device, provenance) = training_place(context, options.seed)?;
    let encoder = encoder(context, &network, &device)?;
    let (name, run) = (context.step.name, context.path("run"));
    let trained = fit(name, &network, &groundwork, encoder, &ground.split, &options, &run, &device, &provenance);
    // The last state, averaged: a diffusion's few validation draws are too noisy to choose by.
    leave(context, &trained.map_err(|e| context.error(e))?.1, "last.safetensors")
}

/// The trained network of a step named among the needs, beside the source's; and the archive that it has to be shown, where
/// that is not the ground's own.
///
/// # Errors
/// Where its files are not to be had or do not fit each other.
pub fn open(context: &StepContext<'_>, ground: &DustGround, step: &str) -> PaperResult<(Downscaler, Option<Archive>)> {
    let device = Device::Cpu;
    let file = context.study.step(step)?.configurations.first().copied().unwrap_or_default();
    let LargeTraining { shuffled_coarse, network, .. } = read_configuration(context.study.root(), file)?;
    let encoder = encoder(context, &network, &device)?;
    let loaded = Downscaler::load(&context.input(step)?.join(WEIGHTS), encoder, &device);
    let own = shuffled_coarse.then(|| ground.archive.with_shuffled_coarse(SHUFFLING_SEED));
    Ok((loaded.map_err(PaperError::step(context.step.name))?, own))
}
