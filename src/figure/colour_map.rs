//! Colours, and the maps from a fraction to a colour.
//!
//! All maps are perceptually even and safe for the common colour-vision deficiencies. The sequential
//! ones rise in lightness from end to end, so that they also read in greyscale; the diverging one is
//! light in the middle.
//!
//! # Reference
//! Crameri, Shephard and Heron (2020), The misuse of colour in science communication.
//! doi:10.1038/s41467-020-19160-7

use serde::{Deserialize, Serialize};

use super::colour_tables::{BATLOW, THERMAL, VIK, VIRIDIS};

/// An opaque sRGB colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Colour {
    /// Red, 0..255.
    pub red: u8,
    /// Green, 0..255.
    pub green: u8,
    /// Blue, 0..255.
    pub blue: u8,
}

impl Colour {
    /// Black.
    pub const BLACK: Colour = Colour::hex(0x000000);
    /// White.
    pub const WHITE: Colour = Colour::hex(0xffffff);

    /// The colour `0xRRGGBB`.
    pub const fn hex(code: u32) -> Colour {
        Colour { red: (code >> 16) as u8, green: (code >> 8) as u8, blue: code as u8 }
    }

    /// The text `#rrggbb`, for SVG and HTML.
    pub fn css(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

/// Colours of curves, in order: those of Okabe and Ito (2008), which stay apart for colour-blind eyes,
/// without the yellow, which is too light on white. Curves also differ by their dashes, for greyscale.
pub const SERIES_COLOURS: [Colour; 6] = [
    Colour::hex(0x0072b2),
    Colour::hex(0xd55e00),
    Colour::hex(0x009e73),
    Colour::hex(0x000000),
    Colour::hex(0xcc79a7),
    Colour::hex(0x56b4e9),
];

/// A map from a fraction (0..1) to a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColourMap {
    /// Dark violet to yellow: densities and positive quantities.
    Viridis,
    /// Dark blue to pale pink over green: an alternative with a longer path through the hues.
    Batlow,
    /// Dark blue over red to yellow: temperature.
    Thermal,
    /// Blue over white to red: errors and anomalies, about zero.
    Vik,
}

impl ColourMap {
    /// Every map.
    pub const ALL: [ColourMap; 4] = [ColourMap::Viridis, ColourMap::Batlow, ColourMap::Thermal, ColourMap::Vik];

    fn table(self) -> &'static [u32; 33] {
        match self {
            ColourMap::Viridis => &VIRIDIS,
            ColourMap::Batlow => &BATLOW,
            ColourMap::Thermal => &THERMAL,
            ColourMap::Vik => &VIK,
        }
    }

    /// Is it light in the middle and dark at both ends, for values about zero?
    pub fn is_diverging(self) -> bool {
        self == ColourMap::Vik
    }

    /// The colour at `fraction`; what lies outside 0..1 (or is NaN) takes the nearest end (the low one).
    ///
    /// # Example
    /// ```
    /// use isotherm::figure::{Colour, ColourMap};
    /// assert_eq!(ColourMap::Viridis.colour(0.0), Colour::hex(0x440154));
    /// assert_eq!(ColourMap::Viridis.colour(7.0), Colour::hex(0xfde725));
    /// ```
    pub fn colour(self, fraction: f64) -> Colour {
        let table = self.table();
        let position = fraction.clamp(0.0, 1.0) * (table.len() - 1) as f64;
        // `as` turns NaN into 0
        let index = (position as usize).min(table.len() - 2);
        let weight = if position.is_nan() { 0.0 } else { position - index as f64 };
        let (low, high) = (Colour::hex(table[index]), Colour::hex(table[index + 1]));
        let mix = |a: u8, b: u8| (f64::from(a) + weight * (f64::from(b) - f64::from(a))).round() as u8;
        Colour { red: mix(low.red, high.red), green: mix(low.green, high.green), blue: mix(low.blue, high.blue) }
    }

    /// `count` colours from the low to the high end (at least two are given).
    pub fn palette(self, count: usize) -> Vec<Colour> {
        let count = count.max(2);
        (0..count).map(|i| self.colour(i as f64 / (count - 1) as f64)).collect()
    }
}

/// CIE 1976 lightness L* (0 black .. 100 white) of an sRGB colour, under D65.
///
/// # Formula
/// ```text
/// Y  = 0.2126 R + 0.7152 G + 0.0722 B      (R, G, B linear, IEC 61966-2-1)
/// L* = 116 Y^(1/3) − 16   for Y > (6/29)³,   else (29/3)³ Y
/// ```
pub fn lightness(colour: Colour) -> f64 {
    let y = 0.2126 * linear(colour.red) + 0.7152 * linear(colour.green) + 0.0722 * linear(colour.blue);
    if y > (6.0f64 / 29.0).powi(3) { 116.0 * y.cbrt() - 16.0 } else { (29.0f64 / 3.0).powi(3) * y }
}

fn linear(channel: u8) -> f64 {
    let c = f64::from(channel) / 255.0;
    if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lightness_of_known_colours() {
        // CIE: white 100, black 0; sRGB mid grey #777777 has Y = 0.18447, L* = 50.03 (by hand from the formula)
        assert!((lightness(Colour::WHITE) - 100.0).abs() < 1e-9);
        assert_eq!(lightness(Colour::BLACK), 0.0);
        assert!((lightness(Colour::hex(0x777777)) - 50.03).abs() < 0.01);
    }

    #[test]
    fn sequential_maps_rise_strictly_in_lightness() {
        for map in ColourMap::ALL.into_iter().filter(|m| !m.is_diverging()) {
            let ladder: Vec<f64> = map.palette(65).into_iter().map(lightness).collect();
            assert!(ladder.windows(2).all(|p| p[1] > p[0]), "{map:?}: {ladder:?}");
            assert!(ladder[64] - ladder[0] > 60.0, "{map:?} has too little range in grey");
        }
    }

    #[test]
    fn the_diverging_map_rises_to_the_middle_and_falls() {
        let ladder: Vec<f64> = ColourMap::Vik.palette(65).into_iter().map(lightness).collect();
        assert!(ladder[..32].windows(2).all(|p| p[1] > p[0]), "{ladder:?}");
        assert!(ladder[33..].windows(2).all(|p| p[1] < p[0]), "{ladder:?}");
        assert!((ladder[0] - ladder[64]).abs() < 10.0, "the two ends must weigh the same");
    }

    /// Linear RGB as a deuteranope and a protanope see it: Machado, Oliveira and Fernandes (2009),
    /// doi:10.1109/TVCG.2009.113, table 1, severity 1.0.
    const DEFICIENCIES: [[[f64; 3]; 3]; 2] = [
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    ];

    fn seen(colour: Colour, matrix: &[[f64; 3]; 3]) -> Colour {
        let rgb = [linear(colour.red), linear(colour.green), linear(colour.blue)];
        let back = |row: &[f64; 3]| {
            let c = (row[0] * rgb[0] + row[1] * rgb[1] + row[2] * rgb[2]).clamp(0.0, 1.0);
            let c = if c <= 0.0031308 { 12.92 * c } else { 1.055 * c.powf(1.0 / 2.4) - 0.055 };
            (255.0 * c).round() as u8
        };
        Colour { red: back(&matrix[0]), green: back(&matrix[1]), blue: back(&matrix[2]) }
    }

    #[test]
    fn maps_stay_ordered_for_colour_blind_eyes() {
        for matrix in &DEFICIENCIES {
            for map in ColourMap::ALL.into_iter().filter(|m| !m.is_diverging()) {
                let ladder: Vec<f64> = map.palette(17).into_iter().map(|c| lightness(seen(c, matrix))).collect();
                assert!(ladder.windows(2).all(|p| p[1] > p[0]), "{map:?}: {ladder:?}");
            }
            // the two arms of the diverging map differ in blue against red, at equal lightness
            for i in 1..8 {
                let (cold, warm) = (ColourMap::Vik.colour(0.5 - i as f64 / 16.0), ColourMap::Vik.colour(0.5 + i as f64 / 16.0));
                let (cold, warm) = (seen(cold, matrix), seen(warm, matrix));
                assert!(i32::from(cold.blue) - i32::from(warm.blue) > 12, "{i}: {cold:?} {warm:?}");
            }
        }
    }
}
