//! Observed cells hidden on purpose, in the shape of the gaps there are, so that a fill can be held against them.

use super::sequence::Sequence;
use crate::base::random::Random;

/// Least number of cells to hide, as far as there are so many.
const LEAST: usize = 30;
/// A frame keeps at least this share of its observed cells.
const KEPT_OF_A_FRAME: f64 = 0.5;
/// Pieces in which clouds are laid, the frames that each covers, and the cells that it hides of one at least.
const PIECES: usize = 3;
const SPAN: usize = 8;
const LEAST_PIECE: usize = 12;
/// Places tried for each piece before single cells are taken.
const TRIES: usize = 16;

/// How cells are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hiding {
    /// Single cells anywhere, as Alvera-Azcárate et al. (2005) do.
    Points,
    /// What the gaps of one frame hide of another: errors are then those of a gap, not of a pinhole.
    Clouds,
}

/// About `share` of the observed cells (at least 30, never more than a third), in ascending order.
pub(crate) fn hidden_cells(sequence: &Sequence, share: f64, hiding: Hiding, random: &mut Random) -> Vec<usize> {
    let observed: Vec<usize> = (0..sequence.observed.len()).filter(|i| sequence.observed[*i]).collect();
    let wanted = ((share * observed.len() as f64) as usize).max(LEAST).min(observed.len() / 3);
    let mut chosen = match hiding {
        Hiding::Points => Vec::new(),
        Hiding::Clouds => clouds(sequence, wanted, random),
    };
    if chosen.len() < wanted {
        let mut taken = vec![false; sequence.observed.len()];
        chosen.iter().for_each(|i| taken[*i] = true);
        while chosen.len() < wanted {
            let i = observed[random.below(observed.len())];
            if !std::mem::replace(&mut taken[i], true) {
                chosen.push(i);
            }
        }
    }
    chosen.sort_unstable();
    chosen
}

/// Pieces of the gaps of some frames laid over the same number of others, elsewhere: as wide and as lasting as gaps are.
fn clouds(sequence: &Sequence, wanted: usize, random: &mut Random) -> Vec<usize> {
    let [frames, rows, columns] = sequence.shape;
    let pixels = rows * columns;
    let counts = sequence.observed_per_frame();
    let span = SPAN.min(frames.div_ceil(3));
    let of_a_frame = wanted.div_ceil(PIECES * span).max(LEAST_PIECE);
    let side = (2.0 * of_a_frame as f64).sqrt().ceil() as usize;
    let mut taken = vec![false; sequence.observed.len()];
    let mut left = counts.iter().map(|n| ((1.0 - KEPT_OF_A_FRAME) * *n as f64) as usize).collect::<Vec<_>>();
    let mut chosen = Vec::new();
    for _ in 0..PIECES * TRIES {
        if chosen.len() >= wanted {
            break;
        }
        let [here, there] = [(); 2].map(|()| [random.below(frames - span + 1), random.below(rows), random.below(columns)]);
        let mut piece = Vec::new();
        for k in 0..span {
            let (t, other) = (here[0] + k, there[0] + k);
            let cells = (0..side * side).filter_map(|i| {
                let [(y, x), (v, u)] = [here, there].map(|corner| (corner[1] + i / side, corner[2] + i % side));
                let p = (y < rows && x < columns).then_some(t * pixels + y * columns + x)?;
                let gap = other * pixels + v % rows * columns + u % columns;
                let hidden = sequence.sea[gap] && !sequence.observed[gap];
                (hidden && sequence.observed[p] && !taken[p]).then_some(p)
            });
            piece.extend(cells.take(left[t]));
        }
        if piece.len() > of_a_frame * span / 4 {
            piece.truncate(wanted - chosen.len());
            for i in &piece {
                taken[*i] = true;
                left[i / pixels] -= 1;
            }
            chosen.extend(piece);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::super::sequence::tests::sequence;
    use super::*;

    #[test]
    fn only_observed_cells_and_as_many_as_asked_for() {
        let mut random = Random::new(7, "hide");
        let given = sequence([6, 20, 20], (0..2400).map(|_| (random.uniform() < 0.6).then_some(1.0)).collect());
        for hiding in [Hiding::Points, Hiding::Clouds] {
            let cells = hidden_cells(&given, 0.05, hiding, &mut Random::new(1, "cells"));
            let observed = given.observed.iter().filter(|o| **o).count();
            assert_eq!(cells.len(), (0.05 * observed as f64) as usize);
            assert!(cells.windows(2).all(|w| w[0] < w[1]) && cells.iter().all(|i| given.observed[*i]));
            assert_eq!(cells, hidden_cells(&given, 0.05, hiding, &mut Random::new(1, "cells")));
            let rest = given.hiding(&cells);
            assert!(cells.iter().all(|i| !rest.observed[*i] && rest.values[*i] == 0.0));
        }
    }

    #[test]
    fn clouds_are_hidden_in_one_piece_and_for_a_while() {
        // A cloud that stands over 8 of 20 columns, always.
        let given = sequence([12, 20, 20], (0..4800).map(|i| (i % 20 >= 8).then_some(1.0)).collect());
        let with_company = |hiding| {
            let cells = hidden_cells(&given, 0.1, hiding, &mut Random::new(1, "cells"));
            let beside = |step: usize| cells.iter().filter(|i| cells.binary_search(&(*i + step)).is_ok()).count();
            [beside(1), beside(400)].map(|n| n as f64 / cells.len() as f64)
        };
        assert!(with_company(Hiding::Clouds).iter().all(|share| *share > 0.5), "{:?}", with_company(Hiding::Clouds));
        assert!(with_company(Hiding::Points).iter().all(|share| *share < 0.2));
    }

    #[test]
    fn a_handful_of_cells_is_not_used_up() {
        let given = sequence([1, 1, 7], (0..7).map(|i| (i != 3).then_some(1.0)).collect());
        assert_eq!(hidden_cells(&given, 0.5, Hiding::Clouds, &mut Random::new(1, "few")).len(), 2);
        let one = sequence([1, 1, 2], vec![Some(1.0), None]);
        assert!(hidden_cells(&one, 0.5, Hiding::Clouds, &mut Random::new(1, "few")).is_empty());
    }
}
