//! Family `bootstrap`: every case; one of an unknown kind fails.

use isotherm::score::{
    Interval, Resampling, ScoreError, ScoreResult, basic_interval, bca_interval, median, percentile_interval, resample, runs_from,
};
use serde_json::Value;

use crate::support::{Case, Family, array, is_error, number};

#[test]
fn bootstrap() {
    let family = Family::load("bootstrap");
    for case in family.cases() {
        match case.name.split('/').next().unwrap() {
            "from_distribution" => from_distribution(&case),
            "from_indices" => from_indices(&case),
            "block" => block(&case),
            "constant" => constant(&case),
            "single_value" => single_value(&case),
            other => panic!("unknown kind of bootstrap case: {other}"),
        }
    }
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

fn deviation(x: &[f64]) -> f64 {
    let m = mean(x);
    (x.iter().map(|v| (v - m).powi(2)).sum::<f64>() / (x.len() - 1) as f64).sqrt()
}

fn statistic(name: &str) -> fn(&[f64]) -> f64 {
    match name {
        "mean" => mean,
        "median" => |x| median(x).unwrap(),
        "std_ddof1" => deviation,
        other => panic!("unknown statistic {other}"),
    }
}

/// Ends of an interval, NaN where it is refused.
fn ends(interval: ScoreResult<Interval>) -> Vec<f64> {
    interval.map_or(vec![f64::NAN; 2], |i| vec![i.lower, i.upper])
}

fn from_distribution(case: &Case) {
    let (x, replicates) = (array(case.input("x")).data, array(case.input("theta_b")).data);
    let of = statistic(case.parameter("statistic").as_str().unwrap());
    let estimate = of(&x);
    let jackknife: Vec<f64> =
        (0..x.len()).map(|i| of(&x.iter().enumerate().filter(|(k, _)| *k != i).map(|(_, v)| *v).collect::<Vec<_>>())).collect();
    for (key, want) in case.all_expected() {
        if key == "standard_error_ddof1" {
            case.check_one(key, deviation(&replicates), number(want));
            continue;
        }
        let (kind, coverage) = key.split_once('_').unwrap();
        let coverage: f64 = coverage.parse().unwrap();
        let got = match kind {
            "percentile" => percentile_interval(&replicates, coverage),
            "basic" => basic_interval(estimate, &replicates, coverage),
            "BCa" => bca_interval(estimate, &replicates, &jackknife, coverage),
            other => panic!("unknown interval {other}"),
        };
        case.check(key, &ends(got), want);
    }
}

/// The means of `values` over each row of positions.
fn means(values: &[f64], rows: &[Vec<usize>]) -> Vec<f64> {
    rows.iter().map(|row| mean(&row.iter().map(|i| values[*i]).collect::<Vec<_>>())).collect()
}

fn rows(value: &Value) -> Vec<Vec<usize>> {
    let array = array(value);
    array.data.chunks(array.shape[1]).map(|row| row.iter().map(|v| *v as usize).collect()).collect()
}

fn from_indices(case: &Case) {
    let theta = means(&array(case.input("x")).data, &rows(case.input("idx")));
    case.check("theta_b", &theta, case.expected("theta_b"));
    case.check("percentile95", &ends(percentile_interval(&theta, 0.95)), case.expected("percentile95"));
    case.check_one("se", deviation(&theta), number(case.expected("se")));
}

fn block(case: &Case) {
    let y = array(case.input("y")).data;
    let (block, n) = (number(case.parameter("block")) as usize, number(case.parameter("n")) as usize);
    for (key, want) in [("cbb_starts", "circular_means"), ("mbb_starts", "moving_means")] {
        let runs: Vec<Vec<usize>> = rows(case.input(key)).iter().map(|starts| runs_from(starts, block, n)).collect();
        case.check(want, &means(&y, &runs), case.expected(want));
    }
}

fn mean_resamples(x: &[f64]) -> ScoreResult<Vec<f64>> {
    resample(x.len(), Resampling::Unit, 200, 1, |at| Ok(at.iter().map(|i| x[*i]).sum::<f64>() / at.len() as f64))
}

fn constant(case: &Case) {
    let x = array(case.input("x")).data;
    let replicates = mean_resamples(&x).unwrap();
    case.check("percentile", &ends(percentile_interval(&replicates, 0.95)), case.expected("percentile"));
    // scipy warns and gives NaN; here it is a reason.
    let bca = bca_interval(x[0], &replicates, &x, 0.95);
    assert!(matches!(bca, Err(ScoreError::Constant { .. })));
    case.check("BCa", &ends(bca), case.expected("BCa"));
}

fn single_value(case: &Case) {
    assert!(is_error(case.expected("percentile")));
    assert!(matches!(mean_resamples(&array(case.input("x")).data), Err(ScoreError::TooFew { found: 1, .. })));
}
