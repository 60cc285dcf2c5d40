//! Maps of fields on latitude and longitude.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::axes::{Frame, HEADER, draw_tier, panel_title};
use super::colour_bar::ColourBar;
use super::colour_map::ColourMap;
use super::drawing::Drawing;
use super::error::{FigureResult, refuse};
use super::map_raster::{extremes, map_raster, value_range};
use super::passport::Passport;
use super::publish::publish;
use super::ticks::{Scale, Tick};
use crate::grid::{Field, Unit, wrap_180};

/// One map.
#[derive(Clone, Debug)]
pub struct MapPanel<'a> {
    /// What it shows.
    pub title: String,
    /// The field.
    pub field: &'a Field,
    /// Which of its times.
    pub frame: usize,
    /// Colours.
    pub colour_map: ColourMap,
    /// Values at the ends of the colours; `None`: the lowest and highest value, about zero for a
    /// diverging map.
    pub range: Option<(f64, f64)>,
    /// Name of the quantity at the colour bar (`SST`, `error`).
    pub quantity: String,
    /// Unit at the colour bar; the values must be in it.
    pub unit: Unit,
}

/// How a figure of maps looks. The default is 180 mm wide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MapStyle {
    /// Width of the figure in millimetres.
    pub width_millimetres: f64,
    /// Maps in a row; `None`: up to three in one row, four as 2 x 2, more in rows of three.
    pub panels_in_a_row: Option<usize>,
    /// Give all maps of equal colours, quantity and unit that state no range the same one?
    pub share_range: bool,
}

impl Default for MapStyle {
    fn default() -> MapStyle {
        MapStyle { width_millimetres: 180.0, panels_in_a_row: None, share_range: true }
    }
}

const LEFT: f64 = 10.0;
const RIGHT: f64 = 4.0;
const GAP: f64 = 10.0;
const TITLE: f64 = 5.0;
const TICKS: f64 = 4.5;
const BAR: f64 = 2.6;
/// Room for the bar, its ticks and its label.
const BAR_ROOM: f64 = 12.5;
/// A figure is at most this high in millimetres, to fit a page with its caption.
const TALLEST: f64 = 215.0;

/// Draws the maps and writes `stem` + `.png`, `.svg`, `.json`; the passport as written is given back.
///
/// Degrees of longitude and latitude are drawn so that distances agree at the middle latitude. Land is
/// grey, ice pale blue, cloud near white, missing white. Where all maps share colours, range, quantity
/// and unit, one bar serves them all.
///
/// # Errors
/// [`FigureError::Argument`](super::FigureError) where there is no panel, a frame does not exist, holds no
/// valid cell and states no range, or a range is empty; else as [`publish`].
pub fn draw_maps(panels: &[MapPanel<'_>], style: &MapStyle, stem: &Path, passport: &Passport) -> FigureResult<Passport> {
    let ranges = ranges(panels, style.share_range)?;
    let usual = match panels.len() {
        0 => return refuse("a figure of no maps cannot be drawn; at least one is wanted"),
        n @ 1..=3 => n,
        4 => 2,
        _ => 3,
    };
    let columns = style.panels_in_a_row.unwrap_or(usual).clamp(1, panels.len());
    let rows = panels.len().div_ceil(columns);
    let cell = (style.width_millimetres - LEFT - RIGHT - GAP * (columns - 1) as f64) / columns as f64;
    if !(20.0..).contains(&cell) {
        return refuse(format!("{columns} maps do not fit in {} mm; 20 mm each are wanted", style.width_millimetres));
    }
    let one_bar = (1..panels.len()).all(|i| ranges[i] == ranges[0] && alike(&panels[i], &panels[0])) && panels.len() > 1;
    let around = TITLE + TICKS + if one_bar { 1.0 } else { BAR_ROOM };
    let room = (TALLEST - HEADER - if one_bar { BAR_ROOM } else { 0.0 }) / rows as f64 - around;
    let boxes: Vec<Frame> = panels.iter().map(|p| frame(p.field, cell, room.max(20.0))).collect::<FigureResult<_>>()?;
    let row_heights: Vec<f64> = boxes.chunks(columns).map(|row| row.iter().map(|f| f.height).fold(0.0, f64::max)).collect();
    let height = HEADER + row_heights.iter().sum::<f64>() + rows as f64 * around + if one_bar { BAR_ROOM } else { 0.0 };
    let mut drawing = Drawing::new(style.width_millimetres, height)?;
    draw_tier(&mut drawing, style.width_millimetres - RIGHT, &passport.tier)?;

    let mut top = HEADER;
    for (row, tallest) in row_heights.iter().enumerate() {
        for (column, i) in (row * columns..panels.len().min((row + 1) * columns)).enumerate() {
            let left = LEFT + column as f64 * (cell + GAP) + 0.5 * (cell - boxes[i].width);
            let frame = Frame { left, top: top + TITLE, ..boxes[i] };
            draw_map(&mut drawing, &frame, &panels[i], ranges[i], i, cell)?;
            if !one_bar {
                let (inset, bar) = (0.06 * frame.width, bar(&panels[i], ranges[i]));
                bar.draw(&mut drawing, frame.left + inset, frame.bottom() + TICKS + 0.8, frame.width - 2.0 * inset)?;
            }
        }
        top += tallest + around;
    }
    if one_bar {
        let wide = (style.width_millimetres - LEFT - RIGHT).min(110.0);
        let left = LEFT + 0.5 * (style.width_millimetres - LEFT - RIGHT - wide);
        let mut shared = bar(&panels[0], ranges[0]);
        for (panel, range) in panels.iter().zip(&ranges) {
            let beyond = beyond(panel, *range);
            shared.beyond = (shared.beyond.0 || beyond.0, shared.beyond.1 || beyond.1);
        }
        shared.draw(&mut drawing, left, top + 0.5, wide)?;
    }
    let drawn: Vec<_> = panels
        .iter()
        .zip(&ranges)
        .map(|(p, range)| {
            let extremes = extremes(p.field, p.frame).map(|(low, high)| [low, high]);
            json!({"title": p.title, "frame": p.frame, "colour_map": p.colour_map, "range": [range.0, range.1],
                   "unit": p.unit, "extremes": extremes,
                   "valid_cells": p.field.frame_mask(p.frame).iter().filter(|c| c.is_valid()).count()})
        })
        .collect();
    publish(&drawing, stem, &passport.with_drawn(json!({"panels": drawn})))
}

fn alike(a: &MapPanel<'_>, b: &MapPanel<'_>) -> bool {
    a.colour_map == b.colour_map && a.quantity == b.quantity && a.unit == b.unit
}

/// The ends of the colours of each panel.
fn ranges(panels: &[MapPanel<'_>], share: bool) -> FigureResult<Vec<(f64, f64)>> {
    let mut own = Vec::new();
    for panel in panels {
        if panel.frame >= panel.field.frames() {
            return refuse(format!("map '{}' asks for frame {} of {}", panel.title, panel.frame, panel.field.frames()));
        }
        let found = panel.range.or_else(|| value_range(panel.field, panel.frame, panel.colour_map));
        let Some(range) = found else {
            return refuse(format!("map '{}' has no valid cell; state a range to draw it all the same", panel.title));
        };
        Scale::Linear(range.0, range.1).check(&format!("the colours of map '{}'", panel.title))?;
        own.push(range);
    }
    if share {
        let joined = |i: usize| {
            let group = (0..panels.len()).filter(|j| panels[*j].range.is_none() && alike(&panels[i], &panels[*j]));
            group.fold(own[i], |(low, high), j| (low.min(own[j].0), high.max(own[j].1)))
        };
        return Ok((0..panels.len()).map(|i| if panels[i].range.is_some() { own[i] } else { joined(i) }).collect());
    }
    Ok(own)
}

/// The box of a map within a cell of `width` by `height` millimetres; its place is set later.
fn frame(field: &Field, width: f64, height: f64) -> FigureResult<Frame> {
    let ends = |edges: Vec<f64>| edges.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), e| (a.min(*e), b.max(*e)));
    let (x, y) = (ends(field.longitude().edges()), ends(field.latitude().edges()));
    let (x, y) = (Scale::Linear(x.0, x.1).check("longitude")?, Scale::Linear(y.0, y.1).check("latitude")?);
    let span = |scale: Scale| scale.ends().1 - scale.ends().0;
    let middle = 0.5 * (y.ends().0 + y.ends().1);
    let tall = span(y) / (span(x) * middle.to_radians().cos().max(0.1));
    let shrink = (height / (width * tall)).min(1.0);
    Ok(Frame { left: 0.0, top: 0.0, width: width * shrink, height: width * shrink * tall, x, y })
}

fn draw_map(
    drawing: &mut Drawing,
    frame: &Frame,
    panel: &MapPanel<'_>,
    range: (f64, f64),
    index: usize,
    room: f64,
) -> FigureResult<()> {
    panel_title(drawing, frame.left, frame.top - 1.4, room, index, &panel.title)?;
    let raster = map_raster(panel.field, panel.frame, panel.colour_map, range, frame.width, frame.height)?;
    drawing.picture(frame.left, frame.top, frame.width, frame.height, raster);
    let across = degrees(frame.x, (frame.width / 13.0).clamp(2.0, 8.0) as usize, |v| compass(wrap_180(v), "E", "W"));
    let upwards = degrees(frame.y, (frame.height / 9.0).clamp(2.0, 8.0) as usize, |v| compass(v, "N", "S"));
    frame.draw_x(drawing, &across, true)?;
    frame.draw_y(drawing, &upwards, true)?;
    frame.draw_box(drawing);
    Ok(())
}

/// Ticks in degrees: thirds and halves of right angles over wide areas, round decimals elsewhere.
fn degrees(scale: Scale, wanted: usize, label: impl Fn(f64) -> String) -> Vec<Tick> {
    let (low, high) = scale.ends();
    let raw = (high - low) / wanted as f64;
    let ticks = match [10.0, 15.0, 30.0, 45.0, 60.0, 90.0].into_iter().find(|s| *s >= raw) {
        Some(step) if raw > 5.0 => {
            let (first, last) = ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
            (first..=last).map(|i| Tick { value: i as f64 * step, label: (String::new(), None) }).collect()
        }
        _ => scale.ticks(wanted),
    };
    ticks.into_iter().map(|t| Tick { label: (label(t.value), None), ..t }).collect()
}

fn compass(value: f64, positive: &str, negative: &str) -> String {
    // six decimals at most, none that are zero: 30°N, 30.25°N
    let size = format!("{:.6}", value.abs());
    let size = size.trim_end_matches('0').trim_end_matches('.');
    let side = match size {
        "0" | "180" => "",
        _ if value > 0.0 => positive,
        _ => negative,
    };
    format!("{size}°{side}")
}

fn beyond(panel: &MapPanel<'_>, range: (f64, f64)) -> (bool, bool) {
    extremes(panel.field, panel.frame).map_or((false, false), |(low, high)| (low < range.0, high > range.1))
}

/// A colour bar that owns its label.
struct MapBar {
    map: ColourMap,
    range: (f64, f64),
    label: String,
    beyond: (bool, bool),
}

fn bar(panel: &MapPanel<'_>, range: (f64, f64)) -> MapBar {
    let label = if panel.unit == Unit::One { panel.quantity.clone() } else { format!("{} ({})", panel.quantity, panel.unit) };
    MapBar { map: panel.colour_map, range, label, beyond: beyond(panel, range) }
}

impl MapBar {
    fn draw(&self, drawing: &mut Drawing, left: f64, top: f64, width: f64) -> FigureResult<()> {
        let scale = Scale::Linear(self.range.0, self.range.1);
        ColourBar { map: self.map, scale, label: &self.label, beyond: self.beyond }.draw_level(drawing, left, top, width, BAR)
    }
}

#[cfg(test)]
mod tests {
    use super::super::map_raster::tests::small;
    use super::super::passport::tests::example;
    use super::*;
    use crate::figure::Tier;

    fn panel(field: &Field, colour_map: ColourMap, range: Option<(f64, f64)>) -> MapPanel<'_> {
        MapPanel { title: "a".into(), field, frame: 0, colour_map, range, quantity: "SST".into(), unit: Unit::Celsius }
    }

    #[test]
    fn equal_maps_share_the_wider_range() {
        let field = small(true);
        let other = field.with_values(vec![-3.0, 1.0, 1.0, 1.0, 1.0, 1.0], field.mask().clone()).unwrap();
        let panels = [panel(&field, ColourMap::Thermal, None), panel(&other, ColourMap::Thermal, None)];
        assert_eq!(ranges(&panels, true).unwrap(), [(-3.0, 4.0), (-3.0, 4.0)]);
        assert_eq!(ranges(&panels, false).unwrap(), [(0.0, 4.0), (-3.0, 1.0)]);
    }

    #[test]
    fn compass_labels() {
        assert_eq!(compass(-30.25, "N", "S"), "30.25°S");
        assert_eq!((compass(0.0, "E", "W"), compass(-180.0, "E", "W")), ("0°".into(), "180°".into()));
        let labels: Vec<_> = degrees(Scale::Linear(0.0, 360.0), 6, |v| compass(wrap_180(v), "E", "W"));
        assert_eq!(
            labels.iter().map(|t| t.label.0.as_str()).collect::<Vec<_>>(),
            ["0°", "60°E", "120°E", "180°", "120°W", "60°W", "0°"]
        );
    }

    #[test]
    fn distances_agree_at_the_middle_latitude() {
        // 3 degrees by 2 degrees about 31 N: 60 mm wide, 60 * 2 / (3 cos 31) = 46.665 mm high
        let frame = frame(&small(true), 60.0, 100.0).unwrap();
        assert!((frame.height - 46.6653).abs() < 1e-3, "{}", frame.height);
        // no higher than its cell, in the same proportion
        let low = super::frame(&small(true), 60.0, 46.6653 / 2.0).unwrap();
        assert!((low.width - 30.0).abs() < 1e-3, "{}", low.width);
    }

    #[test]
    fn maps_without_values_or_range_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let field = small(true);
        let empty = field.masked(&crate::grid::Mask::from_valid(&[false; 6], crate::grid::Cell::Cloud)).unwrap();
        let stem = folder.path().join("m");
        let draw = |panels: &[MapPanel<'_>]| draw_maps(panels, &MapStyle::default(), &stem, &example("m", Tier::Twin));
        assert!(draw(&[panel(&empty, ColourMap::Thermal, None)]).is_err());
        assert!(draw(&[panel(&field, ColourMap::Thermal, Some((1.0, 1.0)))]).is_err());
        assert!(draw(&[]).is_err());
        assert!(draw(&[panel(&empty, ColourMap::Thermal, Some((0.0, 1.0)))]).is_ok());
    }
}
