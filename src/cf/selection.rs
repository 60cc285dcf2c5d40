//! The part of a grid that is read: a box of degrees, and the rows and columns that lie in it.

use std::ops::Range;

use crate::grid::{Axis, Direction};

/// Slack in degrees for centres that lie on the border of a box: files store coordinates as f32.
const BORDER_DEGREES: f64 = 1e-4;

/// A box in degrees. It may cross the date line: `west` 170, `east` 190 (or -170).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundingBox {
    /// Southern border, degrees north.
    pub south: f64,
    /// Northern border, degrees north.
    pub north: f64,
    /// Western border, degrees east.
    pub west: f64,
    /// Eastern border, degrees east; a border west of `west` means 360 degrees further.
    pub east: f64,
}

/// A run of columns, and the whole turns of 360 degrees to add to their longitudes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Run {
    pub columns: Range<usize>,
    pub turn: f64,
}

/// The rows whose centres lie in the box; empty where none does.
pub(super) fn rows(axis: &Axis, area: &BoundingBox) -> Range<usize> {
    let inside = |c: f64| c >= area.south - BORDER_DEGREES && c <= area.north + BORDER_DEGREES;
    let first = axis.centres().iter().position(|c| inside(*c));
    let last = axis.centres().iter().rposition(|c| inside(*c));
    first.zip(last).map_or(0..0, |(a, b)| a..b + 1)
}

/// The columns whose centres lie in the box, in runs that follow each other from west to east (east to
/// west on a descending axis), with longitudes as the box counts them.
pub(super) fn columns(axis: &Axis, area: &BoundingBox) -> Vec<Run> {
    let mut width = area.east - area.west;
    if width <= 0.0 {
        width += 360.0;
    }
    // A box of the whole globe ends before it meets its own west border again.
    let reach = if width >= 360.0 { 360.0 - BORDER_DEGREES } else { width + BORDER_DEGREES };
    let turn_of = |c: f64| {
        let turn = -360.0 * ((c - area.west + BORDER_DEGREES) / 360.0).floor();
        (c + turn - area.west < reach).then_some(turn)
    };
    let mut runs: Vec<Run> = Vec::new();
    for (column, centre) in axis.centres().iter().enumerate() {
        let Some(turn) = turn_of(*centre) else { continue };
        match runs.last_mut() {
            Some(run) if run.columns.end == column && run.turn == turn => run.columns.end += 1,
            _ => runs.push(Run { columns: column..column + 1, turn }),
        }
    }
    runs.sort_by(|a, b| {
        let first = |run: &Run| axis.centres()[run.columns.start] + run.turn;
        first(a).total_cmp(&first(b))
    });
    if axis.direction() == Direction::Descending {
        runs.reverse();
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::AxisKind;

    fn globe() -> Axis {
        Axis::regular(AxisKind::Longitude, 0.5, 1.0, 360).unwrap()
    }

    fn area(west: f64, east: f64) -> BoundingBox {
        BoundingBox { south: -1.0, north: 1.0, west, east }
    }

    #[test]
    fn a_box_across_greenwich_takes_two_runs() {
        let runs = columns(&globe(), &area(-2.0, 3.0));
        assert_eq!(runs, vec![Run { columns: 358..360, turn: -360.0 }, Run { columns: 0..3, turn: 0.0 }]);
    }

    #[test]
    fn a_box_across_the_date_line_takes_one_run_of_a_0_360_axis() {
        assert_eq!(columns(&globe(), &area(170.0, -170.0)), vec![Run { columns: 170..190, turn: 0.0 }]);
    }

    #[test]
    fn the_whole_globe_is_taken_once() {
        let taken: usize = columns(&globe(), &area(-180.0, 180.0)).iter().map(|r| r.columns.len()).sum();
        assert_eq!(taken, 360);
    }

    #[test]
    fn rows_of_a_descending_axis() {
        let axis = Axis::regular(AxisKind::Latitude, 2.5, -1.0, 6).unwrap();
        assert_eq!(rows(&axis, &area(0.0, 1.0)), 2..4);
        assert!(rows(&axis, &BoundingBox { south: 50.0, north: 60.0, west: 0.0, east: 1.0 }).is_empty());
    }
}
