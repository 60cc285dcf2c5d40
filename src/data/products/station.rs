//! Where a station lies; the archives' text files do not say.

/// A fixed station.
#[derive(Clone, Debug, PartialEq)]
pub struct Station {
    /// Identifier (`46042`).
    pub id: String,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Depth of the thermometer below the water line in metres, where known.
    pub depth_metres: Option<f64>,
}
