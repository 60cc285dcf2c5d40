//! Where a coordinate lies among the cell centres of an axis of either direction, around the globe or not.

use super::axis::{Axis, AxisKind, Direction};

/// Degrees by which a point may lie beyond an axis and still count as on it: coordinates kept as f32 are off
/// by up to 1.5e-5 near 360.
const COORDINATE_TOLERANCE_DEGREES: f64 = 2e-5;

/// The two centres around a point, counted from south to north or west to east.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bracket {
    /// The centre at or before the point. The one after it is `lower + 1`, folded by [`Lookup::cell`].
    pub lower: usize,
    /// The share of the way from the lower to the upper centre, 0..=1.
    pub fraction: f64,
}

/// An axis made ready for many look-ups.
pub(crate) struct Lookup {
    /// Ascending, whatever the axis's direction.
    centres: Vec<f64>,
    outer_edges: [f64; 2],
    reversed: bool,
    periodic: bool,
    longitudes: bool,
    /// Cells per degree, for a first guess; exact spacing is not needed.
    per_degree: f64,
}

impl Lookup {
    pub fn new(axis: &Axis) -> Lookup {
        let reversed = axis.direction() == Direction::Descending;
        let (mut centres, edges) = (axis.centres().to_vec(), axis.edges());
        if reversed {
            centres.reverse();
        }
        let (first, last) = (edges[0], edges[edges.len() - 1]);
        Lookup {
            centres,
            outer_edges: [first.min(last), first.max(last)],
            reversed,
            periodic: axis.wraps(),
            longitudes: axis.kind() == AxisKind::Longitude,
            per_degree: if axis.is_regular() && axis.spacing() != 0.0 { 1.0 / axis.spacing().abs() } else { f64::NAN },
        }
    }

    /// How many centres are at or before `x`. On a regular axis by arithmetic, set right by the centres themselves.
    fn not_after(&self, x: f64) -> usize {
        let n = self.centres.len();
        let guess = (x - self.centres[0]) * self.per_degree + 1.0;
        // Comparisons with NaN are false: an irregular axis is searched.
        if guess >= 0.0 && guess < n as f64 {
            let guess = guess as usize;
            let below = |i: usize| i == 0 || self.centres[i - 1] <= x;
            let above = |i: usize| i == n || self.centres[i] > x;
            // Off by one at most, where the centres carry rounding.
            for count in [guess, guess + 1, guess.saturating_sub(1)] {
                if below(count) && above(count) {
                    return count;
                }
            }
        }
        self.centres.partition_point(|c| *c <= x)
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.centres.len()
    }

    /// Position in the axis of the cell `index`, counted upwards; beyond the ends it is clamped, or goes around.
    pub fn cell(&self, index: isize) -> usize {
        let n = self.centres.len() as isize;
        let i = if (0..n).contains(&index) {
            index
        } else if self.periodic {
            index.rem_euclid(n)
        } else {
            index.clamp(0, n - 1)
        } as usize;
        if self.reversed { self.centres.len() - 1 - i } else { i }
    }

    /// Does cell `index`, counted upwards, exist without clamping?
    pub fn holds(&self, index: isize) -> bool {
        self.periodic || (0..self.centres.len() as isize).contains(&index)
    }

    /// Brings a longitude, by full turns, to where the axis is.
    fn turned(&self, x: f64) -> f64 {
        if !self.longitudes {
            return x;
        }
        let first = self.centres[0];
        let start = if self.periodic { first } else { 0.5 * (first + self.centres[self.centres.len() - 1]) - 180.0 };
        // Mostly it is there already: the remainder is slow.
        if x >= start && x < start + 360.0 { x } else { start + (x - start).rem_euclid(360.0) }
    }

    /// Degrees from centre `lower` to the next one.
    pub fn gap(&self, lower: usize) -> f64 {
        let n = self.centres.len();
        if lower + 1 < n { self.centres[lower + 1] - self.centres[lower] } else { self.centres[0] + 360.0 - self.centres[n - 1] }
    }

    /// The centres around `x`; `None` beyond the outer centres of an axis that does not go around.
    pub fn bracket(&self, x: f64) -> Option<Bracket> {
        if !x.is_finite() {
            return None;
        }
        let x = self.turned(x);
        let n = self.centres.len();
        if self.periodic {
            let lower = self.not_after(x).max(1) - 1;
            return Some(Bracket { lower, fraction: (x - self.centres[lower]) / self.gap(lower) });
        }
        let (first, last) = (self.centres[0], self.centres[n - 1]);
        if x < first - COORDINATE_TOLERANCE_DEGREES || x > last + COORDINATE_TOLERANCE_DEGREES {
            return None;
        }
        if n == 1 {
            return Some(Bracket { lower: 0, fraction: 0.0 });
        }
        let lower = (self.not_after(x).max(1) - 1).min(n - 2);
        Some(Bracket { lower, fraction: ((x - self.centres[lower]) / self.gap(lower)).clamp(0.0, 1.0) })
    }

    /// The centre nearest to `x`, counted upwards, however far; of two equally near the upper one where
    /// `upper_wins`.
    pub fn nearest(&self, x: f64, upper_wins: bool) -> Option<usize> {
        if !x.is_finite() {
            return None;
        }
        let (x, n) = (self.turned(x), self.centres.len());
        let count = self.not_after(x);
        if !self.periodic && (count == 0 || count == n) {
            return Some(count.saturating_sub(1));
        }
        let lower = count.max(1) - 1;
        let below = x - self.centres[lower];
        let above = self.gap(lower) - below;
        let upper = below > above || (upper_wins && below == above);
        Some((lower + usize::from(upper)) % n)
    }

    /// The cell whose area holds `x`, counted upwards.
    pub fn containing(&self, x: f64) -> Option<usize> {
        let index = self.nearest(x, false)?;
        let turned = self.turned(x);
        let inside = turned >= self.outer_edges[0] - COORDINATE_TOLERANCE_DEGREES
            && turned <= self.outer_edges[1] + COORDINATE_TOLERANCE_DEGREES;
        (self.periodic || inside).then_some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(kind: AxisKind, start: f64, spacing: f64, count: usize) -> Lookup {
        Lookup::new(&Axis::regular(kind, start, spacing, count).unwrap())
    }

    /// The guess against a search, on regular, rounded and irregular axes.
    #[test]
    fn the_count_of_centres_before_a_point_is_that_of_a_search() {
        let rounded = (0..720).map(|i| f64::from((-89.875 + 0.25 * f64::from(i)) as f32)).collect();
        let irregular = (0..50).map(|i| f64::from(i * i) / 30.0).collect();
        for axis in [
            Axis::regular(AxisKind::Latitude, -89.95, 0.1, 1800).unwrap(),
            Axis::regular(AxisKind::Latitude, 89.95, -0.1, 1800).unwrap(),
            Axis::new(AxisKind::Latitude, rounded).unwrap(),
            Axis::new(AxisKind::Latitude, irregular).unwrap(),
            Axis::new(AxisKind::Latitude, vec![5.0]).unwrap(),
        ] {
            let lookup = Lookup::new(&axis);
            let search = |x: f64| lookup.centres.partition_point(|c| *c <= x);
            for i in -9500..9500 {
                let x = f64::from(i) * 0.01;
                assert_eq!(lookup.not_after(x), search(x), "{x}");
            }
            for centre in &lookup.centres {
                for x in [centre.next_down(), *centre, centre.next_up()] {
                    assert_eq!(lookup.not_after(x), search(x), "{x}");
                }
            }
        }
    }

    #[test]
    fn a_descending_axis_is_searched_upwards() {
        let axis = lookup(AxisKind::Latitude, 50.0, -1.0, 5);
        let bracket = axis.bracket(47.25).unwrap();
        assert_eq!((bracket.lower, bracket.fraction), (1, 0.25));
        assert_eq!((axis.cell(1), axis.cell(2)), (3, 2)); // 47 and 48 stand at 3 and 2
        assert_eq!(axis.bracket(45.9), None);
        assert_eq!(axis.containing(45.6), Some(0));
        assert_eq!(axis.containing(45.4), None);
        assert_eq!(axis.bracket(f64::NAN), None);
    }

    #[test]
    fn longitudes_meet_whatever_turn_they_are_counted_in() {
        let globe = lookup(AxisKind::Longitude, 0.5, 1.0, 360);
        let seam = globe.bracket(-0.25).unwrap();
        assert_eq!((seam.lower, seam.fraction), (359, 0.25));
        assert_eq!(globe.cell(360), 0);
        assert_eq!(globe.nearest(0.1, false), Some(0));
        let pacific = lookup(AxisKind::Longitude, 170.0, 1.0, 30);
        assert_eq!(pacific.bracket(-179.5).unwrap(), Bracket { lower: 10, fraction: 0.5 });
        assert_eq!(pacific.bracket(100.0), None);
    }

    #[test]
    fn ties_go_as_asked_and_ends_are_nearest_from_outside() {
        let axis = lookup(AxisKind::Latitude, 0.0, 1.0, 3);
        assert_eq!((axis.nearest(0.5, false), axis.nearest(0.5, true)), (Some(0), Some(1)));
        assert_eq!((axis.nearest(-9.0, false), axis.nearest(9.0, false)), (Some(0), Some(2)));
    }
}
