//! Structural similarity and peak signal-to-noise ratio of two planes.

use anyhow::{Result, bail};
use isotherm::score::{SsimOptions, psnr, ssim};

use super::inputs::Inputs;
use super::measure::Task;

pub fn prepare(task: &str, inputs: &Inputs) -> Result<Task> {
    let shape = inputs.shape("truth")?;
    let [rows, columns] = [shape[0], shape[1]];
    let (truth, prediction) = (inputs.singles("truth")?, inputs.singles("prediction")?);
    let range = inputs.number("data_range")?;
    let bytes = truth.len() * 8;
    let options = match task {
        "ssim_gaussian" => SsimOptions::wang_2004(),
        "ssim_uniform" => SsimOptions::uniform_7(),
        "psnr" => return Ok(Task::new(bytes, move || Ok(psnr(&truth, &prediction, None, range)?))),
        _ => bail!("image has no task '{task}'"),
    };
    Ok(Task::new(bytes, move || Ok(ssim(&truth, &prediction, rows, columns, None, range, &options)?.value)))
}
