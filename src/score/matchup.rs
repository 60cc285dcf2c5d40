//! Matchups: the value of a gridded field at points of space and time.

use rayon::prelude::*;

use super::error::{ScoreError, ScoreResult};
use super::locate::GridLocator;
use super::match_rule::{Interpolation, MatchRule, Point};
use crate::grid::{EARTH_RADIUS_METRES, Field, great_circle_metres};

/// A field's value at a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// The value, in the field's unit.
    pub value: f64,
    /// Great-circle distance from the point to the nearest cell's centre, in degrees.
    pub distance_degrees: f64,
    /// Time of the point minus time of the nearest frame, in seconds.
    pub time_difference_seconds: f64,
    /// Position of the nearest cell in [`Field::values`].
    pub index: usize,
}

/// The field's value at each point that the rule matches, in the order of the points.
///
/// A point gets `None` where its quality is too low, no cell or frame is near enough, or the field is masked there.
///
/// # Errors
/// [`ScoreError::Argument`] as [`MatchRule::check`].
///
/// # Example
/// ```
/// use isotherm::grid::{Axis, AxisKind, Field, Mask, TimeAxis, Unit};
/// use isotherm::score::{match_field, MatchRule, Point};
/// let latitude = Axis::regular(AxisKind::Latitude, 40.125, 0.25, 2).unwrap();
/// let longitude = Axis::regular(AxisKind::Longitude, 0.125, 0.25, 2).unwrap();
/// let noon = TimeAxis::from_seconds(vec![43_200.0]).unwrap();
/// let sst = Field::new("sst", vec![14.0, 15.0, 16.0, 17.0], Mask::all_valid(4), noon, latitude, longitude, Unit::Celsius).unwrap();
/// let buoy = Point { time: 36_000.0, latitude: 40.35, longitude: 360.1, quality: 5 };
/// let matched = match_field(&sst, &[buoy], &MatchRule::default()).unwrap();
/// assert_eq!(matched[0].unwrap().value, 16.0);
/// ```
pub fn match_field(field: &Field, points: &[Point], rule: &MatchRule) -> ScoreResult<Vec<Option<Match>>> {
    rule.check()?;
    let locator = GridLocator::new(field.latitude(), field.longitude());
    Ok(points.par_iter().map(|point| match_point(field, &locator, point, rule)).collect())
}

fn match_point(field: &Field, locator: &GridLocator, point: &Point, rule: &MatchRule) -> Option<Match> {
    let times = field.time().seconds();
    let placement = rule.place(locator, times, point)?;
    let value = match rule.interpolation {
        Interpolation::Nearest => cell_value(field, placement.frame, placement.cell)?,
        Interpolation::Bilinear => bilinear(field, placement.frame, locator, point, rule)?,
        Interpolation::Trilinear => {
            let step =
                if placement.time_difference_seconds >= 0.0 { placement.frame + 1 } else { placement.frame.wrapping_sub(1) };
            match times.get(step) {
                Some(other) if placement.time_difference_seconds != 0.0 => {
                    let share = placement.time_difference_seconds / (other - times[placement.frame]);
                    let near = bilinear(field, placement.frame, locator, point, rule)?;
                    near + share * (bilinear(field, step, locator, point, rule)? - near)
                }
                _ => bilinear(field, placement.frame, locator, point, rule)?,
            }
        }
        Interpolation::InverseDistance { neighbours } => {
            let cells = locator.within(point.latitude, point.longitude, rule.radius_degrees);
            let (mut sum, mut weights) = (0.0, 0.0);
            for cell in cells.iter().take(neighbours) {
                let metres = (cell.distance_degrees.to_radians() * EARTH_RADIUS_METRES).max(1.0);
                sum += cell_value(field, placement.frame, cell.index)? / (metres * metres);
                weights += 1.0 / (metres * metres);
            }
            sum / weights
        }
    };
    Some(Match {
        value,
        distance_degrees: placement.distance_degrees,
        time_difference_seconds: placement.time_difference_seconds,
        index: placement.frame * field.frame_len() + placement.cell,
    })
}

fn cell_value(field: &Field, frame: usize, cell: usize) -> Option<f64> {
    field.frame_mask(frame)[cell].is_valid().then(|| f64::from(field.frame(frame)[cell]))
}

fn bilinear(field: &Field, frame: usize, locator: &GridLocator, point: &Point, rule: &MatchRule) -> Option<f64> {
    let (mut sum, mut weight) = (0.0, 0.0);
    for (cell, w) in locator.bilinear(point.latitude, point.longitude)? {
        if w > 0.0
            && let Some(value) = cell_value(field, frame, cell)
        {
            sum += w * value;
            weight += w;
        }
    }
    // The weights of four valid corners sum to 1 only to rounding.
    (weight >= rule.minimum_weight - 1e-12).then(|| sum / weight)
}

/// Positions of the points that every product matches: the only set on which products may be compared.
///
/// # Errors
/// [`ScoreError::Argument`] where the lists differ in length (they are of different points), or there is none.
///
/// # Example
/// ```
/// use isotherm::score::{common_set, Match};
/// let hit = Some(Match { value: 1.0, distance_degrees: 0.0, time_difference_seconds: 0.0, index: 0 });
/// assert_eq!(common_set(&[vec![hit, None, hit], vec![hit, hit, hit]]).unwrap(), vec![0, 2]);
/// ```
pub fn common_set(products: &[Vec<Option<Match>>]) -> ScoreResult<Vec<usize>> {
    let Some(first) = products.first() else {
        return Err(ScoreError::Argument("a common set of no products was asked for; at least one is wanted".into()));
    };
    if let Some(other) = products.iter().find(|p| p.len() != first.len()) {
        return Err(ScoreError::Argument(format!(
            "one product has {} matchups and another {}; one for each point is wanted",
            first.len(),
            other.len()
        )));
    }
    Ok((0..first.len()).filter(|i| products.iter().all(|p| p[*i].is_some())).collect())
}

/// Great-circle distance between two points in metres, on the sphere of [`EARTH_RADIUS_METRES`].
pub fn distance_metres(a: &Point, b: &Point) -> f64 {
    great_circle_metres(a.latitude, a.longitude, b.latitude, b.longitude)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Axis, AxisKind, Cell, Mask, TimeAxis, Unit};

    /// value = 10 t + y + 0.1 x on cells at 0, 1, 2 N and 0, 1, 2 E; frames 100 s apart.
    fn field(masked: &[usize]) -> Field {
        let values = (0..18).map(|i| (10 * (i / 9) + (i % 9) / 3) as f32 + 0.1 * (i % 3) as f32).collect();
        let mut mask = Mask::all_valid(18);
        masked.iter().for_each(|i| mask.cells_mut()[*i] = Cell::Land);
        let axis = |kind| Axis::regular(kind, 0.0, 1.0, 3).unwrap();
        let time = TimeAxis::from_seconds(vec![0.0, 100.0]).unwrap();
        Field::new("v", values, mask, time, axis(AxisKind::Latitude), axis(AxisKind::Longitude), Unit::One).unwrap()
    }

    fn at(time: f64, latitude: f64, longitude: f64) -> Point {
        Point { time, latitude, longitude, quality: 5 }
    }

    fn rule(interpolation: Interpolation) -> MatchRule {
        MatchRule { radius_degrees: 1.0, time_window_seconds: 60.0, interpolation, ..MatchRule::default() }
    }

    fn value(field: &Field, point: Point, rule: &MatchRule) -> Option<f64> {
        match_field(field, &[point], rule).unwrap()[0].map(|m| m.value)
    }

    #[test]
    fn linear_fields_come_back_exactly() {
        let close = |got: Option<f64>, want: f64| assert!((got.unwrap() - want).abs() < 1e-6, "{got:?} {want}");
        let p = at(30.0, 0.75, 1.5);
        close(value(&field(&[]), p, &rule(Interpolation::Nearest)), 1.1);
        close(value(&field(&[]), p, &rule(Interpolation::Bilinear)), 0.9);
        close(value(&field(&[]), p, &rule(Interpolation::Trilinear)), 3.9);
        close(value(&field(&[]), at(80.0, 0.75, 1.5), &rule(Interpolation::Trilinear)), 8.9);
        close(value(&field(&[]), at(-50.0, 0.75, 1.5), &rule(Interpolation::Trilinear)), 0.9);
    }

    #[test]
    fn masked_cells_are_no_match_unless_the_rule_allows() {
        let f = field(&[4]);
        assert_eq!(value(&f, at(0.0, 1.1, 1.1), &rule(Interpolation::Nearest)), None);
        assert_eq!(value(&f, at(0.0, 0.5, 0.5), &rule(Interpolation::Bilinear)), None);
        let lenient = MatchRule { minimum_weight: 0.5, ..rule(Interpolation::Bilinear) };
        // mean of 0.0, 0.1 and 1.0, the fourth corner being land
        assert!((value(&f, at(0.0, 0.5, 0.5), &lenient).unwrap() - 1.1 / 3.0).abs() < 1e-7);
        // on a row of centres the masked row above has no weight
        assert!(value(&f, at(0.0, 0.0, 0.5), &rule(Interpolation::Bilinear)).is_some());
        assert_eq!(value(&f, at(0.0, 1.1, 1.1), &rule(Interpolation::InverseDistance { neighbours: 3 })), None);
    }

    #[test]
    fn windows_are_inclusive_and_ties_go_to_the_earlier_frame() {
        let f = field(&[]);
        let matched =
            match_field(&f, &[at(50.0, 0.0, 0.0), at(160.0, 0.0, 0.0), at(160.5, 0.0, 0.0)], &rule(Interpolation::Nearest))
                .unwrap();
        assert_eq!(matched[0].unwrap().index, 0);
        assert_eq!(matched[1].unwrap().time_difference_seconds, 60.0);
        assert!(matched[2].is_none());
        assert!(value(&f, at(0.0, -1.0, 0.0), &rule(Interpolation::Nearest)).is_some());
        assert!(value(&f, at(0.0, -1.001, 0.0), &rule(Interpolation::Nearest)).is_none());
        assert!(value(&f, Point { quality: 3, ..at(0.0, 0.0, 0.0) }, &rule(Interpolation::Nearest)).is_none());
    }

    #[test]
    fn senseless_rules_are_refused() {
        let f = field(&[]);
        let bad = MatchRule { radius_degrees: f64::NAN, ..MatchRule::default() };
        assert!(match_field(&f, &[], &bad).is_err());
        assert!(match_field(&f, &[], &MatchRule { minimum_weight: 0.0, ..MatchRule::default() }).is_err());
        assert!(common_set(&[]).is_err());
        assert!(common_set(&[vec![None], vec![]]).is_err());
    }
}
