//! Other grids: bilinear with gaps, bicubic and spline to four times the size.

use anyhow::{Result, bail};
use isotherm::grid::{AxisKind, Edge, Interpolation, Kernel, ResizeRule, regrid, resize_plane};

use super::inputs::{Inputs, axis, global_field};
use super::measure::Task;

pub fn prepare(task: &str, inputs: &Inputs) -> Result<Task> {
    match task {
        "bilinear" => {
            let shape = inputs.shape("plane")?;
            let field = global_field(inputs.singles("plane")?, vec![0.0], shape[0], shape[1])?;
            let (north, east) = (inputs.number("north")?, inputs.number("east")?);
            let latitude = axis(AxisKind::Latitude, -north, north, inputs.number("target_rows")? as usize)?;
            let longitude = axis(AxisKind::Longitude, -east, east, inputs.number("target_columns")? as usize)?;
            let bytes = field.frame_len() * 5 + latitude.len() * longitude.len() * 5;
            Ok(Task::new(bytes, move || {
                let fine = regrid(&field, &latitude, &longitude, Interpolation::Bilinear, 1.0)?;
                let cells = fine.values().iter().zip(fine.mask().cells());
                Ok(cells.filter(|(_, cell)| cell.is_valid()).map(|(v, _)| f64::from(*v)).sum())
            }))
        }
        "bicubic" => resize(inputs, ResizeRule::antialiased_bicubic()),
        "spline" => resize(inputs, ResizeRule::scipy_grid_zoom(Kernel::Spline3, Edge::Reflect)),
        _ => bail!("regrid has no task '{task}'"),
    }
}

/// Every plane to four times the size; the mean square of the result.
fn resize(inputs: &Inputs, rule: ResizeRule) -> Result<Task> {
    let shape = inputs.shape("planes")?;
    let [rows, columns] = [shape[1], shape[2]];
    let planes = inputs.singles("planes")?;
    // The fine planes are sixteen times as large and must be written.
    Ok(Task::new(planes.len() * 4 * 17, move || {
        let mut sum = 0.0;
        for plane in planes.chunks(rows * columns) {
            let fine = resize_plane(plane, [rows, columns], [4 * rows, 4 * columns], rule)?;
            let squares: f32 = fine.chunks(4 * columns).map(|row| row[0] * row[0]).sum();
            sum += f64::from(squares) + f64::from(fine[fine.len() / 2 + 1]);
        }
        Ok(sum)
    }))
}
