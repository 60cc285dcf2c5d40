//! The device that a command's `--device` names.

use anyhow::{Context, bail};
use candle_core::Device;

use crate::nn::{DeviceChoice, select_device};

/// The device for `auto`, `cpu`, `cuda` or `cuda:NUMBER`, and one sentence that says what was taken.
///
/// # Errors
/// One sentence where the text is none of these or the card cannot be used.
pub(super) fn chosen_device(text: &str) -> anyhow::Result<(Device, String)> {
    let choice = match text.split_once(':') {
        None if text == "auto" => DeviceChoice::Auto,
        None if text == "cpu" => DeviceChoice::Cpu,
        None if text == "cuda" => DeviceChoice::Cuda(0),
        Some(("cuda", number)) => {
            DeviceChoice::Cuda(number.parse().with_context(|| format!("--device cuda:{number}: a card's number is wanted"))?)
        }
        _ => bail!("--device {text} is not known; auto, cpu, cuda or cuda:NUMBER is wanted"),
    };
    Ok(select_device(choice)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_by_name() {
        assert!(chosen_device("cpu").unwrap().0.is_cpu());
        assert!(chosen_device("gpu").unwrap_err().to_string().contains("auto, cpu, cuda"));
        assert!(chosen_device("cuda:x").unwrap_err().to_string().contains("number"));
    }
}
