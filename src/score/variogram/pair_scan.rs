//! Going through all pairs of a cloud, a block of rows at a time: memory does not grow with the number of pairs.

use std::ops::Range;

use rayon::prelude::*;

use super::cloud::{PointCloud, PointDistance};
use super::direction::LagDirection;
use super::lookup::BinLookup;

/// Pairs whose distances are computed at once, so that the compiler can use vector instructions.
const CHUNK: usize = 256;
/// Tasks at most; their borders depend on the number of points only, and so no sum on the number of threads.
const TASKS: usize = 64;

/// The pairs of a cloud, each once, with the slot that a lookup gives their distance.
///
/// The second point of a pair is the one farther east (on the sphere farther north), whatever the order of the input.
pub(super) struct PairScan<'a> {
    cloud: &'a PointCloud,
    lookup: BinLookup,
    direction: Option<LagDirection>,
    reach: f64,
}

impl PairScan<'_> {
    pub(super) fn new(cloud: &PointCloud, lookup: BinLookup, direction: Option<LagDirection>) -> PairScan<'_> {
        // A little more, for the rounding of the root.
        let reach = lookup.largest().sqrt() * (1.0 + 1e-12);
        PairScan { cloud, lookup, direction, reach }
    }

    /// Slots of the lookup: before the first bin, the bins, beyond the last.
    pub(super) fn slots(&self) -> usize {
        self.lookup.slots()
    }

    /// The rows of each task.
    fn tasks(&self) -> Vec<Range<usize>> {
        let n = self.cloud.len();
        let rows = n.div_ceil(TASKS).max(64);
        (0..n).step_by(rows).map(|start| start..(start + rows).min(n)).collect()
    }

    /// For each slot the number of pairs and the sum of `of(increment)` over them.
    pub(super) fn sums(&self, of: impl Fn(f64) -> f64 + Sync) -> Vec<[f64; 2]> {
        let parts: Vec<Vec<[f64; 2]>> = self
            .tasks()
            .into_par_iter()
            .map(|rows| {
                // Two sets taken in turn: adjacent pairs often fall into one slot, and need not wait for each other.
                let mut sets = [vec![[0.0; 2]; self.slots()], vec![[0.0; 2]; self.slots()]];
                self.visit(rows, |turn, slot, increment, _| {
                    let cell = &mut sets[turn & 1][slot];
                    cell[0] += 1.0;
                    cell[1] += of(increment);
                });
                let [mut first, second] = sets;
                add(&mut first, &second);
                first
            })
            .collect();
        let mut total = vec![[0.0; 2]; self.slots()];
        parts.iter().for_each(|part| add(&mut total, part));
        total
    }

    /// For each task and slot the number of pairs.
    pub(super) fn counts(&self) -> Vec<Vec<usize>> {
        self.tasks()
            .into_par_iter()
            .map(|rows| {
                let mut counts = vec![0; self.slots()];
                self.visit(rows, |_, slot, _, _| counts[slot] += 1);
                counts
            })
            .collect()
    }

    /// What `of(increment, squared distance)` gives for each pair of the slots `wanted`, slot by slot; `counts` are those
    /// of [`PairScan::counts`]. The place of each pair is known beforehand, so that nothing is kept twice.
    pub(super) fn collect(
        &self,
        wanted: Range<usize>,
        counts: &[Vec<usize>],
        of: impl Fn(f64, f64) -> f64 + Sync,
    ) -> Vec<Vec<f64>> {
        let mut gathered: Vec<Vec<f64>> =
            wanted.clone().map(|slot| vec![0.0; counts.iter().map(|task| task[slot]).sum()]).collect();
        let mut places: Vec<Vec<&mut [f64]>> = counts.iter().map(|_| Vec::with_capacity(wanted.len())).collect();
        for (slot, buffer) in wanted.clone().zip(&mut gathered) {
            let mut rest = buffer.as_mut_slice();
            for (task, place) in counts.iter().zip(&mut places) {
                let (own, others) = rest.split_at_mut(task[slot]);
                place.push(own);
                rest = others;
            }
        }
        self.tasks().into_par_iter().zip(places).for_each(|(rows, mut places)| {
            let mut filled = vec![0; wanted.len()];
            self.visit(rows, |_, slot, increment, square| {
                if wanted.contains(&slot) {
                    let k = slot - wanted.start;
                    places[k][filled[k]] = of(increment, square);
                    filled[k] += 1;
                }
            });
        });
        gathered
    }

    /// Calls `with(turn, slot, increment, squared distance)` for each pair whose first point is among `rows`.
    #[inline(always)]
    fn visit(&self, rows: Range<usize>, mut with: impl FnMut(usize, usize, f64, f64)) {
        let [first, second, third] = &self.cloud.coordinates;
        let values = &self.cloud.values;
        let flat = self.cloud.distance == PointDistance::Planar;
        let (mut squares, mut increments) = ([0.0; CHUNK], [0.0; CHUNK]);
        for i in rows {
            let (a, b, c, z) = (first[i], second[i], third[i], values[i]);
            let end = i + 1 + first[i + 1..].partition_point(|v| v - a <= self.reach);
            for start in (i + 1..end).step_by(CHUNK) {
                let part = start..(start + CHUNK).min(end);
                let count = part.len();
                let (square, increment) = (&mut squares[..count], &mut increments[..count]);
                let (x, y) = (&first[part.clone()], &second[part.clone()]);
                for k in 0..count {
                    let (dx, dy) = (x[k] - a, y[k] - b);
                    square[k] = dx * dx + dy * dy;
                }
                if !flat {
                    let w = &third[part.clone()];
                    for k in 0..count {
                        square[k] += (w[k] - c) * (w[k] - c);
                    }
                }
                let other = &values[part];
                for k in 0..count {
                    increment[k] = other[k] - z;
                }
                if let Some(direction) = self.direction {
                    for k in 0..count {
                        if !direction.takes(x[k] - a, y[k] - b) {
                            square[k] = f64::MAX;
                        }
                    }
                }
                for k in 0..count {
                    with(k, self.lookup.slot(square[k]), increment[k], square[k]);
                }
            }
        }
    }
}

fn add(to: &mut [[f64; 2]], from: &[[f64; 2]]) {
    for (to, from) in to.iter_mut().zip(from) {
        to[0] += from[0];
        to[1] += from[1];
    }
}
