//! Knots of a stream function in space and time, and sums of squares over them.

use std::ops::Range;

/// Knots that one cell rests on: in time, along columns, along rows.
const SPAN: [usize; 3] = [2, 4, 4];
/// Neighbours that two knots of one cell can be apart, in each direction.
const REACH: [usize; 3] = [1, 3, 3];
/// Numbers that a row of a [`SquareSum`] holds: from -1 to 1 in time and from -3 to 3 in space.
const ROW: usize = 3 * 7 * 7;

/// The knots, and the weight of each at each frame, row and column.
pub(crate) struct Knots {
    /// Knots in time, along columns and along rows.
    pub shape: [usize; 3],
    cells: [usize; 3],
    /// Of each frame: its first knot and the weights of it and the next.
    frames: Vec<(usize, [f64; 2])>,
    rows: Vec<Spline>,
    columns: Vec<Spline>,
    spacing: f64,
}

/// Of a row or column: its first knot, the weights of four knots, and the slopes of these weights.
struct Spline {
    first: usize,
    weights: [f64; 4],
    slopes: [f64; 4],
}

impl Spline {
    /// # Formula
    /// The uniform cubic B-spline, f the share of the way to the next knot:
    /// ```text
    /// ((1-f)³, 3f³ - 6f² + 4, -3f³ + 3f² + 3f + 1, f³) / 6
    /// ```
    fn new(at: usize, spacing: usize, knots: usize) -> Spline {
        let place = at as f64 / spacing as f64;
        let first = (place as usize).min(knots - 4);
        let f = place - first as f64;
        let (g, f2, f3) = (1.0 - f, f * f, f * f * f);
        Spline {
            first,
            weights: [g * g * g, 3.0 * f3 - 6.0 * f2 + 4.0, -3.0 * f3 + 3.0 * f2 + 3.0 * f + 1.0, f3].map(|w| w / 6.0),
            slopes: [-g * g, 3.0 * f2 - 4.0 * f, -3.0 * f2 + 2.0 * f + 1.0, f2].map(|w| 0.5 * w / spacing as f64),
        }
    }
}

impl Knots {
    /// Over frames, rows and columns.
    pub fn new(cells: [usize; 3], knot_frames: usize, knot_cells: usize) -> Knots {
        let intervals = |n: usize, step: usize| n.saturating_sub(1).div_ceil(step).max(1);
        let shape =
            [intervals(cells[0], knot_frames) + 1, intervals(cells[1], knot_cells) + 3, intervals(cells[2], knot_cells) + 3];
        let frame = |t: usize| {
            let place = t as f64 / knot_frames as f64;
            let first = (place as usize).min(shape[0] - 2);
            let f = place - first as f64;
            (first, [1.0 - f, f])
        };
        let splines = |n: usize, knots: usize| (0..n).map(|at| Spline::new(at, knot_cells, knots)).collect();
        Knots {
            shape,
            cells,
            frames: (0..cells[0]).map(frame).collect(),
            rows: splines(cells[1], shape[1]),
            columns: splines(cells[2], shape[2]),
            spacing: knot_cells as f64,
        }
    }

    /// Number of knots.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// What each knot around a cell adds to the flow there along rows and along columns, (-∂ψ/∂y, ∂ψ/∂x).
    fn around(&self, [t, y, x]: [usize; 3]) -> [(usize, [f64; 2]); 32] {
        let (frame, (row, column)) = (self.frames[t], (&self.rows[y], &self.columns[x]));
        std::array::from_fn(|k| {
            let [a, b, c] = [k / 16, k / 4 % 4, k % 4];
            let knot = ((frame.0 + a) * self.shape[1] + row.first + b) * self.shape[2] + column.first + c;
            let w = frame.1[a];
            (knot, [-w * row.slopes[b] * column.weights[c], w * row.weights[b] * column.slopes[c]])
        })
    }

    /// Adds an observation to the normal equations: `difference + slopes · flow(cell)` should be 0.
    pub fn add(
        &self,
        normal: &mut SquareSum,
        right: &mut [f64],
        cell: [usize; 3],
        slopes: [f64; 2],
        weight: f64,
        difference: f64,
    ) {
        let row = self.around(cell).map(|(knot, [u, v])| (knot, slopes[0] * u + slopes[1] * v));
        for (a, (knot, factor)) in row.iter().enumerate() {
            right[*knot] -= weight * factor * difference;
            let target = &mut normal.values[knot * ROW..(knot + 1) * ROW];
            for (b, (_, other)) in row.iter().enumerate() {
                target[place(a, b)] += weight * factor * other;
            }
        }
    }

    /// The flow of a stream function along rows and along columns, cells per frame.
    pub fn flow(&self, stream: &[f64]) -> (Vec<f32>, Vec<f32>) {
        let cells: usize = self.cells.iter().product();
        let (mut along, mut across) = (Vec::with_capacity(cells), Vec::with_capacity(cells));
        for t in 0..self.cells[0] {
            for y in 0..self.cells[1] {
                for x in 0..self.cells[2] {
                    let (mut u, mut v) = (0.0, 0.0);
                    for (knot, [by_u, by_v]) in self.around([t, y, x]) {
                        u += by_u * stream[knot];
                        v += by_v * stream[knot];
                    }
                    along.push(u as f32);
                    across.push(v as f32);
                }
            }
        }
        (along, across)
    }

    /// The prior `factor · (a |∇u|² + b |∂u/∂t|² + d |u|²) + level |ψ|²`, from differences between knots.
    pub fn prior(&self, factor: f64, [smoothness, steadiness, slowness]: [f64; 3], level: f64) -> SquareSum {
        let mut sum = SquareSum::new(self.shape);
        let per_cell = factor / (self.spacing * self.spacing);
        let along = [([0, 0, 0], -1.0), ([0, 0, 1], 1.0)];
        let down = [([0, 0, 0], -1.0), ([0, 1, 0], 1.0)];
        let later = |difference: [([usize; 3], f64); 2]| {
            difference.into_iter().flat_map(|(at, w)| [(at, -w), ([at[0] + 1, at[1], at[2]], w)]).collect::<Vec<_>>()
        };
        let bent = |axis: usize| {
            [(0, 1.0), (1, -2.0), (2, 1.0)].map(|(k, w)| {
                let mut at = [0; 3];
                at[axis] = k;
                (at, w)
            })
        };
        let twisted = [([0, 0, 0], 1.0), ([0, 0, 1], -1.0), ([0, 1, 0], -1.0), ([0, 1, 1], 1.0)];
        sum.add_everywhere(&bent(2), per_cell * smoothness);
        sum.add_everywhere(&bent(1), per_cell * smoothness);
        sum.add_everywhere(&twisted, 2.0 * per_cell * smoothness);
        for difference in [along, down] {
            sum.add_everywhere(&difference, per_cell * slowness);
            sum.add_everywhere(&later(difference), per_cell * steadiness);
        }
        sum.add_everywhere(&[([0, 0, 0], 1.0)], level);
        sum
    }
}

/// Where in its row the product of the `a`-th and the `b`-th knot of a cell stands.
fn place(a: usize, b: usize) -> usize {
    let split = |k: usize| [k / 16, k / 4 % 4, k % 4];
    let (a, b) = (split(a), split(b));
    ((b[0] + REACH[0] - a[0]) * 7 + b[1] + REACH[1] - a[1]) * 7 + b[2] + REACH[2] - a[2]
}

/// A sum of squares of combinations of knots that lie close together, as the symmetric matrix of its second derivatives.
#[derive(Clone)]
pub(crate) struct SquareSum {
    shape: [usize; 3],
    /// Of each knot the factors of those around it.
    values: Vec<f64>,
}

impl SquareSum {
    fn new(shape: [usize; 3]) -> SquareSum {
        SquareSum { shape, values: vec![0.0; shape.iter().product::<usize>() * ROW] }
    }

    /// Adds `weight (Σ factor · knot)²` at every place where all these knots are.
    fn add_everywhere(&mut self, combination: &[([usize; 3], f64)], weight: f64) {
        let most: [usize; 3] = std::array::from_fn(|axis| combination.iter().map(|(at, _)| at[axis]).max().unwrap_or(0));
        debug_assert!((0..3).all(|axis| most[axis] < SPAN[axis]));
        let starts = |axis: usize| -> Range<usize> { 0..self.shape[axis].saturating_sub(most[axis]) };
        for t in starts(0) {
            for y in starts(1) {
                for x in starts(2) {
                    for (a, by) in combination {
                        let knot = ((t + a[0]) * self.shape[1] + y + a[1]) * self.shape[2] + x + a[2];
                        for (b, other) in combination {
                            let code = |at: &[usize; 3]| (at[0] * 4 + at[1]) * 4 + at[2];
                            self.values[knot * ROW + place(code(a), code(b))] += weight * by * other;
                        }
                    }
                }
            }
        }
    }

    /// `out = A x`.
    pub fn apply(&self, x: &[f64], out: &mut [f64]) {
        let [times, rows, columns] = self.shape;
        let near = |at: usize, reach: usize, count: usize| at.saturating_sub(reach)..(at + reach + 1).min(count);
        for (knot, out) in out.iter_mut().enumerate() {
            let [t, r, c] = [knot / (rows * columns), knot / columns % rows, knot % columns];
            let line = &self.values[knot * ROW..(knot + 1) * ROW];
            let across = near(c, REACH[2], columns);
            let mut sum = 0.0;
            for a in near(t, REACH[0], times) {
                for b in near(r, REACH[1], rows) {
                    let start = (a * rows + b) * columns;
                    let from = ((a + REACH[0] - t) * 7 + b + REACH[1] - r) * 7 + across.start + REACH[2] - c;
                    let others = &x[start + across.start..start + across.end];
                    sum += others.iter().zip(&line[from..from + others.len()]).map(|(x, w)| x * w).sum::<f64>();
                }
            }
            *out = sum;
        }
    }

    /// The diagonal of A.
    pub fn diagonal(&self) -> Vec<f64> {
        self.values.chunks_exact(ROW).map(|row| row[ROW / 2]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    fn knots() -> Knots {
        Knots::new([5, 9, 12], 3, 4)
    }

    fn random(count: usize, name: &str) -> Vec<f64> {
        let mut random = Random::new(3, name);
        (0..count).map(|_| random.normal()).collect()
    }

    #[test]
    fn weights_add_up_and_a_plane_is_kept() {
        let knots = knots();
        assert_eq!(knots.shape, [3, 5, 6]);
        for spline in knots.rows.iter().chain(&knots.columns) {
            assert!((spline.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12 && spline.slopes.iter().sum::<f64>().abs() < 1e-12);
        }
        // ψ = 8 (row of the knot) - 4 (column): -∂ψ/∂y = -8/4 and ∂ψ/∂x = -4/4 cells per frame everywhere.
        let stream: Vec<f64> = (0..knots.count()).map(|k| 8.0 * (k / 6 % 5) as f64 - 4.0 * (k % 6) as f64).collect();
        let (along, across) = knots.flow(&stream);
        assert!(along.iter().all(|u| (u + 2.0).abs() < 1e-5) && across.iter().all(|v| (v + 1.0).abs() < 1e-5));
    }

    #[test]
    fn an_observation_adds_its_square() {
        let knots = knots();
        let stream = random(knots.count(), "stream");
        let mut sum = SquareSum::new(knots.shape);
        let mut right = vec![0.0; stream.len()];
        let (cell, slopes, weight) = ([4, 8, 3], [0.7, -1.3], 2.5);
        knots.add(&mut sum, &mut right, cell, slopes, weight, 0.4);
        let (along, across) = knots.flow(&stream);
        let i = (4 * 9 + 8) * 12 + 3;
        let combined = slopes[0] * f64::from(along[i]) + slopes[1] * f64::from(across[i]);
        let mut image = vec![0.0; stream.len()];
        sum.apply(&stream, &mut image);
        let quadratic: f64 = stream.iter().zip(&image).map(|(a, b)| a * b).sum();
        assert!((quadratic - weight * combined * combined).abs() < 1e-5 * quadratic.max(1.0));
        let linear: f64 = stream.iter().zip(&right).map(|(a, b)| a * b).sum();
        assert!((linear + weight * combined * 0.4).abs() < 1e-5);
    }

    #[test]
    fn the_prior_is_the_sum_that_its_differences_make() {
        let knots = knots();
        let s = random(knots.count(), "prior");
        let at = |t: usize, y: usize, x: usize| s[(t * 5 + y) * 6 + x];
        let mut wanted = 0.0;
        let factor = 2.0 / 16.0;
        for t in 0..3 {
            for y in 0..5 {
                for x in 0..6 {
                    let mut add = |weight: f64, value: f64| wanted += weight * value * value;
                    add(1e-3, at(t, y, x));
                    if x + 2 < 6 {
                        add(factor * 0.3, at(t, y, x) - 2.0 * at(t, y, x + 1) + at(t, y, x + 2));
                    }
                    if y + 2 < 5 {
                        add(factor * 0.3, at(t, y, x) - 2.0 * at(t, y + 1, x) + at(t, y + 2, x));
                    }
                    if x + 1 < 6 && y + 1 < 5 {
                        add(factor * 0.6, at(t, y, x) - at(t, y, x + 1) - at(t, y + 1, x) + at(t, y + 1, x + 1));
                    }
                    for (dy, dx) in [(0, 1), (1, 0)] {
                        if y + dy < 5 && x + dx < 6 {
                            let difference = |t: usize| at(t, y + dy, x + dx) - at(t, y, x);
                            add(factor * 0.5, difference(t));
                            if t + 1 < 3 {
                                add(factor * 0.7, difference(t + 1) - difference(t));
                            }
                        }
                    }
                }
            }
        }
        let sum = knots.prior(2.0, [0.3, 0.7, 0.5], 1e-3);
        let mut image = vec![0.0; s.len()];
        sum.apply(&s, &mut image);
        let found: f64 = s.iter().zip(&image).map(|(a, b)| a * b).sum();
        assert!((found - wanted).abs() < 1e-9 * wanted, "{found} {wanted}");
        // The diagonal is what a single knot gives.
        let diagonal = sum.diagonal();
        for k in [0, 17, 44] {
            let mut one = vec![0.0; s.len()];
            one[k] = 1.0;
            sum.apply(&one, &mut image);
            assert!((diagonal[k] - image[k]).abs() < 1e-12);
        }
    }
}
