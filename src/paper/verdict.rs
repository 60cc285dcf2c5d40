//! [`Verdicts`]: does a method beat its yardstick, on each data set? Said plainly, with the interval.

use std::fmt;

use super::display::ShownHtml;
use super::error::{PaperError, PaperResult};
use super::study::Study;
use super::table::TidyTable;

/// What the interval of the paired difference says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The whole interval lies below zero: the method's error is smaller.
    Better,
    /// The interval holds zero.
    Undecided,
    /// The whole interval lies above zero: the method's error is larger.
    Worse,
}

impl Verdict {
    /// The verdict of an interval of (method minus yardstick).
    pub fn of(lower: f64, upper: f64) -> Verdict {
        if upper < 0.0 {
            Verdict::Better
        } else if lower > 0.0 {
            Verdict::Worse
        } else {
            Verdict::Undecided
        }
    }

    /// The word in texts.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Better => "better",
            Verdict::Undecided => "undecided",
            Verdict::Worse => "WORSE",
        }
    }
}

/// One line: a data set and what the difference there says.
#[derive(Clone, Debug, PartialEq)]
pub struct VerdictLine {
    /// Data set, split and tier.
    pub dataset: String,
    /// Error of the method.
    pub method_rmse: f64,
    /// Error of the yardstick.
    pub yardstick_rmse: f64,
    /// Method minus yardstick, with its interval.
    pub difference: (f64, f64, f64),
    /// Unit of the errors.
    pub unit: String,
    /// What it says.
    pub verdict: Verdict,
}

/// The verdicts on a method over all data sets of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdicts {
    /// The method.
    pub method: String,
    /// What it is held against.
    pub yardstick: String,
    /// One line a data set and split.
    pub lines: Vec<VerdictLine>,
}

impl Verdicts {
    /// Reads the verdicts out of a table with the metrics `rmse` and `rmse_minus_` with the yardstick's name (without its
    /// `bicubic_`).
    ///
    /// # Errors
    /// [`PaperError::Content`] where the table has no such rows of the method.
    pub fn of(table: &TidyTable, method: &str, yardstick: &str) -> PaperResult<Verdicts> {
        let mut lines = Vec::new();
        let metric = format!("rmse_minus_{}", yardstick.strip_prefix("bicubic_").unwrap_or(yardstick));
        for row in table.rows().iter().filter(|r| r.method == method && r.metric == metric) {
            let rmse = |of: &str| table.find(&row.dataset, &row.split, of, "rmse").map_or(f64::NAN, |r| r.value);
            let (lower, upper) = (row.lower.unwrap_or(f64::NEG_INFINITY), row.upper.unwrap_or(f64::INFINITY));
            lines.push(VerdictLine {
                dataset: format!("{} ({}, {})", row.dataset, row.split, row.tier.id()),
                method_rmse: rmse(method),
                yardstick_rmse: rmse(yardstick),
                difference: (row.value, lower, upper),
                unit: row.unit.clone(),
                verdict: Verdict::of(lower, upper),
            });
        }
        if lines.is_empty() {
            return Err(PaperError::Content {
                what: "the score table".into(),
                problem: format!("has no row of '{method}' with the metric {metric}"),
            });
        }
        Ok(Verdicts { method: method.into(), yardstick: yardstick.into(), lines })
    }

    /// The verdicts as a table for a notebook.
    pub fn shown(&self) -> ShownHtml {
        let mut html = format!(
            "<table><tr><th>data set</th><th>{}</th><th>{}</th><th>difference [95 %]</th><th>verdict</th></tr>",
            self.method, self.yardstick
        );
        for l in &self.lines {
            let (value, lower, upper) = l.difference;
            html += &format!(
                "<tr><td>{}</td><td>{:.4} {u}</td><td>{:.4} {u}</td><td>{value:+.4} [{lower:+.4}, {upper:+.4}]</td><td>{}</td></tr>",
                l.dataset,
                l.method_rmse,
                l.yardstick_rmse,
                l.verdict.word(),
                u = l.unit
            );
        }
        ShownHtml::new(html + "</table>", self.to_string())
    }
}

impl fmt::Display for Verdicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} against {} (RMSE, difference with 95 % interval):", self.method, self.yardstick)?;
        for l in &self.lines {
            let (value, lower, upper) = l.difference;
            writeln!(
                f,
                "  {:<34} {:.4} against {:.4} {}: {value:+.4} [{lower:+.4}, {upper:+.4}] {}",
                l.dataset,
                l.method_rmse,
                l.yardstick_rmse,
                l.unit,
                l.verdict.word()
            )?;
        }
        Ok(())
    }
}

impl Study {
    /// The verdicts on `method` in a published table, made first if it is stale.
    ///
    /// # Errors
    /// As [`Study::run`] and [`Verdicts::of`].
    pub fn verdicts(&self, table: &str, method: &str, yardstick: &str) -> PaperResult<Verdicts> {
        let path = self.published(table, ".csv")?;
        Verdicts::of(&TidyTable::read_csv(&path)?, method, yardstick)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_that_holds_zero_decides_nothing() {
        assert_eq!(Verdict::of(-0.3, -0.1), Verdict::Better);
        assert_eq!(Verdict::of(-0.1, 0.1), Verdict::Undecided);
        assert_eq!(Verdict::of(0.0, 0.1), Verdict::Undecided);
        assert_eq!(Verdict::of(0.05, 0.1), Verdict::Worse);
    }
}
