//! Peak signal-to-noise ratio.

use super::error::{ScoreError, ScoreResult};
use super::pairs::Pairs;

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
        if !(data_range > 0.0 && data_range.is_finite()) {
            return Err(ScoreError::Argument(format!("a data range of {data_range} was stated; a positive number is wanted")));
        }
        self.need("psnr", 1)?;
        Ok(10.0 * (data_range * data_range / self.mse()?).log10())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_must_be_stated() {
        let pairs = Pairs::collect(&[1.0], &[1.0], None, None).unwrap();
        assert_eq!(pairs.psnr(1.0), Ok(f64::INFINITY));
        assert!(pairs.psnr(0.0).is_err() && pairs.psnr(f64::NAN).is_err());
        assert!(Pairs::default().psnr(1.0).is_err());
    }
}
