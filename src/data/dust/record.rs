//! [`DustTwin`]: the two records and the ground, as fields.

use chrono::{Datelike, Days, NaiveDate};

use super::coarse_view::CoarseView;
use super::config::{COARSE_DEGREES, CORNER_DEGREES, DustConfig, RIM_CELLS};
use super::simulation::Simulation;
use super::terrain::Terrain;
use crate::base::progress::Progress;
use crate::data::DataResult;
use crate::grid::{Axis, AxisKind, Field, GridResult, Mask, TimeAxis, Unit};

/// Half the width of the yearly swing of the scale height: in winter the dust lies lower, and basins fill.
const SCALE_HEIGHT_SWING: f32 = 0.25;

/// Synthetic dust on two nested grids. Optical depths are daily means at 550 nm, without unit.
#[derive(Clone, Debug, PartialEq)]
pub struct DustTwin {
    coarse: Field,
    fine: Field,
    beyond: Option<Field>,
    elevation: Field,
}

/// The numbers of a twin: what its cache holds.
pub(super) struct Record {
    /// Coarse optical depths of all days.
    pub coarse: Vec<f32>,
    /// Fine ones from the first day of the fine record to the last of the coarse.
    pub fine: Vec<f32>,
}

impl DustTwin {
    /// Makes the dust of `config`.
    ///
    /// # Errors
    /// [`DataError::Content`](crate::data::DataError::Content) where a setting makes no sense.
    pub fn generate(config: &DustConfig) -> DataResult<DustTwin> {
        config.validate()?;
        let terrain = Terrain::new(config);
        DustTwin::from_record(config, &terrain, run(config, &terrain)?)
    }

    pub(super) fn from_record(config: &DustConfig, terrain: &Terrain, record: Record) -> DataResult<DustTwin> {
        let axis = |kind, corner: f64, degrees: f64| -> GridResult<Axis> {
            Axis::regular(kind, corner + 0.5 * degrees, degrees, config.coarse_cells)
        };
        let latitude = axis(AxisKind::Latitude, CORNER_DEGREES.0, COARSE_DEGREES.0)?;
        let longitude = axis(AxisKind::Longitude, CORNER_DEGREES.1, COARSE_DEGREES.1)?;
        let (fine_latitude, fine_longitude) = (latitude.refine(config.factor)?, longitude.refine(config.factor)?);
        let days = |first: NaiveDate, count: usize| TimeAxis::daily(first, 12.0, count);
        let field = |name: &str, values: Vec<f32>, time: TimeAxis, axes: (&Axis, &Axis), unit: Unit| -> GridResult<Field> {
            let mask = Mask::all_valid(values.len());
            let field = Field::new(name, values, mask, time, axes.0.clone(), axes.1.clone(), unit)?;
            Ok(field.with_attribute("tier", "twin"))
        };
        let cells = config.fine_cells();
        let (mut fine, first) = (record.fine, config.fine_first_day());
        let later = fine.split_off(config.fine_days * cells * cells);
        let beyond = if later.is_empty() {
            None
        } else {
            let time = days(first + Days::new(config.fine_days as u64), later.len() / (cells * cells))?;
            Some(field("dust_aod", later, time, (&fine_latitude, &fine_longitude), Unit::One)?)
        };
        let ground = area(config, &terrain.elevation);
        Ok(DustTwin {
            coarse: field(
                "dust_aod",
                record.coarse,
                days(config.first_day(), config.coarse_days)?,
                (&latitude, &longitude),
                Unit::One,
            )?,
            fine: field("dust_aod", fine, days(first, config.fine_days)?, (&fine_latitude, &fine_longitude), Unit::One)?,
            beyond,
            elevation: field("elevation", ground, days(first, 1)?, (&fine_latitude, &fine_longitude), Unit::Metre)?,
        })
    }

    /// The coarse record: all days.
    pub fn coarse(&self) -> &Field {
        &self.coarse
    }

    /// The fine record: what a method may learn from and start from.
    pub fn fine(&self) -> &Field {
        &self.fine
    }

    /// The fine truth after the end of the fine record, as long as the coarse record goes on: only a twin knows it. Absent
    /// where both end together.
    pub fn beyond(&self) -> Option<&Field> {
        self.beyond.as_ref()
    }

    /// The fine truth of all days: the fine record, and what comes after it.
    ///
    /// # Errors
    /// [`DataError::Grid`](crate::data::DataError::Grid) never for a twin; the signature is that of its parts.
    pub fn truth(&self) -> DataResult<Field> {
        let Some(beyond) = &self.beyond else { return Ok(self.fine.clone()) };
        let values = [self.fine.values(), beyond.values()].concat();
        let seconds = [self.fine.time().seconds(), beyond.time().seconds()].concat();
        let (mask, time) = (Mask::all_valid(values.len()), TimeAxis::from_seconds(seconds)?);
        let (latitude, longitude) = (self.fine.latitude().clone(), self.fine.longitude().clone());
        Ok(Field::new("dust_aod", values, mask, time, latitude, longitude, Unit::One)?.with_attribute("tier", "twin"))
    }

    /// Height of the fine cells in metres, one frame.
    pub fn elevation(&self) -> &Field {
        &self.elevation
    }
}

/// The area within the simulated square.
fn area(config: &DustConfig, square: &[f32]) -> Vec<f32> {
    let (n, cells) = (config.simulated_cells(), config.fine_cells());
    (0..cells).flat_map(|y| square[(y + RIM_CELLS) * n + RIM_CELLS..][..cells].iter().copied()).collect()
}

/// Computes both records.
pub(super) fn run(config: &DustConfig, terrain: &Terrain) -> DataResult<Record> {
    let ground = area(config, &terrain.elevation);
    let mut simulation = Simulation::new(config, terrain);
    let mut view = CoarseView::new(config, &ground);
    let mut record = Record { coarse: Vec::new(), fine: Vec::new() };
    let mut progress = Progress::new("synthetic dust", (config.spin_up_days + config.coarse_days) as u64);
    for day in 0..config.spin_up_days + config.coarse_days {
        let date = config.first_day() + Days::new(day as u64) - Days::new(config.spin_up_days as u64);
        let year_part = f64::from(date.ordinal0()) / 365.25;
        let column = simulation.day(year_part);
        progress.advance(1);
        if day < config.spin_up_days {
            continue;
        }
        let swing = 1.0 - SCALE_HEIGHT_SWING * (std::f64::consts::TAU * year_part).cos() as f32;
        let above = |height: f32| (-height / (config.emission.scale_height as f32 * swing)).exp();
        record.coarse.extend(view.day(&column, above)?);
        if day >= config.spin_up_days + config.days_before_fine {
            let fine = area(config, &column).into_iter().zip(&ground).map(|(c, height)| c * above(*height));
            record.fine.extend(fine);
        }
    }
    progress.finish();
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_mean(field: &Field, day: usize) -> f64 {
        field.frame(day).iter().map(|v| f64::from(v.log10())).sum::<f64>() / field.frame_len() as f64
    }

    #[test]
    fn two_nested_records_of_the_same_days() {
        let config = DustConfig::tiny();
        let twin = DustTwin::generate(&config).unwrap();
        assert_eq!(twin.coarse().shape(), [90, 8, 8]);
        assert_eq!(twin.fine().shape(), [50, 24, 24]);
        assert_eq!(twin.beyond().unwrap().shape(), [20, 24, 24]);
        assert_eq!(twin.fine().time().date(0), twin.coarse().time().date(20));
        assert_eq!(twin.beyond().unwrap().time().date(0), twin.coarse().time().date(70));
        let truth = twin.truth().unwrap();
        assert_eq!((truth.frames(), truth.frame(60)), (70, twin.beyond().unwrap().frame(10)));
        let (fine, coarse) = (twin.fine().latitude().coarsen(3).unwrap(), twin.coarse().latitude());
        assert!(fine.centres().iter().zip(coarse.centres()).all(|(a, b)| (a - b).abs() < 1e-9));
        assert!(twin.fine().values().iter().all(|v| *v > 0.0 && *v < 20.0));
        // The same weather: region means of the logarithm go together, but are not equal.
        let pairs: Vec<(f64, f64)> = (0..50).map(|d| (log_mean(twin.fine(), d), log_mean(twin.coarse(), d + 20))).collect();
        let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / 50.0;
        let (a, b) = (mean(|p| p.0), mean(|p| p.1));
        let sums = pairs
            .iter()
            .fold((0.0, 0.0, 0.0), |s, (x, y)| (s.0 + (x - a) * (y - b), s.1 + (x - a).powi(2), s.2 + (y - b).powi(2)));
        let correlation = sums.0 / (sums.1 * sums.2).sqrt();
        assert!((0.6..0.9999).contains(&correlation), "{correlation}");
    }

    #[test]
    fn the_seed_makes_the_dust_and_nothing_else_does() {
        let config = DustConfig { coarse_days: 30, days_before_fine: 5, fine_days: 20, ..DustConfig::tiny() };
        let twin = DustTwin::generate(&config).unwrap();
        assert_eq!(twin, DustTwin::generate(&config).unwrap());
        assert_ne!(twin, DustTwin::generate(&DustConfig { seed: 2, ..config.clone() }).unwrap());
        let together = DustConfig { coarse_days: 25, ..config };
        assert!(DustTwin::generate(&together).unwrap().beyond().is_none());
    }

    #[test]
    fn there_is_less_dust_above_mountains() {
        let twin = DustTwin::generate(&DustConfig::tiny()).unwrap();
        let heights = twin.elevation().frame(0);
        let middle = crate::score::median(&heights.iter().map(|h| f64::from(*h)).collect::<Vec<_>>()).unwrap() as f32;
        let mean = |high: bool| {
            let of_day = |d: usize| {
                twin.fine()
                    .frame(d)
                    .iter()
                    .zip(heights)
                    .filter(move |(_, h)| (**h > middle) == high)
                    .map(|(v, _)| f64::from(v.log10()))
            };
            let all: Vec<f64> = (0..50).flat_map(of_day).collect();
            all.iter().sum::<f64>() / all.len() as f64
        };
        assert!(mean(true) < mean(false) - 0.1, "{} {}", mean(true), mean(false));
    }
}
