//! [`Season`]: three months each, as meteorology counts them.

use serde::{Deserialize, Serialize};

/// A meteorological season. December counts to the winter that follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Season {
    /// December, January, February.
    #[serde(rename = "DJF")]
    Djf,
    /// March, April, May.
    #[serde(rename = "MAM")]
    Mam,
    /// June, July, August.
    #[serde(rename = "JJA")]
    Jja,
    /// September, October, November.
    #[serde(rename = "SON")]
    Son,
}

impl Season {
    /// The four, in the order of the year.
    pub const ALL: [Season; 4] = [Season::Djf, Season::Mam, Season::Jja, Season::Son];

    /// The season of a month, 1 (January) to 12; other numbers count on around the year.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::Season;
    /// assert_eq!([12, 2, 3, 8, 9].map(Season::of_month), [Season::Djf, Season::Djf, Season::Mam, Season::Jja, Season::Son]);
    /// ```
    pub fn of_month(month: u32) -> Season {
        Season::ALL[(month % 12 / 3) as usize]
    }

    /// `DJF`, `MAM`, `JJA`, `SON`.
    pub fn name(self) -> &'static str {
        match self {
            Season::Djf => "DJF",
            Season::Mam => "MAM",
            Season::Jja => "JJA",
            Season::Son => "SON",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_season_has_three_months_whose_letters_make_its_name() {
        let letters = "JFMAMJJASOND";
        for season in Season::ALL {
            // December first: the order in which winter is named
            let months = [12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].into_iter().filter(|m| Season::of_month(*m) == season);
            let name: String = months.map(|m| letters.as_bytes()[m as usize - 1] as char).collect();
            assert_eq!(name, season.name());
        }
    }
}
