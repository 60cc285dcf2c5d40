//! Which variable of a file is meant where none is named.

use anyhow::bail;

use crate::cf::Dataset;

/// The variable named, or the only one that can be a field on a grid. `option` is the option that would name one.
///
/// # Errors
/// One sentence where there is none, or several, with their names.
pub(super) fn gridded_variable(dataset: &Dataset, wanted: Option<&str>, option: &str) -> anyhow::Result<String> {
    if let Some(name) = wanted {
        return Ok(name.to_string());
    }
    let bounds: Vec<&str> = dataset.variables().iter().filter_map(|v| v.text("bounds")).collect();
    let gridded: Vec<&str> = dataset
        .variables()
        .iter()
        .filter(|v| v.shape.len() >= 2 && v.element.is_number() && v.text("flag_meanings").is_none())
        .filter(|v| !bounds.contains(&v.name.as_str()))
        .map(|v| v.name.as_str())
        .collect();
    let path = dataset.path().display();
    match gridded.as_slice() {
        [only] => Ok(only.to_string()),
        [] => bail!("{path} holds no gridded variable"),
        many => bail!("{path} holds several gridded variables ({}); name one with {option}", many.join(", ")),
    }
}
