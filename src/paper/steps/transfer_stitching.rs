//! What becomes of a draw's variance, and where patches meet, when a map is put together out of patches: each drawn by itself and
//! averaged, as published, or one walk of the whole map that blends clean fields at every step.

use serde::Deserialize;

use super::diagnostics_bootstrap::{Estimates, estimates};
use super::transfer_dust::CONFIGURATION;
use super::transfer_ground::{DUST_ROOMS, DustGround};
use super::transfer_training::open;
use crate::data::Tier;
use crate::figure::{Band, ColourMap, LinePanel, LineSeries, LineStyle, MapPanel, MapStyle, draw_lines, draw_maps};
use crate::grid::{Field, Unit, Window as BlendWindow};
use crate::methods::MethodResult;
use crate::methods::transfer::{Alignment, Downscaler, DrawOptions, Groundwork, Stitching, Window};
use crate::paper::step::{Step, StepContext};
use crate::paper::{PaperResult, TableRender, TidyRow, TidyTable, publish_table};
use crate::score::ScoreResult;

/// The step.
pub const STEP: Step = Step {
    name: "transfer_stitching",
    about: "variance and seams of maps put together out of patches, in two ways",
    rooms: &[
        DUST_ROOMS,
        &[
            "src/cf/",
            "src/figure/",
            "src/paper/table",
            "assets/",
            "src/paper/steps/diagnostics_bootstrap.rs",
            "src/paper/steps/transfer_training.rs",
            "src/paper/steps/transfer_stitching.rs",
        ],
    ],
    configurations: &["configs/transfer/stitching.toml", CONFIGURATION],
    needs: &["dust", "transfer_source", "transfer_ddpm"],
    data: &[],
    publishes: &[
        ("transfer_stitching.png", "figures/transfer_stitching.png"),
        ("transfer_stitching.svg", "figures/transfer_stitching.svg"),
        ("transfer_stitching.json", "figures/transfer_stitching.json"),
        ("transfer_stitching_maps.png", "figures/transfer_stitching_maps.png"),
        ("transfer_stitching_maps.svg", "figures/transfer_stitching_maps.svg"),
        ("transfer_stitching_maps.json", "figures/transfer_stitching_maps.json"),
        ("transfer_stitching_scores.csv", "figures/tables/transfer_stitching_scores.csv"),
        ("transfer_stitching_scores.md", "figures/tables/transfer_stitching_scores.md"),
        ("transfer_stitching_scores.html", "figures/tables/transfer_stitching_scores.html"),
        ("transfer_stitching_scores.json", "figures/tables/transfer_stitching_scores.json"),
    ],
    run,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StitchingConfiguration {
    /// Days that are drawn.
    days: usize,
    /// Cells from one patch to the next; with the first, patches less their halos lie side by side.
    strides: Vec<usize>,
    /// Cells along one side of a patch.
    patch: usize,
    /// Cells at each inner side that are not used.
    halo: usize,
    /// Bootstrap resamples.
    resamples: usize,
    /// Seed of draws and bootstrap.
    seed: u64,
}

/// A way of putting a map together.
struct Way {
    fused: bool,
    stride: usize,
    /// What was drawn on each day less what the trunk says, in decades.
    draws: Vec<Vec<f32>>,
}

impl Way {
    fn name(&self) -> String {
        format!("{}_stride_{}", if self.fused { "fused" } else { "independent" }, self.stride)
    }

    fn title(&self) -> String {
        format!("{}, stride {}", if self.fused { "One walk" } else { "Patch by patch" }, self.stride)
    }
}

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: StitchingConfiguration = context.configuration()?;
    let ground = DustGround::open(context)?;
    let groundwork = ground.groundwork(context)?;
    let (model, _) = open(context, &ground, "transfer_ddpm")?;
    let test = &ground.split.test;
    let days: Vec<usize> = (0..configuration.days).map(|k| test[k * test.len() / configuration.days.max(1)]).collect();
    let [rows, columns] = ground.archive.shape();
    let mut ways = Vec::new();
    for fused in [false, true] {
        for stride in &configuration.strides {
            let started = std::time::Instant::now();
            let way = drawn(&configuration, &model, &groundwork, &days, fused, *stride).map_err(|e| context.error(e))?;
            println!("{}: {:.0} s", way.title(), started.elapsed().as_secs_f64());
            ways.push(way);
        }
    }
    let borders: Vec<Vec<usize>> = ways.iter().map(|way| core_borders(&configuration, way.stride, columns)).collect();
    let found = estimates(days.len(), 1, configuration.resamples, configuration.seed, |at| numbers(&ways, &borders, columns, at))
        .map_err(|e| context.error(e))?;
    let n = (days.len() * rows * columns) as u64;
    let mut tidy = Vec::new();
    for (k, way) in ways.iter().enumerate() {
        for (position, metric) in [(2 * k, "variance_over_single_patch"), (2 * k + 1, "step_at_borders_over_elsewhere")] {
            let interval = found.interval(position);
            tidy.push(TidyRow {
                dataset: "dust_log10".into(),
                tier: Tier::Twin,
                split: "test".into(),
                method: way.name(),
                metric: metric.into(),
                value: found.values[position],
                lower: interval.map(|i| i.0),
                upper: interval.map(|i| i.1),
                n,
                n_eff: Some(found.units),
                unit: "1".into(),
                seed: configuration.seed,
            });
        }
    }
    let passport_of = |name: &str| context.passport(name, vec![Tier::Twin], configuration.seed, serde_json::Value::Null);
    let certificate = ground.certificate.to_string();
    let title = "Synthetic dust: maps put together out of patches";
    let render = TableRender { title, certificate: &certificate, decimals: 3 };
    let table = TidyTable::new("transfer_stitching_scores", tidy)?;
    publish_table(&table, &render, &context.path("transfer_stitching_scores"), &passport_of("transfer_stitching_scores")?)?;
    draw_numbers(context, &configuration, &ways, &found)?;
    draw_ways(context, &configuration, &ground, &ways, days[0])
}

fn drawn(
    configuration: &StitchingConfiguration,
    model: &Downscaler,
    groundwork: &Groundwork<'_>,
    days: &[usize],
    fused: bool,
    stride: usize,
) -> MethodResult<Way> {
    let StitchingConfiguration { patch, halo, .. } = *configuration;
    let window = BlendWindow::HannHalfSample;
    let model = model.stitched(Stitching { patch, halo, stride, window, fused })?;
    let options = DrawOptions { members: 1, seed: configuration.seed, antithetic: false, ..DrawOptions::default() };
    let mut draws = Vec::new();
    for day in days {
        let Some(window) = Window::of(*day, model.config().lags(), Alignment::Causal) else { continue };
        let inputs = model.inputs_of(groundwork, &window)?;
        let centre = model.centre(&inputs)?;
        let member = model.member(&inputs, *day, 0, &options)?;
        draws.push(member.iter().zip(&centre).map(|(a, b)| a - b).collect());
    }
    Ok(Way { fused, stride, draws })
}

/// The columns at which the used part of some patch begins.
fn core_borders(configuration: &StitchingConfiguration, stride: usize, columns: usize) -> Vec<usize> {
    (0..)
        .map(|k| k * stride)
        .take_while(|start| start + configuration.patch <= columns)
        .filter(|start| *start > 0)
        .map(|start| start + configuration.halo)
        .collect()
}

/// For each way: the variance of the draws over that of single patches (the first way, in which no cell is an average); and the
/// mean squared step from cell to cell across the borders of patches over that elsewhere (1 where none can be seen).
fn numbers(ways: &[Way], borders: &[Vec<usize>], columns: usize, at: &[usize]) -> ScoreResult<Vec<f64>> {
    let variance = |way: &Way| at.iter().map(|t| squares(way.draws[*t].iter().map(|v| f64::from(*v)))).sum::<f64>();
    let single = ways.first().map_or(f64::NAN, &variance);
    let mut out = Vec::new();
    for (way, borders) in ways.iter().zip(borders) {
        let steps = |across: bool| {
            let (mut sum, mut count) = (0.0, 0.0);
            for row in at.iter().flat_map(|t| way.draws[*t].chunks(columns)) {
                for x in (1..columns).filter(|x| borders.contains(x) == across) {
                    sum += f64::from(row[x] - row[x - 1]).powi(2);
                    count += 1.0;
                }
            }
            sum / count
        };
        out.extend([variance(way) / single, steps(true) / steps(false)]);
    }
    Ok(out)
}

fn squares(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|v| v * v).sum()
}

fn draw_numbers(
    context: &StepContext<'_>,
    configuration: &StitchingConfiguration,
    ways: &[Way],
    found: &Estimates,
) -> PaperResult<()> {
    let series = |offset: usize| -> Vec<LineSeries> {
        [(false, "patch by patch (as published)"), (true, "one walk of the whole map")]
            .into_iter()
            .map(|(fused, label)| {
                let of: Vec<usize> = (0..ways.len()).filter(|k| ways[*k].fused == fused).collect();
                let mut curve = LineSeries {
                    label: label.into(),
                    x: of.iter().map(|k| ways[*k].stride as f64).collect(),
                    y: of.iter().map(|k| found.values[2 * k + offset]).collect(),
                    band: None,
                };
                curve.band = found.intervals.as_ref().map(|(lower, upper)| Band {
                    lower: of.iter().map(|k| lower[2 * k + offset]).collect(),
                    upper: of.iter().map(|k| upper[2 * k + offset]).collect(),
                });
                curve
            })
            .collect()
    };
    let panel = |title: String, y_label: &str, series: Vec<LineSeries>| LinePanel {
        title,
        x_label: "stride of patches (cells)".into(),
        y_label: y_label.into(),
        x_scale: None,
        y_scale: None,
        series,
    };
    let days = ways.first().map_or(0, |way| way.draws.len());
    let drawn = [
        panel(format!("Variance of a draw, n = {days} maps"), "variance / single patch's", series(0)),
        panel("Steps where patches meet".into(), "squared step / elsewhere", series(1)),
    ];
    let passport = context.passport("transfer_stitching", vec![Tier::Twin], configuration.seed, serde_json::Value::Null)?;
    draw_lines(&drawn, &LineStyle::default(), &context.path("transfer_stitching"), &passport).map_err(|e| context.error(e))?;
    Ok(())
}

fn draw_ways(
    context: &StepContext<'_>,
    configuration: &StitchingConfiguration,
    ground: &DustGround,
    ways: &[Way],
    day: usize,
) -> PaperResult<()> {
    let fields: Vec<Field> = ways
        .iter()
        .map(|way| ground.archive.wrap("draw", &[day], way.draws[0].clone()))
        .collect::<MethodResult<_>>()
        .map_err(|e| context.error(e))?;
    let largest = fields.iter().flat_map(|f| f.values()).fold(0f32, |a, b| a.max(b.abs()));
    let panels: Vec<MapPanel<'_>> = ways
        .iter()
        .zip(&fields)
        .map(|(way, field)| MapPanel {
            title: way.title(),
            field,
            frame: 0,
            colour_map: ColourMap::Vik,
            range: Some((-f64::from(largest), f64::from(largest))),
            quantity: "draw − trunk, log10 AOD".into(),
            unit: Unit::One,
        })
        .collect();
    let passport = context.passport("transfer_stitching_maps", vec![Tier::Twin], configuration.seed, serde_json::Value::Null)?;
    let style = MapStyle { panels_in_a_row: Some(3), ..MapStyle::default() };
    draw_maps(&panels, &style, &context.path("transfer_stitching_maps"), &passport).map_err(|e| context.error(e))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variance_and_steps_by_hand() {
        // Two rows of four cells; a border before column 2. Steps: 0, 2, 0 and 1, 1, 1.
        let way = |scale: f32| Way {
            fused: false,
            stride: 8,
            draws: vec![[0.0, 0.0, 2.0, 2.0, 0.0, 1.0, 2.0, 3.0].iter().map(|v| v * scale).collect()],
        };
        let found = numbers(&[way(1.0), way(0.5)], &[vec![2], vec![2]], 4, &[0]).unwrap();
        // Across: (4 + 1) / 2; elsewhere: (0 + 0 + 1 + 1) / 4.
        assert_eq!(found, [1.0, 5.0, 0.25, 5.0]);
    }

    #[test]
    fn borders_of_patches_less_their_halos() {
        let configuration = StitchingConfiguration { days: 1, strides: vec![8], patch: 16, halo: 4, resamples: 1, seed: 1 };
        // Patches at 0, 8, 16 of 32 cells use 0..12, 12..20, 20..32.
        assert_eq!(core_borders(&configuration, 8, 32), [12, 20]);
        assert_eq!(core_borders(&configuration, 4, 24), [8, 12]);
    }
}
