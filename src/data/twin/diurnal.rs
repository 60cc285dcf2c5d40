//! Warming of the sea's surface by day, as a model that can be asked for any time, place and depth.

use chrono::Datelike;

use super::waves::Waves;
use crate::grid::{SECONDS_PER_DAY, instant};

/// Warming of a calm surface under a sun in the zenith, kelvin.
const CALM_KELVIN: f64 = 5.0;

/// Wind speed that divides the warming by e, m/s.
const WIND_SCALE: f64 = 2.5;

/// Depth that divides the warming by e, metres.
const DEPTH_SCALE_METRES: f64 = 1.0;

/// Local solar hours at which the warming begins, is largest, and is gone.
const HOURS: (f64, f64, f64) = (7.0, 14.5, 26.0);

/// The diurnal cycle above the foundation temperature.
///
/// # Formula
/// ```text
/// ΔT = 5 K · max(0, cos ζ)² · exp(−w / 2.5 m/s) · exp(−z / 1 m) · g(h)
/// ```
/// where ζ is the sun's zenith angle at local noon, w the wind speed, z the depth, h the local solar hour, and
/// g rises as sin² from 7 h to 1 at 14:30 and falls as cos² to 0 at 2 h: from 2 h to 7 h there is no warming, and
/// observations of that time show the foundation temperature. The factors (insolation, an exponential in
/// wind, a fixed shape over the day) are those of Gentemann et al.; the constants are the twin's own.
///
/// # Reference
/// Gentemann, Donlon, Stuart-Menteth and Wentz (2003), Diurnal signals in satellite sea surface temperature
/// measurements. doi:10.1029/2002GL016291
pub struct Diurnal {
    wind: Waves,
}

impl Diurnal {
    pub(super) fn new(seed: u64) -> Diurnal {
        Diurnal { wind: Waves::new(seed, "twin wind", 32, (5.0, 20.0), (3.0, 12.0)) }
    }

    /// Wind speed in m/s: about normal with mean 6.5 and standard deviation 2.5, never below 0.5.
    pub fn wind_speed(&self, seconds: f64, latitude: f64, longitude: f64) -> f64 {
        (6.5 + 2.5 * self.wind.at(seconds, latitude, longitude)).max(0.5)
    }

    /// Warming above the foundation temperature, kelvin, at `seconds` since 1970 and `depth_metres`.
    pub fn warming(&self, seconds: f64, latitude: f64, longitude: f64, depth_metres: f64) -> f64 {
        let shape = shape_of_day(local_solar_hour(seconds, longitude));
        if shape == 0.0 {
            return 0.0;
        }
        let wind = self.wind_speed(seconds, latitude, longitude);
        let sun = noon_sun(seconds, latitude);
        CALM_KELVIN * sun * sun * (-wind / WIND_SCALE).exp() * (-depth_metres.max(0.0) / DEPTH_SCALE_METRES).exp() * shape
    }
}

/// Local solar hour, 0 (inclusive) to 24 (exclusive): UTC plus an hour for every 15 degrees East.
pub fn local_solar_hour(seconds: f64, longitude: f64) -> f64 {
    (seconds.rem_euclid(SECONDS_PER_DAY) / 3600.0 + longitude / 15.0).rem_euclid(24.0)
}

fn shape_of_day(hour: f64) -> f64 {
    let (begin, peak, end) = HOURS;
    let hour = if hour < end - 24.0 { hour + 24.0 } else { hour };
    let quarter = std::f64::consts::FRAC_PI_2;
    if hour < begin {
        0.0
    } else if hour < peak {
        (quarter * (hour - begin) / (peak - begin)).sin().powi(2)
    } else {
        (quarter * (hour - peak) / (end - peak)).cos().powi(2)
    }
}

/// Cosine of the sun's zenith angle at local noon, 0 where it does not rise.
fn noon_sun(seconds: f64, latitude: f64) -> f64 {
    let day = instant(seconds).map_or(0.0, |t| f64::from(t.ordinal0()));
    // The tilt of the axis, and the southern solstice ten days before the new year.
    let declination = -23.44 * (std::f64::consts::TAU * (day + 10.0) / 365.25).cos();
    (latitude - declination).to_radians().cos().max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::seconds_of_date;
    use chrono::NaiveDate;

    #[test]
    fn the_shape_at_its_corners() {
        assert_eq!((shape_of_day(2.0), shape_of_day(5.0), shape_of_day(6.99)), (0.0, 0.0, 0.0));
        assert!((shape_of_day(14.5) - 1.0).abs() < 1e-12);
        // Half-way up at 10:45 and half-way down at 20:15: sin² and cos² of 45 degrees.
        assert!((shape_of_day(10.75) - 0.5).abs() < 1e-12 && (shape_of_day(20.25) - 0.5).abs() < 1e-12);
        assert!(shape_of_day(1.99) < 1e-5 && shape_of_day(1.0) > 0.0);
    }

    #[test]
    fn the_sun_and_the_clock() {
        let solstice = seconds_of_date(NaiveDate::from_ymd_opt(2021, 6, 21).unwrap());
        // At the tropic the June sun stands in the zenith.
        assert!((noon_sun(solstice, 23.44) - 1.0).abs() < 1e-3);
        // 18 UTC at 138 E is 18 + 9.2 − 24 = 3.2 h.
        assert!((local_solar_hour(solstice + 18.0 * 3600.0, 138.0) - 3.2).abs() < 1e-9);
    }

    #[test]
    fn warming_fades_with_depth_and_vanishes_at_night() {
        let diurnal = Diurnal::new(1);
        let solstice = seconds_of_date(NaiveDate::from_ymd_opt(2021, 6, 21).unwrap());
        let (afternoon, night) = (solstice + 5.0 * 3600.0, solstice + 18.0 * 3600.0);
        let surface = diurnal.warming(afternoon, 36.0, 138.0, 0.0);
        assert!(surface > 0.0 && surface < 5.0, "{surface}");
        assert!((diurnal.warming(afternoon, 36.0, 138.0, 1.0) / surface - (-1.0f64).exp()).abs() < 1e-12);
        assert_eq!(diurnal.warming(night, 36.0, 138.0, 0.0), 0.0);
    }
}
