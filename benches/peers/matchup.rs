//! Values of a gridded field at a million points.

use anyhow::{Result, bail};
use isotherm::grid::Field;
use isotherm::score::{GridIndex, Interpolation, MatchRule, Point, match_field};
use rayon::prelude::*;

use super::inputs::{Inputs, global_field};
use super::measure::Task;

const DAY: f64 = 86_400.0;

pub fn prepare(task: &str, inputs: &Inputs) -> Result<Task> {
    let shape = inputs.shape("grid")?;
    let [days, rows, columns] = [shape[0], shape[1], shape[2]];
    let noons = (0..days).map(|day| (day as f64 + 0.5) * DAY).collect();
    let field = global_field(inputs.singles("grid")?, noons, rows, columns)?;
    let (latitude, longitude, day) = (inputs.doubles("latitude")?, inputs.doubles("longitude")?, inputs.doubles("day")?);
    let bytes = latitude.len() * 24;
    match task {
        "nearest" => {
            let rule = MatchRule { radius_degrees: inputs.number("radius_degrees")?, ..MatchRule::default() };
            Ok(matching(field, points(&latitude, &longitude, &day), rule, bytes))
        }
        "trilinear" => {
            let rule = MatchRule {
                radius_degrees: inputs.number("whole_cell_degrees")?,
                interpolation: Interpolation::Trilinear,
                ..MatchRule::default()
            };
            Ok(matching(field, points(&latitude, &longitude, &day), rule, bytes))
        }
        "index" => {
            let index = GridIndex::new(field.latitude(), field.longitude());
            // Missing cells as the peer's array has them, so that both look up one number a point.
            let values: Vec<f32> =
                (0..field.values().len()).map(|i| if field.mask().is_valid(i) { field.values()[i] } else { f32::NAN }).collect();
            Ok(Task::new(bytes, move || {
                let (frame, cells) = (field.frame_len(), index.cells(&latitude, &longitude)?);
                let of_point = |i: usize| {
                    let value = f64::from(values[day[i] as usize * frame + cells[i]]);
                    if value.is_nan() { 0.0 } else { value }
                };
                Ok(in_parts(latitude.len(), of_point))
            }))
        }
        _ => bail!("matchup has no task '{task}'"),
    }
}

fn points(latitude: &[f64], longitude: &[f64], day: &[f64]) -> Vec<Point> {
    let of = |i: usize| Point { time: day[i] * DAY, latitude: latitude[i], longitude: longitude[i], quality: 5 };
    (0..latitude.len()).map(of).collect()
}

fn matching(field: Field, points: Vec<Point>, rule: MatchRule, bytes: usize) -> Task {
    Task::new(bytes, move || Ok(match_field(&field, &points, &rule)?.iter().flatten().map(|m| m.value).sum()))
}

/// Sum with a fixed partition.
fn in_parts(count: usize, of: impl Fn(usize) -> f64 + Sync) -> f64 {
    const PART: usize = 1 << 14;
    let parts: Vec<f64> = (0..count.div_ceil(PART))
        .into_par_iter()
        .map(|part| (part * PART..((part + 1) * PART).min(count)).map(&of).sum())
        .collect();
    parts.iter().sum()
}
