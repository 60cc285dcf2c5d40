//! Clouds over the synthetic ocean: a liquid water path that drifts, and masks by threshold.

use std::ops::Range;

use super::super::error::{DataError, DataResult};
use super::config::CELL_METRES;
use super::random_field::{RandomField, RandomFieldSettings, Spectrum};
use super::synthetic::Twin;
use crate::base::random::Random;
use crate::grid::{Cell, Field, Mask, SECONDS_PER_DAY, TimeAxis, Unit};

/// Mean of the liquid water path's marginal distribution, g/m².
pub const LIQUID_WATER_MEAN: f64 = 66.5;

/// Standard deviation of the liquid water path's marginal distribution, g/m².
pub const LIQUID_WATER_DEVIATION: f64 = 12.9;

/// Steps of the cloud field in a day.
const STEPS_PER_DAY: usize = 4;

/// Length scale of the cloud field, kilometres.
const CLOUD_KILOMETRES: f64 = 100.0;

/// Correlation over 6 hours in the moving frame and drift (East, North) in kilometres over 6 hours. Together
/// they make 6 to 12 % of the cells change between cloudy and clear from one 6-hourly frame to the next.
const CLOUD_MEMORY: f64 = 0.97;
const CLOUD_DRIFT_KILOMETRES: (f64, f64) = (5.0, 1.5);

impl Twin {
    /// Liquid water path in g/m², `per_day` (1, 2 or 4) frames a day from 00 UTC of the first day on, over
    /// sea and land alike.
    ///
    /// A Gaussian field with a power-law spectrum that drifts and slowly forgets itself; its marginal is
    /// normal with mean 66.5 and standard deviation 12.9 g/m² (cut at 0, five deviations below the mean). It
    /// is a stand-in: it drifts far slower than clouds do, so that masks keep the persistence of observed ones.
    /// A day's clouds are the same whatever range of days is asked for.
    ///
    /// # Errors
    /// [`DataError::Content`] for days that do not exist or another `per_day`.
    pub fn liquid_water_path(&self, days: Range<usize>, per_day: usize) -> DataResult<Field> {
        let refuse = |problem: String| Err(DataError::Content { what: "liquid_water_path".into(), problem });
        if days.is_empty() || days.end > self.config.days {
            return refuse(format!("days {days:?} of {} do not exist", self.config.days));
        }
        if ![1, 2, 4].contains(&per_day) {
            return refuse(format!("{per_day} frames a day were asked for; 1, 2 or 4 are wanted"));
        }
        let kilometres = CELL_METRES / 1000.0;
        let mut clouds = RandomField::new(
            &RandomFieldSettings {
                cells: self.config.cells,
                length_cells: CLOUD_KILOMETRES / kilometres,
                spectrum: Spectrum::PowerLaw(1.75),
                memory: CLOUD_MEMORY,
                drift_cells: (CLOUD_DRIFT_KILOMETRES.0 / kilometres, CLOUD_DRIFT_KILOMETRES.1 / kilometres),
            },
            Random::new(self.config.seed, "twin clouds"),
        );
        let (mut values, mut seconds) = (Vec::new(), Vec::new());
        let start = self.truth.time().seconds()[0];
        for step in 0..days.end * STEPS_PER_DAY {
            if step >= days.start * STEPS_PER_DAY && step % (STEPS_PER_DAY / per_day) == 0 {
                let path = |z: &f32| (LIQUID_WATER_MEAN + LIQUID_WATER_DEVIATION * f64::from(*z)).max(0.0) as f32;
                values.extend(clouds.values().iter().map(path));
                seconds.push(start + step as f64 * SECONDS_PER_DAY / STEPS_PER_DAY as f64);
            }
            clouds.step();
        }
        let (latitude, longitude) = (self.truth.latitude().clone(), self.truth.longitude().clone());
        let (mask, time) = (Mask::all_valid(values.len()), TimeAxis::from_seconds(seconds)?);
        let field = Field::new("liquid_water_path", values, mask, time, latitude, longitude, Unit::GramPerSquareMetre)?;
        Ok(field
            .with_attribute("standard_name", "atmosphere_mass_content_of_cloud_liquid_water")
            .with_attribute("long_name", "liquid water path over the synthetic ocean")
            .with_attribute("tier", "twin"))
    }
}

/// The cells that a cloud hides: those whose liquid water path is above `threshold` g/m². A higher threshold
/// hides a subset of what a lower one hides.
///
/// # Errors
/// [`DataError::Content`] where the field is not in g/m² or the threshold is not finite.
pub fn cloud_mask(liquid_water_path: &Field, threshold: f64) -> DataResult<Mask> {
    let refuse = |problem: String| Err(DataError::Content { what: "cloud_mask".into(), problem });
    if liquid_water_path.unit() != Unit::GramPerSquareMetre {
        return refuse(format!("the field '{}' is in {}; g/m² is wanted", liquid_water_path.name(), liquid_water_path.unit()));
    }
    if !threshold.is_finite() {
        return refuse(format!("a threshold of {threshold} was given; finite g/m² are wanted"));
    }
    let cells = liquid_water_path.values().iter().zip(liquid_water_path.mask().cells());
    let hide = |value: &f32, cell: &Cell| match cell {
        Cell::Valid if f64::from(*value) > threshold => Cell::Cloud,
        other => *other,
    };
    Ok(Mask::from_cells(cells.map(|(value, cell)| hide(value, cell)).collect()))
}
