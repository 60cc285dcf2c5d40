//! Observed cells hidden on purpose, in the shape of the gaps there are, so that a fill can be held against them.

use super::sequence::Sequence;
use crate::base::random::Random;

/// Least number of cells to hide, as far as there are so many.
const LEAST: usize = 30;
/// A frame keeps at least this share of its observed cells.
const KEPT_OF_A_FRAME: f64 = 0.5;
/// Frames over which clouds are shared out, and the cells that a frame's share holds at least.
const FRAMES: usize = 4;
const LEAST_PIECE: usize = 64;
/// Tries for each frame before single cells are taken.
const TRIES: usize = 8;

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

fn clouds(sequence: &Sequence, wanted: usize, random: &mut Random) -> Vec<usize> {
    let [frames, rows, columns] = sequence.shape;
    let pixels = rows * columns;
    let counts = sequence.observed_per_frame();
    let mut chosen = Vec::new();
    let mut order: Vec<usize> = (0..frames).filter(|t| counts[*t] > 0).collect();
    random.shuffle(&mut order);
    // Shared out over several frames, so that no one frame decides, but in pieces that have an inside.
    let of_a_frame = wanted.div_ceil(FRAMES).max(LEAST_PIECE);
    for t in order {
        if chosen.len() >= wanted {
            break;
        }
        let most = of_a_frame.min(wanted - chosen.len()).min(((1.0 - KEPT_OF_A_FRAME) * counts[t] as f64) as usize);
        for _ in 0..TRIES {
            let other = random.below(frames);
            let (up, left) = (random.below(rows), random.below(columns));
            // What the other frame's gaps hide of this one, from a corner drawn at random on, going around.
            let hits: Vec<usize> = (0..pixels)
                .map(|k| (k / columns + up) % rows * columns + (k % columns + left) % columns)
                .filter(|p| {
                    let elsewhere = other * pixels + p;
                    sequence.observed[t * pixels + p] && sequence.sea[elsewhere] && !sequence.observed[elsewhere]
                })
                .take(most)
                .collect();
            if other != t && hits.len() > most / 3 {
                chosen.extend(hits.into_iter().map(|p| t * pixels + p));
                break;
            }
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
        let clouds = hidden_cells(&given, 0.05, Hiding::Clouds, &mut Random::new(1, "cells"));
        // what is hidden in one frame is a gap in some other
        assert!(clouds.iter().all(|i| (0..6).any(|t| !given.observed[t * 400 + i % 400])));
    }

    #[test]
    fn a_handful_of_cells_is_not_used_up() {
        let given = sequence([1, 1, 7], (0..7).map(|i| (i != 3).then_some(1.0)).collect());
        assert_eq!(hidden_cells(&given, 0.5, Hiding::Clouds, &mut Random::new(1, "few")).len(), 2);
        let one = sequence([1, 1, 2], vec![Some(1.0), None]);
        assert!(hidden_cells(&one, 0.5, Hiding::Clouds, &mut Random::new(1, "few")).is_empty());
    }
}
