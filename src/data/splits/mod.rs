//! Splits into train, validation and test by calendar blocks and region boxes, with buffers between them, a
//! printed calendar, and a certificate that nothing leaks, without which no table is drawn.

mod calendar;
mod certificate;
mod plan;
mod split;

pub use certificate::LeakageCertificate;
pub use plan::{Block, SplitPlan};
pub use split::{Buffer, Part, RegionBox, Split};
