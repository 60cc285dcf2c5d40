//! The order in which samples are taken: all of them once, shuffled, then all of them again, shuffled anew.

use crate::base::random::Random;

/// An endless order over `length` samples, a pure function of the seed. A position in it (see
/// [`Iteration::take_samples`](super::Iteration::take_samples)) is all that a checkpoint needs.
///
/// # Example
/// ```
/// use isotherm::train::DataOrder;
/// let mut order = DataOrder::new(1, 4);
/// let mut first: Vec<usize> = order.take(0, 4);
/// first.sort();
/// assert_eq!(first, [0, 1, 2, 3]);
/// assert_eq!(order.take(2, 6)[..2], DataOrder::new(1, 4).take(0, 4)[2..]);
/// ```
#[derive(Clone, Debug)]
pub struct DataOrder {
    stream: Random,
    length: usize,
    /// The round whose order is at hand, and that order.
    round: Option<(u64, Vec<usize>)>,
}

impl DataOrder {
    /// The order of `length` samples under `seed`.
    pub fn new(seed: u64, length: usize) -> DataOrder {
        DataOrder { stream: Random::new(seed, "data order"), length, round: None }
    }

    /// The samples at positions `first` to `first + count - 1`; none where there are no samples at all.
    pub fn take(&mut self, first: u64, count: usize) -> Vec<usize> {
        if self.length == 0 {
            return Vec::new();
        }
        (first..first + count as u64).map(|position| self.sample(position)).collect()
    }

    fn sample(&mut self, position: u64) -> usize {
        let (round, place) = (position / self.length as u64, (position % self.length as u64) as usize);
        match &self.round {
            Some((known, order)) if *known == round => order[place],
            _ => {
                let mut order: Vec<usize> = (0..self.length).collect();
                self.stream.child(round).shuffle(&mut order);
                let sample = order[place];
                self.round = Some((round, order));
                sample
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_round_takes_each_sample_once_however_it_is_cut(length in 1usize..30, cut in 1usize..17, seed in 0u64..50) {
            let whole = DataOrder::new(seed, length).take(0, 3 * length);
            for round in whole.chunks(length) {
                let mut sorted = round.to_vec();
                sorted.sort_unstable();
                prop_assert_eq!(sorted, (0..length).collect::<Vec<_>>());
            }
            let mut order = DataOrder::new(seed, length);
            let pieces: Vec<usize> = (0..3 * length).step_by(cut).flat_map(|p| order.take(p as u64, cut.min(3 * length - p))).collect();
            prop_assert_eq!(pieces, whole);
        }
    }

    #[test]
    fn rounds_differ_and_nothing_gives_nothing() {
        let mut order = DataOrder::new(3, 20);
        assert_ne!(order.take(0, 20), order.take(20, 20));
        assert!(DataOrder::new(3, 0).take(5, 2).is_empty());
    }
}
