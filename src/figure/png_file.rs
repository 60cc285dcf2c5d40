//! PNG bytes: true-colour figures with a passport inside, and indexed pictures for SVG files.

use std::io::Cursor;

use super::bitmap::Bitmap;
use super::error::{FigureError, FigureResult};
use super::raster::Raster;

/// The keyword of the tEXt chunk that holds the passport.
pub(super) const KEYWORD: &str = "isotherm-passport";
/// 300 dpi in pixels per metre.
const PIXELS_PER_METRE: u32 = 11_811;

fn refused(error: impl std::fmt::Display) -> FigureError {
    FigureError::Drawing(error.to_string())
}

/// A figure with its passport (ASCII) in a tEXt chunk and its resolution in a pHYs chunk.
pub(super) fn encode(bitmap: &Bitmap, passport: &str) -> FigureResult<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, bitmap.width as u32, bitmap.height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    let unit = png::Unit::Meter;
    encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: PIXELS_PER_METRE, yppu: PIXELS_PER_METRE, unit }));
    encoder.add_text_chunk(KEYWORD.into(), passport.into()).map_err(refused)?;
    let mut writer = encoder.write_header().map_err(refused)?;
    writer.write_image_data(&bitmap.rgb).map_err(refused)?;
    writer.finish().map_err(refused)?;
    Ok(bytes)
}

/// An indexed picture; index 0 is transparent.
pub(super) fn encode_raster(raster: &Raster) -> FigureResult<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, raster.columns() as u32, raster.rows() as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    // what lies under a clear cell is never seen
    let mut palette = vec![255, 255, 255];
    palette.extend(raster.palette().iter().flat_map(|c| [c.red, c.green, c.blue]));
    encoder.set_palette(palette);
    encoder.set_trns(vec![0]);
    let mut writer = encoder.write_header().map_err(refused)?;
    writer.write_image_data(raster.indices()).map_err(refused)?;
    writer.finish().map_err(refused)?;
    Ok(bytes)
}

/// The passport's text inside PNG bytes; `Ok(None)` where the picture carries none.
///
/// # Errors
/// The decoder's sentence, where the bytes are not a PNG.
pub(super) fn embedded(bytes: &[u8]) -> Result<Option<String>, png::DecodingError> {
    let reader = png::Decoder::new(Cursor::new(bytes)).read_info()?;
    let chunks = &reader.info().uncompressed_latin1_text;
    Ok(chunks.iter().find(|chunk| chunk.keyword == KEYWORD).map(|chunk| chunk.text.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Colour;

    #[test]
    fn pixels_text_and_resolution_come_back() {
        let bitmap = Bitmap { width: 2, height: 1, rgb: vec![1, 2, 3, 250, 251, 252] };
        let bytes = encode(&bitmap, "{\"name\":\"x\"}").unwrap();
        assert_eq!(embedded(&bytes).unwrap().as_deref(), Some("{\"name\":\"x\"}"));
        let mut reader = png::Decoder::new(Cursor::new(&bytes)).read_info().unwrap();
        let dimensions = reader.info().pixel_dims.unwrap();
        // 300 / 0.0254 = 11811.02
        assert_eq!((dimensions.xppu, dimensions.unit), (11_811, png::Unit::Meter));
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!(pixels, bitmap.rgb);
    }

    #[test]
    fn a_raster_decodes_to_its_colours() {
        let raster = Raster::new(2, 1, vec![Colour::hex(0x102030)], vec![0, 1]).unwrap();
        let mut decoder = png::Decoder::new(Cursor::new(encode_raster(&raster).unwrap()));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!(pixels, [255, 255, 255, 0, 0x10, 0x20, 0x30, 255]);
    }

    #[test]
    fn what_is_no_png_is_an_error() {
        assert!(embedded(b"GIF89a").is_err());
    }
}
