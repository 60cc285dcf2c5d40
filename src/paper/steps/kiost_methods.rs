//! What each downscaling of the third paper makes of the bay's test year.

use candle_core::Device;
use serde::Deserialize;

use super::kiost_bay::{self, Bay};
use super::training_ground::WEIGHTS;
use crate::data::splits::Part;
use crate::grid::{Field, Fill, Interpolation, fill_masked, upsample};
use crate::methods::kiost::Downscaler;
use crate::methods::regression::BiasCorrected;
use crate::paper::PaperResult;
use crate::paper::products;
use crate::paper::step::StepContext;

/// How the downscaling is scored and drawn (`configs/kiost/scores.toml`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KiostScoresConfiguration {
    /// Height of the bands of latitude whose mean offset the corrected bicubic takes off.
    pub bias_band_degrees: f64,
    /// Length of a bootstrap block in days.
    pub block_days: usize,
    /// Bootstrap resamples.
    pub resamples: usize,
    /// Days that are drawn, counted from the bay's first.
    pub map_days: Vec<usize>,
    /// Seed of the bootstrap.
    pub seed: u64,
}

/// Where the configuration lies.
pub const CONFIGURATION: &str = "configs/kiost/scores.toml";

/// Trained downscalings: the step that trains each bears its name.
pub const TRAINED: [&str; 3] = ["gan_pure", "gan", "gan_insitu"];
/// The training of the smaller refinement.
pub const GLOBAL: &str = "gan_global";
/// What a step needs that applies them all.
pub const NEEDS: [&str; 4] = ["kiost_twin", TRAINED[0], TRAINED[1], TRAINED[2]];
/// The bicubic of anomalies on the composite's seasonal cycle: what the networks add to.
pub const ANOMALY: &str = "bicubic_anomaly";
/// The composite that the networks learn from, which no method is given on test days.
pub const COMPOSITE: &str = "fine_composite";

/// How a method is called in figures.
pub fn title(method: &str) -> &str {
    match method {
        "bicubic_bias" => "bicubic, offsets taken off",
        ANOMALY => "bicubic of anomalies",
        COMPOSITE => "fine composite",
        "gan_pure" => "GAN, critic alone",
        "gan" => "GAN",
        "gan_insitu" => "GAN + in situ",
        other => other,
    }
}

/// The test days that are scored: those that end a whole week within their part.
pub fn test_days(bay: &Bay) -> Vec<usize> {
    let test = bay.days(Part::Test);
    test.iter().copied().filter(|d| test.contains(&d.saturating_sub(6))).collect()
}

/// Truth and methods on the cells of 0.1 degree, the global case: the bicubics brought to these cells, and the network made
/// for them.
///
/// # Errors
/// Where the checkpoint is absent or damaged.
pub fn global_fields(context: &StepContext<'_>, bay: &Bay, days: &[usize]) -> PaperResult<(Field, Vec<Field>)> {
    let wrong = |e: crate::methods::MethodError| context.error(e);
    let grid = |e: crate::grid::GridError| context.error(e);
    let network = Downscaler::load(&context.input(GLOBAL)?.join(WEIGHTS), &Device::Cpu).map_err(wrong)?;
    let tenth = |f: &Field| kiost_bay::tenth_degree(f).map_err(grid);
    let truth = tenth(&products::frames(bay.twin.truth(), days).map_err(grid)?)?;
    let coarse = products::frames(&bay.coarse, days).map_err(grid)?;
    let sea = |f: Field| f.remasked(truth.mask().clone()).map_err(grid);
    let filled = fill_masked(&coarse, Fill::Nearest).map_err(grid)?;
    let bicubic = tenth(&upsample(&filled, super::FACTOR, Interpolation::Bicubic).map_err(grid)?)?;
    let anomaly = network.normalisation().apply_base(&coarse).map_err(wrong)?;
    let learned = network.apply(&bay.coarse, days).map_err(wrong)?;
    let composite = tenth(&products::frames(&bay.fine, days).map_err(grid)?)?;
    let all = vec![
        sea(bicubic)?.named("bicubic"),
        sea(anomaly)?.named(ANOMALY),
        sea(learned)?.named(GLOBAL),
        sea(composite)?.named(COMPOSITE),
    ];
    Ok((truth, all))
}

/// The fields of all methods on those `days` of the bay that end a whole week, simplest first; at the end the composite. All
/// have a value wherever the fine grid is sea.
///
/// # Errors
/// Where a checkpoint is absent or damaged.
pub fn fields(context: &StepContext<'_>, bay: &Bay, days: &[usize], bias_band_degrees: f64) -> PaperResult<Vec<Field>> {
    let wrong = |e: crate::methods::MethodError| context.error(e);
    let grid = |e: crate::grid::GridError| context.error(e);
    let mut networks = Vec::new();
    for name in TRAINED {
        networks.push(Downscaler::load(&context.input(name)?.join(WEIGHTS), &Device::Cpu).map_err(wrong)?);
    }
    let truth = products::frames(bay.twin.truth(), days).map_err(grid)?;
    let coarse = products::frames(&bay.coarse, days).map_err(grid)?;
    // Coastal cells whose coarse cell is land take what the nearest sea says, for every method alike.
    let filled = fill_masked(&coarse, Fill::Nearest).map_err(grid)?;
    let sea = |f: Field| f.remasked(truth.mask().clone()).map_err(grid);
    let mut all = vec![sea(upsample(&filled, super::FACTOR, Interpolation::Bicubic).map_err(grid)?)?.named("bicubic")];
    let everywhere = fill_masked(&bay.coarse, Fill::Nearest).map_err(grid)?;
    let offsets = BiasCorrected::fit(&everywhere, &bay.fine, super::FACTOR, &bay.days(Part::Train), bias_band_degrees);
    all.push(sea(offsets.and_then(|o| o.apply(&filled)).map_err(wrong)?)?.named(BiasCorrected::METHOD));
    if let Some(first) = networks.first() {
        all.push(sea(first.normalisation().apply_base(&coarse).map_err(wrong)?)?.named(ANOMALY));
    }
    for (name, network) in TRAINED.into_iter().zip(&networks) {
        all.push(sea(network.apply(&bay.coarse, days).map_err(wrong)?)?.named(name));
    }
    all.push(products::frames(&bay.fine, days).map_err(grid)?.named(COMPOSITE));
    Ok(all)
}
