//! The days that a training draws its batches from.

use candle_core::{Device, Tensor};

use super::groundwork::Groundwork;
use super::inputs::{DayInputs, InputMaker, Patch};
use super::window::Window;
use crate::base::random::Random;
use crate::methods::error::{MethodError, MethodResult};

/// The days of a part with what the network is given on them, and what it should find.
pub(super) struct Part {
    days: Vec<(DayInputs, Vec<f32>)>,
    shape: [usize; 2],
}

/// A batch on the device: features, drivers, clean states.
pub(super) struct Batch {
    pub features: Tensor,
    pub drivers: Tensor,
    pub clean: Tensor,
}

impl Part {
    /// Those days of a part that have a whole history.
    pub fn new(maker: &InputMaker<'_>, groundwork: &Groundwork<'_>, days: &[usize], lags: usize) -> MethodResult<Part> {
        let archive = groundwork.archive();
        let mut kept = Vec::new();
        for window in Window::valid(days, lags, |day| archive.fine(day).is_some()) {
            let inputs = maker.of_window(&window)?;
            let clean = archive.fine(window.target).map(|truth| inputs.state(truth)).unwrap_or_default();
            kept.push((inputs, clean));
        }
        if kept.is_empty() {
            return Err(MethodError::Argument(format!(
                "transfer: none of {} days has {lags} days of fine fields before it; give a longer record",
                days.len()
            )));
        }
        Ok(Part { days: kept, shape: archive.shape() })
    }

    /// Patches of random days and places.
    pub fn draw(&self, side: usize, count: usize, random: &mut Random, device: &Device) -> candle_core::Result<Batch> {
        let (mut patch, mut clean) = (Patch::default(), Vec::with_capacity(count * side * side));
        let [rows, columns] = self.shape;
        for _ in 0..count {
            let (inputs, truth) = &self.days[random.below(self.days.len())];
            let (row, column) = (random.below(rows - side + 1), random.below(columns - side + 1));
            inputs.cut([row, column], side, &mut patch);
            (row..row + side).for_each(|y| clean.extend_from_slice(&truth[y * columns + column..][..side]));
        }
        let tensor = |values: Vec<f32>| {
            let channels = values.len() / (count * side * side);
            Tensor::from_vec(values, (count, channels, side, side), &Device::Cpu)?.to_device(device)
        };
        Ok(Batch { features: tensor(patch.features)?, drivers: tensor(patch.drivers)?, clean: tensor(clean)? })
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::TransferConfig;
    use super::super::groundwork::tests::waves;
    use super::super::task::Transfer;
    use super::*;

    #[test]
    fn batches_are_cut_from_days_with_a_whole_history() {
        let archive = waves();
        let groundwork = Groundwork::new(&archive, &(10..80).collect::<Vec<_>>()).unwrap();
        let config = TransferConfig { transfer: Transfer::Nothing, ..TransferConfig::quick() };
        let maker = InputMaker::new(&config, &groundwork, None).unwrap();
        // The fine record begins with day 2, so that day 9 has 7 days before it and day 10 has 8.
        let part = Part::new(&maker, &groundwork, &[9, 10], config.lags()).unwrap();
        assert_eq!(part.days.len(), 1);
        let batch = part.draw(8, 3, &mut Random::new(1, "test"), &Device::Cpu).unwrap();
        assert_eq!((batch.features.dims(), batch.drivers.dims()), (&[3, 64, 8, 8][..], &[3, 7, 8, 8][..]));
        assert_eq!(batch.clean.dims(), [3, 1, 8, 8]);
        let sentence = Part::new(&maker, &groundwork, &[9], config.lags()).err().unwrap().to_string();
        assert!(sentence.contains("none of 1 days"), "{sentence}");
    }
}
