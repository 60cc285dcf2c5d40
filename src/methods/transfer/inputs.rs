//! What the large network is given on a day, made once and cut as often as wanted.

use super::config::TransferConfig;
use super::encoder::FrozenEncoder;
use super::groundwork::Groundwork;
use super::task::Transfer;
use super::window::Window;
use crate::methods::error::{MethodError, MethodResult};

/// Makes the inputs of days.
#[derive(Clone, Copy, Debug)]
pub(super) struct InputMaker<'a> {
    config: &'a TransferConfig,
    groundwork: &'a Groundwork<'a>,
    encoder: Option<&'a FrozenEncoder>,
}

/// The inputs of one day on the whole fine grid. The encoder has worked once, whatever is cut or drawn from them later.
#[derive(Clone, Debug, PartialEq)]
pub struct DayInputs {
    shape: [usize; 2],
    factor: usize,
    /// Of the encoder, and of the days themselves.
    features: Vec<Planes>,
    /// Channels of all of them; more than there are planes where the rest are zeros.
    channels: usize,
    drivers: Vec<f32>,
    /// From what the state is counted, and its unit, in log10.
    pub(super) base: Vec<f32>,
    pub(super) unit: f32,
}

/// Planes one after the other, on a grid of their own.
#[derive(Clone, Debug, PartialEq)]
struct Planes {
    values: Vec<f32>,
    shape: [usize; 2],
}

/// A square cut from the inputs of a day, channel by channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Patch {
    pub features: Vec<f32>,
    pub drivers: Vec<f32>,
}

impl<'a> InputMaker<'a> {
    /// # Errors
    /// [`MethodError::Argument`] where an encoder is wanted and absent, or of other sizes.
    pub fn new(
        config: &'a TransferConfig,
        groundwork: &'a Groundwork<'a>,
        encoder: Option<&'a FrozenEncoder>,
    ) -> MethodResult<InputMaker<'a>> {
        let wanted = config.transfer.encodes();
        match encoder {
            Some(encoder) if wanted && *encoder.config() != config.forecast => Err(MethodError::Argument(format!(
                "transfer: the encoder has the sizes {:?}, but the settings say {:?}",
                encoder.config(),
                config.forecast
            ))),
            None if wanted => Err(MethodError::Argument(
                "transfer: the features of an encoder are wanted and there is none; train the forecast first".to_string(),
            )),
            _ => Ok(InputMaker { config, groundwork, encoder: encoder.filter(|_| config.transfer.frozen()) }),
        }
    }

    /// The inputs of a day after this history (the oldest first; log10 on the fine grid).
    pub fn of(&self, day: usize, history: &[&[f32]]) -> MethodResult<DayInputs> {
        let shape @ [rows, columns] = self.groundwork.archive().shape();
        let Some(last) = history.last().filter(|_| history.len() == self.config.lags()) else {
            return Err(MethodError::Argument(format!(
                "transfer: a history of {} days; {} are wanted",
                history.len(),
                self.config.lags()
            )));
        };
        let scaled = || history.iter().map(|plane| self.groundwork.scaled_fine(plane)).collect::<Vec<_>>();
        let mut features = Vec::new();
        if let Some(encoder) = self.encoder {
            let values = encoder.features(&scaled(), rows, columns)?;
            features.push(Planes { values, shape: [rows / 4, columns / 4] });
        }
        if self.config.raw_lags || self.config.transfer == Transfer::TrainableEncoder {
            features.push(Planes { values: scaled().concat(), shape });
        }
        let (base, unit) = self.groundwork.reference(self.config.base, day, last)?;
        Ok(DayInputs {
            shape,
            factor: self.groundwork.archive().factor(),
            features,
            channels: self.config.given_channels(),
            drivers: self.groundwork.drivers(&self.config.drivers, day, last)?,
            base,
            unit,
        })
    }

    /// The inputs of a window whose history is in the archive.
    pub fn of_window(&self, window: &Window) -> MethodResult<DayInputs> {
        self.of(window.driver, &self.groundwork.archive().history(window)?)
    }
}

impl DayInputs {
    /// Rows and columns of the fine grid.
    pub fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// Fine cells along one side of a coarse cell.
    pub(super) fn factor(&self) -> usize {
        self.factor
    }

    /// The state of a field of log10: 0 where it is the base, in its units.
    pub(super) fn state(&self, field: &[f32]) -> Vec<f32> {
        field.iter().zip(&self.base).map(|(value, base)| (value - base) / self.unit).collect()
    }

    /// The field of log10 of a state.
    pub(super) fn field(&self, state: &[f32]) -> Vec<f32> {
        state.iter().zip(&self.base).map(|(state, base)| super::archive::bounded(base + state * self.unit)).collect()
    }

    /// Adds the square of `size` cells from `row` and `column` on to a batch. Features are brought to the fine grid on the way,
    /// straight between the centres of their cells, so that a cut of the whole and a whole cut are the same.
    pub(super) fn cut(&self, [row, column]: [usize; 2], size: usize, batch: &mut Patch) {
        let [rows, columns] = self.shape;
        let whole = batch.features.len() + self.channels * size * size;
        batch.features.reserve(self.channels * size * size);
        for Planes { values, shape: [low_rows, low_columns] } in &self.features {
            let (low_rows, low_columns) = (*low_rows, *low_columns);
            let down: Vec<_> = (row..row + size).map(|y| between(y, rows, low_rows)).collect();
            let along: Vec<_> = (column..column + size).map(|x| between(x, columns, low_columns)).collect();
            for plane in values.chunks(low_rows * low_columns) {
                for (top, bottom, part) in &down {
                    let (upper, lower) =
                        (&plane[top * low_columns..][..low_columns], &plane[bottom * low_columns..][..low_columns]);
                    batch.features.extend(along.iter().map(|(left, right, share)| {
                        let line = |values: &[f32]| values[*left] + share * (values[*right] - values[*left]);
                        line(upper) + part * (line(lower) - line(upper))
                    }));
                }
            }
        }
        batch.features.resize(whole, 0.0);
        for plane in self.drivers.chunks(rows * columns) {
            for y in row..row + size {
                batch.drivers.extend_from_slice(&plane[y * columns + column..][..size]);
            }
        }
    }
}

/// The cells of a coarser axis around a fine cell's centre, and how far it lies from the first to the second.
fn between(i: usize, fine: usize, low: usize) -> (usize, usize, f32) {
    let place = ((i as f32 + 0.5) * low as f32 / fine as f32 - 0.5).clamp(0.0, (low - 1) as f32);
    let first = place as usize;
    (first, (first + 1).min(low - 1), place - first as f32)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::super::forecast::ForecastConfig;
    use super::super::groundwork::tests::waves;
    use super::*;
    use crate::nn::ops::{Resampling, interpolate};

    fn config(transfer: Transfer) -> TransferConfig {
        let forecast = ForecastConfig { lags: 3, widths: [8, 8, 16], blocks: 1, head_width: 8, groups: 4 };
        TransferConfig { forecast, transfer, ..TransferConfig::quick() }
    }

    #[test]
    fn patches_are_cut_from_what_the_encoder_saw_once() {
        let archive = waves();
        let groundwork = Groundwork::new(&archive, &(10..80).collect::<Vec<_>>()).unwrap();
        let config = config(Transfer::Encoder);
        let encoder = FrozenEncoder::untrained(&config.forecast, 1, &Device::Cpu).unwrap();
        let maker = InputMaker::new(&config, &groundwork, Some(&encoder)).unwrap();
        let inputs = maker.of_window(&Window::of(40, 3, Default::default()).unwrap()).unwrap();
        let (mut whole, mut part) = (Patch::default(), Patch::default());
        inputs.cut([0, 0], 16, &mut whole);
        inputs.cut([5, 2], 8, &mut part);
        assert_eq!((part.features.len(), part.drivers.len()), (16 * 64, 7 * 64));
        for (channel, plane) in part.features.chunks(64).enumerate() {
            for (i, value) in plane.iter().enumerate() {
                assert_eq!(*value, whole.features[channel * 256 + (5 + i / 8) * 16 + 2 + i % 8]);
            }
        }
        // The days themselves beside them, as they are.
        let both = TransferConfig { raw_lags: true, ..config.clone() };
        let maker = InputMaker::new(&both, &groundwork, Some(&encoder)).unwrap();
        let mut more = Patch::default();
        maker.of_window(&Window::of(40, 3, Default::default()).unwrap()).unwrap().cut([5, 2], 8, &mut more);
        assert_eq!((more.features.len(), &more.features[..16 * 64]), (19 * 64, &part.features[..]));
        assert_eq!(more.features[18 * 64], groundwork.scaled_fine(archive.fine(39).unwrap())[5 * 16 + 2]);
        // As the tensors' own resampling has it.
        let features = Tensor::from_vec(inputs.features[0].values.clone(), (1, 16, 4, 4), &Device::Cpu).unwrap();
        let fine = interpolate(&features, (16, 16), Resampling::Bilinear, false).unwrap();
        let fine = fine.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(fine.iter().zip(&whole.features).all(|(a, b)| (a - b).abs() < 1e-5));
    }

    #[test]
    fn a_state_and_its_field_are_each_others() {
        let archive = waves();
        let groundwork = Groundwork::new(&archive, &(10..80).collect::<Vec<_>>()).unwrap();
        let config = config(Transfer::Nothing);
        let inputs = InputMaker::new(&config, &groundwork, None)
            .unwrap()
            .of_window(&Window::of(50, 3, Default::default()).unwrap())
            .unwrap();
        let truth = archive.fine(50).unwrap();
        let back = inputs.field(&inputs.state(truth));
        assert!(truth.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-5));
        let mut patch = Patch::default();
        inputs.cut([0, 0], 4, &mut patch);
        assert_eq!(patch.features, vec![0.0; 16 * 16]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let archive = waves();
        let groundwork = Groundwork::new(&archive, &(10..80).collect::<Vec<_>>()).unwrap();
        let wanted = config(Transfer::Encoder);
        assert!(InputMaker::new(&wanted, &groundwork, None).unwrap_err().to_string().contains("train the forecast"));
        let other = FrozenEncoder::untrained(&ForecastConfig { lags: 4, ..wanted.forecast.clone() }, 1, &Device::Cpu).unwrap();
        assert!(InputMaker::new(&wanted, &groundwork, Some(&other)).unwrap_err().to_string().contains("sizes"));
        let nothing = config(Transfer::Nothing);
        let maker = InputMaker::new(&nothing, &groundwork, Some(&other)).unwrap();
        assert!(maker.of(40, &[archive.fine(39).unwrap()]).unwrap_err().to_string().contains("history of 1"));
    }
}
