//! The matchup table: one row an observation that every product has a value for.

use std::fmt::Write as _;
use std::path::Path;

use super::error::{PaperError, PaperResult};
use crate::base::files::write_atomic;

/// Matchups in columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MatchupTable {
    /// Identifier of the platform.
    pub platform_id: Vec<String>,
    /// Kind of platform.
    pub platform: Vec<String>,
    /// Number of observations behind the row.
    pub count: Vec<u32>,
    /// Seconds since 1970.
    pub time_seconds: Vec<f64>,
    /// Degrees north.
    pub latitude: Vec<f64>,
    /// Degrees east.
    pub longitude: Vec<f64>,
    /// Observed temperature in degrees Celsius.
    pub in_situ: Vec<f64>,
    /// Each product's temperature in degrees Celsius, by its id.
    pub products: Vec<(String, Vec<f64>)>,
}

impl MatchupTable {
    /// Keeps the rows `kept` of the columns that say what was observed by whom.
    pub fn keep(&mut self, kept: &[usize]) {
        self.platform_id = kept.iter().map(|i| self.platform_id[*i].clone()).collect();
        self.platform = kept.iter().map(|i| self.platform[*i].clone()).collect();
        self.count = kept.iter().map(|i| self.count[*i]).collect();
    }

    /// Writes the table as CSV: temperatures to a ten-thousandth of a degree, positions to a ten-thousandth.
    ///
    /// # Errors
    /// [`PaperError::File`].
    pub fn write(&self, path: &Path) -> PaperResult<()> {
        let mut text = String::from("platform_id,platform,observations,time_seconds,latitude,longitude,in_situ_celsius");
        for (id, _) in &self.products {
            let _ = write!(text, ",{id}_celsius");
        }
        text.push('\n');
        for i in 0..self.in_situ.len() {
            let _ = write!(
                text,
                "{},{},{},{:.0},{:.4},{:.4},{:.4}",
                self.platform_id[i],
                self.platform[i],
                self.count[i],
                self.time_seconds[i],
                self.latitude[i],
                self.longitude[i],
                self.in_situ[i]
            );
            for (_, values) in &self.products {
                let _ = write!(text, ",{:.4}", values[i]);
            }
            text.push('\n');
        }
        write_atomic(path, text.as_bytes()).map_err(PaperError::file(path))
    }

    /// Reads what [`MatchupTable::write`] wrote.
    ///
    /// # Errors
    /// [`PaperError::Content`] naming the line that does not fit.
    pub fn read(path: &Path) -> PaperResult<MatchupTable> {
        let text = std::fs::read_to_string(path).map_err(PaperError::file(path))?;
        let fail = |line: usize, problem: &str| PaperError::Content {
            what: path.display().to_string(),
            problem: format!("line {line} {problem}"),
        };
        let mut lines = text.lines();
        let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        const FIXED: usize = 7;
        if header.len() < FIXED || header[FIXED - 1] != "in_situ_celsius" {
            return Err(fail(1, "is not the header of a matchup table"));
        }
        let mut table = MatchupTable {
            products: header[FIXED..].iter().map(|h| (h.trim_end_matches("_celsius").to_string(), Vec::new())).collect(),
            ..Default::default()
        };
        for (number, line) in lines.enumerate() {
            let cells: Vec<&str> = line.split(',').collect();
            let value = |i: usize| cells.get(i).and_then(|c| c.parse::<f64>().ok());
            let numbers: Option<Vec<f64>> = (2..header.len()).map(value).collect();
            let numbers =
                numbers.filter(|_| cells.len() == header.len()).ok_or_else(|| fail(number + 2, "does not fit the header"))?;
            table.platform_id.push(cells[0].into());
            table.platform.push(cells[1].into());
            table.count.push(numbers[0] as u32);
            table.time_seconds.push(numbers[1]);
            table.latitude.push(numbers[2]);
            table.longitude.push(numbers[3]);
            table.in_situ.push(numbers[4]);
            for (k, (_, column)) in table.products.iter_mut().enumerate() {
                column.push(numbers[5 + k]);
            }
        }
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read_back() {
        let table = MatchupTable {
            platform_id: vec!["d1".into(), "m2".into()],
            platform: vec!["drifter".into(), "mooring".into()],
            count: vec![3, 1],
            time_seconds: vec![10.0, 20.0],
            latitude: vec![30.5, 31.0],
            longitude: vec![130.25, 131.0],
            in_situ: vec![17.1234, 18.0],
            products: vec![("bicubic".into(), vec![17.0, 18.5]), ("edsr".into(), vec![17.1, 18.25])],
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.csv");
        table.write(&path).unwrap();
        assert_eq!(MatchupTable::read(&path).unwrap(), table);
        std::fs::write(&path, "platform_id,platform\n").unwrap();
        assert!(MatchupTable::read(&path).unwrap_err().to_string().contains("line 1"));
    }
}
