//! [`Recoveries`]: what scores recover of things that are known, and whether they hold them.

use std::fmt;

use super::display::ShownHtml;
use super::error::{PaperError, PaperResult};
use super::study::Study;
use super::table::{TidyRow, TidyTable};

/// A recovered number beside the known one.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovery {
    /// Data set.
    pub dataset: String,
    /// What was recovered.
    pub metric: String,
    /// How.
    pub method: String,
    /// The known value, with what the method cannot tell apart from it (both ends are the value where it can).
    pub known: (f64, f64, f64),
    /// The recovered value with its interval.
    pub recovered: (f64, f64, f64),
    /// Unit of both.
    pub unit: String,
}

impl Recovery {
    /// Do the two intervals overlap?
    pub fn holds(&self) -> bool {
        self.recovered.1 <= self.known.2 && self.known.1 <= self.recovered.2
    }
}

/// All that a table recovers of what is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Recoveries {
    /// One line for each known number.
    pub lines: Vec<Recovery>,
}

impl Recoveries {
    /// Reads the pairs out of a table: a row of the method `known`, and the others of its data set, split and metric.
    ///
    /// # Errors
    /// [`PaperError::Content`] where nothing is known, a known number was not recovered, or a recovered one has no interval.
    pub fn of(table: &TidyTable) -> PaperResult<Recoveries> {
        let fail = |problem: String| PaperError::Content { what: "the table of recovered numbers".into(), problem };
        let mut lines = Vec::new();
        for known in table.rows().iter().filter(|r| r.method == TidyRow::KNOWN) {
            let same = |r: &&TidyRow| {
                r.method != TidyRow::KNOWN && (&r.dataset, &r.split, &r.metric) == (&known.dataset, &known.split, &known.metric)
            };
            let before = lines.len();
            for row in table.rows().iter().filter(same) {
                let (Some(lower), Some(upper)) = (row.lower, row.upper) else {
                    return Err(fail(format!("has no interval for {} of {}", row.metric, row.dataset)));
                };
                lines.push(Recovery {
                    dataset: row.dataset.clone(),
                    metric: row.metric.clone(),
                    method: row.method.clone(),
                    known: (known.value, known.lower.unwrap_or(known.value), known.upper.unwrap_or(known.value)),
                    recovered: (row.value, lower, upper),
                    unit: row.unit.clone(),
                });
            }
            if lines.len() == before {
                return Err(fail(format!("knows {} of {} but has no row that recovers it", known.metric, known.dataset)));
            }
        }
        if lines.is_empty() {
            return Err(fail("has no row of the method 'known'".into()));
        }
        Ok(Recoveries { lines })
    }

    /// Does every recovered interval hold what is known?
    pub fn all_hold(&self) -> bool {
        self.lines.iter().all(Recovery::holds)
    }

    /// The recoveries as a table for a notebook.
    pub fn shown(&self) -> ShownHtml {
        let mut html =
            String::from("<table><tr><th>quantity</th><th>by</th><th>known</th><th>recovered [95 %]</th><th>holds</th></tr>");
        for l in &self.lines {
            let (value, lower, upper) = l.recovered;
            html += &format!(
                "<tr><td>{} ({})</td><td>{}</td><td>{:.4} {u}</td><td>{value:.4} [{lower:.4}, {upper:.4}] {u}</td><td>{}</td></tr>",
                l.metric,
                l.dataset,
                l.method,
                l.known.0,
                if l.holds() { "yes" } else { "NO" },
                u = l.unit
            );
        }
        ShownHtml::new(html + "</table>", self.to_string())
    }
}

impl fmt::Display for Recoveries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Known against recovered, with 95 % interval:")?;
        for l in &self.lines {
            let (value, lower, upper) = l.recovered;
            writeln!(
                f,
                "  {:<28} {:<24} {:.4} against {value:.4} [{lower:.4}, {upper:.4}] {}{}",
                l.metric,
                l.dataset,
                l.known.0,
                l.unit,
                if l.holds() { "" } else { " DOES NOT HOLD" }
            )?;
        }
        Ok(())
    }
}

impl Study {
    /// What a published table, made first if it is stale, recovers of known numbers.
    ///
    /// # Errors
    /// As [`Study::run`] and [`Recoveries::of`].
    pub fn recoveries(&self, table: &str) -> PaperResult<Recoveries> {
        Recoveries::of(&TidyTable::read_csv(&self.published(table, ".csv")?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Tier;

    fn row(method: &str, metric: &str, value: f64, interval: Option<(f64, f64)>) -> TidyRow {
        TidyRow {
            dataset: "twin".into(),
            tier: Tier::Twin,
            split: "test".into(),
            method: method.into(),
            metric: metric.into(),
            value,
            lower: interval.map(|i| i.0),
            upper: interval.map(|i| i.1),
            n: 10,
            n_eff: None,
            unit: "K".into(),
            seed: 1,
        }
    }

    fn of(rows: Vec<TidyRow>) -> PaperResult<Recoveries> {
        Recoveries::of(&TidyTable::new("t", rows)?)
    }

    #[test]
    fn intervals_that_overlap_hold() {
        let rows = vec![
            row("known", "range", 240.0, Some((235.0, 245.0))),
            row("variogram", "range", 250.0, Some((244.0, 256.0))),
            row("known", "error", 0.15, None),
            row("triple_collocation", "error", 0.16, Some((0.155, 0.17))),
        ];
        let found = of(rows).unwrap();
        assert_eq!(
            found.lines.iter().map(|l| (l.metric.as_str(), l.holds())).collect::<std::collections::BTreeMap<_, _>>(),
            [("error", false), ("range", true)].into()
        );
        assert!(!found.all_hold() && found.to_string().contains("DOES NOT HOLD"));
    }

    #[test]
    fn a_known_number_must_be_recovered_with_an_interval() {
        assert!(of(vec![row("variogram", "range", 1.0, Some((0.0, 2.0)))]).is_err());
        assert!(of(vec![row("known", "range", 1.0, None)]).is_err());
        assert!(of(vec![row("known", "range", 1.0, None), row("variogram", "range", 1.0, None)]).is_err());
    }
}
