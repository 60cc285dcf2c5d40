//! What gridded products make of the truth: smoothed, with a correlated error, rounded.

use std::ops::Range;

use rayon::prelude::*;

use super::super::error::{DataError, DataResult};
use super::config::{CELL_METRES, COARSE_FACTOR};
use super::random_field::{RandomField, RandomFieldSettings, Spectrum};
use super::smoothing::smooth;
use super::synthetic::Twin;
use crate::base::random::Random;
use crate::grid::{Cell, Field, Mask};

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
        smoothed(&part, sigma_cells)
    }

    /// The coarse analysis: block means of 5 x 5 cells over the sea (land where less than half is sea),
    /// smoothed over coarse cells, with an error that is correlated in space and time, rounded.
    ///
    /// # Errors
    /// [`DataError::Grid`] from the parts of a field.
    pub fn coarse_analysis(&self) -> DataResult<Field> {
        let settings = &self.config.analyses;
        let blocks = smoothed(&block_means(&self.truth)?, settings.coarse_smoothing_cells)?;
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
        let fine = smoothed(&self.truth, settings.fine_smoothing_cells)?;
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

fn smoothed(field: &Field, sigma_cells: f64) -> DataResult<Field> {
    let [frames, rows, columns] = field.shape();
    let values: Vec<f32> = (0..frames)
        .into_par_iter()
        .flat_map_iter(|t| {
            let valid: Vec<bool> = field.frame_mask(t).iter().map(|c| c.is_valid()).collect();
            smooth(field.frame(t), &valid, rows, columns, sigma_cells)
        })
        .collect();
    Ok(field.with_values(values, field.mask().clone())?)
}

fn block_means(field: &Field) -> DataResult<Field> {
    let (latitude, longitude) = (field.latitude().coarsen(COARSE_FACTOR)?, field.longitude().coarsen(COARSE_FACTOR)?);
    let columns = field.longitude().len();
    let (mut values, mut cells) = (Vec::new(), Vec::new());
    for t in 0..field.frames() {
        let (frame, mask) = (field.frame(t), field.frame_mask(t));
        for y in 0..latitude.len() {
            for x in 0..longitude.len() {
                let (mut sum, mut count) = (0.0f64, 0usize);
                for v in y * COARSE_FACTOR..(y + 1) * COARSE_FACTOR {
                    for u in x * COARSE_FACTOR..(x + 1) * COARSE_FACTOR {
                        if mask[v * columns + u].is_valid() {
                            sum += f64::from(frame[v * columns + u]);
                            count += 1;
                        }
                    }
                }
                let sea = count as f64 >= SEA_SHARE * (COARSE_FACTOR * COARSE_FACTOR) as f64;
                values.push(if sea { (sum / count as f64) as f32 } else { 0.0 });
                cells.push(if sea { Cell::Valid } else { Cell::Land });
            }
        }
    }
    let mut coarse =
        Field::new(field.name(), values, Mask::from_cells(cells), field.time().clone(), latitude, longitude, field.unit())?;
    for (key, value) in field.attributes() {
        coarse = coarse.with_attribute(key, value);
    }
    Ok(coarse)
}
