//! Sequences brought to the range of the networks, from what is visible alone.

use crate::grid::Field;
use crate::methods::error::{MethodError, MethodResult};

/// Standard deviations that the range of the network's output holds.
const DEVIATIONS: f64 = 3.0;
/// A sequence flatter than this is divided by this, in its unit.
const LEAST_DEVIATION: f64 = 1e-3;

/// The shift and scale of one sequence: normalised = (value - mean) / (3 deviation).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SequenceScale {
    /// Mean of the visible cells.
    pub mean: f64,
    /// Their (unbiased) standard deviation.
    pub deviation: f64,
}

impl SequenceScale {
    /// Of the valid cells of a field. What clouds hide has no part in it.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where fewer than two cells are valid.
    ///
    /// # Departures
    /// The published program takes both from the whole clean sequence, which tells the network what it should not know.
    pub fn of_visible(field: &Field) -> MethodResult<SequenceScale> {
        let visible =
            || field.values().iter().zip(field.mask().cells()).filter(|(_, c)| c.is_valid()).map(|(v, _)| f64::from(*v));
        let n = visible().count();
        if n < 2 {
            return Err(MethodError::Argument(format!("a sequence with {n} visible cells has no scale; 2 or more are wanted")));
        }
        let mean = visible().sum::<f64>() / n as f64;
        let variance = visible().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1) as f64;
        Ok(SequenceScale { mean, deviation: variance.sqrt().max(LEAST_DEVIATION) })
    }

    /// A value in the range of the networks.
    pub fn normalised(&self, value: f32) -> f32 {
        ((f64::from(value) - self.mean) / (DEVIATIONS * self.deviation)) as f32
    }

    /// A value of the networks in the unit of the field.
    pub fn restored(&self, value: f32) -> f32 {
        (f64::from(value) * DEVIATIONS * self.deviation + self.mean) as f32
    }

    /// A difference of the networks' values in the unit of the field.
    pub fn restored_difference(&self, value: f32) -> f32 {
        (f64::from(value) * DEVIATIONS * self.deviation) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Axis, AxisKind, Cell, Mask, TimeAxis, Unit};

    #[test]
    fn hidden_cells_have_no_part_in_it() {
        let axis = |kind, n| Axis::regular(kind, 0.5, 1.0, n).unwrap();
        let field = |poison: f32, cells: Vec<Cell>| {
            let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
            let values = vec![1.0, 3.0, poison, 5.0];
            let mask = Mask::from_cells(cells);
            Field::new("sst", values, mask, time, axis(AxisKind::Latitude, 2), axis(AxisKind::Longitude, 2), Unit::Celsius)
                .unwrap()
        };
        let cells = vec![Cell::Valid, Cell::Valid, Cell::Cloud, Cell::Valid];
        let scale = SequenceScale::of_visible(&field(1e9, cells.clone())).unwrap();
        assert_eq!(scale, SequenceScale { mean: 3.0, deviation: 2.0 });
        assert_eq!(scale, SequenceScale::of_visible(&field(f32::NAN, cells)).unwrap());
        assert_eq!((scale.normalised(9.0), scale.restored(1.0), scale.restored_difference(0.5)), (1.0, 9.0, 3.0));
        let one = vec![Cell::Valid, Cell::Land, Cell::Cloud, Cell::Cloud];
        assert!(SequenceScale::of_visible(&field(0.0, one)).unwrap_err().to_string().contains("1 visible"));
    }
}
