//! Where cells lie: metres on a plane laid to the sphere at the cell in question, and seconds.

use super::super::sequence::Sequence;
use crate::grid::{EARTH_RADIUS_METRES, Field};

/// The coordinates of the axes.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    seconds: Vec<f64>,
    /// Metres northwards.
    north: Vec<f64>,
    /// Cosine of the latitude.
    cosine: Vec<f64>,
    /// Metres eastwards along the equator.
    east: Vec<f64>,
    /// Metres once around the equator.
    around: f64,
}

impl Places {
    /// Of the cells of a field.
    pub fn new(field: &Field) -> Places {
        let metres = |degrees: &f64| EARTH_RADIUS_METRES * degrees.to_radians();
        Places {
            seconds: field.time().seconds().to_vec(),
            north: field.latitude().centres().iter().map(metres).collect(),
            cosine: field.latitude().centres().iter().map(|d| d.to_radians().cos()).collect(),
            east: field.longitude().centres().iter().map(metres).collect(),
            around: std::f64::consts::TAU * EARTH_RADIUS_METRES,
        }
    }

    /// Of a plane with square cells.
    #[cfg(test)]
    pub fn plane(sequence: &Sequence, metres: f64, seconds: f64) -> Places {
        let axis = |n: usize, step: f64| (0..n).map(|i| i as f64 * step).collect::<Vec<f64>>();
        let [frames, rows, columns] = sequence.shape;
        Places {
            seconds: axis(frames, seconds),
            north: axis(rows, metres),
            cosine: vec![1.0; rows],
            east: axis(columns, metres),
            around: f64::INFINITY,
        }
    }

    /// Mean steps along time (seconds), rows and columns (metres, at the middle row); those of axes with one cell are 1.
    pub fn steps(&self) -> [f64; 3] {
        let mean = |axis: &[f64]| match axis {
            [first, .., last] => ((last - first) / (axis.len() - 1) as f64).abs(),
            _ => 1.0,
        };
        let cosine = self.cosine[self.cosine.len() / 2].max(0.01);
        [mean(&self.seconds), mean(&self.north), mean(&self.east) * cosine]
    }

    /// (east, north, time) of a cell, seen from row `row` and column `column`.
    pub fn seen_from(&self, (row, column): (usize, usize), [t, y, x]: [usize; 3]) -> [f64; 3] {
        let mut east = self.east[x] - self.east[column];
        if self.around.is_finite() {
            east -= (east / self.around).round() * self.around;
        }
        [east * self.cosine[row], self.north[y] - self.north[row], self.seconds[t]]
    }
}

/// Which sides of a cell a sequence has: the largest steps that can be gone along each axis.
pub(crate) fn reach(sequence: &Sequence) -> [usize; 3] {
    let [frames, rows, columns] = sequence.shape;
    [frames - 1, rows - 1, if sequence.wrap { columns / 2 } else { columns - 1 }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Axis, AxisKind, Mask, TimeAxis, Unit};

    #[test]
    fn metres_at_sixty_degrees() {
        let latitude = Axis::regular(AxisKind::Latitude, 60.0, 1.0, 2).unwrap();
        let longitude = Axis::regular(AxisKind::Longitude, 0.0, 90.0, 4).unwrap();
        let time = TimeAxis::from_seconds(vec![5.0]).unwrap();
        let field = Field::new("sst", vec![0.0; 8], Mask::all_valid(8), time, latitude, longitude, Unit::Celsius).unwrap();
        let places = Places::new(&field);
        let degree = std::f64::consts::TAU * EARTH_RADIUS_METRES / 360.0;
        let [east, north, seconds] = places.seen_from((0, 0), [0, 1, 3]);
        // 270 degrees east is 90 degrees west, half as long at 60 degrees north
        assert!((east + 45.0 * degree).abs() < 1e-3 && (north - degree).abs() < 1e-3);
        assert_eq!(seconds, 5.0);
    }
}
