//! Family `deterministic`: every case and key; one that is unknown fails.
//!
//! Where a peer gives NaN, an infinity or an error, the library gives a typed error. The few places where a peer gives a
//! finite number although the metric is undefined are named in [`is_peers_oddity`].

use isotherm::score::{
    Kge, Normalisation, Pairs, RobustStatistics, ScoreError, ScoreResult, correlation_p_value, effective_sample_size,
    excess_kurtosis, fisher_interval, index_of_agreement, kendall, kge_nonparametric, lagged_pairs, mape, median, modified_nse,
    normalised_rmse, refined_index_of_agreement, relative_index_of_agreement, relative_nse, rmsle, skewness, smape, spearman,
    spectral_angle, valid_pairs, volumetric_efficiency,
};
use serde_json::Value;

use crate::support::{Case, Family, array, is_error, number};

#[test]
fn deterministic() {
    let family = Family::load("deterministic");
    for case in family.cases() {
        match case.name.split('/').next().unwrap() {
            "hydroerr" => each(&case, |o, s| o.is_finite() && s.is_finite(), hydroerr),
            "hydroerr_kge" => hydroerr_kge(&case),
            "hydroeval" => hydroeval(&case),
            "xskillscore" => each(&case, |o, s| !o.is_nan() && !s.is_nan(), xskillscore),
            "xskillscore_noskip" => each(&case, |_, _| true, xskillscore),
            "scipy_corr" => scipy_correlation(&case),
            "permetrics" => each(&case, |_, _| true, permetrics),
            "lag_rmse" => lag_rmse(&case),
            "robust" => robust(&case),
            other => panic!("unknown kind of deterministic case: {other}"),
        }
    }
}

type Lists = (Vec<f64>, Vec<f64>);

/// The valid pairs, or the library's refusal (an infinity or NaN that the peer lets through).
fn lists(case: &Case, keep: fn(f64, f64) -> bool) -> ScoreResult<Lists> {
    let (o, s) = (array(case.input("obs")).data, array(case.input("sim")).data);
    let valid: Vec<bool> = o.iter().zip(&s).map(|(o, s)| keep(*o, *s)).collect();
    valid_pairs(&o, &s, Some(&valid))
}

fn pairs(o: &[f64], s: &[f64]) -> Pairs {
    Pairs::collect(o, s, None, None).unwrap()
}

fn each(case: &Case, keep: fn(f64, f64) -> bool, metric: fn(&str, &[f64], &[f64]) -> ScoreResult<f64>) {
    let Ok((o, s)) = lists(case, keep) else {
        // Infinities and NaN among the pairs are refused as a whole, whatever the peer makes of them.
        assert!(matches!(lists(case, keep), Err(ScoreError::NotFinite { .. })), "{}", case.name);
        return;
    };
    for (key, want) in case.all_expected() {
        agree(case, key, metric(key, &o, &s), want);
    }
}

fn agree(case: &Case, key: &str, got: ScoreResult<f64>, want: &Value) {
    match got {
        Ok(_) if is_error(want) => panic!("{} {key}: the peer refuses", case.name),
        // The peer's cosine rounds above 1 for parallel series, and its angle becomes NaN.
        Ok(got) if (key == "sa" || key == "sc") && number(want).is_nan() => assert!(got < 1e-7, "{} {key}: {got}", case.name),
        // Angles near 0 and π: the peer's arc cosine has half its digits, so cosines are compared.
        Ok(got) if key == "sa" || key == "sc" => case.check_one(key, got.cos(), number(want).cos()),
        Ok(got) => case.check_one(key, got, number(want)),
        Err(_) if is_error(want) || !number(want).is_finite() => {}
        Err(error) => assert!(is_peers_oddity(case.name, key, number(want)), "{} {key}: {error}, want {want}", case.name),
    }
}

/// Finite numbers that peers give for undefined metrics.
fn is_peers_oddity(name: &str, key: &str, want: f64) -> bool {
    match name.split('/').next().unwrap() {
        // No pairs, or a correlation of one pair.
        "hydroerr" => matches!(key, "acc" | "ed") && want == 0.0,
        // A truth of 0 is replaced by the smallest step of floating point.
        "xskillscore" | "xskillscore_noskip" => key == "mape" && want > 1e9,
        // Everything that is not finite is replaced.
        "permetrics" => want == 0.0 || want == 1.0,
        _ => false,
    }
}

fn differences(o: &[f64], s: &[f64]) -> Vec<f64> {
    s.iter().zip(o).map(|(s, o)| s - o).collect()
}

fn median_absolute(o: &[f64], s: &[f64]) -> ScoreResult<f64> {
    median(&differences(o, s).iter().map(|d| d.abs()).collect::<Vec<_>>())
}

fn hydroerr(key: &str, o: &[f64], s: &[f64]) -> ScoreResult<f64> {
    let p = pairs(o, s);
    let n = o.len() as f64;
    match key {
        "me" => p.bias(),
        "mae" => p.mae(),
        "mse" => p.mse(),
        "rmse" => p.rmse(),
        "mdae" => median_absolute(o, s),
        "mde" => median(&differences(o, s)),
        "rmsle" => rmsle(o, s),
        "nrmse_range" => normalised_rmse(o, s, Normalisation::Range),
        "nrmse_mean" => normalised_rmse(o, s, Normalisation::Mean),
        "nrmse_iqr" => normalised_rmse(o, s, Normalisation::InterquartileRange),
        "irmse" => normalised_rmse(o, s, Normalisation::Steps),
        "mape" => mape(o, s, None).map(|m| 100.0 * m),
        "smape1" => smape(o, s, None).map(|m| 100.0 * m),
        "smape2" => {
            // Relative to the midpoint of the pair.
            let middle: Vec<f64> = o.iter().zip(s).map(|(o, s)| (o + s) / 2.0).collect();
            let shifted: Vec<f64> = middle.iter().zip(differences(o, s)).map(|(m, d)| m + d).collect();
            mape(&middle, &shifted, None).map(|m| 100.0 * m)
        }
        "pearson_r" => p.pearson(),
        "spearman_r" => spearman(o, s, None),
        "r_squared" => p.r_squared_pearson(),
        // Not the anomaly correlation: the peer mixes divisors n and n − 1.
        "acc" => p.pearson().map(|r| r * (n - 1.0) / n),
        "nse" => p.nse(),
        "nse_mod" => modified_nse(o, s, 1.0),
        "nse_rel" => relative_nse(o, s),
        "d" => index_of_agreement(o, s, 2.0),
        "d1" | "dmod" => index_of_agreement(o, s, 1.0),
        "drel" => relative_index_of_agreement(o, s),
        "dr" => refined_index_of_agreement(o, s),
        "ve" => volumetric_efficiency(o, s),
        "sa" => spectral_angle(o, s),
        "sc" => p.pearson().map(f64::acos),
        "ed" => p.mse().map(|m| (m * n).sqrt()),
        other => panic!("unknown metric of HydroErr: {other}"),
    }
}

fn xskillscore(key: &str, o: &[f64], s: &[f64]) -> ScoreResult<f64> {
    let p = pairs(o, s);
    let n = o.len() as f64;
    // With two pairs or fewer the p-value of a rank correlation is NaN to the peer.
    let above_two = |n: f64| if n > 2.0 { Ok(n) } else { Err(ScoreError::TooFew { metric: "p", found: n as usize, wanted: 3 }) };
    match key {
        "me" => p.bias().map(|b| -b),
        "mae" => p.mae(),
        "mse" => p.mse(),
        "rmse" => p.rmse(),
        "median_absolute_error" => median_absolute(o, s),
        "mape" => mape(o, s, None),
        "smape" => smape(o, s, None),
        "r2" => p.nse(),
        "pearson_r" => p.pearson(),
        "pearson_r_p_value" => correlation_p_value(p.pearson()?, n),
        "spearman_r" => spearman(o, s, None),
        "spearman_r_p_value" => correlation_p_value(spearman(o, s, None)?, above_two(n)?),
        "linslope" => p.fit_prediction_on_truth().map(|l| l.slope),
        "effective_sample_size" => effective_sample_size(o, s),
        "pearson_r_eff_p_value" => correlation_p_value(p.pearson()?, effective_sample_size(o, s)?),
        "spearman_r_eff_p_value" => correlation_p_value(spearman(o, s, None)?, above_two(effective_sample_size(o, s)?)?),
        other => panic!("unknown metric of xskillscore: {other}"),
    }
}

fn permetrics(key: &str, o: &[f64], s: &[f64]) -> ScoreResult<f64> {
    let p = pairs(o, s);
    match key {
        "kling_gupta_efficiency" => p.kge_2012().map(|k| k.value),
        "nash_sutcliffe_efficiency" | "coefficient_of_determination" => p.nse(),
        "pearson_correlation_coefficient_square" => p.r_squared_pearson(),
        "mean_bias_error" => p.bias(),
        "willmott_index" => index_of_agreement(o, s, 2.0),
        other => panic!("unknown metric of permetrics: {other}"),
    }
}

fn hydroerr_kge(case: &Case) {
    let (o, s) = lists(case, |o, s| o.is_finite() && s.is_finite()).unwrap();
    for (key, want) in case.all_expected() {
        let (got, variability) = match key.as_str() {
            "kge_2009" => (pairs(&o, &s).kge_2009(), "alpha"),
            "kge_2012" => (pairs(&o, &s).kge_2012(), "gamma"),
            other => panic!("unknown efficiency {other}"),
        };
        agree(case, key, got.as_ref().map(|k| k.value).map_err(Clone::clone), if is_error(want) { want } else { &want["kge"] });
        if let Ok(kge) = got {
            case.check_one("r", kge.correlation, number(&want["r"]));
            case.check_one(variability, kge.variability, number(&want[variability]));
            case.check_one("beta", kge.bias, number(&want["beta"]));
        }
    }
}

fn hydroeval(case: &Case) {
    let Ok((o, s)) = lists(case, |o, _| !o.is_nan()) else {
        assert!(matches!(lists(case, |o, _| !o.is_nan()), Err(ScoreError::NotFinite { what: "prediction", .. })));
        return;
    };
    let tied = |v: &[f64]| {
        let mut v = v.to_vec();
        v.sort_by(f64::total_cmp);
        v.windows(2).any(|p| p[0] == p[1])
    };
    let ties = tied(&o) || tied(&s);
    let p = pairs(&o, &s);
    for (key, want) in case.all_expected() {
        let first = |want: &Value| want.as_array().map_or(want.clone(), |w| w[0].clone());
        let four = |got: ScoreResult<Kge>| match got {
            Ok(k) => case.check(key, &[k.value, k.correlation, k.variability, k.bias], want),
            Err(error) => agree(case, key, Err(error), &first(want)),
        };
        match key.as_str() {
            "kge" => four(p.kge_2009()),
            "kgeprime" => four(p.kge_2012()),
            // The peer ranks ties in order of appearance, which is no rank correlation: only the other parts are compared.
            "kgenp" if ties => {
                if let Ok(kge) = kge_nonparametric(&o, &s) {
                    case.check_one("kgenp alpha", kge.variability, number(&want[2]));
                    case.check_one("kgenp beta", kge.bias, number(&want[3]));
                }
            }
            "kgenp" => four(kge_nonparametric(&o, &s)),
            "nse" => agree(case, key, p.nse(), &first(want)),
            "rmse" => agree(case, key, p.rmse(), &first(want)),
            // 100 Σ(obs − sim)/Σ obs: the opposite sign of our bias.
            "pbias" => {
                agree(case, key, volumetric_efficiency(&o, &s).and(p.bias()).map(|b| -100.0 * b / p.mean_truth()), &first(want))
            }
            "mare" => agree(case, key, volumetric_efficiency(&o, &s).map(|v| 1.0 - v), &first(want)),
            other => panic!("unknown metric of hydroeval: {other}"),
        }
    }
}

fn scipy_correlation(case: &Case) {
    let (o, s) = lists(case, |o, s| o.is_finite() && s.is_finite()).unwrap();
    let p = pairs(&o, &s);
    let n = o.len();
    let part = |want: &Value, key: &str| if is_error(want) { want.clone() } else { want[key].clone() };
    for (key, want) in case.all_expected() {
        let (statistic, p_value) = match key.as_str() {
            "pearson" => (p.pearson(), p.pearson().and_then(|r| correlation_p_value(r, n as f64))),
            "spearman" => (spearman(&o, &s, None), xskillscore("spearman_r_p_value", &o, &s)),
            "kendall" => (kendall(&o, &s).map(|k| k.tau), kendall(&o, &s).map(|k| k.p_value)),
            "pearson_ci95_fisher" => {
                match p.pearson().and_then(|r| fisher_interval(r, n, 0.95)) {
                    Ok(i) => case.check(key, &[i.lower, i.upper], want),
                    Err(error) => agree(case, key, Err(error), &if is_error(want) { want.clone() } else { want[0].clone() }),
                }
                continue;
            }
            other => panic!("unknown correlation {other}"),
        };
        agree(case, key, statistic, &part(want, "statistic"));
        agree(case, key, p_value, &part(want, "pvalue"));
    }
}

fn lag_rmse(case: &Case) {
    let (o, s) = (array(case.input("obs")).data, array(case.input("sim")).data);
    let valid = |v: &[f64]| v.iter().map(|x| x.is_finite()).collect::<Vec<bool>>();
    let lags = array(case.parameter("lags")).data;
    let all: Vec<Pairs> = lags.iter().map(|lag| lagged_pairs(&o, &s, &valid(&o), &valid(&s), *lag as isize).unwrap()).collect();
    let rmse: Vec<f64> = all.iter().map(|p| p.rmse().unwrap()).collect();
    case.check("rmse", &rmse, case.expected("rmse"));
    case.check("count", &all.iter().map(|p| p.count() as f64).collect::<Vec<_>>(), case.expected("count"));
    let best = (0..rmse.len()).min_by(|a, b| rmse[*a].total_cmp(&rmse[*b])).unwrap();
    case.check_one("best_lag", lags[best], number(case.expected("best_lag")));
}

fn robust(case: &Case) {
    let (o, s) = lists(case, |o, s| o.is_finite() && s.is_finite()).unwrap();
    let (p, d) = (pairs(&o, &s), differences(&o, &s));
    let robust = RobustStatistics::of(&d).unwrap();
    let n = d.len() as f64;
    for (key, want) in case.all_expected() {
        let got = match key.as_str() {
            "n" => p.count() as f64,
            "mean" => p.bias().unwrap(),
            "std_ddof0" => p.rmse_unbiased().unwrap(),
            "std_ddof1" => p.rmse_unbiased().unwrap() * (n / (n - 1.0)).sqrt(),
            "median" => robust.median,
            "q25" => robust.quartile_low,
            "q75" => robust.quartile_high,
            "iqr" => robust.quartile_high - robust.quartile_low,
            "rsd_iqr_1.349" => robust.standard_deviation_iqr,
            "mad_raw" => robust.median_absolute_deviation,
            "rsd_mad_1.4826" => robust.standard_deviation_mad,
            // 1/Φ⁻¹(3/4) unrounded
            "mad_scipy_normal" => robust.median_absolute_deviation / 0.674_489_750_196_081_7,
            "skew" => skewness(&d).unwrap(),
            "kurtosis_excess" => excess_kurtosis(&d).unwrap(),
            "rms" => p.rmse().unwrap(),
            other => panic!("unknown robust statistic {other}"),
        };
        case.check_one(key, got, number(want));
    }
}
