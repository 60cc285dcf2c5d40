//! Training of generator and critics from cloudy sequences alone.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device};
use serde_json::json;

use super::apply::Unisst;
use super::clouds::Clouds;
use super::config::{UnisstConfig, UnisstFitOptions};
use super::critics::{FrameCritic, SequenceCritic};
use super::generator::Generator;
use super::seen::SeenSequence;
use super::trainee::Contestants;
use crate::grid::Field;
use crate::methods::error::{MethodError, MethodResult};
use crate::nn::{Parameters, describe_device};
use crate::train::{GroupOptions, ParameterGroup, RunDescription, RunFolder, TrainingReport, train_groups};

/// The generator's name among the groups of parameters.
pub const GENERATOR: &str = "generator";
/// The name of both critics together: one optimiser moves them.
pub(super) const CRITICS: &str = "critics";

/// Trains the method and gives it back as its last iteration left it.
///
/// `training` are sequences under their clouds; a sequence of `validation` comes with the cells that are hidden besides and
/// asked for (those under a cloud are left out): the score is the mean absolute error there. It watches the training and
/// chooses nothing, as it is published. `clouds` are records from which fresh masks are drawn. `run_folder` receives config, log and
/// checkpoints; an interrupted run goes on.
///
/// # Errors
/// [`MethodError::Argument`] for settings out of range or sequences of which nothing is seen;
/// [`MethodError::Train`] as [`train_groups`].
///
/// # Reference
/// Yin et al. (2019), Unsupervised inpainting for occluded sea surface temperature sequences
///
/// # Departures
/// - Sequences are normalised by what is seen; the published program takes mean and deviation from the clean sequence.
/// - Attention works on each frame's own channels (see [`Generator`]).
/// - No stop when a loss is nearly 0: such a run is seen in its log.
#[expect(clippy::too_many_arguments, reason = "each is one thing that a training is made from")]
pub fn fit(
    method: &str,
    config: &UnisstConfig,
    training: &[Field],
    validation: &[(Field, Vec<bool>)],
    clouds: &[Clouds],
    options: &UnisstFitOptions,
    run_folder: &Path,
    device: &Device,
    provenance: &BTreeMap<String, String>,
) -> MethodResult<(Unisst, TrainingReport)> {
    let seen = |field: &Field| SeenSequence::new(field, config.frame_offsets);
    let training = training.iter().map(seen).collect::<MethodResult<Vec<_>>>()?;
    let asked_for = |(field, hidden): &(Field, Vec<bool>)| -> MethodResult<(SeenSequence, Vec<f32>)> {
        // The scale must not know what is asked for.
        let whole = seen(field)?;
        let rest = super::clouds::occlude(field, hidden)?;
        let bare = seen(&rest)?;
        let normalised = |i: usize| {
            let value = f64::from(field.values()[i]) - bare.offsets[i / field.frame_len()];
            bare.scale.normalised(value as f32)
        };
        let asked: Vec<f32> =
            whole.hidden.iter().zip(&bare.hidden).map(|(before, now)| f32::from(u8::from(before < now))).collect();
        let values = (0..asked.len()).map(|i| if whole.hidden[i] == 0.0 { normalised(i) } else { whole.values[i] }).collect();
        Ok((SeenSequence { values, hidden: whole.hidden, ..bare }, asked))
    };
    let validation = validation.iter().map(asked_for).collect::<MethodResult<Vec<_>>>()?;
    if training.is_empty() || !validation.iter().any(|(_, asked)| asked.contains(&1.0)) {
        return Err(MethodError::Argument(format!(
            "{method}: sequences to learn from, and some to validate with of which seen cells are hidden, are wanted"
        )));
    }
    let smallest = [0, 1, 2].map(|a| training.iter().map(|s| s.shape[a]).min().unwrap_or(0));
    let clear = clouds.iter().map(Clouds::shape).reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1])]).unwrap_or([0, 0]);
    options.check(smallest, clear)?;
    let described = json!({ "unisst": config, "fit": options });
    let folder = RunFolder::open(run_folder, &described, options.seed, &describe_device(device), provenance)?;
    let mut parameters = Parameters::new(device, DType::F32, options.seed);
    let generator = Generator::new(&mut parameters, &config.generator)?;
    let mut critic_parameters = Parameters::new(device, DType::F32, options.seed);
    let frames = FrameCritic::new(&mut critic_parameters, &config.critic)?;
    let sequences = SequenceCritic::new(&mut critic_parameters, &config.critic)?;
    let own = GroupOptions { ema_decay: None, ..options.training.group() };
    let of_critics = GroupOptions { peak_rate: options.critic_rate, divergence_factor: None, ..own };
    let groups =
        vec![ParameterGroup::new(GENERATOR, &parameters, own)?, ParameterGroup::new(CRITICS, &critic_parameters, of_critics)?];
    let description = RunDescription { method, config: &described, seed: options.seed };
    let mut contestants = Contestants { config, options, training, validation, clouds, generator, frames, sequences, device };
    let report = train_groups(groups, description, &options.training, &folder, &mut contestants)?;
    Ok((Unisst::load(&folder.last(), device)?, report))
}

#[cfg(test)]
mod tests {
    use super::super::clouds::CloudDraw;
    use super::super::residual_fill::tests::pond;
    use super::*;
    use crate::grid::{Cell, Mask, Unit};
    use crate::train::Checkpoint;

    fn under(k: usize) -> Vec<bool> {
        (0..864).map(|i: usize| (i / 3 + k).is_multiple_of(4)).collect()
    }

    /// Two ponds whose clouded cells hold `poison`.
    fn ponds(poison: Option<f32>) -> Vec<Field> {
        let cloudy = |k: usize| {
            let truth = pond(k);
            let values = truth.values().iter().zip(under(k));
            let values = values.map(|(v, u)| if u { poison.unwrap_or(*v) } else { *v }).collect();
            let cells = under(k).iter().map(|u| if *u { Cell::Cloud } else { Cell::Valid }).collect();
            truth.with_values(values, Mask::from_cells(cells)).unwrap()
        };
        (0..2).map(cloudy).collect()
    }

    fn clouds() -> [Clouds; 1] {
        let like = pond(3);
        let values = like.values().iter().map(|v| 70.0 + 10.0 * (v - 15.0)).collect();
        let (time, lat, lon) = (like.time().clone(), like.latitude().clone(), like.longitude().clone());
        let mask = Mask::all_valid(864);
        let water = Field::new("lwp", values, mask, time, lat, lon, Unit::GramPerSquareMetre).unwrap();
        [Clouds::new(&water, CloudDraw::every()).unwrap()]
    }

    fn small(fixed: bool) -> (UnisstConfig, UnisstFitOptions) {
        let mut config = if fixed { UnisstConfig::fixed() } else { UnisstConfig::faithful() };
        config.generator.multiples = [2, 2, 2, 2];
        config.critic.strided = vec![4, 4];
        config.critic.kept = vec![];
        let mut options =
            UnisstFitOptions { part: [4, 8, 8], self_supervision: if fixed { 1.0 } else { 0.0 }, ..Default::default() };
        options.training.iterations = 3;
        options.training.validate_every = 3;
        options.training.peak_rate = 1e-2;
        (config, options)
    }

    fn trained(fixed: bool, poison: Option<f32>) -> (Unisst, Checkpoint, TrainingReport) {
        let (config, options) = small(fixed);
        let fields = ponds(poison);
        let hidden: Vec<bool> = (0..864).map(|i: usize| (i / 7).is_multiple_of(3)).collect();
        let validation = vec![(fields[0].clone(), hidden)];
        let place = tempfile::tempdir().unwrap();
        let none = BTreeMap::new();
        let made = fit("unisst", &config, &fields, &validation, &clouds(), &options, place.path(), &Device::Cpu, &none);
        let (unisst, report) = made.unwrap();
        let checkpoint = Checkpoint::load(&place.path().join("last.safetensors"), &Device::Cpu).unwrap();
        (unisst, checkpoint, report)
    }

    #[test]
    fn what_lies_under_a_cloud_changes_no_weight() {
        let values = |checkpoint: &Checkpoint| {
            let all = checkpoint.model.values().map(|t| t.flatten_all().unwrap().to_vec1::<f32>().unwrap());
            all.collect::<Vec<_>>().concat()
        };
        for fixed in [false, true] {
            let (_, clean, report) = trained(fixed, None);
            let (_, poisoned, again) = trained(fixed, Some(1e9));
            assert_eq!(values(&clean), values(&poisoned), "fixed: {fixed}");
            assert_eq!(report.best, again.best);
            assert_eq!(values(&trained(fixed, Some(f32::NAN)).1), values(&clean));
        }
    }

    #[test]
    fn the_critics_take_two_steps_for_one_and_the_fill_keeps_what_is_seen() {
        let (unisst, checkpoint, report) = trained(true, None);
        assert_eq!(report.iterations, 3);
        assert_eq!(checkpoint.state.groups[GENERATOR].optimizer_steps, 3);
        assert_eq!(checkpoint.state.groups[CRITICS].optimizer_steps, 6);
        let seen = &ponds(None)[1];
        let filled = unisst.field(seen).unwrap();
        for (i, cell) in seen.mask().cells().iter().enumerate() {
            assert!(filled.mask().is_valid(i));
            if cell.is_valid() {
                assert_eq!(filled.values()[i].to_bits(), seen.values()[i].to_bits());
            } else {
                // The network's range holds three deviations.
                assert!((filled.values()[i] - 15.0).abs() < 4.0, "{}", filled.values()[i]);
            }
        }
    }

    #[test]
    fn the_configuration_is_the_published_method_in_another_size() {
        #[derive(serde::Deserialize)]
        struct Configuration {
            network: UnisstConfig,
            fit: UnisstFitOptions,
        }
        let ours: Configuration = toml::from_str(include_str!("../../../configs/unisst/unisst.toml")).unwrap();
        assert_eq!(ours.network, UnisstConfig::faithful());
        let defaults = UnisstFitOptions::default();
        assert_eq!((ours.fit.generator_loss, ours.fit.critic_steps), (defaults.generator_loss, 2));
        assert_eq!((ours.fit.self_supervision, ours.fit.threshold), (0.0, 70.0));
        assert_eq!((ours.fit.training.adam, &ours.fit.training.decay), (defaults.training.adam, &defaults.training.decay));
    }

    #[test]
    fn nothing_to_learn_from_is_refused() {
        let (config, options) = small(false);
        let place = tempfile::tempdir().unwrap();
        let none = BTreeMap::new();
        let nothing = fit("unisst", &config, &[], &[], &clouds(), &options, place.path(), &Device::Cpu, &none);
        assert!(nothing.unwrap_err().to_string().contains("sequences to learn from"));
    }
}
