//! Reading a packed, compressed file, unpacking it and taking the mean; here reading is timed.

use anyhow::{Result, bail};
use isotherm::cf::{Dataset, FrameReader, ReadOptions};

use super::inputs::Inputs;
use super::measure::Task;

/// Frames held at once.
const FRAMES: usize = 4;

pub fn prepare(task: &str, inputs: &Inputs) -> Result<Task> {
    if task != "unpack_mean" {
        bail!("reading has no task '{task}'");
    }
    let path = inputs.path("packed.nc");
    let bytes = std::fs::metadata(&path)?.len() as usize;
    Ok(Task::new(bytes, move || {
        let dataset = Dataset::open(&path)?;
        let reader = FrameReader::new(&dataset, "analysed_sst", &ReadOptions::default())?;
        let (mut sum, mut count) = (0.0, 0usize);
        for start in (0..reader.frames()).step_by(FRAMES) {
            let frames = reader.read(start..(start + FRAMES).min(reader.frames()), 0..reader.latitude().len())?;
            for (value, valid) in frames.values.iter().zip(&frames.valid) {
                sum += if *valid { f64::from(*value) } else { 0.0 };
                count += usize::from(*valid);
            }
        }
        Ok(sum / count as f64)
    }))
}
