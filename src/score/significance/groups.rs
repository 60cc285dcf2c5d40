//! Do more than two groups differ?

use super::tail::{chi_squared_above, fisher_above};
use super::{ScoreError, ScoreResult, TestResult};
use crate::score::quantile::median;
use crate::score::rank::average_ranks;

/// One-way analysis of variance: do the means of independent normal samples of equal variance differ?
///
/// # Formula
/// ```text
/// F = Σ n_g (x̄_g − x̄)²/(k − 1) / ( Σ Σ (x − x̄_g)²/(n − k) ),    p = P(F_{k−1, n−k} ≥ F)
/// ```
///
/// # Errors
/// [`ScoreError::TooFew`] below two groups, for an empty group or no value more than groups, [`ScoreError::Constant`] where no
/// group varies, [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::analysis_of_variance;
/// // between: 2·(1 + 1)/1 = 4; within: (2·0.5)/2 = 0.5
/// let test = analysis_of_variance(&[&[0.5, 1.5], &[2.5, 3.5]]).unwrap();
/// assert!((test.statistic - 8.0).abs() < 1e-12);
/// ```
///
/// # Reference
/// Fisher (1925), Statistical Methods for Research Workers, doi:10.1007/978-1-4612-4380-9_6
pub fn analysis_of_variance(groups: &[&[f64]]) -> ScoreResult<TestResult> {
    let n = check(groups, "analysis_of_variance")?;
    let k = groups.len();
    if n <= k {
        return Err(ScoreError::TooFew { metric: "analysis_of_variance", found: n, wanted: k + 1 });
    }
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let all = groups.iter().map(|g| g.iter().sum::<f64>()).sum::<f64>() / n as f64;
    let between: f64 = groups.iter().map(|g| g.len() as f64 * (mean(g) - all).powi(2)).sum();
    let within: f64 = groups.iter().map(|g| g.iter().map(|x| (x - mean(g)).powi(2)).sum::<f64>()).sum();
    if within <= 0.0 {
        return Err(ScoreError::Constant { what: "each group", metric: "analysis_of_variance" });
    }
    let (above, below) = ((k - 1) as f64, (n - k) as f64);
    let statistic = between / above / (within / below);
    Ok(TestResult { statistic, p_value: fisher_above(statistic, above, below) })
}

/// Levene's test with medians (Brown and Forsythe): do the spreads of groups differ? An analysis of variance of the distances
/// to the group's median.
///
/// # Errors
/// As [`analysis_of_variance`].
///
/// # Reference
/// Brown, Forsythe (1974), doi:10.1080/01621459.1974.10482955
pub fn levene(groups: &[&[f64]]) -> ScoreResult<TestResult> {
    check(groups, "levene")?;
    let distances = groups
        .iter()
        .map(|group| {
            let centre = median(group)?;
            Ok(group.iter().map(|x| (x - centre).abs()).collect::<Vec<f64>>())
        })
        .collect::<ScoreResult<Vec<_>>>()?;
    analysis_of_variance(&distances.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// Kruskal and Wallis' test: do independent samples come from one distribution? An analysis of variance of ranks.
///
/// # Formula
/// ```text
/// H = ( 12/(n(n+1)) Σ R_g²/n_g − 3(n+1) ) / ( 1 − Σ(t³ − t)/(n³ − n) ),    p = P(χ²_{k−1} ≥ H)
/// ```
///
/// # Errors
/// [`ScoreError::TooFew`] below two groups or for an empty group, [`ScoreError::Constant`] where all values are equal,
/// [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::kruskal_wallis;
/// // rank sums 3 and 7 of 4: 12/20 (9/2 + 49/2) - 15
/// assert!((kruskal_wallis(&[&[1.0, 2.0], &[3.0, 4.0]]).unwrap().statistic - 2.4).abs() < 1e-12);
/// ```
///
/// # Reference
/// Kruskal, Wallis (1952), doi:10.1080/01621459.1952.10483441
pub fn kruskal_wallis(groups: &[&[f64]]) -> ScoreResult<TestResult> {
    let n = check(groups, "kruskal_wallis")? as f64;
    let all: Vec<f64> = groups.concat();
    let ranks = average_ranks(&all);
    let mut at = 0;
    let mut sum = 0.0;
    for group in groups {
        let rank_sum: f64 = ranks[at..at + group.len()].iter().sum();
        sum += rank_sum * rank_sum / group.len() as f64;
        at += group.len();
    }
    let untied = 1.0 - tie_sum(&all) / (n * n * n - n);
    if untied <= 0.0 {
        return Err(ScoreError::Constant { what: "every group", metric: "kruskal_wallis" });
    }
    let statistic = (12.0 / (n * (n + 1.0)) * sum - 3.0 * (n + 1.0)) / untied;
    Ok(TestResult { statistic, p_value: chi_squared_above(statistic, groups.len() as f64 - 1.0) })
}

/// Friedman's test: do methods differ that were all tried on the same cases (days, blocks)? Each group holds one method's
/// values, case by case.
///
/// # Formula
/// ```text
/// χ² = ( 12/(n k (k+1)) Σ R_g² − 3n(k+1) ) / ( 1 − Σ(t³ − t)/(n k (k² − 1)) ),    R_g the sum over cases of the rank among methods
/// ```
///
/// # Errors
/// [`ScoreError::TooFew`] below three methods or without a case, [`ScoreError::Argument`] where methods have other numbers of
/// cases, [`ScoreError::Constant`] where methods never differ, [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::friedman;
/// // two cases, ranks 1 2 3 each: 12/(2·3·4) (4 + 16 + 36) - 3·2·4
/// assert!((friedman(&[&[1.0, 2.0], &[2.0, 3.0], &[5.0, 4.0]]).unwrap().statistic - 4.0).abs() < 1e-12);
/// ```
///
/// # Reference
/// Friedman (1937), doi:10.1080/01621459.1937.10503522
pub fn friedman(groups: &[&[f64]]) -> ScoreResult<TestResult> {
    check(groups, "friedman")?;
    if groups.len() < 3 {
        return Err(ScoreError::TooFew { metric: "friedman (methods)", found: groups.len(), wanted: 3 });
    }
    let cases = groups[0].len();
    if let Some(other) = groups.iter().find(|g| g.len() != cases) {
        return Err(ScoreError::Argument(format!("one method has {cases} cases, another {}; the same are wanted", other.len())));
    }
    let mut sums = vec![0.0; groups.len()];
    let mut ties = 0.0;
    for case in 0..cases {
        let row: Vec<f64> = groups.iter().map(|g| g[case]).collect();
        sums.iter_mut().zip(average_ranks(&row)).for_each(|(s, r)| *s += r);
        ties += tie_sum(&row);
    }
    let (n, k) = (cases as f64, groups.len() as f64);
    let untied = 1.0 - ties / (n * k * (k * k - 1.0));
    if untied <= 0.0 {
        return Err(ScoreError::Constant { what: "every case", metric: "friedman" });
    }
    let squares: f64 = sums.iter().map(|s| s * s).sum();
    let statistic = (12.0 / (n * k * (k + 1.0)) * squares - 3.0 * n * (k + 1.0)) / untied;
    Ok(TestResult { statistic, p_value: chi_squared_above(statistic, k - 1.0) })
}

/// Σ (t³ − t) over groups of t equal values.
fn tie_sum(values: &[f64]) -> f64 {
    let mut ordered = values.to_vec();
    ordered.sort_by(f64::total_cmp);
    ordered
        .chunk_by(|a, b| a == b)
        .map(|group| {
            let t = group.len() as f64;
            t * t * t - t
        })
        .sum()
}

/// The number of values, where there are two groups or more, none empty, all finite.
fn check(groups: &[&[f64]], metric: &'static str) -> ScoreResult<usize> {
    if groups.len() < 2 {
        return Err(ScoreError::TooFew { metric, found: groups.len(), wanted: 2 });
    }
    for group in groups {
        if group.is_empty() {
            return Err(ScoreError::TooFew { metric, found: 0, wanted: 1 });
        }
        if let Some(position) = group.iter().position(|v| !v.is_finite()) {
            return Err(ScoreError::NotFinite { what: "a group", position });
        }
    }
    Ok(groups.iter().map(|g| g.len()).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::welch_t;

    #[test]
    fn two_equal_groups_give_the_square_of_t() {
        let (a, b) = ([1.0, 4.0, 2.0, 7.0], [3.0, 9.0, 5.0, 6.0]);
        let (f, t) = (analysis_of_variance(&[&a, &b]).unwrap(), welch_t(&a, &b, 0.95).unwrap());
        assert!((f.statistic - t.statistic * t.statistic).abs() < 1e-12);
    }

    #[test]
    fn equal_spreads_and_equal_ranks() {
        // the second group is the first moved by 10: the same distances to the median
        assert!(levene(&[&[1.0, 2.0, 4.0], &[11.0, 12.0, 14.0]]).unwrap().statistic < 1e-20);
        assert!(kruskal_wallis(&[&[1.0, 4.0], &[2.0, 3.0]]).unwrap().statistic.abs() < 1e-12);
    }

    #[test]
    fn bad_groups_are_refused() {
        assert!(analysis_of_variance(&[&[1.0, 2.0]]).is_err());
        assert!(analysis_of_variance(&[&[1.0, 1.0], &[2.0, 2.0]]).is_err());
        assert!(kruskal_wallis(&[&[1.0], &[1.0]]).is_err() && kruskal_wallis(&[&[1.0], &[]]).is_err());
        assert!(friedman(&[&[1.0], &[1.0], &[1.0]]).is_err());
        assert!(friedman(&[&[1.0], &[1.0, 2.0], &[1.0]]).is_err());
    }
}
