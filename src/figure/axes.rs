//! [`Frame`]: the box of a panel, with its two scales, ticks, labels and title.

use super::colour_map::Colour;
use super::drawing::{Anchor, Drawing, Stroke, Text};
use super::error::FigureResult;
use super::ticks::{Scale, Tick};
use crate::data::Tier;

/// Font sizes in points, as printed at 180 mm.
pub(super) const TITLE_POINTS: f64 = 8.5;
pub(super) const LABEL_POINTS: f64 = 8.0;
pub(super) const TICK_POINTS: f64 = 7.0;
/// Line widths in points.
pub(super) const FRAME_POINTS: f64 = 0.6;
const TICK_LENGTH: f64 = 1.1;
const MINOR_TICK_LENGTH: f64 = 0.6;
/// Height in millimetres of the strip above the panels that holds the tier.
pub(super) const HEADER: f64 = 5.6;

/// A panel's box in millimetres with its scales; y runs upwards.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
    pub x: Scale,
    pub y: Scale,
}

impl Frame {
    /// Where a pair of values lies, in millimetres.
    pub fn point(&self, x: f64, y: f64) -> (f64, f64) {
        (self.left + self.width * self.x.fraction(x), self.top + self.height * (1.0 - self.y.fraction(y)))
    }

    pub fn bottom(&self) -> f64 {
        self.top + self.height
    }

    pub fn right(&self) -> f64 {
        self.left + self.width
    }

    /// The box and the x ticks, labelled below where `labels`.
    pub fn draw_x(&self, drawing: &mut Drawing, ticks: &[Tick], labels: bool) -> FigureResult<()> {
        let stroke = Stroke::solid(Colour::BLACK, FRAME_POINTS);
        for value in self.x.minor_ticks() {
            let (x, _) = self.point(value, 1.0);
            drawing.line((x, self.bottom()), (x, self.bottom() - MINOR_TICK_LENGTH), stroke);
        }
        for tick in ticks {
            let x = self.left + self.width * self.x.fraction(tick.value);
            drawing.line((x, self.bottom()), (x, self.bottom() - TICK_LENGTH), stroke);
            if labels {
                tick_label(drawing, x, self.bottom() + 3.1, tick, Anchor::Middle)?;
            }
        }
        Ok(())
    }

    /// The y ticks, labelled on the left where `labels`.
    pub fn draw_y(&self, drawing: &mut Drawing, ticks: &[Tick], labels: bool) -> FigureResult<()> {
        let stroke = Stroke::solid(Colour::BLACK, FRAME_POINTS);
        let height = |value| self.top + self.height * (1.0 - self.y.fraction(value));
        for value in self.y.minor_ticks() {
            drawing.line((self.left, height(value)), (self.left + MINOR_TICK_LENGTH, height(value)), stroke);
        }
        for tick in ticks {
            let y = height(tick.value);
            drawing.line((self.left, y), (self.left + TICK_LENGTH, y), stroke);
            if labels {
                tick_label(drawing, self.left - 0.9, y + 0.9, tick, Anchor::End)?;
            }
        }
        Ok(())
    }

    /// The box itself, drawn last so that nothing lies over it.
    pub fn draw_box(&self, drawing: &mut Drawing) {
        drawing.outline(self.left, self.top, self.width, self.height, Stroke::solid(Colour::BLACK, FRAME_POINTS));
    }

    /// The part of the line from `a` to `b` (values) within the box, in millimetres (Liang and Barsky).
    pub fn clip(&self, a: (f64, f64), b: (f64, f64)) -> Option<[(f64, f64); 2]> {
        let ((x0, y0), (x1, y1)) = (self.point(a.0, a.1), self.point(b.0, b.1));
        let (dx, dy) = (x1 - x0, y1 - y0);
        let (mut enter, mut leave) = (0.0f64, 1.0f64);
        let edges = [(-dx, x0 - self.left), (dx, self.right() - x0), (-dy, y0 - self.top), (dy, self.bottom() - y0)];
        for (step, room) in edges {
            if step == 0.0 && room < 0.0 || !step.is_finite() || !room.is_finite() {
                return None;
            }
            if step < 0.0 {
                enter = enter.max(room / step);
            } else if step > 0.0 {
                leave = leave.min(room / step);
            }
        }
        (enter < leave).then_some([(x0 + enter * dx, y0 + enter * dy), (x0 + leave * dx, y0 + leave * dy)])
    }
}

/// A tick's label; a power is set smaller and raised.
pub(super) fn tick_label(drawing: &mut Drawing, x: f64, y: f64, tick: &Tick, anchor: Anchor) -> FigureResult<()> {
    let base = Text::new(tick.label.0.clone(), TICK_POINTS, Anchor::Start);
    let power = tick.label.1.clone().map(|p| Text::new(p, 0.72 * TICK_POINTS, Anchor::Start));
    let base_length = base.length()?;
    let length = base_length + power.as_ref().map_or(Ok(0.0), Text::length)?;
    let start = match anchor {
        Anchor::Start => x,
        Anchor::Middle => x - 0.5 * length,
        Anchor::End => x - length,
    };
    drawing.text(start, y, base);
    if let Some(power) = power {
        drawing.text(start + base_length, y - 0.9, power);
    }
    Ok(())
}

/// `(a) Title` above a panel; a title too long for `room` millimetres is set smaller.
pub(super) fn panel_title(
    drawing: &mut Drawing,
    left: f64,
    baseline: f64,
    room: f64,
    index: usize,
    title: &str,
) -> FigureResult<()> {
    let letter = Text::new(format!("({})", letter(index)), TITLE_POINTS, Anchor::Start).bold();
    let indent = letter.length()? + 1.0;
    let mut text = Text::new(title, TITLE_POINTS, Anchor::Start);
    let length = text.length()?;
    if length > room - indent && length > 0.0 {
        text.size_points *= ((room - indent) / length).max(0.6);
    }
    drawing.text(left, baseline, letter);
    drawing.text(left + indent, baseline, text);
    Ok(())
}

/// a, b, ... z, aa, ab, ...
fn letter(index: usize) -> String {
    let last = char::from(b'a' + (index % 26) as u8);
    if index < 26 { last.to_string() } else { format!("{}{last}", letter(index / 26 - 1)) }
}

/// The tier, at the right end of the header strip. Anything but purely real data stands white on a dark
/// orange ground, so that it cannot be taken for the real ocean.
pub(super) fn draw_tier(drawing: &mut Drawing, right: f64, tier: &[Tier]) -> FigureResult<()> {
    let mut tier = tier.to_vec();
    tier.sort();
    tier.dedup();
    let words = tier.iter().map(|t| t.label()).collect::<Vec<_>>().join("  +  ");
    let real = tier.iter().all(|t| *t == Tier::Real);
    let colour = if real { Colour::hex(0x404040) } else { Colour::WHITE };
    let text = Text::new(words, 7.5, Anchor::End).bold().in_colour(colour);
    let (length, height, middle) = (text.length()?, 4.0, 0.7 + 2.0);
    let (left, top) = (right - length - 3.0, middle - 0.5 * height);
    if real {
        drawing.outline(left, top, length + 3.0, height, Stroke::solid(colour, 0.5));
    } else {
        drawing.rectangle(left, top, length + 3.0, height, Colour::hex(0xa63c00), 1.0);
    }
    let baseline = middle + 0.5 * text.cap_height();
    drawing.text(right - 1.5, baseline, text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Frame {
        Frame { left: 10.0, top: 5.0, width: 40.0, height: 40.0, x: Scale::Linear(-5.0, 35.0), y: Scale::Linear(-5.0, 35.0) }
    }

    #[test]
    fn corners_of_the_box() {
        assert_eq!(frame().point(-5.0, 35.0), (10.0, 5.0));
        assert_eq!(frame().point(35.0, -5.0), (50.0, 45.0));
    }

    #[test]
    fn lines_are_cut_at_the_box() {
        // y = x from -10 to 20 enters at the lower left corner; at 20, fraction 25/40 of 40 mm = 25 mm
        let [a, b] = frame().clip((-10.0, -10.0), (20.0, 20.0)).unwrap();
        assert!((a.0 - 10.0).abs() < 1e-12 && (a.1 - 45.0).abs() < 1e-12);
        assert!((b.0 - 35.0).abs() < 1e-12 && (b.1 - 20.0).abs() < 1e-12);
        assert!(frame().clip((40.0, 0.0), (50.0, 0.0)).is_none());
        assert!(frame().clip((0.0, f64::NAN), (1.0, 1.0)).is_none());
    }

    #[test]
    fn panel_letters() {
        assert_eq!([0, 25, 26, 52].map(letter), ["a", "z", "aa", "ba"]);
    }
}
