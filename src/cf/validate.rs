//! A small validator of the CF conventions: what readers stumble over.
//!
//! It knows the rules that matter for gridded fields, not all of CF's; a file without problems here may
//! still be refused by a full checker.

use std::fmt;
use std::path::Path;

use super::attribute::Attribute;
use super::axes::{Role, role_of};
use super::dataset::{Dataset, Variable};
use super::error::CfResult;
use super::raw::ElementType;
use super::time_units::TimeUnits;
use crate::grid::Unit;

/// Something in a file that is against the conventions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The variable at fault, or `None` for the file.
    pub variable: Option<String>,
    /// What is wrong and what is wanted.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.variable {
            Some(name) => write!(f, "{name}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// Checks a file against the CF conventions; an empty list means that nothing was found.
///
/// # Errors
/// Those of [`Dataset::open`] and [`Dataset::read`]: a file that cannot be read is not checked.
pub fn validate(path: &Path) -> CfResult<Vec<Problem>> {
    let dataset = Dataset::open(path)?;
    let mut problems = Vec::new();
    let global = |name: &str| dataset.global_attributes().get(name).and_then(Attribute::text).unwrap_or("");
    if !global("Conventions").split([' ', ',']).any(|word| word.starts_with("CF-")) {
        problems.push(Problem { variable: None, text: "the global attribute Conventions names no version of CF".into() });
    }
    if global("title").is_empty() {
        problems.push(Problem { variable: None, text: "the global attribute title is missing".into() });
    }
    for variable in dataset.variables() {
        let mut found = Vec::new();
        check_names(&dataset, variable, &mut found);
        check_packing(variable, &mut found);
        check_flags(variable, &mut found);
        check_units(&dataset, variable, &mut found);
        if variable.dimensions.len() == 1 && variable.dimensions[0] == variable.name {
            check_coordinate(&dataset, variable, &mut found)?;
        }
        problems.extend(found.into_iter().map(|text| Problem { variable: Some(variable.name.clone()), text }));
    }
    Ok(problems)
}

fn check_names(dataset: &Dataset, variable: &Variable, found: &mut Vec<String>) {
    let name = &variable.name;
    let orderly = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if !orderly || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        found.push("the name should be letters, digits and _ after a first letter".into());
    }
    for attribute in ["ancillary_variables", "coordinates", "bounds", "grid_mapping"] {
        for other in variable.text(attribute).unwrap_or("").split_whitespace() {
            if !dataset.has(other) {
                found.push(format!("{attribute} names '{other}', which is not in the file"));
            }
        }
    }
    if let Some(bounds) = variable.text("bounds").and_then(|b| dataset.variable(b).ok()) {
        let vertices = bounds.shape.last().copied().unwrap_or(0);
        if bounds.dimensions.len() != variable.dimensions.len() + 1
            || vertices < 2
            || !bounds.dimensions.starts_with(&variable.dimensions)
        {
            found.push(format!(
                "its bounds '{}' have shape {:?}; its own and a last one of 2 is wanted",
                bounds.name, bounds.shape
            ));
        }
    }
}

fn check_packing(variable: &Variable, found: &mut Vec<String>) {
    if !variable.element.is_number() {
        return;
    }
    for name in ["_FillValue", "missing_value", "valid_min", "valid_max", "valid_range"] {
        if let Some(attribute) = variable.attributes.get(name) {
            if attribute.stored() != variable.element {
                found.push(format!(
                    "{name} is {}, the variable {}; they should be of one type",
                    attribute.stored().name(),
                    variable.element.name()
                ));
            }
            let wanted = match name {
                "valid_range" => Some(2),
                "missing_value" => None,
                _ => Some(1),
            };
            let length = attribute.numbers().map_or(0, <[f64]>::len);
            if wanted.is_some_and(|w| w != length) {
                found.push(format!("{name} holds {length} numbers"));
            }
        }
    }
    if variable.attributes.contains_key("valid_range")
        && (variable.attributes.contains_key("valid_min") || variable.attributes.contains_key("valid_max"))
    {
        found.push("valid_range stands beside valid_min or valid_max".into());
    }
    let [scale, offset] = ["scale_factor", "add_offset"].map(|name| variable.attributes.get(name).map(Attribute::stored));
    for (name, stored) in [("scale_factor", scale), ("add_offset", offset)] {
        if stored.is_some_and(|s| !s.is_float() && s != variable.element) {
            found.push(format!(
                "{name} is {}; float32, float64 or the variable's type is wanted",
                stored.map_or("", ElementType::name)
            ));
        }
    }
    if let (Some(a), Some(b)) = (scale, offset)
        && a != b
    {
        found.push(format!("scale_factor is {} and add_offset {}; they should be of one type", a.name(), b.name()));
    }
    if variable.number("scale_factor") == Some(0.0) {
        found.push("scale_factor is 0, so that every value is the same".into());
    }
}

fn check_flags(variable: &Variable, found: &mut Vec<String>) {
    let meanings = variable.text("flag_meanings").map(|text| text.split_whitespace().count());
    for name in ["flag_values", "flag_masks"] {
        let Some(attribute) = variable.attributes.get(name) else { continue };
        if attribute.stored() != variable.element {
            found.push(format!("{name} is {}, the variable {}", attribute.stored().name(), variable.element.name()));
        }
        let count = attribute.numbers().map_or(0, <[f64]>::len);
        if meanings != Some(count) {
            found.push(format!("{name} holds {count} numbers, flag_meanings {} words", meanings.unwrap_or(0)));
        }
    }
}

fn check_units(dataset: &Dataset, variable: &Variable, found: &mut Vec<String>) {
    let bounds_of_another = dataset.variables().iter().any(|v| v.text("bounds") == Some(variable.name.as_str()));
    if bounds_of_another || variable.attributes.contains_key("flag_meanings") || variable.shape.is_empty() {
        return;
    }
    if variable.text("standard_name").is_none() && variable.text("long_name").is_none() {
        found.push("it has neither standard_name nor long_name".into());
    }
    match (role_of(variable), variable.text("units")) {
        (_, None) => found.push("it has no units".into()),
        (Some(Role::Time), Some(units)) => {
            if let Err(problem) = TimeUnits::parse(units, variable.text("calendar").unwrap_or("standard")) {
                found.push(problem.to_string());
            }
        }
        (Some(Role::Latitude), Some("degrees_north")) | (Some(Role::Longitude), Some("degrees_east")) => {}
        (Some(Role::Latitude | Role::Longitude), Some(units)) => {
            found.push(format!("it is a latitude or longitude in '{units}'; degrees_north or degrees_east is wanted"));
        }
        (None, Some(units)) => {
            if let Err(problem) = Unit::parse(units) {
                found.push(problem.to_string());
            }
        }
    }
}

fn check_coordinate(dataset: &Dataset, variable: &Variable, found: &mut Vec<String>) -> CfResult<()> {
    if !variable.element.is_number() || variable.shape[0] == 0 {
        return Ok(());
    }
    for name in ["_FillValue", "missing_value"] {
        if variable.attributes.contains_key(name) {
            found.push(format!("a coordinate has no missing values, so no {name}"));
        }
    }
    let decoded = dataset.read(&variable.name)?;
    if decoded.valid.contains(&false) {
        found.push("a coordinate value is missing".into());
    }
    let rising = decoded.values.windows(2).all(|p| p[1] > p[0]);
    if !rising && !decoded.values.windows(2).all(|p| p[1] < p[0]) {
        found.push("the coordinate is not strictly monotone".into());
    }
    if role_of(variable) == Some(Role::Latitude) && decoded.values.iter().any(|v| v.abs() > 90.0) {
        found.push("a latitude lies outside -90..90".into());
    }
    Ok(())
}
