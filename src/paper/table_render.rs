//! Rendering a [`TidyTable`] as Markdown and as HTML: a row for each method, a column for each metric.

use super::error::{PaperError, PaperResult};
use super::table::{TidyRow, TidyTable};
use crate::figure::Tier;

/// How a table is rendered.
#[derive(Clone, Debug, PartialEq)]
pub struct TableRender<'a> {
    /// What the table shows.
    pub title: &'a str,
    /// The leakage certificate of the split that was scored: its hash and what it states.
    pub certificate: &'a str,
    /// Decimals of values and intervals; the same as in figures.
    pub decimals: usize,
}

/// One printed row: the scores of a method on a dataset, by metric.
struct Line<'a> {
    first: &'a TidyRow,
    scores: Vec<Option<&'a TidyRow>>,
}

/// Headings and body, the same for both forms.
struct Pivot {
    headings: Vec<String>,
    body: Vec<(Tier, Vec<String>)>,
    /// The first columns are names, the others numbers.
    names: usize,
}

const INTERVALS: &str =
    "Brackets hold the interval of each value; n counts valid pairs, n_eff the independent units behind them.";

impl TableRender<'_> {
    /// The table as Markdown.
    ///
    /// # Errors
    /// [`PaperError::Certificate`] without a leakage certificate.
    pub fn markdown(&self, table: &TidyTable) -> PaperResult<String> {
        self.check()?;
        let pivot = pivot(table, self.decimals);
        let line = |cells: &[String]| format!("| {} |\n", cells.iter().map(|c| markdown(c)).collect::<Vec<_>>().join(" | "));
        let mut text = format!("**{}**\n\n{}", markdown(self.title), line(&pivot.headings));
        let rules: Vec<&str> = (0..pivot.headings.len()).map(|i| if i < pivot.names { "---" } else { "---:" }).collect();
        text += &format!("|{}|\n", rules.join("|"));
        for (_, cells) in &pivot.body {
            text += &line(cells);
        }
        text += &format!("\n{INTERVALS}\n");
        for note in notes(table) {
            text += &format!("\n{note}\n");
        }
        text += &format!("\nLeakage certificate: {}\n", markdown(self.certificate.trim()));
        Ok(text)
    }

    /// The table as a page of HTML that needs nothing else, in the reader's own light or dark colours.
    ///
    /// # Errors
    /// [`PaperError::Certificate`] without a leakage certificate.
    pub fn html(&self, table: &TidyTable) -> PaperResult<String> {
        self.check()?;
        let pivot = pivot(table, self.decimals);
        let title = html(self.title);
        let mut text = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n\
             </head>\n<body>\n<table class=\"isotherm\">\n<caption>{title}</caption>\n<thead>\n<tr>"
        );
        let kind = |column: usize| if column < pivot.names { "" } else { " class=\"number\"" };
        for (i, heading) in pivot.headings.iter().enumerate() {
            text += &format!("<th scope=\"col\"{}>{}</th>", kind(i), html(heading));
        }
        text += "</tr>\n</thead>\n<tbody>\n";
        let mut previous: Option<&[String]> = None;
        for (tier, cells) in &pivot.body {
            // a rule where the dataset, tier or split changes
            let group = if previous.is_some_and(|p| p[..3] != cells[..3]) { " class=\"group\"" } else { "" };
            previous = Some(cells);
            text += &format!("<tr{group}>");
            for (i, cell) in cells.iter().enumerate() {
                let shown = if i == 1 { format!("<span class=\"tier {0}\">{0}</span>", tier.id()) } else { html(cell) };
                text += &format!("<td{}>{shown}</td>", kind(i));
            }
            text += "</tr>\n";
        }
        text += &format!("</tbody>\n</table>\n<p class=\"isotherm\">{INTERVALS}</p>\n");
        for note in notes(table) {
            text += &format!("<p class=\"isotherm\">{}</p>\n", html(note));
        }
        text += &format!("<p class=\"isotherm\">Leakage certificate: {}</p>\n</body>\n</html>\n", html(self.certificate.trim()));
        Ok(text)
    }

    fn check(&self) -> PaperResult<()> {
        if self.certificate.trim().is_empty() {
            return Err(PaperError::Certificate { table: self.title.into() });
        }
        Ok(())
    }
}

/// Only rules above, below and between groups; colours are the reader's, so that dark pages stay readable.
const STYLE: &str = "\
:root { color-scheme: light dark; }
body { font: 15px/1.45 'Liberation Sans', Arial, Helvetica, sans-serif; margin: 2em; }
table.isotherm { border-collapse: collapse; border-top: 2px solid; border-bottom: 2px solid; font-variant-numeric: tabular-nums; }
table.isotherm caption { text-align: left; font-weight: bold; padding-bottom: .6em; }
table.isotherm th { text-align: left; border-bottom: 1px solid; padding: .35em .9em; font-weight: 600; }
table.isotherm td { padding: .22em .9em; white-space: nowrap; }
table.isotherm .number { text-align: right; }
table.isotherm tr.group td { border-top: 1px solid color-mix(in srgb, currentColor 35%, transparent); }
table.isotherm .tier { border: 1px solid; border-radius: .3em; padding: 0 .4em; font-size: .87em; }
table.isotherm .tier.twin, table.isotherm .tier.proxy { background: #a63c00; border-color: #a63c00; color: #fff; font-weight: 600; }
p.isotherm { max-width: 60em; font-size: .9em; margin: .6em 0 0; }
";

/// What a reader must know of the tiers in the table.
fn notes(table: &TidyTable) -> Vec<&'static str> {
    let has = |tier: Tier| table.rows().iter().any(|r| r.tier == tier);
    let mut notes = Vec::new();
    if has(Tier::Twin) {
        notes.push("twin: scores on synthetic fields, not on observations.");
    }
    if has(Tier::Proxy) {
        notes.push("proxy: real data standing in for the product that the paper used.");
    }
    notes
}

/// Methods and metrics in the order in which they first stand in the table.
fn pivot(table: &TidyTable, decimals: usize) -> Pivot {
    let mut metrics: Vec<(&str, &str)> = Vec::new();
    let mut lines: Vec<Line<'_>> = Vec::new();
    for row in table.rows() {
        if !metrics.contains(&(&row.metric, &row.unit)) {
            metrics.push((&row.metric, &row.unit));
        }
    }
    let question = |r: &TidyRow| (r.dataset.clone(), r.tier, r.split.clone(), r.method.clone(), r.seed);
    for row in table.rows() {
        let place = metrics.iter().position(|m| *m == (row.metric.as_str(), row.unit.as_str()));
        let line = match lines.iter().position(|l| question(l.first) == question(row)) {
            Some(at) => &mut lines[at],
            None => {
                // beside the other methods of the same dataset, so that groups stay together
                let group = |r: &TidyRow| (r.dataset.clone(), r.tier, r.split.clone());
                let at = lines.iter().rposition(|l| group(l.first) == group(row)).map_or(lines.len(), |at| at + 1);
                lines.insert(at, Line { first: row, scores: vec![None; metrics.len()] });
                &mut lines[at]
            }
        };
        if let Some(place) = place {
            line.scores[place] = Some(row);
        }
    }
    let seeds = table.rows().iter().any(|r| r.seed != table.rows()[0].seed);
    let mut headings: Vec<String> = ["Dataset", "Tier", "Split", "Method"].map(String::from).to_vec();
    if seeds {
        headings.push("Seed".into());
    }
    let names = headings.len();
    headings.extend(metrics.iter().map(|(m, unit)| if *unit == "1" { m.to_string() } else { format!("{m} ({unit})") }));
    headings.extend(["n".into(), "n_eff".into()]);
    let body = lines
        .iter()
        .map(|line| {
            let first = line.first;
            let mut cells = vec![first.dataset.clone(), first.tier.id().into(), first.split.clone(), first.method.clone()];
            if seeds {
                cells.push(first.seed.to_string());
            }
            cells.extend(line.scores.iter().map(|score| score.map_or("–".into(), |row| cell(row, decimals))));
            let scores: Vec<&TidyRow> = line.scores.iter().flatten().copied().collect();
            cells.push(span(scores.iter().map(|r| r.n as f64).collect()));
            cells.push(span(scores.iter().filter_map(|r| r.n_eff).collect()));
            (first.tier, cells)
        })
        .collect();
    Pivot { headings, body, names }
}

/// `0.3353 [0.3301, 0.3402]`.
fn cell(row: &TidyRow, decimals: usize) -> String {
    let number = |v: f64| {
        let text = format!("{:.decimals$}", v.abs());
        let sign = if v < 0.0 && text.bytes().any(|b| (b'1'..=b'9').contains(&b)) { "−" } else { "" };
        format!("{sign}{text}")
    };
    match (row.lower, row.upper) {
        (Some(lower), Some(upper)) => format!("{} [{}, {}]", number(row.value), number(lower), number(upper)),
        _ => number(row.value),
    }
}

/// One count, or `lowest to highest` where the metrics of a line differ.
fn span(values: Vec<f64>) -> String {
    let text = |v: f64| if v.fract() == 0.0 { format!("{v:.0}") } else { format!("{v:.1}") };
    let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
    match values.len() {
        0 => "–".into(),
        _ if low == high => text(low),
        _ => format!("{} to {}", text(low), text(high)),
    }
}

fn markdown(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;").replace('\n', " ").replace('_', "\\_")
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::row;
    use super::*;

    fn table() -> TidyTable {
        let real = |r: TidyRow| TidyRow { dataset: "Black <Sea>".into(), tier: Tier::Real, n: 5, ..r };
        let rows = vec![
            row("bicubic", "rmse", 0.37871),
            row("bicubic", "bias", -0.02),
            real(row("bicubic", "rmse", 0.5)),
            row("edsr", "rmse", 0.33534),
            TidyRow { lower: None, upper: None, n: 9, n_eff: None, ..row("edsr", "bias", -0.00001) },
        ];
        TidyTable::new("t", rows).unwrap()
    }

    const RENDER: TableRender<'static> = TableRender { title: "Ladder", certificate: "ab12: no test day in train", decimals: 4 };

    #[test]
    fn markdown_by_hand() {
        let text = RENDER.markdown(&table()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[2], "| Dataset | Tier | Split | Method | rmse (K) | bias (K) | n | n\\_eff |");
        assert_eq!(lines[3], "|---|---|---|---|---:|---:|---:|---:|");
        assert_eq!(
            lines[4],
            "| twin | twin | test | bicubic | 0.3787 [0.3687, 0.3887] | −0.0200 [−0.0300, −0.0100] | 440256 | 30.5 |"
        );
        assert_eq!(lines[5], "| twin | twin | test | edsr | 0.3353 [0.3253, 0.3453] | 0.0000 | 9 to 440256 | 30.5 |");
        assert_eq!(lines[6], "| Black &lt;Sea> | real | test | bicubic | 0.5000 [0.4900, 0.5100] | – | 5 | 30.5 |");
        assert!(text.contains("synthetic fields") && text.contains("ab12: no test day in train"));
    }

    #[test]
    fn without_a_certificate_nothing_is_rendered() {
        let render = TableRender { certificate: " \n", ..RENDER };
        assert!(matches!(render.markdown(&table()), Err(PaperError::Certificate { .. })));
        assert!(matches!(render.html(&table()), Err(PaperError::Certificate { .. })));
    }

    #[test]
    fn html_holds_every_cell_escaped_and_closes_its_rows() {
        let text = RENDER.html(&table()).unwrap();
        assert!(text.contains("<td>Black &lt;Sea&gt;</td><td><span class=\"tier real\">real</span></td>"));
        assert!(text.contains("<tr class=\"group\"><td>Black"));
        assert!(text.contains("<td class=\"number\">0.3353 [0.3253, 0.3453]</td>"));
        // a heading and three lines of eight cells
        assert_eq!((text.matches("<tr").count(), text.matches("</tr>").count()), (4, 4));
        assert_eq!((text.matches("<td").count(), text.matches("<th ").count()), (24, 8));
        assert!(!text.contains("http"), "nothing is fetched");
    }

    #[test]
    fn several_seeds_have_a_column() {
        let rows = vec![row("edsr", "rmse", 0.1), TidyRow { seed: 8, ..row("edsr", "rmse", 0.2) }];
        let text = RENDER.markdown(&TidyTable::new("t", rows).unwrap()).unwrap();
        assert!(text.contains("| twin | twin | test | edsr | 8 | 0.2000"), "{text}");
    }
}
