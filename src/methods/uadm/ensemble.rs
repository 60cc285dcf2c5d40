//! Ensembles: how they are asked for, and what comes back.

use serde::{Deserialize, Serialize};

use crate::grid::Field;
use crate::methods::refinement::Tiles;

/// How an ensemble is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct EnsembleOptions {
    /// Number of members.
    pub members: usize,
    /// Seed of their noise. A member depends on the seed and its number, not on how many there are.
    pub seed: u64,
    /// Members 2i and 2i + 1 walk from one noise and its negative. Their mean lies much closer to the expected field than that
    /// of independent members; but they are not independent: rank histograms and fair scores want `false`.
    pub antithetic: bool,
    /// The tiles that the network sees. Where absent, large ones that overlap a little, so that memory is bounded: cheaper by
    /// more than two than those it was trained on, which overlap by half, with somewhat larger errors on fields unlike the
    /// training's.
    pub tiles: Option<Tiles>,
    /// Of the sampler: 0 deterministic, 1 ancestral; the trained one's where absent.
    pub stochasticity: Option<f64>,
    /// Members lie this many times as far from the walk without noise as they fell; the mean is that of the members as they fell.
    /// 1 leaves them. See [`Uadm::inflation`](super::Uadm::inflation).
    pub inflation: f64,
    /// Rounds of back-projection on each finished member, which bring its block means back to the coarse field.
    pub back_projections: usize,
    /// Members that walk together; more of them take more memory (some planes of the fine size each).
    pub members_at_once: usize,
}

impl Default for EnsembleOptions {
    fn default() -> EnsembleOptions {
        EnsembleOptions {
            members: 8,
            seed: 1,
            antithetic: true,
            tiles: None,
            stochasticity: None,
            inflation: 1.0,
            back_projections: 0,
            members_at_once: 8,
        }
    }
}

/// How far the block means of an output lie from its input, over the valid coarse cells, in the field's unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Closure {
    /// The largest absolute difference of any member.
    pub largest: f64,
    /// Root mean square over cells and members.
    pub rms: f64,
    /// Cells and members it is taken over.
    pub cells: usize,
}

impl Closure {
    pub(super) fn of(differences: impl Iterator<Item = f64>) -> Closure {
        let (mut largest, mut sum, mut cells) = (0.0f64, 0.0, 0);
        for difference in differences {
            largest = largest.max(difference.abs());
            sum += difference * difference;
            cells += 1;
        }
        Closure { largest, rms: (sum / cells.max(1) as f64).sqrt(), cells }
    }

    /// Both together.
    pub fn and(self, other: Closure) -> Closure {
        let cells = self.cells + other.cells;
        let squares = self.rms.powi(2) * self.cells as f64 + other.rms.powi(2) * other.cells as f64;
        Closure { largest: self.largest.max(other.largest), rms: (squares / cells.max(1) as f64).sqrt(), cells }
    }
}

/// An ensemble of fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Ensemble {
    /// The mean of the members.
    pub mean: Field,
    /// Their standard deviation, in the unit of the field: about the mean with `members − 1` in the divisor, with `members` for
    /// antithetic pairs, whose mean is nearly the expected field itself. A single member has none: all cells are missing.
    pub spread: Field,
    /// The members.
    pub members: Vec<Field>,
    /// How well they keep the block means.
    pub closure: Closure,
}

/// The ensemble of one frame; each field has one time.
pub type FrameEnsemble = Ensemble;

/// Mean and standard deviation of each cell over the members.
pub(super) fn mean_and_spread(members: &[Vec<f32>], antithetic: bool) -> (Vec<f32>, Vec<f32>) {
    let n = members.len() as f64;
    let divisor = if antithetic { n } else { n - 1.0 };
    let cells = members.first().map_or(0, Vec::len);
    (0..cells)
        .map(|i| {
            let mean = members.iter().map(|m| f64::from(m[i])).sum::<f64>() / n;
            let squares = members.iter().map(|m| (f64::from(m[i]) - mean).powi(2)).sum::<f64>();
            (mean as f32, if members.len() > 1 { (squares / divisor).sqrt() as f32 } else { f32::NAN })
        })
        .unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_closure_by_hand() {
        let members = [vec![1.0f32, 5.0], vec![3.0, 5.0]];
        let (mean, spread) = mean_and_spread(&members, false);
        assert_eq!((mean, spread[1]), (vec![2.0, 5.0], 0.0));
        assert!((spread[0] - 2f32.sqrt()).abs() < 1e-6);
        assert_eq!(mean_and_spread(&members, true).1, [1.0, 0.0]);
        assert!(mean_and_spread(&members[..1], false).1[0].is_nan());
        let closure = Closure::of([3.0, -4.0].into_iter());
        assert_eq!((closure.largest, closure.rms), (4.0, 12.5f64.sqrt()));
        let both = closure.and(Closure::of([0.0, 0.0].into_iter()));
        assert!((both.rms - 2.5).abs() < 1e-12 && both.cells == 4);
    }
}
