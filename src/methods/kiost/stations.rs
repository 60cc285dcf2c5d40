//! The sixteen stations around Korea, and the cells at which the published program reads them.

/// What a station is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StationKind {
    /// At the coast.
    Coastal,
    /// A moored buoy.
    Buoy,
}

/// One of the sixteen stations, as the published program and as its position says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KoreanStation {
    /// Two letters (`CB`).
    pub id: &'static str,
    /// What it is.
    pub kind: StationKind,
    /// Row and column, counted from the north-western corner of the 600 x 600 cells of 0.05 degree whose first centre is
    /// 52.475 N, 112.525 E: those of the published program. Where it takes the mean of two rows, the first.
    pub legacy_cell: (usize, usize),
    /// Does the published program take the mean of this cell and the one south of it?
    pub legacy_mean: bool,
    /// The cell of the station's position, where the published one is displaced.
    pub corrected_cell: (usize, usize),
    /// Degrees north and east, where known. From the operator's list as remembered: to be verified there before use.
    pub position: Option<(f64, f64)>,
}

impl KoreanStation {
    const fn coastal(id: &'static str, cell: (usize, usize)) -> KoreanStation {
        let kind = StationKind::Coastal;
        KoreanStation { id, kind, legacy_cell: cell, legacy_mean: false, corrected_cell: cell, position: None }
    }

    const fn buoy(
        id: &'static str,
        legacy_cell: (usize, usize),
        legacy_mean: bool,
        corrected_cell: (usize, usize),
        position: (f64, f64),
    ) -> KoreanStation {
        let kind = StationKind::Buoy;
        KoreanStation { id, kind, legacy_cell, legacy_mean, corrected_cell, position: Some(position) }
    }

    /// The stations. The published cells of most buoys follow from reading degrees and minutes as decimal degrees; the
    /// corrected ones are those of the positions.
    pub const ALL: [KoreanStation; 16] = [
        KoreanStation::coastal("YD", (318, 338)),
        KoreanStation::coastal("NH", (352, 309)),
        KoreanStation::coastal("TY", (353, 314)),
        KoreanStation::coastal("YS", (357, 304)),
        KoreanStation::coastal("WD", (366, 287)),
        KoreanStation::coastal("MP", (354, 277)),
        KoreanStation::coastal("BH", (321, 278)),
        KoreanStation::buoy("CB", (360, 259), false, (354, 265), (34.793, 125.777)),
        KoreanStation::buoy("PH", (325, 339), false, (323, 345), (36.350, 129.783)),
        KoreanStation::buoy("GM", (369, 296), true, (369, 300), (34.001, 127.501)),
        KoreanStation::buoy("GJ", (360, 320), false, (354, 328), (34.767, 128.900)),
        KoreanStation::buoy("DJ", (307, 270), false, (305, 270), (37.236, 126.019)),
        KoreanStation::buoy("DH", (304, 341), false, (300, 349), (37.481, 129.950)),
        KoreanStation::buoy("MR", (389, 270), true, (388, 270), (33.083, 126.033)),
        KoreanStation::buoy("YY", (327, 258), true, (325, 265), (36.250, 125.750)),
        KoreanStation::buoy("UL", (304, 371), false, (300, 372), (37.456, 131.114)),
    ];
}

/// The cell of a position on the grid of the published program: row and column from the north-western corner.
///
/// # Formula
/// ```text
/// row = round((52.475 - latitude) / 0.05),   column = round((longitude - 112.525) / 0.05)
/// ```
/// None for a position outside of the 600 x 600 cells.
pub fn korean_cell(latitude: f64, longitude: f64) -> Option<(usize, usize)> {
    let place = |from_edge: f64| {
        let cell = (from_edge / 0.05).round();
        (0.0..600.0).contains(&cell).then_some(cell as usize)
    };
    Some((place(52.475 - latitude)?, place(longitude - 112.525)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: (usize, usize), b: (usize, usize), by: usize) -> bool {
        a.0.abs_diff(b.0) <= by && a.1.abs_diff(b.1) <= by
    }

    #[test]
    fn corrected_cells_are_those_of_the_positions() {
        for station in KoreanStation::ALL {
            let Some((latitude, longitude)) = station.position else {
                assert_eq!((station.kind, station.legacy_cell), (StationKind::Coastal, station.corrected_cell));
                continue;
            };
            let cell = korean_cell(latitude, longitude).unwrap();
            // positions on the border of two cells may fall to either
            assert!(near(cell, station.corrected_cell, 1), "{}: {cell:?} {:?}", station.id, station.corrected_cell);
        }
        assert_eq!(korean_cell(52.475, 112.525), Some((0, 0)));
        assert_eq!((korean_cell(52.6, 120.0), korean_cell(40.0, 142.6)), (None, None));
    }

    #[test]
    fn published_cells_of_buoys_read_minutes_as_hundredths() {
        // 34.793 N is 34 degrees 47.6 minutes, which reads 34.476 where the minutes are taken for decimals.
        let misread = |x: f64| x.floor() + (x.fract() * 60.0).floor() / 100.0;
        for station in KoreanStation::ALL.into_iter().filter(|s| ["DJ", "CB", "GJ", "DH", "PH", "UL"].contains(&s.id)) {
            let (latitude, longitude) = station.position.unwrap();
            let cell = korean_cell(misread(latitude), misread(longitude)).unwrap();
            assert!(near(cell, station.legacy_cell, 1), "{}: {cell:?} {:?}", station.id, station.legacy_cell);
        }
    }

    #[test]
    fn sixteen_stations_of_which_nine_are_buoys() {
        let buoys = KoreanStation::ALL.iter().filter(|s| s.kind == StationKind::Buoy).count();
        let displaced = KoreanStation::ALL.iter().filter(|s| s.legacy_cell != s.corrected_cell).count();
        assert_eq!((KoreanStation::ALL.len(), buoys, displaced), (16, 9, 9));
    }
}
