//! Floor 2: NetCDF in and out, by the CF conventions: packing, calendars, fields, writers, a validator.
//! The only room that knows the NetCDF library.

mod attribute;
mod axes;
mod builder;
mod calendar;
mod classic;
mod dataset;
mod decode;
mod error;
mod field;
mod flags;
mod library;
mod raw;
mod selection;
mod time_units;

pub use attribute::{Attribute, Attributes, text_of};
pub use builder::{Builder, Container, write_file};
pub use calendar::{Calendar, CalendarTime};
pub use dataset::{Dataset, Dimension, Format, Variable};
pub use decode::{Decoded, Decoding};
pub use error::{CfError, CfResult};
pub use field::{ReadOptions, read_field, roll_longitude};
pub use library::Filters;
pub use raw::{ElementType, Raw};
pub use selection::BoundingBox;
pub use time_units::TimeUnits;
