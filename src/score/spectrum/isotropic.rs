//! Spectra of fields averaged over all directions, and over days.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::cross::CrossSpectrum;
use super::plane::{PlanePlan, PlaneSpectra};
use super::plane_transform::TransformBuffers;
use crate::score::error::{ScoreError, ScoreResult};

/// Which cells of the spectrum of a plane make one frequency of the isotropic one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum IsotropicBins {
    /// Shells one lowest frequency wide, nearest shell, from 0 to the highest frequency along the coarser axis (ours).
    #[default]
    Shells,
    /// Equal bins from 0 to the corner of the spectrum, closed above, as xrft has them.
    Xrft {
        /// Cells of the shorter side per bin (xrft's default: 4).
        factor: usize,
        /// Leaves out bins beyond the highest frequency along the coarser axis.
        truncate: bool,
    },
}

/// A power spectrum averaged over directions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IsotropicSpectrum {
    /// Mean distance of the cells of each bin from the origin, in cycles per unit of distance, ascending.
    pub frequencies: Vec<f64>,
    /// Mean of the plane's spectrum over each bin, and over days.
    pub mean: Vec<f64>,
    /// Cells of the plane's spectrum in each bin.
    pub cells: Vec<u64>,
    /// Days averaged: those without a gap.
    pub days: usize,
}

impl IsotropicSpectrum {
    /// Mean times frequency, which is xrft's isotropic spectrum. It lacks a factor of 2π to be a density.
    pub fn times_frequency(&self) -> Vec<f64> {
        self.mean.iter().zip(&self.frequencies).map(|(m, k)| m * k).collect()
    }

    /// Mean times 2πk: variance per unit of frequency, of all directions together; its integral is the variance.
    pub fn around_the_circle(&self) -> Vec<f64> {
        self.times_frequency().into_iter().map(|m| std::f64::consts::TAU * m).collect()
    }
}

impl PlaneSpectra {
    /// The isotropic spectrum of (time, row, column) fields, averaged over the days without a gap.
    ///
    /// # Formula
    /// ```text
    /// P(k) = mean of P(kx, ky) over the cells of a bin around k = √(kx² + ky²)
    /// ```
    /// A field with a slope of −n in the spectrum around the circle has −n − 1 in the mean.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] for fields that do not fit, spacings that are not positive or bins of no cells,
    /// [`ScoreError::NotFinite`] for a valid cell that is not finite, [`ScoreError::TooFew`] where every day has a gap.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::{IsotropicBins, PlaneSpectra};
    /// let wave: Vec<f32> = (0..256).map(|i| (std::f32::consts::TAU * (i % 16) as f32 / 4.0).sin()).collect();
    /// let spectrum = PlaneSpectra::new(1.0, 1.0).isotropic(&wave, 16, 16, None, IsotropicBins::Shells).unwrap();
    /// let highest = (0..spectrum.mean.len()).max_by(|a, b| spectrum.mean[*a].total_cmp(&spectrum.mean[*b])).unwrap();
    /// assert_eq!(highest, 4); // 4 cycles over 16 cells
    /// ```
    ///
    /// # Reference
    /// Errico (1985), doi:10.1175/1520-0493(1985)113<1554:SCFALA>2.0.CO;2
    pub fn isotropic<T: Copy + Into<f64> + Sync>(
        &self,
        fields: &[T],
        rows: usize,
        columns: usize,
        valid: Option<&[bool]>,
        bins: IsotropicBins,
    ) -> ScoreResult<IsotropicSpectrum> {
        let (plan, map) = (PlanePlan::new(self, rows, columns)?, BinMap::new(self, rows, columns, bins)?);
        plan.check(fields, valid)?;
        let days = whole_days(fields.len(), rows * columns, &[valid])?;
        let sums: Vec<Vec<f64>> = days
            .par_iter()
            .map_init(TransformBuffers::default, |buffers, day| {
                plan.transform(&fields[day * rows * columns..(day + 1) * rows * columns], buffers);
                map.sums(|i| buffers.spectrum[i].norm_sqr())
            })
            .collect();
        let mean = map.mean(&sums, plan.scale);
        Ok(IsotropicSpectrum { frequencies: map.frequencies, mean, cells: map.cells, days: days.len() })
    }

    /// The isotropic spectra of two sets of fields with their cross spectrum, over the days on which neither has a gap.
    ///
    /// Coherence and the ratio of the spectra say down to which wavelength a product follows the truth and has its energy.
    ///
    /// # Errors
    /// As [`PlaneSpectra::isotropic`]; [`ScoreError::Length`] where the fields differ in size.
    #[expect(clippy::too_many_arguments, reason = "two fields with their masks, their shape and the bins")]
    pub fn isotropic_cross<T: Copy + Into<f64> + Sync>(
        &self,
        first: &[T],
        second: &[T],
        rows: usize,
        columns: usize,
        first_valid: Option<&[bool]>,
        second_valid: Option<&[bool]>,
        bins: IsotropicBins,
    ) -> ScoreResult<CrossSpectrum> {
        if first.len() != second.len() {
            return Err(ScoreError::Length { truth: first.len(), prediction: second.len() });
        }
        let (plan, map) = (PlanePlan::new(self, rows, columns)?, BinMap::new(self, rows, columns, bins)?);
        plan.check(first, first_valid)?;
        plan.check(second, second_valid)?;
        let days = whole_days(first.len(), rows * columns, &[first_valid, second_valid])?;
        let sums: Vec<[Vec<f64>; 3]> = days
            .par_iter()
            .map_init(
                || (TransformBuffers::default(), TransformBuffers::default()),
                |(a, b), day| {
                    let part = day * rows * columns..(day + 1) * rows * columns;
                    plan.transform(&first[part.clone()], a);
                    plan.transform(&second[part], b);
                    let (a, b) = (&a.spectrum, &b.spectrum);
                    // The imaginary part cancels: a bin holds each frequency with its opposite.
                    [
                        map.sums(|i| a[i].norm_sqr()),
                        map.sums(|i| b[i].norm_sqr()),
                        map.sums(|i| a[i].re * b[i].re + a[i].im * b[i].im),
                    ]
                },
            )
            .collect();
        let mean = |k: usize| map.mean(&sums.iter().map(|s| &s[k]).collect::<Vec<_>>(), plan.scale);
        let [first, second, cross] = [0, 1, 2].map(mean);
        Ok(CrossSpectrum {
            first,
            second,
            cross: cross.into_iter().map(|real| [real, 0.0]).collect(),
            // Of a frequency and its opposite one follows from the other.
            estimates: map.cells.iter().map(|cells| cells.div_ceil(2) * days.len() as u64).collect(),
            frequencies: map.frequencies,
        })
    }
}

/// The days on which every mask is valid throughout.
fn whole_days(values: usize, cells: usize, masks: &[Option<&[bool]>]) -> ScoreResult<Vec<usize>> {
    let whole = |day: &usize| masks.iter().flatten().all(|v| v[day * cells..(day + 1) * cells].iter().all(|v| *v));
    let days: Vec<usize> = (0..values / cells).filter(whole).collect();
    if days.is_empty() {
        return Err(ScoreError::TooFew { metric: "an isotropic spectrum (days without a gap)", found: 0, wanted: 1 });
    }
    Ok(days)
}

/// The bin of each cell of a half spectrum.
struct BinMap {
    /// Position of the bin of each cell; the number of bins for none.
    bin: Vec<u32>,
    rows: usize,
    columns: usize,
    frequencies: Vec<f64>,
    cells: Vec<u64>,
}

impl BinMap {
    fn new(spectra: &PlaneSpectra, rows: usize, columns: usize, bins: IsotropicBins) -> ScoreResult<BinMap> {
        // The same steps as numpy.fft.fftfreq, so that cells on an edge of xrft's bins go the same way.
        let frequency = |i: usize, n: usize, spacing: f64| {
            let signed = if i < n.div_ceil(2) { i as f64 } else { i as f64 - n as f64 };
            signed * (1.0 / (n as f64 * spacing))
        };
        let radius = |ky: usize, kx: usize| {
            let (y, x) = (frequency(ky, rows, spectra.row_spacing), frequency(kx, columns, spectra.column_spacing));
            (x * x + y * y).sqrt()
        };
        let radii: Vec<f64> = (0..=columns / 2).flat_map(|kx| (0..rows).map(move |ky| radius(ky, kx))).collect();
        let highest = [(rows, spectra.row_spacing), (columns, spectra.column_spacing)];
        let (count, find): (usize, Box<dyn Fn(f64) -> usize>) = match bins {
            IsotropicBins::Shells => {
                let width = highest.map(|(n, spacing)| 1.0 / (n as f64 * spacing)).into_iter().fold(0.0, f64::max);
                // Whole cycles along an axis up to half its length.
                let top = highest.map(|(n, spacing)| (n / 2) as f64 / (n as f64 * spacing)).into_iter().fold(f64::MAX, f64::min);
                let count = (top / width + 1e-9).floor() as usize + 1;
                (count, Box::new(move |k| (k / width).round_ties_even() as usize))
            }
            IsotropicBins::Xrft { factor, .. } => {
                let count = rows.min(columns) / factor.max(1);
                let (low, high) = radii.iter().fold((f64::MAX, 0.0_f64), |(l, h), k| (l.min(*k), h.max(*k)));
                let step = (high - low) / count.max(1) as f64;
                let edges: Vec<f64> = (0..count).map(|k| k as f64 * step + low).chain([high]).collect();
                // Closed above; the first bin takes the origin too.
                (count, Box::new(move |k| edges.partition_point(|e| *e < k).max(1) - 1))
            }
        };
        if count == 0 {
            return Err(ScoreError::Argument(format!("{bins:?} makes no bin of {rows} x {columns}")));
        }
        let mut map =
            BinMap { bin: Vec::with_capacity(radii.len()), rows, columns, frequencies: vec![0.0; count], cells: vec![0; count] };
        for (i, radius) in radii.iter().enumerate() {
            let bin = find(*radius).min(count);
            if bin < count {
                let cells = map.weight(i / rows);
                map.cells[bin] += cells;
                map.frequencies[bin] += cells as f64 * radius;
            }
            map.bin.push(bin as u32);
        }
        map.frequencies.iter_mut().zip(&map.cells).for_each(|(k, cells)| *k /= *cells as f64);
        let top = match bins {
            IsotropicBins::Xrft { truncate: true, .. } => {
                highest.map(|(n, spacing)| frequency((n - 1) / 2, n, spacing)).into_iter().fold(f64::MAX, f64::min)
            }
            _ => f64::MAX,
        };
        map.keep(top);
        Ok(map)
    }

    /// Drops bins without a cell or beyond `top`.
    fn keep(&mut self, top: f64) {
        let kept: Vec<bool> = self.frequencies.iter().zip(&self.cells).map(|(k, cells)| *cells > 0 && *k <= top).collect();
        let count = kept.iter().filter(|k| **k).count() as u32;
        let mut next = 0;
        let mut number: Vec<u32> = kept.iter().map(|k| if *k { (next, next += 1).0 } else { count }).collect();
        number.push(count);
        self.bin.iter_mut().for_each(|bin| *bin = number[*bin as usize]);
        let mut each = kept.iter();
        self.frequencies.retain(|_| *each.next().unwrap_or(&false));
        let mut each = kept.iter();
        self.cells.retain(|_| *each.next().unwrap_or(&false));
    }

    /// How many cells of the whole spectrum a column of the half one stands for.
    fn weight(&self, column: usize) -> u64 {
        if column == 0 || 2 * column == self.columns { 1 } else { 2 }
    }

    /// The sum of `of(cell)` over the cells of each bin.
    fn sums(&self, of: impl Fn(usize) -> f64) -> Vec<f64> {
        // One more, for the cells of no bin.
        let mut sums = vec![0.0; self.frequencies.len() + 1];
        for (column, bins) in self.bin.chunks(self.rows).enumerate() {
            let weight = self.weight(column) as f64;
            for (y, bin) in bins.iter().enumerate() {
                sums[*bin as usize] += weight * of(column * self.rows + y);
            }
        }
        sums
    }

    /// The mean over days and cells.
    fn mean(&self, days: &[impl AsRef<[f64]>], scale: f64) -> Vec<f64> {
        let sum = |bin: usize| days.iter().map(|day| day.as_ref()[bin]).sum::<f64>();
        (0..self.frequencies.len()).map(|bin| sum(bin) * scale / (self.cells[bin] as f64 * days.len() as f64)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::window::SpectralWindow;
    use super::*;
    use crate::base::random::Random;

    const BINS: [IsotropicBins; 3] = [
        IsotropicBins::Shells,
        IsotropicBins::Xrft { factor: 2, truncate: false },
        IsotropicBins::Xrft { factor: 3, truncate: true },
    ];

    fn noise(n: usize, seed: u64) -> Vec<f64> {
        let mut random = Random::new(seed, "isotropic");
        (0..n).map(|_| random.normal()).collect()
    }

    #[test]
    fn it_is_the_mean_of_the_plane_spectrum() {
        for (rows, columns) in [(12, 16), (9, 15), (16, 7)] {
            let values = noise(rows * columns, 1);
            let spectra = PlaneSpectra::new(2.0, 1.5);
            let plane = spectra.power(&values, rows, columns).unwrap();
            for bins in BINS {
                let got = spectra.isotropic(&values, rows, columns, None, bins).unwrap();
                let map = BinMap::new(&spectra, rows, columns, bins).unwrap();
                let (mut sums, mut cells) = (vec![0.0; got.mean.len() + 1], vec![0; got.mean.len() + 1]);
                for y in 0..rows {
                    for x in 0..columns {
                        let (fy, fx) = (plane.row_frequencies[y], plane.column_frequencies[x]);
                        let (ky, kx) = ((fy * rows as f64 * 2.0).round() as isize, (fx * columns as f64 * 1.5).round() as isize);
                        // The bin of the cell or of its opposite.
                        let (ky, kx) = if kx < 0 { (-ky, -kx) } else { (ky, kx) };
                        let bin = map.bin[kx as usize * rows + ky.rem_euclid(rows as isize) as usize] as usize;
                        sums[bin] += plane.power[y * columns + x];
                        cells[bin] += 1;
                    }
                }
                for k in 0..got.mean.len() {
                    assert_eq!(got.cells[k], cells[k]);
                    assert!((got.mean[k] - sums[k] / cells[k] as f64).abs() < 1e-12 * (1.0 + got.mean[k]), "{bins:?} {k}");
                }
                assert!(got.frequencies.windows(2).all(|k| k[0] < k[1]));
            }
        }
    }

    #[test]
    fn white_noise_is_flat_and_its_integral_the_variance() {
        let fields = noise(40 * 32 * 32, 2);
        let spectra = PlaneSpectra { window: SpectralWindow::Boxcar, ..PlaneSpectra::new(1.0, 1.0) };
        let got = spectra.isotropic(&fields, 32, 32, None, IsotropicBins::Shells).unwrap();
        assert_eq!(got.days, 40);
        // Density 1 per cell of unit spacing; 40 days of at least 8 cells: 6 % standard error at most
        assert!(got.mean[1..].iter().all(|m| (m - 1.0).abs() < 0.25));
        // The circle of the shells up to 16 of 32 leaves out the corners: π/4 of the variance
        let integral: f64 = got.around_the_circle().iter().sum::<f64>() / 32.0;
        assert!((integral / std::f64::consts::FRAC_PI_4 - 1.0).abs() < 0.08, "{integral}");
    }

    #[test]
    fn days_with_gaps_are_left_out_and_threads_change_nothing() {
        let mut fields: Vec<f32> = noise(3 * 80, 3).iter().map(|v| *v as f32).collect();
        fields[100] = f32::NAN;
        let valid: Vec<bool> = fields.iter().map(|v| !v.is_nan()).collect();
        let spectra = PlaneSpectra::new(1.0, 1.0);
        let of = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| spectra.isotropic(&fields, 8, 10, Some(&valid), IsotropicBins::Shells).unwrap())
        };
        let one = of(1);
        assert_eq!(one.days, 2);
        assert_eq!(one, of(3));
        assert!(matches!(spectra.isotropic(&fields, 8, 10, None, BINS[0]), Err(ScoreError::NotFinite { position: 100, .. })));
        assert!(matches!(spectra.isotropic(&fields, 8, 10, Some(&[false; 240]), BINS[0]), Err(ScoreError::TooFew { .. })));
        assert!(spectra.isotropic(&fields, 8, 10, None, IsotropicBins::Xrft { factor: 9, truncate: false }).is_err());
    }

    #[test]
    fn coherence_falls_with_noise() {
        let truth = noise(30 * 256, 4);
        let other: Vec<f64> = truth.iter().zip(noise(30 * 256, 5)).map(|(t, n)| t + n).collect();
        let spectra = PlaneSpectra::new(1.0, 1.0);
        let cross = |a: &[f64], b: &[f64]| spectra.isotropic_cross(a, b, 16, 16, None, None, IsotropicBins::Shells).unwrap();
        assert!(cross(&truth, &truth).coherence()[1..].iter().all(|c| (c.unwrap() - 1.0).abs() < 1e-12));
        // equal powers of signal and noise: |S12|² / (S11 S22) = 1/2
        assert!(cross(&truth, &other).coherence()[2..].iter().all(|c| (c.unwrap() - 0.5).abs() < 0.15));
        assert!(spectra.isotropic_cross(&truth, &truth[1..], 16, 16, None, None, BINS[0]).is_err());
        // the first of the two spectra is the isotropic one
        let alone = spectra.isotropic(&truth, 16, 16, None, IsotropicBins::Shells).unwrap();
        assert!(cross(&truth, &other).first.iter().zip(&alone.mean).all(|(a, b)| (a - b).abs() < 1e-14));
    }
}
