//! One cycle over coarser and coarser grids: a cheap approximate inverse of a Laplacian with held cells.

use rayon::prelude::*;

use super::conjugate_gradient::PART;
use super::laplacian::{Laplacian, WORTH_THREADS};

/// Weight of a Jacobi sweep: below 1, so that the cycle stays positive definite.
const DAMPING: f64 = 0.8;
/// Sweeps before and after the coarser grid.
const SWEEPS: usize = 2;
/// Sweeps on the coarsest grid.
const LAST_SWEEPS: usize = 40;
/// A grid of so few cells is not coarsened further.
const COARSEST: usize = 64;
/// Blocks of equal values hold twice the energy of the smooth field that they stand for.
const STIFFNESS: f32 = 0.5;

struct Level {
    laplacian: Laplacian,
    inverse_diagonal: Vec<f64>,
    x: Vec<f64>,
    b: Vec<f64>,
    r: Vec<f64>,
}

/// The grids, finest first, and room to work in.
pub(crate) struct Multigrid {
    levels: Vec<Level>,
}

impl Multigrid {
    /// For a Laplacian from [`Laplacian::within`]. Takes about six times the memory of one array of the grid in double
    /// precision.
    pub fn new(finest: Laplacian) -> Multigrid {
        let mut levels = vec![Level::new(finest)];
        while let Some(last) = levels.last() {
            let [frames, rows, columns] = last.laplacian.shape;
            // Frames that do not know of each other are not merged.
            let linked = last.laplacian.later.iter().any(|w| *w > 0.0);
            let factors = [if linked { 2 } else { 1 }, 2, 2];
            if (if linked { frames } else { 1 }) * rows * columns <= COARSEST {
                break;
            }
            let coarse = coarser(&last.laplacian, factors);
            levels.push(Level::new(coarse));
        }
        Multigrid { levels }
    }

    /// `out` = one symmetric V-cycle on `right`.
    pub fn apply(&mut self, right: &[f64], out: &mut [f64]) {
        self.levels[0].b.copy_from_slice(right);
        cycle(&mut self.levels);
        out.copy_from_slice(&self.levels[0].x);
    }
}

impl Level {
    fn new(laplacian: Laplacian) -> Level {
        let inverse_diagonal = laplacian.diagonal.iter().map(|d| if *d > 0.0 { 1.0 / f64::from(*d) } else { 0.0 }).collect();
        let none = vec![0.0; laplacian.diagonal.len()];
        Level { laplacian, inverse_diagonal, x: none.clone(), b: none.clone(), r: none }
    }

    /// r = L x.
    fn image(&mut self) {
        self.laplacian.apply(&self.x, &mut self.r);
    }

    fn sweep(&mut self) {
        self.image();
        let Level { inverse_diagonal, x, b, r, .. } = self;
        let correct = |start: usize, x: &mut [f64]| {
            let part = start..start + x.len();
            let rest = b[part.clone()].iter().zip(&r[part.clone()]).zip(&inverse_diagonal[part]);
            for (x, ((b, r), d)) in x.iter_mut().zip(rest) {
                *x += DAMPING * d * (b - r);
            }
        };
        if x.len() < WORTH_THREADS {
            correct(0, x);
        } else {
            x.par_chunks_mut(PART).enumerate().for_each(|(part, x)| correct(part * PART, x));
        }
    }
}

fn cycle(levels: &mut [Level]) {
    let Some((here, coarser)) = levels.split_first_mut() else { return };
    let sweeps = if coarser.is_empty() { LAST_SWEEPS } else { SWEEPS };
    let Level { x, b, inverse_diagonal, .. } = here;
    x.iter_mut().zip(b.iter().zip(inverse_diagonal.iter())).for_each(|(x, (b, d))| *x = DAMPING * d * b);
    for _ in 1..sweeps {
        here.sweep();
    }
    let Some(next) = coarser.first_mut() else { return };
    here.image();
    let (fine, coarse) = (here.laplacian.shape, next.laplacian.shape);
    next.b.fill(0.0);
    let to = children(fine, coarse);
    for (row, coarse_row) in to.iter().enumerate() {
        let start = row * fine[2];
        let target = &mut next.b[*coarse_row..*coarse_row + coarse[2]];
        for x in 0..fine[2] {
            // Cells that are no unknowns have no link: what b holds there means nothing.
            if here.inverse_diagonal[start + x] > 0.0 {
                target[x / 2] += here.b[start + x] - here.r[start + x];
            }
        }
    }
    cycle(coarser);
    let from = &coarser[0].x;
    let columns = fine[2];
    let inverse = &here.inverse_diagonal;
    here.x.par_chunks_mut(columns).with_min_len(WORTH_THREADS / columns).zip(&to).enumerate().for_each(
        |(row, (out, coarse_row))| {
            for (x, out) in out.iter_mut().enumerate() {
                if inverse[row * columns + x] > 0.0 {
                    *out += from[coarse_row + x / 2];
                }
            }
        },
    );
    for _ in 0..sweeps {
        here.sweep();
    }
}

/// Where the coarse row of each fine row begins.
fn children(fine: [usize; 3], coarse: [usize; 3]) -> Vec<usize> {
    let time = if fine[0] == coarse[0] { 1 } else { 2 };
    (0..fine[0] * fine[1]).map(|row| ((row / fine[1] / time) * coarse[1] + row % fine[1] / 2) * coarse[2]).collect()
}

/// The Laplacian between blocks of cells.
fn coarser(fine: &Laplacian, factors: [usize; 3]) -> Laplacian {
    let shape = [0, 1, 2].map(|a| fine.shape[a].div_ceil(factors[a]));
    let [_, rows, columns] = fine.shape;
    let mut coarse = Laplacian::empty(shape, fine.wrap);
    let block = |i: usize| {
        let [t, y, x] = [i / (rows * columns) / factors[0], i / columns % rows / factors[1], i % columns / factors[2]];
        (t * shape[1] + y) * shape[2] + x
    };
    for i in 0..fine.diagonal.len() {
        if fine.diagonal[i] == 0.0 {
            continue;
        }
        let from = block(i);
        let beside = if i % columns + 1 < columns { i + 1 } else { i + 1 - columns };
        let mut inner = 0.0;
        for (list, to, target) in [
            (&fine.later, i + rows * columns, &mut coarse.later),
            (&fine.below, i + columns, &mut coarse.below),
            (&fine.beside, beside, &mut coarse.beside),
        ] {
            if list[i] == 0.0 {
                continue;
            }
            // Around two columns the seam's link would double the other; it goes to the diagonal instead.
            let seam = to < i && shape[2] < 3;
            match block(to) {
                same if same == from => inner += 2.0 * list[i],
                _ if seam => {}
                _ => target[from] += STIFFNESS * list[i],
            }
        }
        coarse.diagonal[from] += STIFFNESS * (fine.diagonal[i] - inner);
    }
    coarse
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    #[test]
    fn a_cycle_is_symmetric_and_positive() {
        let mut random = Random::new(3, "multigrid");
        let shape = [4, 9, 13];
        let n: usize = shape.iter().product();
        let unknown: Vec<bool> = (0..n).map(|_| random.uniform() < 0.8).collect();
        let whole = Laplacian::new(shape, true, &vec![true; n], [4.0, 1.0, 1.0]);
        let mut grids = Multigrid::new(whole.within(&unknown));
        assert!(grids.levels.len() > 2);
        for _ in 0..5 {
            let mut draw = || (0..n).map(|i| if unknown[i] { random.normal() } else { 0.0 }).collect::<Vec<f64>>();
            let (u, v) = (draw(), draw());
            let (mut mu, mut mv) = (vec![0.0; n], vec![0.0; n]);
            grids.apply(&u, &mut mu);
            grids.apply(&v, &mut mv);
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            assert!((dot(&u, &mv) - dot(&mu, &v)).abs() < 1e-9 * dot(&u, &mu).abs());
            assert!(dot(&u, &mu) > 0.0);
            assert!((0..n).all(|i| unknown[i] || mu[i] == 0.0));
        }
    }
}
