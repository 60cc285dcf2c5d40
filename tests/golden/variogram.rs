//! Family `variogram`: every case; one of an unknown kind fails.

use isotherm::grid::central_angle;
use isotherm::score::{
    FitWeights, LagBin, LagBins, LagDirection, LagMap, LagPosition, PlaneAxis, PointDistance, PointVariogram, Variogram,
    VariogramEstimator, VariogramFamily, VariogramFit, VariogramModel, VariogramShape, axis_variogram, pair_distance_quantiles,
    plane_variogram,
};
use serde_json::Value;

use crate::support::{Array, Case, Family, array, is_error, number};

#[test]
fn variogram() {
    let family = Family::load("variogram");
    for case in family.cases() {
        match case.name.split('/').next().unwrap() {
            "skgstat" | "skgstat_ties" => with_upper_edges(&case),
            "constant" => constant(&case),
            "gstools" => with_centres(&case),
            "gstools_latlon" => on_the_sphere(&case),
            "haversine" => haversine(&case),
            "gstools_directional" | "skgstat_directional" => directional(&case),
            "skgstat_fit" => fit_to_upper_edges(&case),
            "gstools_fit" => fit_to_centres(&case),
            "skgstat_models" => models_by_range(&case),
            "gstools_models" => models_by_length(&case),
            "grid_map" => lag_map(&case),
            "grid_axis" => along_axes(&case),
            "grid_isotropic" => plane_by_distance(&case),
            "moran_style_limits" => constants(&case),
            other => panic!("unknown kind of variogram case: {other}"),
        }
    }
}

fn is_none(value: &Value) -> bool {
    value.get("none").is_some()
}

fn estimator(case: &Case) -> VariogramEstimator {
    match case.parameter("estimator").as_str().unwrap_or("matheron") {
        "matheron" => VariogramEstimator::Matheron,
        "cressie" => VariogramEstimator::CressieHawkins,
        "dowd" => VariogramEstimator::Dowd,
        "genton" => VariogramEstimator::GentonAbsolute,
        other => panic!("unknown estimator {other}"),
    }
}

/// Coordinates, values and their mask.
struct Points {
    x: Vec<f64>,
    y: Vec<f64>,
    values: Vec<f64>,
    valid: Vec<bool>,
}

impl Points {
    fn of(case: &Case) -> Points {
        let values = array(case.input("values")).data;
        let valid = values.iter().map(|v| !v.is_nan()).collect();
        // Planar coordinates are (x, y); on the sphere they are (latitude, longitude).
        let planar = !case.input("coordinates").is_null();
        let pairs = array(case.input(if planar { "coordinates" } else { "latlon" })).data;
        let column = |k: usize| pairs.iter().skip(k).step_by(2).copied().collect();
        Points { x: column(usize::from(!planar)), y: column(usize::from(planar)), values, valid }
    }

    fn variogram(&self, wanted: &PointVariogram) -> Variogram {
        wanted.of(&self.x, &self.y, &self.values, Some(&self.valid)).unwrap()
    }

    fn largest_distance(&self, probability: f64) -> f64 {
        pair_distance_quantiles(&self.x, &self.y, None, PointDistance::Planar, None, &[probability]).unwrap()[0]
    }
}

/// Semivariances; a bin without one has `empty`, which is NaN to one peer and 0 to the other.
fn semivariances(variogram: &Variogram, empty: f64) -> Vec<f64> {
    variogram.bins.iter().map(|b| b.semivariance.unwrap_or(empty)).collect()
}

fn counts(variogram: &Variogram) -> Vec<f64> {
    variogram.bins.iter().map(|b| b.pairs as f64).collect()
}

fn positions(variogram: &Variogram) -> Vec<f64> {
    variogram.bins.iter().map(|b| b.position).collect()
}

fn planar(estimator: VariogramEstimator, bins: LagBins) -> PointVariogram {
    PointVariogram { estimator, bins, distance: PointDistance::Planar, direction: None }
}

fn with_upper_edges(case: &Case) {
    let points = Points::of(case);
    let count = number(case.parameter("n_lags")) as usize;
    let asked = case.parameter("maxlag");
    let largest = match asked.as_str() {
        Some("median") => points.largest_distance(0.5),
        _ if is_none(asked) => points.largest_distance(1.0),
        _ => number(asked),
    };
    let bins = match case.parameter("bin_func").as_str() {
        Some("even") => LagBins::even(largest, count),
        Some("uniform") => LagBins::equal_count(&points.x, &points.y, None, PointDistance::Planar, Some(largest), count),
        other => panic!("unknown bins {other:?}"),
    };
    let got = points.variogram(&planar(estimator(case), bins.unwrap().at(LagPosition::UpperEdge)));
    if is_error(&case.raw()["expected"]) {
        // The peer refuses since its fit fails; the variogram itself is defined.
        assert!(semivariances(&got, f64::NAN).iter().all(|g| *g >= 0.0), "{}", case.name);
        return;
    }
    for (key, want) in case.all_expected() {
        match key.as_str() {
            "bins" => case.check(key, &positions(&got), want),
            "experimental" => case.check(key, &semivariances(&got, f64::NAN), want),
            "bin_count" => case.check(key, &counts(&got), want),
            "maxlag_used" => case.check_one(key, got.bins[count - 1].upper, number(want)),
            other => panic!("unknown {other}"),
        }
    }
}

fn constant(case: &Case) {
    let got = Points::of(case).variogram(&planar(VariogramEstimator::Matheron, LagBins::even(60.0, 8).unwrap()));
    assert!(is_error(case.expected("skgstat")));
    case.check("gamma", &semivariances(&got, 0.0), case.expected("gstools"));
    case.check("counts", &counts(&got), case.expected("counts"));
    // A model of nothing is refused, as by the peer.
    let fit = VariogramFit { family: VariogramFamily::Spherical, weights: FitWeights::Equal, nugget: false, largest_range: None };
    assert!(fit.of(&got).is_err());
}

fn check_centres(case: &Case, got: &Variogram) {
    for (key, want) in case.all_expected() {
        match key.as_str() {
            "bin_centers" => case.check(key, &positions(got), want),
            "gamma" => case.check(key, &semivariances(got, 0.0), want),
            "counts" => case.check(key, &counts(got), want),
            "rule" => {}
            other => panic!("unknown {other}"),
        }
    }
}

fn with_centres(case: &Case) {
    let points = Points::of(case);
    let edges = case.parameter("bin_edges");
    let bins = if is_none(edges) {
        // The rule stated in the case: Sturges' number of bins to a third of the box's diagonal.
        let extent = |c: &[f64]| c.iter().copied().fold(f64::MIN, f64::max) - c.iter().copied().fold(f64::MAX, f64::min);
        let count = (2.0 * (points.x.len() as f64).log2() + 1.0).ceil() as usize;
        LagBins::even(extent(&points.x).hypot(extent(&points.y)) / 3.0, count)
    } else {
        LagBins::from_edges(array(edges).data)
    };
    check_centres(case, &points.variogram(&planar(estimator(case), bins.unwrap())));
}

fn on_the_sphere(case: &Case) {
    let wanted = PointVariogram {
        estimator: estimator(case),
        bins: LagBins::from_edges(array(case.parameter("bin_edges_km")).data).unwrap(),
        distance: PointDistance::GreatCircle { radius: number(case.parameter("earth_radius_km")) },
        direction: None,
    };
    check_centres(case, &Points::of(case).variogram(&wanted));
}

fn haversine(case: &Case) {
    let (places, radius) = (array(case.input("latlon")).data, number(case.parameter("R_km")));
    let distance = |j: usize| radius * central_angle(places[0], places[1], places[2 * j], places[2 * j + 1]);
    for (key, want) in case.all_expected() {
        match key.as_str() {
            "pairs_0_to_1..9_km" => case.check(key, &(1..10).map(distance).collect::<Vec<_>>(), want),
            "antipodal" => case.check_one(key, radius * central_angle(0.0, 12.0, 0.0, -168.0), number(want)),
            other => panic!("unknown {other}"),
        }
    }
}

fn directional(case: &Case) {
    let points = Points::of(case);
    let width = Some(case.parameter("bandwidth")).filter(|w| !is_none(w)).map(number);
    if case.name.starts_with("gstools") {
        let degrees = |key: &str| number(case.parameter(key)).to_degrees();
        let direction = LagDirection::from_x_axis(degrees("angle_rad_from_x"), degrees("angles_tol"), width).unwrap();
        let bins = LagBins::from_edges(array(case.parameter("bin_edges")).data).unwrap();
        let wanted = PointVariogram { direction: Some(direction), ..planar(VariogramEstimator::Matheron, bins) };
        return check_centres(case, &points.variogram(&wanted));
    }
    // This peer states full angles and widths, and turns clockwise from the x axis.
    let half_width = match case.parameter("directional_model").as_str() {
        Some("triangle") => width.map(|w| 0.5 * w),
        Some("compass") => None,
        // Not implemented there.
        Some("circle") => return assert!(is_error(&case.raw()["expected"]), "{}", case.name),
        other => panic!("unknown {other:?}"),
    };
    let azimuth = 90.0 + number(case.parameter("azimuth_deg"));
    let direction = LagDirection::azimuth(azimuth, 0.5 * number(case.parameter("tolerance_deg")), half_width).unwrap();
    let bins = LagBins::even(number(case.parameter("maxlag")), number(case.parameter("n_lags")) as usize).unwrap();
    let bins = bins.at(LagPosition::UpperEdge);
    let got = points.variogram(&PointVariogram { direction: Some(direction), ..planar(VariogramEstimator::Matheron, bins) });
    case.check("bins", &positions(&got), case.expected("bins"));
    case.check("experimental", &semivariances(&got, f64::NAN), case.expected("experimental"));
    case.check("bin_count", &counts(&got), case.expected("bin_count"));
}

/// Our rmse must not be larger; where it is as large, the curves must agree. Near an optimum a curve may move by the root
/// of twice what the rmse may.
fn check_fit(case: &Case, variogram: &Variogram, fit: VariogramFit, rmse: &Value, fitted: &Value) {
    let got = fit.of(variogram).unwrap();
    let (want, slack) = (number(rmse), case.rel * number(rmse) + 1e-9);
    assert!(got.rmse <= want + slack, "{} {fit:?}: rmse {} against {want}, {:?}", case.name, got.rmse, got.model);
    if got.rmse >= want - slack {
        let near = want * (2.0 * case.rel).sqrt() * (got.fitted.len() as f64).sqrt();
        for (ours, theirs) in got.fitted.iter().zip(array(fitted).data) {
            assert!((ours - theirs).abs() <= near, "{}: {ours} against {theirs}", case.name);
        }
    }
}

fn fit_to_upper_edges(case: &Case) {
    if is_error(&case.raw()["expected"]) {
        return;
    }
    let largest = number(case.parameter("maxlag"));
    let bins = LagBins::even(largest, number(case.parameter("n_lags")) as usize).unwrap().at(LagPosition::UpperEdge);
    let got = Points::of(case).variogram(&planar(VariogramEstimator::Matheron, bins));
    case.check("bins", &positions(&got), case.expected("bins"));
    case.check("experimental", &semivariances(&got, f64::NAN), case.expected("experimental"));
    let family = match case.parameter("model").as_str().unwrap() {
        "spherical" => VariogramFamily::Spherical,
        "exponential" => VariogramFamily::Exponential,
        "gaussian" => VariogramFamily::Gaussian,
        "matern" => VariogramFamily::Matern,
        "stable" => VariogramFamily::Stable,
        "cubic" => VariogramFamily::Cubic,
        other => panic!("unknown model {other}"),
    };
    let nugget = case.parameter("use_nugget").as_bool().unwrap();
    let fit = VariogramFit { family, weights: FitWeights::Equal, nugget, largest_range: None };
    check_fit(case, &got, fit, case.expected("rmse"), case.expected("fitted_at_bins"));
}

fn fit_to_centres(case: &Case) {
    let (x, gamma) = (array(case.input("x")).data, array(case.input("gamma")).data);
    let bin = |(x, gamma): (&f64, &f64)| LagBin { lower: *x, upper: *x, position: *x, pairs: 1, semivariance: Some(*gamma) };
    let bins = x.iter().zip(&gamma).map(bin).collect();
    let variogram = Variogram { bins, estimator: VariogramEstimator::Matheron };
    let family = match case.name.split('/').nth(1).unwrap() {
        "Exponential" => VariogramFamily::Exponential,
        "Spherical" => VariogramFamily::Spherical,
        "Gaussian" => VariogramFamily::Gaussian,
        "Matern" => VariogramFamily::Matern,
        "Stable" => VariogramFamily::Stable,
        other => panic!("unknown model {other}"),
    };
    for (key, want) in case.all_expected() {
        let nugget = match key.as_str() {
            "nugget_free" => true,
            "nugget_zero" => false,
            other => panic!("unknown {other}"),
        };
        if !is_error(want) {
            // This peer does not limit the range.
            let fit = VariogramFit { family, weights: FitWeights::Equal, nugget, largest_range: Some(1e4) };
            check_fit(case, &variogram, fit, &want["rmse"], &want["fitted"]);
        }
    }
}

fn shape(name: &str) -> VariogramShape {
    let parameter = || name.trim_start_matches(char::is_alphabetic).trim_start_matches("_s").parse().unwrap();
    match name.to_lowercase().trim_end_matches(|c: char| !c.is_alphabetic()).trim_end_matches("_s") {
        "spherical" => VariogramShape::Spherical,
        "exponential" => VariogramShape::Exponential,
        "gaussian" => VariogramShape::Gaussian,
        "cubic" => VariogramShape::Cubic,
        "matern" => VariogramShape::Matern { smoothness: parameter() },
        "stable" => VariogramShape::Stable { exponent: parameter() },
        other => panic!("unknown model {other}"),
    }
}

fn models_by_range(case: &Case) {
    let of = |key: &str| number(case.parameter(key));
    let h = array(case.input("h")).data;
    for (key, want) in case.all_expected() {
        let model = VariogramModel::with_range(shape(key), of("range"), of("sill"), of("nugget")).unwrap();
        case.check(key, &h.iter().map(|h| model.at(*h)).collect::<Vec<_>>(), want);
    }
}

fn models_by_length(case: &Case) {
    let of = |key: &str| number(case.parameter(key));
    let h = array(case.input("h")).data;
    for (name, want) in case.all_expected() {
        let shape = shape(name);
        let factor = match shape {
            VariogramShape::Gaussian => 2.0 / std::f64::consts::PI.sqrt(),
            VariogramShape::Matern { smoothness } => smoothness.sqrt().recip(),
            _ => 1.0,
        };
        let model = VariogramModel::with_scale(shape, of("len_scale") * factor, of("var"), of("nugget")).unwrap();
        for (key, want) in want.as_object().unwrap() {
            let what = format!("{name} {key}");
            match key.as_str() {
                "variogram" => case.check(&what, &h.iter().map(|h| model.at(*h)).collect::<Vec<_>>(), want),
                "covariance" => case.check(&what, &h.iter().map(|h| model.covariance(*h)).collect::<Vec<_>>(), want),
                // Theirs leaves √ν in the correlation.
                "len_rescaled" => {
                    let left = if let VariogramShape::Matern { smoothness } = shape { smoothness.sqrt() } else { 1.0 };
                    case.check_one(&what, model.scale * left, number(want));
                }
                "integral_scale" => case.check_one(&what, model.integral_scale(), number(want)),
                // Found by a solver whose own tolerance is that of the comparison.
                "percentile_scale_0.9" => {
                    let got = model.distance_of_part(0.9).unwrap();
                    assert!((got / number(want) - 1.0).abs() < 1e-6, "{what}: {got} {want}");
                }
                other => panic!("unknown {other}"),
            }
        }
    }
}

/// A plane with its mask.
fn grid(case: &Case) -> (Array, Vec<bool>) {
    let grid = array(case.input("grid"));
    let valid = grid.data.iter().map(|v| !v.is_nan()).collect();
    (grid, valid)
}

fn lag_map(case: &Case) {
    let ((z, valid), largest) = (grid(case), number(case.parameter("maxlag")) as isize);
    let most = largest as usize;
    let map = LagMap::of(&z.data, z.shape[0], z.shape[1], Some(&valid), most, most).unwrap();
    let lags: Vec<(isize, isize)> = (0..=largest).flat_map(|dy| (-largest..=largest).map(move |dx| (dy, dx))).collect();
    let gamma: Vec<f64> = lags.iter().map(|(dy, dx)| map.semivariance(*dy, *dx).unwrap_or(f64::NAN)).collect();
    let pairs: Vec<f64> = lags.iter().map(|(dy, dx)| map.pairs(*dy, *dx) as f64).collect();
    case.check("gamma", &gamma, case.expected("gamma"));
    case.check("counts", &pairs, case.expected("counts"));
}

fn along_axes(case: &Case) {
    let (z, valid) = grid(case);
    for (key, want) in case.all_expected() {
        let (axis, estimator) = match key.as_str() {
            "axis_y" => (PlaneAxis::Rows, VariogramEstimator::Matheron),
            "axis_x" => (PlaneAxis::Columns, VariogramEstimator::Matheron),
            "cressie_axis_y" => (PlaneAxis::Rows, VariogramEstimator::CressieHawkins),
            other => panic!("unknown {other}"),
        };
        let most = z.shape[usize::from(axis == PlaneAxis::Columns)];
        let got = axis_variogram(&z.data, z.shape[0], z.shape[1], Some(&valid), axis, most, estimator).unwrap();
        // The peer begins at lag 0, where there is nothing.
        case.check(key, &[vec![0.0], semivariances(&got, 0.0)].concat(), want);
    }
}

fn plane_by_distance(case: &Case) {
    let (z, valid) = grid(case);
    let bins = LagBins::from_edges(array(case.parameter("bin_edges_pixels")).data).unwrap();
    check_centres(case, &plane_variogram(&z.data, z.shape[0], z.shape[1], Some(&valid), 1.0, 1.0, &bins, None).unwrap());
}

/// The constants, seen through increments of 1 (or, for Genton, of 0 and 1).
fn constants(case: &Case) {
    let of = |e: VariogramEstimator, increments: Vec<f64>| e.semivariance(&mut increments.clone()).unwrap();
    for (key, want) in case.all_expected() {
        match key.as_str() {
            "cressie_denominator" => {
                for (n, want) in want.as_object().unwrap() {
                    let count = n.trim_start_matches("n=").parse().unwrap();
                    let got = 0.5 / of(VariogramEstimator::CressieHawkins, vec![1.0; count]);
                    case.check_one(n, got, number(want));
                }
            }
            "dowd_factor" => case.check_one(key, 2.0 * of(VariogramEstimator::Dowd, vec![1.0; 5]), number(want)),
            "genton_factor" => {
                case.check_one(key, (2.0 * of(VariogramEstimator::Genton, vec![0.0, 1.0])).sqrt(), number(want));
            }
            other => panic!("unknown {other}"),
        }
    }
}
