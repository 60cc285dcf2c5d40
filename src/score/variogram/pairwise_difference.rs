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

/// The difference of rank `rank` (0 = smallest) among all pairs of an ascending sample.
///
/// It is the least number t with more than `rank` differences up to t. Non-negative floating-point numbers ascend with
/// their bits, so bisection over the bits finds it exactly in at most 63 passes.
/// `rank` must be below n(n − 1)/2.
pub(super) fn nth_pairwise_difference(sorted: &[f64], rank: u64) -> f64 {
    let range = sorted[sorted.len() - 1] - sorted[0];
    let (mut low, mut high) = (0, range.to_bits());
    while low < high {
        let middle = low + (high - low) / 2;
        if count_up_to(sorted, f64::from_bits(middle)) > rank {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    f64::from_bits(low)
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
    use proptest::prelude::*;

    fn brute_force(sorted: &[f64]) -> Vec<f64> {
        let mut all: Vec<f64> = (0..sorted.len()).flat_map(|j| (0..j).map(move |i| sorted[j] - sorted[i])).collect();
        all.sort_unstable_by(f64::total_cmp);
        all
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
