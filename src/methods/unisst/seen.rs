//! A cloudy sequence in the range of the adversarial networks: what is seen of it, and nothing else.

use super::normalisation::SequenceScale;
use crate::grid::Field;
use crate::methods::baselines::{Sequence, frame_offsets};
use crate::methods::error::MethodResult;

/// What a hidden cell holds for the networks.
pub(super) const HIDDEN: f32 = 1.0;

/// The seen cells of a sequence, brought to the range of the networks.
#[derive(Clone, Debug)]
pub(super) struct SeenSequence {
    /// Frames, rows, columns.
    pub shape: [usize; 3],
    /// Normalised values; [`HIDDEN`] where hidden.
    pub values: Vec<f32>,
    /// 1 where hidden, 0 where seen.
    pub hidden: Vec<f32>,
    /// How to come back.
    pub scale: SequenceScale,
    /// What was taken off each frame before.
    pub offsets: Vec<f64>,
}

impl SeenSequence {
    /// Of the valid cells of a field; where `frame_offsets`, with each frame's offset (the diurnal cycle) taken off first.
    ///
    /// # Errors
    /// [`MethodError::Argument`](crate::methods::MethodError::Argument) where fewer than two cells are seen.
    pub fn new(field: &Field, without_offsets: bool) -> MethodResult<SeenSequence> {
        let pixels = field.frame_len();
        let offsets = if without_offsets { frame_offsets(&Sequence::new(field)?)? } else { vec![0.0; field.frames()] };
        let bare = |i: usize| (f64::from(field.values()[i]) - offsets[i / pixels]) as f32;
        let values: Vec<f32> = (0..field.values().len()).map(bare).collect();
        let level = field.with_values(values, field.mask().clone())?;
        let scale = SequenceScale::of_visible(&level)?;
        let cells = level.values().iter().zip(level.mask().cells());
        let values = cells.map(|(v, c)| if c.is_valid() { scale.normalised(*v) } else { HIDDEN }).collect();
        let hidden = level.mask().cells().iter().map(|c| f32::from(u8::from(!c.is_valid()))).collect();
        Ok(SeenSequence { shape: field.shape(), values, hidden, scale, offsets })
    }

    /// Values and hidden cells of a part: from `start`, with a given shape.
    pub fn part(&self, start: [usize; 3], shape: [usize; 3]) -> (Vec<f32>, Vec<f32>) {
        let [_, rows, columns] = self.shape;
        let (mut values, mut hidden) = (Vec::new(), Vec::new());
        for t in start[0]..start[0] + shape[0] {
            for y in start[1]..start[1] + shape[1] {
                let row = (t * rows + y) * columns + start[2];
                values.extend_from_slice(&self.values[row..row + shape[2]]);
                hidden.extend_from_slice(&self.hidden[row..row + shape[2]]);
            }
        }
        (values, hidden)
    }

    /// A network's value of a cell in the unit of the field.
    pub fn restored(&self, cell: usize, value: f32) -> f64 {
        f64::from(self.scale.restored(value)) + self.offsets[cell / (self.shape[1] * self.shape[2])]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Axis, AxisKind, Cell, Mask, TimeAxis, Unit};

    fn field() -> Field {
        let axis = |kind, n| Axis::regular(kind, 0.5, 1.0, n).unwrap();
        let time = TimeAxis::from_seconds(vec![0.0, 1.0]).unwrap();
        let values = vec![1.0, 3.0, 77.0, 5.0, 11.0, 13.0, 14.0, 15.0];
        let cells = (0..8).map(|i| if i == 2 { Cell::Cloud } else { Cell::Valid }).collect();
        let (lat, lon) = (axis(AxisKind::Latitude, 2), axis(AxisKind::Longitude, 2));
        Field::new("sst", values, Mask::from_cells(cells), time, lat, lon, Unit::Celsius).unwrap()
    }

    #[test]
    fn there_and_back() {
        for without_offsets in [false, true] {
            let seen = SeenSequence::new(&field(), without_offsets).unwrap();
            assert_eq!((seen.values[2], seen.hidden[2], seen.hidden[3]), (HIDDEN, 1.0, 0.0));
            for i in [0, 1, 3, 4, 7] {
                assert!((seen.restored(i, seen.values[i]) - f64::from(field().values()[i])).abs() < 1e-4);
            }
            // Of the pixels seen twice the second frame is 10 above the first.
            let step = if without_offsets { 10.0 } else { 0.0 };
            assert!((seen.offsets[1] - seen.offsets[0] - step).abs() < 1e-6);
        }
    }

    #[test]
    fn a_part_is_cut_where_it_is_asked_for() {
        let seen = SeenSequence::new(&field(), false).unwrap();
        let (values, hidden) = seen.part([0, 1, 0], [2, 1, 2]);
        assert_eq!(values, [seen.values[2], seen.values[3], seen.values[6], seen.values[7]]);
        assert_eq!(hidden, [1.0, 0.0, 0.0, 0.0]);
    }
}
