//! Family `matchup`: every case; one of an unknown kind fails.

use isotherm::grid::{Axis, AxisKind, Field, Mask, TimeAxis, Unit, wrap_180, wrap_360};
use isotherm::score::{
    GridLocator, Interpolation, MatchRule, Point, RobustStatistics, match_field, nearest_time, summarise_groups,
};

use crate::support::{Case, Family, array, is_error, number};

const HOUR: f64 = 3600.0;
/// The radius of pyresample's sphere, in metres.
const PYRESAMPLE_RADIUS: f64 = 6_370_997.0;

#[test]
fn matchup() {
    let family = Family::load("matchup");
    for case in family.cases() {
        assert!(case.all_expected().values().all(|v| !is_error(v)), "{}: a refusal was not foreseen", case.name);
        match case.name.split('/').next().unwrap() {
            "nearest" => nearest(&case),
            "pyresample" => pyresample(&case),
            "space_time" => space_time(&case),
            "merge_asof_3h" => merge_asof(&case),
            "superobs" => super_observations(&case),
            "longitude_wrap" => longitude_wrap(&case),
            other => panic!("unknown kind of matchup case: {other}"),
        }
    }
}

fn list(case: &Case, key: &str) -> Vec<f64> {
    array(case.input(key)).data
}

fn expected(case: &Case, key: &str) -> Vec<f64> {
    array(case.expected(key)).data
}

fn axes(case: &Case) -> (Axis, Axis) {
    (Axis::new(AxisKind::Latitude, list(case, "lat")).unwrap(), Axis::new(AxisKind::Longitude, list(case, "lon")).unwrap())
}

/// `null` (land, cloud) becomes a masked cell; times in hours. The golden values have three decimals and are
/// compared after rounding to them, since a field holds f32.
fn field(case: &Case, key: &str, hours: &[f64]) -> Field {
    let (latitude, longitude) = axes(case);
    let values: Vec<f32> = list(case, key).iter().map(|v| *v as f32).collect();
    let time = TimeAxis::from_seconds(hours.iter().map(|h| h * HOUR).collect()).unwrap();
    let mask = Mask::all_valid(values.len());
    Field::new("z", values, mask, time, latitude, longitude, Unit::Kelvin).unwrap()
}

fn thousandths(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

fn points(case: &Case, hours: Option<&[f64]>) -> Vec<Point> {
    let (latitude, longitude) = (list(case, "plat"), list(case, "plon"));
    (0..latitude.len())
        .map(|i| Point { time: hours.map_or(0.0, |h| h[i] * HOUR), latitude: latitude[i], longitude: longitude[i], quality: 5 })
        .collect()
}

fn nearest(case: &Case) {
    let (latitude, longitude) = axes(case);
    let locator = GridLocator::new(&latitude, &longitude);
    let cells: Vec<_> = points(case, None).iter().map(|p| locator.nearest(p.latitude, p.longitude).unwrap()).collect();
    let distances: Vec<f64> = cells.iter().map(|c| c.distance_degrees).collect();
    case.check("dist_deg", &distances, case.expected("dist_deg"));
    case.check("dist_km", &distances.iter().map(|d| d.to_radians() * 6371.0).collect::<Vec<_>>(), case.expected("dist_km"));
    case.check(
        "chord",
        &distances.iter().map(|d| 2.0 * (d.to_radians() / 2.0).sin()).collect::<Vec<_>>(),
        case.expected("chord"),
    );
    let (index, tie, within) = (expected(case, "index"), expected(case, "tie"), expected(case, "index_within_radius"));
    let radius = number(case.parameter("radius_deg"));
    for (i, cell) in cells.iter().enumerate() {
        if tie[i] == 0.0 {
            assert_eq!(cell.index as f64, index[i], "{} index[{i}]", case.name);
            let got = if cell.distance_degrees <= radius { cell.index as f64 } else { -1.0 };
            assert_eq!(got, within[i], "{} index_within_radius[{i}]", case.name);
        }
    }
}

fn pyresample(case: &Case) {
    // pyresample measures along the chord.
    let radius = number(case.parameter("radius_m"));
    let radius_degrees = (2.0 * (radius / (2.0 * PYRESAMPLE_RADIUS)).asin()).to_degrees();
    let points = points(case, None);
    for (key, input, interpolation) in [
        ("nearest_value_of_filled_z", "z_full", Interpolation::Nearest),
        ("idw2_8_masked", "z", Interpolation::InverseDistance { neighbours: 8 }),
    ] {
        let rule = MatchRule { radius_degrees, interpolation, ..MatchRule::default() };
        let matches = match_field(&field(case, input, &[0.0]), &points, &rule).unwrap();
        let got: Vec<f64> = matches.iter().map(|m| m.map_or(f64::NAN, |m| m.value)).collect();
        case.check(key, &got, case.expected(key));
    }
}

fn space_time(case: &Case) {
    let (hours, point_hours, sst) = (list(case, "time_h"), list(case, "ptime_h"), list(case, "sst"));
    let field = field(case, "z", &hours);
    let points = points(case, Some(&point_hours));
    let rule = MatchRule {
        radius_degrees: number(case.parameter("radius_deg_inclusive")),
        time_window_seconds: number(case.parameter("time_tolerance_h_inclusive")) * HOUR,
        ..MatchRule::default()
    };
    let everywhere = MatchRule { radius_degrees: f64::INFINITY, time_window_seconds: f64::INFINITY, ..rule };
    let locator = GridLocator::new(field.latitude(), field.longitude());
    let times = field.time().seconds();
    let all: Vec<_> = points.iter().map(|p| everywhere.place(&locator, times, p).unwrap()).collect();
    case.check("dist_deg", &all.iter().map(|p| p.distance_degrees).collect::<Vec<_>>(), case.expected("dist_deg"));
    case.check("dt_h", &all.iter().map(|p| p.time_difference_seconds / HOUR).collect::<Vec<_>>(), case.expected("dt_h"));
    let placed: Vec<_> = points.iter().map(|p| rule.place(&locator, times, p)).collect();
    let or_none = |of: &dyn Fn(&isotherm::score::Placement) -> f64, none: f64| {
        placed.iter().map(|p| p.as_ref().map_or(none, of)).collect::<Vec<f64>>()
    };
    case.check("matched_in_window", &or_none(&|_| 1.0, 0.0), case.expected("matched_in_window"));
    case.check("grid_index", &or_none(&|p| p.cell as f64, -1.0), case.expected("grid_index"));
    case.check("time_index", &or_none(&|p| p.frame as f64, -1.0), case.expected("time_index"));
    let matches = match_field(&field, &points, &rule).unwrap();
    let values: Vec<f64> = matches.iter().map(|m| m.map_or(f64::NAN, |m| thousandths(m.value))).collect();
    case.check("value", &values, case.expected("value"));
    for (i, matched) in matches.iter().enumerate() {
        if let Some(m) = matched {
            assert_eq!(m.index, placed[i].unwrap().frame * field.frame_len() + placed[i].unwrap().cell);
        }
    }
    let differences: Vec<f64> = values.iter().zip(&sst).map(|(v, s)| v - s).filter(|d| d.is_finite()).collect();
    case.check_one("n", differences.len() as f64, number(case.expected("n")));
    let n = differences.len() as f64;
    if n > 0.0 {
        let pairs = isotherm::score::Pairs::collect(&vec![0.0; differences.len()], &differences, None, None).unwrap();
        case.check_one("bias", pairs.bias().unwrap(), number(case.expected("bias_grid_minus_insitu")));
        case.check_one("std", pairs.rmse_unbiased().unwrap(), number(case.expected("std")));
        case.check_one("rmse", pairs.rmse().unwrap(), number(case.expected("rmse")));
    } else {
        assert!(RobustStatistics::of(&differences).is_err());
        assert!(number(case.expected("rmse")).is_nan());
    }
}

fn merge_asof(case: &Case) {
    let times = list(case, "time_h");
    let mut hours = list(case, "ptime_h");
    hours.sort_by(f64::total_cmp);
    let tolerance = number(case.parameter("tolerance_h"));
    let got: Vec<f64> = hours
        .iter()
        .map(|h| nearest_time(&times, *h).filter(|i| (h - times[*i]).abs() <= tolerance).map_or(-1.0, |i| i as f64))
        .collect();
    case.check("index", &got, case.expected("index"));
}

fn super_observations(case: &Case) {
    let (latitude, longitude, sst) = (list(case, "plat"), list(case, "plon"), list(case, "sst"));
    let keys: Vec<i64> = latitude
        .iter()
        .zip(&longitude)
        .map(|(y, x)| ((y - 30.0) / 0.5).floor() as i64 * 8 + ((x + 3.0) / 0.5).floor() as i64)
        .collect();
    let valid: Vec<bool> = sst.iter().map(|s| s.is_finite()).collect();
    let groups = summarise_groups(&keys, &sst, Some(&valid)).unwrap();
    let column = |of: &dyn Fn(&isotherm::score::GroupSummary) -> f64| groups.iter().map(of).collect::<Vec<f64>>();
    case.check("cell", &column(&|g| g.key as f64), case.expected("cell"));
    case.check("count", &column(&|g| g.count as f64), case.expected("count"));
    case.check("mean", &column(&|g| g.mean.unwrap_or(f64::NAN)), case.expected("mean"));
    case.check("median", &column(&|g| g.median.unwrap_or(f64::NAN)), case.expected("median"));
    case.check("std_ddof1", &column(&|g| g.standard_deviation.unwrap_or(f64::NAN)), case.expected("std_ddof1"));
}

fn longitude_wrap(case: &Case) {
    let longitude = list(case, "lon");
    case.check("to_pm180", &longitude.iter().map(|v| wrap_180(*v)).collect::<Vec<_>>(), case.expected("to_pm180"));
    case.check("to_0_360", &longitude.iter().map(|v| wrap_360(*v)).collect::<Vec<_>>(), case.expected("to_0_360"));
}
