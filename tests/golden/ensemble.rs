//! Family `ensemble`: every case and key; one that is unknown fails.

use isotherm::score::{
    CrpsEstimator, ScoreError, brier_above, crps, crps_normal, crps_weighted, energy_score, interval_score, log_score_normal,
    quantile, quantile_score, rank_histogram, rank_range, spread_skill, variogram_score,
};

use crate::support::{Array, Case, Family, array, number};

#[test]
fn ensemble() {
    let family = Family::load("ensemble");
    for case in family.cases() {
        match case.name.split('/').next().unwrap() {
            "crps_properscoring" => properscoring(&case),
            "crps_scoringrules" => scoringrules(&case),
            "crps_weighted" => weighted(&case),
            "crps_gaussian" => gaussian(&case),
            "brier" => brier(&case),
            "energy_variogram_score" => vectors(&case),
            "rank_histogram" | "rank_ties" => ranks(&case),
            "spread_skill" => spread(&case),
            "interval" => interval(&case),
            other => panic!("unknown kind of ensemble case: {other}"),
        }
    }
}

fn observations(case: &Case) -> Vec<f64> {
    array(case.input("obs")).data
}

fn members(array: &Array) -> Vec<&[f64]> {
    array.data.chunks(array.shape[1]).collect()
}

/// One CRPS for each case; NaN where it is refused.
fn all(case: &Case, estimator: CrpsEstimator, drop_missing: bool) -> Vec<f64> {
    let forecasts = array(case.input("fct"));
    let one = |(y, x): (&f64, &&[f64])| {
        let x: Vec<f64> = x.iter().copied().filter(|m| !drop_missing || m.is_finite()).collect();
        crps(&x, *y, estimator).unwrap_or(f64::NAN)
    };
    observations(case).iter().zip(&members(&forecasts)).map(one).collect()
}

fn properscoring(case: &Case) {
    for (key, want) in case.all_expected() {
        assert!(key == "properscoring" || key == "properscoring_vectorized", "unknown form {key}");
        case.check(key, &all(case, CrpsEstimator::Plain, true), want);
    }
}

fn scoringrules(case: &Case) {
    for (key, want) in case.all_expected() {
        match key.as_str() {
            "qd" | "nrg" | "int" => case.check(key, &all(case, CrpsEstimator::Plain, false), want),
            // The fair score of one member is refused, where pwm divides 0 by 0 and so on.
            "fair" | "pwm" => case.check(key, &all(case, CrpsEstimator::Fair, false), want),
            // Depends on the order of the members and on the peer's backend: no oracle.
            "akr" | "akr_circperm" => {}
            other => panic!("unknown estimator {other}"),
        }
    }
}

fn weighted(case: &Case) {
    let (forecasts, weights) = (array(case.input("fct")), array(case.input("weights")));
    let rows = members(&forecasts).into_iter().zip(members(&weights));
    let got: Vec<f64> = observations(case).iter().zip(rows).map(|(y, (x, w))| crps_weighted(x, w, *y).unwrap()).collect();
    case.check("crps", &got, case.expected("crps"));
}

fn gaussian(case: &Case) {
    let (mean, deviation) = (array(case.input("mu")).data, array(case.input("sig")).data);
    for (key, want) in case.all_expected() {
        let score = match key.as_str() {
            "properscoring" | "scoringrules_normal" => crps_normal,
            "logs_normal" => log_score_normal,
            other => panic!("unknown score {other}"),
        };
        let got: Vec<f64> =
            observations(case).iter().enumerate().map(|(i, y)| score(mean[i], deviation[i], *y).unwrap()).collect();
        case.check(key, &got, want);
    }
}

fn brier(case: &Case) {
    let (forecasts, thresholds) = (array(case.input("fct")), array(case.parameter("thresholds")).data);
    let mut got = Vec::new();
    for (y, x) in observations(case).iter().zip(members(&forecasts)) {
        got.extend(thresholds.iter().map(|t| brier_above(x, *y, *t).unwrap()));
    }
    let want = array(case.expected("threshold_brier"));
    got.iter().zip(&want.data).for_each(|(g, w)| case.check_one("threshold_brier", *g, *w));
    assert_eq!(got.len(), want.data.len());
}

/// Four cases of a vector of three: obs (4, 3), fct (4, 3, M).
fn vectors(case: &Case) {
    let (y, x) = (observations(case), array(case.input("fct")));
    let m = x.shape[1];
    let mut scores = (Vec::new(), Vec::new());
    for (k, y) in y.chunks(3).enumerate() {
        let vector = |i: usize| (0..3).map(|d| x.data[(k * 3 + d) * m + i]).collect::<Vec<f64>>();
        let owned: Vec<Vec<f64>> = (0..m).map(vector).collect();
        let members: Vec<&[f64]> = owned.iter().map(Vec::as_slice).collect();
        scores.0.push(energy_score(&members, y).unwrap());
        scores.1.push(variogram_score(&members, y, 0.5).unwrap());
    }
    case.check("energy", &scores.0, case.expected("energy"));
    case.check("variogram", &scores.1, case.expected("variogram_p0.5"));
}

fn ranks(case: &Case) {
    let forecasts = array(case.input("fct"));
    let ranks: Vec<(usize, usize)> =
        observations(case).iter().zip(members(&forecasts)).map(|(y, x)| rank_range(x, *y).unwrap()).collect();
    let counts = rank_histogram(&ranks, forecasts.shape[1]).unwrap();
    for (key, want) in case.all_expected() {
        let got: Vec<f64> = match key.as_str() {
            "counts" | "expected_counts" => counts.clone(),
            "rank" | "rank_min" => ranks.iter().map(|r| r.0 as f64).collect(),
            "rank_max" => ranks.iter().map(|r| r.1 as f64).collect(),
            other => panic!("unknown {other}"),
        };
        case.check(key, &got, want);
    }
}

fn spread(case: &Case) {
    let (y, forecasts) = (observations(case), array(case.input("fct")));
    let x = members(&forecasts);
    let got = spread_skill(&x, &y).unwrap();
    // Means and deviations worked out here, for what the library does not offer.
    let moments = |x: &[f64]| {
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        (mean, x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (x.len() - 1) as f64)
    };
    let n = y.len() as f64;
    for (key, want) in case.all_expected() {
        let value = match key.as_str() {
            "rmse_ens_mean" => got.rmse,
            "spread_sqrt_mean_var_ddof1" => got.spread,
            "ssr" => got.ratio,
            "ssr_finite_corrected" => got.ratio_for_size,
            "spread_mean_std_ddof1" => x.iter().map(|x| moments(x).1.sqrt()).sum::<f64>() / n,
            "reduced_chi2" => x.iter().zip(&y).map(|(x, y)| (y - moments(x).0).powi(2) / moments(x).1).sum::<f64>() / n,
            other => panic!("unknown {other}"),
        };
        case.check_one(key, value, number(want));
    }
    assert!(matches!(spread_skill(&[], &[]), Err(ScoreError::TooFew { .. })));
}

fn interval(case: &Case) {
    let (y, forecasts, alpha) = (observations(case), array(case.input("fct")), number(case.parameter("alpha")));
    let ends = |q: f64| members(&forecasts).iter().map(|x| quantile(x, q).unwrap()).collect::<Vec<f64>>();
    let (low, high) = (ends(alpha / 2.0), ends(1.0 - alpha / 2.0));
    case.check("lower", &low, case.expected("lower"));
    case.check("upper", &high, case.expected("upper"));
    let inside = (0..y.len()).filter(|i| low[*i] <= y[*i] && y[*i] <= high[*i]).count() as f64 / y.len() as f64;
    case.check_one("coverage", inside, number(case.expected("coverage")));
    let scores: Vec<f64> = (0..y.len()).map(|i| interval_score(low[i], high[i], y[i], alpha).unwrap()).collect();
    case.check("interval_score", &scores, case.expected("interval_score"));
    let pinball: Vec<f64> = (0..y.len()).map(|i| quantile_score(high[i], y[i], 0.9).unwrap()).collect();
    case.check("pinball", &pinball, case.expected("pinball_0.9"));
}
