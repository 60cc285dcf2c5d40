//! `isotherm apply`: refine a field of the user's own by a method of the ladder.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};

use super::device::chosen_device;
use super::variable::gridded_variable;
use crate::base::progress::Progress;
use crate::cf::{Dataset, Provenance, ReadOptions, read_field, write_fields};
use crate::grid::{Axis, AxisKind, Field, Mask, coarsen_mean, wrap_180};
use crate::methods::refinement::Tiles;
use crate::methods::regression::BiasCorrected;
use crate::methods::uadm::{EnsembleOptions, Uadm};
use crate::methods::{MethodError, SuperResolver};
use crate::paper::{Study, TRAINED_NETWORKS, TRAINED_WEIGHTS};

/// Refine the grid of a field: nearest, bilinear, bicubic, bicubic_backprojected, bicubic_bias, a trained srcnn, edsr,
/// rrdb, swin_light or esrgan, or uadm.
///
/// uadm writes the mean of an ensemble and, as a second variable, its spread. Its weights come with the project; they were
/// trained on a synthetic ocean alone.
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
    /// Checkpoint of a learned method, or the offsets of bicubic_bias; without it, the uadm that comes with the project, or what
    /// `just reproduce` trained.
    #[arg(long)]
    weights: Option<PathBuf>,
    /// Members of uadm's ensemble, drawn in pairs of opposite noise.
    #[arg(long, default_value_t = 8)]
    members: usize,
    /// Seed of their noise.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many times farther from their centre uadm's members are put than they fall: it widens the spread, not the mean. What
    /// the twin's fields want is in figures/tables/uadm_scores.md (metric inflation).
    #[arg(long, default_value_t = 1.0)]
    inflation: f64,
    /// The tiles that uadm's network sees: `trained` for those of the training, `large` for few large ones, at less than half the
    /// time and with somewhat larger errors where fields are unlike the training's.
    #[arg(long, value_enum, default_value_t = TileChoice::Trained)]
    tiles: TileChoice,
    /// Where uadm computes: auto, cpu, cuda or cuda:NUMBER.
    #[arg(long, default_value = "auto")]
    device: String,
}

/// The tiles of an ensemble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TileChoice {
    Trained,
    Large,
}

/// Carries the command out.
///
/// # Errors
/// One sentence: what is wrong with the file, the method or the output.
pub fn run(command: ApplyCommand) -> anyhow::Result<()> {
    if command.factor < 2 {
        bail!("a factor of {} was asked for; 2 or more is wanted", command.factor);
    }
    if command.method == "uadm" {
        return ensemble(&command);
    }
    let method = resolver(&command.method, command.weights.as_deref())?;
    let field = open_field(&command.input, command.variable.as_deref())?;
    let counted = Counted::of(&field)?;
    let refined = counted.back(&method.apply(&counted.field, command.factor)?)?;
    write_refined(&command, &field, &[&refined])
}

/// A field whose columns begin at the date line where they go around the globe: tiles and noise then lie at the same places
/// however a file counts its longitudes.
struct Counted {
    field: Field,
    /// The file's own longitudes, and which of them comes first here.
    longitude: Axis,
    first: usize,
}

impl Counted {
    fn of(field: &Field) -> anyhow::Result<Counted> {
        let longitude = field.longitude();
        let west = |x: &usize| wrap_180(longitude.centres()[*x]);
        let first = (0..longitude.len()).min_by(|a, b| west(a).total_cmp(&west(b))).unwrap_or(0);
        if !longitude.wraps() || first == 0 {
            return Ok(Counted { field: field.clone(), longitude: longitude.clone(), first: 0 });
        }
        let centres = (0..longitude.len()).map(|x| west(&((x + first) % longitude.len()))).collect();
        let turned = rotated(field, first, Axis::new(AxisKind::Longitude, centres)?)?;
        Ok(Counted { field: turned, longitude: longitude.clone(), first })
    }

    /// A refinement of the field, on the file's own longitudes.
    fn back(&self, refined: &Field) -> anyhow::Result<Field> {
        if self.first == 0 {
            return Ok(refined.clone());
        }
        let columns = refined.shape()[2];
        let factor = columns / self.longitude.len();
        rotated(refined, columns - self.first * factor, self.longitude.refine(factor)?)
    }
}

/// The field with its column `first` in front.
fn rotated(field: &Field, first: usize, longitude: Axis) -> anyhow::Result<Field> {
    let columns = field.shape()[2];
    let (mut values, mut cells) = (field.values().to_vec(), field.mask().cells().to_vec());
    values.chunks_exact_mut(columns).for_each(|row| row.rotate_left(first));
    cells.chunks_exact_mut(columns).for_each(|row| row.rotate_left(first));
    Ok(field.on_grid(values, Mask::from_cells(cells), field.latitude().clone(), longitude)?)
}

/// Mean and spread of an ensemble, frame by frame, so that no more than one frame's members are held.
fn ensemble(command: &ApplyCommand) -> anyhow::Result<()> {
    let weights = match &command.weights {
        Some(path) => path.clone(),
        None => shipped_weights("uadm")?,
    };
    let (device, sentence) = chosen_device(&command.device)?;
    let method = Uadm::load(&weights, &device)?;
    let factor = method.config().tile.factor;
    if command.factor != factor {
        bail!("the network was trained for a factor of {factor}, but {} was asked for; train one for it", command.factor);
    }
    let field = open_field(&command.input, command.variable.as_deref())?;
    let counted = Counted::of(&field)?;
    let low = &counted.field;
    println!(
        "{sentence} {} members of {}, weights {} (trained on the twin)",
        command.members,
        method.method(),
        weights.display()
    );
    let options = EnsembleOptions {
        members: command.members,
        seed: command.seed,
        inflation: command.inflation,
        tiles: (command.tiles == TileChoice::Trained).then_some(Tiles::Overlapped(method.config().tile.cells)),
        ..EnsembleOptions::default()
    };
    let (mut means, mut spreads, mut cells, mut spread_cells) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut progress = Progress::new("refining frames", low.frames() as u64);
    method.apply_frames(low, &options, |_, frame| {
        means.extend_from_slice(frame.mean.values());
        spreads.extend_from_slice(frame.spread.values());
        cells.extend_from_slice(frame.mean.mask().cells());
        spread_cells.extend_from_slice(frame.spread.mask().cells());
        progress.advance(1);
        Ok::<(), MethodError>(())
    })?;
    progress.finish();
    let (latitude, longitude) = (low.latitude().refine(factor)?, low.longitude().refine(factor)?);
    let mean = counted.back(&low.on_grid(means, Mask::from_cells(cells), latitude.clone(), longitude.clone())?)?;
    if command.members < 2 {
        return write_refined(command, &field, &[&mean]);
    }
    let spread = counted.back(&low.on_grid(spreads, Mask::from_cells(spread_cells), latitude, longitude)?)?;
    let spread = spread.named(format!("{}_spread", field.name()));
    write_refined(command, &field, &[&mean, &spread])
}

/// Writes the refined field (and what comes with it), and says how far its block means lie from what came in.
fn write_refined(command: &ApplyCommand, field: &Field, outputs: &[&Field]) -> anyhow::Result<()> {
    let Some(refined) = outputs.first().copied() else { bail!("nothing was refined") };
    // Where all of a coarse cell's fine cells are there, their mean can be held against what came in.
    let back = coarsen_mean(refined, command.factor, 1.0)?;
    let closure = (0..field.values().len())
        .filter(|i| field.mask().is_valid(*i) && back.mask().is_valid(*i))
        .map(|i| f64::from(back.values()[i] - field.values()[i]))
        .fold((0.0f64, 0.0f64, 0usize), |(sum, most, n), d| (sum + d * d, most.max(d.abs()), n + 1));
    let provenance = Provenance {
        title: format!("{} refined {} times by {}", field.name(), command.factor, command.method),
        source: format!("{} read from {}", field.name(), command.input.file_name().unwrap_or_default().to_string_lossy()),
        references: "isotherm, an executable paper".into(),
        ..Provenance::default()
    };
    write_fields(&command.output, outputs, &provenance).with_context(|| format!("cannot write {}", command.output.display()))?;
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

fn resolver(method: &str, weights: Option<&Path>) -> anyhow::Result<SuperResolver> {
    if let Some(plain) = SuperResolver::untrained().into_iter().find(|m| m.id() == method) {
        return Ok(plain);
    }
    if method != BiasCorrected::METHOD && !TRAINED_NETWORKS.contains(&method) {
        let plain = SuperResolver::untrained();
        let ids = plain
            .iter()
            .map(SuperResolver::id)
            .chain([BiasCorrected::METHOD])
            .chain(TRAINED_NETWORKS)
            .chain(["uadm"])
            .collect::<Vec<_>>();
        bail!("there is no method '{method}'; there are: {}", ids.join(", "));
    }
    let path = match weights {
        Some(path) => path.to_path_buf(),
        None if method == BiasCorrected::METHOD => bail!("{method} wants its file named with --weights"),
        None => {
            // The step that trains a network bears its name.
            let path = Study::open()?.output_folder(method)?.join(TRAINED_WEIGHTS);
            if !path.is_file() {
                bail!("no trained {method} is here; train it by `just reproduce`, or name a checkpoint with --weights");
            }
            path
        }
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

/// The weights that come with the project: in the project that the current folder lies in, else in the one that this program
/// was built from.
pub(super) fn shipped_weights(method: &str) -> anyhow::Result<PathBuf> {
    let name = Path::new("weights").join(format!("{method}.safetensors"));
    let built_from = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let roots = Study::open().ok().map(|study| study.root().to_path_buf()).into_iter().chain([built_from]);
    roots.map(|root| root.join(&name)).find(|path| path.is_file()).with_context(|| {
        format!("{} was not found; train it by `just reproduce`, or name a checkpoint with --weights", name.display())
    })
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
