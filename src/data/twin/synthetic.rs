//! [`Twin`]: the synthetic ocean, generated.

use super::super::error::{DataError, DataResult};
use super::climate::Climate;
use super::coast::Coast;
use super::config::{CELL_DEGREES, CORNER_DEGREES, TwinConfig};
use super::diurnal::Diurnal;
use super::ocean::Ocean;
use super::platforms::{Platforms, Sample};
use crate::base::progress::Progress;
use crate::grid::{Axis, AxisKind, Cell, Field, GridResult, Mask, SECONDS_PER_DAY, TimeAxis, Unit, seconds_of_date};

/// Times a day at which platforms report: 00, 06, 12 and 18 UTC.
const REPORTS_PER_DAY: usize = 4;

/// The truth is kept in steps of a thousandth of a kelvin about this temperature, so that 16 bits hold it.
pub(super) const PACKING_OFFSET_CELSIUS: f64 = 15.0;

/// A synthetic ocean with its known truth. See [the module](super) for what it is and is not.
pub struct Twin {
    pub(super) config: TwinConfig,
    pub(super) truth: Field,
    /// The truth at the platforms, in order of time.
    pub(super) samples: Vec<Sample>,
    /// Platforms below this number are moorings.
    pub(super) moorings: usize,
    diurnal: Diurnal,
}

/// What a run of the ocean gives: all that a cache must hold.
#[derive(PartialEq)]
pub(super) struct Record {
    /// Daily frames in thousandths of a kelvin about [`PACKING_OFFSET_CELSIUS`]; land holds 0.
    pub(super) packed: Vec<i16>,
    pub(super) samples: Vec<Sample>,
    pub(super) moorings: usize,
}

impl Twin {
    /// Runs the ocean of `config`; `progress` shows a bar.
    ///
    /// The result depends on the configuration alone, not on the number of threads.
    ///
    /// # Errors
    /// [`DataError::Content`] for settings that make no sense, or a flow too fast for the time step.
    ///
    /// # Example
    /// ```
    /// use isotherm::data::twin::{Twin, TwinConfig};
    /// let config = TwinConfig { cells: 48, days: 2, spin_up_days: 1, ..TwinConfig::tiny() };
    /// let twin = Twin::generate(&config, false).unwrap();
    /// assert_eq!(twin.truth().shape(), [2, 48, 48]);
    /// ```
    pub fn generate(config: &TwinConfig, progress: bool) -> DataResult<Twin> {
        config.validate()?;
        let coast = Coast::new(config);
        let record = run(config, &coast, progress)?;
        Twin::from_record(config, &coast, record)
    }

    pub(super) fn from_record(config: &TwinConfig, coast: &Coast, record: Record) -> DataResult<Twin> {
        let values = record.packed.iter().map(|p| (f64::from(*p) * 1e-3 + PACKING_OFFSET_CELSIUS) as f32).collect();
        let frame = Mask::from_valid(&coast.sea, Cell::Land);
        let cells = std::iter::repeat_n(frame.cells(), config.days).flatten().copied().collect();
        let time = TimeAxis::daily(config.first_date()?, 0.0, config.days)?;
        let (latitude, longitude) = axes(config)?;
        let truth = Field::new("sst", values, Mask::from_cells(cells), time, latitude, longitude, Unit::Celsius)?
            .with_attribute("standard_name", "sea_surface_foundation_temperature")
            .with_attribute("long_name", "true foundation temperature of the synthetic ocean")
            .with_attribute("tier", "twin");
        let diurnal = Diurnal::new(config.seed);
        Ok(Twin { config: config.clone(), truth, samples: record.samples, moorings: record.moorings, diurnal })
    }

    /// The settings.
    pub fn config(&self) -> &TwinConfig {
        &self.config
    }

    /// The true foundation temperature of every day at 00 UTC, degrees Celsius, land masked.
    pub fn truth(&self) -> &Field {
        &self.truth
    }

    /// The diurnal cycle above the foundation temperature.
    pub fn diurnal(&self) -> &Diurnal {
        &self.diurnal
    }
}

fn axes(config: &TwinConfig) -> GridResult<(Axis, Axis)> {
    let half = 0.5 * CELL_DEGREES;
    let latitude = Axis::regular(AxisKind::Latitude, CORNER_DEGREES.0 + half, CELL_DEGREES, config.cells)?;
    let longitude = Axis::regular(AxisKind::Longitude, CORNER_DEGREES.1 + half, CELL_DEGREES, config.cells)?;
    Ok((latitude, longitude))
}

pub(super) fn run(config: &TwinConfig, coast: &Coast, progress: bool) -> DataResult<Record> {
    let cells = config.cells;
    let climate = Climate::new(config, coast);
    let mut ocean = Ocean::new(config);
    let mut platforms = Platforms::new(config, coast);
    let mut bar = progress.then(|| Progress::new("synthetic ocean, days", (config.spin_up_days + config.days) as u64));
    let mut record = Record {
        packed: Vec::with_capacity(config.days * cells * cells),
        samples: Vec::new(),
        moorings: platforms.mooring_count(),
    };
    for day in 0..config.spin_up_days {
        (0..config.steps_per_day).for_each(|_| ocean.step());
        check(&ocean, config, day)?;
        bar.iter_mut().for_each(|bar| bar.advance(1));
    }
    let start = seconds_of_date(config.first_date()?);
    let latitudes = axes(config)?.0;
    for day in 0..config.days {
        let midnight = start + day as f64 * SECONDS_PER_DAY;
        for y in 0..cells {
            // All but the cooling is the same along a row.
            let row = climate.celsius(midnight, latitudes.centres()[y], 0.0);
            let cooling = row - climate.celsius(midnight, latitudes.centres()[y], 1.0);
            record.packed.extend((y * cells..(y + 1) * cells).map(|i| {
                let celsius = row + f64::from(ocean.tracers()[i].im) - cooling * f64::from(climate.cooling[i]);
                if coast.sea[i] { ((celsius - PACKING_OFFSET_CELSIUS) * 1e3).round() as i16 } else { 0 }
            }));
        }
        for step in 0..config.steps_per_day {
            if step % (config.steps_per_day / REPORTS_PER_DAY) == 0 {
                let seconds = midnight + step as f64 * config.step_seconds();
                platforms.sample(seconds, ocean.tracers(), &climate, &mut record.samples);
            }
            platforms.advance(ocean.velocity(), &coast.sea, config.step_seconds());
            ocean.step();
        }
        check(&ocean, config, config.spin_up_days + day)?;
        bar.iter_mut().for_each(|bar| bar.advance(1));
    }
    if let Some(bar) = bar {
        bar.finish();
    }
    Ok(record)
}

/// An explicit scheme blows up where the flow crosses too much of a cell in a step; better said than kept.
fn check(ocean: &Ocean, config: &TwinConfig, day: usize) -> DataResult<()> {
    let fastest = ocean.velocity().iter().map(|v| v.norm_sqr()).fold(0.0f32, |a, b| if b.is_nan() { b } else { a.max(b) }).sqrt();
    let finite = ocean.tracers().iter().all(|t| t.re.is_finite() && t.im.is_finite());
    // Stability of third-order Adams-Bashforth on the imaginary axis: k u Δt < 0.72, k up to 2/3 of the grid's.
    let limit = 0.72 / (config.step_seconds() * std::f64::consts::TAU / 3.0 / super::config::CELL_METRES);
    if finite && f64::from(fastest) < limit {
        return Ok(());
    }
    Err(DataError::Content {
        what: "the synthetic ocean".into(),
        problem: format!(
            "on day {day} the flow reaches {fastest:.2} m/s, but {} steps a day carry only {limit:.2} m/s; raise steps_per_day or lower injection",
            config.steps_per_day
        ),
    })
}
