//! What gridded products make of the truth: smoothed, with a correlated error, rounded.

use std::ops::Range;

use super::super::error::{DataError, DataResult};
use super::config::{CELL_METRES, COARSE_FACTOR};
use super::random_field::{RandomField, RandomFieldSettings, Spectrum};
use super::synthetic::Twin;
use crate::base::random::Random;
use crate::grid::{Field, coarsen_mean, gaussian_smooth};

/// A coarse cell with a smaller share of sea than this is land.
const SEA_SHARE: f64 = 0.5;

impl Twin {
    /// The truth of some days, smoothed by a Gaussian of `sigma_cells` fine cells over the sea: a fine field
    /// of a known smoothness, without error.
    ///
    /// # Errors
    /// [`DataError::Grid`] for days that do not exist, [`DataError::Content`] for a negative `sigma_cells`.
    pub fn fine_with_smoothness(&self, days: Range<usize>, sigma_cells: f64) -> DataResult<Field> {
        if !(0.0..=64.0).contains(&sigma_cells) {
            return Err(DataError::Content {
                what: "fine_with_smoothness".into(),
                problem: format!("a sigma of {sigma_cells} cells was given; 0 to 64 is wanted"),
            });
        }
        let [_, rows, columns] = self.truth.shape();
        let part = self.truth.slice(days, 0..rows, 0..columns)?;
        Ok(gaussian_smooth(&part, sigma_cells)?)
    }

    /// The coarse analysis: block means of 5 x 5 cells over the sea (land where less than half is sea),
    /// smoothed over coarse cells, with an error that is correlated in space and time, rounded.
    ///
    /// # Errors
    /// [`DataError::Grid`] from the parts of a field.
    pub fn coarse_analysis(&self) -> DataResult<Field> {
        let settings = &self.config.analyses;
        let blocks = coarsen_mean(&self.truth, COARSE_FACTOR, SEA_SHARE)?;
        let blocks = gaussian_smooth(&blocks, settings.coarse_smoothing_cells)?;
        let cell_kilometres = CELL_METRES * COARSE_FACTOR as f64 / 1000.0;
        let field = self.with_error(&blocks, settings.coarse_error_kelvin, cell_kilometres, "twin coarse error")?;
        Ok(field.with_attribute("long_name", "coarse analysis of the synthetic ocean"))
    }

    /// The fine analysis: the truth smoothed, with a smaller error of the same kind, rounded.
    ///
    /// # Errors
    /// [`DataError::Grid`] from the parts of a field.
    pub fn fine_analysis(&self) -> DataResult<Field> {
        let settings = &self.config.analyses;
        let fine = gaussian_smooth(&self.truth, settings.fine_smoothing_cells)?;
        let field = self.with_error(&fine, settings.fine_error_kelvin, CELL_METRES / 1000.0, "twin fine error")?;
        Ok(field.with_attribute("long_name", "fine analysis of the synthetic ocean"))
    }

    fn with_error(&self, field: &Field, sigma_kelvin: f64, cell_kilometres: f64, stream: &str) -> DataResult<Field> {
        let settings = &self.config.analyses;
        let [_, rows, columns] = field.shape();
        let length_cells = settings.error_kilometres / cell_kilometres;
        // A square that holds the field, with a margin against the error's periodicity.
        let width = rows.max(columns) + length_cells.ceil() as usize;
        let mut error = RandomField::new(
            &RandomFieldSettings {
                cells: width,
                length_cells,
                spectrum: Spectrum::Gaussian,
                memory: (-1.0 / settings.error_days).exp(),
                drift_cells: (0.0, 0.0),
            },
            Random::new(self.config.seed, stream),
        );
        let mut values = field.values().to_vec();
        for frame in values.chunks_exact_mut(rows * columns) {
            let now = error.values();
            for (y, row) in frame.chunks_exact_mut(columns).enumerate() {
                for (value, error) in row.iter_mut().zip(&now[y * width..]) {
                    *value = rounded(f64::from(*value) + sigma_kelvin * f64::from(*error), settings.quantum_kelvin);
                }
            }
            error.step();
        }
        Ok(field.with_values(values, field.mask().clone())?)
    }
}

fn rounded(value: f64, quantum: f64) -> f32 {
    ((value / quantum).round() * quantum) as f32
}
