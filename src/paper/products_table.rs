//! The table of products that the data notebook shows.

use super::display::ShownHtml;
use super::study::Study;
use crate::data::{FileStatus, verify};

impl Study {
    /// Every product with its tier, period, licence and whether its files are in the cache, as a table.
    pub fn products(&self) -> ShownHtml {
        let mut html = String::from(
            "<table><tr><th>product</th><th>tier</th><th>period</th><th>DOI</th><th>licence</th><th>state</th></tr>",
        );
        let mut text = String::new();
        for manifest in self.manifests() {
            let state = match verify(manifest, self.cache()) {
                Ok(files) if files.is_empty() => "not fetched".to_string(),
                Ok(files) => {
                    let whole = files.iter().filter(|f| f.status == FileStatus::Whole).count();
                    if whole == 0 { "not fetched".to_string() } else { format!("{whole} of {} files", files.len()) }
                }
                Err(error) => error.to_string(),
            };
            let day = |d: Option<chrono::NaiveDate>| d.map_or_else(String::new, |d| d.to_string());
            let period = format!("{}..{} ({})", day(manifest.period.from), day(manifest.period.to), manifest.period.resolution);
            let doi = manifest.doi.as_deref().unwrap_or("-");
            let cells = [&manifest.name, manifest.tier.id(), &period, doi, &manifest.licence.name, &state].map(escape);
            html += &format!("<tr><td>{}</td></tr>", cells.join("</td><td>"));
            text += &format!("{} [{}]: {state}\n", manifest.id, manifest.tier.id());
        }
        ShownHtml::new(html + "</table>", text)
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
