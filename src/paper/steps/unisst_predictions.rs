//! What each gap filler makes of the twin's cloudy test sequences and of the Mediterranean with imposed gaps, kept for the
//! steps that score and draw it.

use std::path::Path;
use std::time::Instant;

use candle_core::Device;
use serde::Deserialize;

use super::training_ground::WEIGHTS;
use super::unisst_methods::{METHODS, REAL_METHODS};
use super::unisst_sequences::{SST, Sequences, YearPart};
use crate::base::random::Random;
use crate::cf::{Dataset, Provenance, ReadOptions, read_field, write_fields};
use crate::grid::{Axis, Cell, Field, GridResult, Mask};
use crate::methods::MethodResult;
use crate::methods::baselines::{DineofConfig, GapFill, InterpolationConfig};
use crate::methods::unisst::{BestConfig, BestFill, ClueFills, Occlusion, ResidualFill, Unisst, occlude};
use crate::paper::products::{self, MEDITERRANEAN_ADT};
use crate::paper::step::{Step, StepContext};
use crate::paper::{PaperError, PaperResult};

/// How gaps are filled and scored (`configs/unisst/ladder.toml`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GapConfiguration {
    /// Liquid water paths above which clouds hide, g/m².
    pub thresholds: Vec<f64>,
    /// Bootstrap resamples.
    pub resamples: usize,
    /// Edge of a bootstrap block of the real fields in cells.
    pub block_cells: usize,
    /// Its length in days.
    pub block_days: usize,
    /// The sequence that figures show.
    pub shown_sequence: usize,
    /// Observed cells that an estimate of optimal interpolation rests on.
    pub neighbours: usize,
    /// South, north, west and east of the real fields' part that is used, degrees.
    pub real_box: [f64; 4],
    /// Seed of gaps and bootstrap.
    pub seed: u64,
    /// The gaps imposed on the real fields.
    pub gaps: Occlusion,
    /// The mixture.
    pub best: BestConfig,
}

/// The file of the configuration.
pub const CONFIGURATION: &str = "configs/unisst/ladder.toml";

/// Name of the truth among the fields of a file.
pub const TRUTH: &str = "truth";
/// The real data set.
pub const MEDITERRANEAN: &str = "mediterranean_adt";

/// The step.
pub const STEP: Step = Step {
    name: "unisst_predictions",
    about: "what each gap filler makes of cloudy test sequences and of the Mediterranean with gaps",
    rooms: &[
        super::TWIN_AND_SPLIT,
        &[
            "src/base/",
            "src/grid/",
            "src/cf/",
            "src/score/",
            "src/nn/",
            "src/train/",
            "src/data/",
            "src/methods/baselines/",
            "src/methods/refinement/",
            "src/methods/unisst/",
            "src/methods/error.rs",
            "src/paper/products.rs",
            "src/paper/steps/training_ground.rs",
            "src/paper/steps/unisst_methods.rs",
            "src/paper/steps/unisst_predictions.rs",
            "src/paper/steps/unisst_cloudy_twin.rs",
            "src/paper/steps/unisst_sequences.rs",
        ],
    ],
    configurations: &[CONFIGURATION, super::unisst_sequences::CONFIGURATION, super::split::CONFIGURATION],
    needs: &["unisst_sequences", "unisst", "unisst_best", "unisst_supervised"],
    data: &[MEDITERRANEAN_ADT],
    publishes: &[],
    run,
};

/// The trained fillers.
struct Trained {
    unisst: Unisst,
    network: ResidualFill,
    mixture: BestFill,
    supervised: ResidualFill,
    interpolation: InterpolationConfig,
}

impl Trained {
    fn of(context: &StepContext<'_>, configuration: &GapConfiguration) -> PaperResult<Trained> {
        let weights = |step: &str| Ok::<_, PaperError>(context.input(step)?.join(WEIGHTS));
        let fail = |e: crate::methods::MethodError| context.error(e);
        let network = ResidualFill::load(&weights("unisst_best")?, &Device::Cpu).map_err(fail)?;
        Ok(Trained {
            unisst: Unisst::load(&weights("unisst")?, &Device::Cpu).map_err(fail)?,
            mixture: BestFill::new(network.clone(), configuration.best.clone()).map_err(fail)?,
            network,
            supervised: ResidualFill::load(&weights("unisst_supervised")?, &Device::Cpu).map_err(fail)?,
            interpolation: InterpolationConfig { neighbours: configuration.neighbours, ..InterpolationConfig::default() },
        })
    }

    /// `strange`: a sea unlike the one that the networks learned from, where the sequence itself has to say what they are
    /// worth. On the twin's own that is known, and the mixture's many fills are spared.
    fn field(&self, method: &str, seen: &Field, clued: &mut Option<ClueFills>, strange: bool) -> MethodResult<Field> {
        let network = match method {
            "best" if strange => return self.mixture.field(seen),
            "best" => &self.network,
            "supervised" => &self.supervised,
            "unisst" => return self.unisst.field(seen),
            "linear" => return GapFill::Linear.field(seen),
            "frame_offset" => return GapFill::FrameOffset.field(seen),
            "oi" => return GapFill::OptimalInterpolation(self.interpolation.clone()).field(seen),
            "moving_biharmonic" => return GapFill::MovingBiharmonic.field(seen),
            "dineof" => return GapFill::Dineof(DineofConfig::default()).field(seen),
            _ => return GapFill::FrameOffsetBiharmonic.field(seen),
        };
        let fills = match clued.take() {
            Some(fills) => fills,
            None => ClueFills::new(seen)?,
        };
        let made = network.field_of(&fills);
        *clued = Some(fills);
        made
    }
}

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: GapConfiguration = context.configuration()?;
    let trained = Trained::of(context, &configuration)?;
    let sequences = Sequences::of(context, YearPart::Test)?;
    let mut seconds = vec![0.0; METHODS.len()];
    for (k, sequence) in sequences.all().iter().enumerate() {
        for threshold in &configuration.thresholds {
            let path = context.path(&file_name(*threshold, k));
            if path.is_file() {
                continue;
            }
            let hidden = sequence.hidden(*threshold);
            fill_and_keep(context, &trained, &sequence.truth, &hidden, &METHODS, &mut seconds, &path)?;
        }
    }
    println!("the twin, seconds: {}", spent(&METHODS, &seconds));
    let path = context.path(&format!("{MEDITERRANEAN}.nc"));
    if !path.is_file() {
        let truth = products::read_field(context, MEDITERRANEAN_ADT)?;
        let truth = cut(&truth, configuration.real_box).map_err(|e| context.error(e))?;
        let mut random = Random::new(configuration.seed, "imposed gaps");
        let hidden = configuration.gaps.draw(truth.shape(), &mut random).map_err(|e| context.error(e))?;
        let mut seconds = vec![0.0; REAL_METHODS.len()];
        fill_and_keep(context, &trained, &truth, &hidden, &REAL_METHODS, &mut seconds, &path)?;
        println!("{MEDITERRANEAN}, seconds: {}", spent(&REAL_METHODS, &seconds));
    }
    Ok(())
}

/// The part of a field between south, north, west and east.
fn cut(field: &Field, [south, north, west, east]: [f64; 4]) -> GridResult<Field> {
    let within = |axis: &Axis, low: f64, high: f64| {
        let kept = |c: &f64| (low..=high).contains(c);
        let first = axis.centres().iter().position(kept).unwrap_or(0);
        first..axis.centres().iter().rposition(kept).map_or(first, |last| last + 1)
    };
    field.slice(0..field.frames(), within(field.latitude(), south, north), within(field.longitude(), west, east))
}

fn spent(methods: &[&str], seconds: &[f64]) -> String {
    methods.iter().zip(seconds).map(|(m, s)| format!("{m} {s:.0}")).collect::<Vec<_>>().join(", ")
}

/// The name of the file of a twin sequence under a threshold.
pub fn file_name(threshold: f64, sequence: usize) -> String {
    format!("twin_{threshold:.0}_{sequence:02}.nc")
}

/// Fills a sequence by each method and keeps the truth and, of the hidden cells, what was made of them.
fn fill_and_keep(
    context: &StepContext<'_>,
    trained: &Trained,
    truth: &Field,
    hidden: &[bool],
    methods: &[&str],
    seconds: &mut [f64],
    path: &Path,
) -> PaperResult<()> {
    let fail = |e: crate::methods::MethodError| context.error(e);
    let seen = occlude(truth, hidden).map_err(fail)?;
    let mut fields = vec![truth.clone().named(TRUTH)];
    let mut clued = None;
    for (method, seconds) in methods.iter().zip(seconds) {
        let started = Instant::now();
        let made = trained.field(method, &seen, &mut clued, truth.name() != SST).map_err(fail)?;
        *seconds += started.elapsed().as_secs_f64();
        // A gap that a method leaves open stays missing, and the score will know.
        let cells = (0..hidden.len()).map(|i| match truth.mask().cells()[i] {
            Cell::Valid if hidden[i] && made.mask().is_valid(i) => Cell::Valid,
            Cell::Valid => Cell::Missing,
            other => other,
        });
        fields.push(made.clone().remasked(Mask::from_cells(cells.collect())).map_err(|e| context.error(e))?.named(*method));
    }
    let provenance = Provenance {
        title: "truth, and what gap fillers made of its hidden cells".into(),
        source: "isotherm, step unisst_predictions".into(),
        references: "isotherm, an executable paper".into(),
        ..Provenance::default()
    };
    write_fields(path, &fields.iter().collect::<Vec<_>>(), &provenance).map_err(|e| context.error(e))
}

/// One sequence with its fills.
pub struct Fills {
    /// The truth.
    pub truth: Field,
    /// What each method made of the hidden cells, by name.
    pub made: Vec<(String, Field)>,
}

impl Fills {
    /// Those of a file of the step's folder.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn open(folder: &Path, name: &str, methods: &[&str]) -> PaperResult<Fills> {
        let fail = PaperError::step("unisst_predictions");
        let dataset = Dataset::open(&folder.join(name)).map_err(&fail)?;
        let read = |name: &str| read_field(&dataset, name, &ReadOptions::default()).map_err(&fail);
        let made = methods.iter().map(|m| Ok(((*m).to_string(), read(m)?))).collect::<PaperResult<Vec<_>>>()?;
        Ok(Fills { truth: read(TRUTH)?, made })
    }

    /// What a method made of the hidden cells.
    ///
    /// # Errors
    /// Where there is no such method.
    pub fn of(&self, method: &str) -> PaperResult<&Field> {
        self.made.iter().find(|(name, _)| name == method).map(|(_, field)| field).ok_or_else(|| PaperError::Unknown {
            what: "gap filler",
            found: method.to_string(),
            known: self.made.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", "),
        })
    }

    /// Which cells every method filled: the common set that they are scored on.
    pub fn common(&self) -> Vec<bool> {
        (0..self.truth.values().len()).map(|i| self.made.iter().all(|(_, field)| field.mask().is_valid(i))).collect()
    }

    /// Which cells were hidden: those that at least one method filled.
    pub fn hidden(&self) -> Vec<bool> {
        (0..self.truth.values().len()).map(|i| self.made.iter().any(|(_, field)| field.mask().is_valid(i))).collect()
    }

    /// The sequence with a method's fill in its gaps.
    ///
    /// # Errors
    /// As [`Fills::of`].
    pub fn whole(&self, method: &str) -> PaperResult<Field> {
        let made = self.of(method)?;
        let hidden = self.hidden();
        let value = |i: usize| if made.mask().is_valid(i) { made.values()[i] } else { self.truth.values()[i] };
        let cells = self.truth.mask().cells().iter().enumerate();
        let cells = cells.map(|(i, c)| if hidden[i] && !made.mask().is_valid(i) { Cell::Missing } else { *c });
        let mask = Mask::from_cells(cells.collect());
        let values = (0..hidden.len()).map(value).collect();
        self.truth.with_values(values, mask).map_err(PaperError::step("unisst_predictions"))
    }

    /// The sequence as it was seen.
    ///
    /// # Errors
    /// From the grid floor.
    pub fn seen(&self) -> PaperResult<Field> {
        occlude(&self.truth, &self.hidden()).map_err(PaperError::step("unisst_predictions"))
    }
}
