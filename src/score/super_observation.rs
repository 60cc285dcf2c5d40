//! Super-observations: many observations of one cell and day made into one, so that a crowd of drifters does not count as
//! many independent ones.

use std::collections::BTreeMap;

use super::error::{ScoreError, ScoreResult};
use super::match_rule::Point;
use super::quantile::median;
use crate::grid::{SECONDS_PER_DAY, wrap_360};

/// Statistics of the values of one group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupSummary {
    /// The group's key.
    pub key: i64,
    /// Number of valid values.
    pub count: usize,
    /// Their mean; absent without a valid value.
    pub mean: Option<f64>,
    /// Their median; absent without a valid value.
    pub median: Option<f64>,
    /// Their standard deviation (divisor count − 1); absent below two.
    pub standard_deviation: Option<f64>,
}

/// Statistics of `values` by their `keys`, in ascending order of the key. Values that are not valid are left out; a group of
/// such values only is still listed, with a count of 0.
///
/// # Errors
/// [`ScoreError::Argument`] where the lists differ in length, [`ScoreError::NotFinite`] for a valid value that is
/// infinite or NaN.
///
/// # Example
/// ```
/// use isotherm::score::summarise_groups;
/// let groups = summarise_groups(&[7, 3, 7], &[1.0, 5.0, 2.0], None).unwrap();
/// assert_eq!((groups[1].key, groups[1].mean), (7, Some(1.5)));
/// ```
pub fn summarise_groups(keys: &[i64], values: &[f64], valid: Option<&[bool]>) -> ScoreResult<Vec<GroupSummary>> {
    if keys.len() != values.len() || valid.is_some_and(|v| v.len() != values.len()) {
        return Err(ScoreError::Argument(format!(
            "{} keys and {} mask entries for {} values; one of each is wanted",
            keys.len(),
            valid.map_or(values.len(), <[bool]>::len),
            values.len()
        )));
    }
    let mut groups: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for (i, key) in keys.iter().enumerate() {
        let group = groups.entry(*key).or_default();
        if valid.is_none_or(|v| v[i]) {
            if !values[i].is_finite() {
                return Err(ScoreError::NotFinite { what: "the list of values", position: i });
            }
            group.push(values[i]);
        }
    }
    Ok(groups.into_iter().map(|(key, values)| summary(key, &values)).collect())
}

fn summary(key: i64, values: &[f64]) -> GroupSummary {
    let n = values.len() as f64;
    let mean = (!values.is_empty()).then(|| values.iter().sum::<f64>() / n);
    let spread = |mean: f64| (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    GroupSummary {
        key,
        count: values.len(),
        mean,
        median: median(values).ok(),
        standard_deviation: mean.filter(|_| values.len() > 1).map(spread),
    }
}

/// One super-observation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SuperObservation {
    /// Mean position and time of its observations; the quality is the lowest of theirs.
    pub point: Point,
    /// Mean of the values.
    pub mean: f64,
    /// Median of the values.
    pub median: f64,
    /// Number of observations.
    pub count: usize,
    /// Standard deviation (divisor count − 1); absent below two.
    pub standard_deviation: Option<f64>,
}

/// One super-observation for each cell of `cell_degrees` and each day (UTC) that holds an observation, in order of day,
/// row and column of the cells.
///
/// Cells are counted from 90 S and 0 E, so they do not depend on the sample. `values` has one finite value for each point.
///
/// # Errors
/// [`ScoreError::Argument`] for a cell size outside 0..180 or lists of different length, [`ScoreError::NotFinite`] for
/// a value or position that is infinite or NaN.
///
/// # Example
/// ```
/// use isotherm::score::{super_observations, Point};
/// let at = |time, longitude| Point { time, latitude: 10.1, longitude, quality: 5 };
/// let points = [at(0.0, 359.9), at(3600.0, -0.05), at(90_000.0, 359.9)];
/// let supers = super_observations(&points, &[1.0, 3.0, 8.0], 0.25).unwrap();
/// assert_eq!((supers.len(), supers[0].mean, supers[0].count), (2, 2.0, 2));
/// ```
pub fn super_observations(points: &[Point], values: &[f64], cell_degrees: f64) -> ScoreResult<Vec<SuperObservation>> {
    if !(cell_degrees > 0.0 && cell_degrees <= 180.0) {
        return Err(ScoreError::Argument(format!(
            "cells of {cell_degrees} degrees were asked for; above 0, at most 180 is wanted"
        )));
    }
    if points.len() != values.len() {
        return Err(ScoreError::Argument(format!("{} points have {} values; one each is wanted", points.len(), values.len())));
    }
    let mut groups: BTreeMap<(i64, i64, i64), Vec<usize>> = BTreeMap::new();
    for (i, point) in points.iter().enumerate() {
        if ![point.time, point.latitude, point.longitude].iter().all(|v| v.is_finite()) {
            return Err(ScoreError::NotFinite { what: "the list of points", position: i });
        }
        if !values[i].is_finite() {
            return Err(ScoreError::NotFinite { what: "the list of values", position: i });
        }
        let row = ((point.latitude + 90.0) / cell_degrees).floor() as i64;
        let column = (wrap_360(point.longitude) / cell_degrees).floor() as i64;
        let day = (point.time / SECONDS_PER_DAY).floor() as i64;
        groups.entry((day, row, column)).or_default().push(i);
    }
    Ok(groups
        .into_values()
        .map(|members| {
            let own: Vec<f64> = members.iter().map(|i| values[*i]).collect();
            let statistics = summary(0, &own);
            let mean_of = |of: &dyn Fn(&Point) -> f64| members.iter().map(|i| of(&points[*i])).sum::<f64>() / own.len() as f64;
            SuperObservation {
                point: Point {
                    time: mean_of(&|p| p.time),
                    latitude: mean_of(&|p| p.latitude),
                    longitude: mean_of(&|p| wrap_360(p.longitude)),
                    quality: members.iter().map(|i| points[*i].quality).min().unwrap_or(0),
                },
                mean: statistics.mean.unwrap_or_default(),
                median: statistics.median.unwrap_or_default(),
                count: own.len(),
                standard_deviation: statistics.standard_deviation,
            }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: f64, latitude: f64, longitude: f64, quality: u8) -> Point {
        Point { time, latitude, longitude, quality }
    }

    #[test]
    fn one_for_each_cell_and_day() {
        let points =
            [at(10.0, 0.1, 0.1, 5), at(20.0, 0.2, 0.2, 4), at(30.0, 0.15, 0.15, 5), at(20.0, 0.3, 0.1, 5), at(-5.0, 0.1, 0.1, 5)];
        let supers = super_observations(&points, &[1.0, 2.0, 6.0, 7.0, 9.0], 0.25).unwrap();
        assert_eq!(supers.iter().map(|s| s.count).collect::<Vec<_>>(), [1, 3, 1]);
        let s = supers[1];
        assert_eq!((s.mean, s.median, s.point.time, s.point.quality), (3.0, 2.0, 20.0, 4));
        // departures -2, -1, 3: 14 / 2
        assert!((s.standard_deviation.unwrap() - 7f64.sqrt()).abs() < 1e-12);
        assert_eq!(supers[0].standard_deviation, None);
    }

    #[test]
    fn bad_input_is_named() {
        assert!(super_observations(&[at(0.0, 0.0, 0.0, 5)], &[], 1.0).is_err());
        assert!(super_observations(&[], &[], 0.0).is_err());
        let nan = super_observations(&[at(0.0, 0.0, 0.0, 5)], &[f64::NAN], 1.0);
        assert_eq!(nan, Err(ScoreError::NotFinite { what: "the list of values", position: 0 }));
        assert!(summarise_groups(&[1], &[], None).is_err());
    }
}
