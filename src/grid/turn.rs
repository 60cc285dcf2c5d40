//! Turning a grid so that its coordinates ascend, in place.

use super::axis::{Axis, Direction};
use super::error::GridResult;

/// Makes an axis ascending; was it descending?
pub(super) fn ascend(axis: &mut Axis) -> GridResult<bool> {
    let descending = axis.direction() == Direction::Descending;
    if descending {
        *axis = Axis::new(axis.kind(), axis.centres().iter().rev().copied().collect())?;
    }
    Ok(descending)
}

/// Turns the rows of each frame upside down and each row back to front, as asked.
pub(crate) fn turn<T>(cells: &mut [T], rows: usize, columns: usize, turn_rows: bool, turn_columns: bool) {
    for frame in cells.chunks_exact_mut(rows * columns) {
        if turn_rows {
            for y in 0..rows / 2 {
                let (upper, lower) = frame.split_at_mut((rows - 1 - y) * columns);
                upper[y * columns..(y + 1) * columns].swap_with_slice(&mut lower[..columns]);
            }
        }
        if turn_columns {
            frame.chunks_exact_mut(columns).for_each(<[T]>::reverse);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::axis::AxisKind;
    use super::*;

    #[test]
    fn rows_and_columns_of_two_frames() {
        let start: Vec<u8> = (1..=12).collect(); // two frames of three rows and two columns
        let turned = |rows: bool, columns: bool| {
            let mut cells = start.clone();
            turn(&mut cells, 3, 2, rows, columns);
            cells
        };
        assert_eq!(turned(true, false), [5, 6, 3, 4, 1, 2, 11, 12, 9, 10, 7, 8]);
        assert_eq!(turned(false, true), [2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11]);
        assert_eq!(turned(true, true), [6, 5, 4, 3, 2, 1, 12, 11, 10, 9, 8, 7]);
        assert_eq!(turned(false, false), start);
    }

    #[test]
    fn only_a_descending_axis_changes() {
        let mut axis = Axis::new(AxisKind::Latitude, vec![3.0, 2.0, 1.0]).unwrap();
        assert!(ascend(&mut axis).unwrap());
        assert_eq!(axis.centres(), &[1.0, 2.0, 3.0]);
        assert!(!ascend(&mut axis).unwrap());
    }
}
