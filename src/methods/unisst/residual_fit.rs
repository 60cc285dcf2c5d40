//! Training of the network of the residual.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::residual_clues::CLUES;
use super::residual_fill::ResidualFill;
use super::residual_lesson::{FrameBatch, Lesson, Prepared};
use super::residual_network::{ResidualNetwork, ResidualNetworkConfig};
use crate::methods::error::{MethodError, MethodResult};
use crate::nn::ops::{Loss, masked_loss};
use crate::nn::{Parameters, describe_device};
use crate::train::{RunFolder, TrainResult, TrainingOptions, TrainingReport, train};

/// Settings of the training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResidualFitOptions {
    /// Iterations, rates, intervals.
    pub training: TrainingOptions,
    /// Frames in one step.
    pub batch: usize,
    /// Rows and columns of the squares that are cut from frames.
    pub side: usize,
    /// The penalty of what is still lacking, in the clues' unit.
    pub loss: Loss,
    /// Seed of weights and samples.
    pub seed: u64,
}

impl Default for ResidualFitOptions {
    fn default() -> ResidualFitOptions {
        ResidualFitOptions {
            training: TrainingOptions { iterations: 800, peak_rate: 2e-3, ..TrainingOptions::default() },
            batch: 8,
            side: 64,
            loss: Loss::MeanAbsolute,
            seed: 1,
        }
    }
}

impl ResidualFitOptions {
    fn check(&self, lessons: &[Prepared]) -> MethodResult<()> {
        let least = lessons.iter().flat_map(|l| [l.clues.shape[1], l.clues.shape[2]]).min().unwrap_or(0);
        if self.batch == 0 || self.side == 0 || self.side > least {
            return Err(MethodError::Argument(format!(
                "a batch of {} squares of {} cells was asked for; at least 1, and squares of 1 to {least} cells, are wanted",
                self.batch, self.side
            )));
        }
        Ok(())
    }
}

/// Trains the network on lessons and gives it back with the averaged weights of its best validation.
///
/// The score is the mean absolute error that the corrected fill has on the validation lessons as a share of the first
/// fill's: below 1 the network is worth something. `run_folder` receives config, log and checkpoints; an interrupted run
/// goes on. `method` is the name that the checkpoint bears: `best`, `supervised`.
///
/// # Errors
/// [`MethodError::Argument`] for settings out of range or a lesson that asks for nothing;
/// [`MethodError::Train`] as [`train`].
#[expect(clippy::too_many_arguments, reason = "each is one thing that a training is made from")]
pub fn fit_residual(
    method: &str,
    config: &ResidualNetworkConfig,
    training: &[Lesson],
    validation: &[Lesson],
    options: &ResidualFitOptions,
    run_folder: &Path,
    device: &Device,
    provenance: &BTreeMap<String, String>,
) -> MethodResult<(ResidualFill, TrainingReport)> {
    let prepare = |lessons: &[Lesson]| lessons.iter().map(Lesson::prepare).collect::<MethodResult<Vec<_>>>();
    let (training, validation) = (prepare(training)?, prepare(validation)?);
    if training.is_empty() || validation.is_empty() {
        return Err(MethodError::Argument(format!("{method}: lessons to learn from and to validate with are wanted")));
    }
    options.check(&training)?;
    let described = json!({ "residual": config, "fit": options });
    let folder = RunFolder::open(run_folder, &described, options.seed, &describe_device(device), provenance)?;
    let mut parameters = Parameters::new(device, DType::F32, options.seed);
    let network = ResidualNetwork::new(&mut parameters, config)?;
    let side = options.side;
    let report = train(
        &parameters,
        method,
        &described,
        &options.training,
        &folder,
        |_, random| {
            let mut batch = FrameBatch::default();
            // A square may miss all that its frame is asked for.
            while batch.asked.len() < options.batch * side * side || !batch.asked.contains(&1.0) {
                if batch.asked.len() == options.batch * side * side {
                    batch = FrameBatch::default();
                }
                batch.push(&training[random.below(training.len())], side, random);
            }
            let tensor = |values: Vec<f32>, channels: usize| {
                Tensor::from_vec(values, (options.batch, channels, side, side), &Device::Cpu)?.to_device(device)
            };
            let (lacking, asked) = (tensor(batch.lacking, 1)?, tensor(batch.asked, 1)?);
            let correction = network.forward(&tensor(batch.clues, CLUES)?)?; // [b, 1, side, side]
            Ok(masked_loss(options.loss, &correction, &lacking, Some(&asked))?)
        },
        || score(&network, &validation, device),
    )?;
    let kept = if report.best.is_some() { folder.best() } else { folder.last() };
    Ok((ResidualFill::load(&kept, device)?, report))
}

/// Mean absolute error of the corrected fills as a share of the first fills', all in the unit of the fields.
fn score(network: &ResidualNetwork, lessons: &[Prepared], device: &Device) -> TrainResult<f64> {
    let (mut left, mut before) = (0.0, 0.0);
    for lesson in lessons {
        let [_, rows, columns] = lesson.clues.shape;
        let pixels = rows * columns;
        for t in &lesson.frames {
            let clues = Tensor::from_slice(lesson.clues.frame(*t), (1, CLUES, rows, columns), &Device::Cpu)?;
            let correction = network.forward(&clues.to_device(device)?)?.flatten_all()?.to_vec1::<f32>()?;
            for (p, correction) in correction.iter().enumerate() {
                let i = t * pixels + p;
                if lesson.asked[i] == 1.0 {
                    left += lesson.clues.unit * f64::from((correction - lesson.lacking[i]).abs());
                    before += lesson.clues.unit * f64::from(lesson.lacking[i].abs());
                }
            }
        }
    }
    Ok(left / f64::max(before, f64::MIN_POSITIVE))
}

#[cfg(test)]
mod tests {
    use super::super::residual_fill::tests::pond;
    use super::*;
    use crate::grid::{Cell, Field, Mask};
    use crate::train::Checkpoint;

    /// The lessons of a pond whose clouded cells hold `poison`.
    fn lessons(poison: Option<f32>) -> Vec<Lesson> {
        (0..2)
            .map(|k| {
                let truth = pond(k);
                let under: Vec<bool> = (0..truth.values().len()).map(|i| (i / 3 + k) % 4 == 0).collect();
                let values = truth.values().iter().zip(&under);
                let values = values.map(|(v, u)| if *u { poison.unwrap_or(*v) } else { *v }).collect();
                let cells = under.iter().map(|u| if *u { Cell::Cloud } else { Cell::Valid }).collect();
                let occluded: Field = truth.with_values(values, Mask::from_cells(cells)).unwrap();
                Lesson::Hidden { occluded, hidden: (0..under.len()).map(|i| (i / 5 + k) % 3 == 0).collect() }
            })
            .collect()
    }

    fn trained(lessons: &[Lesson], iterations: u64) -> (Checkpoint, TrainingReport) {
        let mut options = ResidualFitOptions { batch: 2, side: 8, ..ResidualFitOptions::default() };
        options.training.iterations = iterations;
        options.training.warmup_iterations = 1;
        options.training.validate_every = iterations;
        let place = tempfile::tempdir().unwrap();
        let config = ResidualNetworkConfig { channels: vec![4, 4] };
        let none = BTreeMap::new();
        let (fill, report) =
            fit_residual("best", &config, lessons, lessons, &options, place.path(), &Device::Cpu, &none).unwrap();
        assert_eq!(fill.method(), "best");
        (Checkpoint::load(&place.path().join("last.safetensors"), &Device::Cpu).unwrap(), report)
    }

    #[test]
    fn what_lies_under_a_cloud_changes_no_weight() {
        let values = |checkpoint: &Checkpoint| {
            let all = checkpoint.model.values().map(|t| t.flatten_all().unwrap().to_vec1::<f32>().unwrap());
            all.collect::<Vec<_>>().concat()
        };
        let clean = values(&trained(&lessons(None), 4).0);
        for poison in [f32::NAN, 1e9] {
            assert_eq!(values(&trained(&lessons(Some(poison)), 4).0), clean, "{poison}");
        }
    }

    #[test]
    fn it_learns_what_the_first_fill_lacks() {
        let (_, report) = trained(&lessons(None), 60);
        // The first fill alone scores 1.
        assert!(report.best.unwrap().0 < 0.95, "{:?}", report.best);
    }

    #[test]
    fn best_and_bound_differ_in_their_lessons_alone() {
        #[derive(Debug, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Configuration {
            network: ResidualNetworkConfig,
            fit: ResidualFitOptions,
        }
        let best: Configuration = toml::from_str(include_str!("../../../configs/unisst/unisst_best.toml")).unwrap();
        let bound: Configuration = toml::from_str(include_str!("../../../configs/unisst/unisst_supervised.toml")).unwrap();
        assert_eq!(best, bound);
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let prepared: Vec<Prepared> = lessons(None).iter().map(|l| l.prepare().unwrap()).collect();
        let options = ResidualFitOptions { side: 99, ..ResidualFitOptions::default() };
        assert!(options.check(&prepared).unwrap_err().to_string().contains("squares of 1 to"));
    }
}
