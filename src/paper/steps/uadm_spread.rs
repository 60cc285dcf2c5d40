//! How far UADM's spread follows its error from cell to cell, by the number of members, as they fall and inflated; and what a
//! reliable ensemble of as many members would show.

use serde::{Deserialize, Serialize};

use super::contests::{self, Contest};
use super::diagnostics_bootstrap::estimates;
use super::training_ground::WEIGHTS;
use super::uadm_predictions::{INFLATIONS, Inflations};
use super::uadm_spread_bins::{SpreadBins, SpreadReading};
use crate::data::Tier;
use crate::grid::{Field, GridResult};
use crate::methods::refinement::Tiles;
use crate::methods::uadm::{EnsembleOptions, Uadm};
use crate::methods::{MethodError, MethodResult};
use crate::paper::step::{Step, StepContext};
use crate::paper::{PaperResult, TableRender, TidyRow, TidyTable, publish_table};
use crate::score::ScoreResult;

/// The method whose ensemble it is.
const METHOD: &str = "uadm";
/// Name of the file with the bins for the figure.
pub const CURVES: &str = "curves.json";

/// The step.
pub const STEP: Step = Step {
    name: "uadm_spread",
    about: "whether UADM's spread follows its error, by the number of members",
    rooms: &[
        super::TWIN_AND_SPLIT,
        &[
            "src/base/",
            "src/grid/",
            "src/cf/",
            "src/score/",
            "src/nn/",
            "src/diffusion/",
            "src/train/",
            "src/data/",
            "src/methods/refinement/",
            "src/methods/regression/",
            "src/methods/uadm/",
            "src/methods/error.rs",
            "src/paper/products.rs",
            "src/paper/table",
            "src/paper/steps/contests.rs",
            "src/paper/steps/diagnostics_bootstrap.rs",
            "src/paper/steps/training_ground.rs",
            "src/paper/steps/uadm_methods.rs",
            "src/paper/steps/uadm_predictions.rs",
            "src/paper/steps/uadm_spread.rs",
            "src/paper/steps/uadm_spread_bins.rs",
        ],
    ],
    configurations: &["configs/uadm/spread.toml", super::split::CONFIGURATION],
    needs: &["twin", "uadm", "uadm_predictions"],
    data: &[],
    publishes: &[
        ("uadm_spread.csv", "figures/tables/uadm_spread.csv"),
        ("uadm_spread.md", "figures/tables/uadm_spread.md"),
        ("uadm_spread.html", "figures/tables/uadm_spread.html"),
        ("uadm_spread.json", "figures/tables/uadm_spread.json"),
    ],
    run,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpreadConfiguration {
    /// Every how many days a test day is taken.
    day_stride: usize,
    /// Numbers of members.
    members: Vec<usize>,
    /// Bins of the spread.
    bins: usize,
    /// Edge in fine cells of the squares over which the variance is averaged in a second reading.
    pooled_cells: usize,
    /// Bootstrap resamples.
    resamples: usize,
    /// Seed of ensemble and bootstrap.
    seed: u64,
}

/// Spread and error in the bins of one ensemble.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpreadCurve {
    /// Its name in the table: `uadm_16`.
    pub method: String,
    /// Spread and error of each bin.
    pub bins: Vec<(f64, f64)>,
}

/// Members as they fell, and as far from the walk without noise as validation days want them.
struct Drawn {
    fallen: Vec<Field>,
    inflated: Vec<Field>,
}

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: SpreadConfiguration = context.configuration()?;
    let fail = |e: MethodError| context.error(e);
    let split = context.study.split()?;
    let twin = super::twin::open(context)?;
    let network = Uadm::load(&context.input(METHOD)?.join(WEIGHTS), &candle_core::Device::Cpu).map_err(fail)?;
    let text = std::fs::read_to_string(context.input("uadm_predictions")?.join(INFLATIONS)).map_err(|e| context.error(e))?;
    let inflations: Inflations = serde_json::from_str(&text).map_err(|e| context.error(e))?;
    let inflation = inflations.get("twin").and_then(|all| all.get(METHOD)).map(|found| found.0);
    let inflation = inflation.ok_or_else(|| context.error(format!("{INFLATIONS} tells no inflation of {METHOD}")))?;
    let days: Vec<usize> = split.test_days().into_iter().step_by(configuration.day_stride.max(1)).collect();
    let [contest, _] = contests::twin(context, &twin, "test", &days, super::FACTOR)?;
    let drawn = draw(&configuration, &network, &contest, inflation).map_err(fail)?;
    let (mut rows, mut curves) = (Vec::new(), Vec::new());
    for (method, reading) in readings(&configuration, &drawn, &contest.truth).map_err(|e| context.error(e))? {
        rows.extend(table_rows(&configuration, &method, &reading).map_err(|e| context.error(e))?);
        let frames: Vec<usize> = (0..contest.truth.frames()).collect();
        curves.push(SpreadCurve { method, bins: reading.reading(&frames).map_err(|e| context.error(e))?.bins });
    }
    let text = serde_json::to_string_pretty(&curves).map_err(|e| context.error(e))?;
    crate::base::files::write_atomic(&context.path(CURVES), text.as_bytes()).map_err(|e| context.error(e))?;
    let certificate = split.certificate()?.to_string();
    let passport = context.passport("uadm_spread", vec![Tier::Twin], configuration.seed, serde_json::Value::Null)?;
    let title = "UADM's spread against its error, by the number of members";
    let render = TableRender { title, certificate: &certificate, decimals: 3 };
    publish_table(&TidyTable::new("uadm_spread", rows)?, &render, &context.path("uadm_spread"), &passport)?;
    Ok(())
}

/// Draws the members once, and finds the walk without noise from one member that is drawn again, inflated.
fn draw(configuration: &SpreadConfiguration, network: &Uadm, contest: &Contest, inflation: f64) -> MethodResult<Drawn> {
    let options = EnsembleOptions {
        members: configuration.members.iter().copied().max().unwrap_or(0) + 1,
        seed: configuration.seed,
        antithetic: false,
        tiles: Some(Tiles::Overlapped(network.config().tile.cells)),
        ..EnsembleOptions::default()
    };
    println!("{} members of {} days", options.members, contest.low.frames());
    let fallen = network.apply(&contest.low, &options)?.members;
    let again = network.apply(&contest.low, &EnsembleOptions { members: 1, inflation, ..options })?.members;
    let mut inflated = Vec::with_capacity(fallen.len());
    for member in &fallen {
        inflated.push(moved(member, &fallen[0], &again[0], inflation)?);
    }
    Ok(Drawn { fallen, inflated })
}

/// `member`, `inflation` times as far from the centre as it fell; `first` and `moved_first` are a member before and after.
fn moved(member: &Field, first: &Field, moved_first: &Field, inflation: f64) -> GridResult<Field> {
    // moved = centre + inflation (first − centre) says where the centre is; without inflation there is none to find.
    if (inflation - 1.0).abs() < 1e-6 {
        return Ok(member.clone());
    }
    let values = member.values().iter().zip(first.values().iter().zip(moved_first.values()));
    let values = values.map(|(value, (fell, moved))| (f64::from(*moved) + inflation * f64::from(value - fell)) as f32);
    member.with_values(values.collect(), member.mask().clone())
}

/// The ensembles of the table by name.
fn readings(configuration: &SpreadConfiguration, drawn: &Drawn, truth: &Field) -> ScoreResult<Vec<(String, SpreadBins)>> {
    let mut found = Vec::new();
    let pooled = Some(configuration.pooled_cells);
    for &count in &configuration.members {
        let (fallen, inflated): (Vec<&Field>, Vec<&Field>) =
            (drawn.fallen[..count].iter().collect(), drawn.inflated[..count].iter().collect());
        let bins = |truth: &Field, members: &[&Field], pooled| SpreadBins::of(truth, members, configuration.bins, pooled);
        found.push((format!("uadm_{count}"), bins(truth, &inflated, None)?));
        found.push((format!("uadm_{count}_as_fallen"), bins(truth, &fallen, None)?));
        found.push((format!("uadm_{count}_pooled"), bins(truth, &inflated, pooled)?));
        // A member that is in no ensemble is to the others what the truth is to a reliable one.
        if let Some(one_more) = drawn.inflated.last() {
            found.push((format!("reliable_{count}"), bins(one_more, &inflated, None)?));
            found.push((format!("reliable_{count}_pooled"), bins(one_more, &inflated, pooled)?));
        }
    }
    Ok(found)
}

/// Ratio and slope with intervals over days; spread and error in the lowest and the highest bin.
fn table_rows(configuration: &SpreadConfiguration, method: &str, bins: &SpreadBins) -> ScoreResult<Vec<TidyRow>> {
    const METRICS: [(&str, &str); 6] = [
        ("spread_skill", "1"),
        ("spread_slope", "1"),
        ("spread_lowest", "K"),
        ("rmse_lowest", "K"),
        ("spread_highest", "K"),
        ("rmse_highest", "K"),
    ];
    let statistic = |at: &[usize]| -> ScoreResult<Vec<f64>> {
        let SpreadReading { ratio, slope, bins } = bins.reading(at)?;
        let (lowest, highest) = (bins[0], bins[bins.len() - 1]);
        Ok(vec![ratio, slope, lowest.0, lowest.1, highest.0, highest.1])
    };
    let found = estimates(bins.frames(), 1, configuration.resamples, configuration.seed, statistic)?;
    let cells = bins.cells();
    let rows = METRICS.into_iter().enumerate().map(|(position, (metric, unit))| TidyRow {
        dataset: "twin".into(),
        tier: Tier::Twin,
        split: "test".into(),
        method: method.into(),
        metric: metric.into(),
        value: found.values[position],
        lower: found.interval(position).map(|i| i.0),
        upper: found.interval(position).map(|i| i.1),
        n: if position < 2 { cells } else { cells / configuration.bins as u64 },
        n_eff: Some(found.units),
        unit: unit.into(),
        seed: configuration.seed,
    });
    Ok(rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Axis, AxisKind, Cell, Mask, TimeAxis, Unit};

    fn field(values: [f32; 2]) -> Field {
        let lat = Axis::regular(AxisKind::Latitude, 30.0, 0.05, 1).unwrap();
        let lon = Axis::regular(AxisKind::Longitude, 10.0, 0.05, 2).unwrap();
        let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
        Field::new("sst", values.to_vec(), Mask::from_cells(vec![Cell::Valid; 2]), time, lat, lon, Unit::Kelvin).unwrap()
    }

    #[test]
    fn members_move_away_from_the_centre_that_one_of_them_tells() {
        // The centre is (10, 20); members fell at (11, 18) and (9, 21), and go twice as far.
        let (first, other) = (field([11.0, 18.0]), field([9.0, 21.0]));
        let moved_first = field([12.0, 16.0]);
        let found = moved(&other, &first, &moved_first, 2.0).unwrap();
        assert_eq!(found.values(), [8.0, 22.0]);
        assert_eq!(moved(&other, &first, &first, 1.0).unwrap().values(), other.values());
    }

    #[test]
    fn the_committed_configuration_is_read() {
        let found: SpreadConfiguration = toml::from_str(include_str!("../../../configs/uadm/spread.toml")).unwrap();
        assert!(found.members.iter().all(|m| *m >= 2) && found.bins >= 2);
    }
}
