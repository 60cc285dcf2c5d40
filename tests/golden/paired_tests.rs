//! Family `paired_tests`: every case; one of an unknown kind fails.

use isotherm::score::{
    Alternative, Correction, DieboldMariano, LongRunVariance, ScoreError, ScoreResult, TestResult, WilcoxonMethod, Zeros,
    adjusted_p_values, analysis_of_variance, diebold_mariano, diebold_mariano_of_losses, friedman, kruskal_wallis, levene,
    paired_t, sign_flip_exact, sign_test, welch_t, wilcoxon,
};
use serde_json::Value;

use crate::support::{Case, Family, array, is_error, number};

#[test]
fn paired_tests() {
    let family = Family::load("paired_tests");
    for case in family.cases() {
        match case.name {
            "basic" | "ties_zeros" | "identical" | "n6" | "shift" | "n1" | "large" => pairs(&case),
            "sign_flip_exact/n6" => sign_flips(&case),
            "diebold_mariano" => forecasts(&case),
            "multiple_testing" => corrections(&case),
            "k_groups" => groups(&case),
            other => panic!("unknown kind of paired test: {other}"),
        }
    }
}

fn pairs(case: &Case) {
    let (a, b) = (array(case.input("a")).data, array(case.input("b")).data);
    for (key, want) in case.all_expected() {
        match key.as_str() {
            "ttest_rel" => student(case, key, &a, &b, want),
            "ttest_welch" => match welch_t(&a, &b, 0.95) {
                Ok(t) => case.check(key, &[t.statistic, t.p_value, t.degrees], want),
                Err(_) => assert!(array(want).data[0].is_nan(), "{} {key}", case.name),
            },
            "cohens_dz" => match paired_t(&a, &b, 0.95) {
                Ok(t) => case.check_one(key, t.effect, number(want)),
                Err(_) => assert!(no_spread(number(want)), "{} {key}", case.name),
            },
            "sign_test" => match sign_test(&a, &b) {
                Ok(t) => case.check(key, &[t.positive as f64, t.differing as f64, t.p_value], want),
                Err(_) => assert!(is_error(want), "{} {key}", case.name),
            },
            _ => rank_test(case, key, &a, &b, want),
        }
    }
}

/// NaN, or so large that only rounding can have made the spread under it: a constant difference, which is refused.
fn no_spread(value: f64) -> bool {
    value.is_nan() || value.abs() > 1e12
}

fn student(case: &Case, key: &str, a: &[f64], b: &[f64], want: &Value) {
    match paired_t(a, b, 0.95) {
        Ok(t) => case.check(key, &[t.statistic, t.p_value, t.degrees, t.interval.lower, t.interval.upper], want),
        Err(_) => assert!(no_spread(array(want).data[0]), "{} {key}", case.name),
    }
}

fn rank_test(case: &Case, key: &str, a: &[f64], b: &[f64], want: &Value) {
    let rest = key.strip_prefix("wilcoxon_").unwrap_or_else(|| panic!("unknown quantity {key}"));
    let (treatment, rest) = rest.split_once('_').unwrap();
    let zeros = match treatment {
        "wilcox" => Zeros::Drop,
        "pratt" => Zeros::Pratt,
        "zsplit" => Zeros::Split,
        other => panic!("unknown treatment of zeros {other}"),
    };
    let (method, alternative) = match rest {
        "exact" => (WilcoxonMethod::Exact, Alternative::TwoSided),
        "asymptotic" => (WilcoxonMethod::Normal { continuity: false }, Alternative::TwoSided),
        "asymptotic_cc" => (WilcoxonMethod::Normal { continuity: true }, Alternative::TwoSided),
        "auto" => (WilcoxonMethod::Auto, Alternative::TwoSided),
        "auto_less" => (WilcoxonMethod::Auto, Alternative::Less),
        "auto_greater" => (WilcoxonMethod::Auto, Alternative::Greater),
        other => panic!("unknown method {other}"),
    };
    match wilcoxon(a, b, zeros, method, alternative) {
        Ok(t) => case.check(key, &[t.statistic, t.p_value], want),
        // The peer gives 1, NaN or (Pratt, exact) 2/2ⁿ where no pair differs; it is undefined.
        Err(e) => assert!(matches!(e, ScoreError::Constant { .. }) && a == b, "{} {key}", case.name),
    }
}

fn sign_flips(case: &Case) {
    let test = sign_flip_exact(&array(case.input("a")).data, &array(case.input("b")).data).unwrap();
    case.check_one("statistic", test.statistic, number(case.expected("statistic")));
    case.check_one("p", test.p_value, number(case.expected("p")));
    case.check("null", &test.null, case.expected("null_sorted"));
}

fn forecasts(case: &Case) {
    let (truth, p1, p2) = (array(case.input("truth")).data, array(case.input("p1")).data, array(case.input("p2")).data);
    let pair = |t: ScoreResult<TestResult>| t.map(|t| vec![t.statistic, t.p_value]).unwrap();
    for (key, want) in case.all_expected() {
        if key == "identical" {
            assert!(is_error(want));
            assert!(matches!(diebold_mariano(&truth, &p1, &p1, DieboldMariano::default()), Err(ScoreError::Constant { .. })));
            continue;
        }
        if key == "mae_h1" {
            let loss = |p: &[f64]| p.iter().zip(&truth).map(|(p, t)| (p - t).abs()).collect::<Vec<_>>();
            case.check(key, &pair(diebold_mariano_of_losses(&loss(&p1), &loss(&p2), DieboldMariano::default())), want);
            continue;
        }
        let parts: Vec<&str> = key.split('_').collect();
        let [horizon, correction, variance, sides] = parts[..] else { panic!("unknown quantity {key}") };
        let options = DieboldMariano {
            horizon: horizon.strip_prefix('h').unwrap().parse().unwrap(),
            harvey: match correction {
                "harvey" => true,
                "plain" => false,
                other => panic!("unknown correction {other}"),
            },
            variance: match variance {
                "acf" => LongRunVariance::Plain,
                "bartlett" => LongRunVariance::Bartlett,
                other => panic!("unknown variance {other}"),
            },
            alternative: match sides {
                "one" => Alternative::Less,
                "two" => Alternative::TwoSided,
                other => panic!("unknown side {other}"),
            },
        };
        match diebold_mariano(&truth, &p1, &p2, options) {
            Ok(t) => case.check(key, &[t.statistic, t.p_value], want),
            Err(_) => assert!(is_error(want), "{key}"),
        }
    }
}

fn corrections(case: &Case) {
    let p = array(case.input("p")).data;
    let level = number(case.parameter("alpha"));
    for (key, want) in case.all_expected() {
        let correction = match key.as_str() {
            "bonferroni" => Correction::Bonferroni,
            "holm" => Correction::Holm,
            "fdr_bh" => Correction::BenjaminiHochberg,
            "fdr_by" => Correction::BenjaminiYekutieli,
            "sidak" => Correction::Sidak,
            other => panic!("unknown correction {other}"),
        };
        let adjusted = adjusted_p_values(&p, correction).unwrap();
        case.check(key, &adjusted, &want["adjusted"]);
        let rejected: Vec<f64> = adjusted.iter().map(|p| f64::from(u8::from(*p <= level))).collect();
        case.check(key, &rejected, &want["reject"]);
    }
}

fn groups(case: &Case) {
    let count = number(case.parameter("use_first")) as usize;
    let all: Vec<Vec<f64>> = ["a", "b", "c"].map(|k| array(case.input(k)).data[..count].to_vec()).into();
    let all: Vec<&[f64]> = all.iter().map(Vec::as_slice).collect();
    for (key, want) in case.all_expected() {
        let test = match key.as_str() {
            "friedman" => friedman(&all),
            "kruskal" => kruskal_wallis(&all),
            "anova" => analysis_of_variance(&all),
            "levene_median" => levene(&all),
            other => panic!("unknown test {other}"),
        };
        case.check(key, &test.map(|t| vec![t.statistic, t.p_value]).unwrap(), want);
    }
}
