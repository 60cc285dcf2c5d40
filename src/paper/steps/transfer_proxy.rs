//! Refinement of a real field that is not dust but has some in it: monthly Linke turbidity of the dust belt, with the height of
//! the ground as guide. It has twelve maps and no days, so that no history can be lent to an encoder; what is tried on it is
//! what the ground tells.

use serde::Deserialize;

use super::diagnostics_bootstrap::estimates;
use crate::cf::{BoundingBox, ReadOptions};
use crate::data::Tier;
use crate::data::products::raster::{read_altitude, read_linke_turbidity};
use crate::data::splits::{Buffer, LeakageCertificate, Part, RegionBox, Split};
use crate::figure::{ColourMap, MapPanel, MapStyle, draw_maps};
use crate::grid::{Field, Interpolation, Unit, coarsen_plane, upsample_plane};
use crate::methods::transfer::{GuidedPlane, GuidedRegression};
use crate::paper::step::{DataFile, Step, StepContext};
use crate::paper::{PaperResult, TableRender, TidyRow, TidyTable, publish_table};
use crate::score::{Pairs, PointwiseMetric, ScoreResult};

const TURBIDITY: DataFile = DataFile { product: "pvlib", member: "pvlib/data/LinkeTurbidities.h5" };
const ALTITUDE: DataFile = DataFile { product: "pvlib", member: "pvlib/data/Altitude.h5" };

/// The step.
pub const STEP: Step = Step {
    name: "transfer_proxy",
    about: "monthly turbidity refined with the height of the ground as guide: a real proxy for dust",
    rooms: &[&[
        "src/base/",
        "src/grid/",
        "src/cf/",
        "src/score/",
        "src/figure/",
        "assets/",
        "src/data/splits/",
        "src/data/tier.rs",
        "src/data/error.rs",
        "src/data/products/raster.rs",
        "src/methods/error.rs",
        "src/methods/transfer/climatology.rs",
        "src/methods/transfer/guided.rs",
        "src/paper/table",
        "src/paper/steps/diagnostics_bootstrap.rs",
        "src/paper/steps/transfer_proxy.rs",
    ]],
    configurations: &["configs/transfer/proxy.toml"],
    needs: &[],
    data: &[TURBIDITY, ALTITUDE],
    publishes: &[
        ("transfer_proxy.png", "figures/transfer_proxy.png"),
        ("transfer_proxy.svg", "figures/transfer_proxy.svg"),
        ("transfer_proxy.json", "figures/transfer_proxy.json"),
        ("transfer_proxy_scores.csv", "figures/tables/transfer_proxy_scores.csv"),
        ("transfer_proxy_scores.md", "figures/tables/transfer_proxy_scores.md"),
        ("transfer_proxy_scores.html", "figures/tables/transfer_proxy_scores.html"),
        ("transfer_proxy_scores.json", "figures/tables/transfer_proxy_scores.json"),
    ],
    run,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProxyConfiguration {
    /// The area, in degrees.
    south: f64,
    north: f64,
    west: f64,
    east: f64,
    /// Fine cells along one side of a coarse cell.
    factor: usize,
    /// Fine cells along one side of a tile of the split.
    tile_cells: usize,
    /// Cells at each side of a tile that no part uses.
    margin_cells: usize,
    /// Bootstrap resamples, over tiles.
    resamples: usize,
    /// Seed of the bootstrap.
    seed: u64,
}

/// What is scored, simplest first.
const METHODS: [&str; 5] = ["nearest", "bilinear", "bicubic", "bicubic_backprojected", "guided"];
/// Height of the ground in kilometres, so that the regression's columns are of like size.
const METRES_TO_KILOMETRES: f32 = 1e-3;
/// The month that is drawn: July, when the dust belt is at its dustiest.
const DRAWN_MONTH: usize = 6;

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: ProxyConfiguration = context.configuration()?;
    let ProxyConfiguration { south, north, west, east, factor, .. } = configuration;
    let options = ReadOptions { bounds: Some(BoundingBox { south, north, west, east }), ..ReadOptions::default() };
    let path = |file: DataFile| context.data(file.product, file.member);
    let truth = read_linke_turbidity(&path(TURBIDITY)?, &options).map_err(|e| context.error(e))?;
    let altitude = read_altitude(&path(ALTITUDE)?, &options).map_err(|e| context.error(e))?;
    let [months, rows, columns] = truth.shape();
    if altitude.frame_len() != rows * columns || !rows.is_multiple_of(factor) || !columns.is_multiple_of(factor) {
        let problem = format!("{rows} x {columns} cells of turbidity, {} of height, a factor of {factor}", altitude.frame_len());
        return Err(context.error(format!("{problem}; grids that nest are wanted")));
    }
    // Over the sea the height is not known, and nothing is learnt or scored there.
    let land: Vec<bool> = (0..rows * columns)
        .map(|i| altitude.frame_mask(0)[i].is_valid() && (0..months).all(|t| truth.frame_mask(t)[i].is_valid()))
        .collect();
    let heights: Vec<f32> = altitude
        .frame(0)
        .iter()
        .zip(altitude.frame_mask(0))
        .map(|(v, cell)| if cell.is_valid() { v * METRES_TO_KILOMETRES } else { 0.0 })
        .collect();
    let tiles = tiles(&configuration, rows, columns);
    let certificate = certificate(context, &configuration, &truth, &tiles)?;
    let mut learn = vec![false; rows * columns];
    for (_, tile) in tiles.iter().filter(|(part, _)| *part == Part::Train) {
        cells(tile, columns).filter(|i| land[*i]).for_each(|i| learn[i] = true);
    }
    let coarse: Vec<Vec<f32>> = (0..months).map(|t| coarsen_plane(truth.frame(t), rows, columns, factor)).collect();
    let plane = |t: usize| GuidedPlane { coarse: &coarse[t], guide: &heights, shape: [rows, columns], factor };
    let mut found: Vec<(&str, Vec<Vec<f32>>)> = METHODS.iter().map(|method| (*method, Vec::new())).collect();
    for t in 0..months {
        let regression = GuidedRegression::fit(std::iter::once((plane(t), truth.frame(t))), &learn);
        let regression = regression.map_err(|e| context.error(e))?;
        println!("month {}: weights {:?}", t + 1, regression.weights());
        let up = |how| upsample_plane(&coarse[t], rows / factor, columns / factor, factor, how, false);
        for (method, fields) in &mut found {
            fields.push(match *method {
                "nearest" => up(Interpolation::Nearest),
                "bicubic" => up(Interpolation::Bicubic),
                "bicubic_backprojected" => plane(t).with_its_means(&up(Interpolation::Bicubic)).map_err(|e| context.error(e))?,
                "guided" => regression.apply(&plane(t)).map_err(|e| context.error(e))?,
                _ => up(Interpolation::Bilinear),
            });
        }
    }
    let scored: Vec<Vec<usize>> = tiles
        .iter()
        .filter(|(part, _)| *part == Part::Test)
        .map(|(_, tile)| cells(tile, columns).filter(|i| land[*i]).collect::<Vec<usize>>())
        .filter(|cells| !cells.is_empty())
        .collect();
    let table = TidyTable::new("transfer_proxy_scores", scores(context, &configuration, &truth, &found, &scored)?)?;
    let passport = |name: &str| context.passport(name, vec![Tier::Proxy], configuration.seed, serde_json::Value::Null);
    let title = "Linke turbidity (a proxy, not dust): 0.5 degree to 1/12 degree, land tiles that were not learnt from";
    let render = TableRender { title, certificate: &certificate.to_string(), decimals: 4 };
    let name = "transfer_proxy_scores";
    publish_table(&table, &render, &context.path(name), &passport(name)?)?;
    draw(context, &truth, &altitude, &found, passport("transfer_proxy")?)
}

/// The tiles less their margins, each with its part: of five in a slanting row one is for the test and one for validation.
fn tiles(configuration: &ProxyConfiguration, rows: usize, columns: usize) -> Vec<(Part, RegionBox)> {
    let (size, margin) = (configuration.tile_cells, configuration.margin_cells);
    let mut out = Vec::new();
    for y in 0..rows / size.max(1) {
        for x in 0..columns / size.max(1) {
            let inner = |k: usize| k * size + margin..(k + 1) * size - margin.min(size / 2);
            let part = match (y + 2 * x) % 5 {
                0 => Part::Test,
                1 => Part::Validation,
                _ => Part::Train,
            };
            out.extend(RegionBox::new(inner(y), inner(x)).ok().map(|tile| (part, tile)));
        }
    }
    out
}

fn cells(tile: &RegionBox, columns: usize) -> impl Iterator<Item = usize> {
    let (across, first, last) = (tile.columns, tile.rows.0, tile.rows.1);
    (first..last).flat_map(move |y| (across.0..across.1).map(move |x| y * columns + x))
}

fn certificate(
    context: &StepContext<'_>,
    configuration: &ProxyConfiguration,
    truth: &Field,
    tiles: &[(Part, RegionBox)],
) -> PaperResult<LeakageCertificate> {
    let of = |wanted: Part| Split {
        part: wanted,
        dates: (0..truth.frames()).filter_map(|t| truth.time().date(t)).collect(),
        boxes: tiles.iter().filter(|(part, _)| *part == wanted).map(|(_, tile)| *tile).collect(),
    };
    let (train, validation, test) = (of(Part::Train), of(Part::Validation), of(Part::Test));
    let buffer = Buffer { days: 0, cells: configuration.margin_cells };
    LeakageCertificate::issue(&train, &validation, &test, &train, buffer).map_err(|e| context.error(e))
}

fn scores(
    context: &StepContext<'_>,
    configuration: &ProxyConfiguration,
    truth: &Field,
    found: &[(&str, Vec<Vec<f32>>)],
    scored: &[Vec<usize>],
) -> PaperResult<Vec<TidyRow>> {
    const METRICS: [PointwiseMetric; 4] =
        [PointwiseMetric::Rmse, PointwiseMetric::Mae, PointwiseMetric::Bias, PointwiseMetric::RSquaredPearson];
    let of_tiles = |fields: &[Vec<f32>]| -> ScoreResult<Vec<Pairs>> {
        scored
            .iter()
            .map(|cells| {
                let mut all = Pairs::default();
                for (t, field) in fields.iter().enumerate() {
                    let at = |plane: &[f32]| cells.iter().map(|i| f64::from(plane[*i])).collect::<Vec<f64>>();
                    all.merge(&Pairs::collect(&at(truth.frame(t)), &at(field), None, None)?);
                }
                Ok(all)
            })
            .collect()
    };
    let pairs: Vec<Vec<Pairs>> =
        found.iter().map(|(_, fields)| of_tiles(fields)).collect::<ScoreResult<_>>().map_err(|e| context.error(e))?;
    let number = |tiles: &[Pairs], at: &[usize], metric: PointwiseMetric| {
        let mut all = Pairs::default();
        at.iter().for_each(|t| all.merge(&tiles[*t]));
        metric.of(&all)
    };
    let n = (scored.iter().map(Vec::len).sum::<usize>() * truth.frames()) as u64;
    let yardstick = found.iter().position(|(method, _)| *method == "bicubic_backprojected").unwrap_or(0);
    let mut rows = Vec::new();
    for ((method, _), own) in found.iter().zip(&pairs) {
        let statistic = |at: &[usize]| -> ScoreResult<Vec<f64>> {
            let mut all = METRICS.iter().map(|m| number(own, at, *m)).collect::<ScoreResult<Vec<f64>>>()?;
            all.push(all[0] - number(&pairs[yardstick], at, PointwiseMetric::Rmse)?);
            Ok(all)
        };
        let estimates = estimates(scored.len(), 1, configuration.resamples, configuration.seed, statistic);
        let estimates = estimates.map_err(|e| context.error(e))?;
        let names = METRICS.iter().map(|m| m.name()).chain(["rmse_minus_bicubic_backprojected"]);
        for (position, metric) in names.enumerate() {
            if position == METRICS.len() && *method == "bicubic_backprojected" {
                continue;
            }
            let interval = estimates.interval(position);
            rows.push(TidyRow {
                dataset: "linke_turbidity".into(),
                tier: Tier::Proxy,
                split: "test".into(),
                method: (*method).into(),
                metric: metric.into(),
                value: estimates.values[position],
                lower: interval.map(|i| i.0),
                upper: interval.map(|i| i.1),
                n,
                n_eff: Some(estimates.units),
                unit: "1".into(),
                seed: configuration.seed,
            });
        }
    }
    Ok(rows)
}

fn draw(
    context: &StepContext<'_>,
    truth: &Field,
    altitude: &Field,
    found: &[(&str, Vec<Vec<f32>>)],
    passport: crate::figure::Passport,
) -> PaperResult<()> {
    let [_, rows, columns] = truth.shape();
    let fail = |e: crate::grid::GridError| context.error(e);
    let july = truth.slice(DRAWN_MONTH..DRAWN_MONTH + 1, 0..rows, 0..columns).map_err(fail)?;
    let of = |name: &str| found.iter().find(|(method, _)| *method == name).map(|(_, fields)| &fields[DRAWN_MONTH]);
    let mut fields = vec![("Linke turbidity, July", july.clone()), ("Height of the ground", altitude.clone())];
    for (name, title) in
        [("bicubic_backprojected", "Bicubic, back-projected − truth"), ("guided", "Guided by the height − truth")]
    {
        let Some(plane) = of(name) else { continue };
        let error = plane.iter().zip(july.values()).map(|(found, wanted)| found - wanted).collect();
        fields.push((title, july.with_values(error, july.mask().clone()).map_err(fail)?));
    }
    let panels: Vec<MapPanel<'_>> = fields
        .iter()
        .enumerate()
        .map(|(k, (title, field))| MapPanel {
            title: (*title).into(),
            field,
            frame: 0,
            colour_map: [ColourMap::Thermal, ColourMap::Batlow, ColourMap::Vik, ColourMap::Vik][k],
            range: if k < 2 { None } else { Some((-1.0, 1.0)) },
            quantity: ["turbidity", "height", "error of turbidity", "error of turbidity"][k].into(),
            unit: if k == 1 { Unit::Metre } else { Unit::One },
        })
        .collect();
    let style = MapStyle { panels_in_a_row: Some(2), ..MapStyle::default() };
    draw_maps(&panels, &style, &context.path("transfer_proxy"), &passport).map_err(|e| context.error(e))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_of_different_parts_are_two_margins_apart() {
        let configuration = ProxyConfiguration {
            south: 0.0,
            north: 1.0,
            west: 0.0,
            east: 1.0,
            factor: 2,
            tile_cells: 20,
            margin_cells: 3,
            resamples: 1,
            seed: 1,
        };
        let tiles = tiles(&configuration, 100, 100);
        assert_eq!(tiles.len(), 25);
        let of = |wanted: Part| tiles.iter().filter(move |(part, _)| *part == wanted).map(|(_, tile)| tile);
        assert_eq!((of(Part::Test).count(), of(Part::Validation).count()), (5, 5));
        for test in of(Part::Test) {
            assert!(of(Part::Train).chain(of(Part::Validation)).all(|other| !test.near(other, 6) && test != other));
            assert_eq!(cells(test, 100).count(), 14 * 14);
        }
    }
}
