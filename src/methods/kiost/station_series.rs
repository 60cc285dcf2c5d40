//! Daily temperatures at stations, made of single reports under quality control.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::data::{Observation, Observations, Platform};
use crate::grid::{Field, SECONDS_PER_DAY, TimeAxis, great_circle_metres};
use crate::methods::error::{MethodError, MethodResult};

/// What a report, and a day, must be like to count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QualityControl {
    /// Reports of lower quality are left out.
    pub least_quality: u8,
    /// Reports outside of these temperatures in degrees Celsius are left out.
    pub plausible_celsius: (f64, f64),
    /// Only reports between these local solar hours count (from, inclusive, to, exclusive): at night and in the morning the
    /// surface is not warmed by the day. All hours where absent.
    pub solar_hours: Option<(f64, f64)>,
    /// A day with fewer reports has no value.
    pub least_reports: usize,
    /// A day that differs by more than this from the median of the two days before and the two after, in kelvin, has no
    /// value.
    pub spike_kelvin: f64,
}

impl Default for QualityControl {
    fn default() -> QualityControl {
        QualityControl {
            least_quality: 4,
            plausible_celsius: (-2.5, 40.0),
            solar_hours: None,
            least_reports: 1,
            spike_kelvin: 3.0,
        }
    }
}

/// A station's days.
#[derive(Clone, Debug, PartialEq)]
pub struct StationSeries {
    /// Its name.
    pub id: String,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Degrees Celsius by day; none where nothing good was reported.
    pub celsius: Vec<Option<f64>>,
}

/// What has come in from one station.
struct Gathered<'a> {
    first: &'a Observation,
    /// Sum and number of each day's good reports.
    sums: Vec<(f64, usize)>,
}

impl StationSeries {
    /// The series of all moored platforms, by name, on the days of `time`: the mean of each day's good reports, a report
    /// belonging to the day whose time is nearest.
    ///
    /// # Errors
    /// [`MethodError::Argument`] for days that are not 24 hours apart, or rules out of range.
    ///
    /// # Example
    /// ```
    /// use isotherm::data::{Observation, Observations, Platform};
    /// use isotherm::grid::TimeAxis;
    /// use isotherm::methods::kiost::{QualityControl, StationSeries};
    /// let report = |hours: f64, sst_celsius: f64| Observation {
    ///     time: hours * 3600.0, latitude: 34.0, longitude: 128.0, sst_celsius, depth_metres: Some(1.0),
    ///     platform_id: "CB".into(), platform: Platform::Mooring, quality: 5,
    /// };
    /// let time = TimeAxis::from_seconds(vec![0.0, 86_400.0]).unwrap();
    /// let all = Observations(vec![report(-6.0, 10.0), report(6.0, 11.0)]);
    /// let series = StationSeries::all(&all, &time, &QualityControl::default()).unwrap();
    /// assert_eq!(series[0].celsius, [Some(10.5), None]);
    /// ```
    pub fn all(observations: &Observations, time: &TimeAxis, rules: &QualityControl) -> MethodResult<Vec<StationSeries>> {
        let seconds = time.seconds();
        let daily = seconds.windows(2).all(|pair| (pair[1] - pair[0] - SECONDS_PER_DAY).abs() < 1.0);
        if !daily || rules.spike_kelvin.is_nan() || rules.spike_kelvin <= 0.0 || rules.least_reports == 0 {
            return Err(MethodError::Argument(
                "stations: days 24 hours apart, a positive spike and at least 1 report a day are wanted".to_string(),
            ));
        }
        let mut stations: BTreeMap<&str, Gathered<'_>> = BTreeMap::new();
        for report in observations.0.iter().filter(|o| o.platform == Platform::Mooring) {
            let empty = || Gathered { first: report, sums: vec![(0.0, 0); seconds.len()] };
            let sums = &mut stations.entry(&report.platform_id).or_insert_with(empty).sums;
            let day = ((report.time - seconds[0]) / SECONDS_PER_DAY + 0.5).floor();
            if day >= 0.0 && (day as usize) < seconds.len() && rules.admit(report) {
                let sum = &mut sums[day as usize];
                *sum = (sum.0 + report.sst_celsius, sum.1 + 1);
            }
        }
        let series = |(id, Gathered { first, sums }): (&str, Gathered<'_>)| {
            let days: Vec<Option<f64>> =
                sums.into_iter().map(|(sum, n)| (n >= rules.least_reports).then(|| sum / n as f64)).collect();
            StationSeries {
                id: id.to_string(),
                latitude: first.latitude,
                longitude: first.longitude,
                celsius: without_spikes(&days, rules.spike_kelvin),
            }
        };
        Ok(stations.into_iter().map(series).collect())
    }

    /// The cell of a field's grid nearest to the station that is valid on the first day, by its index in the frame; none
    /// where there is none within `limit_metres`.
    pub fn cell(&self, field: &Field, limit_metres: f64) -> Option<usize> {
        let (latitudes, longitudes) = (field.latitude().centres(), field.longitude().centres());
        let valid = field.frame_mask(0);
        let distance = |i: usize| {
            great_circle_metres(self.latitude, self.longitude, latitudes[i / longitudes.len()], longitudes[i % longitudes.len()])
        };
        let near = (0..valid.len()).filter(|i| valid[*i].is_valid()).map(|i| (distance(i), i));
        near.filter(|(metres, _)| *metres <= limit_metres).min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, i)| i)
    }
}

impl QualityControl {
    /// Does the report count?
    fn admit(&self, report: &Observation) -> bool {
        let (low, high) = self.plausible_celsius;
        let hour = (report.time.rem_euclid(SECONDS_PER_DAY) / 3600.0 + report.longitude / 15.0).rem_euclid(24.0);
        report.quality >= self.least_quality
            && (low..=high).contains(&report.sst_celsius)
            && self
                .solar_hours
                .is_none_or(|(from, to)| if from <= to { (from..to).contains(&hour) } else { hour >= from || hour < to })
    }
}

/// The series without the days that stand out of those around them.
fn without_spikes(days: &[Option<f64>], limit: f64) -> Vec<Option<f64>> {
    let around = |day: usize| {
        let mut near: Vec<f64> = (day.saturating_sub(2)..(day + 3).min(days.len()))
            .filter(|other| *other != day)
            .filter_map(|other| days[other])
            .collect();
        near.sort_by(f64::total_cmp);
        let middle = near.len() / 2;
        (near.len() >= 2).then(|| if near.len() % 2 == 1 { near[middle] } else { (near[middle - 1] + near[middle]) / 2.0 })
    };
    let keep =
        |(day, value): (usize, &Option<f64>)| value.filter(|v| around(day).is_none_or(|median| (v - median).abs() <= limit));
    days.iter().enumerate().map(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Axis, AxisKind, Cell, Mask, Unit};

    fn report(day: f64, celsius: f64, quality: u8, id: &str) -> Observation {
        Observation {
            time: day * SECONDS_PER_DAY,
            latitude: 34.0,
            longitude: 135.0,
            sst_celsius: celsius,
            depth_metres: None,
            platform_id: id.into(),
            platform: Platform::Mooring,
            quality,
        }
    }

    fn days(count: usize) -> TimeAxis {
        TimeAxis::from_seconds((0..count).map(|d| d as f64 * SECONDS_PER_DAY).collect()).unwrap()
    }

    #[test]
    fn bad_reports_thin_days_and_spikes_do_not_count() {
        let mut all: Vec<Observation> = (0..7).map(|d| report(f64::from(d), 10.0 + 0.1 * f64::from(d), 5, "A")).collect();
        all[3].sst_celsius = 16.0; // a spike among 10.1, 10.2, 10.4, 10.5
        all.push(report(1.2, 12.1, 2, "A")); // of poor quality
        all.push(report(2.1, 45.0, 5, "A")); // no sea water
        all.push(report(0.2, 10.4, 4, "A")); // the mean of 10.0 and 10.4
        all.push(Observation { platform: Platform::Drifter, ..report(0.0, 3.0, 5, "D") });
        let series = StationSeries::all(&Observations(all.clone()), &days(7), &QualityControl::default()).unwrap();
        assert_eq!(series.len(), 1);
        let wanted = [Some(10.2), Some(10.1), Some(10.2), None, Some(10.4), Some(10.5), Some(10.6)];
        for (got, want) in series[0].celsius.iter().zip(wanted) {
            assert!(got.is_some() == want.is_some() && (got.unwrap_or(0.0) - want.unwrap_or(0.0)).abs() < 1e-12, "{series:?}");
        }
        let strict = QualityControl { least_reports: 2, ..QualityControl::default() };
        let series = StationSeries::all(&Observations(all), &days(7), &strict).unwrap();
        assert_eq!(series[0].celsius.iter().flatten().count(), 1);
    }

    #[test]
    fn the_warm_hours_of_the_day_can_be_left_out() {
        // 135 E is nine hours ahead: 18 UTC is 3 h, 05 UTC is 14 h.
        let all = Observations(vec![report(-0.25, 10.0, 5, "A"), report(5.0 / 24.0, 12.0, 5, "A")]);
        let night = |hours| QualityControl { solar_hours: Some(hours), ..QualityControl::default() };
        let value = |hours| StationSeries::all(&all, &days(1), &night(hours)).unwrap()[0].celsius[0];
        assert_eq!((value((0.0, 10.0)), value((10.0, 20.0)), value((22.0, 5.0))), (Some(10.0), Some(12.0), Some(10.0)));
        let uneven = TimeAxis::from_seconds(vec![0.0, 3600.0]).unwrap();
        assert!(StationSeries::all(&all, &uneven, &QualityControl::default()).is_err());
    }

    #[test]
    fn a_station_reads_the_nearest_cell_of_the_sea() {
        let axis = |kind, first| Axis::regular(kind, first, 0.1, 3).unwrap();
        let (lat, lon) = (axis(AxisKind::Latitude, 34.0), axis(AxisKind::Longitude, 135.0));
        let mut cells = vec![Cell::Valid; 9];
        cells[4] = Cell::Land;
        let field = Field::new("sst", vec![1.0; 9], Mask::from_cells(cells), days(1), lat, lon, Unit::Celsius).unwrap();
        let station = |latitude, longitude| StationSeries { id: "A".into(), latitude, longitude, celsius: vec![] };
        // On land, a little to the east of the middle: degrees of longitude are shorter, so the eastern cell is nearest.
        assert_eq!(station(34.1, 135.12).cell(&field, 20e3), Some(5));
        assert_eq!(station(34.02, 135.01).cell(&field, 20e3), Some(0));
        assert_eq!(station(34.1, 135.1).cell(&field, 1e3), None);
    }
}
