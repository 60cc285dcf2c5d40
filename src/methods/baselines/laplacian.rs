//! The Laplacian of a space-time grid: each cell against its six neighbours, some of which may be cut off.

use rayon::prelude::*;

use crate::base::vector::{Work, widest};

/// Rows worked on by one thread at a time.
const ROWS_AT_A_TIME: usize = 16;

/// Grids of fewer cells are not worth waking other threads for.
pub(crate) const WORTH_THREADS: usize = 1 << 15;

/// Weights of the links along time, rows and columns.
pub(crate) type LinkWeights = [f32; 3];

/// L u = Σ w (u - u'), the sum running over the links of a cell.
#[derive(Clone, Debug)]
pub(crate) struct Laplacian {
    pub shape: [usize; 3],
    pub wrap: bool,
    /// Weight of the link to the next frame, row and column.
    pub later: Vec<f32>,
    pub below: Vec<f32>,
    pub beside: Vec<f32>,
    pub diagonal: Vec<f32>,
}

impl Laplacian {
    /// The Laplacian of the cells of `sea`: neighbours outside of it and beyond the border are left out.
    pub fn new(shape: [usize; 3], wrap: bool, sea: &[bool], weights: LinkWeights) -> Laplacian {
        let [_, rows, columns] = shape;
        let mut empty = Laplacian::empty(shape, wrap);
        let Laplacian { later, below, beside, diagonal, .. } = &mut empty;
        for i in (0..sea.len()).filter(|i| sea[*i]) {
            let mut link = |to: usize, weight: f32, list: &mut [f32]| {
                if sea[to] {
                    list[i] = weight;
                    diagonal[i] += weight;
                    diagonal[to] += weight;
                }
            };
            if i + rows * columns < sea.len() {
                link(i + rows * columns, weights[0], later);
            }
            if (i / columns) % rows + 1 < rows {
                link(i + columns, weights[1], below);
            }
            if i % columns + 1 < columns {
                link(i + 1, weights[2], beside);
            } else if wrap && columns > 2 {
                link(i + 1 - columns, weights[2], beside);
            }
        }
        empty
    }

    /// No links at all.
    pub fn empty(shape: [usize; 3], wrap: bool) -> Laplacian {
        let none = vec![0.0; shape.iter().product()];
        Laplacian { shape, wrap, later: none.clone(), below: none.clone(), beside: none.clone(), diagonal: none }
    }

    /// The part of L that maps the cells of `inside` onto themselves: links to other cells are cut, but stay on the diagonal,
    /// as if the others were held at 0.
    pub fn within(&self, inside: &[bool]) -> Laplacian {
        let [_, rows, columns] = self.shape;
        let mut part = self.clone();
        for i in 0..inside.len() {
            let beside = if i % columns + 1 < columns { i + 1 } else { i + 1 - columns };
            for (list, to) in [(&mut part.later, i + rows * columns), (&mut part.below, i + columns), (&mut part.beside, beside)]
            {
                if list[i] != 0.0 && !(inside[i] && inside[to]) {
                    list[i] = 0.0;
                }
            }
            if !inside[i] {
                part.diagonal[i] = 0.0;
            }
        }
        part
    }

    /// `out = L u`.
    pub fn apply(&self, u: &[f64], out: &mut [f64]) {
        let columns = self.shape[2];
        if out.len() < WORTH_THREADS {
            return widest(Rows { laplacian: self, u, first: 0, out });
        }
        out.par_chunks_mut(columns * ROWS_AT_A_TIME).enumerate().for_each(|(part, out)| {
            widest(Rows { laplacian: self, u, first: part * ROWS_AT_A_TIME, out });
        });
    }
}

/// Some rows of L u.
struct Rows<'a> {
    laplacian: &'a Laplacian,
    u: &'a [f64],
    first: usize,
    out: &'a mut [f64],
}

impl Work for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Rows { laplacian, u, first, out } = self;
        let [_, rows, columns] = laplacian.shape;
        for (row, out) in out.chunks_exact_mut(columns).enumerate() {
            let start = (first + row) * columns;
            let here = start..start + columns;
            let centre = &u[here.clone()];
            for ((out, u), d) in out.iter_mut().zip(centre).zip(&laplacian.diagonal[here.clone()]) {
                *out = f64::from(*d) * u;
            }
            let beside = &laplacian.beside[here.clone()];
            take(&mut out[..columns - 1], &beside[..columns - 1], &centre[1..]);
            take(&mut out[1..], &beside[..columns - 1], &centre[..columns - 1]);
            if laplacian.wrap && columns > 2 {
                let weight = f64::from(beside[columns - 1]);
                out[columns - 1] -= weight * centre[0];
                out[0] -= weight * centre[columns - 1];
            }
            for (list, step) in [(&laplacian.below, columns), (&laplacian.later, rows * columns)] {
                if start + step < u.len() {
                    take(out, &list[here.clone()], &u[start + step..start + step + columns]);
                }
                if start >= step {
                    take(out, &list[start - step..start - step + columns], &u[start - step..start - step + columns]);
                }
            }
        }
    }
}

/// `out -= weights u`.
#[inline(always)]
fn take(out: &mut [f64], weights: &[f32], u: &[f64]) {
    for ((out, weight), u) in out.iter_mut().zip(weights).zip(u) {
        *out -= f64::from(*weight) * u;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    #[test]
    fn each_cell_against_its_neighbours() {
        let shape = [3, 4, 5];
        let mut random = Random::new(1, "laplacian");
        let sea: Vec<bool> = (0..60).map(|_| random.uniform() < 0.8).collect();
        let u: Vec<f64> = (0..60).map(|i| if sea[i] { random.normal() } else { 0.0 }).collect();
        for wrap in [false, true] {
            let mut got = vec![0.0; 60];
            Laplacian::new(shape, wrap, &sea, [4.0, 1.0, 2.0]).apply(&u, &mut got);
            for i in 0..60 {
                // The sum over all pairs, looked at one by one.
                let mut wanted = 0.0;
                for j in (0..60).filter(|j| sea[i] && sea[*j]) {
                    let place = |i: usize| [i / 20, i / 5 % 4, i % 5].map(|v| v as i64);
                    let [dt, dy, dx] = [0, 1, 2].map(|a| (place(i)[a] - place(j)[a]).abs());
                    let weight = match (dt, dy, dx) {
                        (1, 0, 0) => 4.0,
                        (0, 1, 0) => 1.0,
                        (0, 0, 1) => 2.0,
                        (0, 0, 4) if wrap => 2.0,
                        _ => 0.0,
                    };
                    wanted += weight * (u[i] - u[j]);
                }
                assert!((got[i] - wanted).abs() < 1e-12, "{wrap} {i}: {} {wanted}", got[i]);
            }
        }
    }

    #[test]
    fn the_part_within_is_the_whole_with_zeros_outside() {
        let mut random = Random::new(2, "laplacian");
        let inside: Vec<bool> = (0..60).map(|_| random.uniform() < 0.5).collect();
        let u: Vec<f64> = (0..60).map(|i| if inside[i] { random.normal() } else { 0.0 }).collect();
        let whole = Laplacian::new([3, 4, 5], true, &[true; 60], [4.0, 1.0, 1.0]);
        let (mut a, mut b) = (vec![0.0; 60], vec![0.0; 60]);
        whole.apply(&u, &mut a);
        whole.within(&inside).apply(&u, &mut b);
        for i in 0..60 {
            assert!((b[i] - if inside[i] { a[i] } else { 0.0 }).abs() < 1e-12);
        }
    }
}
