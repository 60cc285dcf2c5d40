//! What each method makes of the test days, and of the days after the end of the fine record: kept for the steps that score and
//! draw it. Fields are of log10 of the optical depth.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::transfer_dust::CONFIGURATION;
use super::transfer_ground::{DUST_ROOMS, DustGround};
use super::transfer_training::{LARGE, open};
use crate::base::files::write_atomic;
use crate::cf::{Dataset, Provenance, ReadOptions, read_field, write_fields};
use crate::grid::Field;
use crate::methods::MethodResult;
use crate::methods::transfer::{
    Alignment, Archive, Downscaler, DrawOptions, Groundwork, Inflation, RollOut, Window, inflation, roll_out,
};
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
    /// Members of the autoencoder.
    pub vae_members: usize,
    /// Members on each validation day from which the inflation of the method's members is found.
    pub inflation_members: usize,
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
/// By how much the method's members are moved apart, and from what that was found.
pub const INFLATION: &str = "inflation.json";

/// What was found on validation days.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct FoundInflation {
    /// The factors of the method's members.
    pub factors: Inflation,
    /// Validation days.
    pub days: usize,
}

/// A trained network, and what it is shown where that is not the ground's own archive.
struct Contestant {
    method: &'static str,
    model: Downscaler,
    archive: Option<Archive>,
}

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
        "transfer_vae",
        "transfer_ddpm",
        "transfer_ddpm_encoder_alone",
        "transfer_ddpm_raw_lags",
        "transfer_ddpm_no_transfer",
        "transfer_ddpm_random_encoder",
        "transfer_ddpm_trainable_encoder",
        "transfer_ddpm_shuffled_coarse",
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
        let (model, archive) = open(context, &ground, step)?;
        models.push(Contestant { method, model, archive });
    }
    let fail = |e: crate::methods::MethodError| context.error(e);
    let inflation = inflation_of(context, &configuration, &ground, &groundwork, &models)?;
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
            TEST => test_days(&configuration, &ground, &groundwork, &models, inflation.factors),
            _ => beyond(&configuration, &ground, &groundwork, &known, &models, inflation.factors),
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

/// The inflation of the method's members, from validation days.
fn inflation_of(
    context: &StepContext<'_>,
    configuration: &TransferLadderConfiguration,
    ground: &DustGround,
    groundwork: &Groundwork<'_>,
    models: &[Contestant],
) -> PaperResult<FoundInflation> {
    let path = context.path(INFLATION);
    if path.is_file() {
        return read_inflation(&context.folder);
    }
    let Some(own) = models.iter().find(|c| c.method == "ddpm") else {
        return Err(context.error("the method itself is not among the trained networks"));
    };
    let days: Vec<usize> = ground.split.validation.iter().copied().step_by(configuration.day_stride.max(1)).collect();
    let members = configuration.inflation_members;
    let options = DrawOptions { members, seed: configuration.seed, centred: true, ..DrawOptions::default() };
    let factors = inflation(&own.model, groundwork, &days, &options).map_err(|e| context.error(e))?;
    let found = FoundInflation { factors, days: days.len() };
    let text = serde_json::to_vec_pretty(&found).map_err(|e| context.error(e))?;
    write_atomic(&path, &text).map_err(|e| context.error(e))?;
    println!("members are moved apart by {factors:?}, from {} validation days", days.len());
    Ok(found)
}

/// The inflation that the step left in its folder.
///
/// # Errors
/// Where the file cannot be read.
pub fn read_inflation(folder: &Path) -> PaperResult<FoundInflation> {
    let step = "transfer_predictions";
    let text = std::fs::read(folder.join(INFLATION)).map_err(PaperError::step(step))?;
    serde_json::from_slice(&text).map_err(PaperError::step(step))
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
    models: &[Contestant],
    inflation: Inflation,
) -> MethodResult<Vec<Field>> {
    let archive = &ground.archive;
    let days: Vec<usize> = ground.split.test.iter().copied().step_by(configuration.day_stride.max(1)).collect();
    let others: Vec<Option<Groundwork<'_>>> = models
        .iter()
        .map(|c| c.archive.as_ref().map(|own| Groundwork::new(own, &ground.split.train)).transpose())
        .collect::<MethodResult<_>>()?;
    let mut shelf = Shelf::default();
    for day in &days {
        let (Some(truth), Some(last)) = (archive.fine(*day), archive.fine(day - 1)) else { continue };
        shelf.put(TRUTH, truth);
        shelf.put("persistence", last);
        shelf.put("climatology", &groundwork.climatology(*day));
        shelf.put("bilinear", &groundwork.bilinear(*day)?);
        shelf.put("bilinear_unbiased", &groundwork.bilinear_unbiased(*day)?);
        shelf.put("linear", &groundwork.linear(*day, last)?);
        for (Contestant { method, model, .. }, own) in models.iter().zip(&others) {
            let groundwork = own.as_ref().unwrap_or(groundwork);
            let Some(window) = Window::of(*day, model.config().lags(), Alignment::Causal) else { continue };
            let inputs = model.inputs_of(groundwork, &window)?;
            let members = match *method {
                "ddpm" => configuration.members,
                "vae" => configuration.vae_members,
                // What is compared of the others is what their trunks say, which takes no draw.
                _ => {
                    shelf.put(method, &model.centre(&inputs)?);
                    continue;
                }
            };
            let options = DrawOptions { members, seed: configuration.seed, centred: true, inflation, ..DrawOptions::default() };
            let drawn = model.predict(&inputs, *day, &options)?;
            shelf.put(method, &mean(&drawn));
            shelf.put(&format!("{method}_optical_depth"), &optical_depth(&drawn));
            // Every second is independent of the others.
            for (k, member) in drawn.iter().step_by(2).enumerate() {
                shelf.put(&member_name(method, k), member);
            }
            if *method == "ddpm" {
                // The published slices: the history ends on the day that is scored.
                if let Some(window) = Window::of(*day, model.config().lags(), Alignment::Legacy)
                    && archive.fine(window.driver).is_some()
                {
                    shelf.put("ddpm_legacy", &model.centre(&model.inputs_of(groundwork, &window)?)?);
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
    models: &[Contestant],
    inflation: Inflation,
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
    for Contestant { method: name, model, .. } in models.iter().filter(|c| matches!(c.method, "ddpm" | "unet")) {
        // Members of a roll-out have pasts of their own, around which no pair can be centred; and the factors that mend one day
        // ahead say nothing of many.
        let (members, seed) = (configuration.roll_out_members, configuration.seed);
        let options = DrawOptions { members, seed, ..DrawOptions::default() };
        let range = first..first + days.len();
        for of_day in roll_out(|_| model, groundwork, range.clone(), RollOut::Strict, &options)? {
            shelf.put(&format!("{name}_strict"), &mean(&of_day));
            if of_day.len() > 1 {
                shelf.put(&member_name(&format!("{name}_strict"), 0), &of_day[0]);
            }
        }
        let one = DrawOptions { members: 2, centred: true, inflation, ..options };
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
