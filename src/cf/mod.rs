//! Floor 2: NetCDF in and out, by the CF conventions: packing, calendars, fields, writers, a validator.
//! The only room that knows the NetCDF library.

mod attribute;
mod calendar;
mod classic;
mod dataset;
mod decode;
mod error;
mod library;
mod raw;
mod time_units;

pub use attribute::{Attribute, Attributes, text_of};
pub use calendar::{Calendar, CalendarTime};
pub use dataset::{Dataset, Dimension, Format, Variable};
pub use decode::{Decoded, Decoding};
pub use error::{CfError, CfResult};
pub use library::Filters;
pub use raw::{ElementType, Raw};
pub use time_units::TimeUnits;
