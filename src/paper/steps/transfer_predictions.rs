//! What each method makes of the test days, and of the days after the end of the fine record: kept for the steps that score and
//! draw it. Fields are of log10 of the optical depth.

use std::path::Path;

use serde::Deserialize;

use super::transfer_dust::CONFIGURATION;
use super::transfer_ground::{DUST_ROOMS, DustGround};
use super::transfer_training::{LARGE, open};
use crate::cf::{Dataset, Provenance, ReadOptions, read_field, write_fields};
use crate::grid::Field;
use crate::methods::MethodResult;
use crate::methods::transfer::{Alignment, Archive, Downscaler, DrawOptions, Groundwork, RollOut, Window, roll_out};
use crate::paper::step::{Step, StepContext};
use crate::paper::{PaperError, PaperResult};

/// How the methods are applied and scored (`configs/transfer/ladder.toml`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransferLadderConfiguration {
    /// Every how many days of a test block a day is taken: neighbours tell little that is new.
    pub day_stride: usize,
    /// Members of the method's ensemble, in pairs of opposite noise.
    pub members: usize,
    /// Members of the others', to which the same number of the method's is compared.
    pub ablation_members: usize,
    /// Days after the end of the fine record that are rolled out.
    pub roll_out_days: usize,
    /// Members that are rolled out.
    pub roll_out_members: usize,
    /// Length of a bootstrap block in days.
    pub block_days: usize,
    /// Bootstrap resamples.
    pub resamples: usize,
    /// Edges of the distance bins of semivariograms in kilometres.
    pub variogram_kilometres: Vec<f64>,
    /// Largest lag of correlations and of the curves against lag, in days.
    pub lags: usize,
    /// Seed of ensembles and bootstrap.
    pub seed: u64,
}

/// Name of the truth among the fields.
pub const TRUTH: &str = "truth";
/// Files of the step.
pub const TEST: &str = "test";
/// The days after the end of the fine record.
pub const BEYOND: &str = "beyond";

/// The step.
pub const STEP: Step = Step {
    name: "transfer_predictions",
    about: "what each method makes of the dust's test days and of the days after the fine record's end",
    rooms: &[DUST_ROOMS, &["src/cf/", "src/paper/steps/transfer_training.rs", "src/paper/steps/transfer_predictions.rs"]],
    configurations: &["configs/transfer/ladder.toml", CONFIGURATION],
    needs: &[
        "dust",
        "transfer_source",
        "transfer_unet",
        "transfer_ddpm",
        "transfer_ddpm_no_transfer",
        "transfer_ddpm_random_encoder",
        "transfer_ddpm_raw_lags",
    ],
    data: &[],
    publishes: &[],
    run,
};

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: TransferLadderConfiguration = context.configuration()?;
    let ground = DustGround::open(context)?;
    let groundwork = ground.groundwork(context)?;
    let mut models = Vec::new();
    for (method, step) in LARGE {
        models.push((method, open(context, step)?));
    }
    let fail = |e: crate::methods::MethodError| context.error(e);
    // The twin knows what comes after the fine record's end; no method is given it but where that is said.
    let truth = ground.twin.truth().map_err(|e| context.error(e))?;
    let known = Archive::new(&truth, ground.twin.coarse(), ground.twin.elevation()).map_err(fail)?;
    for name in [TEST, BEYOND] {
        let path = context.path(&format!("{name}.nc"));
        if path.is_file() {
            println!("{name}: done before");
            continue;
        }
        let started = std::time::Instant::now();
        let fields = match name {
            TEST => test_days(&configuration, &ground, &groundwork, &models),
            _ => beyond(&configuration, &ground, &groundwork, &known, &models),
        };
        let fields = fields.map_err(fail)?;
        let provenance = Provenance {
            title: format!("synthetic dust, {name}: log10 of the optical depth, truth and methods"),
            source: "isotherm, step transfer_predictions".into(),
            references: "isotherm, an executable paper".into(),
            ..Provenance::default()
        };
        write_fields(&path, &fields.iter().collect::<Vec<_>>(), &provenance).map_err(|e| context.error(e))?;
        println!("{name}: {} fields in {:.0} s", fields.len(), started.elapsed().as_secs_f64());
    }
    Ok(())
}

/// Planes of days by the name of a field.
#[derive(Default)]
struct Shelf {
    fields: Vec<(String, Vec<f32>)>,
}

impl Shelf {
    fn put(&mut self, name: &str, plane: &[f32]) {
        match self.fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => values.extend_from_slice(plane),
            None => self.fields.push((name.to_string(), plane.to_vec())),
        }
    }

    fn finished(self, archive: &Archive, days: &[usize]) -> MethodResult<Vec<Field>> {
        self.fields.into_iter().map(|(name, values)| archive.wrap(&name, days, values)).collect()
    }
}

/// One step ahead of the true days before.
fn test_days(
    configuration: &TransferLadderConfiguration,
    ground: &DustGround,
    groundwork: &Groundwork<'_>,
    models: &[(&'static str, Downscaler)],
) -> MethodResult<Vec<Field>> {
    let archive = &ground.archive;
    let days: Vec<usize> = ground.split.test.iter().copied().step_by(configuration.day_stride.max(1)).collect();
    let mut shelf = Shelf::default();
    for day in &days {
        let (Some(truth), Some(last)) = (archive.fine(*day), archive.fine(day - 1)) else { continue };
        shelf.put(TRUTH, truth);
        shelf.put("persistence", last);
        shelf.put("climatology", &groundwork.climatology(*day));
        shelf.put("bilinear", &groundwork.bilinear(*day)?);
        shelf.put("bilinear_unbiased", &groundwork.bilinear_unbiased(*day)?);
        shelf.put("linear", &groundwork.linear(*day, last)?);
        for (name, model) in models {
            let Some(window) = Window::of(*day, model.config().lags(), Alignment::Causal) else { continue };
            let own = *name == "ddpm";
            let members = if own { configuration.members } else { configuration.ablation_members };
            let options = DrawOptions { members, seed: configuration.seed, antithetic: true };
            let drawn = model.predict(&model.inputs_of(groundwork, &window)?, *day, &options)?;
            shelf.put(name, &mean(&drawn));
            if drawn.len() > 1 {
                shelf.put(&format!("{name}_optical_depth"), &optical_depth(&drawn));
                shelf.put(&member_name(name, 0), &drawn[0]);
            }
            if own {
                // As many as the others have, to be compared with them; and the independent ones of all.
                shelf.put("ddpm_few", &mean(&drawn[..configuration.ablation_members.min(drawn.len())]));
                for (k, member) in drawn.iter().enumerate().skip(2).step_by(2) {
                    shelf.put(&member_name(name, k / 2), member);
                }
                // The published slices: the history ends on the day that is scored.
                if let Some(window) = Window::of(*day, model.config().lags(), Alignment::Legacy)
                    && archive.fine(window.driver).is_some()
                {
                    let inputs = model.inputs_of(groundwork, &window)?;
                    let few = DrawOptions { members: configuration.ablation_members, ..options };
                    shelf.put("ddpm_legacy", &mean(&model.predict(&inputs, window.driver, &few)?));
                }
            }
        }
    }
    shelf.finished(archive, &days)
}

/// The days after the end of the fine record, rolled out from its last true days; and, for comparison, one step ahead of days
/// that only the twin knows.
fn beyond(
    configuration: &TransferLadderConfiguration,
    ground: &DustGround,
    groundwork: &Groundwork<'_>,
    known: &Archive,
    models: &[(&'static str, Downscaler)],
) -> MethodResult<Vec<Field>> {
    let first = ground.archive.fine_days().end;
    let days: Vec<usize> = (first..known.fine_days().end).take(configuration.roll_out_days).collect();
    let informed = Groundwork::new(known, &ground.split.train)?;
    let mut shelf = Shelf::default();
    let last = ground.archive.fine(first - 1).unwrap_or_default();
    for day in &days {
        shelf.put(TRUTH, known.fine(*day).unwrap_or_default());
        shelf.put("climatology", &groundwork.climatology(*day));
        shelf.put("bilinear", &groundwork.bilinear(*day)?);
        shelf.put("bilinear_unbiased", &groundwork.bilinear_unbiased(*day)?);
        shelf.put("last_day", last);
    }
    for (name, model) in models.iter().filter(|(name, _)| matches!(*name, "ddpm" | "unet")) {
        let options = DrawOptions { members: configuration.roll_out_members, seed: configuration.seed, antithetic: true };
        let range = first..first + days.len();
        for of_day in roll_out(|_| model, groundwork, range.clone(), RollOut::Strict, &options)? {
            shelf.put(&format!("{name}_strict"), &mean(&of_day));
            if of_day.len() > 1 {
                shelf.put(&member_name(&format!("{name}_strict"), 0), &of_day[0]);
            }
        }
        let one = DrawOptions { members: 2, ..options };
        for of_day in roll_out(|_| model, &informed, range, RollOut::Lenient, &one)? {
            shelf.put(&format!("{name}_lenient"), &mean(&of_day));
            if of_day.len() > 1 {
                shelf.put(&member_name(&format!("{name}_lenient"), 0), &of_day[0]);
            }
        }
    }
    shelf.finished(known, &days)
}

fn mean(members: &[Vec<f32>]) -> Vec<f32> {
    let cells = members.first().map_or(0, Vec::len);
    (0..cells).map(|i| (members.iter().map(|m| f64::from(m[i])).sum::<f64>() / members.len() as f64) as f32).collect()
}

/// The logarithm of the mean optical depth, which is more than the mean logarithm says.
fn optical_depth(members: &[Vec<f32>]) -> Vec<f32> {
    let depths: Vec<Vec<f32>> = members.iter().map(|m| m.iter().map(|v| 10f32.powf(*v)).collect()).collect();
    mean(&depths).into_iter().map(f32::log10).collect()
}

/// Name of a member among the fields.
pub fn member_name(method: &str, member: usize) -> String {
    format!("{method}_member_{member:02}")
}

/// The fields of one file.
pub struct DustPredictions {
    fields: Vec<Field>,
}

impl DustPredictions {
    /// Those that the step left in its folder.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn open(folder: &Path, name: &str) -> PaperResult<DustPredictions> {
        let fail = PaperError::step("transfer_predictions");
        let dataset = Dataset::open(&folder.join(format!("{name}.nc"))).map_err(&fail)?;
        // Beside each field lies the mask that says why a cell is missing.
        let names: Vec<String> = dataset
            .variables()
            .iter()
            .filter(|v| v.dimensions.len() == 3 && !v.name.ends_with("_mask"))
            .map(|v| v.name.clone())
            .collect();
        let read = |name: &String| read_field(&dataset, name, &ReadOptions::default()).map_err(&fail);
        Ok(DustPredictions { fields: names.iter().map(read).collect::<PaperResult<_>>()? })
    }

    /// A field by its name.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub fn field(&self, name: &str) -> PaperResult<&Field> {
        self.fields.iter().find(|f| f.name() == name).ok_or_else(|| PaperError::Unknown {
            what: "prediction",
            found: name.to_string(),
            known: self.fields.iter().map(Field::name).collect::<Vec<_>>().join(", "),
        })
    }

    /// The independent members that were kept of a method.
    pub fn members(&self, method: &str) -> Vec<&Field> {
        (0..).map_while(|k| self.field(&member_name(method, k)).ok()).collect()
    }
}
