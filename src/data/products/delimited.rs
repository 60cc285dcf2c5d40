//! Delimited text files of stations, drifters and ships, each described by a [`Layout`].

use std::io::Cursor;
use std::path::Path;

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use polars::prelude::*;
use polars_io::SerReader;
use polars_io::csv::read::CsvReadOptions;

use super::text_file::read_bytes;
use crate::data::{DataError, DataResult, Observation, Observations, Platform};

/// Where a coordinate comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Coordinate {
    /// A column of the file.
    Column(&'static str),
    /// The same for the whole file (a moored station).
    Fixed(f64),
}

/// How a delimited file of in-situ temperatures is laid out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// What the file is, for messages.
    pub what: &'static str,
    /// `,` or a tab.
    pub separator: u8,
    /// Lines between the header and the data (a row of units).
    pub lines_after_header: usize,
    /// Column of the time: ISO 8601, with `T` or a blank, with or without `Z`.
    pub time: &'static str,
    /// Latitude in degrees north.
    pub latitude: Coordinate,
    /// Longitude in degrees east.
    pub longitude: Coordinate,
    /// Column of the temperature in degrees Celsius.
    pub temperature: &'static str,
    /// Depth of the sensor in metres, where the provider states it.
    pub depth_metres: Option<f64>,
    /// Column of the platform's identifier, or a fixed one.
    pub platform_id: Result<&'static str, &'static str>,
    /// Kind of platform.
    pub platform: Platform,
}

/// Drifters of the Global Drifter Program and the GTS, as in the sample `gdp-6203641.csv` of xoa.
pub const DRIFTER_CSV: Layout = Layout {
    what: "drifter table",
    separator: b',',
    lines_after_header: 1,
    time: "time",
    latitude: Coordinate::Column("latitude"),
    longitude: Coordinate::Column("longitude"),
    temperature: "sst",
    depth_metres: Some(0.2),
    platform_id: Ok("platform_code"),
    platform: Platform::Drifter,
};

/// Buoy B01 of NERACOOS on the Western Maine Shelf (43.18 N, 70.43 W), as in bokeh's sample data.
pub const NERACOOS_B01: Layout = Layout {
    what: "NERACOOS buoy B01",
    separator: b',',
    lines_after_header: 0,
    time: "time (UTC)",
    latitude: Coordinate::Fixed(43.18),
    longitude: Coordinate::Fixed(-70.43),
    temperature: "temperature (celsius)",
    depth_metres: Some(1.0),
    platform_id: Err("NERACOOS-B01"),
    platform: Platform::Mooring,
};

/// The underway measurements of the 2013 Atlantic Meridional Transect in fluxengine's tutorial.
pub const ATLANTIC_TRANSECT: Layout = Layout {
    what: "Atlantic transect table",
    separator: b'\t',
    lines_after_header: 0,
    time: "datetime",
    latitude: Coordinate::Column("lat"),
    longitude: Coordinate::Column("lon"),
    temperature: "temperature",
    depth_metres: None,
    platform_id: Ok("dataset_name"),
    platform: Platform::Ship,
};

/// The station Östergarnsholm in the Baltic, in fluxengine's tutorial.
pub const OSTERGARNSHOLM: Layout = Layout {
    what: "Östergarnsholm table",
    separator: b'\t',
    lines_after_header: 0,
    time: "Date/Time",
    latitude: Coordinate::Column("Latitude"),
    longitude: Coordinate::Column("Longitude"),
    temperature: "Temp [C]",
    depth_metres: None,
    platform_id: Ok("expocode"),
    platform: Platform::Mooring,
};

/// Temperatures outside these limits (degrees Celsius) are no sea water: quality 0.
const PLAUSIBLE_CELSIUS: std::ops::RangeInclusive<f64> = -2.5..=40.0;

/// Reads a delimited file (gzipped where its name ends in `.gz`). Rows without a time, a position or a
/// temperature are left out; implausible temperatures are kept with quality 0, the others get quality 5
/// (these providers publish controlled values).
///
/// # Errors
/// [`DataError::File`] where it cannot be read; [`DataError::Content`] where a column is absent, with the
/// columns found, or where no row is usable.
pub fn read(path: &Path, layout: &Layout) -> DataResult<Observations> {
    let text = read_bytes(path)?;
    parse(&text, layout).map_err(|e| match e {
        DataError::Content { what, problem } => DataError::Content { what: format!("{} ({what})", path.display()), problem },
        other => other,
    })
}

fn parse(text: &[u8], layout: &Layout) -> DataResult<Observations> {
    let frame = CsvReadOptions::default()
        .with_has_header(true)
        .with_infer_schema_length(Some(0))
        .with_skip_rows_after_header(layout.lines_after_header)
        .map_parse_options(|p| p.with_separator(layout.separator).with_truncate_ragged_lines(true))
        .into_reader_with_file_handle(Cursor::new(text))
        .finish()?;
    let column = |name: &'static str| -> DataResult<StringChunked> {
        let found = || frame.get_column_names().iter().map(|n| n.as_str()).collect::<Vec<_>>().join(", ");
        match frame.column(name) {
            Ok(column) => Ok(column.str()?.clone()),
            Err(_) => Err(content(layout, format!("has no column '{name}'; it has: {}", found()))),
        }
    };
    let coordinate = |c: Coordinate| -> DataResult<Box<dyn Fn(usize) -> Option<f64>>> {
        Ok(match c {
            Coordinate::Fixed(value) => Box::new(move |_| Some(value)),
            Coordinate::Column(name) => {
                let values = column(name)?;
                Box::new(move |i| values.get(i).and_then(number))
            }
        })
    };
    let (time, temperature) = (column(layout.time)?, column(layout.temperature)?);
    let (latitude, longitude) = (coordinate(layout.latitude)?, coordinate(layout.longitude)?);
    let identifiers = match layout.platform_id {
        Ok(name) => Some(column(name)?),
        Err(_) => None,
    };
    let rows = (0..frame.height()).filter_map(|i| {
        let (latitude, longitude) = (latitude(i)?, longitude(i)?);
        let sst = temperature.get(i).and_then(number)?;
        let usable = PLAUSIBLE_CELSIUS.contains(&sst) && latitude.abs() <= 90.0 && longitude.abs() <= 360.0;
        Some(Observation {
            time: time.get(i).and_then(seconds)?,
            latitude,
            longitude,
            sst_celsius: sst,
            depth_metres: layout.depth_metres,
            platform_id: match (&identifiers, layout.platform_id) {
                (Some(column), _) => column.get(i).unwrap_or_default().to_string(),
                (None, Err(fixed)) | (None, Ok(fixed)) => fixed.to_string(),
            },
            platform: layout.platform,
            quality: if usable { 5 } else { 0 },
        })
    });
    let observations = Observations(rows.collect());
    if observations.is_empty() {
        return Err(content(layout, format!("has {} rows, none with a time, a position and a temperature", frame.height())));
    }
    Ok(observations)
}

fn content(layout: &Layout, problem: String) -> DataError {
    DataError::Content { what: layout.what.into(), problem }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|v| v.is_finite())
}

/// Seconds since 1970 of an ISO 8601 date and time; without a zone it is UTC.
pub(super) fn seconds(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.timestamp_micros() as f64 / 1e6);
    }
    let naive = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(|d| d.and_time(chrono::NaiveTime::MIN)))?;
    Some(naive.and_utc().timestamp_micros() as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRIFTER: &str = "platform_code,platform_type,time,latitude,longitude,sst,slp,lon360\n\
        ,,UTC,degrees_north,degrees_east,Deg C,hPa,degree_east\n\
        6203641,DRIFTING BUOYS (GENERIC),2021-03-03T18:00:00Z,44.6818,-2.5441,13.09,1027.1,357.4559\n\
        6203641,DRIFTING BUOYS (GENERIC),2021-03-04T04:00:00Z,44.714,-2.5826,99.9,1023.9,357.4174\n\
        6203641,DRIFTING BUOYS (GENERIC),2021-03-04T05:00:00Z,44.714,-2.5826,NaN,1023.9,357.4174\n";

    #[test]
    fn a_drifter_table() {
        let all = parse(DRIFTER.as_bytes(), &DRIFTER_CSV).unwrap();
        assert_eq!(all.len(), 2);
        // 2021-03-03T18:00:00Z is 18689 days and 18 hours after 1970-01-01
        assert_eq!(all.0[0].time, 18689.0 * 86400.0 + 18.0 * 3600.0);
        assert_eq!((all.0[0].sst_celsius, all.0[0].quality), (13.09, 5));
        assert_eq!(all.0[1].quality, 0);
    }

    #[test]
    fn a_missing_column_is_named_with_those_found() {
        let message = parse(b"time,lat\n1,2\n", &DRIFTER_CSV).unwrap_err().to_string();
        assert!(message.contains("'sst'") && message.contains("lat"), "{message}");
    }

    #[test]
    fn a_tab_separated_station_with_ragged_lines() {
        let text = "expocode\tDate/Time\tLatitude\tLongitude\tDepth water [m]\tTemp [C]\n\
            Ostergarnsholm\t2015-01-28 10:00:00\t57.4233\t18.9944\t0\t3.0\t35\t1000.6\n";
        let all = parse(text.as_bytes(), &OSTERGARNSHOLM).unwrap();
        assert_eq!((all.0[0].latitude, all.0[0].sst_celsius), (57.4233, 3.0));
        assert_eq!(all.0[0].platform, Platform::Mooring);
    }
}
