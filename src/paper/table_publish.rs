//! Writing a table: `STEM.csv`, the Markdown and HTML made from that very file, and its passport.

use std::path::Path;

use serde_json::json;

use super::error::{PaperError, PaperResult};
use super::table::TidyTable;
use super::table_render::TableRender;
use crate::base::files::write_atomic;
use crate::base::hash::sha256;
use crate::figure::{Passport, with_ending};

/// Writes `stem` + `.csv`, reads it back, renders `.md` and `.html` from what was read, and writes the
/// passport `.json` last. Without a leakage certificate nothing is written. The passport as written is
/// given back; its numbers gain `drawn`, with the number of rows and the certificate.
///
/// # Errors
/// [`PaperError::Certificate`]; [`PaperError::Table`] where the passport leaves out a tier that stands in the
/// table; [`PaperError::File`].
pub fn publish_table(table: &TidyTable, render: &TableRender<'_>, stem: &Path, passport: &Passport) -> PaperResult<Passport> {
    let fail = |problem: String| PaperError::Table { table: stem.display().to_string(), problem };
    let Some(name) = stem.file_name().map(|n| n.to_string_lossy().into_owned()) else {
        return Err(fail("a path that ends in the table's name is wanted".into()));
    };
    if let Some(row) = table.rows().iter().find(|r| !passport.tier.contains(&r.tier)) {
        return Err(fail(format!("the table holds rows of tier {}, which its passport does not state", row.tier.id())));
    }
    let csv = table.to_csv()?;
    let source = TidyTable::from_csv(&name, &csv)?;
    let (markdown, html) = (render.markdown(&source)?, render.html(&source)?);
    let drawn = json!({"rows": source.rows().len(), "certificate": render.certificate.trim()});
    let mut written = passport.with_drawn(drawn);
    for (ending, bytes) in [("csv", csv.as_slice()), ("md", markdown.as_bytes()), ("html", html.as_bytes())] {
        let path = with_ending(stem, ending);
        write_atomic(&path, bytes).map_err(|source| PaperError::File { path, source })?;
        written.files.insert(format!("{name}.{ending}"), sha256(bytes));
    }
    written.write(&with_ending(stem, "json"))?;
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::row;
    use super::*;
    use crate::figure::Tier;

    #[test]
    fn four_files_that_agree_with_their_passport() {
        let folder = tempfile::tempdir().unwrap();
        let stem = folder.path().join("tables/ladder_scores");
        let table = TidyTable::new("t", vec![row("bicubic", "rmse", 0.5)]).unwrap();
        let mut render = TableRender { title: "Ladder", certificate: "ab12: proven", decimals: 4 };
        let passport = Passport::new("ladder_scores", "score", vec![Tier::Twin]);
        let written = publish_table(&table, &render, &stem, &passport).unwrap();
        assert_eq!(written.files.keys().collect::<Vec<_>>(), ["ladder_scores.csv", "ladder_scores.html", "ladder_scores.md"]);
        written.check_files(&folder.path().join("tables")).unwrap();
        assert_eq!(Passport::read(&folder.path().join("tables/ladder_scores.json")).unwrap(), written);
        assert_eq!(TidyTable::read_csv(&folder.path().join("tables/ladder_scores.csv")).unwrap(), table);

        render.certificate = "";
        let other = folder.path().join("none");
        assert!(matches!(publish_table(&table, &render, &other, &passport), Err(PaperError::Certificate { .. })));
        assert!(!folder.path().join("none.csv").exists());
        render.certificate = "ab12: proven";
        let real = Passport::new("none", "score", vec![Tier::Real]);
        assert!(matches!(publish_table(&table, &render, &other, &real), Err(PaperError::Table { .. })));
    }
}
