//! Floor 2: NetCDF in and out, by the CF conventions: packing, calendars, fields, writers, a validator.
//! The only room that knows the NetCDF library.

mod attribute;
mod axes;
mod block;
mod builder;
mod calendar;
mod classic;
mod coordinates;
mod dataset;
mod decode;
mod error;
mod field;
mod flags;
mod foreign;
mod frames;
mod ghrsst;
mod ghrsst_attributes;
mod library;
mod making;
mod packing;
mod raw;
mod selection;
mod time_units;
mod validate;
mod write;

pub use attribute::{Attribute, Attributes, text_of};
pub use builder::{Builder, Container, write_file};
pub use calendar::{Calendar, CalendarTime};
pub use dataset::{Dataset, Dimension, Format, Variable};
pub use decode::{Decoded, Decoding};
pub use error::{CfError, CfResult};
pub use field::{ReadOptions, read_field, roll_longitude};
pub use frames::{FrameReader, Frames};
pub use ghrsst::write_ghrsst;
pub use ghrsst_attributes::GhrsstMetadata;
pub use library::Filters;
pub use packing::Packing;
pub use raw::{ElementType, Raw};
pub use selection::BoundingBox;
pub use time_units::TimeUnits;
pub use validate::{Problem, validate};
pub use write::{Epoch, FlagVariable, Provenance, WriteOptions, write_fields, write_fields_with};
