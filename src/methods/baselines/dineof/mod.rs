//! DINEOF: gaps filled by the few modes that best describe what is seen, their number chosen on cells hidden on purpose.
//!
//! # Reference
//! - Beckers, J.-M. and Rixen, M. (2003), EOF calculations and data filling from incomplete oceanographic datasets.
//!   doi:10.1175/1520-0426(2003)020<1839:ECADFF>2.0.CO;2
//! - Alvera-Azcárate, A., Barth, A., Rixen, M. and Beckers, J.-M. (2005), Reconstruction of incomplete oceanographic data
//!   sets using empirical orthogonal functions. doi:10.1016/j.ocemod.2004.08.001

mod config;
mod matrix;
mod subspace;

pub use config::DineofConfig;

use super::background::Background;
use super::held_out::HeldOutError;
use super::hide::hidden_cells;
use super::sequence::{Sequence, Solution};
use crate::base::random::Random;
use crate::methods::error::{MethodError, MethodResult};
use matrix::{GapMatrix, Momentum, Number};
use subspace::Subspace;

/// Vectors carried along beyond the modes in use: they make the power iteration settle in one step or two.
const SPARE: usize = 4;
/// Steps of the power iteration before the first fill.
const FIRST_STEPS: usize = 6;

/// Share of the squared change that is left by a round that needs no momentum.
const FAST: f64 = 0.4;

/// What DINEOF found.
pub(crate) struct DineofSolution {
    pub solution: Solution,
    pub error: Option<Vec<f64>>,
    /// Modes used in the end.
    pub modes: usize,
    /// Root mean square error over the hidden cells with 1, 2, ... modes.
    pub hidden_error: Vec<f64>,
}

/// Fills the gaps of the pixels that are seen at least once in the frames that see anything.
///
/// # Formula
/// ```text
/// X = observed anomalies, 0 in the gaps;  for k = 1, 2, ... :
///     repeat  X = U S Vᵀ;  X(gap) = Σ_{i <= k} U_i S_i V_iᵀ (gap)   until the gaps rest
/// k = the number with the least error over the hidden cells; a last round for k with those cells shown again
/// ```
/// The modes are followed by a power iteration on blocks of k + 4 vectors that goes along with the filling: one step for
/// each fill. Where the gaps rest, the modes do.
///
/// # Errors
/// [`MethodError::Argument`] for settings out of range.
pub(crate) fn dineof(sequence: &Sequence, config: &DineofConfig) -> MethodResult<DineofSolution> {
    config.check()?;
    let random = Random::new(config.seed, "dineof");
    let hidden = match config.modes {
        Some(_) => Vec::new(),
        None => hidden_cells(sequence, config.hidden_share, config.hiding, &mut random.child(0)),
    };
    let (modes, hidden_error, best) = match config.modes {
        Some(modes) => (modes, Vec::new(), None),
        None => {
            // Neither the offsets nor the modes of the search ever see a hidden cell.
            let rest = sequence.hiding(&hidden);
            let (hidden_error, best) = search(sequence, &rest, &hidden, config, &random)?;
            (best.modes, hidden_error, Some(best))
        }
    };
    // The last round, with the hidden cells shown again: it starts from the best fill.
    let background = Background::new(sequence, config.centring)?;
    let mut matrix: GapMatrix<f64> = GapMatrix::new(sequence, |t, p| background.at(t, p));
    let modes = modes.min(matrix.frames.len()).min(matrix.pixels.len());
    let mut basis = Subspace::random(matrix.frames.len(), (modes + SPARE).min(matrix.frames.len()), &mut random.child(1));
    match &best {
        Some(best) => carry(best, &mut matrix, &mut basis, sequence),
        None => first_steps(&mut matrix, &mut basis),
    }
    // From nothing, one mode after the other, as the definition goes.
    for k in if best.is_some() { modes..=modes } else { 1..=modes } {
        settle(&mut matrix, &mut basis, k, config);
    }
    let solution = solution(sequence, &matrix, &background);
    let error = best.and_then(|best| best.estimate).map(|e| e.of_cells(sequence));
    if solution.values.iter().any(|v| !v.is_finite()) {
        return Err(MethodError::Argument("DINEOF ran out of the range of numbers; look for absurd values in the field".into()));
    }
    Ok(DineofSolution { solution, error, modes, hidden_error })
}

/// The fill whose hidden cells lie nearest to what they hold.
struct Best {
    modes: usize,
    error: f64,
    basis: Subspace,
    /// The matrix: a start, no result.
    fill: Vec<f32>,
    frames: Vec<usize>,
    places: Places,
    estimate: Option<HeldOutError>,
}

fn first_steps<T: Number>(matrix: &mut GapMatrix<T>, basis: &mut Subspace) {
    for _ in 0..FIRST_STEPS {
        let pass = matrix.pass(basis, None);
        basis.advance(&pass.image);
    }
}

/// Fills with 1, 2, ... modes what is left without the hidden cells; the errors there, and the best.
fn search(
    sequence: &Sequence,
    rest: &Sequence,
    hidden: &[usize],
    config: &DineofConfig,
    random: &Random,
) -> MethodResult<(Vec<f64>, Best)> {
    let background = Background::new(rest, config.centring)?;
    let mut matrix: GapMatrix<f32> = GapMatrix::new(rest, |t, p| background.at(t, p));
    let most = config.most_modes.min(matrix.frames.len()).min(matrix.pixels.len());
    let size = (most + SPARE).min(matrix.frames.len());
    let mut basis = Subspace::random(matrix.frames.len(), size, &mut random.child(1));
    first_steps(&mut matrix, &mut basis);
    let places = Places::new(sequence, &matrix);
    let mut hidden_error = Vec::new();
    let mut best: Option<Best> = None;
    for modes in 1..=most {
        settle(&mut matrix, &mut basis, modes, config);
        let found = |i: usize| places.value(&matrix, i).map(|v| v + background.at(i / rest.frame_len(), i % rest.frame_len()));
        let (sum, n) = hidden.iter().fold((0.0, 0), |(sum, n), i| match found(*i) {
            Some(v) => (sum + (v - sequence.values[*i]).powi(2), n + 1),
            None => (sum, n),
        });
        let error = (sum / f64::from(n.max(1))).sqrt();
        hidden_error.push(error);
        if best.as_ref().is_none_or(|b| error < b.error) {
            best = Some(Best {
                modes,
                error,
                basis: basis.clone(),
                fill: matrix.values.clone(),
                frames: matrix.frames.clone(),
                places: Places::new(sequence, &matrix),
                estimate: HeldOutError::new(sequence, rest, hidden, true, found),
            });
        } else if best.as_ref().is_some_and(|b| modes - b.modes >= config.patience) {
            break;
        }
    }
    let nothing = || MethodError::Argument("DINEOF found no cell that is seen; there is nothing to fill from".to_string());
    Ok((hidden_error, best.ok_or_else(nothing)?))
}

/// Fills until the gaps rest.
fn settle<T: Number>(matrix: &mut GapMatrix<T>, basis: &mut Subspace, modes: usize, config: &DineofConfig) {
    let gaps = matrix.gap_count();
    if gaps == 0 {
        return;
    }
    matrix.stop();
    let rest = (config.tolerance * matrix.deviation()).powi(2) * gaps as f64;
    let mut last = f64::INFINITY;
    let mut momentum = Momentum::NONE;
    for _ in 0..config.most_iterations {
        let pass = matrix.pass(basis, Some((modes, momentum)));
        basis.advance(&pass.image);
        if pass.change <= rest {
            break;
        }
        // Where the plain iteration is fast, or a step went too far, it goes on.
        let slow = pass.change < last && pass.change > FAST * last;
        momentum = if slow { Momentum::USUAL } else { Momentum::NONE };
        last = pass.change;
    }
}

/// Takes the best fill and its modes over into the matrix with all cells. Pixels and frames that only hidden cells had seen
/// come anew and start from 0.
fn carry(best: &Best, matrix: &mut GapMatrix<f64>, basis: &mut Subspace, sequence: &Sequence) {
    let n = matrix.frames.len();
    for (row, p) in matrix.pixels.iter().enumerate() {
        for (column, t) in matrix.frames.iter().enumerate() {
            let i = row * n + column;
            if matrix.gaps[i]
                && let Some(from) = best.places.place(t * sequence.frame_len() + p)
            {
                matrix.values[i] = f64::from(best.fill[from]);
            }
        }
    }
    let mut image = vec![0.0; n * basis.size];
    for (column, t) in matrix.frames.iter().enumerate() {
        let to = &mut image[column * basis.size..(column + 1) * basis.size];
        match best.frames.binary_search(t) {
            Ok(from) => {
                let width = basis.size.min(best.basis.size);
                to[..width].copy_from_slice(&best.basis.vectors[from * best.basis.size..from * best.basis.size + width]);
            }
            Err(_) => to.copy_from_slice(&basis.vectors[column * basis.size..(column + 1) * basis.size]),
        }
    }
    basis.set(image);
}

/// Where the cells of the sequence lie in the matrix.
struct Places {
    frames: usize,
    row: Vec<Option<usize>>,
    column: Vec<Option<usize>>,
}

impl Places {
    fn new<T>(sequence: &Sequence, matrix: &GapMatrix<T>) -> Places {
        let (mut row, mut column) = (vec![None; sequence.frame_len()], vec![None; sequence.shape[0]]);
        matrix.pixels.iter().enumerate().for_each(|(r, p)| row[*p] = Some(r));
        matrix.frames.iter().enumerate().for_each(|(c, t)| column[*t] = Some(c));
        Places { frames: matrix.frames.len(), row, column }
    }

    fn place(&self, cell: usize) -> Option<usize> {
        let (row, column) = (self.row[cell % self.row.len()]?, self.column[cell / self.row.len()]?);
        Some(row * self.frames + column)
    }

    fn value<T: Number>(&self, matrix: &GapMatrix<T>, cell: usize) -> Option<f64> {
        self.place(cell).map(|i| matrix.values[i].told())
    }
}

fn solution(sequence: &Sequence, matrix: &GapMatrix<f64>, background: &Background) -> Solution {
    let mut solution = sequence.solution();
    let (n, pixels) = (matrix.frames.len(), sequence.frame_len());
    // Frame by frame, so that writing runs along memory.
    for (column, t) in matrix.frames.iter().enumerate() {
        for (row, p) in matrix.pixels.iter().enumerate() {
            let (from, to) = (row * n + column, t * pixels + p);
            if matrix.gaps[from] && sequence.sea[to] {
                solution.values[to] = matrix.values[from] + background.at(*t, *p);
                solution.known[to] = true;
            }
        }
    }
    solution
}

#[cfg(test)]
mod tests;
