//! Standard meteorological files of the US National Data Buoy Center: `{ID}h{YYYY}.txt(.gz)` and
//! `realtime2/{ID}.txt`.
//!
//! Columns changed through the years: two-digit years (`YY`) before 1999, no minutes before 2005, a
//! second header line with units from 2007 on. Missing water temperature is `999.0` or `MM`.

use std::path::Path;

use chrono::NaiveDate;

use super::station::Station;
use super::text_file::read_text;
use crate::data::{DataError, DataResult, Observation, Observations, Platform};

/// From this value on, a water temperature stands for "missing".
const MISSING_CELSIUS: f64 = 90.0;

/// Reads the water temperatures (`WTMP`, degrees Celsius) of one station's file.
///
/// # Errors
/// [`DataError::File`] where it cannot be read, [`DataError::Content`] where the header has no `WTMP`
/// or no date, or where no row has a temperature.
pub fn read(path: &Path, station: &Station) -> DataResult<Observations> {
    let text = read_text(path)?;
    parse(&text, station).map_err(|problem| DataError::Content { what: path.display().to_string(), problem })
}

fn parse(text: &str, station: &Station) -> Result<Observations, String> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().ok_or("is empty")?.trim_start_matches('#').split_whitespace().collect();
    let position = |names: &[&str]| header.iter().position(|h| names.contains(h));
    let wanted = |names: &[&str]| {
        position(names).ok_or_else(|| format!("has no column {}; its header is: {}", names.join(" or "), header.join(" ")))
    };
    let (year, month, day, hour) = (wanted(&["YYYY", "YY"])?, wanted(&["MM"])?, wanted(&["DD"])?, wanted(&["hh"])?);
    let (minute, temperature) = (position(&["mm"]), wanted(&["WTMP"])?);
    let mut observations = Vec::new();
    for line in lines.filter(|l| !l.starts_with('#')) {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let integer = |i: usize| cells.get(i).and_then(|c| c.parse::<u32>().ok());
        let Some(sst) = cells.get(temperature).and_then(|c| c.parse::<f64>().ok()).filter(|t| *t < MISSING_CELSIUS) else {
            continue;
        };
        let (Some(y), Some(m), Some(d), Some(h)) = (integer(year), integer(month), integer(day), integer(hour)) else { continue };
        let y = if y < 100 { 1900 + y } else { y } as i32;
        let minutes = minute.and_then(integer).unwrap_or(0);
        let Some(time) = NaiveDate::from_ymd_opt(y, m, d).and_then(|date| date.and_hms_opt(h, minutes, 0)) else { continue };
        observations.push(Observation {
            time: time.and_utc().timestamp() as f64,
            latitude: station.latitude,
            longitude: station.longitude,
            sst_celsius: sst,
            depth_metres: station.depth_metres,
            platform_id: station.id.clone(),
            platform: Platform::Mooring,
            quality: 5,
        });
    }
    if observations.is_empty() {
        return Err("has no row with a water temperature (WTMP)".into());
    }
    Ok(Observations(observations))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn station() -> Station {
        Station { id: "46042".into(), latitude: 36.785, longitude: -122.398, depth_metres: Some(1.5) }
    }

    #[test]
    fn the_layout_since_2007() {
        let text = "#YY  MM DD hh mm WDIR WSPD GST  WVHT   DPD   APD MWD   PRES  ATMP  WTMP  DEWP  VIS  TIDE\n\
                    #yr  mo dy hr mn degT m/s  m/s     m   sec   sec degT   hPa  degC  degC  degC   mi    ft\n\
                    2019 01 10 21 20 320  5.0  6.0  2.50 12.00  8.00 300 1015.0  12.0  13.4 999.0 99.0 99.00\n\
                    2019 01 10 21 50 320  5.0  6.0  2.50 12.00  8.00 300 1015.0  12.0 999.0 999.0 99.0 99.00\n";
        let all = parse(text, &station()).unwrap();
        assert_eq!(all.len(), 1);
        // 2019-01-10 21:20:00 UTC = 1547155200 s
        assert_eq!((all.0[0].time, all.0[0].sst_celsius), (1_547_155_200.0, 13.4));
    }

    #[test]
    fn the_layout_of_the_nineties_and_realtime() {
        let old = "YY MM DD hh WD   WSPD GST  WVHT  DPD   APD  MWD  BAR    ATMP  WTMP  DEWP  VIS\n\
                   97 12 31 23 320  5.0  6.0  2.50 12.00  8.00 999 1015.0  12.0  14.1 999.0 99.0\n";
        // 1997-12-31 23:00:00 UTC = 883609200 s
        assert_eq!(parse(old, &station()).unwrap().0[0].time, 883_609_200.0);
        let live = "#YY  MM DD hh mm WDIR WTMP\n#yr  mo dy hr mn degT degC\n2024 02 29 00 10 MM MM\n2024 02 29 00 20 MM 15.0\n";
        assert_eq!(parse(live, &station()).unwrap().len(), 1);
    }

    #[test]
    fn a_file_without_temperature_is_refused() {
        assert!(parse("#YY MM DD hh mm WDIR\n2024 02 29 00 10 5\n", &station()).unwrap_err().contains("WTMP"));
    }
}
