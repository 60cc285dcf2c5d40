//! `isotherm coarsen`: a fine field on coarser cells, by the operator that refinements are scored with.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;

use super::apply::open_field;
use crate::cf::{Provenance, write_fields};
use crate::grid::{Cell, coarsen_mean};

/// Bring a fine field to cells so many times larger: the mean over each block of cells, as refinements are scored.
///
/// A block with fewer valid cells than asked for (all, without --least-share) is masked, so that no coarse sea cell holds a
/// mean over a part of it. Rows and columns that fill no block are left out. To try a refinement on a fine field of your
/// own: coarsen it, apply the method to what comes out, and score the result against the fine field.
#[derive(Debug, Args)]
pub struct CoarsenCommand {
    /// NetCDF file with a latitude-longitude field.
    input: PathBuf,
    /// NetCDF file to write (CF-1.11); what stood there stays until the new file is whole.
    output: PathBuf,
    /// The variable; without it, the only one that lies on a latitude-longitude grid.
    #[arg(long)]
    variable: Option<String>,
    /// How many times coarser.
    #[arg(long, default_value_t = 5)]
    factor: usize,
    /// Least share of a block's cells that must be valid, above 0 and at most 1.
    #[arg(long, default_value_t = 1.0)]
    least_share: f64,
}

/// Carries the command out.
///
/// # Errors
/// One sentence: what is wrong with the file, the factor or the output.
pub fn run(command: CoarsenCommand) -> anyhow::Result<()> {
    let CoarsenCommand { input, output, variable, factor, least_share } = command;
    if factor < 2 {
        bail!("a factor of {factor} was asked for; 2 or more is wanted");
    }
    if !(least_share > 0.0 && least_share <= 1.0) {
        bail!("a least share of {least_share} was asked for; above 0 and at most 1 is wanted");
    }
    let field = open_field(&input, variable.as_deref())?;
    let [_, rows, columns] = field.shape();
    let coarse = coarsen_mean(&field, factor, least_share)?;
    let provenance = Provenance {
        title: format!("{}, means over {factor} x {factor} cells", field.name()),
        source: format!("{} read from {}", field.name(), input.file_name().unwrap_or_default().to_string_lossy()),
        references: "isotherm, an executable paper".into(),
        ..Provenance::default()
    };
    write_fields(&output, &[&coarse], &provenance).with_context(|| format!("cannot write {}", output.display()))?;
    let [t, y, x] = coarse.shape();
    println!("{}: {t} x {y} x {x}, {} valid cells", output.display(), coarse.mask().count_valid());
    if !rows.is_multiple_of(factor) || !columns.is_multiple_of(factor) {
        println!("left out: the last {} rows and {} columns, which fill no block", rows % factor, columns % factor);
    }
    let land = coarse.mask().cells().iter().filter(|cell| **cell == Cell::Land).count();
    println!("masked: {} cells, {land} of them land", coarse.values().len() - coarse.mask().count_valid());
    Ok(())
}
