//! Peak signal-to-noise ratio.

use super::error::{ScoreError, ScoreResult};
use super::pairs::Pairs;
use super::squared_error::mean_squared_error;

impl Pairs {
    /// Peak signal-to-noise ratio in decibels for a stated range R of the data.
    ///
    /// # Formula
    /// ```text
    /// PSNR = 10 log₁₀( R² / MSE )
    /// ```
    /// Higher is better; +∞ for a perfect prediction. The choice of R moves it by tens of decibels (the range of the truth,
    /// 45 K, 255 ...), so a PSNR without its R says nothing.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] without a pair, [`ScoreError::Argument`] for a range that is not a positive number.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::Pairs;
    /// // MSE 0.01: 10 log₁₀(100)
    /// let pairs = Pairs::collect(&[0.0, 1.0], &[0.1, 0.9], None, None).unwrap();
    /// assert!((pairs.psnr(1.0).unwrap() - 20.0).abs() < 1e-9);
    /// ```
    ///
    /// # Reference
    /// Huynh-Thu, Ghanbari (2008), doi:10.1049/el:20080522
    pub fn psnr(&self, data_range: f64) -> ScoreResult<f64> {
        self.need("psnr", 1)?;
        of_mean_squared_error(self.mse()?, data_range)
    }
}

/// Peak signal-to-noise ratio of two lists or planes: [`Pairs::psnr`] where no other metric of the pairs is wanted.
///
/// # Errors
/// As [`Pairs::psnr`] and [`mean_squared_error`].
///
/// # Example
/// ```
/// let decibels = isotherm::score::psnr(&[0.0_f32, 1.0], &[0.5, 1.5], None, 1.0).unwrap();
/// assert!((decibels - 10.0 * 4f64.log10()).abs() < 1e-12);
/// ```
///
/// # Reference
/// Huynh-Thu, Ghanbari (2008), doi:10.1049/el:20080522
pub fn psnr<T, P>(truth: &[T], prediction: &[P], valid: Option<&[bool]>, data_range: f64) -> ScoreResult<f64>
where
    T: Copy + Into<f64> + Sync,
    P: Copy + Into<f64> + Sync,
{
    of_mean_squared_error(mean_squared_error(truth, prediction, valid)?, data_range)
}

fn of_mean_squared_error(mean_squared_error: f64, data_range: f64) -> ScoreResult<f64> {
    if !(data_range > 0.0 && data_range.is_finite()) {
        return Err(ScoreError::Argument(format!("a data range of {data_range} was stated; a positive number is wanted")));
    }
    Ok(10.0 * (data_range * data_range / mean_squared_error).log10())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_say_what_pairs_say() {
        let (truth, prediction) = ([1.0, 4.0, f64::NAN, 8.0], [1.5, 3.0, 2.0, 9.0]);
        let valid = [true, true, false, true];
        // squared errors 0.25, 1, 1
        let wanted = 10.0 * (4.0 / 0.75_f64).log10();
        assert!((psnr(&truth, &prediction, Some(&valid), 2.0).unwrap() - wanted).abs() < 1e-12);
        let pairs = Pairs::collect(&truth, &prediction, Some(&valid), None).unwrap();
        assert!((pairs.psnr(2.0).unwrap() - wanted).abs() < 1e-12);
        assert!(psnr(&truth, &prediction, Some(&valid), -1.0).is_err());
    }

    #[test]
    fn the_range_must_be_stated() {
        let pairs = Pairs::collect(&[1.0], &[1.0], None, None).unwrap();
        assert_eq!(pairs.psnr(1.0), Ok(f64::INFINITY));
        assert!(pairs.psnr(0.0).is_err() && pairs.psnr(f64::NAN).is_err());
        assert!(Pairs::default().psnr(1.0).is_err());
    }
}
