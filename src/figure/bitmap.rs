//! [`Bitmap`]: a drawing as pixels at 300 dpi. plotters draws at three times that and each pixel is the
//! mean of nine, because plotters smooths letters but not thick lines.

use plotters::backend::{BitMapBackend, DrawingBackend};
use plotters::style::{FontDesc, FontFamily, FontStyle, FontTransform, RGBAColor, TextStyle};

use super::colour_map::Colour;
use super::drawing::{Anchor, Drawing, Element, Stroke, Text, dashes};
use super::error::{FigureError, FigureResult};
use super::font::{FAMILY, MILLIMETRES_PER_POINT, face};
use super::raster::Raster;

/// Pixels per millimetre of the finished picture: 300 dpi.
pub(super) const PIXELS_PER_MILLIMETRE: f64 = 300.0 / 25.4;
/// Side of the square of drawn pixels that make one finished pixel.
const FINER: usize = 3;
const FINE_PER_MILLIMETRE: f64 = PIXELS_PER_MILLIMETRE * FINER as f64;

/// An RGB picture, rows from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bitmap {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Red, green and blue of each pixel.
    pub rgb: Vec<u8>,
}

impl Bitmap {
    /// Draws at 300 dpi.
    ///
    /// # Errors
    /// [`FigureError::Drawing`] where plotters refuses.
    pub fn of(drawing: &Drawing) -> FigureResult<Bitmap> {
        let (width, height) = (pixels(drawing.width()), pixels(drawing.height()));
        let mut fine = vec![255u8; width * height * FINER * FINER * 3];
        let size = ((width * FINER) as u32, (height * FINER) as u32);
        {
            let mut canvas = Canvas { backend: BitMapBackend::with_buffer(&mut fine, size) };
            for element in drawing.elements() {
                match element {
                    Element::Path { points, stroke } => canvas.path(points, stroke)?,
                    Element::Area { points, colour, opacity } => canvas.area(points, *colour, *opacity)?,
                    Element::Text { x, y, text } => canvas.text(*x, *y, text)?,
                    Element::Picture { x, y, width, height, raster } => canvas.picture(*x, *y, *width, *height, raster)?,
                }
            }
            canvas.backend.present().map_err(drawing_error)?;
        }
        Ok(Bitmap { width, height, rgb: shrink(&fine, width, height) })
    }

    /// The colour of a pixel, or `None` outside.
    pub fn pixel(&self, column: usize, row: usize) -> Option<Colour> {
        if column >= self.width || row >= self.height {
            return None;
        }
        let at = 3 * (row * self.width + column);
        Some(Colour { red: self.rgb[at], green: self.rgb[at + 1], blue: self.rgb[at + 2] })
    }
}

/// Whole pixels in a length.
fn pixels(millimetres: f64) -> usize {
    (millimetres * PIXELS_PER_MILLIMETRE).round().max(1.0) as usize
}

fn fine(millimetres: f64) -> i32 {
    (millimetres * FINE_PER_MILLIMETRE).round() as i32
}

fn drawing_error(error: impl std::fmt::Display) -> FigureError {
    FigureError::Drawing(error.to_string())
}

fn rgba(colour: Colour, opacity: f64) -> RGBAColor {
    RGBAColor(colour.red, colour.green, colour.blue, opacity)
}

/// Mean of each square of fine pixels.
fn shrink(fine: &[u8], width: usize, height: usize) -> Vec<u8> {
    let row_length = width * FINER * 3;
    let mut rgb = Vec::with_capacity(width * height * 3);
    let mut sums = vec![0u32; width * 3];
    for rows in fine.chunks_exact(row_length * FINER) {
        sums.fill(0);
        for row in rows.chunks_exact(row_length) {
            for (sum, cells) in sums.chunks_exact_mut(3).zip(row.chunks_exact(3 * FINER)) {
                for cell in cells.chunks_exact(3) {
                    (0..3).for_each(|c| sum[c] += u32::from(cell[c]));
                }
            }
        }
        let count = (FINER * FINER) as u32;
        rgb.extend(sums.iter().map(|s| ((s + count / 2) / count) as u8));
    }
    rgb
}

struct Canvas<'a> {
    backend: BitMapBackend<'a>,
}

impl Canvas<'_> {
    fn path(&mut self, points: &[(f64, f64)], stroke: &Stroke) -> FigureResult<()> {
        let half = 0.5 * stroke.width_points * MILLIMETRES_PER_POINT;
        let dash = stroke.dash_points.map(|(on, off)| (on * MILLIMETRES_PER_POINT, off * MILLIMETRES_PER_POINT));
        for piece in dashes(points, dash) {
            for (i, pair) in piece.windows(2).enumerate() {
                let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
                let length = (x1 - x0).hypot(y1 - y0);
                if length > 0.0 {
                    let (dx, dy) = (half * (x1 - x0) / length, half * (y1 - y0) / length);
                    let corners = [(x0 - dy, y0 + dx), (x1 - dy, y1 + dx), (x1 + dy, y1 - dx), (x0 + dy, y0 - dx)];
                    self.area(&corners, stroke.colour, 1.0)?;
                }
                // a disc closes the notch between two pieces that meet at an angle
                let radius = fine(half);
                if i > 0 && radius > 0 {
                    let centre = (fine(x0), fine(y0));
                    self.backend.draw_circle(centre, radius as u32, &rgba(stroke.colour, 1.0), true).map_err(drawing_error)?;
                }
            }
        }
        Ok(())
    }

    fn area(&mut self, points: &[(f64, f64)], colour: Colour, opacity: f64) -> FigureResult<()> {
        let corners: Vec<(i32, i32)> = points.iter().map(|(x, y)| (fine(*x), fine(*y))).collect();
        let colour = rgba(colour, opacity);
        let (x, y) = (corners.iter().map(|c| c.0), corners.iter().map(|c| c.1));
        let bounds = (x.clone().min(), y.clone().min(), x.max(), y.max());
        if let (true, (Some(left), Some(top), Some(right), Some(bottom))) = (is_upright(&corners), bounds) {
            // never thinner than one fine pixel
            let (right, bottom) = (right.max(left + 1), bottom.max(top + 1));
            return self.backend.draw_rect((left, top), (right, bottom), &colour, true).map_err(drawing_error);
        }
        self.backend.fill_polygon(corners, &colour).map_err(drawing_error)
    }

    fn text(&mut self, x: f64, y: f64, text: &Text) -> FigureResult<()> {
        let face = face(text.bold)?;
        let em = text.size_points * MILLIMETRES_PER_POINT * FINE_PER_MILLIMETRE;
        // plotters puts the baseline half a size below its position: an even size makes that a whole pixel
        let size = 2 * (0.5 * em * face.height).round() as i32;
        let style = if text.bold { FontStyle::Bold } else { FontStyle::Normal };
        let transform = if text.upward { FontTransform::Rotate270 } else { FontTransform::None };
        let font = FontDesc::new(FontFamily::Name(FAMILY), f64::from(size), style).transform(transform);
        let colour = rgba(text.colour, 1.0);
        let style = TextStyle::from(font).color(&colour);
        let start = match text.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -0.5 * em * face.width(&text.words),
            Anchor::End => -em * face.width(&text.words),
        };
        let (x, y) = (fine(x), fine(y));
        let mut pen = start;
        for c in text.words.chars() {
            let (advance, bearing) = face.letter(c);
            // plotters starts a letter at its ink, so the room before it is added here
            let along = pen.round() as i32 + (bearing * em).floor() as i32;
            let place = if text.upward { (x - size / 2, y - along) } else { (x + along, y - size / 2) };
            self.backend.draw_text(c.encode_utf8(&mut [0; 4]), &style, place).map_err(drawing_error)?;
            pen += advance * em;
        }
        Ok(())
    }

    fn picture(&mut self, x: f64, y: f64, width: f64, height: f64, raster: &Raster) -> FigureResult<()> {
        let edge = |start: f64, length: f64, i: usize, n: usize| fine(start + length * i as f64 / n as f64);
        for row in 0..raster.rows() {
            let (top, bottom) = (edge(y, height, row, raster.rows()), edge(y, height, row + 1, raster.rows()));
            let cells = &raster.indices()[row * raster.columns()..(row + 1) * raster.columns()];
            let mut first = 0;
            for run in cells.chunk_by(|a, b| a == b) {
                if let Some(colour) = raster.colour(row, first) {
                    let left = edge(x, width, first, raster.columns());
                    let right = edge(x, width, first + run.len(), raster.columns());
                    let corner = (right.max(left), bottom.max(top));
                    self.backend.draw_rect((left, top), corner, &rgba(colour, 1.0), true).map_err(drawing_error)?;
                }
                first += run.len();
            }
        }
        Ok(())
    }
}

/// Is it a rectangle with sides along the axes?
fn is_upright(corners: &[(i32, i32)]) -> bool {
    let [a, b, c, d] = corners else { return false };
    (a.0 == b.0 && b.1 == c.1 && c.0 == d.0 && d.1 == a.1) || (a.1 == b.1 && b.0 == c.0 && c.1 == d.1 && d.0 == a.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rectangle_lands_where_it_was_put() {
        // 25.4 mm = 300 pixels; the right half is blue
        let mut drawing = Drawing::new(25.4, 12.7).unwrap();
        let blue = Colour::hex(0x0000ff);
        drawing.rectangle(12.7, 0.0, 12.7, 12.7, blue, 1.0);
        let bitmap = Bitmap::of(&drawing).unwrap();
        assert_eq!((bitmap.width, bitmap.height), (300, 150));
        assert_eq!((bitmap.pixel(149, 70), bitmap.pixel(150, 70)), (Some(Colour::WHITE), Some(blue)));
        assert_eq!(bitmap.pixel(300, 0), None);
    }

    #[test]
    fn dashes_are_in_points() {
        // dash and gap of 12 points = 50 pixels, from the left edge on
        let mut drawing = Drawing::new(25.4, 25.4).unwrap();
        drawing.line((0.0, 12.7), (25.4, 12.7), Stroke::dashed(Colour::BLACK, 2.0, 12.0, 12.0));
        let bitmap = Bitmap::of(&drawing).unwrap();
        let dark = [25, 75, 125, 175, 225, 275].map(|x| bitmap.pixel(x, 150).unwrap() == Colour::BLACK);
        assert_eq!(dark, [true, false, true, false, true, false]);
    }

    #[test]
    fn a_picture_keeps_its_rows_and_clear_cells() {
        let mut drawing = Drawing::new(25.4, 25.4).unwrap();
        let raster = Raster::new(2, 2, vec![Colour::BLACK], vec![1, 0, 0, 1]).unwrap();
        drawing.picture(0.0, 0.0, 25.4, 25.4, raster);
        let bitmap = Bitmap::of(&drawing).unwrap();
        let at = |x, y| bitmap.pixel(x, y).unwrap();
        assert_eq!([at(10, 10), at(290, 10), at(10, 290), at(290, 290)], {
            [Colour::BLACK, Colour::WHITE, Colour::WHITE, Colour::BLACK]
        });
    }

    /// The capital I of this font is a bar: ink from 189/2048 to 380/2048 em by its glyf table.
    /// 72 points = 300 pixels per em, so its ink must start at pixel 100 + 28 and end at 100 + 56.
    #[test]
    fn letters_keep_the_room_before_their_ink() {
        let mut drawing = Drawing::new(25.4, 25.4).unwrap();
        drawing.text(100.0 / PIXELS_PER_MILLIMETRE, 20.0, Text::new("I", 72.0, Anchor::Start));
        let bitmap = Bitmap::of(&drawing).unwrap();
        let row = (15.0 * PIXELS_PER_MILLIMETRE) as usize;
        let dark: Vec<usize> = (0..300).filter(|x| bitmap.pixel(*x, row).unwrap().red < 128).collect();
        assert!((127..=129).contains(&dark[0]) && (154..=157).contains(&dark[dark.len() - 1]), "{dark:?}");
        // the baseline is the lower end of the bar
        let column = 100 + 40;
        let last = (0..300).rfind(|y| bitmap.pixel(column, *y).unwrap().red < 128).unwrap();
        assert!((last as f64 - 20.0 * PIXELS_PER_MILLIMETRE).abs() < 2.0, "{last}");
    }
}
