//! Showing figures, tables and text in a notebook.
//!
//! A cell that ends in one of these values shows it: evcxr looks for a method `evcxr_display`. Outside a
//! notebook they print as text. One value a cell: evcxr keeps only one output of each kind.

use std::fmt;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::error::{PaperError, PaperResult};
use super::study::Study;

/// A figure of the paper, as a cell shows it.
#[derive(Clone, Debug)]
pub struct ShownFigure {
    path: PathBuf,
    png: Vec<u8>,
}

/// A piece of HTML with the plain text that stands for it elsewhere.
#[derive(Clone, Debug)]
pub struct ShownHtml {
    html: String,
    text: String,
}

impl ShownFigure {
    /// Where the figure lies.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Called by evcxr.
    pub fn evcxr_display(&self) {
        println!("EVCXR_BEGIN_CONTENT image/png\n{}\nEVCXR_END_CONTENT", STANDARD.encode(&self.png));
    }
}

impl fmt::Display for ShownFigure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())
    }
}

impl ShownHtml {
    /// HTML with its plain text.
    pub fn new(html: impl Into<String>, text: impl Into<String>) -> ShownHtml {
        ShownHtml { html: html.into(), text: text.into() }
    }

    /// Called by evcxr.
    pub fn evcxr_display(&self) {
        println!("EVCXR_BEGIN_CONTENT text/html\n{}\nEVCXR_END_CONTENT", self.html);
    }
}

impl fmt::Display for ShownHtml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Study {
    /// Makes a figure if it is stale, then shows it: `study.figure("scatter")?`.
    ///
    /// # Errors
    /// As [`Study::run`]; [`PaperError::Unknown`] for a name that no step publishes.
    pub fn figure(&self, name: &str) -> PaperResult<ShownFigure> {
        let file = self.published(name, ".png")?;
        let png = std::fs::read(&file).map_err(PaperError::file(&file))?;
        Ok(ShownFigure { path: file, png })
    }

    /// Makes a table if it is stale, then shows it: `study.table("ladder_scores")?`.
    ///
    /// # Errors
    /// As [`Study::figure`].
    pub fn table(&self, name: &str) -> PaperResult<ShownHtml> {
        let html = self.published(name, ".html")?;
        let markdown = self.published(name, ".md")?;
        let read = |path: &PathBuf| std::fs::read_to_string(path).map_err(PaperError::file(path));
        Ok(ShownHtml::new(read(&html)?, read(&markdown)?))
    }

    /// Runs the step that publishes `name` with this ending, and gives the path.
    pub(super) fn published(&self, name: &str, ending: &str) -> PaperResult<PathBuf> {
        let file = format!("{name}{ending}");
        let step = self.publisher(&file)?;
        self.run(step.name)?;
        let path = step.publishes.iter().map(|(_, p)| *p).find(|p| p.ends_with(&format!("/{file}"))).unwrap_or(&file);
        Ok(self.root().join(path))
    }
}
