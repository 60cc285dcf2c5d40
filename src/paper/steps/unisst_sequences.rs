//! Six-hourly sequences of the twin's surface, and the clouds over them, cut once for all that learn from them and are scored
//! on them.

use std::path::Path;

use serde::Deserialize;

use super::unisst_cloudy_twin::CloudyTwin;
use crate::base::random::Random;
use crate::cf::{Dataset, Provenance, ReadOptions, read_field, write_fields};
use crate::grid::Field;
use crate::methods::MethodResult;
use crate::methods::unisst::{CloudDraw, Clouds, Lesson, occlude};
use crate::paper::step::{Step, StepContext, read_configuration};
use crate::paper::{PaperError, PaperResult};

/// The step.
pub const STEP: Step = Step {
    name: "unisst_sequences",
    about: "six-hourly sequences of the twin and the clouds over them",
    rooms: &[
        super::TWIN_AND_SPLIT,
        &[
            "src/base/",
            "src/grid/",
            "src/cf/",
            "src/data/",
            "src/methods/unisst/clouds.rs",
            "src/methods/error.rs",
            "src/paper/products.rs",
            "src/paper/steps/unisst_cloudy_twin.rs",
            "src/paper/steps/unisst_sequences.rs",
        ],
    ],
    configurations: &[CONFIGURATION, super::split::CONFIGURATION],
    needs: &["twin"],
    data: &[],
    publishes: &[],
    run,
};

/// Name of the surface temperature.
pub const SST: &str = "sst";
/// Name of the clouds beside it.
const WATER: &str = "liquid_water_path";

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: SequenceConfiguration = context.configuration()?;
    let provenance = Provenance {
        title: "a sequence of the synthetic ocean and the clouds over it".into(),
        source: "isotherm, step unisst_sequences".into(),
        references: "isotherm, an executable paper".into(),
        ..Provenance::default()
    };
    for part in YearPart::ALL {
        let cloudy = CloudyTwin::of(context, part, configuration.clone())?;
        for (k, place) in cloudy.places(context)?.iter().enumerate() {
            let truth = cloudy.truth(place).map_err(|e| context.error(e))?.named(SST);
            let water = cloudy.clouds(place).map_err(|e| context.error(e))?.named(WATER);
            write_fields(&context.path(&part.file(k)), &[&truth, &water], &provenance).map_err(|e| context.error(e))?;
        }
    }
    Ok(())
}

/// What sequences are cut (`configs/unisst/sequences.toml`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SequenceConfiguration {
    /// Frames of a sequence.
    pub frames: usize,
    /// Hours from one to the next: 6, 12 or 24, as often as clouds are known.
    pub step_hours: usize,
    /// Rows and columns.
    pub side: usize,
    /// Share of a square that must be sea.
    pub least_sea: f64,
    /// Liquid water path above which a cloud hides in training, g/m².
    pub training_threshold: f64,
    /// The same of the clouds that hide seen cells besides, drawn between these.
    pub hiding_thresholds: [f64; 2],
    /// Sequences to learn from.
    pub train_sequences: usize,
    /// Sequences to choose by.
    pub validation_sequences: usize,
    /// Sequences to report on.
    pub test_sequences: usize,
    /// Seed of places, times and masks.
    pub seed: u64,
}

/// The file of the configuration.
pub const CONFIGURATION: &str = "configs/unisst/sequences.toml";

/// A part of the year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum YearPart {
    /// Training days.
    Train,
    /// Validation days.
    Validation,
    /// Test days.
    Test,
}

impl YearPart {
    /// All three.
    pub const ALL: [YearPart; 3] = [YearPart::Train, YearPart::Validation, YearPart::Test];

    /// The word in files.
    pub fn name(self) -> &'static str {
        match self {
            YearPart::Train => "train",
            YearPart::Validation => "validation",
            YearPart::Test => "test",
        }
    }

    /// How many sequences it has.
    pub fn count(self, c: &SequenceConfiguration) -> usize {
        match self {
            YearPart::Train => c.train_sequences,
            YearPart::Validation => c.validation_sequences,
            YearPart::Test => c.test_sequences,
        }
    }

    fn file(self, sequence: usize) -> String {
        format!("{}_{sequence:02}.nc", self.name())
    }
}

/// A sequence with the clouds over it.
#[derive(Clone, Debug)]
pub struct CloudySequence {
    /// The surface without clouds.
    pub truth: Field,
    /// The clouds that move over that very place, g/m².
    pub water: Field,
}

impl CloudySequence {
    /// Which cells clouds of more than `threshold` g/m² hide. Thresholds are nested.
    pub fn hidden(&self, threshold: f64) -> Vec<bool> {
        self.water.values().iter().map(|w| f64::from(*w) > threshold).collect()
    }

    /// What a satellite sees of it.
    ///
    /// # Errors
    /// From the methods floor.
    pub fn seen(&self, threshold: f64) -> MethodResult<Field> {
        occlude(&self.truth, &self.hidden(threshold))
    }
}

/// The sequences of a part of the year, as the step left them.
pub struct Sequences {
    part: YearPart,
    configuration: SequenceConfiguration,
    all: Vec<CloudySequence>,
}

impl Sequences {
    /// Those of a step that named `unisst_sequences` among its needs.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn of(context: &StepContext<'_>, part: YearPart) -> PaperResult<Sequences> {
        let configuration: SequenceConfiguration = read_configuration(context.study.root(), CONFIGURATION)?;
        Sequences::open(&context.input(STEP.name)?, part, configuration)
    }

    /// Those of a folder.
    ///
    /// # Errors
    /// As [`Sequences::of`].
    pub fn open(folder: &Path, part: YearPart, configuration: SequenceConfiguration) -> PaperResult<Sequences> {
        let fail = PaperError::step(STEP.name);
        let read = |k: usize| -> PaperResult<CloudySequence> {
            let dataset = Dataset::open(&folder.join(part.file(k))).map_err(&fail)?;
            let field = |name: &str| read_field(&dataset, name, &ReadOptions::default()).map_err(&fail);
            Ok(CloudySequence { truth: field(SST)?, water: field(WATER)? })
        };
        let all = (0..part.count(&configuration)).map(read).collect::<PaperResult<Vec<_>>>()?;
        Ok(Sequences { part, configuration, all })
    }

    /// All of them.
    pub fn all(&self) -> &[CloudySequence] {
        &self.all
    }

    fn random(&self, purpose: &str) -> Random {
        Random::new(self.configuration.seed, &format!("unisst {purpose} {}", self.part.name()))
    }

    /// Which cells of a sequence the clouds over another one would hide, at a threshold between the configured ones.
    fn other_clouds(&self, of: usize, random: &mut Random) -> Vec<bool> {
        let other = (of + 1 + random.below(self.all.len().max(2) - 1)) % self.all.len();
        let [low, high] = self.configuration.hiding_thresholds;
        self.all[other].hidden(random.uniform_in(low, high))
    }

    /// As a satellite sees them, at the threshold of the training.
    ///
    /// # Errors
    /// From the methods floor.
    pub fn seen(&self) -> MethodResult<Vec<Field>> {
        self.all.iter().map(|s| s.seen(self.configuration.training_threshold)).collect()
    }

    /// The same, each with the cells that other clouds hide besides.
    ///
    /// # Errors
    /// As [`Sequences::seen`].
    pub fn seen_and_hidden(&self) -> MethodResult<Vec<(Field, Vec<bool>)>> {
        let mut random = self.random("hiding");
        Ok(self.seen()?.into_iter().enumerate().map(|(k, field)| (field, self.other_clouds(k, &mut random))).collect())
    }

    /// The lessons of the residual network: with cells that are seen hidden by other clouds, or (`clear`) with the truth under
    /// clouds of as many sizes.
    ///
    /// # Errors
    /// As [`Sequences::seen`].
    pub fn lessons(&self, clear: bool) -> MethodResult<Vec<Lesson>> {
        if !clear {
            // Other clouds may hide nothing that is seen, or all of it: such a sequence teaches nothing.
            let teaches = |(occluded, hidden): &(Field, Vec<bool>)| {
                let of = |wanted: bool| (0..hidden.len()).any(|i| occluded.mask().is_valid(i) && hidden[i] == wanted);
                of(true) && of(false)
            };
            let all = self.seen_and_hidden()?.into_iter().filter(teaches);
            return Ok(all.map(|(occluded, hidden)| Lesson::Hidden { occluded, hidden }).collect());
        }
        let mut random = self.random("covers");
        let [low, high] = self.configuration.hiding_thresholds;
        let told = |s: &CloudySequence| -> MethodResult<Lesson> {
            Ok(Lesson::Clear { occluded: s.seen(random.uniform_in(low, high))?, truth: s.truth.clone() })
        };
        self.all.iter().map(told).collect()
    }

    /// The records of clouds from which fresh masks are drawn.
    ///
    /// # Errors
    /// From the methods floor.
    pub fn clouds(&self) -> MethodResult<Vec<Clouds>> {
        self.all.iter().map(|s| Clouds::new(&s.water, CloudDraw::every())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Axis, AxisKind, Mask, TimeAxis, Unit};

    fn sequences() -> Sequences {
        let configuration: SequenceConfiguration =
            toml::from_str(include_str!("../../../configs/unisst/sequences.toml")).unwrap();
        let field = |value: f32, unit: Unit| {
            let axis = |kind| Axis::regular(kind, 0.5, 1.0, 2).unwrap();
            let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
            let values = (0..4).map(|i| value + 10.0 * i as f32).collect();
            Field::new("x", values, Mask::all_valid(4), time, axis(AxisKind::Latitude), axis(AxisKind::Longitude), unit).unwrap()
        };
        let one = |k: usize| CloudySequence {
            truth: field(15.0, Unit::Celsius),
            water: field(50.0 + k as f32, Unit::GramPerSquareMetre),
        };
        Sequences { part: YearPart::Train, configuration, all: (0..3).map(one).collect() }
    }

    #[test]
    fn clouds_hide_what_is_above_their_threshold() {
        let all = sequences();
        // 50, 60, 70, 80 g/m² at 70, and the next sequence one more
        assert_eq!(all.all()[0].hidden(70.0), [false, false, false, true]);
        assert_eq!(all.all()[1].hidden(70.0), [false, false, true, true]);
        assert_eq!(all.seen().unwrap()[1].mask().count_valid(), 2);
        assert_eq!(all.lessons(true).unwrap().len(), 3);
        assert_eq!(all.seen_and_hidden().unwrap(), all.seen_and_hidden().unwrap());
    }

    #[test]
    fn a_sequence_is_not_hidden_by_its_own_clouds() {
        let mut all = sequences();
        all.configuration.hiding_thresholds = [70.0, 70.5];
        // Every sequence but the first has a second cell above 70.5; the first's own clouds hide one.
        let mut random = Random::new(1, "other");
        assert!((0..20).all(|_| all.other_clouds(0, &mut random) == [false, false, true, true]));
    }
}
