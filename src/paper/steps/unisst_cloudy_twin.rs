//! [`CloudyTwin`]: six-hourly sequences cut from the twin's surface, and the clouds over them.

use std::ops::Range;

use super::unisst_sequences::{CONFIGURATION, SequenceConfiguration, YearPart};
use crate::base::random::Random;
use crate::data::twin::Twin;
use crate::grid::{Field, GridResult, Mask, SECONDS_PER_DAY, TimeAxis};
use crate::paper::PaperResult;
use crate::paper::products;
use crate::paper::step::StepContext;

/// Where a sequence lies: its first day, row and column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    day: usize,
    corner: [usize; 2],
}

/// The twin under its clouds in one part of the year.
pub(super) struct CloudyTwin {
    twin: Twin,
    configuration: SequenceConfiguration,
    part: YearPart,
    days: Range<usize>,
    /// Liquid water path of those days, four times a day.
    water: Field,
}

/// Frames a day of the clouds.
const CLOUDS_A_DAY: usize = 4;
/// Days beside a sequence that its interpolation in time rests on.
const MARGIN_DAYS: usize = 1;
/// Places tried for each sequence before there is said to be none.
const TRIES: usize = 200;

impl CloudyTwin {
    pub fn of(context: &StepContext<'_>, part: YearPart, configuration: SequenceConfiguration) -> PaperResult<CloudyTwin> {
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
        let cloudy = CloudyTwin { twin, configuration, part, days, water };
        if cloudy.first_days().is_empty() {
            return Err(context.error(format!("{part:?} has no {} days in a row", cloudy.span_days())));
        }
        Ok(cloudy)
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
    pub fn places(&self, context: &StepContext<'_>) -> PaperResult<Vec<Place>> {
        let c = &self.configuration;
        let count = self.part.count(c);
        let [_, rows, columns] = self.twin.truth().shape();
        let raster = if self.part == YearPart::Test { c.side } else { 1 };
        let mut random = Random::new(c.seed, &format!("unisst places {}", self.part.name()));
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
    pub fn truth(&self, place: &Place) -> GridResult<Field> {
        let side = self.configuration.side;
        let [top, left] = place.corner;
        let first = place.day - MARGIN_DAYS;
        let daily =
            self.twin.truth().slice(first..place.day + self.span_days() + MARGIN_DAYS + 1, top..top + side, left..left + side)?;
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

    /// Liquid water path over a sequence.
    pub fn clouds(&self, place: &Place) -> GridResult<Field> {
        let side = self.configuration.side;
        let [top, left] = place.corner;
        let start = (place.day - self.days.start) * CLOUDS_A_DAY;
        let step = CLOUDS_A_DAY / self.steps_a_day();
        let frames: Vec<usize> = (0..self.configuration.frames).map(|k| start + k * step).collect();
        let part = self.water.slice(0..self.water.frames(), top..top + side, left..left + side)?;
        products::frames(&part, &frames)
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
