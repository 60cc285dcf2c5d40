//! Floor 4: scatter plots, maps, curves, colour maps, passports. The only room that knows plotters.
//!
//! A figure is laid out once, in millimetres, as a [`Drawing`]; the same drawing becomes a PNG at 300 dpi
//! and an SVG. [`publish`] writes both with their [`Passport`]. Two runs give the same bytes.

mod axes;
mod bitmap;
mod colour_bar;
mod colour_map;
mod colour_tables;
mod density;
mod drawing;
mod error;
mod font;
mod lines;
mod map;
mod map_raster;
mod passport;
mod png_file;
mod publish;
mod raster;
mod scatter;
mod svg;
mod ticks;

pub use bitmap::Bitmap;
pub use colour_map::{Colour, ColourMap, SERIES_COLOURS, lightness};
pub use drawing::{Anchor, Drawing, Stroke, Text};
pub use error::{FigureError, FigureResult};
pub use lines::{Band, LinePanel, LineSeries, LineStyle, draw_lines};
pub use map::{MapPanel, MapStyle, draw_maps};
pub use passport::Passport;
pub use publish::publish;
pub(crate) use publish::with_ending;
pub use raster::Raster;
pub use scatter::{PanelStatistics, ScatterPanel, ScatterStyle, draw_scatter};
pub use ticks::Scale;

pub use crate::data::Tier;
