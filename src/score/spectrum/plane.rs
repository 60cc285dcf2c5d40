//! Power spectra of planes.

use serde::{Deserialize, Serialize};

use super::detrend::Detrend;
use super::line::SpectrumScaling;
use super::plane_transform::{PlaneTransform, TransformBuffers};
use super::window::SpectralWindow;
use crate::score::error::{ScoreError, ScoreResult};

/// The conventions of a two-dimensional spectrum. State them with the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaneSpectra {
    /// Distance between rows; frequencies are cycles (not radians) per this unit.
    pub row_spacing: f64,
    /// Distance between columns.
    pub column_spacing: f64,
    /// The taper along both axes (periodic form).
    pub window: SpectralWindow,
    /// Whether what the taper took is given back: division by the mean of its square (density) or by the square of its mean
    /// (lines).
    pub window_correction: bool,
    /// What is taken away first.
    pub detrend: Detrend,
    /// Density or lines.
    pub scaling: SpectrumScaling,
}

/// A two-sided power spectrum of a plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaneSpectrum {
    /// Frequencies across the rows, ascending through 0.
    pub row_frequencies: Vec<f64>,
    /// Frequencies across the columns, ascending through 0.
    pub column_frequencies: Vec<f64>,
    /// Power, row by row.
    pub power: Vec<f64>,
}

impl PlaneSpectra {
    /// A Hann window with its correction, the mean removed, as a density.
    pub fn new(row_spacing: f64, column_spacing: f64) -> PlaneSpectra {
        PlaneSpectra {
            row_spacing,
            column_spacing,
            window: SpectralWindow::Hann,
            window_correction: true,
            detrend: Detrend::Mean,
            scaling: SpectrumScaling::Density,
        }
    }

    /// The two-sided power spectrum of a plane without gaps.
    ///
    /// # Formula
    /// ```text
    /// P(kx, ky) = |Σ w z exp(−2πi (kx x + ky y))|² · ΔxΔy / n   (density; its sum over cells of dkx dky is the variance)
    ///                                              or  / n²     (lines; their sum is the variance)
    /// ```
    /// with n cells, and the correction for the window.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] for a plane that does not fit or spacings that are not positive, [`ScoreError::NotFinite`] for a
    /// cell that is not finite.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::{PlaneSpectra, SpectralWindow};
    /// let wave: Vec<f64> = (0..64).map(|i| (std::f64::consts::TAU * f64::from(i % 8) / 4.0).cos()).collect();
    /// let spectra = PlaneSpectra { window: SpectralWindow::Boxcar, ..PlaneSpectra::new(1.0, 1.0) };
    /// let spectrum = spectra.power(&wave, 8, 8).unwrap();
    /// // half of the variance of 1/2 at either sign of the frequency 1/4, in a cell of 1/64
    /// assert_eq!(spectrum.column_frequencies[6], 0.25);
    /// assert!((spectrum.power[4 * 8 + 6] / 64.0 - 0.25).abs() < 1e-12);
    /// ```
    ///
    /// # Reference
    /// Percival, Walden (1993), doi:10.1017/CBO9780511622762
    pub fn power(&self, values: &[f64], rows: usize, columns: usize) -> ScoreResult<PlaneSpectrum> {
        let planes = PlanePlan::new(self, rows, columns)?;
        planes.check(values, None)?;
        let mut buffers = TransformBuffers::default();
        planes.transform(values, &mut buffers);
        let mut power = vec![0.0; rows * columns];
        for (y, line) in power.chunks_mut(columns).enumerate() {
            for (x, to) in line.iter_mut().enumerate() {
                // Where this frequency lies, or its opposite, which has the same power.
                let (ky, kx) = ((y + rows - rows / 2) % rows, (x + columns - columns / 2) % columns);
                let (ky, kx) = if kx <= columns / 2 { (ky, kx) } else { ((rows - ky) % rows, columns - kx) };
                *to = buffers.spectrum[kx * rows + ky].norm_sqr() * planes.scale;
            }
        }
        let ascending =
            |n: usize, spacing: f64| (0..n).map(|i| (i as f64 - (n / 2) as f64) * (1.0 / (n as f64 * spacing))).collect();
        Ok(PlaneSpectrum {
            row_frequencies: ascending(rows, self.row_spacing),
            column_frequencies: ascending(columns, self.column_spacing),
            power,
        })
    }
}

/// What planes of one size share.
pub(super) struct PlanePlan {
    pub(super) rows: usize,
    pub(super) columns: usize,
    detrend: Detrend,
    row_weights: Vec<f64>,
    column_weights: Vec<f64>,
    /// Columns counted from the middle.
    from_middle: Vec<f64>,
    transform: PlaneTransform,
    /// From the squared transform to power.
    pub(super) scale: f64,
}

impl PlanePlan {
    pub(super) fn new(spectra: &PlaneSpectra, rows: usize, columns: usize) -> ScoreResult<PlanePlan> {
        if rows == 0 || columns == 0 {
            return Err(ScoreError::Argument(format!("a plane of {rows} x {columns} has no spectrum")));
        }
        let spacings = [spectra.row_spacing, spectra.column_spacing];
        if !spacings.iter().all(|s| *s > 0.0 && s.is_finite()) {
            return Err(ScoreError::Argument(format!("spacings of {spacings:?} were stated; positive ones are wanted")));
        }
        let (row_weights, column_weights) = (spectra.window.weights(rows)?, spectra.window.weights(columns)?);
        let cells = (rows * columns) as f64;
        let mean = |weights: &[f64], power| weights.iter().map(|w| w.powi(power)).sum::<f64>() / weights.len() as f64;
        let both = |power| mean(&row_weights, power) * mean(&column_weights, power);
        let (scale, correction) = match spectra.scaling {
            SpectrumScaling::Density => (spacings[0] * spacings[1] / cells, both(2)),
            SpectrumScaling::Line => (1.0 / (cells * cells), both(1) * both(1)),
        };
        let scale = if spectra.window_correction { scale / correction } else { scale };
        if !scale.is_finite() {
            return Err(ScoreError::Argument(format!("the window {:?} of {rows} x {columns} has no weight", spectra.window)));
        }
        let transform = PlaneTransform::new(rows, columns);
        let from_middle = (0..columns).map(|x| x as f64 - 0.5 * (columns as f64 - 1.0)).collect();
        Ok(PlanePlan { rows, columns, detrend: spectra.detrend, row_weights, column_weights, from_middle, transform, scale })
    }

    /// Does `values` hold whole planes of finite numbers wherever `valid`?
    pub(super) fn check<T: Copy + Into<f64>>(&self, values: &[T], valid: Option<&[bool]>) -> ScoreResult<()> {
        if values.is_empty()
            || !values.len().is_multiple_of(self.rows * self.columns)
            || valid.is_some_and(|v| v.len() != values.len())
        {
            return Err(ScoreError::Argument(format!(
                "{} values (mask of {}) are no planes of {} x {}",
                values.len(),
                valid.map_or(values.len(), <[bool]>::len),
                self.rows,
                self.columns
            )));
        }
        // All are looked at without a branch; only where one is bad is it sought.
        let clean = match valid {
            None => values.iter().fold(true, |clean, v| clean & (*v).into().is_finite()),
            Some(valid) => values.iter().zip(valid).fold(true, |clean, (v, valid)| clean & (!valid | (*v).into().is_finite())),
        };
        if clean {
            return Ok(());
        }
        let bad = |i: &usize| valid.is_none_or(|v| v[*i]) && !values[*i].into().is_finite();
        match (0..values.len()).find(bad) {
            Some(position) => Err(ScoreError::NotFinite { what: "the field", position }),
            None => Ok(()),
        }
    }

    /// The transform of one detrended and tapered plane.
    pub(super) fn transform<T: Copy + Into<f64> + Sync>(&self, plane: &[T], buffers: &mut TransformBuffers) {
        let trend = self.detrend.of(|i| plane[i].into(), self.rows, self.columns);
        self.transform.forward(buffers, self.rows, |y, line| {
            let (from, weight) = (&plane[y * self.columns..(y + 1) * self.columns], self.row_weights[y]);
            let (level, slope) = trend.along(y);
            let columns = from.iter().zip(&self.from_middle).zip(&self.column_weights);
            for (to, ((value, x), column_weight)) in line.iter_mut().zip(columns) {
                *to = ((*value).into() - (level + slope * x)) * weight * column_weight;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    #[test]
    fn the_integral_of_the_density_is_the_variance() {
        let mut random = Random::new(1, "plane spectrum");
        for (rows, columns) in [(6, 10), (7, 9), (1, 12), (5, 1)] {
            let values: Vec<f64> = (0..rows * columns).map(|_| random.normal()).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
            let spectra = PlaneSpectra { window: SpectralWindow::Boxcar, ..PlaneSpectra::new(2.0, 0.5) };
            let spectrum = spectra.power(&values, rows, columns).unwrap();
            let cell = 1.0 / (2.0 * rows as f64 * 0.5 * columns as f64);
            assert!((spectrum.power.iter().sum::<f64>() * cell / variance - 1.0).abs() < 1e-12);
            let lines = PlaneSpectra { scaling: SpectrumScaling::Line, ..spectra }.power(&values, rows, columns).unwrap();
            assert!((lines.power.iter().sum::<f64>() / variance - 1.0).abs() < 1e-12);
            assert!(spectrum.row_frequencies.contains(&0.0) && spectrum.column_frequencies.contains(&0.0));
        }
    }

    #[test]
    fn a_wave_lies_where_it_should() {
        // 2 cycles down 8 rows, 1 cycle leftwards over 5 columns: at (2, -1) and (-2, 1) only
        let wave = |i: usize| (std::f64::consts::TAU * (2.0 * (i / 5) as f64 / 8.0 - (i % 5) as f64 / 5.0)).cos();
        let values: Vec<f64> = (0..40).map(wave).collect();
        let spectra =
            PlaneSpectra { window: SpectralWindow::Boxcar, scaling: SpectrumScaling::Line, ..PlaneSpectra::new(1.0, 1.0) };
        let power = spectra.power(&values, 8, 5).unwrap().power;
        for (i, power) in power.iter().enumerate() {
            let at = ((i / 5) as isize - 4, (i % 5) as isize - 2);
            let want = if at == (2, -1) || at == (-2, 1) { 0.25 } else { 0.0 };
            assert!((power - want).abs() < 1e-14, "{at:?}");
        }
    }

    #[test]
    fn bad_input_is_refused() {
        let spectra = PlaneSpectra::new(1.0, 1.0);
        assert!(spectra.power(&[1.0; 6], 2, 4).is_err() && spectra.power(&[], 0, 4).is_err());
        assert!(matches!(spectra.power(&[1.0, f64::NAN, 0.0, 2.0], 2, 2), Err(ScoreError::NotFinite { position: 1, .. })));
        assert!(PlaneSpectra::new(0.0, 1.0).power(&[1.0; 6], 2, 3).is_err());
        // A Hann window of a single row is 0.
        assert!(spectra.power(&[1.0; 6], 1, 6).is_err());
    }
}
