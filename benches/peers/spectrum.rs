//! Isotropic power spectra.

use anyhow::{Context, Result, bail};
use isotherm::score::{IsotropicBins, PlaneSpectra};

use super::inputs::Inputs;
use super::measure::Task;

pub fn prepare(task: &str, inputs: &Inputs) -> Result<Task> {
    if task != "isotropic" {
        bail!("spectrum has no task '{task}'");
    }
    let shape = inputs.shape("fields")?;
    let [rows, columns] = [shape[1], shape[2]];
    let fields = inputs.doubles("fields")?;
    let spacing = inputs.number("spacing")?;
    let wanted = PlaneSpectra::new(spacing, spacing);
    Ok(Task::new(fields.len() * 8, move || {
        let bins = IsotropicBins::Xrft { factor: 4, truncate: true };
        let spectrum = wanted.isotropic(&fields, rows, columns, None, bins)?;
        spectrum.times_frequency().get(3).copied().context("the spectrum has no fourth bin")
    }))
}
