//! A drawing as SVG. Written here and not by plotters, whose SVG has whole-pixel coordinates, places text
//! by guess and cannot hold a picture without a further library.

use std::fmt::Write;

use super::drawing::{Anchor, Drawing, Element, Stroke, Text};
use super::error::FigureResult;
use super::font::{FAMILY, MILLIMETRES_PER_POINT};
use super::png_file::encode_raster;

/// Cells of a picture wider or higher than this, in millimetres, are drawn with sharp edges.
const COARSE: f64 = 0.15;

/// The SVG file: millimetres as user units, pictures inside as PNG, `passport` (JSON) as metadata.
pub(super) fn write(drawing: &Drawing, title: &str, passport: &str) -> FigureResult<String> {
    let (width, height) = (number(drawing.width()), number(drawing.height()));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}mm\" height=\"{height}mm\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" font-family=\"{FAMILY}\">\n<title>{}</title>\n<metadata id=\"isotherm-passport\">{}</metadata>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n",
        escape(title),
        escape(passport)
    );
    for element in drawing.elements() {
        match element {
            Element::Path { points, stroke } => path(&mut svg, points, stroke),
            Element::Area { points, colour, opacity } => {
                let fade = if *opacity < 1.0 { format!(" fill-opacity=\"{}\"", number(*opacity)) } else { String::new() };
                push(&mut svg, format_args!("<polygon points=\"{}\" fill=\"{}\"{fade}/>\n", list(points), colour.css()));
            }
            Element::Text { x, y, text } => words(&mut svg, *x, *y, text),
            Element::Picture { x, y, width, height, raster } => {
                let data = base64(&encode_raster(raster)?);
                // the cells of a coarse field keep their edges; fine dots may be smoothed to the screen's pixels
                let coarse = width / raster.columns() as f64 > COARSE || height / raster.rows() as f64 > COARSE;
                let style = if coarse { " style=\"image-rendering:pixelated\"" } else { "" };
                push(
                    &mut svg,
                    format_args!(
                        "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\"{style} \
                         href=\"data:image/png;base64,{data}\"/>\n",
                        number(*x),
                        number(*y),
                        number(*width),
                        number(*height)
                    ),
                );
            }
        }
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

/// Writing to a string cannot fail.
fn push(svg: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = svg.write_fmt(text);
}

fn path(svg: &mut String, points: &[(f64, f64)], stroke: &Stroke) {
    let dash = stroke.dash_points.map_or_else(String::new, |(on, off)| {
        format!(" stroke-dasharray=\"{} {}\"", number(on * MILLIMETRES_PER_POINT), number(off * MILLIMETRES_PER_POINT))
    });
    push(
        svg,
        format_args!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\"{dash}/>\n",
            list(points),
            stroke.colour.css(),
            number(stroke.width_points * MILLIMETRES_PER_POINT)
        ),
    );
}

fn words(svg: &mut String, x: f64, y: f64, text: &Text) {
    let (x, y) = (number(x), number(y));
    let turn = if text.upward { format!(" transform=\"rotate(-90 {x} {y})\"") } else { String::new() };
    let weight = if text.bold { " font-weight=\"bold\"" } else { "" };
    let anchor = match text.anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    push(
        svg,
        format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\" text-anchor=\"{anchor}\" fill=\"{}\"{weight}{turn}>{}</text>\n",
            number(text.size_points * MILLIMETRES_PER_POINT),
            text.colour.css(),
            escape(&text.words)
        ),
    );
}

fn list(points: &[(f64, f64)]) -> String {
    points.iter().map(|(x, y)| format!("{},{}", number(*x), number(*y))).collect::<Vec<_>>().join(" ")
}

/// Three decimals (a thousandth of a millimetre) without trailing zeros.
fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

/// Text safe inside XML; control characters, which XML forbids, are dropped.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() && !matches!(c, '\n' | '\t') => {}
            c => out.push(c),
        }
    }
    out
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let whole = group.iter().enumerate().fold(0u32, |sum, (i, b)| sum | u32::from(*b) << (16 - 8 * i));
        for i in 0..4 {
            let letter = LETTERS[(whole >> (18 - 6 * i)) as usize & 63];
            text.push(if i <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Colour, Raster};

    /// RFC 4648, section 10.
    #[test]
    fn base64_test_vectors() {
        let pairs = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        for (plain, coded) in pairs {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn every_kind_of_element_is_written_and_text_is_escaped() {
        let mut drawing = Drawing::new(40.0, 30.0).unwrap();
        drawing.line((1.0, 2.0), (3.0, 4.5), Stroke::dashed(Colour::BLACK, 1.0, 3.0, 2.0));
        drawing.rectangle(0.0, 0.0, 5.0, 5.0, Colour::hex(0xd55e00), 0.25);
        drawing.text(2.0, 3.0, Text::new("a < b & c", 8.0, Anchor::End).upward());
        drawing.picture(0.0, 0.0, 9.0, 9.0, Raster::new(1, 1, vec![Colour::BLACK], vec![1]).unwrap());
        let svg = write(&drawing, "x<y", "{\"a\":1}").unwrap();
        for part in [
            "points=\"1,2 3,4.5\"",
            "fill-opacity=\"0.25\"",
            ">a &lt; b &amp; c</text>",
            "rotate(-90 2 3)",
            "href=\"data:image/png;base64,iVBORw0KGgo",
            "<title>x&lt;y</title>",
            "{&quot;a&quot;:1}",
            "width=\"40mm\"",
            "image-rendering:pixelated",
        ] {
            assert!(svg.contains(part), "{part} is missing in {svg}");
        }
        assert!(svg.ends_with("</svg>\n"));
    }
}
