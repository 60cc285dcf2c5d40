//! Points in the order and coordinates in which their pairs are gone through.

use super::bins::LagBins;
use super::lookup::{BinLookup, square_threshold};
use crate::grid::EARTH_RADIUS_METRES;
use crate::score::error::{ScoreError, ScoreResult};
use serde::{Deserialize, Serialize};

/// How far two points of a cloud are apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum PointDistance {
    /// Straight, for projected coordinates: √(Δx² + Δy²), in the unit of the coordinates.
    Planar,
    /// Along the surface of a sphere: x is the longitude and y the latitude in degrees, the distance has the unit of
    /// the radius.
    GreatCircle {
        /// Radius of the sphere.
        radius: f64,
    },
}

impl PointDistance {
    /// Great-circle distances in kilometres on the sphere of [`EARTH_RADIUS_METRES`].
    pub fn kilometres() -> PointDistance {
        PointDistance::GreatCircle { radius: EARTH_RADIUS_METRES / 1000.0 }
    }

    /// The squared straight distance from which on a pair is at least `distance` apart.
    fn threshold(self, distance: f64) -> f64 {
        match self {
            PointDistance::Planar => square_threshold(distance),
            // The chord through the unit sphere; no chord is longer than 2.
            PointDistance::GreatCircle { radius } if distance > std::f64::consts::PI * radius => 5.0,
            PointDistance::GreatCircle { radius } => (2.0 * (0.5 * distance / radius).sin()).powi(2),
        }
    }

    /// The distance of a pair from its squared straight distance.
    pub(super) fn of_square(self, square: f64) -> f64 {
        match self {
            PointDistance::Planar => square.sqrt(),
            // Rounding may carry the half chord of antipodes beyond 1.
            PointDistance::GreatCircle { radius } => 2.0 * radius * (0.5 * square.sqrt()).min(1.0).asin(),
        }
    }

    /// The table that finds the bin of a squared straight distance.
    pub(super) fn lookup(self, bins: &LagBins) -> BinLookup {
        BinLookup::new(bins.edges().iter().map(|e| self.threshold(*e)).collect())
    }
}

/// The valid points, sorted along one coordinate so that far pairs need not be looked at.
pub(super) struct PointCloud {
    /// Planar: x, y and nothing. Sphere: the unit vector, its z first. Ascending in the first.
    pub(super) coordinates: [Vec<f64>; 3],
    pub(super) values: Vec<f64>,
    pub(super) distance: PointDistance,
}

impl PointCloud {
    pub(super) fn new(
        x: &[f64],
        y: &[f64],
        values: &[f64],
        valid: Option<&[bool]>,
        distance: PointDistance,
    ) -> ScoreResult<PointCloud> {
        let n = values.len();
        if x.len() != n || y.len() != n || valid.is_some_and(|v| v.len() != n) {
            return Err(ScoreError::Argument(format!(
                "{} and {} coordinates and a mask of {} do not fit {n} values",
                x.len(),
                y.len(),
                valid.map_or(n, <[bool]>::len)
            )));
        }
        if let PointDistance::GreatCircle { radius } = distance
            && !(radius > 0.0 && radius.is_finite())
        {
            return Err(ScoreError::Argument(format!("a sphere of radius {radius} was stated; a positive one is wanted")));
        }
        let mut points = Vec::with_capacity(n);
        for position in (0..n).filter(|i| valid.is_none_or(|v| v[*i])) {
            for (what, value) in [("x", x), ("y", y), ("the values", values)] {
                if !value[position].is_finite() {
                    return Err(ScoreError::NotFinite { what, position });
                }
            }
            points.push((distance.place(x[position], y[position])?, values[position]));
        }
        // Ties in the first coordinate are broken by the others, so that the order of the input changes nothing.
        points.sort_unstable_by(|(p, z), (q, w)| {
            let by = |k: usize| p[k].total_cmp(&q[k]);
            by(0).then_with(|| by(1)).then_with(|| by(2)).then_with(|| z.total_cmp(w))
        });
        let coordinate = |k: usize| points.iter().map(|(p, _)| p[k]).collect();
        Ok(PointCloud {
            coordinates: [coordinate(0), coordinate(1), coordinate(2)],
            values: points.iter().map(|(_, z)| *z).collect(),
            distance,
        })
    }

    /// A squared distance that no pair reaches; 0 where all points coincide.
    pub(super) fn widest_square(&self) -> f64 {
        let extent = |c: &Vec<f64>| {
            let (low, high) = c.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
            if low < high { (high - low).powi(2) } else { 0.0 }
        };
        self.coordinates.iter().map(extent).sum::<f64>() * (1.0 + 1e-12)
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }
}

impl PointDistance {
    /// The coordinates between which straight distances are taken.
    fn place(self, x: f64, y: f64) -> ScoreResult<[f64; 3]> {
        match self {
            PointDistance::Planar => Ok([x, y, 0.0]),
            PointDistance::GreatCircle { .. } if y.abs() > 90.0 => {
                Err(ScoreError::Argument(format!("a latitude of {y} degrees was found; -90 to 90 is wanted")))
            }
            PointDistance::GreatCircle { .. } => {
                // Reduced first, so that a full turn changes nothing.
                let (sine, cosine) = x.rem_euclid(360.0).to_radians().sin_cos();
                let (up, out) = y.to_radians().sin_cos();
                Ok([up, out * cosine, out * sine])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::great_circle_metres;

    #[test]
    fn chords_are_great_circles() {
        let distance = PointDistance::kilometres();
        let (longitudes, latitudes) = ([10.0, 10.001, 190.0, -170.0], [50.0, 50.0, -50.0, 33.0]);
        for i in 0..4 {
            for j in 0..4 {
                let (p, q) =
                    (distance.place(longitudes[i], latitudes[i]).unwrap(), distance.place(longitudes[j], latitudes[j]).unwrap());
                let square = (0..3).map(|k| (p[k] - q[k]).powi(2)).sum();
                let want = great_circle_metres(latitudes[i], longitudes[i], latitudes[j], longitudes[j]) / 1000.0;
                // Near antipodes both lose half their digits: 1e-8 of the radius is 60 m.
                let within = if want > 20_000.0 { 0.2 } else { 1e-8 };
                assert!((distance.of_square(square) - want).abs() < within, "{i} {j} {want}");
            }
        }
    }

    #[test]
    fn thresholds_and_distances_agree() {
        for distance in [PointDistance::Planar, PointDistance::GreatCircle { radius: 2.0 }] {
            for d in [0.1, 1.0, 3.0, 6.0] {
                assert!((distance.of_square(distance.threshold(d)) / d - 1.0).abs() < 1e-12, "{distance:?} {d}");
            }
        }
        // Half the circumference is 6.28...: beyond it no pair lies.
        assert!(PointDistance::GreatCircle { radius: 2.0 }.threshold(6.3) > 4.0);
    }

    #[test]
    fn bad_points_are_refused() {
        let cloud = |x: &[f64], y: &[f64], z: &[f64], d| PointCloud::new(x, y, z, None, d);
        assert!(cloud(&[0.0], &[0.0, 1.0], &[0.0, 1.0], PointDistance::Planar).is_err());
        let nan = cloud(&[0.0, 1.0], &[0.0, 1.0], &[0.0, f64::NAN], PointDistance::Planar);
        assert_eq!(nan.err(), Some(ScoreError::NotFinite { what: "the values", position: 1 }));
        assert!(cloud(&[0.0], &[91.0], &[0.0], PointDistance::kilometres()).is_err());
        assert!(cloud(&[0.0], &[9.0], &[0.0], PointDistance::GreatCircle { radius: 0.0 }).is_err());
        assert_eq!(
            PointCloud::new(&[f64::NAN, 1.0], &[0.0; 2], &[0.0; 2], Some(&[false, true]), PointDistance::Planar).unwrap().len(),
            1
        );
    }
}
