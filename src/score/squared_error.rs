//! The mean squared error where nothing else is asked for: one pass at the speed of the memory.

use rayon::prelude::*;

use super::error::{ScoreError, ScoreResult};
use crate::base::vector::{Work, widest};

/// Pairs summed together before their sums are added. Fixed, so that the result is the same for any number of threads.
const CHUNK: usize = 1 << 14;
/// Running sums side by side.
const LANES: usize = 16;

/// Mean of (prediction − truth)² over the valid pairs, summed in f64.
///
/// [`super::Pairs::mse`] is the same with weights, and gives every other pointwise metric from the same pass.
///
/// # Formula
/// ```text
/// MSE = Σ (p − t)² / n
/// ```
/// At least 0, in the squared unit of the data; 0 is perfect.
///
/// # Errors
/// [`ScoreError::Length`], [`ScoreError::Argument`] for a mask of another length, [`ScoreError::NotFinite`],
/// [`ScoreError::TooFew`] without a valid pair.
///
/// # Example
/// ```
/// use isotherm::score::mean_squared_error;
/// assert_eq!(mean_squared_error(&[1.0, 2.0], &[1.0, 4.0], None).unwrap(), 2.0);
/// ```
///
/// # Reference
/// Willmott, Matsuura (2005), doi:10.3354/cr030079
pub fn mean_squared_error<T, P>(truth: &[T], prediction: &[P], valid: Option<&[bool]>) -> ScoreResult<f64>
where
    T: Copy + Into<f64> + Sync,
    P: Copy + Into<f64> + Sync,
{
    let n = truth.len();
    if n != prediction.len() {
        return Err(ScoreError::Length { truth: n, prediction: prediction.len() });
    }
    if let Some(found) = valid.map(<[bool]>::len).filter(|found| *found != n) {
        return Err(ScoreError::Argument(format!("the mask has {found} entries for {n} pairs; one for each is wanted")));
    }
    let count = valid.map_or(n, |v| v.par_chunks(CHUNK).map(|v| v.iter().filter(|v| **v).count()).sum());
    if count == 0 {
        return Err(ScoreError::TooFew { metric: "mse", found: 0, wanted: 1 });
    }
    let sums: Vec<f64> = (0..n.div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let range = chunk * CHUNK..((chunk + 1) * CHUNK).min(n);
            let (truth, prediction) = (&truth[range.clone()], &prediction[range.clone()]);
            widest(Squares { truth, prediction, valid: valid.map(|v| &v[range]) })
        })
        .collect();
    let sum: f64 = sums.iter().sum();
    if !sum.is_finite() {
        for i in (0..n).filter(|i| valid.is_none_or(|v| v[*i])) {
            for (what, value) in [("truth", truth[i].into()), ("prediction", prediction[i].into())] {
                if !value.is_finite() {
                    return Err(ScoreError::NotFinite { what, position: i });
                }
            }
        }
    }
    Ok(sum / count as f64)
}

/// Pairs whose squared errors are summed.
struct Squares<'a, T, P> {
    truth: &'a [T],
    prediction: &'a [P],
    valid: Option<&'a [bool]>,
}

impl<T: Copy + Into<f64>, P: Copy + Into<f64>> Work for Squares<'_, T, P> {
    type Output = f64;

    #[inline(always)]
    fn run(self) -> f64 {
        match self.valid {
            None => sum_of_squares(self.truth, self.prediction, |_| true),
            Some(valid) => {
                let valid = &valid[..self.truth.len()];
                sum_of_squares(self.truth, self.prediction, |i| valid[i])
            }
        }
    }
}

#[inline(always)]
fn sum_of_squares<T, P>(truth: &[T], prediction: &[P], valid: impl Fn(usize) -> bool) -> f64
where
    T: Copy + Into<f64>,
    P: Copy + Into<f64>,
{
    let n = truth.len().min(prediction.len());
    let (truth, prediction) = (&truth[..n], &prediction[..n]);
    let square = |i: usize| {
        let error: f64 = prediction[i].into() - truth[i].into();
        if valid(i) { error * error } else { 0.0 }
    };
    let mut sums = [0.0; LANES];
    let whole = n - n % LANES;
    for start in (0..whole).step_by(LANES) {
        (0..LANES).for_each(|lane| sums[lane] += square(start + lane));
    }
    sums.iter().sum::<f64>() + (whole..n).map(square).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::super::Pairs;
    use super::*;
    use crate::base::random::Random;

    #[test]
    fn it_is_the_plain_mean() {
        let mut random = Random::new(2, "mse");
        let truth: Vec<f32> = (0..40_001).map(|_| random.normal() as f32).collect();
        let prediction: Vec<f64> = (0..40_001).map(|_| random.normal()).collect();
        let valid: Vec<bool> = (0..40_001).map(|i| i % 3 != 1).collect();
        for valid in [None, Some(&valid[..])] {
            let squares: Vec<f64> = (0..truth.len())
                .filter(|i| valid.is_none_or(|v| v[*i]))
                .map(|i| (prediction[i] - f64::from(truth[i])).powi(2))
                .collect();
            let plain = squares.iter().sum::<f64>() / squares.len() as f64;
            assert!((mean_squared_error(&truth, &prediction, valid).unwrap() / plain - 1.0).abs() < 1e-12);
            let pairs = Pairs::collect(&truth, &prediction, valid, None).unwrap();
            assert!((pairs.mse().unwrap() / plain - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn the_same_bits_for_any_number_of_threads() {
        let mut random = Random::new(3, "mse threads");
        let truth: Vec<f64> = (0..100_000).map(|_| random.normal()).collect();
        let prediction: Vec<f64> = (0..100_000).map(|_| random.normal()).collect();
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| mean_squared_error(&truth, &prediction, None).unwrap().to_bits())
        };
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn bad_input_is_named() {
        assert_eq!(mean_squared_error(&[1.0], &[1.0, 2.0], None), Err(ScoreError::Length { truth: 1, prediction: 2 }));
        assert!(matches!(mean_squared_error(&[1.0], &[1.0], Some(&[])), Err(ScoreError::Argument(_))));
        assert!(matches!(mean_squared_error(&[1.0], &[1.0], Some(&[false])), Err(ScoreError::TooFew { .. })));
        let bad = mean_squared_error(&[f64::NAN, 1.0], &[1.0, f64::INFINITY], Some(&[false, true]));
        assert_eq!(bad, Err(ScoreError::NotFinite { what: "prediction", position: 1 }));
    }
}
