//! Files made for the tests, the command, and the plain loops that its numbers are held against.

use std::path::Path;
use std::process::{Command, Output};

use isotherm::base::random::Random;
use isotherm::cf::{Provenance, write_fields};
use isotherm::grid::{Axis, AxisKind, Cell, Field, Mask, TimeAxis, Unit};

/// Midday of 2020-01-20, from which the days of the test fields count.
pub const FIRST_SECOND: f64 = 1_579_521_600.0;
pub const DAY: f64 = 86_400.0;

/// Values with their validity on a grid of one degree.
#[derive(Clone, Debug)]
pub struct Sample {
    pub days: usize,
    pub latitudes: Vec<f64>,
    pub longitudes: Vec<f64>,
    pub values: Vec<f32>,
    pub valid: Vec<bool>,
    pub unit: Unit,
    /// Day of the first frame, counted from [`FIRST_SECOND`].
    pub first_day: usize,
}

impl Sample {
    /// A truth with a front, waves and gaps.
    pub fn truth(days: usize, rows: usize, columns: usize) -> Sample {
        let mut random = Random::new(11, "truth");
        let latitudes: Vec<f64> = (0..rows).map(|y| 50.5 + y as f64).collect();
        let longitudes: Vec<f64> = (0..columns).map(|x| -4.5 + x as f64).collect();
        let mut values = Vec::new();
        for t in 0..days {
            for y in 0..rows {
                for x in 0..columns {
                    let front = if x > columns / 2 { 3.0 } else { 0.0 };
                    values.push((12.0 + front + (0.7 * y as f64 + 0.3 * t as f64).sin() + 0.4 * random.normal()) as f32);
                }
            }
        }
        let mut valid: Vec<bool> = (0..values.len()).map(|_| random.uniform() < 0.85).collect();
        // one corner is land on every day
        for (i, valid) in valid.iter_mut().enumerate() {
            let (y, x) = (i / columns % rows, i % columns);
            *valid &= !(y < 2 && x < 3);
        }
        Sample { days, latitudes, longitudes, values, valid, unit: Unit::Celsius, first_day: 0 }
    }

    /// A prediction of it: bias 0.2, noise of `sigma`, gaps of its own.
    pub fn prediction(&self, sigma: f64, seed: u64) -> Sample {
        let mut random = Random::new(seed, "prediction");
        let mut other = self.clone();
        other.values.iter_mut().for_each(|v| *v += (0.2 + sigma * random.normal()) as f32);
        other.valid.iter_mut().for_each(|v| *v = *v || random.uniform() < 0.3);
        other.valid.iter_mut().for_each(|v| *v &= random.uniform() < 0.95);
        other
    }

    pub fn field(&self) -> Field {
        let latitude = Axis::new(AxisKind::Latitude, self.latitudes.clone()).unwrap();
        let longitude = Axis::new(AxisKind::Longitude, self.longitudes.clone()).unwrap();
        let seconds = (0..self.days).map(|d| FIRST_SECOND + (self.first_day + d) as f64 * DAY).collect();
        let time = TimeAxis::from_seconds(seconds).unwrap();
        let mask = Mask::from_valid(&self.valid, Cell::Missing);
        Field::new("sst", self.values.clone(), mask, time, latitude, longitude, self.unit).unwrap()
    }

    pub fn write(&self, folder: &Path, name: &str) {
        write_fields(&folder.join(name), &[&self.field()], &Provenance::default()).unwrap();
    }

    pub fn cells(&self) -> usize {
        self.latitudes.len() * self.longitudes.len()
    }

    /// (day, row, column) of a value.
    pub fn place(&self, i: usize) -> (usize, usize, usize) {
        let width = self.longitudes.len();
        (i / self.cells(), i / width % self.latitudes.len(), i % width)
    }

    /// Area of the cells of a row of one degree, relative to others.
    pub fn weight(&self, row: usize) -> f64 {
        let edge = |d: f64| (self.latitudes[row] + d).to_radians().sin();
        edge(0.5) - edge(-0.5)
    }
}

/// The pairs (truth, prediction, weight) of the positions that `keep` lets through, where both are valid.
pub fn pairs(truth: &Sample, prediction: &Sample, keep: impl Fn(usize) -> bool) -> Vec<(f64, f64, f64)> {
    (0..truth.values.len())
        .filter(|i| truth.valid[*i] && prediction.valid[*i] && keep(*i))
        .map(|i| (f64::from(truth.values[i]), f64::from(prediction.values[i]), truth.weight(truth.place(i).1)))
        .collect()
}

fn mean(pairs: &[(f64, f64, f64)], of: impl Fn(f64, f64) -> f64) -> f64 {
    pairs.iter().map(|(t, p, w)| w * of(*t, *p)).sum::<f64>() / pairs.iter().map(|(_, _, w)| w).sum::<f64>()
}

/// A metric by its textbook formula, in two passes.
pub fn by_loops(pairs: &[(f64, f64, f64)], metric: &str) -> f64 {
    let (mt, mp) = (mean(pairs, |t, _| t), mean(pairs, |_, p| p));
    let bias = mp - mt;
    let (st, sp) = (mean(pairs, |t, _| (t - mt).powi(2)).sqrt(), mean(pairs, |_, p| (p - mp).powi(2)).sqrt());
    let r = mean(pairs, |t, p| (t - mt) * (p - mp)) / (st * sp);
    let mse = mean(pairs, |t, p| (p - t).powi(2));
    let distance = |a: f64, b: f64, c: f64| 1.0 - (a * a + b * b + c * c).sqrt();
    match metric {
        "bias" => bias,
        "mae" => mean(pairs, |t, p| (p - t).abs()),
        "mse" => mse,
        "rmse" => mse.sqrt(),
        "rmse_unbiased" => mean(pairs, |t, p| (p - t - bias).powi(2)).sqrt(),
        "pearson" => r,
        "r_squared_pearson" => r * r,
        "nse" => 1.0 - mse / (st * st),
        "kge_2009" => distance(r - 1.0, sp / st - 1.0, mp / mt - 1.0),
        "kge_2012" => distance(r - 1.0, (sp / mp) / (st / mt) - 1.0, mp / mt - 1.0),
        "kge_modified" => distance(r - 1.0, sp / st - 1.0, bias / st),
        "normalised_rmse_by_mean" => mse.sqrt() / mt,
        "normalised_rmse_by_root_mean_square" => mse.sqrt() / mean(pairs, |t, _| t * t).sqrt(),
        "volumetric_efficiency" => 1.0 - mean(pairs, |t, p| (p - t).abs()) / mt,
        other => panic!("no loop for {other}"),
    }
}

/// Runs `isotherm score`.
pub fn score(folder: &Path, arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_isotherm"))
        .arg("score")
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap()
}

/// What a successful run prints.
pub fn printed(folder: &Path, arguments: &str) -> String {
    let output = score(folder, arguments);
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The one sentence on stderr of a run that failed.
pub fn sentence(folder: &Path, arguments: &str) -> String {
    let output = score(folder, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments}: an error is wanted, not success or a crash");
    assert!(output.stdout.is_empty(), "{arguments}: nothing is to be printed");
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.trim_end().lines().count(), 1, "one sentence is wanted: {text}");
    assert!(text.starts_with("isotherm: "), "{text}");
    text
}

/// The JSON of a run.
pub fn json(folder: &Path, arguments: &str) -> serde_json::Value {
    serde_json::from_str(&printed(folder, &format!("{arguments} --json"))).unwrap()
}

/// Value and n of a metric in a stratum of a run's JSON.
pub fn found(json: &serde_json::Value, stratum: &str, metric: &str) -> (f64, u64) {
    let rows = json["scores"].as_array().unwrap();
    let row = rows.iter().find(|r| r["rules"]["stratum"] == stratum && r["score"]["metric"] == metric);
    let score = &row.unwrap_or_else(|| panic!("no {metric} of {stratum} in {json}"))["score"];
    (score["value"].as_f64().unwrap(), score["n"].as_u64().unwrap())
}
