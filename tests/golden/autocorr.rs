//! Family `autocorr`: every case; one of an unknown kind fails.

use isotherm::score::{
    Interval, LagDivisor, MissingDays, PartialMethod, ScoreResult, autocorrelation, autocovariance, bartlett_bands,
    cross_correlation, default_lags, default_partial_lags, e_folding_lag, effective_count_of_scale, effective_count_of_step,
    first_lag_below, integral_scale, ljung_box, partial_autocorrelation, white_noise_bands,
};
use serde_json::Value;

use crate::support::{Case, Family, array, is_error, number};

#[test]
fn autocorr() {
    let family = Family::load("autocorr");
    for case in family.cases() {
        match case.name.split('/').next().unwrap() {
            "acf" => acf(&case),
            "acf_ci" => bands(&case),
            "pacf" if case.name == "pacf/nan" => gappy_partial(&case),
            "pacf" => partial(&case),
            "pacf_ci" => partial_bands(&case),
            "ccf" => cross(&case),
            "default_nlags" => lags(&case),
            "decorrelation" => decorrelation(&case),
            other => panic!("unknown kind of autocorr case: {other}"),
        }
    }
}

fn missing(case: &Case) -> MissingDays {
    match case.parameter("missing").as_str().unwrap() {
        "none" | "conservative" => MissingDays::Conservative,
        "drop" => MissingDays::Drop,
        other => panic!("unknown treatment of missing days {other}"),
    }
}

fn series(case: &Case) -> (Vec<f64>, Vec<bool>) {
    let x = array(case.input("x")).data;
    let valid = x.iter().map(|v| !v.is_nan()).collect();
    (x, valid)
}

/// What the peer gives, or its NaN where we give a reason.
fn or_nan(result: ScoreResult<Vec<f64>>, want: &Value) -> Vec<f64> {
    result.unwrap_or_else(|_| vec![f64::NAN; array(want).data.len()])
}

fn max_lag(case: &Case) -> usize {
    number(case.parameter("nlags")) as usize
}

fn acf(case: &Case) {
    let (x, valid) = series(case);
    let divisor = if case.parameter("adjusted").as_bool().unwrap() { LagDivisor::Pairs } else { LagDivisor::Count };
    for (key, want) in case.all_expected() {
        let got = match key.as_str() {
            "acf" => autocorrelation(&x, Some(&valid), max_lag(case), divisor, missing(case)),
            "acovf" => autocovariance(&x, Some(&valid), max_lag(case), divisor, missing(case)),
            other => panic!("unknown quantity {other}"),
        };
        case.check(key, &or_nan(got, want), want);
    }
}

fn ends(bands: &[Interval]) -> Vec<f64> {
    bands.iter().flat_map(|i| [i.lower, i.upper]).collect()
}

fn bands(case: &Case) {
    let (x, valid) = series(case);
    let count = valid.iter().filter(|v| **v).count();
    let coverage = 1.0 - number(case.parameter("alpha"));
    let acf = autocorrelation(&x, Some(&valid), max_lag(case), LagDivisor::Count, missing(case));
    for (key, want) in case.all_expected() {
        let got = match key.as_str() {
            "ci_bartlett" => acf.clone().and_then(|r| bartlett_bands(&r, count, coverage)).map(|b| ends(&b)),
            "ci_white" => acf.clone().and_then(|r| white_noise_bands(&r, count, coverage)).map(|b| ends(&b)),
            "ljung_box_q" => acf.clone().and_then(|r| ljung_box(&r, count)).map(|t| t.iter().map(|t| t.statistic).collect()),
            "ljung_box_p" => acf.clone().and_then(|r| ljung_box(&r, count)).map(|t| t.iter().map(|t| t.p_value).collect()),
            other => panic!("unknown quantity {other}"),
        };
        let (got, want) = (or_nan(got, want), array(want).data);
        // The peer gives lag 0 a width in its white-noise band; here it is the point 1, as in its own Bartlett band.
        let skip = if key == "ci_white" { 2 } else { 0 };
        if skip == 2 && !got[0].is_nan() {
            assert_eq!(got[..2], [1.0, 1.0], "{}", case.name);
        }
        for i in skip..want.len() {
            case.check_one(&format!("{key}[{i}]"), got[i], want[i]);
        }
    }
}

fn method(name: &str) -> PartialMethod {
    match name {
        "ywm" | "ldb" => PartialMethod::YuleWalker,
        "ywadjusted" | "ldadjusted" => PartialMethod::YuleWalkerAdjusted,
        "ols" => PartialMethod::LeastSquares,
        "ols-adjusted" => PartialMethod::LeastSquaresAdjusted,
        "ols-inefficient" => PartialMethod::LeastSquaresCommonRows,
        "burg" => PartialMethod::Burg,
        other => panic!("unknown method {other}"),
    }
}

fn partial(case: &Case) {
    let (x, _) = series(case);
    let degenerate = case.parameter("degenerate").as_bool().unwrap();
    for (key, want) in case.all_expected() {
        let got = partial_autocorrelation(&x, max_lag(case), method(key));
        if degenerate {
            // No agreement is asked: either a reason, or as many numbers as lags, none of them NaN.
            assert!(got.is_err() || got.is_ok_and(|p| p.len() == max_lag(case) + 1 && p.iter().all(|p| p.is_finite())));
        } else {
            case.check(key, &got.unwrap(), want);
        }
    }
}

fn gappy_partial(case: &Case) {
    let (x, _) = series(case);
    assert!(array(case.expected("ywm")).data[1..].iter().all(|p| p.is_nan()));
    assert!(partial_autocorrelation(&x, 5, PartialMethod::YuleWalker).is_err());
}

fn partial_bands(case: &Case) {
    let (x, _) = series(case);
    assert_eq!(case.parameter("method").as_str(), Some("ywm"));
    let Ok(partial) = partial_autocorrelation(&x, max_lag(case), PartialMethod::YuleWalker) else {
        // Only a constant series is refused; the peer gives zeros there.
        assert!(x.iter().all(|v| *v == x[0]), "{}", case.name);
        return;
    };
    case.check("pacf", &partial, case.expected("pacf"));
    let bands = white_noise_bands(&partial, x.len(), 1.0 - number(case.parameter("alpha"))).unwrap();
    case.check("ci", &ends(&bands), case.expected("ci"));
}

fn cross(case: &Case) {
    let (x, y) = (array(case.input("x")).data, array(case.input("y")).data);
    for (key, want) in case.all_expected() {
        let divisor = match key.as_str() {
            "ccf_adjusted" => LagDivisor::Pairs,
            "ccf_plain" => LagDivisor::Count,
            other => panic!("unknown quantity {other}"),
        };
        let last = array(want).data.len() - 1;
        case.check(key, &cross_correlation(&x, &y, last, divisor).unwrap(), want);
    }
}

fn lags(case: &Case) {
    let n = array(case.expected("n")).data;
    let of = |f: fn(usize) -> usize| n.iter().map(|n| f(*n as usize) as f64).collect::<Vec<_>>();
    case.check("acf", &of(default_lags), case.expected("acf"));
    case.check("pacf", &of(default_partial_lags), case.expected("pacf"));
}

fn decorrelation(case: &Case) {
    let (x, _) = series(case);
    let r = autocorrelation(&x, None, max_lag(case), LagDivisor::Count, MissingDays::Conservative).unwrap();
    for (key, want) in case.all_expected() {
        let got = match key.as_str() {
            "first_lag_below_1_over_e" => first_lag_below(&r, (-1.0f64).exp()).map(|lag| lag as f64),
            "e_folding_linear" => e_folding_lag(&r),
            "integral_scale_to_first_negative" => integral_scale(&r),
            "n_eff_ar1" => effective_count_of_step(x.len(), r[1]),
            "n_eff_integral" => integral_scale(&r).and_then(|scale| effective_count_of_scale(x.len(), scale)),
            other => panic!("unknown quantity {other}"),
        };
        assert!(!is_error(want));
        match got {
            Some(got) => case.check_one(key, got, number(want)),
            // The peer sums to its last lag where no autocorrelation is negative; that sum is not complete.
            None => assert!(r.iter().all(|r| *r >= 0.0), "{key}"),
        }
    }
}
