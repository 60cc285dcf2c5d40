//! Our half of the benchmark on a CUDA card: training steps in one precision, and convolutions against the card's roofline.
//! `just gpu-bench` runs it in turns with PyTorch; `run.py` starts both. The networks are those of `benches/train`.
//!
//! ```text
//! gpu start NET FILE                            writes NET's first weights and its inputs to FILE (safetensors)
//! gpu step NET FILE SECONDS DEVICE PRECISION    times training steps from there and prints one JSON line
//! gpu roofline DEVICE full|quick                times copies, matrix products and convolutions and prints one JSON line
//! ```
//! DEVICE is cuda, cuda:NUMBER or cpu (where the card's columns are empty); PRECISION f32, tf32 or bf16.

mod card;
#[path = "../train/critic.rs"]
mod critic;
#[path = "../train/edsr.rs"]
mod edsr;
#[path = "../peers/measure.rs"]
mod measure;
#[path = "../train/residual3d.rs"]
mod residual3d;
mod roofline;
mod step;
// The other benchmark's training on the CPU is not used here.
#[allow(dead_code)]
#[path = "../train/task.rs"]
mod task;
#[path = "../train/unet.rs"]
mod unet;

use anyhow::{Context, Result, bail};
use isotherm::candle_core::Device;
use isotherm::nn::{DeviceChoice, Parameters, Precision, select_device};

use task::{Inputs, Loss};

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

fn device(name: &str) -> Result<Device> {
    let choice = match name.split_once(':') {
        None if name == "cpu" => DeviceChoice::Cpu,
        None if name == "cuda" => DeviceChoice::Cuda(0),
        Some(("cuda", number)) => DeviceChoice::Cuda(number.parse().with_context(|| format!("found the device '{name}'"))?),
        _ => bail!("found the device '{name}'; cpu, cuda or cuda:NUMBER is wanted"),
    };
    Ok(select_device(choice)?.0)
}

fn precision(name: &str) -> Result<Precision> {
    Ok(match name {
        "f32" => Precision::F32,
        "tf32" => Precision::Tf32,
        "bf16" => Precision::Bf16,
        _ => bail!("found the precision '{name}'; f32, tf32 or bf16 is wanted"),
    })
}

fn main() -> Result<()> {
    // Cargo adds --bench when it runs a benchmark itself.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["start", name, file] => task::write_start(name, file)?,
        ["step", name, file, seconds, place, bits] => {
            let budget = seconds.parse().with_context(|| format!("the seconds to spend are a number, found '{seconds}'"))?;
            println!("{}", step::timed(name, file, budget, &device(place)?, precision(bits)?)?);
        }
        ["roofline", place, size] => println!("{}", roofline::measured(&device(place)?, size == "quick")?),
        _ => println!("gpu: run beside PyTorch by `just gpu-bench`; by itself: gpu roofline cuda full"),
    }
    Ok(())
}
