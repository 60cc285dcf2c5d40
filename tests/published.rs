//! The published figures and tables against one another: the numbers in the scatter figure's boxes, the score table, and
//! statistics computed here, independently, from the matchup table.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

fn published(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("figures").join(name)
}

/// A CSV without quotes, as columns by name.
fn columns(name: &str) -> HashMap<String, Vec<String>> {
    let text = std::fs::read_to_string(published(name)).unwrap_or_else(|e| panic!("{name}: {e}; run `just reproduce`"));
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let mut columns: HashMap<String, Vec<String>> = header.iter().map(|h| (h.to_string(), Vec::new())).collect();
    for line in lines {
        for (name, cell) in header.iter().zip(line.split(',')) {
            columns.get_mut(*name).unwrap().push(cell.to_string());
        }
    }
    columns
}

fn numbers(column: &[String]) -> Vec<f64> {
    column.iter().map(|c| c.parse().unwrap()).collect()
}

/// Plain two-pass formulas: slope and intercept of in situ on product, squared correlation, bias, RMSE.
fn statistics(product: &[f64], in_situ: &[f64]) -> HashMap<&'static str, f64> {
    let n = product.len() as f64;
    let mean = |v: &[f64]| v.iter().sum::<f64>() / n;
    let (mx, my) = (mean(product), mean(in_situ));
    let sum = |f: &dyn Fn(f64, f64) -> f64| product.iter().zip(in_situ).map(|(x, y)| f(*x, *y)).sum::<f64>();
    let sxy = sum(&|x, y| (x - mx) * (y - my));
    let (sxx, syy) = (sum(&|x, _| (x - mx).powi(2)), sum(&|_, y| (y - my).powi(2)));
    HashMap::from([
        ("slope", sxy / sxx),
        ("intercept", my - sxy / sxx * mx),
        ("r_squared_pearson", sxy * sxy / (sxx * syy)),
        ("bias", mx - my),
        ("rmse", (sum(&|x, y| (x - y).powi(2)) / n).sqrt()),
    ])
}

#[test]
fn the_score_table_follows_from_the_matchup_table() {
    let matchups = columns("tables/scatter_matchups.csv");
    let scores = columns("tables/scatter_scores.csv");
    let in_situ = numbers(&matchups["in_situ_celsius"]);
    let mut compared = 0;
    for (i, method) in scores["method"].iter().enumerate() {
        let product = numbers(&matchups[&format!("{method}_celsius")]);
        let own = statistics(&product, &in_situ);
        let value: f64 = scores["value"][i].parse().unwrap();
        let metric = scores["metric"][i].as_str();
        // both are sums over the same rounded numbers; only the order of adding differs
        assert!((value - own[metric]).abs() < 1e-9 * value.abs().max(1.0), "{method} {metric}: {value} against {}", own[metric]);
        assert_eq!(scores["n"][i], in_situ.len().to_string());
        let (lower, upper): (f64, f64) = (scores["lower"][i].parse().unwrap(), scores["upper"][i].parse().unwrap());
        assert!(lower <= value && value <= upper, "{method} {metric}: {value} outside [{lower}, {upper}]");
        compared += 1;
    }
    assert!(compared >= 20, "four products with five statistics each are wanted");
}

#[test]
fn the_boxes_of_the_scatter_figure_show_the_table() {
    let scores = columns("tables/scatter_scores.csv");
    let passport: serde_json::Value = serde_json::from_slice(&std::fs::read(published("scatter.json")).unwrap()).unwrap();
    let panels = passport["numbers"]["drawn"]["panels"].as_array().unwrap();
    let methods =
        ["coarse_analysis", "bicubic_backprojected", "rrdb", "swin_light", "edsr", "uadm_member", "uadm", "fine_analysis"];
    assert_eq!(panels.len(), methods.len());
    for (panel, method) in panels.iter().zip(methods) {
        for (in_panel, metric) in [
            ("slope", "slope"),
            ("intercept", "intercept"),
            ("r_squared", "r_squared_pearson"),
            ("bias", "bias"),
            ("rmse", "rmse"),
        ] {
            let row =
                (0..scores["method"].len()).find(|i| scores["method"][*i] == method && scores["metric"][*i] == metric).unwrap();
            let table: f64 = scores["value"][row].parse().unwrap();
            assert_eq!(panel["statistics"][in_panel].as_f64().unwrap(), table, "{method} {metric}");
        }
    }
}

#[test]
fn every_table_row_has_a_known_tier_split_and_interval() {
    for name in ["tables/ladder_scores.csv", "tables/scatter_scores.csv", "tables/uadm_regions.csv"] {
        let table = columns(name);
        for (i, (tier, split)) in table["tier"].iter().zip(&table["split"]).enumerate() {
            assert!(["twin", "real", "proxy"].contains(&tier.as_str()), "{name} row {i}: {tier}");
            assert!(["train", "validation", "test"].contains(&split.as_str()), "{name} row {i}: {split}");
            let value = |column: &str| table[column][i].parse::<f64>().unwrap_or_else(|_| panic!("{name} row {i}: no {column}"));
            assert!(value("lower") <= value("value") && value("value") <= value("upper"), "{name} row {i}");
            assert!(value("n") >= value("n_eff") && value("n_eff") >= 2.0, "{name} row {i}");
        }
    }
}

/// Rows of `diagnostics_scores` as (dataset, metric, method) with (value, lower, upper), the ends where there are any.
fn diagnostics() -> Vec<([String; 3], f64, Option<(f64, f64)>)> {
    let table = columns("tables/diagnostics_scores.csv");
    let row = |i: usize| {
        let id = ["dataset", "metric", "method"].map(|c| table[c][i].clone());
        let end = |c: &str| table[c][i].parse::<f64>().ok();
        (id, table["value"][i].parse().unwrap(), end("lower").zip(end("upper")))
    };
    (0..table["value"].len()).map(row).collect()
}

#[test]
fn what_was_put_into_the_twin_is_recovered_within_the_intervals() {
    let rows = diagnostics();
    // The twin's settings, read here from its own configuration, so that the known values are not taken on trust.
    let text = std::fs::read_to_string(published("../configs/twin/quick.toml")).unwrap();
    let setting = |name: &str| -> f64 {
        let line = text.lines().find(|l| l.split('=').next().unwrap().trim() == name).unwrap();
        line.split('=').nth(1).unwrap().split('#').next().unwrap().trim().parse().unwrap()
    };
    let drifter = ["drifter_bias_kelvin", "drifter_noise_kelvin", "representativeness_kelvin"].map(|n| setting(n).powi(2));
    let rounding = setting("quantum_kelvin").powi(2) / 12.0;
    let known = [
        // cells of 5 km; half of the power is left at 2 pi sigma / sqrt(ln 2)
        ("resolution_energy", std::f64::consts::TAU * 5.0 * setting("fine_smoothing_cells") / 2f64.ln().sqrt()),
        ("error_range", 2.0 * setting("error_kilometres")),
        ("error_sill", setting("coarse_error_kelvin").powi(2) + rounding),
        ("error_nugget", rounding),
        ("error_memory", setting("error_days")),
        ("drifter_error", drifter.iter().sum::<f64>().sqrt()),
    ];
    for (metric, want) in known {
        let (id, value, ends) = rows.iter().find(|(id, ..)| id[1] == metric && id[2] == "known").unwrap();
        assert!((value - want).abs() < 1e-9 * want, "{metric}: {value} is called known, {want} was put in");
        let (lower, upper) = ends.unwrap();
        let recovered: Vec<_> = rows.iter().filter(|(r, ..)| r[0] == id[0] && r[1] == metric && r[2] != "known").collect();
        assert!(!recovered.is_empty(), "{metric}");
        for (id, value, ends) in recovered {
            let (low, high) = ends.unwrap();
            assert!(low <= upper && lower <= high, "{id:?}: {value} [{low}, {high}] does not hold {want}");
        }
    }
}

#[test]
fn back_projection_gives_energy_back_at_small_scales() {
    let rows = diagnostics();
    let of = |dataset: &str, method: &str, metric: &str| {
        rows.iter().find(|(id, ..)| id[0] == dataset && id[1] == metric && id[2] == method).map(|(_, value, _)| *value)
    };
    for dataset in ["twin", "black_sea_sst", "mediterranean_adt"] {
        assert!(of(dataset, "truth", "spectral_slope").unwrap() < -1.0, "{dataset}");
        let plain = of(dataset, "bicubic", "resolution_energy").unwrap();
        let projected = of(dataset, "bicubic_backprojected", "resolution_energy").unwrap();
        assert!(projected < plain, "{dataset}: {projected} against {plain}");
    }
}
