//! `isotherm apply`: refine a field of the user's own by a method of the ladder.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;

use super::variable::gridded_variable;
use crate::cf::{Dataset, Provenance, ReadOptions, read_field, write_fields};
use crate::grid::{Field, coarsen_mean};
use crate::methods::SuperResolver;
use crate::methods::regression::BiasCorrected;
use crate::paper::Study;

/// Refine the grid of a field: nearest, bilinear, bicubic, bicubic_backprojected, bicubic_bias, or a trained srcnn, edsr,
/// rrdb, swin_light or esrgan.
#[derive(Debug, Args)]
pub struct ApplyCommand {
    /// The method.
    method: String,
    /// NetCDF file with a latitude-longitude field.
    input: PathBuf,
    /// NetCDF file to write (CF-1.11); what stood there stays until the new file is whole.
    output: PathBuf,
    /// The variable; without it, the only one that lies on a latitude-longitude grid.
    #[arg(long)]
    variable: Option<String>,
    /// How many times finer.
    #[arg(long, default_value_t = 5)]
    factor: usize,
    /// Checkpoint of a learned method, or the offsets of bicubic_bias; without it, the edsr that `just reproduce` trained.
    #[arg(long)]
    weights: Option<PathBuf>,
}

/// Carries the command out.
///
/// # Errors
/// One sentence: what is wrong with the file, the method or the output.
pub fn run(command: ApplyCommand) -> anyhow::Result<()> {
    if command.factor < 2 {
        bail!("a factor of {} was asked for; 2 or more is wanted", command.factor);
    }
    let method = resolver(&command.method, command.weights.as_deref())?;
    let field = open_field(&command.input, command.variable.as_deref())?;
    let refined = method.apply(&field, command.factor)?;
    // Where all of a coarse cell's fine cells are there, their mean can be held against what came in.
    let back = coarsen_mean(&refined, command.factor, 1.0)?;
    let closure = (0..field.values().len())
        .filter(|i| field.mask().is_valid(*i) && back.mask().is_valid(*i))
        .map(|i| f64::from(back.values()[i] - field.values()[i]))
        .fold((0.0f64, 0.0f64, 0usize), |(sum, most, n), d| (sum + d * d, most.max(d.abs()), n + 1));
    let provenance = Provenance {
        title: format!("{} refined {} times by {}", field.name(), command.factor, method.id()),
        source: format!("{} read from {}", field.name(), command.input.file_name().unwrap_or_default().to_string_lossy()),
        references: "isotherm, an executable paper".into(),
        ..Provenance::default()
    };
    write_fields(&command.output, &[&refined], &provenance)
        .with_context(|| format!("cannot write {}", command.output.display()))?;
    let [t, y, x] = refined.shape();
    println!("{}: {t} x {y} x {x}, {} valid cells", command.output.display(), refined.mask().count_valid());
    if closure.2 > 0 {
        let unit = refined.unit().difference();
        println!(
            "closure (block mean of the output minus the input): RMS {:.2e} {unit}, largest {:.2e} {unit}, n = {}",
            (closure.0 / closure.2 as f64).sqrt(),
            closure.1,
            closure.2
        );
    }
    Ok(())
}

/// The ids of the trained networks.
const TRAINED: [&str; 5] = ["srcnn", "edsr", "rrdb", "swin_light", "esrgan"];

fn resolver(method: &str, weights: Option<&Path>) -> anyhow::Result<SuperResolver> {
    if let Some(plain) = SuperResolver::untrained().into_iter().find(|m| m.id() == method) {
        return Ok(plain);
    }
    if method != BiasCorrected::METHOD && !TRAINED.contains(&method) {
        let plain = SuperResolver::untrained();
        let ids = plain.iter().map(SuperResolver::id).chain([BiasCorrected::METHOD]).chain(TRAINED).collect::<Vec<_>>();
        bail!("there is no method '{method}'; there are: {}", ids.join(", "));
    }
    let path = match weights {
        Some(path) => path.to_path_buf(),
        None if method == "edsr" => {
            let folder = Study::open()?.output_folder("edsr")?;
            let path = folder.join(crate::paper::EDSR_WEIGHTS);
            if !path.is_file() {
                bail!("no trained edsr is here; train it by `just reproduce`, or name a checkpoint with --weights");
            }
            path
        }
        None => bail!("{method} wants its file named with --weights"),
    };
    if method == BiasCorrected::METHOD {
        return Ok(SuperResolver::BicubicBias(BiasCorrected::load(&path)?));
    }
    let trained = SuperResolver::regression_from(&path)?;
    if trained.id() != method {
        bail!("{} holds the method '{}', but {method} was asked for", path.display(), trained.id());
    }
    Ok(trained)
}

/// The field of the user's file: the variable named, or the only candidate.
///
/// # Errors
/// The reader's sentence, with the variables found.
pub(super) fn open_field(path: &Path, variable: Option<&str>) -> anyhow::Result<Field> {
    let dataset = Dataset::open(path)?;
    let name = gridded_variable(&dataset, variable, "--variable")?;
    Ok(read_field(&dataset, &name, &ReadOptions::default())?)
}
