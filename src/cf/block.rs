//! The part of a variable that a field needs, read piece by piece and put into (time, latitude,
//! longitude) order.

use std::ops::Range;

use super::axes::Layout;
use super::dataset::{Dataset, Variable};
use super::decode::Decoding;
use super::error::CfResult;
use super::raw::Raw;
use super::selection::Run;
use crate::grid::Cell;

/// Values decoded at a time, at most (unless one row has more): they take nine bytes each on the way.
pub(super) const VALUES_AT_A_TIME: usize = 1 << 22;

/// The part of a variable to read.
pub(super) struct Block<'a> {
    pub dataset: &'a Dataset,
    pub facts: &'a Variable,
    pub layout: &'a Layout,
    pub level: usize,
    pub rows: Range<usize>,
    pub runs: &'a [Run],
    pub values_at_a_time: usize,
}

/// `range` in pieces of at most `length`.
fn pieces(range: &Range<usize>, length: usize) -> impl Iterator<Item = Range<usize>> + use<> {
    let (length, end) = (length.max(1), range.end);
    range.clone().step_by(length).map(move |first| first..end.min(first.saturating_add(length)))
}

impl Block<'_> {
    /// Values (converted by `factor * v + offset`) and cells in (time, latitude, longitude) order.
    pub fn read(&self, times: &Range<usize>, decoding: &Decoding, factor: f64, offset: f64) -> CfResult<(Vec<f32>, Vec<Cell>)> {
        let width: usize = self.runs.iter().map(|r| r.columns.len()).sum();
        let height = self.rows.len();
        let frame = height * width;
        let mut values = vec![0f32; times.len() * frame];
        let mut cells = vec![Cell::Missing; values.len()];
        // Large frames are cut across the dimension that varies more slowly in the file.
        let rows_are_slow = self.layout.latitude < self.layout.longitude;
        let rows_at_a_time = if rows_are_slow { self.values_at_a_time / width.max(1) } else { height };
        let columns_at_a_time = if rows_are_slow { width } else { self.values_at_a_time / height.max(1) };
        for some_times in pieces(times, self.values_at_a_time / frame.max(1)) {
            let mut before = 0;
            for run in self.runs {
                for columns in pieces(&run.columns, columns_at_a_time) {
                    for rows in pieces(&self.rows, rows_at_a_time) {
                        let lengths = [some_times.len(), rows.len(), columns.len()];
                        let (decoded, valid) = decoding.apply(&self.raw(&some_times, &rows, &columns)?);
                        let strides = self.strides(lengths);
                        let corner = (some_times.start - times.start) * frame
                            + (rows.start - self.rows.start) * width
                            + before
                            + (columns.start - run.columns.start);
                        for t in 0..lengths[0] {
                            for y in 0..lengths[1] {
                                let to = corner + t * frame + y * width;
                                let from = t * strides[0] + y * strides[1];
                                for x in 0..lengths[2] {
                                    let at = from + x * strides[2];
                                    if valid[at] {
                                        values[to + x] = (factor * decoded[at] + offset) as f32;
                                        cells[to + x] = Cell::Valid;
                                    }
                                }
                            }
                        }
                    }
                }
                before += run.columns.len();
            }
        }
        Ok((values, cells))
    }

    /// A piece as stored, in the order of the file.
    pub fn raw(&self, times: &Range<usize>, rows: &Range<usize>, columns: &Range<usize>) -> CfResult<Raw> {
        self.dataset.raw_slab(&self.facts.name, &self.ranges(times, rows, columns))
    }

    fn ranges(&self, times: &Range<usize>, rows: &Range<usize>, columns: &Range<usize>) -> Vec<Range<usize>> {
        (0..self.facts.shape.len())
            .map(|position| match position {
                p if p == self.layout.latitude => rows.clone(),
                p if p == self.layout.longitude => columns.clone(),
                p if Some(p) == self.layout.time => times.clone(),
                p if self.layout.extra.contains(&p) => self.level..self.level + 1,
                _ => 0..1,
            })
            .collect()
    }

    /// Steps between neighbours in time, latitude and longitude in a block as the file orders it.
    fn strides(&self, lengths: [usize; 3]) -> [usize; 3] {
        let mut strides = [0; 3];
        let mut step = 1;
        for position in (0..self.facts.shape.len()).rev() {
            let axis = match position {
                p if p == self.layout.longitude => 2,
                p if p == self.layout.latitude => 1,
                p if Some(p) == self.layout.time => 0,
                _ => continue,
            };
            strides[axis] = step;
            step *= lengths[axis];
        }
        strides
    }
}

#[cfg(test)]
mod tests {
    use super::super::axes::layout_of;
    use super::super::builder::{Container, write_file};
    use super::super::raw::ElementType;
    use super::*;

    #[test]
    fn pieces_of_any_size_give_the_same_values() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.nc");
        for order in [["time", "lat", "lon"], ["lon", "time", "lat"]] {
            write_file(&path, Container::Netcdf4, |file| {
                for (name, length, units) in
                    [("time", 3, "days since 2000-01-01"), ("lat", 4, "degrees_north"), ("lon", 5, "degrees_east")]
                {
                    file.dimension(name, length)?;
                    file.variable(name, ElementType::F64, &[name])?;
                    file.attribute(Some(name), "units", units)?;
                }
                file.variable("v", ElementType::I32, &order)?;
                file.put("v", &Raw::I32((0..60).collect()))
            })
            .unwrap();
            let dataset = Dataset::open(&path).unwrap();
            let facts = dataset.variable("v").unwrap();
            let layout = layout_of(&dataset, facts).unwrap();
            let decoding = Decoding::of(&dataset, facts).unwrap();
            let runs = [Run { columns: 3..5, turn: 0.0 }, Run { columns: 0..2, turn: 0.0 }];
            // Number of (time, row, column) in file order, and the columns in the order of the runs.
            let stored = |t: usize, y: usize, x: usize| if order[0] == "time" { t * 20 + y * 5 + x } else { x * 12 + t * 4 + y };
            let mut wanted = Vec::new();
            for t in 1..3 {
                for y in 1..4 {
                    wanted.extend([3, 4, 0, 1].map(|x| stored(t, y, x) as f32));
                }
            }
            for values_at_a_time in [1, 3, 4, 7, 12, 1000] {
                let block =
                    Block { dataset: &dataset, facts, layout: &layout, level: 0, rows: 1..4, runs: &runs, values_at_a_time };
                let (values, cells) = block.read(&(1..3), &decoding, 1.0, 0.0).unwrap();
                assert_eq!(values, wanted, "{order:?} {values_at_a_time}");
                assert!(cells.iter().all(|c| c.is_valid()));
            }
        }
    }
}
