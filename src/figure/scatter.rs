//! The scatter figure: products against in-situ measurements, one density-coloured panel for each.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::axes::{Frame, HEADER, LABEL_POINTS, TICK_POINTS, draw_tier, panel_title};
use super::bitmap::PIXELS_PER_MILLIMETRE;
use super::colour_bar::ColourBar;
use super::colour_map::{Colour, ColourMap};
use super::density::{Density, disc_radius};
use super::drawing::{Anchor, Drawing, Stroke, Text};
use super::error::{FigureResult, refuse};
use super::font::MILLIMETRES_PER_POINT;
use super::passport::Passport;
use super::publish::publish;
use super::ticks::{Scale, grouped, nice_step, signed};

/// The numbers in a panel's box. They come from the table, so that the digits agree with it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PanelStatistics {
    /// Slope of the fit of in situ (y) on product (x).
    pub slope: f64,
    /// Its intercept, in the unit of the axes.
    pub intercept: f64,
    /// R².
    pub r_squared: f64,
    /// Bias, in the unit of the axes.
    pub bias: f64,
    /// Root mean square error, in the unit of the axes.
    pub rmse: f64,
    /// Number of matchups.
    pub n: usize,
}

/// One panel: a product against the in-situ values matched with it.
#[derive(Clone, Debug, PartialEq)]
pub struct ScatterPanel {
    /// The product's name.
    pub title: String,
    /// The product's values.
    pub x: Vec<f32>,
    /// The in-situ values, in the same order.
    pub y: Vec<f32>,
    /// The numbers in the box.
    pub statistics: PanelStatistics,
}

/// How the figure looks. The default is 180 mm wide (two columns of a journal).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScatterStyle {
    /// Width of the figure in millimetres.
    pub width_millimetres: f64,
    /// Panels in a row; `None`: up to three in one row, four as 2 x 2, more in rows of four.
    pub panels_in_a_row: Option<usize>,
    /// Both axes of every panel; `None`: round numbers around all values.
    pub range: Option<(f64, f64)>,
    /// Name of the x axis, with unit.
    pub x_label: String,
    /// Name of the y axis, with unit.
    pub y_label: String,
    /// Unit of bias and RMSE in the box and of the cells in the colour bar.
    pub unit: String,
    /// Decimals in the box.
    pub decimals: usize,
    /// Colours of the density.
    pub colour_map: ColourMap,
}

impl Default for ScatterStyle {
    fn default() -> ScatterStyle {
        ScatterStyle {
            width_millimetres: 180.0,
            panels_in_a_row: None,
            range: None,
            x_label: "Product SST (°C)".into(),
            y_label: "In situ SST (°C)".into(),
            unit: "°C".into(),
            decimals: 4,
            colour_map: ColourMap::Viridis,
        }
    }
}

const LEFT: f64 = 12.5;
const RIGHT: f64 = 16.5;
const BOTTOM: f64 = 9.5;
const GAP: f64 = 5.0;
const TITLE: f64 = 5.0;
/// Panels narrower than this show their numbers without a box, whose empty corner would hide points.
const FRAMED: f64 = 48.0;

const FIT: Stroke = Stroke { colour: Colour::hex(0xe6194b), width_points: 0.8, dash_points: None };
const ONE_TO_ONE: Stroke = Stroke { colour: Colour::BLACK, width_points: 0.7, dash_points: Some((4.0, 3.0)) };

/// Draws the panels and writes `stem` + `.png`, `.svg`, `.json`; the passport as written is given back.
/// Its numbers gain `drawn`: for each panel the statistics in the box, and the range, cell and peak of
/// the density.
///
/// # Errors
/// [`FigureError::Argument`](super::FigureError) where there is no panel, x and y differ in length or from
/// `statistics.n`, a value is not finite, or the range is empty; else as [`publish`].
pub fn draw_scatter(panels: &[ScatterPanel], style: &ScatterStyle, stem: &Path, passport: &Passport) -> FigureResult<Passport> {
    check(panels)?;
    let (low, high) = style.range.unwrap_or_else(|| round_range(panels));
    let scale = Scale::Linear(low, high).check("the axes")?;
    let columns = columns(panels.len(), style.panels_in_a_row);
    let rows = panels.len().div_ceil(columns);
    let side = (style.width_millimetres - LEFT - RIGHT - GAP * (columns - 1) as f64) / columns as f64;
    if !(20.0..).contains(&side) {
        return refuse(format!("{columns} panels do not fit in {} mm; 20 mm each are wanted", style.width_millimetres));
    }
    let height = HEADER + rows as f64 * (TITLE + side) + BOTTOM;
    let mut drawing = Drawing::new(style.width_millimetres, height)?;
    let densities: Vec<Density> = panels.iter().map(|p| Density::count(&p.x, &p.y, low, high)).collect();
    let peak = densities.iter().map(|d| d.peak).max().unwrap_or(1).max(2);
    draw_tier(&mut drawing, style.width_millimetres - RIGHT, &passport.tier)?;
    draw_key(&mut drawing)?;

    let ticks = scale.ticks((side / 8.0).clamp(3.0, 8.0) as usize);
    for (i, (panel, density)) in panels.iter().zip(&densities).enumerate() {
        let (row, column) = (i / columns, i % columns);
        let left = LEFT + column as f64 * (side + GAP);
        let top = HEADER + TITLE + row as f64 * (TITLE + side);
        let frame = Frame { left, top, width: side, height: side, x: scale, y: scale };
        panel_title(&mut drawing, left, top - 1.4, side, i, &panel.title)?;
        let pixels = (side * PIXELS_PER_MILLIMETRE).round() as usize;
        let radius = disc_radius(panel.x.len()) * PIXELS_PER_MILLIMETRE;
        drawing.picture(left, top, side, side, density.raster(&panel.x, &panel.y, pixels, radius, style.colour_map, peak)?);
        draw_lines(&mut drawing, &frame, &panel.statistics);
        frame.draw_x(&mut drawing, &ticks, i + columns >= panels.len())?;
        frame.draw_y(&mut drawing, &ticks, column == 0)?;
        frame.draw_box(&mut drawing);
        draw_numbers(&mut drawing, &frame, &panel.statistics, style)?;
    }
    let (wide, tall) = (style.width_millimetres - LEFT - RIGHT, rows as f64 * (TITLE + side) - TITLE);
    let top = HEADER + TITLE;
    drawing.text(LEFT + 0.5 * wide, height - 2.0, Text::new(&style.x_label, LABEL_POINTS, Anchor::Middle));
    drawing.text(3.6, top + 0.5 * tall, Text::new(&style.y_label, LABEL_POINTS, Anchor::Middle).upward());
    let cell = densities[0].cell;
    let label = format!("Matchups per {cell} {unit} × {cell} {unit} cell", unit = style.unit);
    let bar = ColourBar {
        map: style.colour_map,
        scale: Scale::Logarithmic(1.0, f64::from(peak)),
        label: &label,
        beyond: (false, false),
    };
    bar.draw_upright(&mut drawing, style.width_millimetres - RIGHT + 2.5, top, 3.0, tall)?;

    let drawn = panels.iter().zip(&densities).map(|(panel, density)| {
        json!({"title": panel.title, "statistics": panel.statistics, "peak": density.peak, "outside": density.outside})
    });
    let drawn = json!({"range": [low, high], "cell": cell, "unit": style.unit, "panels": drawn.collect::<Vec<_>>()});
    publish(&drawing, stem, &passport.with_drawn(drawn))
}

fn check(panels: &[ScatterPanel]) -> FigureResult<()> {
    if panels.is_empty() {
        return refuse("a scatter figure of no panels cannot be drawn; at least one is wanted");
    }
    for panel in panels {
        let (title, x, y, n) = (&panel.title, panel.x.len(), panel.y.len(), panel.statistics.n);
        if x != y || x != n || x == 0 {
            return refuse(format!(
                "panel '{title}' holds {x} product values, {y} in-situ values and n = {n}; the same number, above 0, is wanted"
            ));
        }
        if let Some(at) = panel.x.iter().zip(&panel.y).position(|(x, y)| !x.is_finite() || !y.is_finite()) {
            return refuse(format!(
                "panel '{title}' holds a value that is not finite at matchup {at}; leave it out of the matchups"
            ));
        }
        let s = &panel.statistics;
        if ![s.slope, s.intercept, s.r_squared, s.bias, s.rmse].iter().all(|v| v.is_finite()) {
            return refuse(format!("panel '{title}' has a statistic that is not finite; {s:?} was given"));
        }
    }
    Ok(())
}

fn columns(panels: usize, wanted: Option<usize>) -> usize {
    let usual = match panels {
        0..=3 => panels,
        4 => 2,
        _ => 4,
    };
    wanted.unwrap_or(usual).clamp(1, panels.max(1))
}

/// Round ends around every value of every panel.
fn round_range(panels: &[ScatterPanel]) -> (f64, f64) {
    let values = panels.iter().flat_map(|p| p.x.iter().chain(&p.y)).map(|v| f64::from(*v));
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    let step = nice_step(((high - low) / 16.0).max(1e-6 * high.abs().max(1.0)));
    let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
    if low < high { (low, high) } else { (low - step, high + step) }
}

/// The fit and, over it, the dashed 1:1 line, so that both show where they coincide; thin, so that a
/// narrow cloud of points still shows beside them.
fn draw_lines(drawing: &mut Drawing, frame: &Frame, statistics: &PanelStatistics) {
    let (low, high) = frame.x.ends();
    let fit = |x: f64| statistics.slope * x + statistics.intercept;
    if let Some([a, b]) = frame.clip((low, fit(low)), (high, fit(high))) {
        drawing.line(a, b, FIT);
    }
    if let Some([a, b]) = frame.clip((low, low), (high, high)) {
        drawing.line(a, b, ONE_TO_ONE);
    }
}

/// What the two lines are, at the left of the header strip.
fn draw_key(drawing: &mut Drawing) -> FigureResult<()> {
    let mut left = LEFT;
    for (stroke, words) in [(ONE_TO_ONE, "1:1"), (FIT, "fit")] {
        let text = Text::new(words, TICK_POINTS, Anchor::Start);
        drawing.line((left, 2.7), (left + 7.0, 2.7), stroke);
        let length = text.length()?;
        drawing.text(left + 8.0, 2.7 + 0.5 * text.cap_height(), text);
        left += 8.0 + length + 4.0;
    }
    Ok(())
}

fn draw_numbers(drawing: &mut Drawing, frame: &Frame, s: &PanelStatistics, style: &ScatterStyle) -> FigureResult<()> {
    // small panels get small print, but never below 5.5 points
    let points = (frame.width / 9.0).clamp(5.5, 7.5);
    let number = |value| signed(value, style.decimals);
    let sign = if number(s.intercept).starts_with('−') { '−' } else { '+' };
    let lines = [
        format!("Y = {}X {sign} {}", number(s.slope), number(s.intercept).trim_start_matches('−')),
        format!("R² = {}", number(s.r_squared)),
        format!("Bias = {} {}", number(s.bias), style.unit),
        format!("RMSE = {} {}", number(s.rmse), style.unit),
        format!("N = {}", grouped(s.n as u64)),
    ];
    let texts: Vec<Text> = lines.into_iter().map(|line| Text::new(line, points, Anchor::Start)).collect();
    let mut widest = 0.0f64;
    for text in &texts {
        widest = widest.max(text.length()?);
    }
    let step = 1.28 * points * MILLIMETRES_PER_POINT;
    let framed = frame.width >= FRAMED;
    let (margin, inset) = if framed { (1.8, 1.0) } else { (1.4, 0.4) };
    let (left, top) = (frame.left + margin, frame.top + margin);
    if framed {
        let height = step * texts.len() as f64 + 2.0 * inset - 0.28 * points * MILLIMETRES_PER_POINT;
        drawing.rectangle(left, top, widest + 2.0 * inset, height, Colour::WHITE, 0.85);
        drawing.outline(left, top, widest + 2.0 * inset, height, Stroke::solid(Colour::hex(0x808080), 0.4));
    }
    for (i, text) in texts.into_iter().enumerate() {
        let baseline = top + inset + text.cap_height() + 0.1 + step * i as f64;
        if !framed {
            drawing.rectangle(left, baseline - text.cap_height() - 0.4, text.length()? + 2.0 * inset, step, Colour::WHITE, 0.85);
        }
        drawing.text(left + inset, baseline, text);
    }
    Ok(())
}
