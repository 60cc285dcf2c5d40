//! What comes out of a fill: the field, its error estimate, and what was done to each cell.

use super::sequence::{Sequence, Solution};
use crate::grid::{Cell, Field, Mask};
use crate::methods::error::MethodResult;

/// What was done to a cell. The number is the one written to files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FillStatus {
    /// Land: no value, before and after.
    Land = 0,
    /// Observed: the value is the input's, bit for bit.
    Observed = 1,
    /// Filled, with observed cells in the same frame.
    Filled = 2,
    /// No value: ice, or a gap that the method does not fill.
    NotFilled = 3,
    /// Filled from other frames alone: nothing was observed in this one.
    FilledInEmptyFrame = 4,
}

impl FillStatus {
    /// Each status with its word for `flag_meanings`.
    pub const MEANINGS: [(FillStatus, &'static str); 5] = [
        (FillStatus::Land, "land"),
        (FillStatus::Observed, "observed"),
        (FillStatus::Filled, "filled"),
        (FillStatus::NotFilled, "not_filled"),
        (FillStatus::FilledInEmptyFrame, "filled_in_frame_without_observation"),
    ];

    /// Did the fill make the value?
    pub fn is_filled(self) -> bool {
        matches!(self, FillStatus::Filled | FillStatus::FilledInEmptyFrame)
    }
}

/// A filled sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Filled {
    /// The field: observed cells as they came, filled ones beside them, the rest masked as before.
    pub field: Field,
    /// Standard deviation of the error, in the unit of differences; 0 where observed. Absent where the sequence is too small
    /// to estimate one.
    pub error: Option<Field>,
    /// What was done to each cell, in the order of the values.
    pub status: Vec<FillStatus>,
    /// What the method settled on (`12 modes`, `scales of 80 km and 3.1 days`), for people to read.
    pub note: String,
}

impl Filled {
    /// From the solution of a method for the sequence of `field`.
    pub(crate) fn new(
        field: &Field,
        sequence: &Sequence,
        solution: &Solution,
        error: Option<Vec<f64>>,
        note: String,
    ) -> MethodResult<Filled> {
        let per_frame = sequence.observed_per_frame();
        let status: Vec<FillStatus> = field
            .mask()
            .cells()
            .iter()
            .enumerate()
            .map(|(i, cell)| match cell {
                Cell::Valid => FillStatus::Observed,
                Cell::Land => FillStatus::Land,
                // A value too large for single precision is none.
                _ if !solution.known[i] || !(solution.values[i] as f32).is_finite() => FillStatus::NotFilled,
                _ if per_frame[i / sequence.frame_len()] == 0 => FillStatus::FilledInEmptyFrame,
                _ => FillStatus::Filled,
            })
            .collect();
        let mut values = field.values().to_vec();
        let mut cells = field.mask().cells().to_vec();
        for (i, status) in status.iter().enumerate().filter(|(_, s)| s.is_filled()) {
            values[i] = solution.values[i] as f32;
            cells[i] = Cell::Valid;
            debug_assert!(status.is_filled());
        }
        let mask = Mask::from_cells(cells);
        let error = error
            .map(|error| -> MethodResult<Field> {
                let values = error.iter().zip(&status).map(|(e, s)| if s.is_filled() { *e as f32 } else { 0.0 }).collect();
                let (latitude, longitude) = (field.latitude().clone(), field.longitude().clone());
                let name = format!("{}_error", field.name());
                let unit = field.unit().difference();
                let made = Field::new(name, values, mask.clone(), field.time().clone(), latitude, longitude, unit)?;
                Ok(made.with_attribute("long_name", format!("standard deviation of the error of the filled {}", field.name())))
            })
            .transpose()?;
        Ok(Filled { field: field.with_values(values, mask)?, error, status, note })
    }

    /// Number of cells of each status, in the order of [`FillStatus::MEANINGS`].
    pub fn counts(&self) -> [usize; 5] {
        let mut counts = [0; 5];
        self.status.iter().for_each(|s| counts[*s as usize] += 1);
        counts
    }
}
