//! Writing a drawing: `STEM.png`, `STEM.svg` and, last, the passport `STEM.json`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::bitmap::Bitmap;
use super::drawing::Drawing;
use super::error::{FigureError, FigureResult, refuse};
use super::passport::Passport;
use super::{png_file, svg};
use crate::base::files::write_atomic;
use crate::base::hash::sha256;

/// Writes `stem` + `.png` (300 dpi), `.svg` and `.json`. The passport is inside the first two, and the
/// third holds their hashes besides; it is written last, so that it stands only beside whole files.
/// The passport as written is given back.
///
/// # Errors
/// [`FigureError::Argument`] where the stem has no file name or the passport states no tier, which the
/// reader of a figure must know; [`FigureError::File`], [`FigureError::Drawing`].
///
/// # Example
/// ```
/// use isotherm::figure::{Anchor, Drawing, Passport, Text, Tier, publish};
/// let folder = tempfile::tempdir().unwrap();
/// let mut drawing = Drawing::new(60.0, 20.0).unwrap();
/// drawing.text(30.0, 12.0, Text::new("isotherm", 12.0, Anchor::Middle));
/// let passport = Passport::new("word", "example", vec![Tier::Twin]);
/// publish(&drawing, &folder.path().join("word"), &passport).unwrap();
/// assert_eq!(Passport::read_embedded(&folder.path().join("word.png")).unwrap(), passport);
/// ```
pub fn publish(drawing: &Drawing, stem: &Path, passport: &Passport) -> FigureResult<Passport> {
    let Some(name) = stem.file_name().map(|n| n.to_string_lossy().into_owned()) else {
        return refuse(format!("'{}' is no name for a figure; a path such as figures/scatter is wanted", stem.display()));
    };
    if passport.tier.is_empty() {
        return refuse(format!("the passport of {name} states no tier; one of twin, real, proxy is wanted"));
    }
    let inside = passport.embeddable()?;
    let png = png_file::encode(&Bitmap::of(drawing)?, &inside)?;
    let svg = svg::write(drawing, &passport.name, &inside)?;
    let mut written = passport.clone();
    for (ending, bytes) in [("png", png.as_slice()), ("svg", svg.as_bytes())] {
        let path = with_ending(stem, ending);
        write_atomic(&path, bytes).map_err(|source| FigureError::File { path, source })?;
        written.files.insert(format!("{name}.{ending}"), sha256(bytes));
    }
    written.write(&with_ending(stem, "json"))?;
    Ok(written)
}

/// Appends the ending; `Path::with_extension` would cut a stem at its last dot.
pub(crate) fn with_ending(stem: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(stem.as_os_str());
    name.push(format!(".{ending}"));
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::super::passport::tests::example;
    use super::*;
    use crate::figure::{Colour, Tier};

    #[test]
    fn files_match_their_passport_and_repeat_byte_for_byte() {
        let folder = tempfile::tempdir().unwrap();
        let mut drawing = Drawing::new(20.0, 10.0).unwrap();
        drawing.rectangle(1.0, 1.0, 5.0, 5.0, Colour::hex(0x0072b2), 0.5);
        let passport = example("fig.1", Tier::Twin);
        let first = publish(&drawing, &folder.path().join("fig.1"), &passport).unwrap();
        assert_eq!(first.files.keys().collect::<Vec<_>>(), ["fig.1.png", "fig.1.svg"]);
        assert_eq!(Passport::read(&folder.path().join("fig.1.json")).unwrap(), first);
        first.check_files(folder.path()).unwrap();
        assert_eq!(Passport::read_embedded(&folder.path().join("fig.1.png")).unwrap(), passport);
        assert_eq!(publish(&drawing, &folder.path().join("fig.1"), &passport).unwrap(), first);
    }

    #[test]
    fn a_figure_without_a_tier_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let drawing = Drawing::new(20.0, 10.0).unwrap();
        let result = publish(&drawing, &folder.path().join("a"), &Passport::new("a", "test", vec![]));
        assert!(matches!(result, Err(FigureError::Argument(_))));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
