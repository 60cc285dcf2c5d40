//! Fills mixed with weights that make them best where it can be checked: on seen cells that are hidden on purpose.

use crate::grid::Field;
use crate::methods::baselines::{Filled, Sequence, Solution};
use crate::methods::error::MethodResult;

/// Shares of several fills, none below 0, together 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shares(pub Vec<f64>);

impl Shares {
    /// Those with the least squared error over the cells `hidden`, whose values are in `truth`; cells that one of the
    /// `fills` leaves open do not count. All goes to the first where nothing can be said.
    ///
    /// # Formula
    /// ```text
    /// minimise Σ (y - Σ w_k f_k)²,  w_k >= 0,  Σ w_k = 1
    /// ```
    /// Every choice of fills that may have a share is solved by itself (there are a handful), and the best that keeps to the
    /// signs is taken.
    pub fn fitted(truth: &[f64], hidden: &[usize], fills: &[Solution]) -> Shares {
        let count = fills.len();
        let all = |i: &usize| fills.iter().all(|f| f.known[*i]);
        let errors: Vec<Vec<f64>> =
            hidden.iter().copied().filter(|i| all(i)).map(|i| fills.iter().map(|f| f.values[i] - truth[i]).collect()).collect();
        // Since the shares add up to 1, the squared error is wᵀ G w with G the products of the fills' errors.
        let product = |a: usize, b: usize| errors.iter().map(|e| e[a] * e[b]).sum::<f64>();
        let products: Vec<Vec<f64>> = (0..count).map(|a| (0..count).map(|b| product(a, b)).collect()).collect();
        let mut best = (f64::INFINITY, first_alone(count));
        if errors.is_empty() {
            return Shares(best.1);
        }
        for choice in 1..1usize << count {
            let members: Vec<usize> = (0..count).filter(|k| choice >> k & 1 == 1).collect();
            let Some(shares) = equal_pull(&products, &members) else { continue };
            let mut w = vec![0.0; count];
            members.iter().zip(&shares).for_each(|(k, share)| w[*k] = *share);
            let square: f64 = (0..count).map(|a| (0..count).map(|b| w[a] * products[a][b] * w[b]).sum::<f64>()).sum();
            if shares.iter().all(|s| *s >= 0.0) && square < best.0 {
                best = (square, w);
            }
        }
        Shares(best.1)
    }

    /// The mixed fill. Where some fills leave a cell open, the others share it out; where all do, it stays open.
    pub fn mixed(&self, fills: &[Solution]) -> Solution {
        let Some(first) = fills.first() else { return Solution { values: Vec::new(), known: Vec::new() } };
        let mut mixed = first.clone();
        for i in 0..mixed.values.len() {
            let (mut sum, mut weight, mut plain) = (0.0, 0.0, None);
            for (fill, share) in fills.iter().zip(&self.0).filter(|(fill, _)| fill.known[i]) {
                sum += share * fill.values[i];
                weight += share;
                plain = plain.or(Some(fill.values[i]));
            }
            mixed.known[i] = plain.is_some();
            mixed.values[i] = if weight > 0.0 { sum / weight } else { plain.unwrap_or(0.0) };
        }
        mixed
    }
}

fn first_alone(count: usize) -> Vec<f64> {
    (0..count).map(|k| f64::from(u8::from(k == 0))).collect()
}

/// Solves G w = 1 for the members and scales w to the sum 1; none where the matrix is singular.
fn equal_pull(products: &[Vec<f64>], members: &[usize]) -> Option<Vec<f64>> {
    let n = members.len();
    let trace: f64 = members.iter().map(|k| products[*k][*k]).sum();
    // Two fills that are the same share their part.
    let ridge = 1e-9 * trace / n as f64;
    let mut rows: Vec<Vec<f64>> = members
        .iter()
        .map(|a| members.iter().map(|b| products[*a][*b] + if a == b { ridge } else { 0.0 }).chain([1.0]).collect())
        .collect();
    for i in 0..n {
        let pivot = (i..n).max_by(|a, b| rows[*a][i].abs().total_cmp(&rows[*b][i].abs()))?;
        rows.swap(i, pivot);
        if rows[i][i].abs() <= f64::MIN_POSITIVE {
            // A single perfect fill has no error at all.
            return (n == 1).then(|| vec![1.0]);
        }
        for j in (0..n).filter(|j| *j != i) {
            let factor = rows[j][i] / rows[i][i];
            let row = rows[i].clone();
            rows[j].iter_mut().zip(&row).for_each(|(a, b)| *a -= factor * b);
        }
    }
    let w: Vec<f64> = rows.iter().enumerate().map(|(i, row)| row[n] / row[i]).collect();
    let sum: f64 = w.iter().sum();
    (sum > 0.0 && sum.is_finite()).then(|| w.iter().map(|w| w / sum).collect())
}

/// The field with the gaps that a solution knows; observed cells, land and ice as they were.
pub(super) fn filled_field(field: &Field, solution: &Solution) -> MethodResult<Field> {
    Ok(filled(field, solution, None, String::new())?.field)
}

/// A solution as what a fill gives, with the error of its cells where there is one.
pub(super) fn filled(field: &Field, solution: &Solution, error: Option<Vec<f64>>, note: String) -> MethodResult<Filled> {
    let sequence = Sequence::new(field)?;
    Filled::new(field, &sequence, solution, error, note)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn solution(values: &[f64]) -> Solution {
        Solution { values: values.to_vec(), known: vec![true; values.len()] }
    }

    #[test]
    fn shares_by_hand() {
        let truth = [0.0; 4];
        let hidden = [0, 1, 2, 3];
        // Independent errors of variance 1 and 4: shares as 1/1 to 1/4.
        let fills = [solution(&[1.0, 1.0, -1.0, -1.0]), solution(&[2.0, -2.0, 2.0, -2.0])];
        let shares = Shares::fitted(&truth, &hidden, &fills);
        assert!((shares.0[0] - 0.8).abs() < 1e-6 && (shares.0[1] - 0.2).abs() < 1e-6, "{shares:?}");
        // A fill whose error is the other's and more gets nothing, never a share below 0.
        let fills = [solution(&[1.0, 1.0, -1.0, -1.0]), solution(&[3.0, 2.0, -2.0, -3.0])];
        assert_eq!(Shares::fitted(&truth, &hidden, &fills).0, [1.0, 0.0]);
        // A perfect one gets all.
        let fills = [solution(&[1.0, 1.0, -1.0, -1.0]), solution(&[0.0; 4])];
        assert!((Shares::fitted(&truth, &hidden, &fills).0[1] - 1.0).abs() < 1e-9);
        assert_eq!(Shares::fitted(&truth, &[], &fills).0, [1.0, 0.0]);
    }

    #[test]
    fn no_other_mixture_is_better() {
        let mut random = crate::base::random::Random::new(8, "blend");
        let truth: Vec<f64> = (0..200).map(|_| random.normal()).collect();
        let noisy = |spread: f64, shared: &[f64], random: &mut crate::base::random::Random| {
            let cells = truth.iter().zip(shared).map(|(t, s)| t + s + spread * random.normal());
            solution(&cells.collect::<Vec<f64>>())
        };
        let shared: Vec<f64> = (0..200).map(|_| 0.5 * random.normal()).collect();
        let fills: Vec<Solution> = [0.4, 0.6, 1.0].iter().map(|s| noisy(*s, &shared, &mut random)).collect();
        let hidden: Vec<usize> = (0..200).collect();
        let error = |w: &[f64]| {
            let at = |i: usize| w.iter().zip(&fills).map(|(w, f)| w * f.values[i]).sum::<f64>() - truth[i];
            (0..200).map(|i| at(i).powi(2)).sum::<f64>()
        };
        let best = error(&Shares::fitted(&truth, &hidden, &fills).0);
        for a in 0..=20 {
            for b in 0..=20 - a {
                let w = [f64::from(a) / 20.0, f64::from(b) / 20.0, f64::from(20 - a - b) / 20.0];
                assert!(error(&w) >= best - 1e-9, "{w:?}");
            }
        }
    }

    #[test]
    fn open_cells_are_left_to_the_others() {
        let mut second = solution(&[4.0, 4.0, 4.0]);
        second.known = vec![true, false, false];
        let mut first = solution(&[2.0, 2.0, 2.0]);
        first.known[2] = false;
        let mixed = Shares(vec![0.25, 0.75]).mixed(&[first, second]);
        assert_eq!((mixed.values[0], mixed.values[1]), (3.5, 2.0));
        assert_eq!(mixed.known, [true, true, false]);
    }
}
