//! Our half of the comparison with pyDINEOF: fills FOLDER/values.f32 with up to MODES modes, ITERATIONS rounds for each (0:
//! until the gaps rest), and prints one JSON line.
//! `run.py` makes the input and starts both sides.
//!
//! ```text
//! dineof FOLDER MODES ITERATIONS
//! ```

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use isotherm::grid::{Axis, AxisKind, Cell, Field, Mask, TimeAxis, Unit};
use isotherm::methods::baselines::{DineofConfig, GapFill};

fn main() -> Result<()> {
    // Cargo adds --bench when it runs a benchmark itself.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let [folder, modes, iterations] = arguments.as_slice() else {
        println!("dineof: timed side by side with pyDINEOF by benches/dineof/run.py; by itself: dineof FOLDER MODES ITERATIONS");
        return Ok(());
    };
    let folder = Path::new(folder);
    let shape: [usize; 3] = serde_json::from_str(&std::fs::read_to_string(folder.join("shape.json"))?)?;
    let truth = numbers(&folder.join("truth.f32"))?;
    let values = numbers(&folder.join("values.f32"))?;
    let cells = values.iter().map(|v| if v.is_finite() { Cell::Valid } else { Cell::Cloud }).collect();
    let latitude = Axis::regular(AxisKind::Latitude, 30.0, 0.05, shape[1])?;
    let longitude = Axis::regular(AxisKind::Longitude, 0.0, 0.05, shape[2])?;
    let time = TimeAxis::from_seconds((0..shape[0]).map(|t| t as f64 * 86_400.0).collect())?;
    let field = Field::new("sst", values, Mask::from_cells(cells), time, latitude, longitude, Unit::KelvinDifference)?;
    let mut config = DineofConfig::paper();
    config.most_modes = modes.parse().context("the number of modes is a number")?;
    let iterations: usize = iterations.parse().context("the number of iterations is a number")?;
    if iterations > 0 {
        (config.most_iterations, config.tolerance) = (iterations, 1e-12);
    }
    let (processor, wall) = (processor_seconds()?, Instant::now());
    let filled = GapFill::Dineof(config).fill(&field)?;
    let (processor, wall) = (processor_seconds()? - processor, wall.elapsed().as_secs_f64());
    let gaps = || (0..truth.len()).filter(|i| filled.status[*i].is_filled());
    let square: f64 = gaps().map(|i| f64::from(filled.field.values()[i] - truth[i]).powi(2)).sum();
    let rms = (square / gaps().count() as f64).sqrt();
    let chosen: usize = filled.note.split(' ').next().and_then(|n| n.parse().ok()).context("the note begins with a number")?;
    println!(
        "{}",
        serde_json::json!({
            "processor": processor, "wall": wall, "peak_bytes": peak_bytes()?, "rms_error": rms, "modes": chosen,
        })
    );
    Ok(())
}

fn numbers(path: &Path) -> Result<Vec<f32>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}

/// User and system seconds of this process so far, in the hundredths that Linux counts.
fn processor_seconds() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    // Behind the name in brackets, which may hold blanks, fields 14 and 15 are the ticks.
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<f64>().ok()).context("no ticks in /proc/self/stat");
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}

/// The largest memory of this process so far, inputs and truth included, as for the peer.
fn peak_bytes() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:")).context("no VmHWM in /proc/self/status")?;
    Ok(1024 * line.trim().trim_end_matches(" kB").parse::<u64>()?)
}
