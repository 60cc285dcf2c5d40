//! Masked cells filled by Laplace's equation: the smoothest surface hung on their valid neighbours.

use rayon::prelude::*;

use super::distance::nearest_valid;
use super::error::{GridError, GridResult};
use super::plane::Sample;

/// Largest error left, as a share of the range of the valid values.
const HARMONIC_TOLERANCE: f64 = 1e-6;

/// Fills the cells that are not valid so that each is the mean of its four neighbours (those beyond the border
/// left out; columns go around where `wrap_columns` is set).
///
/// Solved by red-black successive over-relaxation from the nearest fill, until the error is below a millionth of
/// the range of the valid values. Each half-sweep reads only cells of the other colour, so the result does not
/// depend on the number of threads.
///
/// # Errors
/// [`GridError::Length`] where values or mask do not fit; [`GridError::Empty`] where no cell is valid;
/// [`GridError::Argument`] where a valid value is not finite.
///
/// # Reference
/// Young, D. (1954), Iterative methods for solving partial difference equations of elliptic type.
/// doi:10.1090/S0002-9947-1954-0059635-7.
pub(crate) fn harmonic_fill<T: Sample>(
    values: &[T],
    valid: &[bool],
    rows: usize,
    columns: usize,
    wrap_columns: bool,
) -> GridResult<Vec<T>> {
    let nearest = nearest_valid(valid, rows, columns, wrap_columns)?;
    let held = values.iter().zip(valid).filter(|(_, v)| **v).map(|(value, _)| value.to_f64());
    let (low, high) = held.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    let range = high - low;
    if !range.is_finite() || values.iter().zip(valid).any(|(value, v)| *v && !value.to_f64().is_finite()) {
        return Err(GridError::Argument("a valid cell holds a value that is not finite; mask it before filling".into()));
    }
    let mut plane: Vec<f64> = nearest.source.iter().map(|i| values[*i].to_f64()).collect();
    let depth = nearest.squared_distance.iter().max().map_or(0.0, |squared| (*squared as f64).sqrt());
    if depth > 0.0 && range > 0.0 {
        let stencils = Stencils::new(valid, rows, columns, wrap_columns);
        let width = 2.0 * depth + 1.0;
        let relaxation = 2.0 / (1.0 + (std::f64::consts::PI / width).sin());
        // A defect of d in a hole this deep means an error of at most about 2 depth² d (maximum principle).
        let tolerance = HARMONIC_TOLERANCE * range / (2.0 * depth * depth + 1.0);
        // Some 14 digits at the rate 2π/width a sweep; more means a hole of another kind than the estimate's.
        let sweeps = 50 * (width as usize + 10);
        if !stencils.relax(&mut plane, relaxation, tolerance, sweeps) {
            return Err(GridError::Argument(format!(
                "the harmonic fill of {rows} x {columns} cells did not settle in {sweeps} sweeps; use the nearest fill"
            )));
        }
    }
    Ok(plane
        .into_iter()
        .zip(values.iter().zip(valid))
        .map(|(fill, (value, v))| if *v { *value } else { T::from_f64(fill) })
        .collect())
}

/// The unknown cells of each colour with their neighbours.
struct Stencils {
    colours: Vec<Vec<Stencil>>,
}

struct Stencil {
    cell: usize,
    neighbours: [usize; 4],
    count: usize,
}

impl Stencils {
    fn new(valid: &[bool], rows: usize, columns: usize, wrap_columns: bool) -> Stencils {
        // Around an odd number of columns the colours of the seam would meet: a third one parts them.
        let seam = wrap_columns && columns % 2 == 1;
        let mut colours: Vec<Vec<Stencil>> = (0..4).map(|_| Vec::new()).collect();
        for cell in (0..valid.len()).filter(|i| !valid[*i]) {
            let (y, x) = (cell / columns, cell % columns);
            let left = if x > 0 { Some(cell - 1) } else { wrap_columns.then(|| cell + columns - 1) };
            let right = if x + 1 < columns { Some(cell + 1) } else { wrap_columns.then(|| cell + 1 - columns) };
            let up = (y > 0).then(|| cell - columns);
            let down = (y + 1 < rows).then(|| cell + columns);
            let mut stencil = Stencil { cell, neighbours: [0; 4], count: 0 };
            for neighbour in [up, left, right, down].into_iter().flatten().filter(|n| *n != cell) {
                stencil.neighbours[stencil.count] = neighbour;
                stencil.count += 1;
            }
            let colour = if seam && x + 1 == columns { 2 + y % 2 } else { (y + x) % 2 };
            colours[colour].push(stencil);
        }
        Stencils { colours }
    }

    /// Sweeps until no cell is off the mean of its neighbours by more than `tolerance`; did it get there?
    fn relax(&self, plane: &mut [f64], relaxation: f64, tolerance: f64, sweeps: usize) -> bool {
        for _ in 0..sweeps {
            let mut worst = 0.0_f64;
            for colour in &self.colours {
                let defects: Vec<f64> = colour
                    .par_iter()
                    .with_min_len(4096)
                    .map(|s| {
                        let sum: f64 = s.neighbours[..s.count].iter().map(|n| plane[*n]).sum();
                        if s.count == 0 { 0.0 } else { sum / s.count as f64 - plane[s.cell] }
                    })
                    .collect();
                for (stencil, defect) in colour.iter().zip(defects) {
                    plane[stencil.cell] += relaxation * defect;
                    worst = worst.max(defect.abs());
                }
            }
            if worst <= tolerance {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_in_a_row_is_bridged_by_a_straight_line() {
        let filled = harmonic_fill(&[1.0_f64, 0.0, 0.0, 0.0, 5.0], &[true, false, false, false, true], 1, 5, false).unwrap();
        for (got, want) in filled.iter().zip([1.0, 2.0, 3.0, 4.0, 5.0]) {
            assert!((got - want).abs() < 1e-5);
        }
        // around the globe the short way is from the last cell to the first; a gap at the border levels off
        let open = harmonic_fill(&[0.0_f64, 2.0, 4.0, 0.0, 0.0], &[false, true, true, false, false], 1, 5, false).unwrap();
        assert!((open[0] - 2.0).abs() < 1e-5 && (open[4] - 4.0).abs() < 1e-5);
        let around = harmonic_fill(&[0.0_f64, 2.0, 4.0, 0.0, 0.0], &[false, true, true, false, false], 1, 5, true).unwrap();
        for (got, want) in around.iter().zip([2.5, 2.0, 4.0, 3.5, 3.0]) {
            assert!((got - want).abs() < 1e-5, "{around:?}");
        }
    }

    #[test]
    fn a_harmonic_surface_comes_back() {
        // x² - y², x y and x are discretely harmonic on the five-point stencil; the rim of 21 x 17 cells is given
        let truth = |y: usize, x: usize| {
            let (x, y) = (x as f64 - 8.0, y as f64 - 10.0);
            x * x - y * y + 0.5 * x * y + 3.0 * x
        };
        let (rows, columns) = (21, 17);
        let rim =
            |i: usize| i / columns == 0 || i / columns == rows - 1 || i.is_multiple_of(columns) || i % columns == columns - 1;
        let valid: Vec<bool> = (0..rows * columns).map(rim).collect();
        let values: Vec<f64> =
            (0..rows * columns).map(|i| if rim(i) { truth(i / columns, i % columns) } else { f64::NAN }).collect();
        let filled = harmonic_fill(&values, &valid, rows, columns, false).unwrap();
        for (i, got) in filled.iter().enumerate() {
            assert!((got - truth(i / columns, i % columns)).abs() < 1e-3, "cell {i}");
        }
        let again = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(again.install(|| harmonic_fill(&values, &valid, rows, columns, false).unwrap()), filled);
    }

    #[test]
    fn values_stay_within_those_around_and_bad_ones_are_refused() {
        let valid: Vec<bool> = (0..600).map(|i| i % 37 == 0).collect();
        let values: Vec<f32> = (0..600).map(|i| if i % 37 == 0 { (i as f32).sin() } else { 1e30 }).collect();
        let filled = harmonic_fill(&values, &valid, 20, 30, true).unwrap();
        assert!(filled.iter().all(|v| v.abs() <= 1.0));
        assert!(harmonic_fill(&[f32::NAN, 0.0], &[true, false], 1, 2, false).is_err());
    }
}
