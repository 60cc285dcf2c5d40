//! [`TidyTable`]: scores as tidy CSV, one number a row. Every rendered table is made from it.

use std::collections::BTreeSet;
use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use polars::prelude::{Column, DataFrame, DataType, Field, Schema};
use polars_io::prelude::{CsvReadOptions, CsvWriter, SerReader, SerWriter};
use serde::{Deserialize, Serialize};

use super::error::{PaperError, PaperResult};
use crate::base::files::write_atomic;
use crate::figure::Tier;
use crate::score::Score;

/// The columns, in order.
const COLUMNS: [&str; 12] =
    ["dataset", "tier", "split", "method", "metric", "value", "lower", "upper", "n", "n_eff", "unit", "seed"];
const SPLITS: [&str; 3] = ["train", "validation", "test"];

/// One number with all that is needed to read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TidyRow {
    /// What was scored (`twin`, `black_sea`).
    pub dataset: String,
    /// Kind of data.
    pub tier: Tier,
    /// `train`, `validation` or `test`.
    pub split: String,
    /// Method id (`bicubic_backprojected`): lower-case letters, digits and underscores.
    pub method: String,
    /// Metric id (`rmse`), spelt as the method's.
    pub metric: String,
    /// The value.
    pub value: f64,
    /// Lower end of its interval; `None` where it has none.
    pub lower: Option<f64>,
    /// Upper end of its interval.
    pub upper: Option<f64>,
    /// Number of valid pairs.
    pub n: u64,
    /// Number of independent units behind it, as the bootstrap sees them.
    pub n_eff: Option<f64>,
    /// Unit of the value (`K`; `1` for none).
    pub unit: String,
    /// Seed of the run.
    pub seed: u64,
}

impl TidyRow {
    /// The method id of a row that states what is known rather than what was found.
    pub const KNOWN: &'static str = "known";

    /// A row from a [`Score`]. An interval that is not finite counts as none.
    pub fn from_score(dataset: &str, tier: Tier, split: &str, method: &str, seed: u64, score: &Score) -> TidyRow {
        let interval = Some((score.lower, score.upper)).filter(|(a, b)| a.is_finite() && b.is_finite());
        TidyRow {
            dataset: dataset.into(),
            tier,
            split: split.into(),
            method: method.into(),
            metric: score.metric.clone(),
            value: score.value,
            lower: interval.map(|i| i.0),
            upper: interval.map(|i| i.1),
            n: score.n as u64,
            n_eff: Some(score.n_effective).filter(|n| n.is_finite()),
            unit: score.unit.symbol().into(),
            seed,
        }
    }

    fn key(&self) -> (&str, Tier, &str, &str, &str, u64) {
        (&self.dataset, self.tier, &self.split, &self.method, &self.metric, self.seed)
    }

    /// What is wrong with the row, if anything.
    fn problem(&self) -> Option<String> {
        let id = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        for (what, text) in [("method", &self.method), ("metric", &self.metric)] {
            if !id(text) {
                return Some(format!("{what} '{text}' is no id; lower-case letters, digits and underscores are wanted"));
            }
        }
        for (what, text) in [("dataset", &self.dataset), ("unit", &self.unit)] {
            if text.trim().is_empty() || text.chars().any(char::is_control) {
                return Some(format!("{what} '{}' is empty or holds a control character; a name is wanted", text.escape_debug()));
            }
        }
        if !SPLITS.contains(&self.split.as_str()) {
            return Some(format!("split '{}' is not known; one of {} is wanted", self.split, SPLITS.join(", ")));
        }
        let numbers = [Some(self.value), self.lower, self.upper, self.n_eff];
        if let Some(bad) = numbers.into_iter().flatten().find(|v| !v.is_finite()) {
            return Some(format!("{} of {} holds {bad}; finite numbers are wanted", self.metric, self.method));
        }
        match (self.lower, self.upper) {
            (Some(a), Some(b)) if a > b => {
                Some(format!("the interval of {} of {} runs from {a} down to {b}", self.metric, self.method))
            }
            (Some(_), None) | (None, Some(_)) => {
                Some(format!("the interval of {} of {} has one end only; both or none are wanted", self.metric, self.method))
            }
            _ => None,
        }
    }

    fn cells(&self) -> [String; 12] {
        // `{:?}` writes the shortest text that reads back to the same double
        let number = |v: Option<f64>| v.map_or(String::new(), |v| format!("{v:?}"));
        [
            self.dataset.clone(),
            self.tier.id().into(),
            self.split.clone(),
            self.method.clone(),
            self.metric.clone(),
            number(Some(self.value)),
            number(self.lower),
            number(self.upper),
            self.n.to_string(),
            number(self.n_eff),
            self.unit.clone(),
            self.seed.to_string(),
        ]
    }

    fn from_cells(cells: [&str; 12]) -> Result<TidyRow, String> {
        fn number<T: std::str::FromStr>(column: usize, text: &str) -> Result<T, String> {
            text.parse().map_err(|_| format!("column {} holds '{text}'; a number is wanted", COLUMNS[column]))
        }
        let optional = |column: usize| match cells[column] {
            "" => Ok(None),
            text => number(column, text).map(Some),
        };
        let tier = match cells[1] {
            "twin" => Tier::Twin,
            "real" => Tier::Real,
            "proxy" => Tier::Proxy,
            other => return Err(format!("tier '{other}' is not known; one of twin, real, proxy is wanted")),
        };
        Ok(TidyRow {
            dataset: cells[0].into(),
            tier,
            split: cells[2].into(),
            method: cells[3].into(),
            metric: cells[4].into(),
            value: number(5, cells[5])?,
            lower: optional(6)?,
            upper: optional(7)?,
            n: number(8, cells[8])?,
            n_eff: optional(9)?,
            unit: cells[10].into(),
            seed: number(11, cells[11])?,
        })
    }
}

/// Rows that have been checked.
#[derive(Clone, Debug, PartialEq)]
pub struct TidyTable {
    rows: Vec<TidyRow>,
}

impl TidyTable {
    /// A table of these rows, in this order. `name` is used in messages.
    ///
    /// # Errors
    /// [`PaperError::Table`] where there is no row, an id is malformed, a number is not finite, an interval
    /// is half or upside down, or two rows answer the same question.
    ///
    /// # Example
    /// ```
    /// use isotherm::figure::Tier;
    /// use isotherm::paper::{TidyRow, TidyTable};
    /// let row = TidyRow {
    ///     dataset: "twin".into(), tier: Tier::Twin, split: "test".into(), method: "bicubic".into(), metric: "rmse".into(),
    ///     value: 0.3353, lower: Some(0.33), upper: Some(0.34), n: 1000, n_eff: Some(30.0), unit: "K".into(), seed: 1,
    /// };
    /// let table = TidyTable::new("ladder_scores", vec![row]).unwrap();
    /// assert_eq!(table.find("twin", "test", "bicubic", "rmse").unwrap().value, 0.3353);
    /// ```
    pub fn new(name: &str, rows: Vec<TidyRow>) -> PaperResult<TidyTable> {
        let fail = |problem: String| Err(PaperError::Table { table: name.into(), problem });
        if rows.is_empty() {
            return fail("the table has no row; at least one is wanted".into());
        }
        let mut keys = BTreeSet::new();
        for (i, row) in rows.iter().enumerate() {
            if let Some(problem) = row.problem() {
                return fail(format!("row {}: {problem}", i + 1));
            }
            if !keys.insert(row.key()) {
                return fail(format!("row {}: {:?} stands in the table twice; one number for each is wanted", i + 1, row.key()));
            }
        }
        Ok(TidyTable { rows })
    }

    /// The rows.
    pub fn rows(&self) -> &[TidyRow] {
        &self.rows
    }

    /// The first row (lowest in the file) for a question, whatever its seed.
    pub fn find(&self, dataset: &str, split: &str, method: &str, metric: &str) -> Option<&TidyRow> {
        self.rows.iter().find(|r| r.dataset == dataset && r.split == split && r.method == method && r.metric == metric)
    }

    /// The CSV, numbers at full precision.
    ///
    /// # Errors
    /// [`PaperError::Table`] where polars refuses.
    pub fn to_csv(&self) -> PaperResult<Vec<u8>> {
        let cells: Vec<[String; 12]> = self.rows.iter().map(TidyRow::cells).collect();
        let column = |i: usize| {
            let texts = cells.iter().map(|row| Some(row[i].as_str()).filter(|t| !t.is_empty())).collect::<Vec<_>>();
            Column::new(COLUMNS[i].into(), texts)
        };
        let mut bytes = Vec::new();
        DataFrame::new(cells.len(), (0..COLUMNS.len()).map(column).collect())
            .and_then(|mut frame| CsvWriter::new(&mut bytes).finish(&mut frame))
            .map_err(|e| PaperError::Table { table: "a tidy table".into(), problem: e.to_string() })?;
        Ok(bytes)
    }

    /// Reads CSV; `name` is used in messages.
    ///
    /// # Errors
    /// [`PaperError::Table`] where the columns are not those of a tidy table, a cell cannot be read, or as
    /// [`TidyTable::new`].
    pub fn from_csv(name: &str, bytes: &[u8]) -> PaperResult<TidyTable> {
        let fail = |problem: String| PaperError::Table { table: name.into(), problem };
        let header = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
        let header = String::from_utf8_lossy(header).trim_end().to_string();
        if header != COLUMNS.join(",") {
            return Err(fail(format!("the first line is '{header}'; '{}' is wanted", COLUMNS.join(","))));
        }
        let schema: Schema = COLUMNS.iter().map(|c| Field::new((*c).into(), DataType::String)).collect();
        let options = CsvReadOptions::default().with_has_header(true).with_schema(Some(Arc::new(schema)));
        let frame =
            options.into_reader_with_file_handle(Cursor::new(bytes.to_vec())).finish().map_err(|e| fail(e.to_string()))?;
        let columns = COLUMNS
            .iter()
            .map(|c| frame.column(c).and_then(|column| column.str()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| fail(e.to_string()))?;
        let rows = (0..frame.height()).map(|i| {
            let cells = std::array::from_fn(|c| columns[c].get(i).unwrap_or(""));
            TidyRow::from_cells(cells).map_err(|problem| fail(format!("row {}: {problem}", i + 1)))
        });
        TidyTable::new(name, rows.collect::<PaperResult<_>>()?)
    }

    /// Writes the CSV, whole or not at all.
    ///
    /// # Errors
    /// [`PaperError::File`], [`PaperError::Table`].
    pub fn write_csv(&self, path: &Path) -> PaperResult<()> {
        write_atomic(path, &self.to_csv()?).map_err(|source| PaperError::File { path: path.into(), source })
    }

    /// Reads a CSV file.
    ///
    /// # Errors
    /// [`PaperError::File`], or as [`TidyTable::from_csv`].
    pub fn read_csv(path: &Path) -> PaperResult<TidyTable> {
        let bytes = fs::read(path).map_err(|source| PaperError::File { path: path.into(), source })?;
        TidyTable::from_csv(&path.display().to_string(), &bytes)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn row(method: &str, metric: &str, value: f64) -> TidyRow {
        TidyRow {
            dataset: "twin".into(),
            tier: Tier::Twin,
            split: "test".into(),
            method: method.into(),
            metric: metric.into(),
            value,
            lower: Some(value - 0.01),
            upper: Some(value + 0.01),
            n: 440_256,
            n_eff: Some(30.5),
            unit: "K".into(),
            seed: 7,
        }
    }

    #[test]
    fn the_csv_is_the_one_agreed_on() {
        let mut second = TidyRow { lower: None, upper: None, n_eff: None, ..row("edsr", "bias", -1e-17) };
        second.dataset = "Black Sea, \"real\"".into();
        let first = TidyRow { lower: Some(0.25), upper: Some(0.5), ..row("bicubic", "rmse", 1.0 / 3.0) };
        let table = TidyTable::new("t", vec![first, second]).unwrap();
        let csv = String::from_utf8(table.to_csv().unwrap()).unwrap();
        assert_eq!(
            csv,
            "dataset,tier,split,method,metric,value,lower,upper,n,n_eff,unit,seed\n\
             twin,twin,test,bicubic,rmse,0.3333333333333333,0.25,0.5,440256,30.5,K,7\n\
             \"Black Sea, \"\"real\"\"\",twin,test,edsr,bias,-1e-17,,,440256,,K,7\n"
        );
        assert_eq!(TidyTable::from_csv("t", csv.as_bytes()).unwrap(), table);
    }

    #[test]
    fn files_round_trip_to_the_last_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tables/t.csv");
        let values = [0.1 + 0.2, f64::MIN_POSITIVE, -123_456.789_012_345_67, 1e300];
        let rows = values.iter().enumerate().map(|(i, v)| TidyRow { seed: u64::MAX - i as u64, ..row("a", "m", *v) });
        let rows = rows.map(|r| TidyRow { lower: None, upper: None, ..r }).collect();
        let table = TidyTable::new("t", rows).unwrap();
        table.write_csv(&path).unwrap();
        assert_eq!(TidyTable::read_csv(&path).unwrap(), table);
    }

    #[test]
    fn bad_rows_are_refused_in_one_sentence() {
        let bad = |change: &dyn Fn(&mut TidyRow)| {
            let mut row = row("bicubic", "rmse", 0.3);
            change(&mut row);
            TidyTable::new("t", vec![row]).unwrap_err().to_string()
        };
        assert!(bad(&|r| r.value = f64::NAN).contains("finite"));
        assert!(bad(&|r| r.split = "dev".into()).contains("train, validation, test"));
        assert!(bad(&|r| r.method = "Bicubic".into()).contains("no id"));
        assert!(bad(&|r| r.upper = None).contains("one end only"));
        assert!(bad(&|r| r.lower = Some(9.0)).contains("down to"));
        assert!(bad(&|r| r.dataset = "a\nb".into()).contains("control"));
        assert!(TidyTable::new("t", vec![]).is_err());
        let twice = vec![row("a", "rmse", 0.1), row("a", "rmse", 0.2)];
        assert!(TidyTable::new("t", twice).unwrap_err().to_string().contains("twice"));
    }

    #[test]
    fn bad_files_are_refused() {
        let header = COLUMNS.join(",");
        let read = |text: &str| TidyTable::from_csv("t", text.as_bytes()).unwrap_err().to_string();
        assert!(read("").contains("the first line"));
        assert!(read("a,b\n1,2\n").contains("the first line"));
        assert!(read(&format!("{header}\n")).contains("no row"));
        assert!(read(&format!("{header}\ntwin,twin,test,a,rmse,much,,,1,,K,7\n")).contains("column value holds 'much'"));
        assert!(read(&format!("{header}\ntwin,moon,test,a,rmse,1,,,1,,K,7\n")).contains("moon"));
    }
}
