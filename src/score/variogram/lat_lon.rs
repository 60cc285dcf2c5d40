//! The exact semivariogram of a latitude-longitude grid by great-circle distance.

use rayon::prelude::*;
use realfft::RealFftPlanner;
use rustfft::num_complex::Complex;

use super::bins::{LagBins, Variogram};
use super::cloud::PointDistance;
use super::estimator::VariogramEstimator;
use super::lag_map::checked_mean;
use super::lookup::BinLookup;
use crate::score::error::{ScoreError, ScoreResult};
use crate::score::spectrum::fast_length;

/// A grid of any latitudes and evenly spaced longitudes.
#[derive(Clone, Debug, PartialEq)]
pub struct LatLonGrid {
    /// Latitude of each row in degrees.
    latitudes: Vec<f64>,
    columns: usize,
    /// Degrees between columns.
    step: f64,
    /// Whether the columns close the circle.
    wraps: bool,
}

impl LatLonGrid {
    /// `columns` longitudes that are `step` degrees apart, at each of `latitudes`.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] for a latitude beyond the poles, a step that is not positive, or more than a full circle.
    pub fn new(latitudes: &[f64], columns: usize, step: f64) -> ScoreResult<LatLonGrid> {
        if let Some(latitude) = latitudes.iter().find(|l| !(l.abs() <= 90.0)) {
            return Err(ScoreError::Argument(format!("a latitude of {latitude} degrees was found; -90 to 90 is wanted")));
        }
        let span = columns as f64 * step;
        if latitudes.is_empty() || columns == 0 || !(step > 0.0) || span > 360.0 + 1e-6 * step {
            return Err(ScoreError::Argument(format!(
                "{} rows and {columns} columns of {step} degrees were stated; at most a full circle is wanted",
                latitudes.len()
            )));
        }
        Ok(LatLonGrid { latitudes: latitudes.to_vec(), columns, step, wraps: (span - 360.0).abs() <= 1e-6 * step })
    }

    /// The semivariogram (Matheron) of all pairs of valid cells by their great-circle distance in the unit of `radius`.
    ///
    /// # Formula
    /// ```text
    /// for rows i ≤ j and a shift of m columns the distance is one number; over the columns x
    ///   N = Σ mᵢ(x) mⱼ(x+m),   D = Σ mᵢ(x) mⱼ(x+m) (zⱼ(x+m) − zᵢ(x))²
    /// are correlations of rows, found by Fourier transforms;   γ(bin) = Σ D / 2 Σ N
    /// ```
    /// This is every pair, not a sample of them. Cells crowd at high latitudes; with `by_area` each pair has the weight
    /// cos φᵢ cos φⱼ, so that equal areas count equally (the number of pairs stays a count).
    ///
    /// # Errors
    /// [`ScoreError::Argument`] for buffers that do not fit the grid or a radius that is not positive,
    /// [`ScoreError::NotFinite`] for a valid cell that is not finite, [`ScoreError::TooFew`] without a valid cell.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::{LagBins, LatLonGrid};
    /// let grid = LatLonGrid::new(&[0.0], 3, 1.0).unwrap();
    /// let bins = LagBins::from_edges(vec![0.5, 1.5, 2.5]).unwrap();
    /// // a radius of 180/π makes distances degrees of arc
    /// let variogram = grid.variogram(&[0.0, 1.0, 4.0], None, &bins, 1f64.to_degrees(), false).unwrap();
    /// assert_eq!(variogram.bins[0].pairs, 2);
    /// assert!((variogram.bins[0].semivariance.unwrap() - 2.5).abs() < 1e-12);
    /// ```
    ///
    /// # Reference
    /// Marcotte (1996), doi:10.1016/S0098-3004(96)00026-X, here row by row
    pub fn variogram(
        &self,
        values: &[f64],
        valid: Option<&[bool]>,
        bins: &LagBins,
        radius: f64,
        by_area: bool,
    ) -> ScoreResult<Variogram> {
        if !(radius > 0.0 && radius.is_finite()) {
            return Err(ScoreError::Argument(format!("a sphere of radius {radius} was stated; a positive one is wanted")));
        }
        let mean = checked_mean(values, self.latitudes.len(), self.columns, valid)?;
        let lookup = PointDistance::GreatCircle { radius }.lookup(bins);
        let shifts = self.shifts(lookup.largest());
        let length = if self.wraps { self.columns } else { fast_length(self.columns + shifts) };
        let rows = RowSpectra::of(values, valid, mean, self.columns, length);
        let cosines: Vec<f64> = self.latitudes.iter().map(|l| l.to_radians().cos()).collect();
        // sin²(mΔ/2) of every shift
        let sines: Vec<f64> = (0..=shifts).map(|m| (0.5 * m as f64 * self.step).to_radians().sin().powi(2)).collect();
        let geometry = Geometry { lookup: &lookup, cosines: &cosines, sines: &sines, by_area };
        let parts: Vec<Vec<(u64, [f64; 2])>> =
            (0..self.latitudes.len()).into_par_iter().map(|i| self.of_row(i, &rows, &geometry)).collect();
        let mut sums = vec![(0, [0.0; 2]); lookup.slots()];
        for (total, part) in parts.iter().flat_map(|part| part.iter().enumerate()) {
            sums[total].0 += part.0;
            sums[total].1[0] += part.1[0];
            sums[total].1[1] += part.1[1];
        }
        let of_bin = sums[1..=bins.count()].iter().map(|(n, [weight, sum])| (*n, (*weight > 0.0).then(|| 0.5 * sum / weight)));
        Ok(bins.variogram(VariogramEstimator::Matheron, of_bin))
    }

    /// The largest shift that can lie within the squared chord `reach` anywhere on the grid.
    fn shifts(&self, reach: f64) -> usize {
        let most = if self.wraps { self.columns / 2 } else { self.columns - 1 };
        // Beyond half a circle distances shrink again.
        if most as f64 * self.step > 180.0 {
            return most;
        }
        let narrowest = self.latitudes.iter().map(|l| l.to_radians().cos().powi(2)).fold(f64::INFINITY, f64::min);
        let sine = (0.25 * reach / narrowest).sqrt();
        if sine < 1.0 { most.min((2.0 * sine.asin().to_degrees() / self.step) as usize + 1) } else { most }
    }

    /// Per slot the pairs of row `i` with itself and the rows after it: their number, and the sums of weights and squares.
    fn of_row(&self, i: usize, rows: &RowSpectra, geometry: &Geometry) -> Vec<(u64, [f64; 2])> {
        let mut sums = vec![(0, [0.0; 2]); geometry.lookup.slots()];
        let mut work = rows.work();
        let shifts = geometry.sines.len() - 1;
        for j in i..self.latitudes.len() {
            let up = (0.5 * (self.latitudes[j] - self.latitudes[i])).to_radians().sin().powi(2);
            let out = geometry.cosines[i] * geometry.cosines[j];
            if 4.0 * up >= geometry.lookup.largest() {
                continue;
            }
            rows.correlate(i, j, &mut work);
            let weight = if geometry.by_area { out } else { 1.0 };
            for m in 0..=shifts {
                let slot = geometry.lookup.slot(4.0 * (up + out * geometry.sines[m]));
                // Both shifts of two rows; one of a row with itself, not by nothing.
                let opposite = m > 0 && i != j && !(self.wraps && 2 * m == self.columns);
                let twice = i == j && self.wraps && 2 * m == self.columns;
                if m == 0 && i == j {
                    continue;
                }
                for k in [Some(m), opposite.then(|| rows.length - m)].into_iter().flatten() {
                    let count = work.counts[k].round();
                    if count > 0.0 {
                        // Half a turn away each pair of a row is found from both of its ends.
                        let part = if twice { 0.5 } else { 1.0 };
                        sums[slot].0 += (count * part) as u64;
                        sums[slot].1[0] += count * part * weight;
                        sums[slot].1[1] += work.squares[k].max(0.0) * part * weight;
                    }
                }
            }
        }
        sums
    }
}

struct Geometry<'a> {
    lookup: &'a BinLookup,
    cosines: &'a [f64],
    sines: &'a [f64],
    by_area: bool,
}

/// The half spectra of every row's mask, values and squared values.
struct RowSpectra {
    length: usize,
    /// [mask, value, square] for each frequency of each row.
    spectra: Vec<[Complex<f64>; 3]>,
    back: std::sync::Arc<dyn realfft::ComplexToReal<f64>>,
}

/// Buffers of one thread.
struct Work {
    count_spectrum: Vec<Complex<f64>>,
    square_spectrum: Vec<Complex<f64>>,
    counts: Vec<f64>,
    squares: Vec<f64>,
    scratch: Vec<Complex<f64>>,
}

impl RowSpectra {
    fn of(values: &[f64], valid: Option<&[bool]>, mean: f64, columns: usize, length: usize) -> RowSpectra {
        let mut planner = RealFftPlanner::new();
        let (forward, back) = (planner.plan_fft_forward(length), planner.plan_fft_inverse(length));
        let half = length / 2 + 1;
        let mut spectra = vec![[Complex::default(); 3]; values.len() / columns * half];
        spectra.par_chunks_mut(half).enumerate().for_each(|(row, out)| {
            let (mut line, mut spectrum, mut scratch) =
                (forward.make_input_vec(), forward.make_output_vec(), forward.make_scratch_vec());
            for power in 0..3 {
                line.fill(0.0);
                for (x, to) in line[..columns].iter_mut().enumerate() {
                    let i = row * columns + x;
                    if valid.is_none_or(|v| v[i]) {
                        *to = (values[i] - mean).powi(power as i32);
                    }
                }
                // The lengths are those of the plan, the one thing that can fail.
                let _ = forward.process_with_scratch(&mut line, &mut spectrum, &mut scratch);
                out.iter_mut().zip(&spectrum).for_each(|(out, value)| out[power] = *value / (length as f64).sqrt());
            }
        });
        RowSpectra { length, spectra, back }
    }

    fn work(&self) -> Work {
        let half = self.length / 2 + 1;
        Work {
            count_spectrum: vec![Complex::default(); half],
            square_spectrum: vec![Complex::default(); half],
            counts: vec![0.0; self.length],
            squares: vec![0.0; self.length],
            scratch: self.back.make_scratch_vec(),
        }
    }

    /// The number of pairs and the sum of squared increments of rows i and j for each shift of j against i.
    fn correlate(&self, i: usize, j: usize, work: &mut Work) {
        let half = self.length / 2 + 1;
        let (a, b) = (&self.spectra[i * half..(i + 1) * half], &self.spectra[j * half..(j + 1) * half]);
        for k in 0..half {
            let ([mask, value, square], [other_mask, other_value, other_square]) = (a[k], b[k]);
            work.count_spectrum[k] = mask.conj() * other_mask;
            work.square_spectrum[k] =
                square.conj() * other_mask + mask.conj() * other_square - 2.0 * (value.conj() * other_value);
        }
        for (spectrum, out) in [(&mut work.count_spectrum, &mut work.counts), (&mut work.square_spectrum, &mut work.squares)] {
            // Real but for rounding, which the plan would refuse.
            spectrum[0].im = 0.0;
            if self.length % 2 == 0 {
                spectrum[half - 1].im = 0.0;
            }
            let _ = self.back.process_with_scratch(spectrum, out, &mut work.scratch);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::PointVariogram;
    use super::*;
    use crate::base::random::Random;

    /// The same through all pairs of cells as points, with weights by hand where wanted.
    fn check(latitudes: &[f64], columns: usize, step: f64, edges: Vec<f64>, by_area: bool) {
        let mut random = Random::new(7, "lat lon grid");
        let cells = latitudes.len() * columns;
        let valid: Vec<bool> = (0..cells).map(|_| random.uniform() < 0.75).collect();
        let values: Vec<f64> = (0..cells)
            .map(|i| if valid[i] { 280.0 + latitudes[i / columns] * 0.3 + random.normal() } else { f64::NAN })
            .collect();
        let bins = LagBins::from_edges(edges).unwrap();
        let (radius, distance) = (6371.0, PointDistance::GreatCircle { radius: 6371.0 });
        let grid = LatLonGrid::new(latitudes, columns, step).unwrap();
        let got = grid.variogram(&values, Some(&valid), &bins, radius, by_area).unwrap();
        let x: Vec<f64> = (0..cells).map(|i| 170.0 + (i % columns) as f64 * step).collect();
        let y: Vec<f64> = (0..cells).map(|i| latitudes[i / columns]).collect();
        let wanted = PointVariogram { estimator: VariogramEstimator::Matheron, bins: bins.clone(), distance, direction: None };
        let want = wanted.of(&x, &y, &values, Some(&valid)).unwrap();
        assert!(want.pairs() > 100);
        let mut weighted = vec![[0.0; 2]; bins.count()];
        for i in (0..cells).filter(|i| valid[*i]) {
            for j in (0..i).filter(|j| valid[*j]) {
                let kilometres = crate::grid::central_angle(y[i], x[i], y[j], x[j]) * radius;
                if let Some(bin) = bins.find(kilometres) {
                    let weight = y[i].to_radians().cos() * y[j].to_radians().cos();
                    weighted[bin][0] += weight;
                    weighted[bin][1] += weight * (values[i] - values[j]).powi(2);
                }
            }
        }
        for (bin, (got, want)) in got.bins.iter().zip(&want.bins).enumerate() {
            assert_eq!(got.pairs, want.pairs, "{bin}");
            let want = if by_area { Some(0.5 * weighted[bin][1] / weighted[bin][0]) } else { want.semivariance };
            assert!((got.semivariance.unwrap() / want.unwrap() - 1.0).abs() < 1e-10, "{bin}");
        }
    }

    #[test]
    fn it_is_every_pair_of_cells() {
        let edges = || vec![0.0, 130.1, 333.3, 700.7, 1500.1, 2900.9];
        for by_area in [false, true] {
            check(&[30.5, 31.5, 33.0, 36.0, 38.5, 41.0], 17, 1.5, edges(), by_area);
            // the whole circle, an even and an odd number of columns, and rows near the pole
            check(
                &[-60.0, -20.0, 0.0, 25.0, 70.0, 87.0],
                24,
                15.0,
                vec![0.0, 1111.1, 5000.3, 9000.7, 17_000.1, 20_100.0],
                by_area,
            );
            check(&[-60.0, -20.0, 0.0, 25.0, 70.0, 87.0], 15, 24.0, vec![0.0, 3333.3, 9000.7], by_area);
            // more than half of it, but not all
            check(&[-10.0, 0.0, 10.0, 60.0], 27, 10.0, vec![0.0, 1500.5, 8000.3, 19_000.7], by_area);
        }
    }

    #[test]
    fn neither_threads_change_a_bit_nor_does_what_is_masked() {
        let mut random = Random::new(8, "threads");
        let mut values: Vec<f64> = (0..40 * 30).map(|_| random.normal()).collect();
        let valid: Vec<bool> = (0..40 * 30).map(|i| i % 7 != 3).collect();
        let latitudes: Vec<f64> = (0..40).map(|i| 20.0 + f64::from(i)).collect();
        let grid = LatLonGrid::new(&latitudes, 30, 1.0).unwrap();
        let bins = LagBins::even(600.0, 12).unwrap();
        let of = |threads: usize, values: &[f64]| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| grid.variogram(values, Some(&valid), &bins, 6371.0, true).unwrap())
        };
        let one = of(1, &values);
        (0..values.len()).filter(|i| !valid[*i]).for_each(|i| values[i] = 1e9);
        assert_eq!(one, of(3, &values));
    }

    #[test]
    fn senseless_grids_are_refused() {
        assert!(LatLonGrid::new(&[91.0], 3, 1.0).is_err() && LatLonGrid::new(&[f64::NAN], 3, 1.0).is_err());
        assert!(LatLonGrid::new(&[0.0], 3, 0.0).is_err() && LatLonGrid::new(&[0.0], 361, 1.0).is_err());
        assert!(LatLonGrid::new(&[], 3, 1.0).is_err() && LatLonGrid::new(&[0.0], 0, 1.0).is_err());
        let grid = LatLonGrid::new(&[0.0], 3, 1.0).unwrap();
        let bins = LagBins::even(1.0, 1).unwrap();
        assert!(grid.variogram(&[0.0; 4], None, &bins, 1.0, false).is_err());
        assert!(grid.variogram(&[0.0; 3], None, &bins, 0.0, false).is_err());
    }
}
