//! In-situ observations as a table: where, when, what, how good.

use polars::prelude::*;

use super::error::{DataError, DataResult};

/// What carried the sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Platform {
    /// Drifting buoy.
    Drifter,
    /// Moored buoy or coastal station.
    Mooring,
    /// Argo float.
    Argo,
    /// Ship.
    Ship,
    /// Anything else.
    Other,
}

impl Platform {
    /// The word stored in tables.
    pub fn name(self) -> &'static str {
        match self {
            Platform::Drifter => "drifter",
            Platform::Mooring => "mooring",
            Platform::Argo => "argo",
            Platform::Ship => "ship",
            Platform::Other => "other",
        }
    }

    /// Reads the word back; anything unknown is [`Platform::Other`].
    pub fn parse(text: &str) -> Platform {
        [Platform::Drifter, Platform::Mooring, Platform::Argo, Platform::Ship]
            .into_iter()
            .find(|p| p.name() == text)
            .unwrap_or(Platform::Other)
    }
}

/// One observation of sea-surface temperature.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub time: f64,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Temperature in degrees Celsius.
    pub sst_celsius: f64,
    /// Depth of the sensor in metres, where known.
    pub depth_metres: Option<f64>,
    /// Identifier of the platform.
    pub platform_id: String,
    /// Kind of platform.
    pub platform: Platform,
    /// Quality level, 5 best, 0 unusable (the scale of iQuam).
    pub quality: u8,
}

/// A list of observations that turns into a polars table and back.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Observations(pub Vec<Observation>);

impl Observations {
    /// Number of observations.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// None at all?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The table: `time_seconds, latitude, longitude, sst_celsius, depth_metres, platform_id, platform, quality`.
    ///
    /// # Errors
    /// [`DataError::Table`] from polars.
    pub fn to_frame(&self) -> DataResult<DataFrame> {
        let column = |f: fn(&Observation) -> f64| self.0.iter().map(f).collect::<Vec<f64>>();
        df!(
            "time_seconds" => column(|o| o.time),
            "latitude" => column(|o| o.latitude),
            "longitude" => column(|o| o.longitude),
            "sst_celsius" => column(|o| o.sst_celsius),
            "depth_metres" => self.0.iter().map(|o| o.depth_metres).collect::<Vec<Option<f64>>>(),
            "platform_id" => self.0.iter().map(|o| o.platform_id.as_str()).collect::<Vec<&str>>(),
            "platform" => self.0.iter().map(|o| o.platform.name()).collect::<Vec<&str>>(),
            "quality" => self.0.iter().map(|o| u32::from(o.quality)).collect::<Vec<u32>>(),
        )
        .map_err(DataError::from)
    }

    /// The observations of a table made by [`Observations::to_frame`].
    ///
    /// # Errors
    /// [`DataError::Table`] where a column is absent or of another type.
    pub fn from_frame(frame: &DataFrame) -> DataResult<Observations> {
        let (time, latitude) = (frame.column("time_seconds")?.f64()?, frame.column("latitude")?.f64()?);
        let (longitude, sst) = (frame.column("longitude")?.f64()?, frame.column("sst_celsius")?.f64()?);
        let (depth, id) = (frame.column("depth_metres")?.f64()?, frame.column("platform_id")?.str()?);
        let (platform, quality) = (frame.column("platform")?.str()?, frame.column("quality")?.u32()?);
        (0..frame.height())
            .map(|i| {
                let present = |value: Option<f64>, name: &'static str| {
                    value.ok_or_else(|| DataError::Content {
                        what: "observation table".into(),
                        problem: format!("row {i} has no {name}"),
                    })
                };
                Ok(Observation {
                    time: present(time.get(i), "time_seconds")?,
                    latitude: present(latitude.get(i), "latitude")?,
                    longitude: present(longitude.get(i), "longitude")?,
                    sst_celsius: present(sst.get(i), "sst_celsius")?,
                    depth_metres: depth.get(i),
                    platform_id: id.get(i).unwrap_or_default().to_string(),
                    platform: Platform::parse(platform.get(i).unwrap_or_default()),
                    quality: quality.get(i).unwrap_or(0) as u8,
                })
            })
            .collect::<DataResult<Vec<_>>>()
            .map(Observations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_frame_and_back() {
        let one = Observation {
            time: 1.5,
            latitude: 40.0,
            longitude: -3.0,
            sst_celsius: 17.25,
            depth_metres: None,
            platform_id: "62001".into(),
            platform: Platform::Mooring,
            quality: 5,
        };
        let all = Observations(vec![one.clone(), Observation { depth_metres: Some(0.2), ..one }]);
        assert_eq!(Observations::from_frame(&all.to_frame().unwrap()).unwrap(), all);
    }
}
