//! The file of station forecasts: what each method forecast of each test window.

use std::fmt::Write as _;
use std::path::Path;

use crate::base::files::write_atomic;
use crate::paper::{PaperError, PaperResult};

/// Forecasts of the test windows by method, baselines first.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecasts {
    /// Station and first day of the future of each window.
    pub windows: Vec<(usize, usize)>,
    /// What came, by window and lead, degrees Celsius.
    pub truth: Vec<Vec<f64>>,
    /// What each method forecast.
    pub methods: Vec<(String, Vec<Vec<f64>>)>,
}

impl Forecasts {
    /// Writes the forecasts as CSV: station, day, lead, truth and a column for each method, to a ten-thousandth of a degree.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write(&self, path: &Path) -> PaperResult<()> {
        let names: Vec<&str> = self.methods.iter().map(|(name, _)| name.as_str()).collect();
        let mut text = format!("station,day,lead,truth,{}\n", names.join(","));
        for (i, (station, day)) in self.windows.iter().enumerate() {
            for (lead, truth) in self.truth[i].iter().enumerate() {
                let _ = write!(text, "{station},{day},{},{truth:.4}", lead + 1);
                for (_, forecasts) in &self.methods {
                    let _ = write!(text, ",{:.4}", forecasts[i][lead]);
                }
                text.push('\n');
            }
        }
        write_atomic(path, text.as_bytes()).map_err(|source| PaperError::File { path: path.into(), source })
    }

    /// Reads what the step wrote.
    ///
    /// # Errors
    /// Where the file is absent or a line does not fit.
    pub fn read(path: &Path) -> PaperResult<Forecasts> {
        let text = std::fs::read_to_string(path).map_err(PaperError::file(path))?;
        let wrong = |line: usize| PaperError::Content {
            what: path.display().to_string(),
            problem: format!("line {} is no line of forecasts; run the step kiost_forecasts anew", line + 1),
        };
        let mut lines = text.lines().enumerate();
        let header: Vec<&str> = lines.next().map(|(_, l)| l.split(',').collect()).unwrap_or_default();
        if header.len() < 5 || header[..4] != ["station", "day", "lead", "truth"] {
            return Err(wrong(0));
        }
        let mut found = Forecasts {
            windows: Vec::new(),
            truth: Vec::new(),
            methods: header[4..].iter().map(|name| (name.to_string(), Vec::new())).collect(),
        };
        for (number, line) in lines {
            let cells: Vec<f64> = line
                .split(',')
                .map(str::parse)
                .collect::<Result<_, _>>()
                .map_err(|_: std::num::ParseFloatError| wrong(number))?;
            if cells.len() != header.len() {
                return Err(wrong(number));
            }
            if cells[2] == 1.0 {
                found.windows.push((cells[0] as usize, cells[1] as usize));
                found.truth.push(Vec::new());
                found.methods.iter_mut().for_each(|(_, windows)| windows.push(Vec::new()));
            }
            let Some(truth) = found.truth.last_mut() else { return Err(wrong(number)) };
            truth.push(cells[3]);
            for ((_, windows), value) in found.methods.iter_mut().zip(&cells[4..]) {
                if let Some(window) = windows.last_mut() {
                    window.push(*value);
                }
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forecasts_come_back_from_their_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.csv");
        let forecasts = Forecasts {
            windows: vec![(0, 14), (1, 20)],
            truth: vec![vec![10.5, -0.25], vec![11.0, 12.0]],
            methods: vec![("persistence".into(), vec![vec![10.0, 10.0], vec![11.5, 11.5]])],
        };
        forecasts.write(&path).unwrap();
        assert_eq!(Forecasts::read(&path).unwrap(), forecasts);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("station,day,lead,truth,persistence\n0,14,1,10.5000,10.0000\n"));
        for bad in ["", "a,b\n", "station,day,lead,truth,x\n0,1,2,3,4\n", "station,day,lead,truth,x\n0,1,1,3\n"] {
            std::fs::write(&path, bad).unwrap();
            assert!(Forecasts::read(&path).is_err(), "{bad}");
        }
    }
}
