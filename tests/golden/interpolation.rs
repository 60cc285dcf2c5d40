//! Family `interpolation`: points, resizing in each peer's convention, block means, blurring, gap filling.

use isotherm::grid::{
    Axis, AxisKind, BlockStatistic, Edge, Fill, Interpolation, Kernel, PointRule, PointSampler, Remainder, ResizeRule,
    coarsen_blocks, coarsen_plane, fill_plane, fill_rows_forward, fill_rows_linear, gaussian_plane, nearest_valid, resize_plane,
    upsample_plane,
};
use serde_json::Value;

use crate::support::{Array, Case, Family, array, is_error, number};

/// Pillow's kernels by name.
const PILLOW: [(&str, Kernel); 5] = [
    ("pil_bicubic", Kernel::Cubic { a: -0.5 }),
    ("pil_bilinear", Kernel::Linear),
    ("pil_box", Kernel::Box),
    ("pil_lanczos", Kernel::Lanczos3),
    ("pil_nearest", Kernel::NearestSummed),
];

#[test]
fn every_case() {
    for case in Family::load("interpolation").cases() {
        match case.name.split_once('/').map_or(case.name, |(group, _)| group) {
            "points" => points(&case),
            "global_wrap" => global_wrap(&case),
            "resize_pil" => resize(&case, pillow),
            "resize_scipy" => resize(&case, scipy),
            "resize_skimage" => resize(&case, skimage),
            "coarsen" if case.name == "coarsen/nan" => coarsen(&case),
            "coarsen" if case.name == "coarsen/boundary" => coarsen_boundary(&case),
            "gaussian_blur" => gaussian(&case),
            "fill_nearest_edt" => nearest_fill(&case),
            "interpolate_na" => rows_fill(&case),
            _ => panic!("case {} is not known to this test", case.name),
        }
    }
}

fn unknown(case: &Case<'_>, key: &str) -> ! {
    panic!("{}: expectation {key} is not known to this test", case.name)
}

/// Values and mask of a plane in which NaN stands for masked.
struct Plane {
    values: Vec<f64>,
    valid: Vec<bool>,
    shape: [usize; 2],
}

fn plane(value: &Value) -> Plane {
    let Array { shape, data } = array(value);
    Plane { valid: data.iter().map(|v| v.is_finite()).collect(), values: data, shape: [shape[0], shape[1]] }
}

fn with_gaps(values: &[f64], valid: &[bool]) -> Vec<f64> {
    values.iter().zip(valid).map(|(value, v)| if *v { *value } else { f64::NAN }).collect()
}

fn axis(kind: AxisKind, value: &Value) -> Axis {
    Axis::new(kind, array(value).data).expect("a golden axis")
}

fn points(case: &Case<'_>) {
    let (latitude, longitude) = (axis(AxisKind::Latitude, case.input("lat")), axis(AxisKind::Longitude, case.input("lon")));
    let z = plane(case.input("z"));
    let sampler = PointSampler::new(&latitude, &longitude, &z.values, &z.valid).expect("a plane that fits");
    let (at_latitude, at_longitude) = (array(case.input("plat")).data, array(case.input("plon")).data);
    for (key, want) in case.all_expected() {
        let rule = match key.as_str() {
            "scipy_linear" | "xarray_linear" | "pyinterp_bilinear" => PointRule::BilinearAllValid,
            "scipy_nearest" | "pyinterp_nearest" => PointRule::Nearest,
            "xarray_sel_nearest" => PointRule::NearestAnywhere,
            "renormalised_minw0" => PointRule::Bilinear { minimum_weight: 0.0 },
            "renormalised_minw0.5" => PointRule::Bilinear { minimum_weight: 0.5 },
            "pyinterp_idw" => PointRule::InverseDistance,
            "pyinterp_bicubic" => PointRule::SplineWindow,
            _ => unknown(case, key),
        };
        let ask = |(y, x): (&f64, &f64)| sampler.at(*y, *x, rule).unwrap_or(f64::NAN);
        let got: Vec<f64> = at_latitude.iter().zip(&at_longitude).map(ask).collect();
        case.check(key, &got, want);
    }
}

fn global_wrap(case: &Case<'_>) {
    let (latitude, longitude) = (axis(AxisKind::Latitude, case.input("lat")), axis(AxisKind::Longitude, case.input("lon")));
    let z = plane(case.input("z"));
    let sampler = PointSampler::new(&latitude, &longitude, &z.values, &z.valid).expect("a plane that fits");
    let (at_latitude, at_longitude) = (array(case.parameter("plat")).data, array(case.parameter("plon")).data);
    for (key, want) in case.all_expected() {
        if key != "linear_periodic" {
            unknown(case, key);
        }
        for rule in [PointRule::BilinearAllValid, PointRule::Bilinear { minimum_weight: 0.5 }] {
            let ask = |(y, x): (&f64, &f64)| sampler.at(*y, *x, rule).unwrap_or(f64::NAN);
            let got: Vec<f64> = at_latitude.iter().zip(&at_longitude).map(ask).collect();
            case.check(key, &got, want);
        }
    }
}

fn resize(case: &Case<'_>, follow: impl Fn(&Case<'_>, &str, &Plane, [usize; 2]) -> Vec<f64>) {
    let source = plane(case.input("src"));
    for (key, want) in case.all_expected() {
        let shape = array(want).shape;
        case.check(key, &follow(case, key, &source, [shape[0], shape[1]]), want);
    }
}

fn resized(source: &Plane, to: [usize; 2], rule: ResizeRule) -> Vec<f64> {
    resize_plane(&source.values, source.shape, to, rule).expect("a plane that fits")
}

fn pillow(case: &Case<'_>, key: &str, source: &Plane, to: [usize; 2]) -> Vec<f64> {
    let Some((_, kernel)) = PILLOW.into_iter().find(|(name, _)| *name == key) else { unknown(case, key) };
    if to == source.shape.map(|n| 4 * n) && key == "pil_nearest" {
        let house = upsample_plane(&source.values, source.shape[0], source.shape[1], 4, Interpolation::Nearest, false);
        assert_eq!(house, resized(source, to, ResizeRule::pillow(kernel)));
    }
    // The plain area mean of whole blocks must be the coarsening of `grid`.
    if to.map(|n| 4 * n) == source.shape && key == "pil_box" {
        case.check(key, &coarsen_plane(&source.values, source.shape[0], source.shape[1], 4), case.expected(key));
    }
    resized(source, to, ResizeRule::pillow(kernel))
}

fn scipy(case: &Case<'_>, key: &str, source: &Plane, to: [usize; 2]) -> Vec<f64> {
    let rule = match key {
        "zoom3_mirror_default" => ResizeRule::scipy_zoom(Kernel::Spline3),
        "zoom3_gridmode_reflect" => ResizeRule::scipy_grid_zoom(Kernel::Spline3, Edge::Reflect),
        "zoom1_gridmode_nearest" => ResizeRule::house(Interpolation::Bilinear),
        "zoom1_default_align_corners" => ResizeRule::scipy_zoom(Kernel::Linear),
        _ => unknown(case, key),
    };
    resized(source, to, rule)
}

/// scikit-image blurs first (shrinking, unless told not to) and clips to the range of the input last.
fn skimage(case: &Case<'_>, key: &str, source: &Plane, to: [usize; 2]) -> Vec<f64> {
    let (kernel, blur) = match key {
        "order3_aa_default" => (Kernel::Spline3, true),
        "order3_noaa" => (Kernel::Spline3, false),
        "order1_noaa" => (Kernel::Linear, false),
        _ => unknown(case, key),
    };
    let [rows, columns] = source.shape;
    let sigma = |axis: usize| if blur { (0.5 * (source.shape[axis] as f64 / to[axis] as f64 - 1.0)).max(0.0) } else { 0.0 };
    let blurred = gaussian_plane(&source.values, rows, columns, [sigma(0), sigma(1)], [Edge::Mirror; 2]).expect("a blur");
    let (low, high) = source.values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    let resized = resize_plane(&blurred, source.shape, to, ResizeRule::skimage(kernel)).expect("a plane that fits");
    resized.into_iter().map(|v| v.clamp(low, high)).collect()
}

fn factor(case: &Case<'_>) -> usize {
    number(case.parameter("factor")) as usize
}

fn coarsen(case: &Case<'_>) {
    let Plane { values, valid, shape: [rows, columns] } = plane(case.input("src"));
    let blocks =
        |statistic| coarsen_blocks(&values, &valid, rows, columns, factor(case), statistic, Remainder::Refuse).expect("blocks");
    for (key, want) in case.all_expected() {
        let (statistic, least) = match key.as_str() {
            "mean_skipna" => (BlockStatistic::Mean, 0.0),
            "mean_strict" => (BlockStatistic::Mean, 1.0),
            "median" => (BlockStatistic::Median, 0.0),
            "stride_first" => (BlockStatistic::First, 0.0),
            "valid_fraction" => {
                case.check(key, &blocks(BlockStatistic::Mean).valid_fraction, want);
                continue;
            }
            _ => unknown(case, key),
        };
        let got = blocks(statistic);
        let valid: Vec<bool> = got.valid.iter().zip(&got.valid_fraction).map(|(v, f)| *v && *f >= least).collect();
        case.check(key, &with_gaps(&got.values, &valid), want);
    }
}

fn coarsen_boundary(case: &Case<'_>) {
    assert_eq!(case.parameter("use"), "[:14,:18]");
    let whole = plane(case.input("src"));
    let (rows, columns) = (14, 18);
    let values: Vec<f64> = whole.values.chunks(whole.shape[1]).take(rows).flat_map(|row| &row[..columns]).copied().collect();
    let valid = vec![true; values.len()];
    for (key, want) in case.all_expected() {
        let remainder = match key.as_str() {
            "exact" => Remainder::Refuse,
            "trim" => Remainder::Trim,
            "pad" => Remainder::Keep,
            _ => unknown(case, key),
        };
        let got = coarsen_blocks(&values, &valid, rows, columns, factor(case), BlockStatistic::Mean, remainder);
        if is_error(want) {
            assert!(got.is_err(), "{} {key}: a refusal is wanted", case.name);
        } else {
            case.check(key, &got.expect("blocks").values, want);
        }
    }
}

fn gaussian(case: &Case<'_>) {
    assert_eq!(number(case.parameter("truncate")), isotherm::grid::GAUSSIAN_TRUNCATE_SIGMA);
    let source = plane(case.input("src"));
    let sigma = number(case.parameter("sigma"));
    for (key, want) in case.all_expected() {
        let edge = match key.as_str() {
            "reflect" => Edge::Reflect,
            "nearest" => Edge::Clamp,
            "wrap" => Edge::Wrap,
            _ => unknown(case, key),
        };
        let got = gaussian_plane(&source.values, source.shape[0], source.shape[1], [sigma; 2], [edge; 2]).expect("a blur");
        case.check(key, &got, want);
    }
}

fn nearest_fill(case: &Case<'_>) {
    let Plane { values, valid, shape: [rows, columns] } = plane(case.input("src"));
    let nearest = nearest_valid(&valid, rows, columns, false).expect("a valid cell");
    let filled = fill_plane(&values, &valid, rows, columns, false, Fill::Nearest).expect("a valid cell");
    for (key, want) in case.all_expected() {
        match key.as_str() {
            "distance" => {
                let distance: Vec<f64> = nearest.squared_distance.iter().map(|d| (*d as f64).sqrt()).collect();
                case.check(key, &distance, want);
            }
            "filled" => {
                let want = array(want).data;
                let mut compared = 0;
                for i in 0..values.len() {
                    // Of several equally near cells the peer takes any: only where there is one must values agree.
                    let squared =
                        |j: usize| (i / columns).abs_diff(j / columns).pow(2) + (i % columns).abs_diff(j % columns).pow(2);
                    let nearest_count =
                        (0..values.len()).filter(|j| valid[*j] && squared(*j) as u64 == nearest.squared_distance[i]);
                    if nearest_count.count() == 1 {
                        case.check_one(&format!("{key}[{i}]"), filled[i], want[i]);
                        compared += 1;
                    }
                }
                assert!(compared > valid.iter().filter(|v| **v).count(), "{}: no filled cell was compared", case.name);
            }
            _ => unknown(case, key),
        }
    }
}

fn rows_fill(case: &Case<'_>) {
    assert_eq!((case.parameter("dim").as_str(), case.parameter("method").as_str()), (Some("x"), Some("linear")));
    let Plane { values, valid, shape: [rows, columns] } = plane(case.input("src"));
    for (key, want) in case.all_expected() {
        let got = match key.as_str() {
            "linear" => fill_rows_linear(&values, &valid, rows, columns, None),
            "limit2" => fill_rows_linear(&values, &valid, rows, columns, Some(2)),
            "ffill" => fill_rows_forward(&values, &valid, rows, columns, None),
            _ => unknown(case, key),
        };
        let got = got.expect("a plane that fits");
        case.check(key, &with_gaps(&got.values, &got.valid), want);
    }
}
