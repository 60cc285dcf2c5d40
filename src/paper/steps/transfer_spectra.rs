//! The figure of the dust's spectra: how much power each method has at which wavelength.

use super::diagnostics_figure as panels;
use super::diagnostics_spectra::{SpectralReading, SpectralStudy};
use super::transfer_dust::CONFIGURATION;
use super::transfer_figures::{ROOMS, figure_step, open, passport};
use super::transfer_ground::DUST_ROOMS;
use super::transfer_predictions::{TEST, TRUTH, TransferLadderConfiguration};
use super::transfer_scores::field_of;
use crate::data::Tier;
use crate::figure::{LinePanel, LineStyle, draw_lines};
use crate::grid::{EARTH_RADIUS_METRES, Field};
use crate::paper::PaperResult;
use crate::paper::step::{Step, StepContext};

/// Spectra and their ratios to the truth's.
pub const STEP: Step = figure_step!(
    "transfer_spectra",
    "figures/transfer_spectra.png: power by wavelength of the dust's truth and methods",
    &[
        "src/paper/products.rs",
        "src/paper/steps/diagnostics_figure.rs",
        "src/paper/steps/diagnostics_spectra.rs",
        "src/paper/steps/diagnostics_errors.rs",
        "src/paper/steps/diagnostics_triplets.rs",
        "src/paper/steps/land_free_square.rs",
        "src/paper/steps/transfer_spectra.rs",
    ],
    &["transfer_predictions"],
    spectra
);

/// What is drawn, and under which name.
const DRAWN: [(&str, &str); 5] = [
    ("bilinear", "bilinear"),
    ("unet", "U-Net"),
    ("vae", "VAE, mean"),
    ("ddpm", "DDPM, mean"),
    ("ddpm_member", "DDPM, one member"),
];

/// The share of the truth's power below which a scale counts as lost.
const LEVEL: f64 = 0.5;

fn spectra(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: TransferLadderConfiguration = context.configuration()?;
    let predictions = open(context, TEST)?;
    let truth = predictions.field(TRUTH)?;
    let products = DRAWN
        .iter()
        .map(|(method, title)| Ok((title.to_string(), predictions.field(&field_of(method))?.clone())))
        .collect::<PaperResult<Vec<(String, Field)>>>()?;
    let (row, column) = spacing_kilometres(truth);
    let reading = SpectralReading {
        // From four cells to half the area: where a slope is a slope.
        band_kilometres: (4.0 * row, row * truth.latitude().len() as f64 / 2.0),
        fine_band_kilometres: None,
        level: LEVEL,
        block_days: configuration.block_days.div_ceil(configuration.day_stride.max(1)),
        resamples: configuration.resamples,
        seed: configuration.seed,
    };
    let study = SpectralStudy::of("dust_log10", Tier::Twin, truth, &products, |_, _| (row, column), &reading)
        .map_err(|e| context.error(e))?;
    let title = format!("Spectra, n = {} maps of {} x {} cells", study.days, study.square.cells, study.square.cells);
    let drawn = [
        LinePanel { y_label: "power (decades² km)".into(), ..panels::spectra(&title, &study) },
        panels::ratios("Power over the truth's", &study, LEVEL),
    ];
    draw_lines(&drawn, &LineStyle::default(), &context.path("transfer_spectra"), &passport(context, configuration.seed)?)
        .map_err(|e| context.error(e))?;
    Ok(())
}

/// Distance of rows and of columns at the middle row, in kilometres.
fn spacing_kilometres(field: &Field) -> (f64, f64) {
    let degree = EARTH_RADIUS_METRES / 1000.0 * std::f64::consts::PI / 180.0;
    let centres = field.latitude().centres();
    let middle = centres[centres.len() / 2];
    (field.latitude().spacing().abs() * degree, field.longitude().spacing().abs() * degree * middle.to_radians().cos())
}
