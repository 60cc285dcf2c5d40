//! The families of scores on the twin, where the truth is known, and on real fields.

use serde::Deserialize;

use super::diagnostics_bootstrap::Estimates;
use super::diagnostics_errors::{coarse_error, error_memory, error_variogram, known_variogram};
use super::diagnostics_figure::{self as panels, RecoveredError};
use super::diagnostics_spectra::{SpectralReading, SpectralStudy, Wavelength};
use super::diagnostics_triplets::{TripletRule, errors_of, triplets};
use super::land_free_square::Square;
use super::weights;
use crate::data::Tier;
use crate::data::twin::{CELL_METRES, COARSE_FACTOR, Twin};
use crate::figure::{LinePanel, LineStyle, draw_lines};
use crate::grid::{EARTH_RADIUS_METRES, Field, coarsen_mean};
use crate::methods::SuperResolver;
use crate::paper::products;
use crate::paper::step::{DataFile, Step, StepContext};
use crate::paper::{PaperResult, TableRender, TidyRow, TidyTable, publish_table};
use crate::score::{FitWeights, LagBins, LatLonGrid, VariogramFamily, VariogramFit};

/// How the diagnostics are made (`configs/diagnostics/quick.toml`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiagnosticsConfiguration {
    /// Level that bounds what is resolved.
    pub resolution_level: f64,
    /// Wavelengths between which the slope of the twin's spectrum is fitted.
    pub twin_band_kilometres: (f64, f64),
    /// The same in the Black Sea.
    pub black_sea_band_kilometres: (f64, f64),
    /// The same in the Mediterranean.
    pub mediterranean_band_kilometres: (f64, f64),
    /// Largest lag of the error's semivariogram in coarse cells.
    pub variogram_largest_lag: usize,
    /// Largest distance of the real field's semivariogram.
    pub proxy_variogram_kilometres: f64,
    /// Its bins.
    pub proxy_variogram_bins: usize,
    /// Largest lag of the error's autocorrelation.
    pub largest_lag_days: usize,
    /// Edge of a bootstrap tile in coarse cells.
    pub tile_cells: usize,
    /// Length of a bootstrap block in days.
    pub block_days: usize,
    /// Noise of the simulated radiometer.
    pub radiometer_noise_kelvin: f64,
    /// Observations of lower quality are left out.
    pub minimum_quality: u8,
    /// Local solar hours between which drifters count.
    pub night_hours: (f64, f64),
    /// Reports in a row that the bootstrap draws together.
    pub platform_block: usize,
    /// Bootstrap resamples.
    pub resamples: usize,
    /// Seed of the bootstrap and of the radiometer.
    pub seed: u64,
}

impl DiagnosticsConfiguration {
    fn reading(&self, band_kilometres: (f64, f64)) -> SpectralReading {
        SpectralReading {
            band_kilometres,
            fine_band_kilometres: None,
            level: self.resolution_level,
            block_days: self.block_days,
            resamples: self.resamples,
            seed: self.seed,
        }
    }
}

/// The step.
pub const STEP: Step = Step {
    name: "diagnostics",
    about: "figures/diagnostics.png: spectra, variograms, memory and triple collocation against what is known",
    rooms: &[
        super::TWIN_AND_SPLIT,
        super::SCORED_LADDER,
        &[
            "src/figure/",
            "assets/",
            "src/paper/steps/diagnostics.rs",
            "src/paper/steps/diagnostics_bootstrap.rs",
            "src/paper/steps/diagnostics_errors.rs",
            "src/paper/steps/diagnostics_figure.rs",
            "src/paper/steps/diagnostics_spectra.rs",
            "src/paper/steps/diagnostics_triplets.rs",
            "src/paper/steps/land_free_square.rs",
        ],
    ],
    configurations: &["configs/diagnostics/quick.toml", super::split::CONFIGURATION],
    needs: &["twin", "edsr"],
    data: &[products::BLACK_SEA_SST, products::MEDITERRANEAN_ADT],
    publishes: &[
        ("diagnostics.png", "figures/diagnostics.png"),
        ("diagnostics.svg", "figures/diagnostics.svg"),
        ("diagnostics.json", "figures/diagnostics.json"),
        ("diagnostics_scores.csv", "figures/tables/diagnostics_scores.csv"),
        ("diagnostics_scores.md", "figures/tables/diagnostics_scores.md"),
        ("diagnostics_scores.html", "figures/tables/diagnostics_scores.html"),
        ("diagnostics_scores.json", "figures/tables/diagnostics_scores.json"),
    ],
    run,
};

/// Methods whose spectra are compared.
const METHODS: [&str; 3] = ["bicubic", "bicubic_backprojected", "edsr"];

/// Slope, by the theory, of the spectra around the circle of surface buoyancy and of a tracer that it stirs.
///
/// # Reference
/// Held, Pierrehumbert, Garner, Swanson (1995), doi:10.1017/S0022112095000012
const INERTIAL_SLOPE: f64 = -5.0 / 3.0;

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: DiagnosticsConfiguration = context.configuration()?;
    let split = context.study.split()?;
    let certificate = split.certificate()?;
    let twin = super::twin::open(context)?;
    let days = split.test_days();
    let methods: Vec<SuperResolver> =
        weights::ladder_methods(context)?.into_iter().filter(|m| METHODS.contains(&m.id())).collect();
    let (mut rows, mut panels) = (Vec::new(), Vec::new());
    for (study, panel) in spectra(context, &configuration, &twin, &days, &methods)? {
        println!("{}: a square of {} cells without land, {} days", study.dataset, study.square.cells, study.days);
        rows.extend(spectral_rows(&configuration, &study));
        if study.tier == Tier::Twin {
            rows.extend(known_resolution(&configuration, &twin, &study));
        }
        panels.extend(panel);
    }
    let at = panels.len().min(2);
    let (found, drawn) = analysis_error(context, &configuration, &twin, &days)?;
    rows.extend(found);
    panels.splice(at..at, drawn);
    let (found, drawn) = collocation(context, &configuration, &twin, &days)?;
    rows.extend(found);
    panels.insert(at + 2, drawn);
    rows.extend(proxy_variogram(context, &configuration)?);
    let table = TidyTable::new("diagnostics_scores", rows)?;
    let passport = |name: &str| {
        context.passport(name, vec![Tier::Twin, Tier::Real, Tier::Proxy], configuration.seed, serde_json::Value::Null)
    };
    let render = TableRender { title: "What the scores recover", certificate: &certificate.to_string(), decimals: 4 };
    publish_table(&table, &render, &context.path("diagnostics_scores"), &passport("diagnostics_scores")?)?;
    draw_lines(&panels, &LineStyle::default(), &context.path("diagnostics"), &passport("diagnostics")?)
        .map_err(|e| context.error(e))?;
    Ok(())
}

/// What a row is of.
struct Subject<'a> {
    dataset: &'a str,
    tier: Tier,
    seed: u64,
}

impl Subject<'_> {
    #[expect(clippy::too_many_arguments, reason = "a row of the table")]
    fn row(
        &self,
        method: &str,
        metric: &str,
        value: f64,
        interval: Option<(f64, f64)>,
        n: u64,
        n_eff: Option<f64>,
        unit: &str,
    ) -> TidyRow {
        TidyRow {
            dataset: self.dataset.into(),
            tier: self.tier,
            split: "test".into(),
            method: method.into(),
            metric: metric.into(),
            value,
            lower: interval.map(|i| i.0),
            upper: interval.map(|i| i.1),
            n,
            n_eff,
            unit: unit.into(),
            seed: self.seed,
        }
    }

    /// What is known, within half of `apart`, which the method cannot tell from it.
    fn known(&self, metric: &str, value: f64, apart: f64, unit: &str) -> TidyRow {
        self.row(TidyRow::KNOWN, metric, value, Some((value - 0.5 * apart, value + 0.5 * apart)), 1, None, unit)
    }
}

/// A field of the real ocean whose spectra are taken.
struct Measured {
    dataset: &'static str,
    tier: Tier,
    file: DataFile,
    /// Wavelengths between which the slope is fitted, in kilometres.
    band: (f64, f64),
    /// Of its panel; none for a field that is only in the table.
    title: Option<&'static str>,
}

/// The spectra of the twin, the Black Sea and the Mediterranean, with the panels that show them.
fn spectra(
    context: &StepContext<'_>,
    configuration: &DiagnosticsConfiguration,
    twin: &Twin,
    days: &[usize],
    methods: &[SuperResolver],
) -> PaperResult<Vec<(SpectralStudy, Vec<LinePanel>)>> {
    let fail = |e: crate::grid::GridError| context.error(e);
    let refined = |truth: &Field| -> PaperResult<Vec<(String, Field)>> {
        let low = coarsen_mean(truth, super::FACTOR, 1.0).map_err(fail)?;
        let apply = |m: &SuperResolver| m.apply(&low, super::FACTOR).map(|high| (m.id().to_string(), high));
        methods.iter().map(|m| apply(m).map_err(|e| context.error(e))).collect()
    };
    let level = configuration.resolution_level;
    let mut studies = Vec::new();
    let truth = products::frames(twin.truth(), days).map_err(fail)?;
    let mut all = refined(&truth)?;
    let fine = products::frames(&twin.fine_analysis().map_err(|e| context.error(e))?, days).map_err(fail)?;
    all.push(("fine_analysis".into(), fine));
    let twin_cell = CELL_METRES / 1000.0;
    let reading = configuration.reading(configuration.twin_band_kilometres);
    let study = SpectralStudy::of("twin", Tier::Twin, &truth, &all, |_, _| (twin_cell, twin_cell), &reading);
    let study = study.map_err(|e| context.error(e))?;
    let drawn =
        vec![panels::spectra("Twin: spectra of temperature", &study), panels::ratios("Twin: energy by scale", &study, level)];
    studies.push((study, drawn));
    let measured = [
        Measured {
            dataset: "black_sea_sst",
            tier: Tier::Real,
            file: products::BLACK_SEA_SST,
            band: configuration.black_sea_band_kilometres,
            title: Some("Black Sea temperature (real): energy"),
        },
        Measured {
            dataset: "mediterranean_adt",
            tier: Tier::Proxy,
            file: products::MEDITERRANEAN_ADT,
            band: configuration.mediterranean_band_kilometres,
            title: None,
        },
    ];
    for Measured { dataset, tier, file, band, title } in measured {
        let truth = products::crop_to_multiple(&products::read_field(context, file)?, super::FACTOR).map_err(fail)?;
        let all = refined(&truth)?;
        let study = SpectralStudy::of(dataset, tier, &truth, &all, spacing_kilometres, &configuration.reading(band));
        let study = study.map_err(|e| context.error(e))?;
        let drawn = title.map(|title| panels::ratios(title, &study, level)).into_iter().collect();
        studies.push((study, drawn));
    }
    Ok(studies)
}

/// Kilometres between rows and between columns in the middle of a square on the sphere.
fn spacing_kilometres(field: &Field, square: Square) -> (f64, f64) {
    let degree = EARTH_RADIUS_METRES.to_radians() / 1000.0;
    let middle = field.latitude().centres()[square.row + square.cells / 2];
    (field.latitude().spacing().abs() * degree, field.longitude().spacing().abs() * degree * middle.to_radians().cos())
}

fn spectral_rows(configuration: &DiagnosticsConfiguration, study: &SpectralStudy) -> Vec<TidyRow> {
    let subject = Subject { dataset: study.dataset, tier: study.tier, seed: configuration.seed };
    let n = (study.days * study.square.cells * study.square.cells) as u64;
    let blocks = |interval: Option<(f64, f64)>| interval.map(|_| study.slope.units);
    let interval = study.slope.interval(0);
    let mut rows = vec![subject.row("truth", "spectral_slope", study.slope.values[0], interval, n, blocks(interval), "1")];
    if study.tier == Tier::Twin {
        rows.push(subject.row("theory", "spectral_slope", INERTIAL_SLOPE, None, 1, None, "1"));
    }
    for p in &study.products {
        // Where no scale or every scale is resolved there is no such wavelength, and no row.
        let mut add = |metric: &str, wavelength: Option<Wavelength>| {
            if let Some(w) = wavelength {
                rows.push(subject.row(&p.method, metric, w.kilometres, w.interval, n, blocks(w.interval), "km"));
            }
        };
        add("resolution_energy", p.energy);
        add("resolution_agreement", p.agreement);
    }
    rows
}

/// The one effective resolution that is known: the fine analysis is the truth smoothed by a Gaussian, and keeps of the power
/// at a wavelength the part exp(−(2πσ/λ)²).
fn known_resolution(configuration: &DiagnosticsConfiguration, twin: &Twin, study: &SpectralStudy) -> Vec<TidyRow> {
    let subject = Subject { dataset: "twin_fine_analysis", tier: Tier::Twin, seed: configuration.seed };
    let cell = CELL_METRES / 1000.0;
    let sigma = twin.config().analyses.fine_smoothing_cells * cell;
    let known = std::f64::consts::TAU * sigma / (-configuration.resolution_level.ln()).sqrt();
    let Some(found) = study.products.iter().find(|p| p.method == "fine_analysis").and_then(|p| p.energy) else {
        return Vec::new();
    };
    // The spectrum has one value for each whole number of waves in the square: neighbours are λ²/side apart.
    let apart = known * known / (study.square.cells as f64 * cell);
    let n = (study.days * study.square.cells * study.square.cells) as u64;
    let metric = "resolution_energy";
    vec![
        subject.known(metric, known, apart, "km"),
        subject.row("spectral_ratio", metric, found.kilometres, found.interval, n, Some(study.slope.units), "km"),
    ]
}

fn analysis_error(
    context: &StepContext<'_>,
    configuration: &DiagnosticsConfiguration,
    twin: &Twin,
    days: &[usize],
) -> PaperResult<(Vec<TidyRow>, Vec<LinePanel>)> {
    let error = coarse_error(twin, days).map_err(|e| context.error(e))?;
    let cell = CELL_METRES * COARSE_FACTOR as f64 / 1000.0;
    let (resamples, seed) = (configuration.resamples, configuration.seed);
    let blocks = (configuration.block_days, resamples, seed);
    let found = error_variogram(&error, cell, configuration.variogram_largest_lag, blocks).map_err(|e| context.error(e))?;
    let known = known_variogram(twin).map_err(|e| context.error(e))?;
    let subject = Subject { dataset: "twin_analysis_error", tier: Tier::Twin, seed };
    let mut rows = Vec::new();
    let recovered = |metric: &str, method: &str, from: &Estimates, position: usize, n: u64, unit: &str| {
        // None of these can be negative, but an interval that is widened about a small value could.
        let interval = from.interval(position).map(|(lower, upper)| (lower.max(0.0), upper));
        subject.row(method, metric, from.values[position], interval, n, Some(from.units), unit)
    };
    let knowns = [("error_range", known.range(), "km"), ("error_sill", known.sill(), "K2"), ("error_nugget", known.nugget, "K2")];
    for (position, (metric, value, unit)) in knowns.into_iter().enumerate() {
        rows.push(recovered(metric, "variogram", &found.parameters, position, found.pairs, unit));
        rows.push(subject.known(metric, value, 0.0, unit));
    }
    let memory = error_memory(&error, configuration.largest_lag_days, configuration.tile_cells, (resamples, seed))
        .map_err(|e| context.error(e))?;
    let known_days = twin.config().analyses.error_days;
    rows.push(recovered("error_memory", "autocorrelation", &memory.e_folding, 0, memory.values, "d"));
    rows.push(subject.known("error_memory", known_days, 0.0, "d"));
    Ok((rows, vec![panels::variogram(&found, &known), panels::memory(&memory, known_days)]))
}

fn collocation(
    context: &StepContext<'_>,
    configuration: &DiagnosticsConfiguration,
    twin: &Twin,
    days: &[usize],
) -> PaperResult<(Vec<TidyRow>, LinePanel)> {
    let rule = TripletRule {
        minimum_quality: configuration.minimum_quality,
        night_hours: configuration.night_hours,
        radiometer_noise_kelvin: configuration.radiometer_noise_kelvin,
        seed: configuration.seed,
    };
    let triplets = triplets(twin, days, &rule).map_err(|e| context.error(e))?.map_err(|e| context.error(e))?;
    println!("{} triplets of {} drifters", triplets.drifter.len(), triplets.drifters);
    let (found, intervals) = errors_of(&triplets, configuration.platform_block, configuration.resamples, configuration.seed)
        .map_err(|e| context.error(e))?;
    let subject = Subject { dataset: "twin_in_situ", tier: Tier::Twin, seed: configuration.seed };
    let blocks = found.count as f64 / configuration.platform_block as f64;
    let known = [
        ("drifter_error", Some(("drifter", twin.true_error_sd(crate::data::Platform::Drifter)))),
        // What its smoothing takes counts as its error, so no number that was put in is to be found again.
        ("fine_analysis_error", None),
        ("radiometer_error", Some(("radiometer (simulated)", configuration.radiometer_noise_kelvin))),
    ];
    let (mut rows, mut drawn) = (Vec::new(), Vec::new());
    for ((metric, known), (set, interval)) in known.into_iter().zip(found.sets.iter().zip(&intervals)) {
        let (value, interval) = (set.error_deviation(), (interval.error_deviation.lower, interval.error_deviation.upper));
        rows.push(subject.row("triple_collocation", metric, value, Some(interval), found.count as u64, Some(blocks), "K"));
        if let Some((name, known)) = known {
            rows.push(subject.known(metric, known, 0.0, "K"));
            drawn.push(RecoveredError { name, known, value, interval });
        }
    }
    Ok((rows, panels::collocation(&drawn)))
}

/// The range of one day of the Mediterranean's topography by great-circle distance.
fn proxy_variogram(context: &StepContext<'_>, configuration: &DiagnosticsConfiguration) -> PaperResult<Vec<TidyRow>> {
    let field = products::read_field(context, products::MEDITERRANEAN_ADT)?;
    let values: Vec<f64> = field.frame(0).iter().map(|v| f64::from(*v)).collect();
    let valid: Vec<bool> = field.frame_mask(0).iter().map(|c| c.is_valid()).collect();
    let fit = || {
        let grid = LatLonGrid::new(field.latitude().centres(), field.longitude().len(), field.longitude().spacing().abs())?;
        let bins = LagBins::even(configuration.proxy_variogram_kilometres, configuration.proxy_variogram_bins)?;
        let found = grid.variogram(&values, Some(&valid), &bins, EARTH_RADIUS_METRES / 1000.0, true)?;
        let fit = VariogramFit { family: VariogramFamily::Stable, weights: FitWeights::Pairs, nugget: true, largest_range: None };
        Ok((found.pairs(), fit.of(&found)?))
    };
    let (pairs, fitted) = fit().map_err(|e: crate::score::ScoreError| context.error(e))?;
    let subject = Subject { dataset: "mediterranean_adt_day", tier: Tier::Proxy, seed: configuration.seed };
    // A fit that runs against its limit says only that the range is longer.
    let name = if fitted.range_at_limit { "range_at_least" } else { "range" };
    Ok(vec![
        subject.row("variogram", name, fitted.model.range(), None, pairs, None, "km"),
        subject.row("variogram", "sill", fitted.model.sill(), None, pairs, None, "m2"),
    ])
}
