//! [`AxisLine`]: the centres of an axis, found by arithmetic.

use crate::grid::{Axis, longitude_difference};

/// An axis with its guess of the nearest centre.
#[derive(Clone, Debug)]
pub(super) struct AxisLine {
    pub(super) centres: Vec<f64>,
    first: f64,
    per_degree: f64,
    pub(super) descending: bool,
    regular: bool,
}

impl AxisLine {
    pub(super) fn new(axis: &Axis) -> AxisLine {
        let spacing = axis.spacing();
        AxisLine {
            centres: axis.centres().to_vec(),
            first: axis.centres()[0],
            per_degree: if spacing == 0.0 { 0.0 } else { 1.0 / spacing },
            descending: spacing < 0.0,
            regular: axis.is_regular(),
        }
    }

    pub(super) fn last(&self) -> usize {
        self.centres.len() - 1
    }

    /// The centre nearest to `x` on the line; a tie goes to the lower position.
    pub(super) fn nearest(&self, x: f64) -> usize {
        let last = self.last();
        let mut at = if self.regular {
            // Saturating: below the first centre 0, far beyond the last one the last. (To round would be a call.)
            (((x - self.first) * self.per_degree + 0.5) as usize).min(last)
        } else {
            self.not_before(x).min(last)
        };
        // The guess is off by at most one cell (centres stored as f32, or the upper neighbour of x).
        while at > 0 && (self.centres[at - 1] - x).abs() <= (self.centres[at] - x).abs() {
            at -= 1;
        }
        while at < last && (self.centres[at + 1] - x).abs() < (self.centres[at] - x).abs() {
            at += 1;
        }
        at
    }

    /// First position whose centre is not before `x` in the direction of the axis.
    fn not_before(&self, x: f64) -> usize {
        self.centres.partition_point(|c| if self.descending { *c > x } else { *c < x })
    }

    /// The two centres that hold `x` between them, and the share of the second; `None` outside.
    pub(super) fn bracket(&self, x: f64) -> Option<(usize, usize, f64)> {
        let upper = self.not_before(x);
        if upper > self.last() {
            return None;
        }
        if self.centres[upper] == x {
            return Some((upper, upper, 0.0));
        }
        if upper == 0 {
            return None;
        }
        let (a, b) = (self.centres[upper - 1], self.centres[upper]);
        Some((upper - 1, upper, (x - a) / (b - a)))
    }

    /// The centre of least difference in longitude; a tie goes to the lower position.
    pub(super) fn nearest_longitude(&self, longitude: f64) -> usize {
        let (first, last) = (self.centres[0], self.centres[self.last()]);
        let (low, high) = (first.min(last), first.max(last));
        // Between two centres no end is nearer, unless the first and last are one meridian.
        if longitude >= low && longitude <= high && high - low < 359.999 {
            return self.nearest(longitude);
        }
        // The point's longitude in the turn that begins at the grid's western end; beyond the eastern end, an end is nearest.
        let x = low + (longitude - low).rem_euclid(360.0);
        let mut candidates = [0, self.nearest(x.min(high)), self.last()];
        candidates.sort_unstable();
        let difference = |at: usize| longitude_difference(self.centres[at], longitude);
        candidates.into_iter().fold(candidates[0], |best, at| if difference(at) < difference(best) { at } else { best })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::AxisKind;

    #[test]
    fn the_guess_is_as_good_as_a_search() {
        let rounded = (0..720).map(|i| f64::from((-89.875 + 0.25 * f64::from(i)) as f32)).collect();
        for axis in [
            Axis::regular(AxisKind::Latitude, -89.95, 0.1, 1800).unwrap(),
            Axis::regular(AxisKind::Latitude, 40.0, -0.7, 31).unwrap(),
            Axis::new(AxisKind::Latitude, rounded).unwrap(),
            Axis::new(AxisKind::Latitude, vec![-70.0, -20.0, 3.0, 4.0, 80.0]).unwrap(),
            Axis::new(AxisKind::Latitude, vec![5.0]).unwrap(),
        ] {
            let line = AxisLine::new(&axis);
            for x in (-9300..9300).map(|i| f64::from(i) * 0.01) {
                let distance = |i: &usize| (axis.centres()[*i] - x).abs();
                let want = (0..axis.len()).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap();
                assert_eq!(line.nearest(x), want, "{x}");
            }
        }
    }
}
