//! A sequence with gaps as the fillers see it: numbers, what is observed, and what may be filled at all.

use std::collections::VecDeque;

use crate::grid::{Cell, Field};
use crate::methods::error::{MethodError, MethodResult};

/// Frames of values in double precision with what is observed.
#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    /// Frames, rows, columns.
    pub shape: [usize; 3],
    /// Do the columns go around the globe?
    pub wrap: bool,
    /// The instants, seconds.
    pub seconds: Vec<f64>,
    /// The values; 0 where not observed.
    pub values: Vec<f64>,
    /// Which cells carry a value.
    pub observed: Vec<bool>,
    /// Which cells are of the sea without ice: observed, or to be filled.
    pub sea: Vec<bool>,
}

/// What a filler found: a value wherever `known`.
#[derive(Clone, Debug)]
pub(crate) struct Solution {
    /// Values in the sequence's order; 0 where not known.
    pub values: Vec<f64>,
    /// Observed or filled.
    pub known: Vec<bool>,
}

impl Sequence {
    /// The sequence of a field. Land and ice are kept out; cloud and missing cells are gaps.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where no cell is observed.
    pub fn new(field: &Field) -> MethodResult<Sequence> {
        if field.mask().count_valid() == 0 {
            return Err(MethodError::Argument(format!(
                "the field '{}' has no observed cell in {} frames; at least one is wanted",
                field.name(),
                field.frames()
            )));
        }
        let cells = field.mask().cells();
        Ok(Sequence {
            shape: field.shape(),
            wrap: field.longitude().wraps(),
            seconds: field.time().seconds().to_vec(),
            values: field.values().iter().map(|v| f64::from(*v)).collect(),
            observed: cells.iter().map(|c| c.is_valid()).collect(),
            sea: cells.iter().map(|c| !matches!(c, Cell::Land | Cell::Ice)).collect(),
        })
    }

    /// Cells of one frame.
    pub fn frame_len(&self) -> usize {
        self.shape[1] * self.shape[2]
    }

    /// Observed cells of each frame.
    pub fn observed_per_frame(&self) -> Vec<usize> {
        self.observed.chunks(self.frame_len()).map(|frame| frame.iter().filter(|o| **o).count()).collect()
    }

    /// The same sequence with the cells of `hidden` no longer observed.
    pub fn hiding(&self, hidden: &[usize]) -> Sequence {
        let mut rest = self.clone();
        for i in hidden {
            rest.observed[*i] = false;
            rest.values[*i] = 0.0;
        }
        rest
    }

    /// The observed cells alone, as a solution.
    pub fn solution(&self) -> Solution {
        Solution { values: self.values.clone(), known: self.observed.clone() }
    }

    /// Steps from each sea cell to the nearest cell of `from` through the sea, along rows, columns and, where `through_time`,
    /// frames; `None` for a cell that no such way reaches.
    pub fn steps_from(&self, from: &[bool], through_time: bool) -> Vec<Option<u32>> {
        let mut steps: Vec<Option<u32>> = from.iter().map(|f| f.then_some(0)).collect();
        let mut queue: VecDeque<usize> = (0..from.len()).filter(|i| from[*i]).collect();
        while let Some(cell) = queue.pop_front() {
            let next = steps[cell].map(|s| s + 1);
            for neighbour in self.neighbours(cell, through_time).into_iter().flatten() {
                if self.sea[neighbour] && steps[neighbour].is_none() {
                    steps[neighbour] = next;
                    queue.push_back(neighbour);
                }
            }
        }
        steps
    }

    /// The cells beside, above and below, and before and after.
    fn neighbours(&self, cell: usize, through_time: bool) -> [Option<usize>; 6] {
        let [frames, rows, columns] = self.shape;
        let (t, y, x) = (cell / (rows * columns), cell / columns % rows, cell % columns);
        let around = self.wrap && columns > 2;
        [
            if x > 0 { Some(cell - 1) } else { around.then(|| cell + columns - 1) },
            if x + 1 < columns { Some(cell + 1) } else { around.then(|| cell + 1 - columns) },
            (y > 0).then(|| cell - columns),
            (y + 1 < rows).then(|| cell + columns),
            (through_time && t > 0).then(|| cell - rows * columns),
            (through_time && t + 1 < frames).then(|| cell + rows * columns),
        ]
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A sequence of daily frames from values, `None` for a gap.
    pub(crate) fn sequence(shape: [usize; 3], values: Vec<Option<f64>>) -> Sequence {
        Sequence {
            shape,
            wrap: false,
            seconds: (0..shape[0]).map(|t| t as f64 * 86_400.0).collect(),
            observed: values.iter().map(Option::is_some).collect(),
            sea: vec![true; values.len()],
            values: values.into_iter().map(|v| v.unwrap_or(0.0)).collect(),
        }
    }

    #[test]
    fn steps_go_around_land_and_through_time_where_allowed() {
        let mut two = sequence([2, 1, 5], (0..10).map(|i| (i == 0).then_some(1.0)).collect());
        two.sea[2] = false;
        let here = two.steps_from(&two.observed, false);
        assert_eq!(here[..5], [Some(0), Some(1), None, None, None]);
        assert_eq!(here[5..], [None; 5]);
        let both = two.steps_from(&two.observed, true);
        // over the other frame: up, along it, and down again
        assert_eq!(both, [Some(0), Some(1), None, Some(5), Some(6), Some(1), Some(2), Some(3), Some(4), Some(5)]);
        two.wrap = true;
        assert_eq!(two.steps_from(&two.observed, false)[4], Some(1));
    }
}
