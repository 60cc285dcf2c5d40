//! [`CloudyTwin`]: six-hourly sequences of the twin's surface under the twin's clouds.

use std::ops::Range;

use serde::Deserialize;

use crate::base::random::Random;
use crate::data::splits::LeakageCertificate;
use crate::data::twin::Twin;
use crate::grid::{Cell, Field, GridResult, Mask, SECONDS_PER_DAY, TimeAxis};
use crate::methods::unisst::{CloudDraw, Clouds, Lesson, occlude};
use crate::paper::PaperResult;
use crate::paper::step::{StepContext, read_configuration};

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

/// Where a sequence lies: its first day, row and column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// First day.
    pub day: usize,
    /// First row and column.
    pub corner: [usize; 2],
}

/// The twin under its clouds in one part of the year.
pub struct CloudyTwin {
    twin: Twin,
    /// What is cut.
    pub configuration: SequenceConfiguration,
    part: YearPart,
    days: Range<usize>,
    /// Liquid water path of those days, four times a day.
    water: Field,
    certificate: LeakageCertificate,
}

/// Frames a day of the clouds.
const CLOUDS_A_DAY: usize = 4;
/// Days beside a sequence that its interpolation in time rests on.
const MARGIN_DAYS: usize = 1;
/// Places tried for each sequence before there is said to be none.
const TRIES: usize = 200;

impl CloudyTwin {
    /// The twin in a part of the year.
    ///
    /// # Errors
    /// Where the twin or the split is not to be had, or sequences do not fit.
    pub fn of(context: &StepContext<'_>, part: YearPart) -> PaperResult<CloudyTwin> {
        CloudyTwin::cut(context, part, read_configuration(context.study.root(), CONFIGURATION)?)
    }

    fn cut(context: &StepContext<'_>, part: YearPart, configuration: SequenceConfiguration) -> PaperResult<CloudyTwin> {
        let split = context.study.split()?;
        let days = match part {
            YearPart::Train => split.train_days(),
            YearPart::Validation => split.validation_days(),
            YearPart::Test => split.test_days(),
        };
        let days = first_run(&days);
        let twin = super::twin::open(context)?;
        let hours = configuration.step_hours;
        if hours == 0 || !24usize.is_multiple_of(hours) || !hours.is_multiple_of(24 / CLOUDS_A_DAY) {
            return Err(context.error(format!("{CONFIGURATION}: step_hours is {hours}; 6, 12 or 24 is wanted")));
        }
        let water = twin.liquid_water_path(days.clone(), CLOUDS_A_DAY).map_err(|e| context.error(e))?;
        let certificate = split.certificate()?;
        let ground = CloudyTwin { twin, configuration, part, days, water, certificate };
        if ground.first_days().is_empty() {
            return Err(context.error(format!("{:?} has no {} days in a row", ground.part, ground.span_days())));
        }
        Ok(ground)
    }

    /// The proof that test days are not among the training days.
    pub fn certificate(&self) -> &LeakageCertificate {
        &self.certificate
    }

    /// The stream of a purpose, another one in each part of the year.
    pub fn random(&self, purpose: &str) -> Random {
        Random::new(self.configuration.seed, &format!("unisst {purpose} {:?}", self.part))
    }

    fn steps_a_day(&self) -> usize {
        24 / self.configuration.step_hours
    }

    /// Days that a sequence covers.
    fn span_days(&self) -> usize {
        self.configuration.frames.div_ceil(self.steps_a_day())
    }

    /// First days of sequences that do not overlap and whose interpolation stays within the part.
    fn first_days(&self) -> Vec<usize> {
        let first = self.days.start + MARGIN_DAYS;
        let fits = |day: &usize| day + self.span_days() + MARGIN_DAYS <= self.days.end;
        (first..).step_by(self.span_days()).take_while(fits).collect()
    }

    /// Places of sequences: first days in turn; squares of sea, and for the test those of a fixed raster, none twice.
    ///
    /// # Errors
    /// Where there are too few squares of sea.
    pub fn places(&self, context: &StepContext<'_>) -> PaperResult<Vec<Place>> {
        let c = &self.configuration;
        let count = match self.part {
            YearPart::Train => c.train_sequences,
            YearPart::Validation => c.validation_sequences,
            YearPart::Test => c.test_sequences,
        };
        let [_, rows, columns] = self.twin.truth().shape();
        let raster = if self.part == YearPart::Test { c.side } else { 1 };
        let mut random = self.random("places");
        let days = self.first_days();
        let mut places: Vec<Place> = Vec::new();
        for k in 0..count {
            // Days are spread over the part, however few sequences there are.
            let day = days[(k * days.len() / count.min(days.len())) % days.len()];
            let mut corner = || [rows, columns].map(|n| random.below((n - c.side) / raster + 1) * raster);
            let found = (0..TRIES).map(|_| Place { day, corner: corner() });
            let found = found.filter(|p| self.sea_share(p) >= c.least_sea).find(|p| !places.contains(p));
            places.push(found.ok_or_else(|| {
                context.error(format!("no square of {0} x {0} cells with {1} of sea was found", c.side, c.least_sea))
            })?);
        }
        Ok(places)
    }

    fn sea_share(&self, place: &Place) -> f64 {
        let columns = self.twin.truth().shape()[2];
        let mask = self.twin.truth().frame_mask(place.day);
        let side = self.configuration.side;
        let [top, left] = place.corner;
        let sea = (0..side * side).filter(|i| mask[(top + i / side) * columns + left + i % side].is_valid()).count();
        sea as f64 / (side * side) as f64
    }

    /// The surface without clouds: the twin's days joined by cubics in time, and the warm layer of the day on top.
    ///
    /// # Formula
    /// ```text
    /// T(t) = ½ Σ c_k(f) T(d + k), k = -1..2  + ΔT(t),   f the share of the day gone
    /// c = (-f + 2f² - f³,  2 - 5f² + 3f³,  f + 4f² - 3f³,  -f² + f³)
    /// ```
    ///
    /// # Errors
    /// From the grid floor.
    pub fn truth(&self, place: &Place) -> GridResult<Field> {
        let side = self.configuration.side;
        let [top, left] = place.corner;
        let first = place.day - MARGIN_DAYS;
        let daily = self.twin.truth().slice(
            first..place.day + self.span_days() + MARGIN_DAYS + 1,
            top..top + side,
            left..left + side,
        )?;
        let pixels = daily.frame_len();
        let start = self.twin.truth().time().seconds()[place.day];
        let step = self.configuration.step_hours as f64 * 3600.0;
        let (mut values, mut cells, mut seconds) = (Vec::new(), Vec::new(), Vec::new());
        for k in 0..self.configuration.frames {
            let at = start + k as f64 * step;
            let day = ((at - start) / SECONDS_PER_DAY).floor();
            let weights = cubic((at - start) / SECONDS_PER_DAY - day);
            // The first of the four days that the cubic rests on.
            let from = day as usize;
            seconds.push(at);
            for p in 0..pixels {
                let near = (0..4).map(|k| f64::from(daily.frame(from + k)[p]) * weights[k]).sum::<f64>();
                let (y, x) = (p / side, p % side);
                let (lat, lon) = (daily.latitude().centres()[y], daily.longitude().centres()[x]);
                values.push((near + self.twin.diurnal().warming(at, lat, lon, 0.0)) as f32);
                cells.push(daily.frame_mask(from + 1)[p]);
            }
        }
        let (lat, lon) = (daily.latitude().clone(), daily.longitude().clone());
        let time = TimeAxis::from_seconds(seconds)?;
        Field::new("sst", values, Mask::from_cells(cells), time, lat, lon, daily.unit())
    }

    /// Which cells of a sequence the twin's own clouds hide at a threshold. Thresholds are nested.
    pub fn hidden(&self, place: &Place, threshold: f64) -> Vec<bool> {
        self.hidden_from((place.day - self.days.start) * CLOUDS_A_DAY, place.corner, threshold)
    }

    /// Which cells clouds of another time and place hide, at a threshold between the configured ones.
    pub fn other_clouds(&self, random: &mut Random) -> Vec<bool> {
        let c = &self.configuration;
        let [frames, rows, columns] = self.water.shape();
        let span = (c.frames - 1) * self.cloud_step() + 1;
        let start = random.below(frames - span + 1);
        let corner = [rows, columns].map(|n| random.below(n - c.side + 1));
        let [low, high] = c.hiding_thresholds;
        self.hidden_from(start, corner, random.uniform_in(low, high))
    }

    fn cloud_step(&self) -> usize {
        CLOUDS_A_DAY / self.steps_a_day()
    }

    fn hidden_from(&self, start: usize, [top, left]: [usize; 2], threshold: f64) -> Vec<bool> {
        let (side, columns) = (self.configuration.side, self.water.shape()[2]);
        let mut hidden = Vec::new();
        for k in 0..self.configuration.frames {
            let frame = self.water.frame(start + k * self.cloud_step());
            for y in top..top + side {
                let row = &frame[y * columns + left..y * columns + left + side];
                hidden.extend(row.iter().map(|w| f64::from(*w) > threshold));
            }
        }
        hidden
    }

    /// Sequences as a satellite sees them, at the threshold of the training.
    ///
    /// # Errors
    /// Where there is no place for them.
    pub fn occluded(&self, context: &StepContext<'_>) -> PaperResult<Vec<Field>> {
        let seen = |place: &Place| -> PaperResult<Field> {
            let truth = self.truth(place).map_err(|e| context.error(e))?;
            occlude(&truth, &self.hidden(place, self.configuration.training_threshold)).map_err(|e| context.error(e))
        };
        self.places(context)?.iter().map(seen).collect()
    }

    /// The lessons of the residual network: with cells that are seen hidden by other clouds, or (`clear`) with the truth.
    ///
    /// # Errors
    /// As [`CloudyTwin::occluded`].
    pub fn lessons(&self, context: &StepContext<'_>, clear: bool) -> PaperResult<Vec<Lesson>> {
        let mut random = self.random("hiding");
        let lesson = |place: Place| -> PaperResult<Lesson> {
            let truth = self.truth(&place).map_err(|e| context.error(e))?;
            if clear {
                // Covers of all sizes, as those that hide seen cells have.
                let [low, high] = self.configuration.hiding_thresholds;
                let under = self.hidden(&place, random.uniform_in(low, high));
                let occluded = occlude(&truth, &under).map_err(|e| context.error(e))?;
                return Ok(Lesson::Clear { occluded, truth });
            }
            let under = self.hidden(&place, self.configuration.training_threshold);
            let occluded = occlude(&truth, &under).map_err(|e| context.error(e))?;
            Ok(Lesson::Hidden { occluded, hidden: self.other_clouds(&mut random) })
        };
        self.places(context)?.into_iter().map(lesson).collect()
    }

    /// Clouds from which fresh masks are drawn: the first frames of this part, over the whole square.
    ///
    /// # Errors
    /// Where there are too few.
    pub fn clouds(&self, context: &StepContext<'_>, frames: usize) -> PaperResult<Clouds> {
        let [all, rows, columns] = self.water.shape();
        let water = self.water.slice(0..frames.min(all), 0..rows, 0..columns).map_err(|e| context.error(e))?;
        Clouds::new(&water, CloudDraw { first: 0, step: self.cloud_step() }).map_err(|e| context.error(e))
    }
}

/// The first run of days in a row.
fn first_run(days: &[usize]) -> Range<usize> {
    let Some(first) = days.first().copied() else { return 0..0 };
    let length = days.iter().enumerate().take_while(|(k, day)| **day == first + k).count();
    first..first + length
}

/// The weights of four days at a share of the day between the second and the third: a cubic through these two with the slopes
/// that their neighbours give it.
fn cubic(f: f64) -> [f64; 4] {
    let (f2, f3) = (f * f, f * f * f);
    [-f + 2.0 * f2 - f3, 2.0 - 5.0 * f2 + 3.0 * f3, f + 4.0 * f2 - 3.0 * f3, f3 - f2].map(|w| 0.5 * w)
}

/// Cells of a field that are sea, and hidden.
pub fn hidden_at_sea(truth: &Field, hidden: &[bool]) -> usize {
    truth.mask().cells().iter().zip(hidden).filter(|(c, h)| **c == Cell::Valid && **h).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cubic_goes_through_its_days_and_keeps_parabolas() {
        assert_eq!(cubic(0.0), [0.0, 1.0, 0.0, 0.0]);
        assert_eq!(cubic(1.0), [0.0, 0.0, 1.0, 0.0]);
        for f in [0.25, 0.5, 0.75] {
            let w = cubic(f);
            assert!((w.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            // days at -1, 0, 1, 2
            for power in [1, 2] {
                let value: f64 = w.iter().zip([-1.0f64, 0.0, 1.0, 2.0]).map(|(w, day)| w * day.powi(power)).sum();
                assert!((value - f.powi(power)).abs() < 1e-12, "{f} {power}");
            }
        }
    }

    #[test]
    fn days_in_a_row() {
        assert_eq!(first_run(&[5, 6, 7, 12, 13]), 5..8);
        assert_eq!(first_run(&[]), 0..0);
    }
}
