//! Errors of three independent data sets without a truth.

mod intervals;
mod triple;

pub use intervals::{CollocationInterval, collocation_intervals};
pub use triple::{CollocationSet, TripleCollocation, triple_collocation};
