//! Shares of a sample in bins.

use super::{ScoreError, ScoreResult};

/// The share of `values` in each bin between `edges`: counts over the number of all values, so that values outside the edges
/// are missing from the sum. A bin holds its lower edge; the last bin its upper edge too.
///
/// # Errors
/// [`ScoreError::TooFew`] for an empty sample, [`ScoreError::NotFinite`], [`ScoreError::Argument`] for edges that do not ascend.
///
/// # Example
/// ```
/// use isotherm::score::histogram_shares;
/// let shares = histogram_shares(&[0.0, 0.5, 1.0, 2.0, 9.0], &[0.0, 1.0, 2.0]).unwrap();
/// assert_eq!(shares, vec![0.4, 0.4]); // 9 lies outside
/// ```
pub fn histogram_shares(values: &[f64], edges: &[f64]) -> ScoreResult<Vec<f64>> {
    check_edges(edges)?;
    if values.is_empty() {
        return Err(ScoreError::TooFew { metric: "a histogram", found: 0, wanted: 1 });
    }
    if let Some(position) = values.iter().position(|v| !v.is_finite()) {
        return Err(ScoreError::NotFinite { what: "the sample", position });
    }
    let bins = edges.len() - 1;
    let mut counts = vec![0usize; bins];
    for value in values {
        let after = edges.partition_point(|edge| edge <= value);
        match after {
            0 => {}
            a if a <= bins => counts[a - 1] += 1,
            _ if *value == edges[bins] => counts[bins - 1] += 1,
            _ => {}
        }
    }
    Ok(counts.iter().map(|c| *c as f64 / values.len() as f64).collect())
}

/// Edges of `count` equal bins from the smallest to the largest value of both samples.
///
/// # Errors
/// [`ScoreError::TooFew`] for two empty samples or no bin, [`ScoreError::Constant`] where all values are equal,
/// [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// assert_eq!(isotherm::score::equal_bins(&[0.0, 1.0], &[4.0], 2).unwrap(), vec![0.0, 2.0, 4.0]);
/// ```
pub fn equal_bins(first: &[f64], second: &[f64], count: usize) -> ScoreResult<Vec<f64>> {
    for (what, values) in [("the first sample", first), ("the second sample", second)] {
        if let Some(position) = values.iter().position(|v| !v.is_finite()) {
            return Err(ScoreError::NotFinite { what, position });
        }
    }
    if first.is_empty() && second.is_empty() || count == 0 {
        return Err(ScoreError::TooFew { metric: "bins of a histogram", found: 0, wanted: 1 });
    }
    let (low, high) =
        first.iter().chain(second).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)));
    if low == high {
        return Err(ScoreError::Constant { what: "each of the two samples", metric: "a histogram" });
    }
    Ok((0..=count).map(|i| if i == count { high } else { low + (high - low) * i as f64 / count as f64 }).collect())
}

pub(super) fn check_edges(edges: &[f64]) -> ScoreResult<()> {
    if edges.len() < 2 {
        return Err(ScoreError::TooFew { metric: "a histogram (edges)", found: edges.len(), wanted: 2 });
    }
    match edges.windows(2).find(|pair| !(pair[0] < pair[1] && pair[0].is_finite() && pair[1].is_finite())) {
        Some(pair) => {
            Err(ScoreError::Argument(format!("edges {} and {} of a bin do not ascend or are not finite", pair[0], pair[1])))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_outside_is_missing() {
        assert_eq!(histogram_shares(&[-1.0, 3.0, 1.5, 2.0], &[0.0, 1.0, 2.0]).unwrap(), vec![0.0, 0.5]);
        assert!(histogram_shares(&[], &[0.0, 1.0]).is_err() && histogram_shares(&[1.0], &[1.0, 1.0]).is_err());
        assert!(histogram_shares(&[f64::NAN], &[0.0, 1.0]).is_err());
    }

    #[test]
    fn equal_bins_hold_everything() {
        let (a, b) = ([0.1, 0.7, 2.3], [-0.4, 1.9]);
        let edges = equal_bins(&a, &b, 7).unwrap();
        for sample in [&a[..], &b[..]] {
            assert!((histogram_shares(sample, &edges).unwrap().iter().sum::<f64>() - 1.0).abs() < 1e-15);
        }
        assert!(equal_bins(&[1.0], &[1.0], 3).is_err() && equal_bins(&[], &[], 3).is_err());
    }
}
