//! Training against a critic.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::config::AdversarialConfig;
use super::critic::{Critic, shown};
use super::losses::AdversarialLoss;
use crate::methods::error::{MethodError, MethodResult};
use crate::methods::refinement::FineFieldSource;
use crate::methods::regression::{FitOptions, GENERATOR, Network, Protocol, Regression};
use crate::nn::{Parameters, describe_device};
use crate::train::{
    GroupOptions, Iteration, ParameterGroup, RunDescription, RunFolder, TrainResult, Trainee, TrainingReport, train_groups,
};

/// The critic's group in checkpoints and logs.
const CRITIC: &str = "critic";

/// Settings of the training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdversarialFitOptions {
    /// As for the networks without a critic; rates are the generator's.
    pub regression: FitOptions,
    /// Iterations of the pixel loss alone, before the critic starts.
    pub start_iteration: u64,
    /// Weight of the adversarial loss beside the pixel loss.
    pub adversarial_weight: f64,
    /// How logits become losses.
    pub adversarial_loss: AdversarialLoss,
    /// The critic's largest learning rate; it falls as the generator's does.
    pub critic_rate: f64,
}

impl Default for AdversarialFitOptions {
    fn default() -> AdversarialFitOptions {
        AdversarialFitOptions {
            regression: FitOptions::default(),
            start_iteration: 1000,
            adversarial_weight: 0.02,
            adversarial_loss: AdversarialLoss::Relativistic,
            critic_rate: 4e-4,
        }
    }
}

impl AdversarialFitOptions {
    fn check(&self, method: &str) -> MethodResult<()> {
        if !(self.adversarial_weight >= 0.0 && self.adversarial_weight.is_finite()) {
            return Err(MethodError::Argument(format!(
                "{method}: adversarial_weight is {}; a number of at least 0 is wanted",
                self.adversarial_weight
            )));
        }
        if self.regression.training.accumulate != 1 {
            return Err(MethodError::Argument(format!(
                "{method}: accumulate is {}, but against a critic each step takes one batch; set it to 1 and batch larger",
                self.regression.training.accumulate
            )));
        }
        Ok(())
    }
}

struct Duel<'a> {
    generator: Network,
    critic: Critic,
    protocol: Protocol<'a>,
    options: &'a AdversarialFitOptions,
}

impl Trainee for Duel<'_> {
    fn iterate(&mut self, iteration: &mut Iteration<'_, '_>) -> TrainResult<()> {
        let batch = self.protocol.draw(iteration.random())?;
        let correction = self.generator.forward(&batch.low)?; // [b, 1, h f, w f]
        let pixel = self.protocol.loss(&batch, &correction)?;
        if iteration.number() < self.options.start_iteration {
            iteration.descend(GENERATOR, pixel)?;
            return Ok(());
        }
        let loss = self.options.adversarial_loss;
        let weight = self.protocol.weight(&batch)?;
        let real = shown(&batch, &batch.target, &weight)?;
        let fake = shown(&batch, &correction, &weight)?;
        let critical = loss.critic(&self.critic.forward(&real, true)?, &self.critic.forward(&fake.detach(), true)?)?;
        iteration.descend(CRITIC, critical)?;
        // By the critic that has just learned; what it makes of the truth is a number here.
        let real = self.critic.forward(&real, false)?.detach();
        let adversarial = loss.generator(&real, &self.critic.forward(&fake, false)?)?;
        for (name, value) in [("pixel", &pixel), ("adversarial", &adversarial)] {
            iteration.log(name, value.to_dtype(DType::F64)?.to_scalar::<f64>()?);
        }
        iteration.descend(GENERATOR, (pixel + (adversarial * self.options.adversarial_weight)?)?)?;
        Ok(())
    }

    fn validate(&mut self) -> TrainResult<f64> {
        self.protocol.score(|low| self.generator.forward(low))
    }
}

/// Trains a generator against a critic and gives it back as its last iteration left it, averaged. Arguments and score as in
/// [`regression::fit`](crate::methods::regression::fit); the score watches the training and chooses nothing, since it rewards
/// the smoothness that the critic is there to undo.
///
/// # Errors
/// As [`regression::fit`](crate::methods::regression::fit).
#[expect(clippy::too_many_arguments, reason = "each is one thing that a training is made from")]
pub fn fit(
    method: &str,
    config: &AdversarialConfig,
    training: FineFieldSource<'_>,
    validation: FineFieldSource<'_>,
    options: &AdversarialFitOptions,
    run_folder: &Path,
    device: &Device,
    provenance: &BTreeMap<String, String>,
) -> MethodResult<(Regression, TrainingReport)> {
    config.check(method)?;
    options.check(method)?;
    let common = &options.regression;
    let protocol = Protocol::new(method, &config.generator.tile, training, validation, common, device)?;
    let mut generator_parameters = Parameters::new(device, DType::F32, common.seed);
    let generator = Network::new(&mut generator_parameters, &config.generator)?;
    let mut critic_parameters = Parameters::new(device, DType::F32, common.seed);
    let critic = Critic::new(&mut critic_parameters, &config.critic)?;
    let described = json!({ "network": config.generator, "critic": config.critic, "fit": options });
    let folder = RunFolder::open(run_folder, &described, common.seed, &describe_device(device), provenance)?;
    let own = common.training.group();
    let of_critic = GroupOptions { peak_rate: options.critic_rate, ema_decay: None, divergence_factor: None, ..own };
    let groups = vec![
        ParameterGroup::new(GENERATOR, &generator_parameters, own)?,
        ParameterGroup::new(CRITIC, &critic_parameters, of_critic)?,
    ];
    let description = RunDescription { method, config: &described, seed: common.seed };
    let mut duel = Duel { generator, critic, protocol, options };
    let report = train_groups(groups, description, &common.training, &folder, &mut duel)?;
    Ok((Regression::load(&folder.last(), device)?, report))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::refinement::TileConfig;
    use crate::methods::regression::{Architecture, RegressionConfig, RrdbConfig};
    use crate::train::Checkpoint;

    fn ocean() -> crate::grid::Field {
        use crate::grid::{Axis, AxisKind, Field, Mask, TimeAxis, Unit};
        let axis = |kind| Axis::regular(kind, 0.0, 0.05, 70).unwrap();
        let value = |i: usize| 15.0 + ((i % 70) as f32 * 0.9).sin() * ((i / 70) as f32 * 0.4).cos();
        let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
        let (lat, lon) = (axis(AxisKind::Latitude), axis(AxisKind::Longitude));
        Field::new("sst", (0..4900).map(value).collect(), Mask::all_valid(4900), time, lat, lon, Unit::Celsius).unwrap()
    }

    fn trained(start_iteration: u64, adversarial_weight: f64, seed: u64) -> Checkpoint {
        let ocean = ocean();
        let source = || FineFieldSource::new(&ocean, &[0]).unwrap();
        let rrdb = RrdbConfig { blocks: 1, channels: 4, growth: 2, ..RrdbConfig::default() };
        let tile = TileConfig { cells: 8, ..TileConfig::default() };
        let generator = RegressionConfig { tile, ..RegressionConfig::of(Architecture::Rrdb(rrdb)) };
        let config = AdversarialConfig { generator, ..AdversarialConfig::default() };
        let mut options = AdversarialFitOptions { start_iteration, adversarial_weight, ..AdversarialFitOptions::default() };
        options.regression.batch = 2;
        options.regression.validation_tiles = 2;
        options.regression.seed = seed;
        options.regression.training.iterations = 6;
        options.regression.training.warmup_iterations = 1;
        let place = tempfile::tempdir().unwrap();
        let none = BTreeMap::new();
        let (network, report) = fit("esrgan", &config, source(), source(), &options, place.path(), &Device::Cpu, &none).unwrap();
        assert_eq!((network.method(), report.iterations), ("esrgan", 6));
        assert!(network.checkpoint().ends_with("last.safetensors"));
        Checkpoint::load(network.checkpoint(), &Device::Cpu).unwrap()
    }

    fn values(checkpoint: &Checkpoint, group: &str) -> Vec<f32> {
        let own = checkpoint.model.iter().filter(|(name, _)| name.starts_with(group));
        own.flat_map(|(_, t)| t.flatten_all().unwrap().to_vec1::<f32>().unwrap()).collect()
    }

    #[test]
    fn the_critic_starts_when_it_is_told_to() {
        let never = trained(6, 0.1, 1);
        assert_eq!(never.state.groups[CRITIC].optimizer_steps, 0);
        let late = trained(4, 0.1, 1);
        assert_eq!(late.state.groups[CRITIC].optimizer_steps, 2);
        assert_eq!(late.state.groups[GENERATOR].optimizer_steps, 6);
        assert_ne!(values(&never, CRITIC), values(&late, CRITIC));
        assert_ne!(values(&never, GENERATOR), values(&late, GENERATOR));
        // A critic without weight moves itself, but not the generator.
        let idle = trained(4, 0.0, 1);
        assert_ne!(values(&never, CRITIC), values(&idle, CRITIC));
        assert_eq!(values(&never, GENERATOR), values(&idle, GENERATOR));
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let options = AdversarialFitOptions { adversarial_weight: f64::NAN, ..AdversarialFitOptions::default() };
        assert!(options.check("esrgan").unwrap_err().to_string().contains("adversarial_weight"));
        let mut options = AdversarialFitOptions::default();
        options.regression.training.accumulate = 2;
        assert!(options.check("esrgan").unwrap_err().to_string().contains("accumulate"));
    }

    #[test]
    fn the_configuration_of_the_ladder_is_that_of_the_generator_alone_and_a_critic() {
        #[derive(Deserialize)]
        struct Configuration<N, F> {
            network: N,
            fit: F,
        }
        let ours: Configuration<AdversarialConfig, AdversarialFitOptions> =
            toml::from_str(include_str!("../../../configs/uadm/esrgan.toml")).unwrap();
        let alone: Configuration<RegressionConfig, FitOptions> =
            toml::from_str(include_str!("../../../configs/uadm/rrdb.toml")).unwrap();
        assert_eq!((&ours.network.generator, &ours.fit.regression), (&alone.network, &alone.fit));
        ours.network.check("esrgan").unwrap();
        ours.fit.check("esrgan").unwrap();
        assert!(ours.fit.start_iteration < ours.fit.regression.training.iterations);
    }
}
