//! The products of the twin's test days at drifters and moorings, on the common set, and their statistics.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::training_ground::WEIGHTS;
use super::weights;
use crate::data::Tier;
use crate::data::{Observation, Observations};
use crate::grid::{Field, SECONDS_PER_DAY};
use crate::methods::refinement::Tiles;
use crate::methods::uadm::{EnsembleOptions, Uadm};
use crate::paper::matchup_table::MatchupTable;
use crate::paper::products;
use crate::paper::step::{Step, StepContext};
use crate::paper::{PaperResult, TableRender, TidyRow, TidyTable, publish_table};
use crate::score::{
    Interpolation, MatchRule, Pairs, Point, PointwiseMetric, Resampling, ScoreResult, common_set, match_field,
    percentile_interval, resample, super_observations,
};

/// How matchups are made (`configs/scatter/quick.toml`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchupConfiguration {
    /// Observations of lower quality are left out.
    pub minimum_quality: u8,
    /// Edge of a super-observation's cell in degrees.
    pub cell_degrees: f64,
    /// Local solar hours between which observations count.
    pub night_hours: (f64, f64),
    /// Largest time between observation and field, in hours.
    pub time_window_hours: f64,
    /// Least share of a bilinear value's corners that must be sea.
    pub minimum_weight: f64,
    /// Members of the ensembles.
    pub members: usize,
    /// Length of a bootstrap block in days.
    pub block_days: f64,
    /// Bootstrap resamples.
    pub resamples: usize,
    /// Seed of the bootstrap.
    pub seed: u64,
}

/// Networks of the UADM ladder that are held against buoys too.
const REGRESSIONS: [&str; 2] = ["rrdb", "swin_light"];
/// Ensembles: their mean, and a member.
const ENSEMBLES: [&str; 2] = ["resshift", "uadm"];

/// The step.
pub const STEP: Step = Step {
    name: "matchups",
    about: "all products at drifters and moorings, on the common set, with statistics",
    rooms: &[
        super::TWIN_AND_SPLIT,
        super::SCORED_LADDER,
        &["src/diffusion/", "src/methods/uadm/", "src/paper/matchup_table.rs", "src/paper/steps/matchups.rs"],
    ],
    configurations: &["configs/scatter/quick.toml", super::split::CONFIGURATION],
    needs: &["twin", "edsr", "rrdb", "swin_light", "resshift", "uadm"],
    data: &[],
    publishes: &[
        ("scatter_matchups.csv", "figures/tables/scatter_matchups.csv"),
        ("scatter_scores.csv", "figures/tables/scatter_scores.csv"),
        ("scatter_scores.md", "figures/tables/scatter_scores.md"),
        ("scatter_scores.html", "figures/tables/scatter_scores.html"),
        ("scatter_scores.json", "figures/tables/scatter_scores.json"),
    ],
    run,
};

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: MatchupConfiguration = context.configuration()?;
    let split = context.study.split()?;
    let twin = super::twin::open(context)?;
    let days = split.test_days();
    let fail = |e: crate::grid::GridError| context.error(e);
    let coarse = products::frames(&twin.coarse_analysis().map_err(|e| context.error(e))?, &days).map_err(fail)?;
    let fine = products::frames(&twin.fine_analysis().map_err(|e| context.error(e))?, &days).map_err(fail)?;
    let mut fields: Vec<(String, Field)> = vec![("coarse_analysis".into(), coarse.clone())];
    for method in weights::ladder_methods(context)? {
        let high = method.apply(&coarse, super::FACTOR).map_err(|e| context.error(e))?;
        fields.push((method.id().into(), high.masked(fine.mask()).map_err(fail)?));
    }
    for name in REGRESSIONS {
        let high = weights::trained(context, name)?.apply(&coarse, super::FACTOR).map_err(|e| context.error(e))?;
        fields.push((name.into(), high.masked(fine.mask()).map_err(fail)?));
    }
    let options = EnsembleOptions {
        members: configuration.members,
        seed: configuration.seed,
        tiles: Some(Tiles::Whole),
        ..Default::default()
    };
    for name in ENSEMBLES {
        let network = Uadm::load(&context.input(name)?.join(WEIGHTS), &candle_core::Device::Cpu).map_err(|e| context.error(e))?;
        let ensemble = network.apply(&coarse, &options).map_err(|e| context.error(e))?;
        fields.push((name.into(), ensemble.mean.masked(fine.mask()).map_err(fail)?));
        if let Some(member) = ensemble.members.first() {
            fields.push((format!("{name}_member"), member.masked(fine.mask()).map_err(fail)?));
        }
    }
    fields.push(("fine_analysis".into(), fine));
    let table = match_products(&configuration, &twin.observations(), &fields).map_err(|e| context.error(e))?;
    if table.in_situ.is_empty() {
        return Err(
            context.error("no observation has a value in every product; check the dates, the area and the quality asked for")
        );
    }
    println!("{} matchups common to {} products", table.in_situ.len(), fields.len());
    table.write(&context.path("scatter_matchups.csv"))?;
    let rows = statistics(&configuration, &table).map_err(|e| context.error(e))?;
    let certificate = split.certificate()?;
    let mut passport = context.passport("scatter_scores", vec![Tier::Twin], configuration.seed, serde_json::Value::Null)?;
    let sum = crate::base::hash::sha256_file(&context.path("scatter_matchups.csv")).map_err(|e| context.error(e))?;
    passport.files.insert("scatter_matchups.csv".into(), sum);
    let render =
        TableRender { title: "Products against drifters and moorings", certificate: &certificate.to_string(), decimals: 4 };
    publish_table(&TidyTable::new("scatter_scores", rows)?, &render, &context.path("scatter_scores"), &passport)?;
    Ok(())
}

/// Local solar hour of an observation.
fn solar_hour(observation: &Observation) -> f64 {
    (observation.time / 3600.0 + observation.longitude / 15.0).rem_euclid(24.0)
}

/// To the digits that the matchup table holds, so that anyone gets the same statistics from the table.
fn table_precision(celsius: f64) -> f64 {
    (celsius * 1e4).round() / 1e4
}

fn match_products(
    configuration: &MatchupConfiguration,
    observations: &Observations,
    fields: &[(String, Field)],
) -> ScoreResult<MatchupTable> {
    let (from, to) = configuration.night_hours;
    let mut platforms: BTreeMap<&str, Vec<&Observation>> = BTreeMap::new();
    for observation in &observations.0 {
        let hour = solar_hour(observation);
        if observation.quality >= configuration.minimum_quality && hour >= from && hour <= to {
            platforms.entry(&observation.platform_id).or_default().push(observation);
        }
    }
    let mut table =
        MatchupTable { products: fields.iter().map(|(id, _)| (id.clone(), Vec::new())).collect(), ..Default::default() };
    let (mut points, mut values) = (Vec::new(), Vec::new());
    for (id, own) in platforms {
        let at: Vec<Point> = own
            .iter()
            .map(|o| Point { time: o.time, latitude: o.latitude, longitude: o.longitude, quality: o.quality })
            .collect();
        let sst: Vec<f64> = own.iter().map(|o| o.sst_celsius).collect();
        for s in super_observations(&at, &sst, configuration.cell_degrees)? {
            table.platform_id.push(id.to_string());
            table.platform.push(own[0].platform.name().to_string());
            table.count.push(s.count as u32);
            points.push(s.point);
            values.push(table_precision(s.mean));
        }
    }
    let mut matched = Vec::new();
    for (_, field) in fields {
        let spacing = field.latitude().spacing().abs().max(field.longitude().spacing().abs());
        let rule = MatchRule {
            // Half the diagonal of a cell: every point inside the grid has its cell.
            radius_degrees: 0.75 * spacing,
            time_window_seconds: configuration.time_window_hours * 3600.0,
            interpolation: Interpolation::Bilinear,
            minimum_quality: configuration.minimum_quality,
            minimum_weight: configuration.minimum_weight,
        };
        matched.push(match_field(field, &points, &rule)?);
    }
    let common = common_set(&matched)?;
    table.keep(&common);
    for i in &common {
        table.time_seconds.push(points[*i].time);
        table.latitude.push(points[*i].latitude);
        table.longitude.push(points[*i].longitude);
        table.in_situ.push(values[*i]);
        for ((_, column), matches) in table.products.iter_mut().zip(&matched) {
            column.push(matches[*i].map_or(f64::NAN, |m| table_precision(m.value)));
        }
    }
    Ok(table)
}

/// The statistics of each product with bootstrap intervals over platforms and time blocks.
fn statistics(configuration: &MatchupConfiguration, table: &MatchupTable) -> ScoreResult<Vec<TidyRow>> {
    type Statistic = (&'static str, &'static str, fn(&Pairs) -> ScoreResult<f64>);
    const STATISTICS: [Statistic; 5] = [
        ("rmse", "K", |p| PointwiseMetric::Rmse.of(p)),
        ("bias", "K", |p| PointwiseMetric::Bias.of(p)),
        ("r_squared_pearson", "1", |p| PointwiseMetric::RSquaredPearson.of(p)),
        ("slope", "1", |p| Ok(p.fit_truth_on_prediction()?.slope)),
        ("intercept", "K", |p| Ok(p.fit_truth_on_prediction()?.intercept)),
    ];
    let mut numbers: BTreeMap<(&str, i64), usize> = BTreeMap::new();
    let block_seconds = configuration.block_days * SECONDS_PER_DAY;
    let block_of: Vec<usize> = (0..table.in_situ.len())
        .map(|i| {
            let next = numbers.len();
            *numbers.entry((&table.platform_id[i], (table.time_seconds[i] / block_seconds).floor() as i64)).or_insert(next)
        })
        .collect();
    let mut rows = Vec::new();
    for (id, values) in &table.products {
        let mut blocks = vec![Pairs::default(); numbers.len()];
        for (i, value) in values.iter().enumerate() {
            blocks[block_of[i]].add(table.in_situ[i], *value, 1.0)?;
        }
        let merged = |at: &[usize]| {
            at.iter().fold(Pairs::default(), |mut all, i| {
                all.merge(&blocks[*i]);
                all
            })
        };
        let all: Vec<usize> = (0..blocks.len()).collect();
        for (name, unit, of) in STATISTICS {
            let replicates =
                resample(blocks.len(), Resampling::Unit, configuration.resamples, configuration.seed, |at| of(&merged(at)))?;
            let interval = percentile_interval(&replicates, 0.95)?;
            rows.push(TidyRow {
                dataset: "twin_in_situ".into(),
                tier: Tier::Twin,
                split: "test".into(),
                method: id.clone(),
                metric: name.into(),
                value: of(&merged(&all))?,
                lower: Some(interval.lower),
                upper: Some(interval.upper),
                n: values.len() as u64,
                n_eff: Some(blocks.len() as f64),
                unit: unit.into(),
                seed: configuration.seed,
            });
        }
    }
    Ok(rows)
}
