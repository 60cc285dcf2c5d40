//! By how much an ensemble's members have to be moved apart, on the coarse grid and within its cells.

use serde::{Deserialize, Serialize};

use super::downscaler::{Downscaler, DrawOptions};
use super::groundwork::Groundwork;
use super::window::Window;
use crate::grid::{Interpolation, coarsen_plane, upsample_plane};
use crate::methods::error::{MethodError, MethodResult};

/// Factors of a member's departure from the mean. One for all scales would make members that are too tame at long waves too
/// rough at short ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inflation {
    /// Of what the coarse grid sees of it: its means over coarse cells, straight between their centres.
    pub coarse: f64,
    /// Of the rest.
    pub fine: f64,
}

impl Default for Inflation {
    fn default() -> Inflation {
        Inflation { coarse: 1.0, fine: 1.0 }
    }
}

impl Inflation {
    /// Are both factors above 0?
    pub(super) fn is_valid(self) -> bool {
        [self.coarse, self.fine].iter().all(|factor| factor.is_finite() && *factor > 0.0)
    }

    /// A departure on a fine grid, each of its parts times its factor.
    pub(super) fn of(self, departure: &[f32], [rows, columns]: [usize; 2], factor: usize) -> Vec<f32> {
        if self == Inflation::default() {
            return departure.to_vec();
        }
        let (coarse, fine) = (self.coarse as f32, self.fine as f32);
        let seen = seen_coarsely(departure, [rows, columns], factor);
        departure.iter().zip(seen).map(|(all, seen)| coarse * seen + fine * (all - seen)).collect()
    }
}

fn seen_coarsely(plane: &[f32], [rows, columns]: [usize; 2], factor: usize) -> Vec<f32> {
    let means = coarsen_plane(plane, rows, columns, factor);
    upsample_plane(&means, rows / factor, columns / factor, factor, Interpolation::Bilinear, false)
}

/// The factors by which the members of a model with a trunk have to be moved away from what the trunk says so that they lie as
/// far from it as the truth does, on the coarse grid and within its cells, over all cells of `days`: the
/// [`DrawOptions::inflation`] of days like these. Take them from days that are not scored.
///
/// # Formula
/// ```text
/// α = √( m Σ (S(truth − centre))² / Σ Σ_m (S(member − centre))² )
/// ```
/// with S what the coarse grid sees of a field for the one factor, and the rest for the other.
///
/// # Errors
/// [`MethodError::Argument`] for a model without a trunk, where no day has a whole history, or where members do not differ; as
/// [`Downscaler::predict`].
///
/// # Reference
/// Gneiting et al. (2005), Calibrated probabilistic forecasting using ensemble model output statistics. doi:10.1175/MWR2904.1
pub fn inflation(
    model: &Downscaler,
    groundwork: &Groundwork<'_>,
    days: &[usize],
    options: &DrawOptions,
) -> MethodResult<Inflation> {
    let archive = groundwork.archive();
    let options = DrawOptions { inflation: Inflation::default(), ..*options };
    // Squares of a departure on the coarse grid, and of the rest.
    let squares = |a: &[f32], b: &[f32]| {
        let departure: Vec<f32> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        let seen = seen_coarsely(&departure, archive.shape(), archive.factor());
        departure.iter().zip(&seen).fold([0.0, 0.0], |[coarse, fine], (all, seen)| {
            [coarse + f64::from(*seen).powi(2), fine + f64::from(all - seen).powi(2)]
        })
    };
    let (mut errors, mut spreads) = ([0.0; 2], [0.0; 2]);
    for window in Window::valid(days, model.config().lags(), |day| archive.fine(day).is_some()) {
        let Some(truth) = archive.fine(window.target) else { continue };
        let inputs = model.inputs_of(groundwork, &window)?;
        let centre = model.centre(&inputs)?;
        let members = model.predict(&inputs, window.target, &options)?;
        let error = squares(truth, &centre);
        let departures: Vec<[f64; 2]> = members.iter().map(|member| squares(member, &centre)).collect();
        for k in 0..2 {
            errors[k] += error[k];
            spreads[k] += departures.iter().map(|d| d[k]).sum::<f64>() / members.len() as f64;
        }
    }
    let factor = |k: usize| (errors[k] / spreads[k]).sqrt();
    let found = Inflation { coarse: factor(0), fine: factor(1) };
    if found.is_valid() {
        return Ok(found);
    }
    let problem =
        format!("{}: no inflation can be found from {} days; days with a history are wanted", model.method(), days.len());
    Err(MethodError::Argument(problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_a_departure_has_its_factor() {
        // A constant is all coarse; a chequerboard, whose means over 2 x 2 cells are 0, all fine.
        let board: Vec<f32> = (0..16).map(|i| if (i / 4 + i % 4) % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let both: Vec<f32> = board.iter().map(|v| v + 3.0).collect();
        let found = Inflation { coarse: 2.0, fine: 0.5 }.of(&both, [4, 4], 2);
        assert!(found.iter().zip(&board).all(|(f, b)| (f - (6.0 + 0.5 * b)).abs() < 1e-6), "{found:?}");
        assert_eq!(Inflation::default().of(&both, [4, 4], 2), both);
        assert!(!Inflation { coarse: 0.0, fine: 1.0 }.is_valid() && !Inflation { coarse: 1.0, fine: f64::NAN }.is_valid());
    }
}
