//! Our half of the side-by-side benchmark: one task in one process, timed. `just bench-peers` runs it against the Python
//! programs a user would otherwise take; `run.py` makes the inputs and starts both.
//!
//! ```text
//! peers TASK FOLDER SECONDS     times TASK on the inputs in FOLDER for about SECONDS and prints one JSON line
//! ```

mod bootstrap;
mod distribution;
mod ensemble;
mod extremes;
mod image;
mod inputs;
mod matchup;
mod measure;
mod pointwise;
mod reading;
mod regrid;
mod series;
mod spectrum;
mod variogram;

use std::path::Path;

use anyhow::{Context, Result, bail};

use inputs::Inputs;
use measure::Task;

/// A task by its name in the table that `run.py` prints.
fn prepare(name: &str, inputs: &Inputs) -> Result<Task> {
    let (family, task) = name.split_once('.').with_context(|| format!("a task is FAMILY.NAME, found '{name}'"))?;
    match family {
        "bootstrap" => bootstrap::prepare(task, inputs),
        "distribution" => distribution::prepare(task, inputs),
        "ensemble" => ensemble::prepare(task, inputs),
        "extremes" => extremes::prepare(task, inputs),
        "image" => image::prepare(task, inputs),
        "matchup" => matchup::prepare(task, inputs),
        "pointwise" => pointwise::prepare(task, inputs),
        "reading" => reading::prepare(task, inputs),
        "regrid" => regrid::prepare(task, inputs),
        "series" => series::prepare(task, inputs),
        "spectrum" => spectrum::prepare(task, inputs),
        "variogram" => variogram::prepare(task, inputs),
        _ => bail!("no family of tasks is called '{family}'"),
    }
}

fn main() -> Result<()> {
    // Cargo adds --bench when it runs a benchmark itself.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let [name, folder, seconds] = arguments.as_slice() else {
        println!("peers: timed side by side with Python by `just bench-peers`; by itself: peers TASK FOLDER SECONDS");
        return Ok(());
    };
    let budget = seconds.parse().with_context(|| format!("the seconds to spend are a number, found '{seconds}'"))?;
    let task = prepare(name, &Inputs::open(Path::new(folder))?)?;
    println!("{}", measure::measure(task, budget)?);
    Ok(())
}
