//! Forecasts of the sea surface temperature at a station, from two weeks to the next one.

use candle_core::{Result, Tensor, bail};
use serde::{Deserialize, Serialize};

use crate::nn::blocks::{Lstm, Time2Vec, Transformer, TransformerConfig};
use crate::nn::layers::{BatchNorm, Dropout, Linear};
use crate::nn::ops::{relu, timestep_embedding};
use crate::nn::{NnError, NnResult, Parameters};

/// What reads the past and writes the future.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Core {
    /// A recurrent network that goes on from the past into the future.
    Lstm {
        /// Layers.
        layers: usize,
    },
    /// Encoder and decoder.
    Transformer {
        /// Attention heads.
        heads: usize,
        /// Layers of the encoder, and of the decoder.
        layers: usize,
        /// Width of the feed-forward parts.
        hidden: usize,
    },
}

/// Sizes of a [`Forecaster`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForecasterConfig {
    /// Days of the past.
    pub past: usize,
    /// Days of the future.
    pub future: usize,
    /// Stations.
    pub stations: usize,
    /// Numbers that code a month, and a day of the month.
    pub calendar: usize,
    /// Width of the core.
    pub width: usize,
    /// The core.
    pub core: Core,
    /// The share of values that the core leaves out in training: between the layers of the recurrent network; in the
    /// Transformer of its inputs and of what each part adds. Published: none.
    #[serde(default)]
    pub dropout: f64,
    /// Does each past day also hold what all stations reported? Published: no.
    #[serde(default)]
    pub neighbours: bool,
}

impl ForecasterConfig {
    /// The published recurrent network: 20,737 weights. It is small enough for any CPU.
    pub fn lstm() -> ForecasterConfig {
        let core = Core::Lstm { layers: 2 };
        ForecasterConfig { past: 14, future: 7, stations: 16, calendar: 32, width: 32, core, dropout: 0.0, neighbours: false }
    }

    /// The published Transformer: 38,401 weights. It is small enough for any CPU.
    pub fn transformer() -> ForecasterConfig {
        ForecasterConfig { core: Core::Transformer { heads: 8, layers: 2, hidden: 32 }, ..ForecasterConfig::lstm() }
    }
}

/// One network for all stations: each day's temperature, calendar and station become a vector, the core goes
/// over them, and a small head reads each future day's temperature.
///
/// # Reference
/// The layers as in the program of Kim, Kim and Ryu's group, after Zhang et al. (2023), Enhancing time series
/// predictors with generalized extreme value loss. doi:10.1109/TKDE.2021.3108831
#[derive(Clone, Debug)]
pub struct Forecaster {
    calendar: Time2Vec,
    enter: Linear,
    core: CoreLayers,
    hidden: Linear,
    norm: BatchNorm,
    out: Linear,
    config: ForecasterConfig,
}

#[derive(Clone, Debug)]
enum CoreLayers {
    Lstm(Lstm),
    Transformer(Transformer, Dropout),
}

impl Forecaster {
    /// Parameters `calendar`, `enter`, `core...`, `head.linear1`, `head.norm`, `head.linear2`.
    ///
    /// # Errors
    /// [`NnError::Argument`] where a size is 0 or does not fit; as [`Parameters::add`].
    ///
    /// # Example
    /// ```
    /// use isotherm::methods::kiost::{Forecaster, ForecasterConfig};
    /// use isotherm::nn::Parameters;
    /// let mut parameters = Parameters::shapes_only();
    /// Forecaster::new(&mut parameters, &ForecasterConfig::transformer()).unwrap();
    /// assert_eq!(parameters.value_count(), 38_401);
    /// ```
    pub fn new(parameters: &mut Parameters, config: &ForecasterConfig) -> NnResult<Forecaster> {
        let ForecasterConfig { past, future, stations, calendar, width, core, dropout, neighbours } = *config;
        let around = if neighbours { stations } else { 0 };
        if past == 0 || future == 0 || stations == 0 || width == 0 || !width.is_multiple_of(2) {
            return Err(NnError::Argument(format!(
                "forecaster: {past} and {future} days, {stations} stations, width {width}; at least 1 and an even width are wanted"
            )));
        }
        Ok(Forecaster {
            calendar: Time2Vec::new(parameters, "calendar", calendar)?,
            enter: Linear::standard(parameters, "enter", [width, 1 + 2 * calendar + stations + around])?,
            core: match core {
                Core::Lstm { layers } => CoreLayers::Lstm(Lstm::new(parameters, "core", [width, width], layers, dropout)?),
                Core::Transformer { heads, layers, hidden } => {
                    let config =
                        TransformerConfig { width, heads, encoder_layers: layers, decoder_layers: layers, hidden, dropout };
                    let inputs = Dropout::new(parameters, "core.dropout", dropout)?;
                    CoreLayers::Transformer(Transformer::new(parameters, "core", &config)?, inputs)
                }
            },
            hidden: Linear::standard(parameters, "head.linear1", [width, width])?,
            norm: BatchNorm::new(parameters, "head.norm", width, 1e-5, 0.1)?,
            out: Linear::standard(parameters, "head.linear2", [1, width])?,
            config: config.clone(),
        })
    }

    /// Forecasts `[b, future]` of the standardised temperature.
    ///
    /// `temperature` `[b, past]` is the past in units of the station's deviation; `month` (0 to 11) and `day`
    /// (of the month, from 0) `[b, past + future]` are the calendar of past and future; `station`
    /// `[b, stations]` is 1 at the station, else 0. `training` takes the batch's own statistics in the head, and leaves
    /// values out where a dropout was asked for. A network with neighbours is given what all stations reported on the past
    /// days, `around` `[b, past, stations]`, 0 where one did not.
    ///
    /// # Errors
    /// A sentence where a shape does not fit, or neighbours are given that are not wanted, or wanted and not given.
    pub fn forward(
        &self,
        temperature: &Tensor,
        month: &Tensor,
        day: &Tensor,
        station: &Tensor,
        around: Option<&Tensor>,
        training: bool,
    ) -> Result<Tensor> {
        self.run(&self.embed(temperature, month, day, station, around)?, training)
    }

    /// Forecasts `[b, future]` of embedded days `[b, past + future, width]`.
    ///
    /// # Errors
    /// A sentence where a shape does not fit.
    pub(super) fn run(&self, x: &Tensor, training: bool) -> Result<Tensor> {
        let ForecasterConfig { past, future, width, .. } = self.config;
        let (b, days, _) = x.dims3()?;
        if days != past + future {
            bail!("forecaster: a calendar of {days} days; {} are wanted", past + future);
        }
        let y = match &self.core {
            CoreLayers::Lstm(lstm) => {
                let (_, state) = lstm.forward(&x.narrow(1, 0, past)?.contiguous()?, None, training)?;
                lstm.forward(&x.narrow(1, past, future)?.contiguous()?, Some(&state), training)?.0
            }
            CoreLayers::Transformer(transformer, inputs) => {
                let positions = Tensor::arange(0u32, days as u32, x.device())?.to_dtype(x.dtype())?;
                let x = x.broadcast_add(&timestep_embedding(&positions, width)?)?;
                let x = inputs.forward(&x, training)?;
                let part = |first: usize, days: usize| x.narrow(1, first, days)?.contiguous();
                transformer.forward(&part(0, past)?, &part(past, future)?, training)?
            }
        }; // [b, future, width]
        let y = self.hidden.forward(&y.reshape((b * future, width))?)?;
        let y = relu(&self.norm.forward(&y, training)?)?; // [b future, width]
        self.out.forward(&y)?.reshape((b, future))
    }

    /// Each day's temperature (0 where it is not known), calendar and station as a vector, `[b, days, width]`: what the core
    /// reads. As many days as the calendar has, at least those of the temperature.
    ///
    /// # Errors
    /// A sentence where a shape does not fit.
    pub(super) fn embed(
        &self,
        temperature: &Tensor,
        month: &Tensor,
        day: &Tensor,
        station: &Tensor,
        around: Option<&Tensor>,
    ) -> Result<Tensor> {
        let ForecasterConfig { past, future, stations, neighbours, .. } = self.config;
        let (b, days) = (temperature.dim(0)?, month.dim(month.rank().saturating_sub(1))?);
        let fits = temperature.dims() == [b, past] && station.dims() == [b, stations];
        if !fits || !(days == past || days == past + future) || month.dims() != [b, days] || day.dims() != [b, days] {
            bail!(
                "forecaster: temperature {:?}, month {:?}, day {:?}, station {:?}; [b, {past}], [b, {}] twice and [b, {stations}] are wanted",
                temperature.dims(),
                month.dims(),
                day.dims(),
                station.dims(),
                past + future
            );
        }
        if around.map(Tensor::dims) != neighbours.then_some(&[b, past, stations][..]) {
            bail!(
                "forecaster: neighbours {:?}; {} are wanted",
                around.map(Tensor::dims),
                if neighbours { format!("[{b}, {past}, {stations}]") } else { "none".into() }
            );
        }
        let known = temperature.pad_with_zeros(1, 0, days - past)?.unsqueeze(2)?; // [b, days, 1], 0 where unknown
        let station = station.unsqueeze(1)?.broadcast_as((b, days, stations))?.contiguous()?;
        let calendar = |x: &Tensor| self.calendar.forward(x); // [b, days, calendar]
        let mut parts = vec![known, calendar(month)?, calendar(day)?, station];
        if let Some(around) = around {
            parts.push(around.pad_with_zeros(1, 0, days - past)?); // [b, days, stations]
        }
        self.enter.forward(&Tensor::cat(&parts, 2)?) // [b, days, width]
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn the_published_numbers_of_weights() {
        let count = |config: &ForecasterConfig| {
            let mut parameters = Parameters::shapes_only();
            Forecaster::new(&mut parameters, config).unwrap();
            parameters.value_count()
        };
        assert_eq!(count(&ForecasterConfig::lstm()), 20_737);
        assert_eq!(count(&ForecasterConfig::transformer()), 38_401);
        for config in [ForecasterConfig::lstm(), ForecasterConfig::transformer()] {
            assert_eq!(count(&ForecasterConfig { dropout: 0.1, ..config.clone() }), count(&config));
        }
    }

    #[test]
    fn both_give_a_week_and_read_the_past() {
        let t = |shape: &[usize], value: f64| Tensor::full(value, shape, &Device::Cpu).unwrap();
        for config in [ForecasterConfig::lstm(), ForecasterConfig::transformer()] {
            let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 1);
            let network = Forecaster::new(&mut parameters, &config).unwrap();
            let run = |past: f64| {
                network.forward(&t(&[3, 14], past), &t(&[3, 21], 5.0), &t(&[3, 21], 9.0), &t(&[3, 16], 0.0), None, false).unwrap()
            };
            let (cold, warm) = (run(-1.0), run(1.0));
            assert_eq!(cold.dims(), [3, 7]);
            assert!((cold - warm).unwrap().abs().unwrap().min_all().unwrap().to_scalar::<f64>().unwrap() > 1e-6);
            let wrong = network.forward(&t(&[3, 13], 0.0), &t(&[3, 21], 5.0), &t(&[3, 21], 9.0), &t(&[3, 16], 0.0), None, false);
            assert!(wrong.unwrap_err().to_string().contains("[b, 14]"));
        }
    }

    #[test]
    fn neighbours_are_read_where_they_are_wanted() {
        let t = |shape: &[usize], value: f64| Tensor::full(value, shape, &Device::Cpu).unwrap();
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 1);
        let config = ForecasterConfig { neighbours: true, ..ForecasterConfig::lstm() };
        let network = Forecaster::new(&mut parameters, &config).unwrap();
        // one more weight from each of 16 neighbours to each of 32 units
        assert_eq!(parameters.value_count(), 20_737 + 16 * 32);
        let run = |around: Option<&Tensor>| {
            network.forward(&t(&[3, 14], 0.5), &t(&[3, 21], 5.0), &t(&[3, 21], 9.0), &t(&[3, 16], 0.0), around, false)
        };
        let (calm, warm) = (run(Some(&t(&[3, 14, 16], 0.0))).unwrap(), run(Some(&t(&[3, 14, 16], 1.0))).unwrap());
        assert!((calm - warm).unwrap().abs().unwrap().min_all().unwrap().to_scalar::<f64>().unwrap() > 1e-6);
        assert!(run(None).unwrap_err().to_string().contains("[3, 14, 16] are wanted"));
    }
}
