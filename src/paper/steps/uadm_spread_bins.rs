//! Spread against skill: what error the mean has where the members say that it is small, and where they say that it is large.

use crate::grid::Field;
use crate::score::{ScoreError, ScoreResult};

/// Sums over the cells of one bin in one frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sums {
    cells: f64,
    variance: f64,
    squared_error: f64,
}

/// The cells of a truth in bins of equally many, by growing spread of an ensemble.
///
/// # Formula
/// ```text
/// s² = (M + 1)/M · Σ (x_i − x̄)² / (M − 1),   e² = (x̄ − truth)²
/// ```
/// The factor makes s² the mean of e² in a reliable ensemble of M members. In one of few members s is itself uncertain: its bins
/// hold cells that were put there by chance, so that even a reliable ensemble shows a line flatter than 1.
#[derive(Clone, Debug, PartialEq)]
pub struct SpreadBins {
    /// Frame by frame, then bin by bin.
    frames: Vec<Vec<Sums>>,
}

/// What the bins say.
#[derive(Clone, Debug, PartialEq)]
pub struct SpreadReading {
    /// Root mean square spread over root mean square error, over all cells; 1 for a reliable ensemble.
    pub ratio: f64,
    /// Slope of the least-squares line of a bin's error on its spread: 0 where spread tells nothing, 1 where it tells all.
    pub slope: f64,
    /// Spread and error of each bin.
    pub bins: Vec<(f64, f64)>,
}

impl SpreadBins {
    /// The bins of `members` against `truth`, where all are valid.
    ///
    /// With `pooled` the variance of a cell is the mean over the square of so many cells that it lies in.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] below two members or with fewer cells than bins; [`ScoreError::Argument`] where shapes differ.
    pub fn of(truth: &Field, members: &[&Field], bins: usize, pooled: Option<usize>) -> ScoreResult<SpreadBins> {
        let count = members.len() as f64;
        if members.len() < 2 {
            return Err(ScoreError::TooFew { metric: "spread against skill (members)", found: members.len(), wanted: 2 });
        }
        if members.iter().any(|m| m.shape() != truth.shape()) {
            return Err(ScoreError::Argument("spread against skill: members and truth differ in shape".to_string()));
        }
        let mut frames: Vec<Vec<(f64, f64)>> = Vec::with_capacity(truth.frames());
        for t in 0..truth.frames() {
            let valid: Vec<bool> = (0..truth.frame_len())
                .map(|i| truth.frame_mask(t)[i].is_valid() && members.iter().all(|m| m.frame_mask(t)[i].is_valid()))
                .collect();
            let moments = |i: usize| {
                let of = |m: &&Field| f64::from(m.frame(t)[i]);
                let mean = members.iter().map(of).sum::<f64>() / count;
                let variance = members.iter().map(|m| (of(m) - mean).powi(2)).sum::<f64>() / (count - 1.0);
                (variance * (count + 1.0) / count, (mean - f64::from(truth.frame(t)[i])).powi(2))
            };
            let mut found: Vec<(f64, f64)> = (0..valid.len()).map(|i| if valid[i] { moments(i) } else { (0.0, 0.0) }).collect();
            if let Some(side) = pooled {
                pool(&mut found, &valid, truth.shape()[2], side.max(1));
            }
            frames.push(found.into_iter().zip(&valid).filter(|(_, v)| **v).map(|(pair, _)| pair).collect());
        }
        let mut spreads: Vec<f64> = frames.iter().flatten().map(|(variance, _)| *variance).collect();
        if bins == 0 || spreads.len() < bins {
            return Err(ScoreError::TooFew { metric: "spread against skill (cells)", found: spreads.len(), wanted: bins.max(1) });
        }
        spreads.sort_by(f64::total_cmp);
        let edges: Vec<f64> = (1..bins).map(|b| spreads[b * spreads.len() / bins]).collect();
        let summed = frames.iter().map(|cells| {
            let mut sums = vec![Sums::default(); bins];
            for (variance, squared_error) in cells {
                let sum = &mut sums[edges.partition_point(|edge| edge <= variance)];
                sum.cells += 1.0;
                sum.variance += variance;
                sum.squared_error += squared_error;
            }
            sums
        });
        Ok(SpreadBins { frames: summed.collect() })
    }

    /// Cells in all frames.
    pub fn cells(&self) -> u64 {
        self.frames.iter().flatten().map(|s| s.cells).sum::<f64>() as u64
    }

    /// Frames.
    pub fn frames(&self) -> usize {
        self.frames.len()
    }

    /// What the frames `at` say, which may come more than once.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] where fewer than two bins hold a cell.
    pub fn reading(&self, at: &[usize]) -> ScoreResult<SpreadReading> {
        let mut total = vec![Sums::default(); self.frames.first().map_or(0, Vec::len)];
        for t in at {
            for (sum, more) in total.iter_mut().zip(&self.frames[*t]) {
                sum.cells += more.cells;
                sum.variance += more.variance;
                sum.squared_error += more.squared_error;
            }
        }
        total.retain(|s| s.cells > 0.0);
        if total.len() < 2 {
            return Err(ScoreError::TooFew { metric: "spread against skill (bins)", found: total.len(), wanted: 2 });
        }
        let bins: Vec<(f64, f64)> =
            total.iter().map(|s| ((s.variance / s.cells).sqrt(), (s.squared_error / s.cells).sqrt())).collect();
        let sum = |of: fn(&Sums) -> f64| total.iter().map(of).sum::<f64>();
        let n = bins.len() as f64;
        let (x, y) = (bins.iter().map(|b| b.0).sum::<f64>() / n, bins.iter().map(|b| b.1).sum::<f64>() / n);
        let across = bins.iter().map(|b| (b.0 - x) * (b.1 - y)).sum::<f64>();
        let along = bins.iter().map(|b| (b.0 - x).powi(2)).sum::<f64>();
        Ok(SpreadReading { ratio: (sum(|s| s.variance) / sum(|s| s.squared_error)).sqrt(), slope: across / along, bins })
    }
}

/// The variance of each cell becomes the mean over the valid cells of its square of `side` cells.
fn pool(cells: &mut [(f64, f64)], valid: &[bool], columns: usize, side: usize) {
    let squares = columns.div_ceil(side);
    let square = |i: usize| i / columns / side * squares + i % columns / side;
    let mut sums = vec![(0.0, 0.0); if cells.is_empty() { 0 } else { square(cells.len() - 1) + squares }];
    for i in (0..cells.len()).filter(|i| valid[*i]) {
        let (sum, count) = &mut sums[square(i)];
        *sum += cells[i].0;
        *count += 1.0;
    }
    for i in (0..cells.len()).filter(|i| valid[*i]) {
        let (sum, count) = sums[square(i)];
        cells[i].0 = sum / count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;
    use crate::grid::{Axis, AxisKind, Cell, Mask, TimeAxis, Unit};

    fn field(values: Vec<f32>, frames: usize, rows: usize, columns: usize) -> Field {
        let lat = Axis::regular(AxisKind::Latitude, 30.0, 0.05, rows).unwrap();
        let lon = Axis::regular(AxisKind::Longitude, 10.0, 0.05, columns).unwrap();
        let time = TimeAxis::from_seconds((0..frames).map(|t| 86_400.0 * t as f64).collect()).unwrap();
        let mask = Mask::from_cells(vec![Cell::Valid; values.len()]);
        Field::new("sst", values, mask, time, lat, lon, Unit::Kelvin).unwrap()
    }

    #[test]
    fn two_bins_by_hand() {
        // Members 0 and 2, 0 and 6: variances 2 and 18, times 3/2; the means 1 and 3 miss the truth by 2 and 3.
        let (a, b) = (field(vec![0.0, 0.0], 1, 1, 2), field(vec![2.0, 6.0], 1, 1, 2));
        let truth = field(vec![3.0, 6.0], 1, 1, 2);
        let bins = SpreadBins::of(&truth, &[&a, &b], 2, None).unwrap();
        let found = bins.reading(&[0]).unwrap();
        assert_eq!(bins.cells(), 2);
        assert!((found.ratio - (30.0f64 / 13.0).sqrt()).abs() < 1e-12);
        assert!((found.slope - 1.0 / (27f64.sqrt() - 3f64.sqrt())).abs() < 1e-12);
        assert_eq!(found.bins, [(3f64.sqrt(), 2.0), (27f64.sqrt(), 3.0)]);
        // Pooled over both cells, no bin differs from another.
        assert!(SpreadBins::of(&truth, &[&a, &b], 2, Some(2)).unwrap().reading(&[0]).is_err());
        assert!(SpreadBins::of(&truth, &[&a], 2, None).is_err());
        assert!(SpreadBins::of(&truth, &[&a, &b], 3, None).is_err());
    }

    #[test]
    fn pooling_takes_the_mean_of_each_square() {
        let mut cells: Vec<(f64, f64)> = (0..12).map(|i| (f64::from(i), 1.0)).collect();
        let mut valid = [true; 12];
        valid[5] = false;
        pool(&mut cells, &valid, 4, 2);
        // Squares of rows 0 and 1: 0, 1, 4 (5 is not valid) and 2, 3, 6, 7; row 2 alone: 8, 9 and 10, 11.
        let want = [5.0 / 3.0, 5.0 / 3.0, 4.5, 4.5, 5.0 / 3.0, 5.0, 4.5, 4.5, 8.5, 8.5, 10.5, 10.5];
        assert!(cells.iter().zip(want).all(|(c, w)| (c.0 - w).abs() < 1e-12), "{cells:?}");
    }

    #[test]
    fn a_reliable_ensemble_of_many_members_lies_on_the_diagonal_and_of_few_below() {
        let (frames, rows, columns) = (2, 60, 80);
        let mut random = Random::new(3, "reliable");
        let sigma: Vec<f64> = (0..frames * rows * columns).map(|_| random.uniform_in(0.2, 1.0)).collect();
        let mut draw = || field(sigma.iter().map(|s| (s * random.normal()) as f32).collect(), frames, rows, columns);
        let truth = draw();
        let members: Vec<Field> = (0..40).map(|_| draw()).collect();
        let all: Vec<&Field> = members.iter().collect();
        let read = |count: usize| SpreadBins::of(&truth, &all[..count], 10, None).unwrap().reading(&[0, 1]).unwrap();
        let (many, few) = (read(40), read(3));
        assert!((many.ratio - 1.0).abs() < 0.04 && (few.ratio - 1.0).abs() < 0.04, "{} {}", many.ratio, few.ratio);
        assert!(many.slope > 0.85 && many.slope < 1.1, "{}", many.slope);
        assert!(few.slope < 0.75, "{}", few.slope);
    }
}
