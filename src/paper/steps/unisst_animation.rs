//! An animated picture of one cloudy sequence and its fill.

use serde_json::json;

use super::unisst_methods::{METHODS, short_title};
use super::unisst_predictions::{CONFIGURATION, Fills, GapConfiguration, file_name};
use crate::base::files::write_atomic;
use crate::base::hash::sha256;
use crate::data::Tier;
use crate::figure::{Anchor, Bitmap, Colour, ColourMap, Drawing, FigureResult, Raster, Text};
use crate::grid::{Cell, Direction, Field};
use crate::methods::unisst::TRAINING_THRESHOLD;
use crate::paper::PaperResult;
use crate::paper::step::{Step, StepContext};

/// The step.
pub const STEP: Step = Step {
    name: "unisst_animation",
    about: "figures/unisst_sequence.png: six days under clouds, as an animated PNG",
    rooms: &[
        super::TWIN_AND_SPLIT,
        &[
            "src/base/",
            "src/grid/",
            "src/cf/",
            "src/nn/",
            "src/train/",
            "src/methods/baselines/",
            "src/methods/refinement/",
            "src/methods/unisst/",
            "src/methods/error.rs",
            "src/score/",
            "src/data/",
            "src/diffusion/",
            "src/figure/",
            "assets/",
            "src/paper/products.rs",
            "src/paper/steps/training_ground.rs",
            "src/paper/steps/unisst_animation.rs",
            "src/paper/steps/unisst_methods.rs",
            "src/paper/steps/unisst_predictions.rs",
            "src/paper/steps/unisst_cloudy_twin.rs",
            "src/paper/steps/unisst_sequences.rs",
        ],
    ],
    configurations: &[CONFIGURATION, super::unisst_sequences::CONFIGURATION, super::split::CONFIGURATION],
    needs: &["unisst_predictions"],
    data: &[],
    publishes: &[
        ("unisst_sequence.png", "figures/unisst_sequence.png"),
        ("unisst_sequence.json", "figures/unisst_sequence.json"),
    ],
    run,
};

/// Width of a panel, room between panels and above them, in millimetres.
const PANEL: f64 = 22.0;
const ROOM: f64 = 1.5;
const ABOVE: f64 = 9.0;
/// Milliseconds that a frame stands.
const MILLISECONDS: u16 = 250;
/// Colours between lowest and highest temperature.
const COLOURS: usize = 250;

const SHOWN: [&str; 3] = ["frame_offset_biharmonic", "dineof", "best"];

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: GapConfiguration = context.configuration()?;
    let folder = context.input("unisst_predictions")?;
    let fills = Fills::open(&folder, &file_name(TRAINING_THRESHOLD, configuration.shown_sequence), &METHODS)?;
    let mut panels: Vec<(String, Field)> = vec![("truth".into(), fills.truth.clone()), ("seen".into(), fills.seen()?)];
    for method in SHOWN {
        let short = short_title(method);
        panels.push((short.into(), fills.whole(method)?));
    }
    let frames: Vec<Bitmap> = (0..fills.truth.frames())
        .map(|t| Bitmap::of(&drawn(&panels, t)?))
        .collect::<FigureResult<_>>()
        .map_err(|e| context.error(e))?;
    let bytes = animated(&frames).map_err(|e| context.error(e))?;
    let path = context.path("unisst_sequence.png");
    write_atomic(&path, &bytes).map_err(|e| context.error(e))?;
    let numbers = json!({ "frames": frames.len(), "milliseconds": MILLISECONDS, "threshold": TRAINING_THRESHOLD });
    let mut passport = context.passport("unisst_sequence", vec![Tier::Twin], configuration.seed, numbers)?;
    passport.files.insert("unisst_sequence.png".into(), sha256(&bytes));
    passport.write(&context.path("unisst_sequence.json")).map_err(|e| context.error(e))
}

/// One frame: panels side by side with their names, the time and the tier above.
fn drawn(panels: &[(String, Field)], t: usize) -> FigureResult<Drawing> {
    let width = ROOM + panels.len() as f64 * (PANEL + ROOM);
    let mut drawing = Drawing::new(width, ABOVE + PANEL + ROOM)?;
    let days = panels.first().map_or(0.0, |(_, f)| (f.time().seconds()[t] - f.time().seconds()[0]) / 86_400.0);
    drawing.text(ROOM, 3.4, Text::new(format!("day {days:.2}"), 7.0, Anchor::Start));
    let tier = Text::new(Tier::Twin.label(), 6.5, Anchor::End).bold().in_colour(Colour::hex(0xa63c00));
    drawing.text(width - ROOM, 3.4, tier);
    let range = panels.first().map_or((0.0, 1.0), |(_, field)| range(field, t));
    for (k, (name, field)) in panels.iter().enumerate() {
        let left = ROOM + k as f64 * (PANEL + ROOM);
        drawing.text(left, ABOVE - 1.2, Text::new(name.as_str(), 6.5, Anchor::Start));
        drawing.picture(left, ABOVE, PANEL, PANEL, raster(field, t, range)?);
    }
    Ok(drawing)
}

/// Lowest and highest value of a frame.
fn range(field: &Field, t: usize) -> (f64, f64) {
    let cells = field.frame(t).iter().zip(field.frame_mask(t)).filter(|(_, c)| c.is_valid()).map(|(v, _)| f64::from(*v));
    cells.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)))
}

/// A frame with the north above: land grey, clouds nearly white.
fn raster(field: &Field, t: usize, (low, high): (f64, f64)) -> FigureResult<Raster> {
    let [_, rows, columns] = field.shape();
    let mut palette = vec![Colour::hex(0x9a9a9a), Colour::hex(0xf0f0f0)];
    palette.extend(ColourMap::Thermal.palette(COLOURS));
    let index = |value: f32, cell: Cell| match cell {
        Cell::Valid => {
            3 + ((f64::from(value) - low) / (high - low) * (COLOURS - 1) as f64).clamp(0.0, (COLOURS - 1) as f64) as u8
        }
        Cell::Land => 1,
        _ => 2,
    };
    let ascending = field.latitude().direction() == Direction::Ascending;
    let row = |y: usize| if ascending { rows - 1 - y } else { y };
    let indices = (0..rows).flat_map(|y| (0..columns).map(move |x| row(y) * columns + x));
    let indices = indices.map(|i| index(field.frame(t)[i], field.frame_mask(t)[i])).collect();
    Raster::new(columns, rows, palette, indices)
}

/// The frames as an animated PNG that runs for ever.
fn animated(frames: &[Bitmap]) -> Result<Vec<u8>, png::EncodingError> {
    let (width, height) = frames.first().map_or((1, 1), |f| (f.width as u32, f.height as u32));
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    encoder.set_animated(frames.len().max(1) as u32, 0)?;
    encoder.set_frame_delay(MILLISECONDS, 1000)?;
    let mut writer = encoder.write_header()?;
    for frame in frames {
        writer.write_image_data(&frame.rgb)?;
    }
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Axis, AxisKind, Mask, TimeAxis, Unit};

    #[test]
    fn frames_come_back_in_their_order() {
        let bitmap = |value: u8| Bitmap { width: 2, height: 1, rgb: vec![value; 6] };
        let bytes = animated(&[bitmap(1), bitmap(2), bitmap(3)]).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
        assert_eq!(reader.info().animation_control().unwrap().num_frames, 3);
        for value in 1..=3 {
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            reader.next_frame(&mut pixels).unwrap();
            assert_eq!(pixels, [value; 6]);
        }
    }

    #[test]
    fn the_north_is_above_and_clouds_are_pale() {
        let axis = |kind, n| Axis::regular(kind, 0.5, 1.0, n).unwrap();
        let cells = vec![Cell::Valid, Cell::Cloud, Cell::Land, Cell::Valid];
        let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
        let (lat, lon) = (axis(AxisKind::Latitude, 2), axis(AxisKind::Longitude, 2));
        let field = Field::new("sst", vec![1.0, 0.0, 0.0, 3.0], Mask::from_cells(cells), time, lat, lon, Unit::Celsius).unwrap();
        let raster = raster(&field, 0, range(&field, 0)).unwrap();
        assert_eq!(raster.indices(), [1, 252, 3, 2]);
    }
}
