//! Curves with bands: spectra, training curves, skill against lag.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::axes::{Frame, HEADER, LABEL_POINTS, TICK_POINTS, draw_tier, panel_title};
use super::colour_map::{Colour, SERIES_COLOURS};
use super::drawing::{Anchor, Drawing, Stroke, Text};
use super::error::{FigureResult, refuse};
use super::passport::Passport;
use super::publish::publish;
use super::ticks::{Scale, nice_step};

/// Lower and upper ends of an interval at each x of a curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// Lower ends.
    pub lower: Vec<f64>,
    /// Upper ends.
    pub upper: Vec<f64>,
}

/// One curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LineSeries {
    /// Its name in the legend.
    pub label: String,
    /// Ascending or not; points are joined in this order.
    pub x: Vec<f64>,
    /// One for each x.
    pub y: Vec<f64>,
    /// Its interval, shaded.
    pub band: Option<Band>,
}

/// One panel of curves.
#[derive(Clone, Debug, PartialEq)]
pub struct LinePanel {
    /// What it shows.
    pub title: String,
    /// Name of the x axis, with unit.
    pub x_label: String,
    /// Name of the y axis, with unit.
    pub y_label: String,
    /// The x axis; `None`: linear around all values.
    pub x_scale: Option<Scale>,
    /// The y axis; `None`: linear around all values.
    pub y_scale: Option<Scale>,
    /// The curves; colours and dashes follow their order.
    pub series: Vec<LineSeries>,
}

/// How a figure of curves looks. The default is 180 mm wide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LineStyle {
    /// Width of the figure in millimetres.
    pub width_millimetres: f64,
    /// Panels in a row; `None`: at most two.
    pub panels_in_a_row: Option<usize>,
    /// Height of a panel divided by its width.
    pub aspect: f64,
}

impl Default for LineStyle {
    fn default() -> LineStyle {
        LineStyle { width_millimetres: 180.0, panels_in_a_row: None, aspect: 0.7 }
    }
}

const LEFT: f64 = 14.5;
const RIGHT: f64 = 4.0;
const TITLE: f64 = 5.0;
const BELOW: f64 = 9.5;
/// Dash and gap in points of the curves in turn, so that they differ in greyscale too.
const DASHES: [Option<(f64, f64)>; 3] = [None, Some((4.0, 2.0)), Some((1.2, 1.6))];

/// Draws the panels and writes `stem` + `.png`, `.svg`, `.json`; the passport as written is given back,
/// with every curve among its numbers.
///
/// # Errors
/// [`FigureError::Argument`](super::FigureError) where there is no panel or curve, lengths differ, or a value
/// cannot be shown on its scale; else as [`publish`].
pub fn draw_lines(panels: &[LinePanel], style: &LineStyle, stem: &Path, passport: &Passport) -> FigureResult<Passport> {
    if panels.is_empty() {
        return refuse("a figure of no panels cannot be drawn; at least one is wanted");
    }
    let columns = style.panels_in_a_row.unwrap_or(2).clamp(1, panels.len());
    let rows = panels.len().div_ceil(columns);
    let width = style.width_millimetres / columns as f64 - LEFT - RIGHT;
    if !(20.0..).contains(&width) || !(0.2..=3.0).contains(&style.aspect) {
        return refuse(format!(
            "{columns} panels of aspect {} do not fit in {} mm; 20 mm each and an aspect of 0.2..3 are wanted",
            style.aspect, style.width_millimetres
        ));
    }
    let (height, row_height) = (width * style.aspect, TITLE + width * style.aspect + BELOW);
    let mut drawing = Drawing::new(style.width_millimetres, HEADER + rows as f64 * row_height + 1.0)?;
    draw_tier(&mut drawing, style.width_millimetres - RIGHT, &passport.tier)?;
    for (i, panel) in panels.iter().enumerate() {
        let (x, y) = scales(panel)?;
        let left = (i % columns) as f64 * (style.width_millimetres / columns as f64) + LEFT;
        let top = HEADER + TITLE + (i / columns) as f64 * row_height;
        let frame = Frame { left, top, width, height, x, y };
        panel_title(&mut drawing, left, top - 1.4, width, i, &panel.title)?;
        draw_panel(&mut drawing, &frame, panel)?;
    }
    let drawn: Vec<_> = panels.iter().map(|p| json!({"title": p.title, "series": p.series})).collect();
    publish(&drawing, stem, &passport.with_drawn(json!({"panels": drawn})))
}

/// Checks a panel and settles its scales.
fn scales(panel: &LinePanel) -> FigureResult<(Scale, Scale)> {
    let title = &panel.title;
    if panel.series.is_empty() {
        return refuse(format!("panel '{title}' has no curve; at least one is wanted"));
    }
    let (mut xs, mut ys) = (Vec::new(), Vec::new());
    for s in &panel.series {
        let band = s.band.as_ref().map_or((s.x.len(), s.x.len()), |b| (b.lower.len(), b.upper.len()));
        if s.x.is_empty() || s.x.len() != s.y.len() || band != (s.x.len(), s.x.len()) {
            return refuse(format!(
                "curve '{}' of panel '{title}' holds {} x, {} y and {band:?} band ends; the same number, above 0, is wanted",
                s.label,
                s.x.len(),
                s.y.len()
            ));
        }
        xs.extend_from_slice(&s.x);
        ys.extend_from_slice(&s.y);
        if let Some(band) = &s.band {
            ys.extend(band.lower.iter().chain(&band.upper));
        }
    }
    for (axis, values, scale) in [("x", &xs, panel.x_scale), ("y", &ys, panel.y_scale)] {
        let positive = matches!(scale, Some(Scale::Logarithmic(..)));
        if let Some(bad) = values.iter().find(|v| !v.is_finite() || positive && **v <= 0.0) {
            let wanted = if positive { "above 0, for the logarithmic scale," } else { "finite" };
            return refuse(format!("panel '{title}' holds the {axis} value {bad}; values {wanted} are wanted"));
        }
    }
    let x = panel.x_scale.unwrap_or_else(|| around(&xs, 0.0)).check("the x axis")?;
    let y = panel.y_scale.unwrap_or_else(|| around(&ys, 0.04)).check("the y axis")?;
    Ok((x, y))
}

/// A linear scale around values, with some room at each end, rounded outward by a tenth of a tick.
fn around(values: &[f64], room: f64) -> Scale {
    let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
    let span = if high > low { high - low } else { low.abs().max(1.0) * 0.1 };
    let (mut low, mut high) = (low - room * span, high + room * span);
    if low == high {
        (low, high) = (low - span, high + span);
    }
    let step = nice_step(span / 50.0);
    Scale::Linear((low / step + 1e-9).floor() * step, (high / step - 1e-9).ceil() * step)
}

fn stroke_of(index: usize) -> Stroke {
    let colour = SERIES_COLOURS[index % SERIES_COLOURS.len()];
    Stroke { colour, width_points: 1.1, dash_points: DASHES[index % DASHES.len()] }
}

fn draw_panel(drawing: &mut Drawing, frame: &Frame, panel: &LinePanel) -> FigureResult<()> {
    for (i, s) in panel.series.iter().enumerate() {
        let Some(band) = &s.band else { continue };
        // in pieces, each kept within the box
        for k in 1..s.x.len() {
            let inside = |x: f64, y: f64| {
                let (x, y) = frame.point(x, y);
                (x.clamp(frame.left, frame.right()), y.clamp(frame.top, frame.bottom()))
            };
            let corners = [
                inside(s.x[k - 1], band.lower[k - 1]),
                inside(s.x[k], band.lower[k]),
                inside(s.x[k], band.upper[k]),
                inside(s.x[k - 1], band.upper[k - 1]),
            ];
            drawing.area(corners.to_vec(), SERIES_COLOURS[i % SERIES_COLOURS.len()], 0.2);
        }
    }
    for (i, s) in panel.series.iter().enumerate() {
        for run in runs(frame, s) {
            drawing.path(run, stroke_of(i));
        }
    }
    let (x_ticks, y_ticks) = (frame.x.ticks((frame.width / 13.0) as usize), frame.y.ticks((frame.height / 8.0) as usize));
    frame.draw_x(drawing, &x_ticks, true)?;
    frame.draw_y(drawing, &y_ticks, true)?;
    frame.draw_box(drawing);
    let middle = frame.left + 0.5 * frame.width;
    drawing.text(middle, frame.bottom() + 7.3, Text::new(&panel.x_label, LABEL_POINTS, Anchor::Middle));
    let label = Text::new(&panel.y_label, LABEL_POINTS, Anchor::Middle).upward();
    drawing.text(frame.left - 10.4, frame.top + 0.5 * frame.height, label);
    draw_legend(drawing, frame, panel)
}

/// The curve within the box, as connected runs.
fn runs(frame: &Frame, series: &LineSeries) -> Vec<Vec<(f64, f64)>> {
    let mut runs: Vec<Vec<(f64, f64)>> = Vec::new();
    for k in 1..series.x.len() {
        let Some([a, b]) = frame.clip((series.x[k - 1], series.y[k - 1]), (series.x[k], series.y[k])) else { continue };
        match runs.last_mut() {
            Some(run) if run.last() == Some(&a) => run.push(b),
            _ => runs.push(vec![a, b]),
        }
    }
    runs
}

/// The legend, in the corner that hides the least of the curves. A single curve without a name needs none.
fn draw_legend(drawing: &mut Drawing, frame: &Frame, panel: &LinePanel) -> FigureResult<()> {
    if panel.series.len() == 1 && panel.series[0].label.is_empty() {
        return Ok(());
    }
    let (line, step, inset) = (7.0, 3.3, 1.2);
    let mut widest = 0.0f64;
    for s in &panel.series {
        widest = widest.max(Text::new(&s.label, TICK_POINTS, Anchor::Start).length()?);
    }
    let (width, height) = (line + 1.4 + widest + 2.0 * inset, step * panel.series.len() as f64 + 2.0 * inset - 0.6);
    let margin = 1.6;
    let (right, below) = (frame.right() - width - margin, frame.bottom() - height - margin);
    let corners =
        [(right, frame.top + margin), (frame.left + margin, frame.top + margin), (right, below), (frame.left + margin, below)];
    let hidden = |(left, top): (f64, f64)| {
        let covered = |(x, y): (f64, f64)| x >= left && x <= left + width && y >= top && y <= top + height;
        // sampled along each segment, so that long straight pieces count too
        let along = |pair: &[(f64, f64)]| {
            let at = |f: f64| (pair[0].0 + f * (pair[1].0 - pair[0].0), pair[0].1 + f * (pair[1].1 - pair[0].1));
            (0..=20).filter(|i| covered(at(f64::from(*i) / 20.0))).count()
        };
        let runs = panel.series.iter().flat_map(|s| runs(frame, s));
        runs.map(|run| run.windows(2).map(along).sum::<usize>()).sum::<usize>()
    };
    let counts = corners.map(hidden);
    // the first of the emptiest
    let best = (0..corners.len()).min_by_key(|i| counts[*i]).unwrap_or(0);
    let (left, top) = corners[best];
    drawing.rectangle(left, top, width, height, Colour::WHITE, 0.85);
    for (i, s) in panel.series.iter().enumerate() {
        let y = top + inset + step * (i as f64 + 0.5) - 0.3;
        drawing.line((left + inset, y), (left + inset + line, y), stroke_of(i));
        let text = Text::new(&s.label, TICK_POINTS, Anchor::Start);
        let baseline = y + 0.5 * text.cap_height();
        drawing.text(left + inset + line + 1.4, baseline, text);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::passport::tests::example;
    use super::*;
    use crate::figure::Tier;

    fn panel(y: Vec<f64>, y_scale: Option<Scale>) -> LinePanel {
        let x = (0..y.len()).map(|i| i as f64).collect();
        let series = vec![LineSeries { label: "a".into(), x, y, band: None }];
        LinePanel { title: "t".into(), x_label: "x".into(), y_label: "y".into(), x_scale: None, y_scale, series }
    }

    #[test]
    fn a_curve_that_leaves_the_box_is_cut_in_two_runs() {
        let p = panel(vec![1.0, 3.0, 1.0], Some(Scale::Linear(0.0, 2.0)));
        let (x, y) = scales(&p).unwrap();
        let frame = Frame { left: 0.0, top: 0.0, width: 20.0, height: 10.0, x, y };
        // y = 2 is crossed at x = 0.5 and 1.5 of 0..2, hence at 5 and 15 mm
        assert_eq!(runs(&frame, &p.series[0]), [vec![(0.0, 5.0), (5.0, 0.0)], vec![(15.0, 0.0), (20.0, 5.0)]]);
    }

    #[test]
    fn what_cannot_be_shown_is_refused() {
        assert!(scales(&panel(vec![1.0, 0.0], Some(Scale::Logarithmic(0.1, 1.0)))).is_err());
        assert!(scales(&panel(vec![1.0, f64::NAN], None)).is_err());
        assert!(scales(&panel(vec![], None)).is_err());
        assert!(scales(&panel(vec![2.0, 2.0], None)).is_ok());
    }

    #[test]
    fn the_curves_are_in_the_passport() {
        let folder = tempfile::tempdir().unwrap();
        let passport = example("l", Tier::Twin);
        let written =
            draw_lines(&[panel(vec![1.0, 0.5], None)], &LineStyle::default(), &folder.path().join("l"), &passport).unwrap();
        assert_eq!(written.numbers["drawn"]["panels"][0]["series"][0]["y"], json!([1.0, 0.5]));
    }
}
