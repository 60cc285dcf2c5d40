//! Spectra of series: periodogram, Welch's average, cross spectrum.

use realfft::RealFftPlanner;
use rustfft::num_complex::Complex;
use serde::{Deserialize, Serialize};

use super::cross::CrossSpectrum;
use super::detrend::Detrend;
use super::window::SpectralWindow;
use crate::score::error::{ScoreError, ScoreResult};

/// What the numbers of a spectrum mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpectrumScaling {
    /// Variance per unit of frequency: its integral over frequency is the variance.
    #[default]
    Density,
    /// Variance of each line: a sine of amplitude a has a²/2 at its frequency.
    Line,
}

/// The conventions of a one-dimensional spectrum. State them with the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LineSpectra {
    /// Distance or time between values; frequencies are cycles (not radians) per this unit.
    pub step: f64,
    /// Length of the segments that are averaged (Welch), cut to that of the series; none for the whole series at once.
    pub segment: Option<usize>,
    /// Values that a segment shares with the next; none for half of it.
    pub overlap: Option<usize>,
    /// The taper of each segment (periodic form).
    pub window: SpectralWindow,
    /// What is taken away from each segment first.
    pub detrend: Detrend,
    /// Density or lines.
    pub scaling: SpectrumScaling,
}

/// A one-sided power spectrum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LineSpectrum {
    /// Frequencies from 0 to the highest that the step can show.
    pub frequencies: Vec<f64>,
    /// Power at each; both signs of the frequency together.
    pub power: Vec<f64>,
    /// Number of segments averaged.
    pub segments: u64,
}

impl LineSpectra {
    /// The whole series at once with a Hann window, mean removed.
    pub fn new(step: f64) -> LineSpectra {
        LineSpectra {
            step,
            segment: None,
            overlap: None,
            window: SpectralWindow::Hann,
            detrend: Detrend::Mean,
            scaling: SpectrumScaling::Density,
        }
    }

    /// The one-sided power spectrum of a series without gaps.
    ///
    /// # Formula
    /// ```text
    /// P(k) = c_k |Σ w z exp(−2πi k j/n)|² · step / Σw²   (density)   or  / (Σw)²   (line)
    /// ```
    /// with c = 2 except at frequency 0 and, for even n, at the highest; the mean over segments.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] below two values, [`ScoreError::NotFinite`] for one that is not finite, [`ScoreError::Argument`]
    /// for a step that is not positive, a segment below two, an overlap as long as the segment, or a window without weight.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::{LineSpectra, SpectralWindow};
    /// let sine: Vec<f64> = (0..64).map(|i| (std::f64::consts::TAU * f64::from(i) / 8.0).sin()).collect();
    /// let spectra = LineSpectra { window: SpectralWindow::Boxcar, ..LineSpectra::new(1.0) };
    /// let spectrum = spectra.power(&sine).unwrap();
    /// // all variance, 1/2, in the line at 1/8, which is 1/64 wide
    /// assert_eq!(spectrum.frequencies[8], 0.125);
    /// assert!((spectrum.power[8] / 64.0 - 0.5).abs() < 1e-12);
    /// ```
    ///
    /// # Reference
    /// Welch (1967), doi:10.1109/TAU.1967.1161901
    pub fn power(&self, values: &[f64]) -> ScoreResult<LineSpectrum> {
        let cross = self.sums(&[(values, values)])?;
        Ok(LineSpectrum { segments: cross.estimates[0], frequencies: cross.frequencies, power: cross.first })
    }

    /// The mean spectrum of the rows of a plane, of those without a gap.
    ///
    /// # Errors
    /// As [`LineSpectra::power`]; [`ScoreError::TooFew`] where no row is without a gap.
    pub fn power_of_rows(&self, values: &[f64], columns: usize, valid: Option<&[bool]>) -> ScoreResult<LineSpectrum> {
        if columns == 0 || values.len() % columns != 0 || valid.is_some_and(|v| v.len() != values.len()) {
            return Err(ScoreError::Argument(format!(
                "a plane of {} cells (mask of {}) has no rows of {columns}",
                values.len(),
                valid.map_or(values.len(), <[bool]>::len)
            )));
        }
        let whole = |row: &usize| valid.is_none_or(|v| v[row * columns..(row + 1) * columns].iter().all(|v| *v));
        let rows: Vec<(&[f64], &[f64])> = (0..values.len() / columns)
            .filter(whole)
            .map(|row| &values[row * columns..(row + 1) * columns])
            .map(|row| (row, row))
            .collect();
        if rows.is_empty() {
            return Err(ScoreError::TooFew { metric: "a spectrum (rows without a gap)", found: 0, wanted: 1 });
        }
        let cross = self.sums(&rows)?;
        Ok(LineSpectrum { segments: cross.estimates[0], frequencies: cross.frequencies, power: cross.first })
    }

    /// The one-sided spectra of two series and their cross spectrum; coherence needs more than one segment.
    ///
    /// # Errors
    /// As [`LineSpectra::power`]; [`ScoreError::Length`] where the two differ in length.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::LineSpectra;
    /// let x: Vec<f64> = (0..256).map(|i| f64::from((i * i) % 17)).collect();
    /// let twice: Vec<f64> = x.iter().map(|v| 2.0 * v).collect();
    /// let spectra = LineSpectra { segment: Some(32), ..LineSpectra::new(1.0) };
    /// let coherence = spectra.cross(&x, &twice).unwrap().coherence();
    /// assert!(coherence[1..].iter().all(|c| (c.unwrap() - 1.0).abs() < 1e-12));
    /// ```
    pub fn cross(&self, first: &[f64], second: &[f64]) -> ScoreResult<CrossSpectrum> {
        if first.len() != second.len() {
            return Err(ScoreError::Length { truth: first.len(), prediction: second.len() });
        }
        self.sums(&[(first, second)])
    }

    /// Spectra over all segments of all pairs of series, which are equally long.
    fn sums(&self, pairs: &[(&[f64], &[f64])]) -> ScoreResult<CrossSpectrum> {
        let count = pairs[0].0.len();
        if count < 2 {
            return Err(ScoreError::TooFew { metric: "a spectrum", found: count, wanted: 2 });
        }
        if !(self.step > 0.0 && self.step.is_finite()) {
            return Err(ScoreError::Argument(format!("a step of {} was stated; a positive one is wanted", self.step)));
        }
        let length = self.segment.unwrap_or(count).min(count);
        let overlap = self.overlap.unwrap_or(length / 2);
        if length < 2 || overlap >= length {
            return Err(ScoreError::Argument(format!(
                "segments of {length} that share {overlap} were asked for; at least 2 and a smaller overlap are wanted"
            )));
        }
        for (what, series) in pairs.iter().flat_map(|(a, b)| [("the first series", a), ("the second series", b)]) {
            if let Some(position) = series.iter().position(|v| !v.is_finite()) {
                return Err(ScoreError::NotFinite { what, position });
            }
        }
        let weights = self.window.weights(length)?;
        let (sum, squares) = weights.iter().fold((0.0, 0.0), |(s, q), w| (s + w, q + w * w));
        let scale = match self.scaling {
            SpectrumScaling::Density => self.step / squares,
            SpectrumScaling::Line => 1.0 / (sum * sum),
        };
        if !scale.is_finite() {
            return Err(ScoreError::Argument(format!("the window {:?} of {length} values has no weight", self.window)));
        }
        let transform = RealFftPlanner::new().plan_fft_forward(length);
        let (mut line, mut scratch) = (transform.make_input_vec(), transform.make_scratch_vec());
        let mut spectrum = |segment: &[f64], out: &mut [Complex<f64>]| {
            let trend = self.detrend.of(|i| segment[i], 1, length);
            for (i, to) in line.iter_mut().enumerate() {
                *to = (segment[i] - trend.at(0, i)) * weights[i];
            }
            // The lengths are those of the plan, the one thing that can fail.
            let _ = transform.process_with_scratch(&mut line, out, &mut scratch);
        };
        let half = length / 2 + 1;
        let (mut a, mut b) = (transform.make_output_vec(), transform.make_output_vec());
        let (mut first, mut second, mut cross) = (vec![0.0; half], vec![0.0; half], vec![[0.0; 2]; half]);
        let mut segments = 0_u32;
        for (x, y) in pairs {
            let same = std::ptr::eq(*x, *y);
            for start in (0..=count - length).step_by(length - overlap) {
                spectrum(&x[start..start + length], &mut a);
                if same {
                    b.copy_from_slice(&a);
                } else {
                    spectrum(&y[start..start + length], &mut b);
                }
                for k in 0..half {
                    let product = a[k].conj() * b[k];
                    first[k] += a[k].norm_sqr();
                    second[k] += b[k].norm_sqr();
                    cross[k][0] += product.re;
                    cross[k][1] += product.im;
                }
                segments += 1;
            }
        }
        for k in 0..half {
            let alone = k == 0 || 2 * k == length;
            let factor = scale / f64::from(segments) * if alone { 1.0 } else { 2.0 };
            [&mut first[k], &mut second[k]].into_iter().chain(&mut cross[k]).for_each(|v| *v *= factor);
        }
        let frequencies = (0..half).map(|k| k as f64 / (length as f64 * self.step)).collect();
        Ok(CrossSpectrum { frequencies, first, second, cross, estimates: vec![u64::from(segments); half] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    fn noise(n: usize, seed: u64) -> Vec<f64> {
        let mut random = Random::new(seed, "line spectrum");
        (0..n).map(|_| random.normal()).collect()
    }

    #[test]
    fn the_integral_of_the_density_is_the_variance() {
        for n in [2, 7, 64, 101] {
            let x = noise(n, n as u64);
            let mean = x.iter().sum::<f64>() / n as f64;
            let variance = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64;
            let spectra = LineSpectra { window: SpectralWindow::Boxcar, ..LineSpectra::new(0.25) };
            let spectrum = spectra.power(&x).unwrap();
            let integral = spectrum.power.iter().sum::<f64>() / (n as f64 * 0.25);
            assert!((integral / variance - 1.0).abs() < 1e-12, "{n}");
            let lines = LineSpectra { scaling: SpectrumScaling::Line, ..spectra }.power(&x).unwrap();
            assert!((lines.power.iter().sum::<f64>() / variance - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn a_delay_is_a_phase() {
        // y(t) = x(t - 3): the second comes later, by 360 · 3 f degrees
        let x = noise(4096, 1);
        let y: Vec<f64> = (0..4096).map(|i| x[(i + 4096 - 3) % 4096]).collect();
        let spectra = LineSpectra { segment: Some(256), ..LineSpectra::new(1.0) };
        let cross = spectra.cross(&x, &y).unwrap();
        for k in [5, 20, 40] {
            let want = -360.0 * 3.0 * cross.frequencies[k];
            assert!((cross.phase_degrees()[k].unwrap() - want).abs() < 5.0, "{k}");
            assert!(cross.coherence()[k].unwrap() > 0.9);
        }
        let other = spectra.cross(&x, &noise(4096, 2)).unwrap().coherence();
        assert!(other[1..].iter().map(|c| c.unwrap()).sum::<f64>() / 128.0 < 0.1);
    }

    #[test]
    fn rows_with_gaps_are_left_out() {
        let plane = [noise(16, 3), vec![f64::NAN; 16], noise(16, 4)].concat();
        let valid: Vec<bool> = (0..48).map(|i| i / 16 != 1).collect();
        let spectra = LineSpectra::new(1.0);
        let mean = spectra.power_of_rows(&plane, 16, Some(&valid)).unwrap();
        let (a, b) = (spectra.power(&plane[..16]).unwrap(), spectra.power(&plane[32..]).unwrap());
        assert_eq!(mean.segments, 2);
        assert!((0..9).all(|k| (mean.power[k] - 0.5 * (a.power[k] + b.power[k])).abs() < 1e-14));
        assert!(matches!(spectra.power_of_rows(&plane, 16, Some(&[false; 48])), Err(ScoreError::TooFew { .. })));
        assert!(spectra.power_of_rows(&plane, 17, None).is_err() && spectra.power_of_rows(&plane, 0, None).is_err());
    }

    #[test]
    fn bad_input_is_refused() {
        let spectra = LineSpectra::new(1.0);
        assert!(matches!(spectra.power(&[1.0]), Err(ScoreError::TooFew { .. })));
        assert!(matches!(spectra.power(&[1.0, f64::NAN]), Err(ScoreError::NotFinite { position: 1, .. })));
        assert!(LineSpectra::new(0.0).power(&[1.0, 2.0]).is_err());
        assert!(LineSpectra { segment: Some(1), ..spectra }.power(&[1.0, 2.0]).is_err());
        assert!(LineSpectra { overlap: Some(2), ..spectra }.power(&[1.0, 2.0]).is_err());
        assert!(matches!(spectra.cross(&[1.0, 2.0], &[1.0]), Err(ScoreError::Length { .. })));
    }
}
