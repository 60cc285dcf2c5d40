//! Spectra of a truth and of products in the largest square without land: slopes and effective resolutions.

use super::diagnostics_bootstrap::{Estimates, estimates};
use super::land_free_square::{Square, land_free_square};
use crate::data::Tier;
use crate::grid::Field;
use crate::score::{
    CrossingAxis, IsotropicBins, IsotropicSpectrum, PlaneSpectra, Resolution, ScoreError, ScoreResult, effective_resolution,
    spectral_ratio, spectral_score, spectral_slope,
};

/// How spectra are read.
#[derive(Clone, Copy, Debug)]
pub struct SpectralReading {
    /// Shortest and longest wavelength of the slope's band, kilometres.
    pub band_kilometres: (f64, f64),
    /// Shortest and longest wavelength between which power is summed up; `None`: it is not.
    pub fine_band_kilometres: Option<(f64, f64)>,
    /// The level that a score has to cross.
    pub level: f64,
    /// Length of a bootstrap block in days.
    pub block_days: usize,
    /// Bootstrap resamples.
    pub resamples: usize,
    /// Seed of the bootstrap.
    pub seed: u64,
}

/// The spectra of one data set.
pub struct SpectralStudy {
    /// Its name in tables.
    pub dataset: &'static str,
    /// Its kind.
    pub tier: Tier,
    /// Frequencies above 0 in cycles per kilometre.
    pub frequencies: Vec<f64>,
    /// The square, in cells of the fine grid.
    pub square: Square,
    /// Days.
    pub days: usize,
    /// Spectrum of the truth around the circle, by frequency.
    pub truth: Vec<f64>,
    /// Slope of the truth's spectrum around the circle.
    pub slope: Estimates,
    /// Each product in turn.
    pub products: Vec<ProductSpectra>,
}

/// What spectra say of a product.
pub struct ProductSpectra {
    /// The method.
    pub method: String,
    /// Its spectrum around the circle.
    pub spectrum: Vec<f64>,
    /// P(product)/P(truth) by frequency.
    pub ratio: Estimates,
    /// Wavelength at which the ratio first falls below the level.
    pub energy: Option<Wavelength>,
    /// Wavelength at which 1 − P(error)/P(truth) first falls below the level.
    pub agreement: Option<Wavelength>,
    /// Power in the fine band over the truth's.
    pub fine_power: Option<PowerShare>,
}

/// A ratio of powers with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PowerShare {
    /// The value.
    pub value: f64,
    /// Its interval over blocks of days.
    pub interval: Option<(f64, f64)>,
}

/// A wavelength in kilometres with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wavelength {
    /// The value.
    pub kilometres: f64,
    /// Its interval over blocks of days.
    pub interval: Option<(f64, f64)>,
}

/// Daily spectra around the circle, by day and frequency.
type Daily = Vec<Vec<f64>>;

impl SpectralStudy {
    /// Cuts the largest square in which truth and products are valid on every day, and compares their spectra there.
    ///
    /// `spacing` is the distance of rows and columns in kilometres at the square's middle row. The plane loses its trend and has
    /// a Hann window, since a field that does not close on itself leaks into the steep end of its spectrum otherwise.
    ///
    /// # Errors
    /// From the score floor; [`ScoreError::TooFew`] where no square of 16 cells is free of land.
    pub fn of(
        dataset: &'static str,
        tier: Tier,
        truth: &Field,
        products: &[(String, Field)],
        spacing: impl Fn(&Field, Square) -> (f64, f64),
        reading: &SpectralReading,
    ) -> ScoreResult<SpectralStudy> {
        let [days, rows, columns] = truth.shape();
        let fields: Vec<&Field> = std::iter::once(truth).chain(products.iter().map(|(_, f)| f)).collect();
        if let Some(other) = fields.iter().find(|f| f.shape() != truth.shape()) {
            return Err(ScoreError::Argument(format!("a product has the shape {:?} for {:?}", other.shape(), truth.shape())));
        }
        let valid: Vec<bool> = (0..rows * columns)
            .map(|i| fields.iter().all(|f| (0..days).all(|t| f.mask().is_valid(t * rows * columns + i))))
            .collect();
        let square = land_free_square(&valid, rows, columns).filter(|s| s.cells >= 16).ok_or(ScoreError::TooFew {
            metric: "a spectrum (cells along a square without land)",
            found: land_free_square(&valid, rows, columns).map_or(0, |s| s.cells),
            wanted: 16,
        })?;
        let (row_kilometres, column_kilometres) = spacing(truth, square);
        let spectra =
            PlaneSpectra { detrend: crate::score::Detrend::Linear, ..PlaneSpectra::new(row_kilometres, column_kilometres) };
        let (cut, n) = (|f: &Field| cut(f, square), square.cells);
        let truth_cells = cut(truth);
        let (frequencies, of_truth) = daily(&spectra, &truth_cells, n)?;
        let band = 1.0 / reading.band_kilometres.1..=1.0 / reading.band_kilometres.0;
        let estimate = |statistic: &(dyn Fn(&[usize]) -> ScoreResult<Vec<f64>> + Sync)| {
            estimates(days, reading.block_days, reading.resamples, reading.seed, statistic)
        };
        let slope = estimate(&|at| Ok(vec![spectral_slope(&frequencies, &mean(&of_truth, at), band.clone())?.slope]))?;
        let mut compared = Vec::new();
        for (method, field) in products {
            let cells = cut(field);
            let error: Vec<f64> = cells.iter().zip(&truth_cells).map(|(p, t)| p - t).collect();
            let (_, power) = daily(&spectra, &cells, n)?;
            let (_, lost) = daily(&spectra, &error, n)?;
            // Both scores and, at the end, where they cross; a resample without a crossing counts with the last wavelength seen.
            let statistic = |at: &[usize]| -> ScoreResult<Vec<f64>> {
                let truth = mean(&of_truth, at);
                let ratio = spectral_ratio(&truth, &mean(&power, at))?;
                let score = spectral_score(&truth, &mean(&lost, at))?;
                let crossings = [&ratio, &score].map(|s| crossing(&frequencies, s, reading.level));
                let mut all: Vec<f64> = ratio.into_iter().map(|r| r.unwrap_or(f64::NAN)).collect();
                for crossing in crossings {
                    all.push(at_most(&frequencies, crossing?));
                }
                if let Some(band) = reading.fine_band_kilometres {
                    all.push(power_share(&frequencies, &truth, &mean(&power, at), band)?);
                }
                Ok(all)
            };
            let mut ratio = estimate(&statistic)?;
            let everything: Vec<usize> = (0..days).collect();
            let truth = mean(&of_truth, &everything);
            let score = spectral_score(&truth, &mean(&lost, &everything))?;
            let plain = spectral_ratio(&truth, &mean(&power, &everything))?;
            let read = |s: &[Option<f64>], position: usize| -> ScoreResult<Option<Wavelength>> {
                let found = crossing(&frequencies, s, reading.level)?.wavelength();
                Ok(found.map(|kilometres| Wavelength { kilometres, interval: ratio.interval(position) }))
            };
            let count = frequencies.len();
            let (energy, agreement) = (read(&plain, count)?, read(&score, count + 1)?);
            let fine_power = ratio.values.get(count + 2).map(|v| PowerShare { value: *v, interval: ratio.interval(count + 2) });
            ratio.values.truncate(count);
            if let Some((lower, upper)) = &mut ratio.intervals {
                lower.truncate(count);
                upper.truncate(count);
            }
            compared.push(ProductSpectra {
                method: method.clone(),
                spectrum: mean(&power, &everything),
                ratio,
                energy,
                agreement,
                fine_power,
            });
        }
        let everything: Vec<usize> = (0..days).collect();
        let truth = mean(&of_truth, &everything);
        Ok(SpectralStudy { dataset, tier, frequencies, square, days, truth, slope, products: compared })
    }

    /// Wavelength of each frequency in kilometres.
    pub fn wavelengths(&self) -> Vec<f64> {
        self.frequencies.iter().map(|k| 1.0 / k).collect()
    }
}

/// The product's power over the truth's, each summed over the wavelengths in `band`: the spectra around the circle hold all
/// directions, in evenly spaced bins.
fn power_share(frequencies: &[f64], truth: &[f64], product: &[f64], band: (f64, f64)) -> ScoreResult<f64> {
    let inside = |k: f64| (band.0..=band.1).contains(&(1.0 / k));
    let sum = |power: &[f64]| frequencies.iter().zip(power).filter(|(k, _)| inside(**k)).map(|(_, p)| p).sum::<f64>();
    let all = sum(truth);
    if all <= 0.0 {
        return Err(ScoreError::Constant { what: "the truth at fine scales", metric: "fine_power" });
    }
    Ok(sum(product) / all)
}

fn cut(field: &Field, square: Square) -> Vec<f64> {
    let columns = field.longitude().len();
    let mut cells = Vec::with_capacity(field.frames() * square.cells * square.cells);
    for t in 0..field.frames() {
        for y in square.row..square.row + square.cells {
            let row = &field.frame(t)[y * columns..(y + 1) * columns];
            cells.extend(row[square.column..square.column + square.cells].iter().map(|v| f64::from(*v)));
        }
    }
    cells
}

/// Frequencies above 0, and the spectrum around the circle of each day.
fn daily(spectra: &PlaneSpectra, cells: &[f64], n: usize) -> ScoreResult<(Vec<f64>, Daily)> {
    let (mut frequencies, mut all) = (Vec::new(), Vec::new());
    for day in cells.chunks_exact(n * n) {
        let found: IsotropicSpectrum = spectra.isotropic(day, n, n, None, IsotropicBins::Shells)?;
        let power = found.around_the_circle();
        let above = found.frequencies.iter().take_while(|k| **k <= 0.0).count();
        frequencies = found.frequencies[above..].to_vec();
        all.push(power[above..].to_vec());
    }
    Ok((frequencies, all))
}

fn mean(daily: &Daily, at: &[usize]) -> Vec<f64> {
    let mut sum = vec![0.0; daily.first().map_or(0, Vec::len)];
    for day in at {
        sum.iter_mut().zip(&daily[*day]).for_each(|(s, p)| *s += p / at.len() as f64);
    }
    sum
}

fn crossing(frequencies: &[f64], score: &[Option<f64>], level: f64) -> ScoreResult<Resolution> {
    effective_resolution(frequencies, score, level, CrossingAxis::Wavelength)
}

/// The crossing; where every scale is resolved the shortest wavelength seen, where none is the longest.
fn at_most(frequencies: &[f64], resolution: Resolution) -> f64 {
    match resolution {
        Resolution::Wavelength(wavelength) => wavelength,
        Resolution::EveryScale => frequencies.last().map_or(f64::NAN, |k| 1.0 / k),
        Resolution::NoScale => frequencies.first().map_or(f64::NAN, |k| 1.0 / k),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;
    use crate::grid::{Axis, AxisKind, Mask, TimeAxis, Unit, gaussian_smooth};

    /// White noise of a few days, smoothed: the energy that is left at wavelength λ is exp(−(2πσ/λ)²).
    #[test]
    fn the_resolution_of_a_gaussian_filter_is_the_one_by_hand() {
        let (days, n) = (12, 96);
        let mut random = Random::new(4, "test");
        let values: Vec<f32> = (0..days * n * n).map(|_| random.normal() as f32).collect();
        let axis = |kind| Axis::regular(kind, 30.0, 0.05, n).unwrap();
        let time = TimeAxis::from_seconds((0..days).map(|d| d as f64 * 86_400.0).collect()).unwrap();
        let mask = Mask::all_valid(values.len());
        let truth =
            Field::new("sst", values, mask, time, axis(AxisKind::Latitude), axis(AxisKind::Longitude), Unit::Celsius).unwrap();
        let smooth = gaussian_smooth(&truth, 2.0).unwrap();
        let reading = SpectralReading {
            band_kilometres: (12.0, 200.0),
            fine_band_kilometres: Some((59.0, 97.0)),
            level: 0.5,
            block_days: 2,
            resamples: 100,
            seed: 1,
        };
        let study = SpectralStudy::of(
            "test",
            Tier::Twin,
            &truth,
            &[("smooth".to_string(), smooth), ("perfect".to_string(), truth.clone())],
            |_, _| (5.0, 5.0),
            &reading,
        )
        .unwrap();
        assert_eq!(study.square, Square { row: 0, column: 0, cells: n });
        // around the circle white noise rises with k
        let (lower, upper) = study.slope.interval(0).unwrap();
        assert!((study.slope.values[0] - 1.0).abs() < 0.1 && lower < upper, "{:?}", study.slope);
        // σ = 10 km: λ = 2π 10/√ln 2 = 75.47 km; bins there are 480/6 to 480/7 km wide
        let found = study.products[0].energy.unwrap();
        let want = std::f64::consts::TAU * 10.0 / 2f64.ln().sqrt();
        assert!((found.kilometres - want).abs() < 2.5, "{found:?} {want}");
        // the error's share is (1 − g)² with g = exp(−(2πσ/λ)²/2): 1/2 where g = 1 − √½
        let want = std::f64::consts::TAU * 10.0 / (-2.0 * (1.0 - 0.5f64.sqrt()).ln()).sqrt();
        assert!((study.products[0].agreement.unwrap().kilometres - want).abs() < 2.5, "{want}");
        // of the band's waves (5 to 8 in 480 km, as many as k around the circle) the filter leaves exp(−(2πσk)²)
        let waves = || (5..=8).map(|i| f64::from(i) / 480.0);
        let kept: f64 = waves().map(|k| k * (-(std::f64::consts::TAU * 10.0 * k).powi(2)).exp()).sum();
        let want = kept / waves().sum::<f64>();
        let share = study.products[0].fine_power.unwrap();
        assert!((share.value - want).abs() < 0.03 && share.interval.is_some(), "{share:?} {want}");
        assert_eq!(study.products[1].fine_power.unwrap().value, 1.0);
        // what never falls below the level has no effective resolution
        assert_eq!((study.products[1].energy, study.products[1].agreement), (None, None));
    }

    #[test]
    fn a_field_without_a_free_square_is_refused() {
        let axis = |kind| Axis::regular(kind, 30.0, 0.05, 8).unwrap();
        let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
        let field = Field::new(
            "sst",
            vec![0.0; 64],
            Mask::all_valid(64),
            time,
            axis(AxisKind::Latitude),
            axis(AxisKind::Longitude),
            Unit::Celsius,
        )
        .unwrap();
        let reading = SpectralReading {
            band_kilometres: (12.0, 200.0),
            fine_band_kilometres: None,
            level: 0.5,
            block_days: 2,
            resamples: 10,
            seed: 1,
        };
        let refused = SpectralStudy::of("test", Tier::Twin, &field, &[], |_, _| (5.0, 5.0), &reading);
        assert!(matches!(refused, Err(ScoreError::TooFew { found: 8, .. })));
    }
}
