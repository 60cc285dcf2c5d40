//! The bay of the third paper: five years of a synthetic ocean as wide as the networks, its split, and its stations.

use chrono::NaiveDate;
use serde::Deserialize;

use crate::data::splits::{Block, Buffer, Part, SplitPlan};
use crate::data::twin::Twin;
use crate::grid::{Field, GridResult, coarsen_mean};
use crate::methods::kiost::{QualityControl, StationSeries, WeekSource};
use crate::paper::PaperResult;
use crate::paper::step::{StepContext, read_configuration};

/// Its split and stations.
pub(super) const SPLIT: &str = "configs/kiost/split.toml";

/// What a step reads the bay by.
pub(super) const BAY: &[&str] = &[
    "src/base/",
    "src/grid/",
    "src/data/twin/",
    "src/data/splits/",
    "src/data/observations.rs",
    "src/methods/kiost/",
    "src/paper/steps/kiost_twin.rs",
    "src/paper/steps/kiost_bay.rs",
];

/// `configs/kiost/split.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    buffer_days: usize,
    train: Vec<(usize, usize)>,
    validation: Vec<(usize, usize)>,
    test: Vec<(usize, usize)>,
    withheld_every: usize,
    quality: QualityControl,
}

/// A plan of days from ranges by part.
///
/// # Errors
/// Where ranges overlap or lie outside.
pub(super) fn plan(
    context: &StepContext<'_>,
    first: NaiveDate,
    days: usize,
    buffer_days: usize,
    parts: [(Part, &[(usize, usize)]); 3],
) -> PaperResult<SplitPlan> {
    let ranges = parts.into_iter().flat_map(|(part, ranges)| ranges.iter().map(move |(from, to)| (part, *from..*to)));
    let blocks = ranges.map(|(part, days)| Block { part, days }).collect();
    SplitPlan::new(first, days, Buffer { days: buffer_days, cells: 0 }, blocks).map_err(|e| context.error(e))
}

/// The days of a part.
pub(super) fn days_of(plan: &SplitPlan, part: Part) -> Vec<usize> {
    plan.day_ranges(part).into_iter().flatten().collect()
}

/// A field of the bay's 0.05 degree on cells of 0.1 degree: those that are sea for the most part.
pub(super) fn tenth_degree(field: &Field) -> GridResult<Field> {
    const MERGED: usize = 2;
    coarsen_mean(field, MERGED, 0.5)
}

/// The bay as steps see it.
pub struct Bay {
    /// The ocean, with its truth.
    pub twin: Twin,
    /// What the networks are given: the coarse analysis with its errors.
    pub coarse: Field,
    /// What they are to make of it: the fine composite with its errors. The truth is for scores alone.
    pub fine: Field,
    /// Days by part.
    pub plan: SplitPlan,
    /// Stations that trainings see.
    pub known: Vec<StationSeries>,
    /// Stations that they do not.
    pub withheld: Vec<StationSeries>,
}

impl Bay {
    /// The bay that a step named among its needs.
    ///
    /// # Errors
    /// Where twin, split or stations are not to be had.
    pub fn open(context: &StepContext<'_>) -> PaperResult<Bay> {
        let configuration: Configuration = read_configuration(context.study.root(), SPLIT)?;
        let twin = super::kiost_twin::open(context)?;
        let first = twin.config().first_date().map_err(|e| context.error(e))?;
        let parts = [
            (Part::Train, configuration.train.as_slice()),
            (Part::Validation, configuration.validation.as_slice()),
            (Part::Test, configuration.test.as_slice()),
        ];
        let plan = plan(context, first, twin.config().days, configuration.buffer_days, parts)?;
        let stations = StationSeries::all(&twin.observations(), twin.truth().time(), &configuration.quality);
        let every = configuration.withheld_every.max(2);
        let stations = stations.map_err(|e| context.error(e))?.into_iter().enumerate();
        let (withheld, known): (Vec<_>, Vec<_>) = stations.partition(|(i, _)| i % every == every - 1);
        let plain = |list: Vec<(usize, StationSeries)>| list.into_iter().map(|(_, s)| s).collect();
        Ok(Bay {
            coarse: twin.coarse_analysis().map_err(|e| context.error(e))?,
            fine: twin.fine_analysis().map_err(|e| context.error(e))?,
            twin,
            plan,
            known: plain(known),
            withheld: plain(withheld),
        })
    }

    /// The days of a part.
    pub fn days(&self, part: Part) -> Vec<usize> {
        days_of(&self.plan, part)
    }

    /// What trainings are made from.
    pub fn source(&self) -> WeekSource<'_> {
        WeekSource { coarse: &self.coarse, fine: &self.fine, stations: &self.known }
    }
}
