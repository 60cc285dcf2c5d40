//! Semivariograms of scattered points and of a whole field with gaps.

use anyhow::{Context, Result, bail};
use isotherm::score::{LagBins, LagMap, PointDistance, PointVariogram, Variogram, VariogramEstimator, plane_variogram};

use super::inputs::{Inputs, masked};
use super::measure::Task;

/// Radius that GSTools takes for distances in kilometres.
const EARTH_KILOMETRES: f64 = 6371.0;

pub fn prepare(task: &str, inputs: &Inputs) -> Result<Task> {
    match task {
        "matheron" | "matheron_large" => {
            points(inputs, if task == "matheron" { "" } else { "_large" }, VariogramEstimator::Matheron, false)
        }
        "cressie" => points(inputs, "", VariogramEstimator::CressieHawkins, false),
        "dowd" => points(inputs, "", VariogramEstimator::Dowd, false),
        "matheron_sphere" => points(inputs, "", VariogramEstimator::Matheron, true),
        "field" => {
            let (values, valid, [rows, columns]) = field(inputs)?;
            let largest = inputs.number("largest_lag")?;
            // Bin k holds the distances that round to k cells.
            let edges = (0..=largest as usize).map(|k| k as f64 + 0.5).collect();
            let bins = LagBins::from_edges(edges)?;
            Ok(Task::new(values.len() * 9, move || {
                at(&plane_variogram(&values, rows, columns, Some(&valid), 1.0, 1.0, &bins, None)?, 4)
            }))
        }
        "field_axis" => {
            let (values, valid, [rows, columns]) = field(inputs)?;
            Ok(Task::new(values.len() * 9, move || {
                let map = LagMap::of(&values, rows, columns, Some(&valid), 0, columns - 1)?;
                map.semivariance(0, 5).context("no pair is five columns apart")
            }))
        }
        _ => bail!("variogram has no task '{task}'"),
    }
}

fn points(inputs: &Inputs, size: &str, estimator: VariogramEstimator, sphere: bool) -> Result<Task> {
    let [x, y] = if sphere { ["longitude", "latitude"] } else { ["x", "y"] };
    let (x, y) = (inputs.doubles(&format!("{x}{size}"))?, inputs.doubles(&format!("{y}{size}"))?);
    let values = inputs.doubles(&format!("z{size}"))?;
    let (distance, largest) =
        if sphere { (PointDistance::GreatCircle { radius: EARTH_KILOMETRES }, 3000.0) } else { (PointDistance::Planar, 500.0) };
    let wanted = PointVariogram { estimator, bins: LagBins::even(largest, 20)?, distance, direction: None };
    Ok(Task::new(values.len() * 24, move || at(&wanted.of(&x, &y, &values, None)?, 3)))
}

fn field(inputs: &Inputs) -> Result<(Vec<f64>, Vec<bool>, [usize; 2])> {
    let shape = inputs.shape("field")?;
    let (values, valid) = masked(inputs.doubles("field")?);
    Ok((values, valid, [shape[0], shape[1]]))
}

fn at(variogram: &Variogram, bin: usize) -> Result<f64> {
    variogram.bins.get(bin).and_then(|b| b.semivariance).with_context(|| format!("bin {bin} is empty"))
}
