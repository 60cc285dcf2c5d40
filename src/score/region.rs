//! [`Region`]: boxes of degrees with a name.

use super::error::{ScoreError, ScoreResult};

/// A box of degrees. It may cross the date line.
///
/// # Example
/// ```
/// use isotherm::score::Region;
/// let pacific = Region::parse("160,-5,-150,5").unwrap();
/// assert!(pacific.contains(0.0, 180.0) && pacific.contains(5.0, -170.0) && !pacific.contains(0.0, 0.0));
/// assert_eq!(Region::parse("black_sea").unwrap().name, "black_sea");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// Its name, or its four borders.
    pub name: String,
    /// Western border, degrees east.
    pub west: f64,
    /// Eastern border, degrees east; one that is not east of `west` means a turn further.
    pub east: f64,
    /// Southern border, degrees north.
    pub south: f64,
    /// Northern border, degrees north.
    pub north: f64,
}

/// The regions known by name: west, south, east, north. They are plain boxes, may overlap, and do not cover the globe.
pub const NAMED_REGIONS: [(&str, [f64; 4]); 16] = [
    ("arctic", [-180.0, 66.0, 180.0, 90.0]),
    ("northern_midlatitudes", [-180.0, 23.5, 180.0, 66.0]),
    ("tropics", [-180.0, -23.5, 180.0, 23.5]),
    ("southern_midlatitudes", [-180.0, -60.0, 180.0, -23.5]),
    ("southern_ocean", [-180.0, -90.0, 180.0, -60.0]),
    ("north_atlantic", [-80.0, 23.5, 0.0, 66.0]),
    ("north_pacific", [120.0, 23.5, -100.0, 66.0]),
    ("nino_3_4", [-170.0, -5.0, -120.0, 5.0]),
    ("gulf_stream", [-80.0, 30.0, -40.0, 48.0]),
    ("kuroshio", [125.0, 25.0, 165.0, 45.0]),
    ("agulhas", [10.0, -45.0, 40.0, -30.0]),
    ("mediterranean", [-6.0, 30.0, 36.5, 46.0]),
    ("black_sea", [27.0, 40.5, 42.0, 47.5]),
    ("baltic", [9.0, 53.5, 30.5, 66.0]),
    ("east_asian_seas", [117.0, 22.0, 142.0, 52.0]),
    ("arabian_sea", [50.0, 5.0, 78.0, 26.0]),
];

impl Region {
    /// A region by its name, or by `west,south,east,north` in degrees: the order of a GeoJSON `bbox` (RFC 7946, section 5).
    ///
    /// # Errors
    /// [`ScoreError::Argument`] says what was found and which names are known.
    pub fn parse(text: &str) -> ScoreResult<Region> {
        if let Some((name, borders)) = NAMED_REGIONS.iter().find(|(name, _)| *name == text.trim()) {
            return Ok(Region::named(name, *borders));
        }
        let numbers: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse::<f64>()).collect();
        let Ok([west, south, east, north]) = numbers.as_deref() else {
            let names: Vec<&str> = NAMED_REGIONS.iter().map(|(name, _)| *name).collect();
            return Err(ScoreError::Argument(format!(
                "region '{text}' is not known; west,south,east,north in degrees is wanted, or one of: {}",
                names.join(", ")
            )));
        };
        let fits = [west, east].iter().all(|v| v.abs() <= 720.0) && -90.0 <= *south && south < north && *north <= 90.0;
        if !fits || (east - west).abs() > 360.0 {
            return Err(ScoreError::Argument(format!(
                "the region west {west}, south {south}, east {east}, north {north} is no box on the globe; \
                 the order is west,south,east,north"
            )));
        }
        Ok(Region::named(&format!("{west},{south},{east},{north}"), [*west, *south, *east, *north]))
    }

    fn named(name: &str, [west, south, east, north]: [f64; 4]) -> Region {
        Region { name: name.into(), west, east, south, north }
    }

    /// Degrees from the western to the eastern border, above 0 up to 360.
    fn width(&self) -> f64 {
        let width = (self.east - self.west).rem_euclid(360.0);
        if width == 0.0 { 360.0 } else { width }
    }

    /// Does a latitude lie within the borders, they included?
    pub fn contains_latitude(&self, latitude: f64) -> bool {
        (self.south..=self.north).contains(&latitude)
    }

    /// Does a longitude lie within the borders, they included, whatever turn it is counted in?
    pub fn contains_longitude(&self, longitude: f64) -> bool {
        (longitude - self.west).rem_euclid(360.0) <= self.width()
    }

    /// Does a place lie in the box?
    pub fn contains(&self, latitude: f64, longitude: f64) -> bool {
        self.contains_latitude(latitude) && self.contains_longitude(longitude)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_of_longitudes_does_not_matter() {
        for text in ["-10,0,20,10", "350,0,20,10", "350,0,380,10"] {
            let region = Region::parse(text).unwrap();
            for turn in [-360.0, 0.0, 360.0] {
                assert!(region.contains(5.0, turn - 10.0) && region.contains(5.0, turn + 20.0), "{text}");
                assert!(!region.contains(5.0, turn + 21.0) && !region.contains(5.0, turn + 180.0), "{text}");
            }
        }
    }

    #[test]
    fn a_whole_turn_holds_every_longitude() {
        let tropics = Region::parse("tropics").unwrap();
        assert!((0..720).all(|i| tropics.contains(0.0, f64::from(i) - 360.0)));
        assert!(!tropics.contains(24.0, 0.0));
    }

    #[test]
    fn every_named_region_is_a_box() {
        for (name, [west, south, east, north]) in NAMED_REGIONS {
            let again = Region::parse(&format!("{west},{south},{east},{north}")).unwrap();
            let named = Region::parse(name).unwrap();
            assert_eq!(Region { name: named.name.clone(), ..again }, named);
        }
    }

    #[test]
    fn what_is_no_region_is_named() {
        assert!(Region::parse("atlantis").unwrap_err().to_string().contains("black_sea"));
        for bad in ["0,20,10,10", "0,-100,10,10", "0,20,10", "0,0,1000,10", "a,b,c,d", "nan,0,10,10"] {
            assert!(Region::parse(bad).is_err(), "{bad}");
        }
    }
}
