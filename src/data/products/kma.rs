//! Buoys of the Korea Meteorological Administration: the text of `kma_buoy2.php`.
//!
//! Lines that begin with `#` are comments (in Korean, code page 949); the others hold 17 columns separated by commas,
//! then the flags of the automatic and the manual quality control. Times are Korean (UTC + 9 hours), and numbers of
//! -99 and below stand for "missing".

use std::path::Path;

use chrono::NaiveDateTime;

use super::station::Station;
use super::text_file::read_text;
use crate::data::{DataError, DataResult, Observation, Observations, Platform};

/// Seconds by which Korean time is ahead of UTC.
const KOREA_AHEAD_SECONDS: f64 = 9.0 * 3600.0;
/// Up to this value, a number stands for "missing".
const MISSING: f64 = -99.0;
/// Column of the water temperature: TM, STN, WD1, WS1, WS1_GST, WD2, WS2, WS2_GST, PA, HM, TA, TW, waves, ...
const WATER_TEMPERATURE: usize = 11;
/// Columns before those of the quality control.
const MEASUREMENTS: usize = 17;

/// Reads the water temperatures of the stations given; rows of other stations are left out.
///
/// Which digit of the quality control stands for which measurement is not published: a row with any digit other than
/// 0 gets quality 3, a row without gets 5.
///
/// # Errors
/// [`DataError::File`] where it cannot be read; [`DataError::Content`] where no row has a water temperature of one of
/// the stations, with the stations found (an answer of the server that tells of a wrong key has none at all).
pub fn read(path: &Path, stations: &[Station]) -> DataResult<Observations> {
    parse(&read_text(path)?, stations).map_err(|problem| DataError::Content { what: path.display().to_string(), problem })
}

fn parse(text: &str, stations: &[Station]) -> Result<Observations, String> {
    let mut observations = Vec::new();
    let mut found: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim).filter(|l| !l.starts_with('#')) {
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        let (Some(time), Some(id), Some(temperature)) = (cells.first(), cells.get(1), cells.get(WATER_TEMPERATURE)) else {
            continue;
        };
        let Ok(time) = NaiveDateTime::parse_from_str(time, "%Y%m%d%H%M") else { continue };
        if !found.contains(id) {
            found.push(id);
        }
        let Some(station) = stations.iter().find(|s| s.id == *id) else { continue };
        let Some(sst) = temperature.parse::<f64>().ok().filter(|t| t.is_finite() && *t > MISSING) else { continue };
        let flagged = cells.iter().skip(MEASUREMENTS).any(|flags| flags.chars().any(|c| matches!(c, '1'..='9')));
        observations.push(Observation {
            time: time.and_utc().timestamp() as f64 - KOREA_AHEAD_SECONDS,
            latitude: station.latitude,
            longitude: station.longitude,
            sst_celsius: sst,
            depth_metres: station.depth_metres,
            platform_id: station.id.clone(),
            platform: Platform::Mooring,
            quality: if flagged { 3 } else { 5 },
        });
    }
    if observations.is_empty() {
        let wanted = stations.iter().map(|s| s.id.as_str()).collect::<Vec<_>>().join(", ");
        let found = if found.is_empty() { "none".into() } else { found.join(", ") };
        return Err(format!("has no water temperature of the stations {wanted}; stations found: {found}"));
    }
    Ok(Observations(observations))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "#START7777\n# YYMMDDHHMI   STN  WD1  WS1 ...\n\
        202307231200, 22101,  58,   7.7,   9.8,  56,   7.4,   9.2,  1006.1,  97.0,  24.3,  23.6,  2.4,  1.4,  0.9,  5.3,  211, 000000, //////,=\n\
        202307231200, 22102,  58,   7.7,   9.8,  56,   7.4,   9.2,  1006.1,  97.0,  24.3, -99.0,  2.4,  1.4,  0.9,  5.3,  211, 000000, //////,=\n\
        202307231300, 22102,  58,   7.7,   9.8,  56,   7.4,   9.2,  1006.1,  97.0,  24.3,  -0.5,  2.4,  1.4,  0.9,  5.3,  211, 000100, ------,=\n\
        #7777END\n";

    fn station(id: &str) -> Station {
        Station { id: id.into(), latitude: 37.0, longitude: 126.0, depth_metres: None }
    }

    #[test]
    fn rows_of_the_stations_asked_for() {
        let all = parse(TEXT, &[station("22101"), station("22102")]).unwrap().0;
        assert_eq!(all.len(), 2);
        // 2023-07-23 12:00 in Korea is 03:00 UTC; 2023-07-23 is day 19561 since 1970-01-01
        assert_eq!((all[0].time, all[0].sst_celsius, all[0].quality), (19561.0 * 86400.0 + 3.0 * 3600.0, 23.6, 5));
        assert_eq!((all[1].platform_id.as_str(), all[1].sst_celsius, all[1].quality), ("22102", -0.5, 3));
        assert_eq!(parse(TEXT, &[station("22101")]).unwrap().len(), 1);
    }

    #[test]
    fn an_answer_without_the_station_says_which_there_are() {
        let problem = parse(TEXT, &[station("22190")]).unwrap_err();
        assert!(problem.contains("22190; stations found: 22101, 22102"), "{problem}");
        assert!(parse("{\"result\": \"no key\"}", &[station("22190")]).unwrap_err().contains("found: none"));
    }
}
