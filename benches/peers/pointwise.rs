//! Scores of pairs: maps over time, series over space, all pairs at once.

use anyhow::{Result, bail};
use isotherm::grid::{AxisKind, area_weights};
use isotherm::score::{CellSums, Pairs, PointwiseMetric};
use rayon::prelude::*;

use super::inputs::{Inputs, axis, masked};
use super::measure::Task;

pub fn prepare(task: &str, inputs: &Inputs) -> Result<Task> {
    let shape = inputs.shape("truth")?;
    let (rows, columns) = (shape[1], shape[2]);
    let (truth, valid) = masked(inputs.singles("truth")?);
    let (prediction, _) = masked(inputs.singles("prediction")?);
    let bytes = truth.len() * 9;
    let frame = rows * columns;
    match task {
        "rmse_time_map" | "pearson_time_map" => {
            let metric = if task == "rmse_time_map" { PointwiseMetric::Rmse } else { PointwiseMetric::Pearson };
            Ok(Task::new(bytes, move || {
                let mut sums = CellSums::new(frame, &[metric])?;
                sums.add(&truth, &prediction, &valid)?;
                mean(sums.map(metric)?.into_iter().flatten())
            }))
        }
        "rmse_weighted_per_time" => {
            let cell = 180.0 / rows as f64;
            let weights = area_weights(&axis(AxisKind::Latitude, -90.0 + cell / 2.0, 90.0 - cell / 2.0, rows)?);
            Ok(Task::new(bytes, move || {
                let frames: Vec<Result<f64>> = (0..truth.len() / frame)
                    .into_par_iter()
                    .map(|t| {
                        let mut pairs = Pairs::default();
                        for (y, weight) in weights.iter().enumerate() {
                            let row = t * frame + y * columns..t * frame + (y + 1) * columns;
                            let of_row = Pairs::collect(&truth[row.clone()], &prediction[row.clone()], Some(&valid[row]), None)?;
                            pairs.merge(&of_row.reweighted(*weight)?);
                        }
                        Ok(pairs.rmse()?)
                    })
                    .collect();
                mean(frames.into_iter().collect::<Result<Vec<f64>>>()?.into_iter())
            }))
        }
        "rmse_flat" => Ok(Task::new(bytes, move || Ok(Pairs::collect(&truth, &prediction, Some(&valid), None)?.rmse()?))),
        "kge_2012_flat" => {
            Ok(Task::new(bytes, move || Ok(Pairs::collect(&truth, &prediction, Some(&valid), None)?.kge_2012()?.value)))
        }
        _ => bail!("pointwise has no task '{task}'"),
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Result<f64> {
    let (count, sum) = values.fold((0.0, 0.0), |(count, sum), v| (count + 1.0, sum + v));
    Ok(sum / count)
}
