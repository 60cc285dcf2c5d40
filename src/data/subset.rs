//! Boxes cut out on the server: addresses for ERDDAP `griddap` and for OPeNDAP.

use std::str::FromStr;

use chrono::NaiveDate;

use super::facts::GridFacts;
use super::pattern::encode_constraint;

/// A box on the sphere, degrees east and north; west may be larger than east where it crosses 180.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeoBox {
    /// Western edge, degrees east.
    pub west: f64,
    /// Southern edge, degrees north.
    pub south: f64,
    /// Eastern edge, degrees east.
    pub east: f64,
    /// Northern edge, degrees north.
    pub north: f64,
}

impl FromStr for GeoBox {
    type Err = String;

    /// Reads `WEST,SOUTH,EAST,NORTH` in degrees.
    ///
    /// ```
    /// let korea: isotherm::data::GeoBox = "112.5,22.5,142.5,52.5".parse().unwrap();
    /// assert_eq!(korea.north, 52.5);
    /// assert!("0,50,10,40".parse::<isotherm::data::GeoBox>().is_err());
    /// ```
    fn from_str(text: &str) -> Result<GeoBox, String> {
        let numbers: Vec<f64> = text.split(',').filter_map(|n| n.trim().parse().ok()).filter(|n: &f64| n.is_finite()).collect();
        let &[west, south, east, north] = numbers.as_slice() else {
            return Err(format!("'{text}' is not a box: give four numbers WEST,SOUTH,EAST,NORTH in degrees"));
        };
        if text.split(',').count() != 4 || !(-90.0..=90.0).contains(&south) || !(-90.0..=90.0).contains(&north) || south >= north
        {
            return Err(format!("'{text}' is not a box: south must be below north, both within -90..90"));
        }
        if !(-360.0..=360.0).contains(&west) || !(-360.0..=360.0).contains(&east) || west == east {
            return Err(format!("'{text}' is not a box: west and east must differ, both within -360..360"));
        }
        Ok(GeoBox { west, south, east, north })
    }
}

impl GeoBox {
    /// The text that [`GeoBox::from_str`] reads; `_` for `,` makes it part of a file name.
    pub fn text(&self) -> String {
        format!("{},{},{},{}", self.west, self.south, self.east, self.north)
    }

    /// West and east as they are on a grid whose smallest longitude is `start`.
    fn longitudes(&self, start: f64) -> Result<(f64, f64), String> {
        if (self.east - self.west).abs() >= 360.0 {
            return Ok((start, start + 360.0));
        }
        let onto = |l: f64| start + (l - start).rem_euclid(360.0);
        let (west, mut east) = (onto(self.west), onto(self.east));
        // an eastern edge that lies on the grid's own edge belongs to its end, not to its beginning
        if east == start {
            east += 360.0;
        }
        if west < east {
            return Ok((west, east));
        }
        Err(format!(
            "the box {} crosses the edge of the server's grid at {start} degrees east; fetch the two sides one after the other",
            self.text()
        ))
    }
}

/// What an ERDDAP server needs to know.
pub(super) struct Erddap<'a> {
    pub server: &'a str,
    pub dataset: &'a str,
    pub variables: &'a [String],
    pub levels: &'a str,
    pub time_of_day: &'a str,
    pub latitudes: [f64; 2],
    pub longitudes: [f64; 2],
}

/// The address of one day's box as NetCDF.
pub(super) fn erddap_url(erddap: &Erddap, day: NaiveDate, area: &GeoBox) -> Result<String, String> {
    let [west_most, east_most] = erddap.longitudes;
    let (west, east) = area.longitudes(if west_most < -90.0 { -180.0 } else { 0.0 })?;
    // the server refuses what lies outside its axes, even by half a cell
    let (west, east) = (west.clamp(west_most, east_most), east.clamp(west_most, east_most));
    let [first, last] = erddap.latitudes;
    let (low, high) = (first.min(last), first.max(last));
    let (south, north) = (area.south.clamp(low, high), area.north.clamp(low, high));
    let (first, last) = if first > last { (north, south) } else { (south, north) };
    let slice = format!("[({day}T{}Z)]{}[({first}):({last})][({west}):({east})]", erddap.time_of_day, erddap.levels);
    let query: Vec<String> = erddap.variables.iter().map(|v| encode_constraint(&format!("{v}{slice}"))).collect();
    Ok(format!("{}/griddap/{}.nc?{}", erddap.server.trim_end_matches('/'), erddap.dataset, query.join(",")))
}

/// The OPeNDAP constraint for a box, by index: coordinates, then variables over all `times`; not yet encoded.
pub(super) fn opendap_constraint(
    grid: &GridFacts,
    coordinates: &[String; 3],
    variables: &[String],
    times: usize,
    area: &GeoBox,
) -> Result<String, String> {
    // the edge of the first cell is the place where the server's longitudes begin
    let (west, east) = area.longitudes(grid.longitude_start - 0.5 * grid.longitude_step)?;
    let (south, north) = (area.south, area.north);
    let rows = indices(grid.latitude_start, grid.latitude_step, grid.latitudes, south, north);
    let columns = indices(grid.longitude_start, grid.longitude_step, grid.longitudes, west, east);
    let (Some((i, j)), Some((k, l))) = (rows, columns) else {
        return Err(format!("the box {} holds no cell of the grid; make it larger", area.text()));
    };
    let time = times.saturating_sub(1);
    let [time_name, latitude, longitude] = coordinates;
    let mut parts = vec![format!("{time_name}[0:{time}]"), format!("{latitude}[{i}:{j}]"), format!("{longitude}[{k}:{l}]")];
    parts.extend(variables.iter().map(|v| format!("{v}[0:{time}][{i}:{j}][{k}:{l}]")));
    Ok(parts.join(","))
}

/// First and last index of the cells whose centres lie in `low..=high`.
fn indices(start: f64, step: f64, count: usize, low: f64, high: f64) -> Option<(usize, usize)> {
    // a centre that lies on the edge of the box counts, in spite of rounding
    const EDGE: f64 = 1e-9;
    let inside = |i: &usize| {
        let centre = start + *i as f64 * step;
        (low - EDGE..=high + EDGE).contains(&centre)
    };
    let mut all = (0..count).filter(inside);
    let first = all.next()?;
    Some((first, all.next_back().unwrap_or(first)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> GridFacts {
        GridFacts {
            latitudes: 361,
            longitudes: 576,
            latitude_start: -90.0,
            latitude_step: 0.5,
            longitude_start: -180.0,
            longitude_step: 0.625,
            verified: true,
            remark: None,
        }
    }

    #[test]
    fn erddap_addresses() {
        let variables = ["sst".to_string(), "err".to_string()];
        let mut oisst = Erddap {
            server: "https://e.org/erddap/",
            dataset: "oisst",
            variables: &variables,
            levels: "[(0.0)]",
            time_of_day: "12:00:00",
            latitudes: [-89.875, 89.875],
            longitudes: [0.125, 359.875],
        };
        let day = NaiveDate::from_ymd_opt(2019, 1, 2).unwrap();
        let area: GeoBox = "-60,30,-40,45.5".parse().unwrap();
        let slice = "%5B(2019-01-02T12:00:00Z)%5D%5B(0.0)%5D%5B(30):(45.5)%5D%5B(300):(320)%5D";
        let wanted = format!("https://e.org/erddap/griddap/oisst.nc?sst{slice},err{slice}");
        assert_eq!(erddap_url(&oisst, day, &area).unwrap(), wanted);
        oisst.latitudes = [89.875, -89.875];
        assert!(erddap_url(&oisst, day, &area).unwrap().contains("%5B(45.5):(30)%5D"));
        let across: GeoBox = "-10,30,10,45".parse().unwrap();
        assert!(erddap_url(&oisst, day, &across).unwrap_err().contains("crosses"));
        oisst.longitudes = [-179.875, 179.875];
        assert!(erddap_url(&oisst, day, &across).unwrap().contains("%5B(-10):(10)%5D"));
        let world: GeoBox = "-180,-90,180,90".parse().unwrap();
        assert!(erddap_url(&oisst, day, &world).unwrap().contains("%5B(89.875):(-89.875)%5D%5B(-179.875):(179.875)%5D"));
    }

    /// MERRA-2: row i at -90 + i/2, column j at -180 + 5j/8. The dust belt 0..45 N, 20 W..70 E:
    /// rows 180..270; columns (160/0.625 = 256)..(250/0.625 = 400).
    #[test]
    fn opendap_indices_of_the_dust_belt() {
        let coordinates = ["time".to_string(), "lat".to_string(), "lon".to_string()];
        let belt: GeoBox = "-20,0,70,45".parse().unwrap();
        let got = opendap_constraint(&grid(), &coordinates, &["DUEXTTAU".to_string()], 24, &belt).unwrap();
        assert_eq!(got, "time[0:23],lat[180:270],lon[256:400],DUEXTTAU[0:23][180:270][256:400]");
        let tiny: GeoBox = "0.1,0.1,0.2,0.2".parse().unwrap();
        assert!(opendap_constraint(&grid(), &coordinates, &[], 24, &tiny).unwrap_err().contains("no cell"));
    }

    #[test]
    fn the_whole_world_and_a_descending_grid() {
        let coordinates = ["time".to_string(), "lat".to_string(), "lon".to_string()];
        let world: GeoBox = "-180,-90,180,90".parse().unwrap();
        let descending = GridFacts { latitude_start: 90.0, latitude_step: -0.5, ..grid() };
        let got = opendap_constraint(&descending, &coordinates, &[], 1, &world).unwrap();
        assert_eq!(got, "time[0:0],lat[0:360],lon[0:575]");
        let north: GeoBox = "0,45,10,90".parse().unwrap();
        assert!(opendap_constraint(&descending, &coordinates, &[], 1, &north).unwrap().contains("lat[0:90]"));
    }

    #[test]
    fn bad_boxes_are_refused() {
        for text in ["", "1,2,3", "a,b,c,d", "0,50,10,40", "0,-91,10,40", "5,0,5,10", "0,0,400,10", "1,2,x,3,4", "nan,0,1,2"] {
            assert!(text.parse::<GeoBox>().is_err(), "{text}");
        }
    }
}
