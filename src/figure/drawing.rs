//! [`Drawing`]: a figure as a list of elements in millimetres, from which the PNG and the SVG are made.

use super::colour_map::Colour;
use super::error::{FigureResult, refuse};
use super::font::{MILLIMETRES_PER_POINT, face};
use super::raster::Raster;

/// Smallest and largest side of a figure in millimetres.
const SIDES: std::ops::RangeInclusive<f64> = 5.0..=420.0;

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stroke {
    /// Colour.
    pub colour: Colour,
    /// Width in points.
    pub width_points: f64,
    /// Lengths of dash and gap in points; `None` is a whole line.
    pub dash_points: Option<(f64, f64)>,
}

impl Stroke {
    /// A whole line.
    pub fn solid(colour: Colour, width_points: f64) -> Stroke {
        Stroke { colour, width_points, dash_points: None }
    }

    /// A dashed line.
    pub fn dashed(colour: Colour, width_points: f64, dash: f64, gap: f64) -> Stroke {
        Stroke { colour, width_points, dash_points: Some((dash, gap)) }
    }
}

/// Which point of a line of text its position names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Its start.
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// A line of text; its position is on the baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// The words.
    pub words: String,
    /// Font size in points.
    pub size_points: f64,
    /// Bold face?
    pub bold: bool,
    /// Colour.
    pub colour: Colour,
    /// Which point the position names.
    pub anchor: Anchor,
    /// Turned to read from below to above?
    pub upward: bool,
}

impl Text {
    /// Black regular text.
    pub fn new(words: impl Into<String>, size_points: f64, anchor: Anchor) -> Text {
        Text { words: words.into(), size_points, bold: false, colour: Colour::BLACK, anchor, upward: false }
    }

    /// The same in bold.
    pub fn bold(mut self) -> Text {
        self.bold = true;
        self
    }

    /// The same in another colour.
    pub fn in_colour(mut self, colour: Colour) -> Text {
        self.colour = colour;
        self
    }

    /// The same, read from below to above.
    pub fn upward(mut self) -> Text {
        self.upward = true;
        self
    }

    /// Its length in millimetres.
    ///
    /// # Errors
    /// [`FigureError::Drawing`](super::FigureError) where the font cannot be read.
    pub fn length(&self) -> FigureResult<f64> {
        Ok(face(self.bold)?.width(&self.words) * self.size_points * MILLIMETRES_PER_POINT)
    }

    /// Height of its capital letters in millimetres (1409/2048 em in this font, the glyf table of its H and I), for centring.
    pub fn cap_height(&self) -> f64 {
        0.688 * self.size_points * MILLIMETRES_PER_POINT
    }
}

/// One element, in millimetres from the top left corner, y downwards.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Element {
    Path { points: Vec<(f64, f64)>, stroke: Stroke },
    Area { points: Vec<(f64, f64)>, colour: Colour, opacity: f64 },
    Text { x: f64, y: f64, text: Text },
    Picture { x: f64, y: f64, width: f64, height: f64, raster: Raster },
}

/// A figure in the making. Later elements lie over earlier ones; the ground is white.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    width: f64,
    height: f64,
    elements: Vec<Element>,
}

impl Drawing {
    /// An empty figure of `width` by `height` millimetres.
    ///
    /// # Errors
    /// [`FigureError::Argument`](super::FigureError) where a side is not within 5..420 mm.
    pub fn new(width: f64, height: f64) -> FigureResult<Drawing> {
        if !SIDES.contains(&width) || !SIDES.contains(&height) {
            return refuse(format!("a figure of {width} mm by {height} mm cannot be drawn; sides within 5..420 mm are wanted"));
        }
        Ok(Drawing { width, height, elements: Vec::new() })
    }

    /// Width in millimetres.
    pub fn width(&self) -> f64 {
        self.width
    }

    /// Height in millimetres.
    pub fn height(&self) -> f64 {
        self.height
    }

    /// The elements, from the lowest up.
    pub(super) fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// A line through points. Fewer than two, or any that is not finite, draw nothing.
    pub fn path(&mut self, points: Vec<(f64, f64)>, stroke: Stroke) {
        if points.len() > 1 && finite(&points) {
            self.elements.push(Element::Path { points, stroke });
        }
    }

    /// A straight line.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: Stroke) {
        self.path(vec![from, to], stroke);
    }

    /// A filled polygon, `opacity` 0 (clear) .. 1.
    pub fn area(&mut self, points: Vec<(f64, f64)>, colour: Colour, opacity: f64) {
        if points.len() > 2 && finite(&points) {
            self.elements.push(Element::Area { points, colour, opacity });
        }
    }

    /// A filled rectangle.
    pub fn rectangle(&mut self, x: f64, y: f64, width: f64, height: f64, colour: Colour, opacity: f64) {
        self.area(vec![(x, y), (x + width, y), (x + width, y + height), (x, y + height)], colour, opacity);
    }

    /// The outline of a rectangle.
    pub fn outline(&mut self, x: f64, y: f64, width: f64, height: f64, stroke: Stroke) {
        self.path(vec![(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)], stroke);
    }

    /// A line of text with its baseline at `(x, y)`.
    pub fn text(&mut self, x: f64, y: f64, text: Text) {
        if finite(&[(x, y)]) && !text.words.is_empty() {
            self.elements.push(Element::Text { x, y, text });
        }
    }

    /// A picture stretched over a rectangle.
    pub fn picture(&mut self, x: f64, y: f64, width: f64, height: f64, raster: Raster) {
        if finite(&[(x, y), (width, height)]) {
            self.elements.push(Element::Picture { x, y, width, height, raster });
        }
    }
}

fn finite(points: &[(f64, f64)]) -> bool {
    points.iter().all(|(x, y)| x.is_finite() && y.is_finite())
}

/// The pieces of a dashed line, each a line of its own; the one line where there is no dash. All lengths
/// are in one unit.
pub(super) fn dashes(points: &[(f64, f64)], dash: Option<(f64, f64)>) -> Vec<Vec<(f64, f64)>> {
    let Some((on, off)) = dash.filter(|(on, off)| *on > 0.0 && *off > 0.0) else { return vec![points.to_vec()] };
    let mut pieces = Vec::new();
    let mut piece = vec![points[0]];
    let (mut drawing, mut left) = (true, on);
    for pair in points.windows(2) {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        let length = (x1 - x0).hypot(y1 - y0);
        let mut done = 0.0;
        while length - done > left {
            done += left;
            let point = (x0 + (x1 - x0) * done / length, y0 + (y1 - y0) * done / length);
            if drawing {
                piece.push(point);
                pieces.push(std::mem::take(&mut piece));
            } else {
                piece = vec![point];
            }
            drawing = !drawing;
            left = if drawing { on } else { off };
        }
        left -= length - done;
        if drawing {
            piece.push((x1, y1));
        }
    }
    if drawing && piece.len() > 1 {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_by_hand() {
        // dash 2, gap 1 along 0..7: 0-2, 3-5, 6-7
        let pieces = dashes(&[(0.0, 0.0), (4.0, 0.0), (7.0, 0.0)], Some((2.0, 1.0)));
        let want = [vec![(0.0, 0.0), (2.0, 0.0)], vec![(3.0, 0.0), (4.0, 0.0), (5.0, 0.0)], vec![(6.0, 0.0), (7.0, 0.0)]];
        assert_eq!(pieces, want);
        assert_eq!(dashes(&[(0.0, 0.0), (1.0, 1.0)], None).len(), 1);
    }

    #[test]
    fn impossible_sizes_are_refused() {
        assert!(Drawing::new(f64::NAN, 50.0).is_err());
        assert!(Drawing::new(180.0, 2000.0).is_err());
    }

    #[test]
    fn what_is_not_finite_is_not_drawn() {
        let mut drawing = Drawing::new(50.0, 50.0).unwrap();
        drawing.line((0.0, f64::NAN), (1.0, 1.0), Stroke::solid(Colour::BLACK, 1.0));
        drawing.text(1.0, f64::INFINITY, Text::new("a", 8.0, Anchor::Start));
        assert!(drawing.elements().is_empty());
    }
}
