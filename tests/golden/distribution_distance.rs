//! Family `distribution_distance`: every case; one of an unknown kind fails.

use isotherm::score::{
    Bandwidth, KernelDensity, KolmogorovSmirnov, QuantileRule, ScoreError, ScoreResult, TestResult, chi_squared_distance,
    cramer_von_mises, dagostino_pearson, energy_distance, energy_distance_weighted, excess_kurtosis, excess_kurtosis_unbiased,
    hellinger, histogram_shares, jarque_bera, jensen_shannon, kolmogorov_smirnov, kullback_leibler, mann_whitney, perkins_skill,
    quantile, shapiro_wilk, skewness, skewness_unbiased, sorted, total_variation, wasserstein, wasserstein_weighted,
};
use serde_json::Value;

use crate::support::{Case, Family, array, is_error, number};

#[test]
fn distribution_distance() {
    let family = Family::load("distribution_distance");
    for case in family.cases() {
        match case.name {
            "basic" | "same" | "shifted" | "ties" | "single" | "single_vs_many" | "constant" | "disjoint" | "heavy" => two(&case),
            "weighted" => weighted(&case),
            "nan" => with_nan(&case),
            "empty" => {
                assert!(is_error(case.expected("wasserstein")));
                assert!(matches!(wasserstein(&[], &[1.0]), Err(ScoreError::TooFew { found: 0, .. })));
            }
            "histogram_based" => histograms(&case),
            "quantiles" => quantiles(&case),
            "quantiles_single" => quantiles(&case),
            "moments" => moments(&case),
            "kde" => density(&case),
            other => panic!("unknown kind of distribution case: {other}"),
        }
    }
}

/// A number, NaN where it is refused.
fn or_nan(result: ScoreResult<f64>) -> f64 {
    result.unwrap_or(f64::NAN)
}

fn samples(case: &Case) -> (Vec<f64>, Vec<f64>) {
    (array(case.input("u")).data, array(case.input("v")).data)
}

fn two(case: &Case) {
    let (u, v) = samples(case);
    for (key, want) in case.all_expected() {
        match key.as_str() {
            "wasserstein" => case.check_one(key, wasserstein(&u, &v).unwrap(), number(want)),
            "energy" => case.check_one(key, energy_distance(&u, &v).unwrap(), number(want)),
            "ks_exact" => smirnov(case, key, want, KolmogorovSmirnov::p_value_exact),
            "ks_asymp" => smirnov(case, key, want, KolmogorovSmirnov::p_value_asymptotic),
            // The peer ends its series at terms below 1e-7, so a tiny p of its own is all error.
            "cvm" if number(&want["pvalue"]) < 1e-7 => {
                let got = cramer_von_mises(&u, &v).unwrap();
                case.check_one("cvm statistic", got.statistic, number(&want["statistic"]));
                assert!(got.p_value < 1e-7, "{}: {}", case.name, got.p_value);
            }
            "cvm" => test(case, key, cramer_von_mises(&u, &v), &want["statistic"], &want["pvalue"]),
            "mannwhitney" => test(case, key, mann_whitney(&u, &v), &want["U"], &want["p"]),
            other => panic!("unknown quantity {other}"),
        }
    }
}

fn smirnov(case: &Case, key: &str, want: &Value, p_value: fn(&KolmogorovSmirnov) -> ScoreResult<f64>) {
    let (u, v) = samples(case);
    let ks = kolmogorov_smirnov(&u, &v).unwrap();
    case.check_one(&format!("{key} statistic"), ks.statistic, number(&want["statistic"]));
    case.check_one(&format!("{key} location"), ks.location, number(&want["location"]));
    case.check_one(&format!("{key} sign"), f64::from(ks.sign), number(&want["sign"]));
    case.check_one(&format!("{key} p"), or_nan(p_value(&ks)), number(&want["pvalue"]));
}

fn test(case: &Case, key: &str, got: ScoreResult<TestResult>, statistic: &Value, p_value: &Value) {
    case.check_one(&format!("{key} statistic"), or_nan(got.clone().map(|t| t.statistic)), number(statistic));
    case.check_one(&format!("{key} p"), or_nan(got.map(|t| t.p_value)), number(p_value));
}

type Weighted = fn(&[f64], &[f64], Option<&[f64]>, Option<&[f64]>) -> ScoreResult<f64>;

fn weighted(case: &Case) {
    let (u, v) = samples(case);
    let (wu, wv) = (array(case.input("wu")).data, array(case.input("wv")).data);
    let of = |f: Weighted| f(&u, &v, Some(&wu), Some(&wv)).unwrap();
    case.check_one("wasserstein", of(wasserstein_weighted), number(case.expected("wasserstein")));
    case.check_one("energy", of(energy_distance_weighted), number(case.expected("energy")));
}

fn with_nan(case: &Case) {
    let (u, v) = samples(case);
    case.check_one("wasserstein", or_nan(wasserstein(&u, &v)), number(case.expected("wasserstein_raw")));
    case.check_one("energy", or_nan(energy_distance(&u, &v)), number(case.expected("energy_raw")));
    let known: Vec<f64> = u.iter().copied().filter(|u| u.is_finite()).collect();
    case.check_one("dropped", wasserstein(&known, &v).unwrap(), number(case.expected("wasserstein_drop")));
}

fn histograms(case: &Case) {
    let (u, v) = samples(case);
    let edges = array(case.parameter("edges")).data;
    let (p, q) = (histogram_shares(&u, &edges).unwrap(), histogram_shares(&v, &edges).unwrap());
    for (key, want) in case.all_expected() {
        let got = match key.as_str() {
            "p" => {
                case.check(key, &p, want);
                continue;
            }
            "q" => {
                case.check(key, &q, want);
                continue;
            }
            "js_distance_base2" => jensen_shannon(&p, &q, 2.0),
            "js_distance_e" => jensen_shannon(&p, &q, std::f64::consts::E),
            "js_divergence_base2" => jensen_shannon(&p, &q, 2.0).map(|d| d * d),
            "kl_pq_eps1e-12" => kullback_leibler(&p, &q, 1e-12),
            "perkins_skill" => perkins_skill(&p, &q),
            "hellinger" => hellinger(&p, &q),
            "total_variation" => total_variation(&p, &q),
            "chi2_symmetric" => chi_squared_distance(&p, &q),
            other => panic!("unknown quantity {other}"),
        };
        case.check_one(key, got.unwrap(), number(want));
    }
}

fn quantiles(case: &Case) {
    let x = array(case.input("u")).data;
    let probabilities = array(case.parameter("q")).data;
    let ordered = sorted(&x).unwrap();
    for (key, want) in case.all_expected() {
        let rule = match key.as_str() {
            "linear" => QuantileRule::Linear,
            "hazen" => QuantileRule::Hazen,
            "weibull" => QuantileRule::Weibull,
            "median_unbiased" => QuantileRule::MedianUnbiased,
            "nearest" => QuantileRule::Nearest,
            "lower" => QuantileRule::Lower,
            "inverted_cdf" => QuantileRule::InvertedDistribution,
            other => panic!("unknown rule {other}"),
        };
        let got: Vec<f64> = probabilities.iter().map(|q| rule.of_sorted(&ordered, *q).unwrap()).collect();
        case.check(key, &got, want);
        if rule == QuantileRule::Linear {
            let got: Vec<f64> = probabilities.iter().map(|q| quantile(&x, *q).unwrap()).collect();
            case.check("quantile", &got, want);
        }
    }
}

fn moments(case: &Case) {
    let x = array(case.input("u")).data;
    let pair = |t: ScoreResult<TestResult>| t.map(|t| vec![t.statistic, t.p_value]).unwrap();
    for (key, want) in case.all_expected() {
        match key.as_str() {
            "skew" => case.check_one(key, skewness(&x).unwrap(), number(want)),
            "skew_unbiased" => case.check_one(key, skewness_unbiased(&x).unwrap(), number(want)),
            "kurt" => case.check_one(key, excess_kurtosis(&x).unwrap(), number(want)),
            "kurt_unbiased" => case.check_one(key, excess_kurtosis_unbiased(&x).unwrap(), number(want)),
            "shapiro" => case.check(key, &pair(shapiro_wilk(&x)), want),
            "jarque_bera" => case.check(key, &pair(jarque_bera(&x)), want),
            "normaltest" => case.check(key, &pair(dagostino_pearson(&x)), want),
            other => panic!("unknown quantity {other}"),
        }
    }
}

fn density(case: &Case) {
    let (u, x) = (array(case.input("u")).data, array(case.parameter("x")).data);
    let scott = KernelDensity::of(&u, Bandwidth::Scott).unwrap();
    let silverman = KernelDensity::of(&u, Bandwidth::Silverman).unwrap();
    let at = |d: &KernelDensity| x.iter().map(|x| d.at(*x)).collect::<Vec<_>>();
    case.check("scott", &at(&scott), case.expected("scott"));
    case.check("silverman", &at(&silverman), case.expected("silverman"));
    case.check_one("factor", scott.factor(), number(case.expected("factor")));
}
