//! `isotherm inspect`: what a NetCDF file holds, as isotherm reads it.

use std::path::PathBuf;

use clap::Args;

use crate::cf::Dataset;

/// Print what a NetCDF file holds: dimensions, variables, units, and the range of the decoded values.
#[derive(Debug, Args)]
pub struct InspectCommand {
    /// The file.
    file: PathBuf,
    /// Read the values too: valid cells, smallest, mean and largest.
    #[arg(long)]
    values: bool,
}

/// Carries the command out.
///
/// # Errors
/// One sentence: not there, not NetCDF, truncated, damaged.
pub fn run(command: InspectCommand) -> anyhow::Result<()> {
    let dataset = Dataset::open(&command.file)?;
    println!("{} ({:?})", command.file.display(), dataset.format());
    for dimension in dataset.dimensions() {
        println!("  dimension {} = {}{}", dimension.name, dimension.len, if dimension.unlimited { " (unlimited)" } else { "" });
    }
    for variable in dataset.variables() {
        let shape: Vec<String> =
            variable.dimensions.iter().zip(&variable.shape).map(|(name, len)| format!("{name}={len}")).collect();
        let unit = variable.text("units").map(|u| format!(" [{u}]")).unwrap_or_default();
        println!("  {}({}) {}{unit}", variable.name, shape.join(", "), variable.element.name());
        if command.values && variable.element.is_number() {
            let decoded = dataset.read(&variable.name)?;
            let valid: Vec<f64> = decoded.values.iter().zip(&decoded.valid).filter(|(_, v)| **v).map(|(x, _)| *x).collect();
            let (low, high) = valid.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(*x), b.max(*x)));
            if valid.is_empty() {
                println!("      no valid value among {}", decoded.values.len());
            } else {
                let mean = valid.iter().sum::<f64>() / valid.len() as f64;
                println!("      {} of {} valid, {low} .. {high}, mean {mean}", valid.len(), decoded.values.len());
            }
        }
    }
    Ok(())
}
