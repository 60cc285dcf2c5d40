//! The embedded font: Liberation Sans, regular and bold (SIL Open Font License, assets/fonts/).
//!
//! plotters draws the letters; where each one goes is decided here from the font's own tables, because
//! plotters leaves out the room to the left of a letter's ink and counts in whole pixels.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use plotters::style::{FontStyle, register_font};

use super::error::{FigureError, FigureResult};

/// The name under which the font is known to plotters, and the `font-family` of SVG files: fallbacks
/// with letters of the same widths.
pub(super) const FAMILY: &str = "Liberation Sans, Arimo, Arial, Helvetica, sans-serif";

/// Millimetres in a typographic point.
pub(super) const MILLIMETRES_PER_POINT: f64 = 25.4 / 72.0;

static REGULAR: &[u8] = include_bytes!("../../assets/fonts/LiberationSans-Regular.ttf");
static BOLD: &[u8] = include_bytes!("../../assets/fonts/LiberationSans-Bold.ttf");

/// Widths of one face, in units of the font size (em).
#[derive(Debug)]
pub(super) struct Face {
    /// Advance and left side bearing of each character.
    letters: BTreeMap<u32, (f64, f64)>,
    missing: (f64, f64),
    /// Ascent plus descent: what plotters calls the size of a font.
    pub height: f64,
}

impl Face {
    /// Advance and left side bearing of a character in em.
    pub fn letter(&self, c: char) -> (f64, f64) {
        *self.letters.get(&(c as u32)).unwrap_or(&self.missing)
    }

    /// Width of a line of text in em, without kerning.
    pub fn width(&self, text: &str) -> f64 {
        text.chars().map(|c| self.letter(c).0).sum()
    }

    /// Reads the tables `head`, `hhea`, `hmtx` and `cmap` (format 4) of a TrueType file.
    fn read(bytes: &[u8]) -> Option<Face> {
        let table = |tag: &[u8]| {
            let entry = (0..usize::from(word(bytes, 4)?)).map(|i| 12 + 16 * i).find(|e| bytes.get(*e..*e + 4) == Some(tag))?;
            bytes.get(long(bytes, entry + 8)?..)
        };
        let (head, hhea, hmtx, cmap) = (table(b"head")?, table(b"hhea")?, table(b"hmtx")?, table(b"cmap")?);
        let em = f64::from(word(head, 18)?);
        let height = f64::from(word(hhea, 4)? as i16) - f64::from(word(hhea, 6)? as i16);
        let measured = usize::from(word(hhea, 34)?);
        let widths = |glyph: usize| {
            let advance = word(hmtx, 4 * glyph.min(measured.checked_sub(1)?))?;
            let bearing =
                if glyph < measured { word(hmtx, 4 * glyph + 2)? } else { word(hmtx, 4 * measured + 2 * (glyph - measured))? };
            Some((f64::from(advance) / em, f64::from(bearing as i16) / em))
        };
        // platform 3, encoding 1: Unicode in segments
        let record = (0..usize::from(word(cmap, 2)?))
            .map(|i| 4 + 8 * i)
            .find(|r| word(cmap, *r) == Some(3) && word(cmap, r + 2) == Some(1))?;
        let map = cmap.get(long(cmap, record + 4)?..)?;
        let segments = usize::from(word(map, 6)?) / 2;
        let mut letters = BTreeMap::new();
        for segment in 0..segments {
            let column = |block: usize| word(map, 14 + 2 * (block * segments + segment) + if block > 0 { 2 } else { 0 });
            let (last, first, delta, offset) = (column(0)?, column(1)?, column(2)?, column(3)?);
            for code in first..=last {
                let glyph = if offset == 0 {
                    code.wrapping_add(delta)
                } else {
                    let place = 16 + 2 * (3 * segments + segment) + usize::from(offset) + 2 * usize::from(code - first);
                    match word(map, place).unwrap_or(0) {
                        0 => 0,
                        glyph => glyph.wrapping_add(delta),
                    }
                };
                if let Some(found) = widths(usize::from(glyph)).filter(|_| glyph > 0) {
                    letters.insert(u32::from(code), found);
                }
            }
        }
        Some(Face { letters, missing: widths(0)?, height: height / em })
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize)
}

/// The regular or the bold face. The first call makes both known to plotters.
pub(super) fn face(bold: bool) -> FigureResult<&'static Face> {
    static FACES: OnceLock<Option<[Face; 2]>> = OnceLock::new();
    let faces = FACES.get_or_init(|| {
        register_font(FAMILY, FontStyle::Normal, REGULAR).ok()?;
        register_font(FAMILY, FontStyle::Bold, BOLD).ok()?;
        Some([Face::read(REGULAR)?, Face::read(BOLD)?])
    });
    match faces {
        Some([regular, heavy]) => Ok(if bold { heavy } else { regular }),
        None => Err(FigureError::Drawing("the embedded font cannot be read".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plotters::style::{FontDesc, FontFamily};

    /// The twin is ab_glyph's own reading of the same file. Letters that kern are left out.
    #[test]
    fn widths_agree_with_ab_glyph() {
        for (bold, style) in [(false, FontStyle::Normal), (true, FontStyle::Bold)] {
            let face = face(bold).unwrap();
            let size = 20_000.0;
            for text in ["0123456789", "RMSE = 0.3353 °C", "R² = −0.99 ×", "μ"] {
                let font = FontDesc::new(FontFamily::Name(FAMILY), size, style);
                let (wide, _) = font.box_size(text).unwrap();
                let ours = face.width(text) * size / face.height;
                assert!((ours - f64::from(wide)).abs() < 2.0, "{text}: {ours} against {wide}");
            }
        }
    }

    /// Arial's published widths, which Liberation Sans follows: digits 1139/2048, space 569/2048.
    #[test]
    fn widths_of_arial() {
        let face = face(false).unwrap();
        assert!((face.width("8") - 1139.0 / 2048.0).abs() < 1e-12);
        assert!((face.width(" ") - 569.0 / 2048.0).abs() < 1e-12);
        assert!((face.height - (1854.0 + 434.0) / 2048.0).abs() < 1e-12);
    }
}
