//! Separable filters as plans: for each output cell of an axis, which input cells and with what weights.
//!
//! A plan is made once for an axis and used for every row and frame, so that kernels are never evaluated
//! in the inner loop.

use rayon::prelude::*;

use super::edge::Edge;
use super::error::{GridError, GridResult};
use super::kernel::Kernel;
use super::plane::Sample;
use super::spline::spline_coefficients;
use crate::base::vector::{Work, widest};

/// Rows are shared out among threads in parts of at least this many numbers: below it, handing a part over costs
/// more than it saves (a training tile stays on the thread that asks for it).
const NUMBERS_PER_PART: usize = 1 << 14;
/// Columns that are summed side by side.
const LANES: usize = 16;

/// Taps of every output cell of one axis.
pub(crate) struct AxisPlan {
    /// Taps of output cell `i` are `bounds[i]..bounds[i + 1]`.
    bounds: Vec<usize>,
    indices: Vec<usize>,
    weights: Vec<f64>,
    /// Where the taps apply to B-spline coefficients, not values: the rule that closes their ends.
    spline: Option<Edge>,
}

/// How the positions of one axis are mapped on those of another length.
#[derive(Clone, Copy)]
pub(crate) struct AxisRule {
    pub kernel: Kernel,
    pub edge: Edge,
    pub align_corners: bool,
    pub antialias: bool,
}

impl AxisPlan {
    fn with_capacity(cells: usize, taps: usize) -> AxisPlan {
        let mut bounds = Vec::with_capacity(cells + 1);
        bounds.push(0);
        AxisPlan { bounds, indices: Vec::with_capacity(taps), weights: Vec::with_capacity(taps), spline: None }
    }

    /// Adds an output cell: its taps folded at the edge, those without weight left out, the rest summing to one.
    fn push(&mut self, taps: impl Iterator<Item = (isize, f64)>, length: usize, edge: Edge) {
        let start = self.weights.len();
        for (position, weight) in taps {
            if let (Some(index), true) = (edge.fold(position, length), weight != 0.0) {
                self.indices.push(index);
                self.weights.push(weight);
            }
        }
        let sum: f64 = self.weights[start..].iter().sum();
        if sum != 0.0 {
            self.weights[start..].iter_mut().for_each(|w| *w /= sum);
        }
        self.bounds.push(self.weights.len());
    }

    /// From `input` to `output` cells.
    ///
    /// # Errors
    /// [`GridError::Argument`] where a spline is asked for with an edge rule that it cannot be closed by.
    pub fn resize(input: usize, output: usize, rule: AxisRule) -> GridResult<AxisPlan> {
        let AxisRule { kernel, edge, align_corners, antialias } = rule;
        let spline = kernel == Kernel::Spline3;
        if spline && !matches!(edge, Edge::Mirror | Edge::Reflect) {
            return Err(GridError::Argument(format!(
                "a cubic spline cannot be closed by the edge rule {edge:?}; use mirror or reflect, or a cubic kernel"
            )));
        }
        let ratio = input as f64 / output.max(1) as f64;
        let stretch = if antialias { ratio.max(1.0) } else { 1.0 };
        let support = kernel.support() * stretch;
        let mut plan = AxisPlan::with_capacity(output, output * (2.0 * support + 1.0) as usize);
        plan.spline = spline.then_some(edge);
        let mut summed = 0.5 * ratio;
        for cell in 0..output {
            let position = if align_corners {
                if output > 1 { cell as f64 * (input as f64 - 1.0) / (output as f64 - 1.0) } else { 0.0 }
            } else {
                (cell as f64 + 0.5) * ratio - 0.5
            };
            if kernel == Kernel::NearestSummed {
                plan.push(std::iter::once((summed as isize, 1.0)), input, Edge::Clamp);
                summed += ratio;
                continue;
            }
            if kernel == Kernel::Nearest {
                // In whole numbers where possible, so that no rounding moves a cell.
                let nearest = if align_corners { position.round() as usize } else { (2 * cell + 1) * input / (2 * output) };
                plan.push(std::iter::once((nearest as isize, 1.0)), input, Edge::Clamp);
                continue;
            }
            let first = (position - support).ceil() as isize;
            let last = (position + support).floor() as isize;
            plan.push((first..=last).map(|i| (i, kernel.weight((i as f64 - position) / stretch))), input, edge);
        }
        Ok(plan)
    }

    /// Convolution of `length` cells with an odd `kernel` centred on each.
    pub fn convolution(length: usize, kernel: &[f64], edge: Edge) -> AxisPlan {
        let radius = (kernel.len() / 2) as isize;
        let mut plan = AxisPlan::with_capacity(length, length * kernel.len());
        for cell in 0..length as isize {
            plan.push(kernel.iter().enumerate().map(|(k, w)| (cell + k as isize - radius, *w)), length, edge);
        }
        plan
    }

    /// Number of output cells.
    pub fn len(&self) -> usize {
        self.bounds.len() - 1
    }

    /// The output cells of one line.
    fn gather(&self, line: &[f64], out: &mut [f64]) {
        for (bounds, value) in self.bounds.windows(2).zip(out) {
            let range = bounds[0]..bounds[1];
            let taps = self.indices[range.clone()].iter().zip(&self.weights[range]);
            *value = taps.fold(0.0, |sum, (i, weight)| sum + weight * line[*i]);
        }
    }

    /// One output row from the rows of a plane as wide as `out`: a group of columns at a time with all its taps, so that
    /// its sums stay in registers.
    #[inline(always)]
    fn combine<T: Sample>(&self, cell: usize, plane: &[f64], out: &mut [T]) {
        let columns = out.len();
        for (group, out) in out.chunks_mut(LANES).enumerate() {
            let start = group * LANES;
            let mut sums = [0.0; LANES];
            for (i, weight) in self.taps(cell) {
                let row = &plane[i * columns + start..i * columns + start + out.len()];
                if let Some(row) = row.first_chunk::<LANES>() {
                    (0..LANES).for_each(|lane| sums[lane] += weight * row[lane]);
                } else {
                    sums.iter_mut().zip(row).for_each(|(sum, v)| *sum += weight * v);
                }
            }
            out.iter_mut().zip(sums).for_each(|(out, sum)| *out = T::from_f64(sum));
        }
    }

    #[inline(always)]
    fn taps(&self, cell: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let range = self.bounds[cell]..self.bounds[cell + 1];
        self.indices[range.clone()].iter().copied().zip(self.weights[range].iter().copied())
    }
}

/// One output row on its way.
struct OutputRow<'a, T> {
    plan: &'a AxisPlan,
    cell: usize,
    plane: &'a [f64],
    out: &'a mut [T],
}

impl<T: Sample> Work for OutputRow<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.plan.combine(self.cell, self.plane, self.out);
    }
}

/// Filters a plane of `columns` columns: along its rows by `horizontal`, then down its columns by `vertical`.
///
/// Each output number is one sum in a fixed order, so the result does not depend on the number of threads.
pub(crate) fn apply<T: Sample>(values: &[T], columns: usize, vertical: &AxisPlan, horizontal: &AxisPlan) -> Vec<T> {
    let (rows_out, columns_out) = (vertical.len(), horizontal.len());
    if values.is_empty() || rows_out == 0 || columns_out == 0 {
        return vec![T::default(); rows_out * columns_out];
    }
    let rows = values.len() / columns;
    let rows_per_part = (NUMBERS_PER_PART / columns_out).max(1);
    let mut between = vec![0.0_f64; rows * columns_out];
    between.par_chunks_mut(columns_out).zip(values.par_chunks(columns)).with_min_len(rows_per_part).for_each_init(
        || vec![0.0_f64; columns],
        |line, (out, row)| {
            line.iter_mut().zip(row).for_each(|(to, from)| *to = from.to_f64());
            if let Some(edge) = horizontal.spline {
                spline_coefficients(line, columns, 1, edge);
            }
            horizontal.gather(line, out);
        },
    );
    if let Some(edge) = vertical.spline {
        spline_coefficients(&mut between, rows, columns_out, edge);
    }
    let mut result = vec![T::default(); rows_out * columns_out];
    result.par_chunks_mut(columns_out).enumerate().with_min_len(rows_per_part).for_each(|(y, out)| {
        widest(OutputRow { plan: vertical, cell: y, plane: &between, out });
    });
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_convolution_by_hand_for_each_edge() {
        // kernel 1 2 1 (over 4) on 4 0 8: the first cell is (left + 2*4 + 0)/4
        let vertical = AxisPlan::convolution(1, &[1.0], Edge::Clamp);
        for (edge, first) in
            [(Edge::Clamp, 3.0), (Edge::Mirror, 2.0), (Edge::Reflect, 3.0), (Edge::Wrap, 4.0), (Edge::Drop, 8.0 / 3.0)]
        {
            let horizontal = AxisPlan::convolution(3, &[1.0, 2.0, 1.0], edge);
            let got: Vec<f64> = apply(&[4.0, 0.0, 8.0], 3, &vertical, &horizontal);
            assert!((got[0] - first).abs() < 1e-15, "{edge:?}: {}", got[0]);
            assert!((got[1] - 3.0).abs() < 1e-15);
        }
    }

    #[test]
    fn a_spline_without_a_closed_end_is_refused() {
        let rule = AxisRule { kernel: Kernel::Spline3, edge: Edge::Clamp, align_corners: false, antialias: false };
        assert!(AxisPlan::resize(4, 8, rule).is_err());
    }
}
