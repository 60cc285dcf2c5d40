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
    assert_eq!(panels.len(), 4);
    for (panel, method) in panels.iter().zip(["coarse_analysis", "bicubic", "edsr", "fine_analysis"]) {
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
    for name in ["tables/ladder_scores.csv", "tables/scatter_scores.csv"] {
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
