//! Our half of the training benchmark: one network in one process, timed. `just bench-train` runs it in turns with the same
//! network in PyTorch; `run.py` starts both.
//!
//! ```text
//! train NET start FILE          writes NET's first weights and its inputs to FILE (safetensors)
//! train NET FILE SECONDS        times training steps from there for about SECONDS and prints one JSON line
//! ```

mod critic;
mod edsr;
#[path = "../peers/measure.rs"]
mod measure;
mod residual3d;
mod task;
mod unet;

use anyhow::{Context, Result, bail};
use isotherm::nn::Parameters;
use serde_json::json;

use measure::Task;
use task::{Inputs, Loss, Training};

/// Steps whose losses are compared with PyTorch's: the second and later ones prove the gradients and the optimiser too.
const COMPARED_STEPS: usize = 4;

/// The layers of a network, by its name in the table, and the random inputs that it trains on.
fn network(name: &str, parameters: &mut Parameters) -> Result<(Loss, Inputs)> {
    match name {
        "edsr" => edsr::network(parameters),
        "unet" => unet::network(parameters),
        "residual3d" => residual3d::network(parameters),
        "wgan_gp" => critic::network(parameters),
        _ => bail!("no network is called '{name}'; edsr, unet, residual3d or wgan_gp is wanted"),
    }
}

fn main() -> Result<()> {
    // As the command line does.
    isotherm::base::process::settle();
    // Cargo adds --bench when it runs a benchmark itself.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let [name, middle, last] = arguments.as_slice() else {
        println!("train: timed side by side with PyTorch by `just bench-train`; by itself: train NET FILE SECONDS");
        return Ok(());
    };
    if middle == "start" {
        return task::write_start(name, last);
    }
    let budget = last.parse().with_context(|| format!("the seconds to spend are a number, found '{last}'"))?;
    let mut timed = Training::read(name, middle)?;
    let mut report = measure::measure(Task::new(timed.bytes(), move || timed.step()), budget)?;
    let mut again = Training::read(name, middle)?;
    report["losses"] = json!((0..COMPARED_STEPS).map(|_| again.step()).collect::<Result<Vec<f64>>>()?);
    println!("{report}");
    Ok(())
}
