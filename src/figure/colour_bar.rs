//! Colour bars.

use super::axes::{FRAME_POINTS, LABEL_POINTS, tick_label};
use super::colour_map::{Colour, ColourMap};
use super::drawing::{Anchor, Drawing, Stroke, Text};
use super::error::FigureResult;
use super::raster::Raster;
use super::ticks::Scale;

const STEPS: usize = 255;
const TICK_LENGTH: f64 = 0.9;

/// What a bar shows.
#[derive(Clone, Debug)]
pub(super) struct ColourBar<'a> {
    pub map: ColourMap,
    pub scale: Scale,
    pub label: &'a str,
    /// Do values lie beyond the low and the high end? Those ends are drawn as points.
    pub beyond: (bool, bool),
}

impl ColourBar<'_> {
    fn indices(backwards: bool) -> Vec<u8> {
        let up = 1..=STEPS as u8;
        if backwards { up.rev().collect() } else { up.collect() }
    }

    /// A bar that rises; ticks and label are on its right.
    pub fn draw_upright(&self, drawing: &mut Drawing, left: f64, top: f64, width: f64, height: f64) -> FigureResult<()> {
        drawing.picture(left, top, width, height, Raster::new(1, STEPS, self.map.palette(STEPS), Self::indices(true))?);
        let stroke = Stroke::solid(Colour::BLACK, FRAME_POINTS);
        let place = |value: f64| top + height * (1.0 - self.scale.fraction(value));
        let mut widest = 0.0f64;
        for value in self.scale.minor_ticks() {
            drawing.line((left + width, place(value)), (left + width - 0.5 * TICK_LENGTH, place(value)), stroke);
        }
        for tick in self.scale.ticks(8) {
            drawing.line((left + width, place(tick.value)), (left + width + TICK_LENGTH, place(tick.value)), stroke);
            tick_label(drawing, left + width + TICK_LENGTH + 0.6, place(tick.value) + 0.9, &tick, Anchor::Start)?;
            widest = widest.max(Text::new(tick.label.0, super::axes::TICK_POINTS, Anchor::Start).length()?);
        }
        drawing.outline(left, top, width, height, stroke);
        let label = Text::new(self.label, LABEL_POINTS, Anchor::Middle).upward();
        drawing.text(left + width + TICK_LENGTH + 0.6 + widest + 4.0, top + 0.5 * height, label);
        Ok(())
    }

    /// A bar that runs to the right; ticks and label are below it.
    pub fn draw_level(&self, drawing: &mut Drawing, left: f64, top: f64, width: f64, height: f64) -> FigureResult<()> {
        drawing.picture(left, top, width, height, Raster::new(STEPS, 1, self.map.palette(STEPS), Self::indices(false))?);
        let stroke = Stroke::solid(Colour::BLACK, FRAME_POINTS);
        let (middle, point) = (top + 0.5 * height, 0.9 * height);
        let mut edge = vec![(left, top), (left + width, top)];
        if self.beyond.1 {
            let corners = vec![(left + width, top), (left + width + point, middle), (left + width, top + height)];
            drawing.area(corners, self.map.colour(1.0), 1.0);
            edge.push((left + width + point, middle));
        }
        edge.extend([(left + width, top + height), (left, top + height)]);
        if self.beyond.0 {
            let corners = vec![(left, top), (left - point, middle), (left, top + height)];
            drawing.area(corners, self.map.colour(0.0), 1.0);
            edge.push((left - point, middle));
        }
        edge.push((left, top));
        drawing.path(edge, stroke);
        for tick in self.scale.ticks((width / 11.0).max(2.0) as usize) {
            let x = left + width * self.scale.fraction(tick.value);
            drawing.line((x, top + height), (x, top + height + TICK_LENGTH), stroke);
            tick_label(drawing, x, top + height + TICK_LENGTH + 2.6, &tick, Anchor::Middle)?;
        }
        drawing.text(left + 0.5 * width, top + height + TICK_LENGTH + 6.0, Text::new(self.label, LABEL_POINTS, Anchor::Middle));
        Ok(())
    }
}
