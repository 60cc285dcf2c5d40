//! The result as rows: a readable table, JSON, CSV, Parquet.

use anyhow::Context;
use polars::prelude::{Column, DataFrame};
use polars_io::prelude::{CsvWriter, ParquetWriter, SerWriter};
use serde_json::json;

use crate::score::{Protocol, Score};

/// One row: a metric in a stratum, or why there is none.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub protocol: Protocol,
    pub score: Result<Score, String>,
    /// Why the score has no interval.
    pub no_interval: Option<String>,
}

/// Everything that is told.
#[derive(Clone, Debug)]
pub(super) struct Report {
    /// `sst of prediction.nc against sst of truth.nc`.
    pub title: String,
    pub by: &'static str,
    pub rows: Vec<Row>,
    pub notes: Vec<String>,
}

impl Report {
    /// Columns padded to their widest cell, below the rules that hold for all.
    pub fn table(&self) -> String {
        let mut text = format!("{}\n", self.title);
        if let Some(row) = self.rows.first() {
            for (name, rule) in row.protocol.rules() {
                if !["metric", "stratum"].contains(&name) {
                    text += &format!("{name}: {rule}\n");
                }
            }
        }
        self.notes.iter().for_each(|note| text += &format!("note: {note}\n"));
        text.push('\n');
        let head = [self.by, "metric", "value", "95 % interval", "n", "n_eff", "unit", "protocol"].map(String::from);
        let mut lines = vec![head];
        let mut reasons: Vec<&str> = Vec::new();
        for row in &self.rows {
            let stratum = row.protocol.stratum.clone();
            lines.push(match &row.score {
                Ok(score) => [
                    stratum,
                    score.metric.clone(),
                    number(score.value),
                    score.interval().map_or("-".into(), |i| format!("[{}, {}]", number(i.lower), number(i.upper))),
                    score.n.to_string(),
                    format!("{:.0}", score.n_effective),
                    score.unit.symbol().into(),
                    score.protocol.clone(),
                ],
                Err(_) => [
                    stratum,
                    row.protocol.metric.clone(),
                    "undefined".into(),
                    "-".into(),
                    "-".into(),
                    "-".into(),
                    "-".into(),
                    row.protocol.hash(),
                ],
            });
            let reason = row.score.as_ref().err().or(row.no_interval.as_ref());
            reasons.extend(reason.map(String::as_str));
        }
        text += &aligned(&lines);
        reasons.sort_unstable();
        reasons.dedup();
        reasons.iter().for_each(|reason| text += &format!("{reason}\n"));
        text.trim_end().to_string()
    }

    /// Title, notes, and each score with its rules.
    pub fn json(&self) -> serde_json::Value {
        let rows: Vec<serde_json::Value> = self
            .rows
            .iter()
            .map(|row| match &row.score {
                Ok(score) => json!({ "rules": row.protocol, "score": score, "no_interval": row.no_interval }),
                Err(reason) => json!({ "rules": row.protocol, "undefined": reason }),
            })
            .collect();
        json!({ "title": self.title, "by": self.by, "notes": self.notes, "scores": rows })
    }

    /// The rows as columns, one number a row.
    ///
    /// # Errors
    /// What polars says.
    pub fn frame(&self) -> anyhow::Result<DataFrame> {
        fn column<T>(rows: &[Row], get: impl Fn(&Score) -> Option<T>) -> Vec<Option<T>> {
            rows.iter().map(|r| r.score.as_ref().ok().and_then(&get)).collect()
        }
        let rule = |get: fn(&Protocol) -> &str| self.rows.iter().map(|r| get(&r.protocol).to_string()).collect::<Vec<_>>();
        let rows = &self.rows;
        let reason: Vec<Option<String>> =
            rows.iter().map(|r| r.score.as_ref().err().cloned().or(r.no_interval.clone())).collect();
        let hashes: Vec<String> = rows.iter().map(|r| r.protocol.hash()).collect();
        let columns = vec![
            Column::new("by".into(), vec![self.by; rows.len()]),
            Column::new("stratum".into(), rule(|p| &p.stratum)),
            Column::new("metric".into(), rule(|p| &p.metric)),
            Column::new("value".into(), column(rows, |s| Some(s.value))),
            Column::new("lower".into(), column(rows, |s| s.interval().map(|i| i.lower))),
            Column::new("upper".into(), column(rows, |s| s.interval().map(|i| i.upper))),
            Column::new("coverage".into(), column(rows, |s| Some(s.coverage))),
            Column::new("n".into(), column(rows, |s| Some(s.n as u64))),
            Column::new("n_eff".into(), column(rows, |s| Some(s.n_effective))),
            Column::new("unit".into(), column(rows, |s| Some(s.unit.symbol().to_string()))),
            Column::new("data_unit".into(), rule(|p| &p.unit)),
            Column::new("weighting".into(), rule(|p| p.weighting.name())),
            Column::new("mask".into(), rule(|p| &p.mask)),
            Column::new("region".into(), rule(|p| &p.region)),
            Column::new("period".into(), rule(|p| &p.period)),
            Column::new("protocol".into(), hashes),
            Column::new("reason".into(), reason),
        ];
        DataFrame::new(rows.len(), columns).context("the rows make no table")
    }

    /// The rows as CSV.
    ///
    /// # Errors
    /// As [`Report::frame`].
    pub fn csv(&self) -> anyhow::Result<String> {
        let mut bytes = Vec::new();
        CsvWriter::new(&mut bytes).finish(&mut self.frame()?)?;
        Ok(String::from_utf8(bytes)?)
    }

    /// The rows as a Parquet file.
    ///
    /// # Errors
    /// As [`Report::frame`].
    pub fn parquet(&self) -> anyhow::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        ParquetWriter::new(&mut bytes).finish(&mut self.frame()?)?;
        Ok(bytes)
    }
}

/// Five significant digits.
fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let magnitude = value.abs().log10().floor() as i32;
    if (-4..6).contains(&magnitude) { format!("{value:.*}", (4 - magnitude).max(0) as usize) } else { format!("{value:.4e}") }
}

fn aligned(lines: &[[String; 8]]) -> String {
    let widths: [usize; 8] = std::array::from_fn(|c| lines.iter().map(|l| l[c].chars().count()).max().unwrap_or(0));
    let mut text = String::new();
    for (i, line) in lines.iter().enumerate() {
        let cells: Vec<String> = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text += &format!("{}\n", cells.join("  ").trim_end());
        if i == 0 {
            text += &format!("{}\n", widths.map(|w| "-".repeat(w)).join("  "));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::Unit;
    use crate::score::Weighting;

    fn report() -> Report {
        let text = |t: &str| t.to_string();
        let protocol = Protocol {
            metric: text("rmse"),
            weighting: Weighting::Area,
            mask: text("cells, with a comma"),
            region: text("whole"),
            stratum: text("DJF"),
            period: text("2020"),
            matching: text("by day"),
            unit: text("°C"),
            resampling: text("days"),
        };
        let score = Score {
            metric: text("rmse"),
            value: 1.0 / 3.0,
            lower: 0.25,
            upper: 0.5,
            coverage: 0.95,
            n: 1234,
            n_effective: 31.0,
            unit: Unit::KelvinDifference,
            weighting: Weighting::Area,
            mask: protocol.mask.clone(),
            protocol: protocol.hash(),
        };
        let bare = Score { lower: f64::NAN, upper: f64::NAN, ..score.clone() };
        let rows = vec![
            Row { protocol: protocol.clone(), score: Ok(score), no_interval: None },
            Row { protocol: protocol.clone(), score: Ok(bare), no_interval: Some(text("one day only")) },
            Row { protocol, score: Err(text("the truth is constant")), no_interval: None },
        ];
        Report { title: text("p against t"), by: "season", rows, notes: vec![text("converted")] }
    }

    #[test]
    fn the_table_says_all() {
        let table = report().table();
        for word in ["0.33333", "[0.25000, 0.50000]", "1234", "31", "undefined", "the truth is constant", "note: converted"] {
            assert!(table.contains(word), "{word} in\n{table}");
        }
        assert!(table.contains("one day only"));
    }

    #[test]
    fn csv_quotes_and_leaves_empty_what_is_not_there() {
        let csv = report().csv().unwrap();
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[0].starts_with("by,stratum,metric,value,lower,upper,coverage,n,n_eff,unit,"));
        assert!(
            lines[1].starts_with("season,DJF,rmse,0.3333333333333333,0.25,0.5,0.95,1234,31.0,K,°C,area,\"cells, with a comma\"")
        );
        assert!(lines[2].starts_with("season,DJF,rmse,0.3333333333333333,,,0.95,1234"), "{}", lines[2]);
        assert!(lines[3].starts_with("season,DJF,rmse,,,,,,,,") && lines[3].ends_with("the truth is constant"));
    }

    #[test]
    fn json_has_null_for_a_missing_interval() {
        let value = report().json();
        assert_eq!(value["scores"][0]["score"]["lower"], 0.25);
        assert!(value["scores"][1]["score"]["lower"].is_null());
        assert_eq!(value["scores"][2]["undefined"], "the truth is constant");
    }

    #[test]
    fn parquet_is_parquet() {
        let bytes = report().parquet().unwrap();
        assert_eq!((&bytes[..4], &bytes[bytes.len() - 4..]), (&b"PAR1"[..], &b"PAR1"[..]));
    }

    #[test]
    fn numbers_have_five_digits() {
        assert_eq!(
            [0.0, 0.123_456_7, -12.345_678, 123_456.7, 1e-9].map(number),
            ["0", "0.12346", "-12.346", "123457", "1.0000e-9"]
        );
    }
}
