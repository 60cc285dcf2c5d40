//! Physical units: a closed list, with conversion inside each dimension.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::{GridError, GridResult};

/// A physical unit. The list is closed on purpose: a file with another unit is
/// refused with one sentence instead of being scored in the wrong one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Kelvin, absolute temperature.
    Kelvin,
    /// Degrees Celsius, absolute temperature.
    Celsius,
    /// A temperature *difference* in kelvin (errors, anomalies, standard deviations).
    KelvinDifference,
    /// Metres.
    Metre,
    /// Metres per second.
    MetrePerSecond,
    /// Kelvin per metre.
    KelvinPerMetre,
    /// Kilograms per square metre (liquid water path).
    KilogramPerSquareMetre,
    /// Grams per square metre (liquid water path).
    GramPerSquareMetre,
    /// Percent.
    Percent,
    /// A number without unit (optical depth, fractions, turbidity, flags).
    One,
    /// Practical salinity, on a scale without unit.
    PracticalSalinity,
}

const TABLE: &[(Unit, &str, &[&str])] = &[
    (Unit::Kelvin, "kelvin", &["kelvin", "k", "degk", "deg_k", "kelvins", "degree_kelvin", "degrees_kelvin"]),
    (
        Unit::Celsius,
        "degree_Celsius",
        &[
            "degree_celsius",
            "degrees_celsius",
            "celsius",
            "degc",
            "deg_c",
            "degreec",
            "degreesc",
            "degree_c",
            "degrees_c",
            "degree c",
            "degrees c",
            "deg c",
            "°c",
            "c",
        ],
    ),
    (Unit::KelvinDifference, "kelvin", &["kelvin_difference", "delta_kelvin"]),
    (Unit::Metre, "m", &["m", "metre", "meter", "metres", "meters"]),
    (Unit::MetrePerSecond, "m s-1", &["m s-1", "m/s", "m.s-1", "ms-1", "meter/second", "meters/second", "m s^-1"]),
    (Unit::KelvinPerMetre, "K m-1", &["k m-1", "k/m", "kelvin m-1", "k.m-1"]),
    (Unit::KilogramPerSquareMetre, "kg m-2", &["kg m-2", "kg/m2", "kg/m^2", "kg m^-2", "kg.m-2"]),
    (Unit::GramPerSquareMetre, "g m-2", &["g m-2", "g/m2", "g/m^2", "g m^-2", "g.m-2"]),
    (Unit::Percent, "%", &["%", "percent", "percentage"]),
    (Unit::One, "1", &["1", "", "-", "none", "unitless", "dimensionless", "fraction", "count"]),
    (Unit::PracticalSalinity, "0.001", &["0.001", "1e-3", "psu", "pss", "1e-03"]),
];

impl Unit {
    /// Reads a unit's text as found in files (`degree_Celsius`, `K`, `m/s`, ...), ignoring case.
    ///
    /// # Errors
    /// [`GridError::UnknownUnit`] names the text found and the units known.
    ///
    /// # Example
    /// ```
    /// use isotherm::grid::Unit;
    /// assert_eq!(Unit::parse("degree_Celsius").unwrap(), Unit::Celsius);
    /// assert!(Unit::parse("furlong").is_err());
    /// ```
    pub fn parse(text: &str) -> GridResult<Unit> {
        let wanted = text.trim().to_lowercase();
        TABLE.iter().find(|(_, _, names)| names.contains(&wanted.as_str())).map(|(unit, _, _)| *unit).ok_or_else(|| {
            GridError::UnknownUnit {
                found: text.to_string(),
                wanted: TABLE.iter().map(|(_, name, _)| *name).collect::<Vec<_>>().join(", "),
            }
        })
    }

    /// The text written to files, in UDUNITS form.
    pub fn cf_name(self) -> &'static str {
        TABLE.iter().find(|(unit, _, _)| *unit == self).map_or("1", |(_, name, _)| name)
    }

    /// The symbol for figures and tables (`K`, `°C`, `m`).
    pub fn symbol(self) -> &'static str {
        match self {
            Unit::Kelvin | Unit::KelvinDifference => "K",
            Unit::Celsius => "°C",
            Unit::Metre => "m",
            Unit::MetrePerSecond => "m/s",
            Unit::KelvinPerMetre => "K/m",
            Unit::KilogramPerSquareMetre => "kg/m²",
            Unit::GramPerSquareMetre => "g/m²",
            Unit::Percent => "%",
            Unit::One => "1",
            Unit::PracticalSalinity => "psu",
        }
    }

    /// `(factor, offset)` such that `value_in_to = factor * value_in_self + offset`.
    ///
    /// # Errors
    /// [`GridError::Conversion`] where the two units measure different things.
    ///
    /// # Example
    /// ```
    /// use isotherm::grid::Unit;
    /// assert_eq!(Unit::Celsius.conversion(Unit::Kelvin).unwrap(), (1.0, 273.15));
    /// ```
    pub fn conversion(self, to: Unit) -> GridResult<(f64, f64)> {
        use Unit::*;
        match (self, to) {
            (a, b) if a == b => Ok((1.0, 0.0)),
            (Kelvin, Celsius) => Ok((1.0, -273.15)),
            (Celsius, Kelvin) => Ok((1.0, 273.15)),
            (KilogramPerSquareMetre, GramPerSquareMetre) => Ok((1e3, 0.0)),
            (GramPerSquareMetre, KilogramPerSquareMetre) => Ok((1e-3, 0.0)),
            (Percent, One) => Ok((1e-2, 0.0)),
            (One, Percent) => Ok((1e2, 0.0)),
            (a, b) => Err(GridError::Conversion { from: a.cf_name().into(), to: b.cf_name().into() }),
        }
    }

    /// The unit of a difference of two values in this unit (kelvin for both temperatures).
    pub fn difference(self) -> Unit {
        match self {
            Unit::Kelvin | Unit::Celsius => Unit::KelvinDifference,
            other => other,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_written_name_reads_back() {
        for (unit, name, _) in TABLE {
            if *unit != Unit::KelvinDifference {
                assert_eq!(Unit::parse(name).unwrap(), *unit);
            }
        }
    }

    #[test]
    fn celsius_to_kelvin_and_back() {
        let (a, b) = Unit::Celsius.conversion(Unit::Kelvin).unwrap();
        let (c, d) = Unit::Kelvin.conversion(Unit::Celsius).unwrap();
        assert_eq!(c * (a * 20.0 + b) + d, 20.0);
        assert!(Unit::Metre.conversion(Unit::Kelvin).is_err());
    }
}
