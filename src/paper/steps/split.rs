//! The split of the twin's year.

use chrono::NaiveDate;
use serde::Deserialize;

use crate::data::splits::{Block, Buffer, LeakageCertificate, Part, SplitPlan};
use crate::data::twin::TwinConfig;
use crate::paper::step::read_configuration;
use crate::paper::study::Study;
use crate::paper::{PaperError, PaperResult};

/// The split's settings.
pub(super) const CONFIGURATION: &str = "configs/split/quick.toml";

/// `configs/split/quick.toml`: days of the year (0 the first), first inclusive, last exclusive.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    buffer_days: usize,
    train: Vec<(usize, usize)>,
    validation: Vec<(usize, usize)>,
    test: Vec<(usize, usize)>,
}

/// The twin's days by part, with the proof that they are kept apart.
#[derive(Clone, Debug)]
pub struct StudySplit {
    plan: SplitPlan,
}

impl StudySplit {
    /// Days of the training part, counted from the first day.
    pub fn train_days(&self) -> Vec<usize> {
        self.days(Part::Train)
    }

    /// Days of the validation part.
    pub fn validation_days(&self) -> Vec<usize> {
        self.days(Part::Validation)
    }

    /// Days of the test part.
    pub fn test_days(&self) -> Vec<usize> {
        self.days(Part::Test)
    }

    fn days(&self, part: Part) -> Vec<usize> {
        self.plan.day_ranges(part).into_iter().flatten().collect()
    }

    /// The calendar, one line a month.
    pub fn calendar(&self) -> String {
        self.plan.calendar()
    }

    /// The leakage certificate.
    ///
    /// # Errors
    /// The split's sentence where a test or validation day, or its buffer, is among the training days.
    pub fn certificate(&self) -> PaperResult<LeakageCertificate> {
        self.plan.certify().map_err(PaperError::step("split"))
    }
}

impl Study {
    /// The split of the twin's year, as configured.
    ///
    /// # Errors
    /// [`PaperError::Content`] for a configuration that does not fit, [`PaperError::Step`] where blocks overlap or touch.
    pub fn split(&self) -> PaperResult<StudySplit> {
        let configuration: Configuration = read_configuration(self.root(), CONFIGURATION)?;
        let twin: TwinConfig = read_configuration(self.root(), super::twin::CONFIGURATION)?;
        let first: NaiveDate = twin.first_date().map_err(PaperError::step("split"))?;
        let parts =
            [(Part::Train, configuration.train), (Part::Validation, configuration.validation), (Part::Test, configuration.test)];
        let blocks = parts
            .into_iter()
            .flat_map(|(part, ranges)| ranges.into_iter().map(move |(from, to)| Block { part, days: from..to }))
            .collect();
        let buffer = Buffer { days: configuration.buffer_days, cells: 0 };
        let plan = SplitPlan::new(first, twin.days, buffer, blocks).map_err(PaperError::step("split"))?;
        Ok(StudySplit { plan })
    }
}
