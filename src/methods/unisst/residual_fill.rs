//! The trained network of the residual as a filler of gaps.

use std::path::Path;

use candle_core::{DType, Device, Tensor};

use super::first_fills::FirstFills;
use super::residual_clues::{CLUES, Clues};
use super::residual_network::{ResidualNetwork, ResidualNetworkConfig};
use crate::grid::Field;
use crate::methods::baselines::{Sequence, Solution};
use crate::methods::error::MethodResult;
use crate::nn::Parameters;
use crate::train::{Checkpoint, TrainError};

/// Cells sent through the network at once.
const CELLS_AT_ONCE: usize = 1 << 16;

/// The frame-offset biharmonic fill, corrected by a network.
#[derive(Clone, Debug)]
pub struct ResidualFill {
    method: String,
    network: ResidualNetwork,
    device: Device,
}

impl ResidualFill {
    /// The filler of a checkpoint, with its averaged weights.
    ///
    /// # Errors
    /// [`MethodError::Train`](crate::methods::MethodError::Train) where the file is damaged or of another method.
    pub fn load(path: &Path, device: &Device) -> MethodResult<ResidualFill> {
        let checkpoint = Checkpoint::load(path, device)?;
        let state = &checkpoint.state;
        let wrong = |problem: String| TrainError::Checkpoint { path: path.to_path_buf(), problem };
        let config: ResidualNetworkConfig = serde_json::from_value(state.config["residual"].clone()).map_err(|e| {
            wrong(format!("it holds the method '{}', whose config is of no gap filler of this program ({e})", state.method))
        })?;
        let mut parameters = Parameters::new(device, DType::F32, state.seed);
        let network = ResidualNetwork::new(&mut parameters, &config)?;
        parameters.set(checkpoint.weights())?;
        Ok(ResidualFill { method: state.method.clone(), network, device: device.clone() })
    }

    /// What it was trained as (`best`, `supervised`).
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The field with its gaps filled; observed cells, land and ice stay as they are.
    ///
    /// # Errors
    /// As [`ClueFills::new`]; [`MethodError::Nn`](crate::methods::MethodError::Nn) from the device.
    pub fn field(&self, field: &Field) -> MethodResult<Field> {
        self.field_of(&ClueFills::new(field)?)
    }

    /// [`ResidualFill::field`] from fills that are made already: several networks can share them.
    ///
    /// # Errors
    /// [`MethodError::Nn`](crate::methods::MethodError::Nn) from the device.
    pub fn field_of(&self, fills: &ClueFills) -> MethodResult<Field> {
        super::blend::filled_field(&fills.field, &self.corrected(fills)?)
    }

    /// The first fill with the correction of its gaps.
    pub(super) fn corrected(&self, fills: &ClueFills) -> MethodResult<Solution> {
        let (clues, first) = (&fills.clues, &fills.fills.first);
        let [frames, rows, columns] = clues.shape;
        let pixels = rows * columns;
        let at_once = (CELLS_AT_ONCE / pixels).max(1);
        let mut solution = first.clone();
        for start in (0..frames).step_by(at_once) {
            let count = at_once.min(frames - start);
            let part = &clues.values[start * CLUES * pixels..(start + count) * CLUES * pixels];
            let input = Tensor::from_slice(part, (count, CLUES, rows, columns), &Device::Cpu)?.to_device(&self.device)?;
            let correction = self.network.forward(&input)?.flatten_all()?.to_vec1::<f32>()?;
            for (k, correction) in correction.into_iter().enumerate() {
                let i = start * pixels + k;
                if first.known[i] && !fills.sequence.observed[i] {
                    solution.values[i] += clues.unit * f64::from(correction);
                }
            }
        }
        Ok(solution)
    }
}

/// A cloudy field with the fills and clues that the network is given.
#[derive(Clone, Debug)]
pub struct ClueFills {
    field: Field,
    pub(super) sequence: Sequence,
    pub(super) fills: FirstFills,
    clues: Clues,
}

impl ClueFills {
    /// Of a field with gaps.
    ///
    /// # Errors
    /// As [`GapFill::fill`](crate::methods::baselines::GapFill::fill).
    pub fn new(field: &Field) -> MethodResult<ClueFills> {
        let sequence = Sequence::new(field)?;
        let fills = FirstFills::new(field, &sequence)?;
        let clues = Clues::new(&sequence, &fills)?;
        Ok(ClueFills { field: field.clone(), sequence, fills, clues })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::grid::{Axis, AxisKind, Cell, Mask, TimeAxis, Unit};
    use crate::train::CheckpointState;

    /// Six frames of 12 x 12 cells with waves that move.
    pub(in super::super) fn pond(phase: usize) -> Field {
        let axis = |kind| Axis::regular(kind, 0.5, 0.05, 12).unwrap();
        let time = TimeAxis::from_seconds((0..6).map(|t| f64::from(t) * 21_600.0).collect()).unwrap();
        let value = |i: usize| {
            let (t, y, x) = ((i / 144) as f32, (i / 12 % 12) as f32, (i % 12) as f32);
            15.0 + (0.9 * x - 0.3 * t + phase as f32).sin() * (0.7 * y + 0.2 * t).cos() + 0.2 * (1.5 * t).sin()
        };
        let (lat, lon) = (axis(AxisKind::Latitude), axis(AxisKind::Longitude));
        Field::new("sst", (0..864).map(value).collect(), Mask::all_valid(864), time, lat, lon, Unit::Celsius).unwrap()
    }

    /// A filler with weights as they start, the last convolution's bias of the rest moved to `bias`.
    pub(in super::super) fn untrained(bias: f64) -> ResidualFill {
        let config = ResidualNetworkConfig { channels: vec![4] };
        let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
        ResidualNetwork::new(&mut parameters, &config).unwrap();
        let mut model = parameters.snapshot().unwrap();
        model.insert("last.bias".into(), Tensor::new(&[0.0, 0.0, 0.0, bias as f32], &Device::Cpu).unwrap());
        let described = serde_json::json!({ "residual": config });
        let state = CheckpointState { method: "best".into(), config: described, seed: 1, ..CheckpointState::default() };
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("weights.safetensors");
        Checkpoint { state, model, ema: Default::default(), moments: Default::default() }.save(&path).unwrap();
        ResidualFill::load(&path, &Device::Cpu).unwrap()
    }

    #[test]
    fn a_correction_goes_to_the_gaps_alone() {
        let truth = pond(0);
        let cells: Vec<Cell> = (0..864)
            .map(|i| match i {
                _ if i % 144 < 3 => Cell::Land,
                _ if (i / 7) % 3 == 0 => Cell::Cloud,
                _ => Cell::Valid,
            })
            .collect();
        let seen = truth.clone().remasked(Mask::from_cells(cells.clone())).unwrap();
        let fills = ClueFills::new(&seen).unwrap();
        let before = untrained(0.0).field_of(&fills).unwrap();
        let moved = untrained(0.5).field_of(&fills).unwrap();
        for (i, cell) in cells.iter().enumerate() {
            let change = moved.values()[i] - before.values()[i];
            match cell {
                Cell::Cloud => assert!((f64::from(change) - 0.5 * fills.clues.unit).abs() < 1e-4, "{i}: {change}"),
                _ => assert_eq!(change, 0.0, "{i}"),
            }
        }
        assert_eq!(moved.mask().cells()[0], Cell::Land);
        assert_eq!(moved.values(), untrained(0.5).field(&seen).unwrap().values());
    }
}
