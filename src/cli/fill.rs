//! `isotherm fill`: the gaps of a user's own field, filled by a method of the baselines.

use std::path::PathBuf;

use anyhow::{Context, bail};
use candle_core::Device;
use clap::{Args, ValueEnum};

use super::apply::{open_field, shipped_weights};
use crate::base::progress::Progress;
use crate::cf::{FlagVariable, Provenance, WriteOptions, write_fields_with};
use crate::grid::{Cell, Field, Mask};
use crate::methods::MethodResult;
use crate::methods::baselines::{FillStatus, Filled, GapFill};
use crate::methods::unisst::{BestFill, Unisst};

/// Fill the cloudy and missing cells of a field.
///
/// Writes the filled field, an estimate of the standard deviation of its error (NAME_error; 0 where observed), and
/// NAME_fill_status, which says of each cell: land, observed, filled, not_filled, or
/// filled_in_frame_without_observation. Observed cells are written as they were read. Frames without any observation are
/// filled, from those before and after, by linear, harmonic, frame_offset, biharmonic, moving, oi, best and unisst;
/// harmonic_plane and dineof leave them open.
///
/// moving links each cell to where the flow came from and goes, found by matching what is seen from frame to frame. best mixes
/// biharmonic fills, weighed and corrected by a network, with oi and dineof, in shares that observed cells hidden on purpose
/// decide. unisst is the published adversarial method in a small size, kept for comparison. The weights of both come with the
/// project; they were trained on cloudy sequences of a synthetic ocean.
#[derive(Debug, Args)]
pub struct FillCommand {
    /// NetCDF file with a field on a latitude-longitude grid through time.
    input: PathBuf,
    /// NetCDF file to write (CF-1.11); what stood there stays until the new file is whole.
    output: PathBuf,
    /// linear, harmonic, harmonic_plane, frame_offset, biharmonic, moving, oi, dineof, best or unisst.
    #[arg(long, default_value = "biharmonic")]
    method: String,
    /// Checkpoint of best or unisst; without it, the one that comes with the project.
    #[arg(long)]
    weights: Option<PathBuf>,
    /// The variable; without it, the only one that lies on a latitude-longitude grid.
    #[arg(long)]
    variable: Option<String>,
    /// What a pixel is that has no value in any frame, in a file that marks no land.
    #[arg(long, value_enum, default_value_t = Unseen::Land)]
    unseen: Unseen,
}

/// What pixels are that are never observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Unseen {
    /// Land: they stay as they are.
    Land,
    /// Sea: they are filled from those around them.
    Sea,
}

/// Carries the command out.
///
/// # Errors
/// One sentence: what is wrong with the file, the method or the output.
pub fn run(command: FillCommand) -> anyhow::Result<()> {
    let method = Filler::of(&command)?;
    let mut progress = Progress::new(format!("fill by {}", method.id()), 3);
    progress.message("reading");
    let mut field = open_field(&command.input, command.variable.as_deref())?;
    if command.unseen == Unseen::Land && !field.mask().cells().contains(&Cell::Land) {
        field = unseen_as_land(field)?;
    }
    if field.mask().count_valid() == 0 {
        bail!("{}: '{}' has no observed cell; nothing can be filled from nothing", command.input.display(), field.name());
    }
    progress.advance(1);
    progress.message("filling");
    let filled = method.fill(&field)?;
    progress.advance(1);
    progress.message("writing");
    write(&command, &method, &filled).with_context(|| format!("cannot write {}", command.output.display()))?;
    let seconds = progress.finish();
    report(&command, &method, &field, &filled, seconds);
    Ok(())
}

/// A method of filling by its name.
enum Filler {
    Plain(GapFill),
    Best(Box<BestFill>),
    Unisst(Box<Unisst>),
}

/// What a method is called on the command line.
fn short_name(method: &GapFill) -> &'static str {
    match method.id() {
        "frame_offset_biharmonic" => "biharmonic",
        "moving_biharmonic" => "moving",
        id => id,
    }
}

impl Filler {
    fn of(command: &FillCommand) -> anyhow::Result<Filler> {
        let weights = |step: &str| match &command.weights {
            Some(path) => Ok(path.clone()),
            None => shipped_weights(step),
        };
        match command.method.as_str() {
            "best" => return Ok(Filler::Best(Box::new(BestFill::load(&weights("unisst_best")?, &Device::Cpu)?))),
            "unisst" => return Ok(Filler::Unisst(Box::new(Unisst::load(&weights("unisst")?, &Device::Cpu)?))),
            _ => {}
        }
        let name = command.method.as_str();
        let all = GapFill::all();
        if let Some(method) = all.iter().find(|m| m.id() == name || short_name(m) == name) {
            return Ok(Filler::Plain(method.clone()));
        }
        let known = all.iter().map(short_name).chain(["best", "unisst"]).collect::<Vec<_>>().join(", ");
        bail!("there is no method '{name}'; there are: {known}")
    }

    fn id(&self) -> &'static str {
        match self {
            Filler::Plain(method) => method.id(),
            Filler::Best(_) => "best",
            Filler::Unisst(_) => "unisst",
        }
    }

    fn fills_empty_frames(&self) -> bool {
        match self {
            Filler::Plain(method) => method.fills_empty_frames(),
            Filler::Best(_) | Filler::Unisst(_) => true,
        }
    }

    fn fill(&self, field: &Field) -> MethodResult<Filled> {
        match self {
            Filler::Plain(method) => method.fill(field),
            Filler::Best(method) => method.fill(field),
            Filler::Unisst(method) => method.fill(field),
        }
    }
}

/// The field with its never observed pixels marked as land.
fn unseen_as_land(field: Field) -> anyhow::Result<Field> {
    let pixels = field.frame_len();
    let seen: Vec<bool> = (0..pixels).map(|p| (0..field.frames()).any(|t| field.mask().is_valid(t * pixels + p))).collect();
    let cells = field.mask().cells().iter().enumerate();
    let cells = cells.map(|(i, cell)| if seen[i % pixels] { *cell } else { Cell::Land }).collect();
    Ok(field.remasked(Mask::from_cells(cells))?)
}

fn write(command: &FillCommand, method: &Filler, filled: &Filled) -> anyhow::Result<()> {
    let name = filled.field.name().to_string();
    let status = FlagVariable {
        name: format!("{name}_fill_status"),
        long_name: format!("what was done to each cell of {name}"),
        values: filled.status.iter().map(|s| *s as i8).collect(),
        meanings: FillStatus::MEANINGS.iter().map(|(status, word)| (*status as i8, (*word).to_string())).collect(),
    };
    let error = filled.error.clone().map(|error| match filled.field.attributes().get("standard_name") {
        Some(standard) if !standard.contains(' ') => error.with_attribute("standard_name", format!("{standard} standard_error")),
        _ => error,
    });
    let mut more = vec![status.name.clone()];
    more.extend(error.iter().map(|e| e.name().to_string()));
    let input = command.input.file_name().unwrap_or_default().to_string_lossy();
    let provenance = Provenance {
        title: format!("{name} with its gaps filled by {}", method.id()),
        source: format!("{name} read from {input}; {}", filled.note),
        references: "isotherm, an executable paper".into(),
        ..Provenance::default()
    };
    let mut options = WriteOptions { bounds: true, flags: vec![status], ..WriteOptions::default() };
    options.ancillary.insert(name, more);
    let fields: Vec<&Field> = std::iter::once(&filled.field).chain(&error).collect();
    Ok(write_fields_with(&command.output, &fields, &provenance, &options)?)
}

fn report(command: &FillCommand, method: &Filler, field: &Field, filled: &Filled, seconds: f64) {
    let [t, y, x] = field.shape();
    println!("{}: {t} x {y} x {x}, {} in {seconds:.1} s", command.output.display(), method.id());
    for ((_, word), count) in FillStatus::MEANINGS.iter().zip(filled.counts()) {
        println!("  {word}: {count} ({:.1} %)", 100.0 * count as f64 / filled.status.len() as f64);
    }
    let empty = (0..t).filter(|t| !field.frame_mask(*t).iter().any(|c| c.is_valid())).count();
    if empty > 0 {
        let done = if method.fills_empty_frames() { "filled from other frames and marked so" } else { "left open" };
        println!("  {empty} of {t} frames have no observation: {done}");
    }
    if !filled.note.is_empty() {
        println!("  {}", filled.note);
    }
    match &filled.error {
        None => println!("  too few observed cells to estimate an error"),
        Some(error) => {
            let of_filled =
                || error.values().iter().zip(&filled.status).filter(|(_, s)| s.is_filled()).map(|(e, _)| f64::from(*e));
            let n = of_filled().count().max(1) as f64;
            let mean = (of_filled().map(|e| e * e).sum::<f64>() / n).sqrt();
            println!("  expected error of filled cells: RMS {mean:.3} {}", error.unit());
        }
    }
}
