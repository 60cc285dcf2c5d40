//! Order statistics of the differences between all pairs of a sample, without forming them.

/// How many of the differences `x[j] − x[i]`, i < j, of an ascending sample are at most `limit`.
///
/// Rounded differences still ascend with the larger and descend with the smaller value, so that two pointers suffice.
fn count_up_to(sorted: &[f64], limit: f64) -> u64 {
    let mut first = 0;
    let mut count = 0;
    for (j, upper) in sorted.iter().enumerate() {
        while upper - sorted[first] > limit {
            first += 1;
        }
        count += (j - first) as u64;
    }
    count
}

/// Steps that halve the range of values; from then on the range of bits is halved, which ends however the values lie.
const PLAIN_STEPS: usize = 32;

/// The difference of rank `rank` (0 = smallest) among all pairs of an ascending sample.
///
/// It is the least number t with more than `rank` differences up to t. The range that holds it is halved, counting each time,
/// until no more differences lie inside than the sample has values; these are then formed, and the one is selected: about
/// log₂ n passes over the sample. Non-negative floating-point numbers ascend with their bits, so that the range is closed at
/// both ends and ties do no harm. `rank` must be below n(n − 1)/2.
pub(super) fn nth_pairwise_difference(sorted: &[f64], rank: u64) -> f64 {
    let count = sorted.len() as u64;
    let range = sorted[sorted.len() - 1] - sorted[0];
    let (mut low, mut high) = (0, range.to_bits());
    // Differences below `low`, and up to `high`.
    let (mut below, mut up_to) = (0, count * (count - 1) / 2);
    for step in 0.. {
        if low == high {
            return f64::from_bits(low);
        }
        if up_to - below <= count {
            break;
        }
        let middle = if step < PLAIN_STEPS {
            let (low, high) = (f64::from_bits(low), f64::from_bits(high));
            (low + 0.5 * (high - low)).to_bits()
        } else {
            low + (high - low) / 2
        };
        let middle = middle.clamp(low, high - 1);
        let found = count_up_to(sorted, f64::from_bits(middle));
        if found > rank {
            (high, up_to) = (middle, found);
        } else {
            (low, below) = (middle + 1, found);
        }
    }
    let mut inside = between(sorted, f64::from_bits(low), f64::from_bits(high));
    *inside.select_nth_unstable_by((rank - below) as usize, f64::total_cmp).1
}

/// The differences from `low` to `high`, both included.
fn between(sorted: &[f64], low: f64, high: f64) -> Vec<f64> {
    let mut inside = Vec::new();
    let (mut first, mut end) = (0, 0);
    for (j, upper) in sorted.iter().enumerate() {
        while upper - sorted[first] > high {
            first += 1;
        }
        end = end.max(first);
        while end < j && upper - sorted[end] >= low {
            end += 1;
        }
        inside.extend(sorted[first..end].iter().map(|lower| upper - lower));
    }
    inside
}

/// The linearly interpolated quantile of all pairwise differences of an ascending sample of at least two.
pub(super) fn pairwise_difference_quantile(sorted: &[f64], probability: f64) -> f64 {
    let pairs = sorted.len() as u64 * (sorted.len() as u64 - 1) / 2;
    let position = (pairs - 1) as f64 * probability;
    let (rank, part) = (position.floor() as u64, position.fract());
    let low = nth_pairwise_difference(sorted, rank);
    if part == 0.0 || rank + 1 >= pairs {
        return low;
    }
    let high = if count_up_to(sorted, low) > rank + 1 { low } else { next_difference(sorted, low) };
    low + (high - low) * part
}

/// The smallest difference above `limit`; there must be one.
fn next_difference(sorted: &[f64], limit: f64) -> f64 {
    let mut first = 0;
    let mut next = f64::INFINITY;
    for upper in sorted {
        while upper - sorted[first] > limit {
            first += 1;
        }
        if first > 0 {
            next = next.min(upper - sorted[first - 1]);
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;
    use proptest::prelude::*;

    fn brute_force(sorted: &[f64]) -> Vec<f64> {
        let mut all: Vec<f64> = (0..sorted.len()).flat_map(|j| (0..j).map(move |i| sorted[j] - sorted[i])).collect();
        all.sort_unstable_by(f64::total_cmp);
        all
    }

    /// Samples large enough that the range is halved before differences are formed: smooth, tied, and of wild range.
    #[test]
    fn large_samples_against_all_differences() {
        let mut random = Random::new(3, "pairwise differences");
        let mut draw = |of: &dyn Fn(f64) -> f64| (0..400).map(|_| of(random.normal())).collect::<Vec<f64>>();
        let wild = draw(&|z| (60.0 * z).exp() - (-40.0 * z).exp());
        for mut sample in [draw(&|z| z), draw(&|z| (2.0 * z).round()), wild, vec![1.5; 400]] {
            sample.sort_unstable_by(f64::total_cmp);
            let all = brute_force(&sample);
            for rank in [0, 1, 399, 400, 5000, 20_099, 40_000, all.len() - 2, all.len() - 1] {
                assert_eq!(nth_pairwise_difference(&sample, rank as u64), all[rank], "{rank}");
            }
        }
    }

    proptest! {
        #[test]
        fn ranks_are_those_of_all_differences(mut sample in prop::collection::vec(-5.0f64..5.0, 2..20), ties: bool) {
            if ties {
                sample.iter_mut().for_each(|x| *x = x.round());
            }
            sample.sort_unstable_by(f64::total_cmp);
            let all = brute_force(&sample);
            for (rank, want) in all.iter().enumerate() {
                prop_assert_eq!(nth_pairwise_difference(&sample, rank as u64), *want);
            }
            for probability in [0.0, 0.1, 0.25, 0.5, 0.77, 1.0] {
                let want = crate::score::quantile_of_sorted(&all, probability).unwrap();
                prop_assert!((pairwise_difference_quantile(&sample, probability) - want).abs() < 1e-14);
            }
        }
    }
}
