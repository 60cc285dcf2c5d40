//! Which cells of the spectrum of a plane belong to which frequency of the isotropic one.

use super::isotropic::IsotropicBins;
use super::plane::PlaneSpectra;
use crate::score::error::{ScoreError, ScoreResult};

/// Neighbouring cells of one column of the half spectrum that lie in one bin.
struct Run {
    cells: std::ops::Range<usize>,
    bin: usize,
    /// How many cells of the whole spectrum each of these stands for.
    weight: f64,
}

/// The bin of each cell of a half spectrum.
pub(super) struct BinMap {
    /// Position of the bin of each cell; the number of bins for none.
    pub(super) bin: Vec<u32>,
    /// The same as runs, without the cells of no bin.
    runs: Vec<Run>,
    rows: usize,
    columns: usize,
    pub(super) frequencies: Vec<f64>,
    pub(super) cells: Vec<u64>,
}

impl BinMap {
    pub(super) fn new(spectra: &PlaneSpectra, rows: usize, columns: usize, bins: IsotropicBins) -> ScoreResult<BinMap> {
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
                if count == 0 {
                    return Err(no_bin(bins, rows, columns));
                }
                let (low, high) = radii.iter().fold((f64::MAX, 0.0_f64), |(l, h), k| (l.min(*k), h.max(*k)));
                let step = (high - low) / count as f64;
                let edges: Vec<f64> = (0..count).map(|k| k as f64 * step + low).chain([high]).collect();
                // Closed above; the first bin takes the origin too. The guess is off by one at most, by rounding.
                let find = move |k: f64| {
                    let mut bin = (((k - low) / step) as usize).min(edges.len() - 2);
                    while bin > 0 && edges[bin] >= k {
                        bin -= 1;
                    }
                    while bin + 2 < edges.len() && edges[bin + 1] < k {
                        bin += 1;
                    }
                    bin
                };
                (count, Box::new(find))
            }
        };
        if count == 0 {
            return Err(no_bin(bins, rows, columns));
        }
        let bin = Vec::with_capacity(radii.len());
        let mut map = BinMap { bin, runs: Vec::new(), rows, columns, frequencies: vec![0.0; count], cells: vec![0; count] };
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
        for (column, bins) in self.bin.chunks(self.rows).enumerate() {
            let weight = self.weight(column) as f64;
            let mut start = column * self.rows;
            for run in bins.chunk_by(|a, b| a == b) {
                let cells = start..start + run.len();
                start = cells.end;
                if run[0] < count {
                    self.runs.push(Run { cells, bin: run[0] as usize, weight });
                }
            }
        }
    }

    /// How many cells of the whole spectrum a column of the half one stands for.
    fn weight(&self, column: usize) -> u64 {
        if column == 0 || 2 * column == self.columns { 1 } else { 2 }
    }

    /// The sum of `of(cell)` over the cells of each bin.
    pub(super) fn sums(&self, of: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut sums = vec![0.0; self.frequencies.len()];
        for run in &self.runs {
            sums[run.bin] += run.weight * run.cells.clone().map(&of).sum::<f64>();
        }
        sums
    }

    /// The mean over days and cells.
    pub(super) fn mean(&self, days: &[impl AsRef<[f64]>], scale: f64) -> Vec<f64> {
        let sum = |bin: usize| days.iter().map(|day| day.as_ref()[bin]).sum::<f64>();
        (0..self.frequencies.len()).map(|bin| sum(bin) * scale / (self.cells[bin] as f64 * days.len() as f64)).collect()
    }
}

fn no_bin(bins: IsotropicBins, rows: usize, columns: usize) -> ScoreError {
    ScoreError::Argument(format!("{bins:?} makes no bin of {rows} x {columns}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shells_by_hand() {
        // 4 x 4 cells of unit spacing: frequencies 0, 1/4, 1/2, -1/4; shells of a quarter up to 1/2. Of the 16 cells one is at
        // 0, eight are nearest to one quarter (four at 1, four at 1.41), the others nearest to 2 but for the corner at 2.83
        let map = BinMap::new(&PlaneSpectra::new(1.0, 1.0), 4, 4, IsotropicBins::Shells).unwrap();
        assert_eq!(map.cells, [1, 8, 6]);
        assert!((map.frequencies[1] - 0.25 * (1.0 + 2f64.sqrt()) / 2.0).abs() < 1e-15);
        assert_eq!(map.sums(|_| 1.0), [1.0, 8.0, 6.0]);
    }
}
