//! What each method of the UADM ladder makes of the test days and of the unseen real fields, kept for the steps that score
//! and draw it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::contests::{self, Contest};
use super::training_ground::WEIGHTS;
use super::uadm_methods::{DIFFUSIONS, ENSEMBLES, REGRESSIONS};
use crate::cf::{Dataset, Provenance, ReadOptions, read_field, write_fields};
use crate::data::twin::Twin;
use crate::grid::Field;
use crate::methods::SuperResolver;
use crate::methods::refinement::Tiles;
use crate::methods::regression::{BiasCorrected, Regression};
use crate::methods::uadm::{EnsembleOptions, Uadm};
use crate::paper::step::{Step, StepContext};
use crate::paper::{PaperError, PaperResult};

/// How the ladder is applied and scored (`configs/uadm/ladder.toml`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UadmLadderConfiguration {
    /// Refinement factor.
    pub factor: usize,
    /// Every how many days a test day is taken: neighbours tell little that is new.
    pub day_stride: usize,
    /// The same for the real fields.
    pub real_day_stride: usize,
    /// Members of an ensemble, drawn in pairs of opposite noise.
    pub members: usize,
    /// The same on the analysis, whose own errors drown what more members could add.
    pub analysis_members: usize,
    /// Every how many days a validation day is taken, by which the ensembles that are looked at as such are inflated.
    pub calibration_day_stride: usize,
    /// Height of the bands of latitude whose mean offset the corrected bicubic takes off.
    pub bias_band_degrees: f64,
    /// Edge of a spatial bootstrap block in fine cells.
    pub block_cells: usize,
    /// Length of a bootstrap block in days.
    pub block_days: usize,
    /// Bootstrap resamples.
    pub resamples: usize,
    /// Level that bounds what is resolved.
    pub resolution_level: f64,
    /// Wavelengths between which the slope of the truth's spectrum is fitted.
    pub band_kilometres: (f64, f64),
    /// Seed of ensembles and bootstrap.
    pub seed: u64,
}

/// Name of the truth among a contest's fields.
pub const TRUTH: &str = "truth";
/// Name of the uncertainty weight among the twin's fields.
pub const WEIGHT: &str = "uadm_weight";
/// Name of the file that says how the ensembles were inflated: by data set and method.
pub const INFLATIONS: &str = "inflations.json";
/// How the ensembles of each data set and method were inflated, and by how many cells that was found.
pub type Inflations = BTreeMap<String, BTreeMap<String, (f64, u64)>>;
/// Name of the ensemble's spread.
pub const SPREAD: &str = "uadm_spread";

/// The step.
pub const STEP: Step = Step {
    name: "uadm_predictions",
    about: "what each method of the UADM ladder makes of the test days and of real fields",
    rooms: &[
        super::TWIN_AND_SPLIT,
        &[
            "src/base/",
            "src/grid/",
            "src/cf/",
            "src/score/",
            "src/nn/",
            "src/diffusion/",
            "src/train/",
            "src/data/",
            "src/methods/refinement/",
            "src/methods/regression/",
            "src/methods/uadm/",
            "src/methods/super_resolution.rs",
            "src/methods/error.rs",
            "src/paper/products.rs",
            "src/paper/steps/contests.rs",
            "src/paper/steps/training_ground.rs",
            "src/paper/steps/uadm_methods.rs",
            "src/paper/steps/uadm_predictions.rs",
        ],
    ],
    configurations: &["configs/uadm/ladder.toml", super::split::CONFIGURATION],
    needs: &["twin", "edsr", "srcnn", "rrdb", "swin_light", "esrgan", "resshift", "upsr", "uadm_plain", "uadm"],
    data: contests::DATA,
    publishes: &[],
    run,
};

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: UadmLadderConfiguration = context.configuration()?;
    let split = context.study.split()?;
    let twin = super::twin::open(context)?;
    let days: Vec<usize> = split.test_days().into_iter().step_by(configuration.day_stride.max(1)).collect();
    let mut all = Vec::from(contests::twin(context, &twin, "test", &days, configuration.factor)?);
    for contest in contests::real(context, configuration.factor)? {
        all.push(contest.every(configuration.real_day_stride).map_err(|e| context.error(e))?);
    }
    let device = candle_core::Device::Cpu;
    let fail = |e: crate::methods::MethodError| context.error(e);
    let mut regressions = Vec::new();
    for name in REGRESSIONS {
        regressions.push((name, Regression::load(&context.input(name)?.join(WEIGHTS), &device).map_err(fail)?));
    }
    let mut diffusions = Vec::new();
    for name in DIFFUSIONS {
        diffusions.push((name, Uadm::load(&context.input(name)?.join(WEIGHTS), &device).map_err(fail)?));
    }
    let analysis = twin.coarse_analysis().map_err(|e| context.error(e))?;
    let offsets =
        BiasCorrected::fit(&analysis, twin.truth(), configuration.factor, &split.train_days(), configuration.bias_band_degrees);
    let offsets = offsets.map_err(fail)?;
    let inflations = inflations(context, &configuration, &twin, &diffusions)?;
    for contest in &all {
        let path = context.path(&format!("{}.nc", contest.dataset));
        if path.is_file() {
            println!("{}: done before", contest.dataset);
            continue;
        }
        let started = std::time::Instant::now();
        let of_contest = inflations.get(contest.dataset);
        let mut fields = predictions(&configuration, contest, &regressions, &diffusions, of_contest).map_err(fail)?;
        if contest.dataset == "twin_analysis" {
            // Offsets of an analysis mean nothing elsewhere.
            fields.push(offsets.apply(&contest.low).map_err(fail)?.named(BiasCorrected::METHOD));
        }
        let provenance = Provenance {
            title: format!("{}: truth and refinements", contest.dataset),
            source: "isotherm, step uadm_predictions".into(),
            references: "isotherm, an executable paper".into(),
            ..Provenance::default()
        };
        write_fields(&path, &fields.iter().collect::<Vec<_>>(), &provenance).map_err(|e| context.error(e))?;
        println!("{}: {} fields in {:.0} s", contest.dataset, fields.len(), started.elapsed().as_secs_f64());
    }
    Ok(())
}

/// What the twin's validation days say of each ensemble's spread. Analyses and real fields have no exact input or no days to tell:
/// their ensembles stay as they fall.
fn inflations(
    context: &StepContext<'_>,
    configuration: &UadmLadderConfiguration,
    twin: &Twin,
    diffusions: &[(&'static str, Uadm)],
) -> PaperResult<Inflations> {
    let path = context.path(INFLATIONS);
    if let Ok(text) = std::fs::read_to_string(&path)
        && let Ok(found) = serde_json::from_str(&text)
    {
        return Ok(found);
    }
    let stride = configuration.calibration_day_stride.max(1);
    let days: Vec<usize> = context.study.split()?.validation_days().into_iter().step_by(stride).collect();
    let mut found = Inflations::new();
    // An analysis has errors of its own, which are no matter of roughness: only where the input is exact does the error of the mean
    // say how far members should fall.
    let [exact, _] = contests::twin(context, twin, "validation", &days, configuration.factor)?;
    let cells = exact.truth.mask().count_valid() as u64;
    for (name, network) in diffusions.iter().filter(|(name, _)| ENSEMBLES.contains(name)) {
        // One opposite pair: the mean square of its half distance is the spread's already.
        let options = ensemble_options(configuration, network, 2, 1.0);
        let factor = network.inflation(&exact.low, &exact.truth, &options).map_err(|e| context.error(e))?;
        println!("{}, {name}: members are inflated {factor:.2} times ({} validation days)", exact.dataset, days.len());
        found.entry(exact.dataset.to_string()).or_default().insert(name.to_string(), (factor, cells));
    }
    let text = serde_json::to_string_pretty(&found).map_err(|e| context.error(e))?;
    crate::base::files::write_atomic(&path, text.as_bytes()).map_err(|e| context.error(e))?;
    Ok(found)
}

/// How the ladder's ensembles are drawn: over tiles of the size that the network was trained on, each normalised by itself, as the
/// regressions see them. Whole frames cost a third, but lose on fields unlike the training's.
pub fn ensemble_options(
    configuration: &UadmLadderConfiguration,
    network: &Uadm,
    members: usize,
    inflation: f64,
) -> EnsembleOptions {
    EnsembleOptions {
        members,
        seed: configuration.seed,
        tiles: Some(Tiles::Overlapped(network.config().tile.cells)),
        inflation,
        ..EnsembleOptions::default()
    }
}

fn predictions(
    configuration: &UadmLadderConfiguration,
    contest: &Contest,
    regressions: &[(&'static str, Regression)],
    diffusions: &[(&'static str, Uadm)],
    inflations: Option<&BTreeMap<String, (f64, u64)>>,
) -> Result<Vec<Field>, crate::methods::MethodError> {
    let mut fields = vec![contest.truth.clone().named(TRUTH)];
    for plain in [SuperResolver::Bicubic, SuperResolver::BicubicBackProjected] {
        fields.push(plain.apply(&contest.low, configuration.factor)?.named(plain.id()));
    }
    for (name, network) in regressions {
        println!("{}: {name}", contest.dataset);
        fields.push(network.apply(&contest.low)?.named(*name));
    }
    for (name, network) in diffusions {
        println!("{}: {name}", contest.dataset);
        let members = if contest.dataset == "twin_analysis" { configuration.analysis_members } else { configuration.members };
        let options = ensemble_options(configuration, network, members, 1.0);
        let ensemble = network.apply(&contest.low, &options)?;
        fields.push(ensemble.mean.named(*name));
        // Ranks and spread want independent members, that fall as far as validation days say; elsewhere one member is kept.
        let Some(inflation) = inflations.and_then(|all| all.get(*name)).map(|found| found.0) else {
            fields.extend(ensemble.members.into_iter().take(1).map(|member| member.named(member_name(name, 0))));
            continue;
        };
        let independent = network.apply(&contest.low, &EnsembleOptions { antithetic: false, inflation, ..options })?;
        for (k, member) in independent.members.into_iter().enumerate() {
            fields.push(member.named(member_name(name, k)));
        }
        if *name == "uadm" {
            fields.push(independent.spread.named(SPREAD));
            fields.push(network.uncertainty(&contest.low)?.named(WEIGHT));
        }
    }
    Ok(fields)
}

/// Name of a member among a contest's fields.
pub fn member_name(method: &str, member: usize) -> String {
    format!("{method}_member_{member:02}")
}

/// The fields of one contest.
pub struct Predictions {
    fields: Vec<Field>,
}

impl Predictions {
    /// Those that the step left in its folder.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn open(folder: &Path, dataset: &str) -> PaperResult<Predictions> {
        let fail = PaperError::step("uadm_predictions");
        let dataset = Dataset::open(&folder.join(format!("{dataset}.nc"))).map_err(&fail)?;
        // Beside each field lies the mask that says why a cell is missing.
        let names: Vec<String> = dataset
            .variables()
            .iter()
            .filter(|v| v.dimensions.len() == 3 && !v.name.ends_with("_mask"))
            .map(|v| v.name.clone())
            .collect();
        let read = |name: &String| read_field(&dataset, name, &ReadOptions::default()).map_err(&fail);
        Ok(Predictions { fields: names.iter().map(read).collect::<PaperResult<_>>()? })
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

    /// The members of an ensemble, as many as were kept.
    pub fn members(&self, method: &str) -> Vec<&Field> {
        (0..).map_while(|k| self.field(&member_name(method, k)).ok()).collect()
    }
}
