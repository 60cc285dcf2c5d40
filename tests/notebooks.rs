//! The notebooks compile against the library, without Jupyter: each becomes a function of a generated package that
//! is built with the project's lockfile, offline, in the same warm folder that the kernels start from.
//!
//! What evcxr does is approximated: the cells follow each other in one function that returns a `Result`, so that `?`
//! works, items may stand anywhere, and a last expression needs no semicolon. Not seen: a stored variable that holds
//! a reference or a closure, which only the kernel refuses. `just test-notebooks` runs the real kernel.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// One code cell: its number among the code cells, from 1, and its text without evcxr's commands.
struct CodeCell {
    number: usize,
    source: String,
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The notebooks in a folder of the project, in order of name; none if there is no such folder.
fn notebooks_in(folder: &str) -> Outcome<Vec<PathBuf>> {
    let folder = project().join(folder);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "ipynb") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> Outcome<serde_json::Value> {
    Ok(serde_json::from_str(&std::fs::read_to_string(path)?).map_err(|error| format!("{}: {error}", path.display()))?)
}

/// The text of a cell, which the format allows to be one string or a list of lines.
fn source_of(cell: &serde_json::Value) -> String {
    match &cell["source"] {
        serde_json::Value::Array(lines) => lines.iter().filter_map(|line| line.as_str()).collect(),
        other => other.as_str().unwrap_or_default().to_string(),
    }
}

fn code_cells(notebook: &serde_json::Value) -> Vec<CodeCell> {
    let cells = notebook["cells"].as_array().map(Vec::as_slice).unwrap_or_default();
    let code = cells.iter().filter(|cell| cell["cell_type"] == "code");
    code.enumerate()
        .map(|(index, cell)| {
            let text = source_of(cell);
            let kept: Vec<&str> = text.lines().map(|line| if line.starts_with(':') { "" } else { line }).collect();
            CodeCell { number: index + 1, source: kept.join("\n") }
        })
        .collect()
}

/// Writes the package and compiles it. `Err` holds one message for each notebook that does not compile, naming the cell.
fn compile(package: &str, notebooks: &[PathBuf]) -> Outcome<Result<(), Vec<String>>> {
    // CARGO_TARGET_TMPDIR is TARGET/<triple>/tmp: .cargo/config.toml names a triple.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).ancestors().nth(2).ok_or("the target folder has no parent")?;
    let warm = Command::new("bash").arg(project().join("tools/warm_notebooks.sh")).env("CARGO_TARGET_DIR", target).output()?;
    if !warm.status.success() {
        return Err(String::from_utf8_lossy(&warm.stderr).into_owned().into());
    }
    let folder = project().join(".isotherm/notebooks").join(package);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join("src"))?;
    std::fs::copy(project().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    std::fs::write(
        folder.join("Cargo.toml"),
        format!(
            "[package]\nname = \"{package}\"\nversion = \"1.0.0\"\nedition = \"2024\"\npublish = false\n\n\
             [dependencies]\nisotherm = {{ path = {:?} }}\n",
            project()
        ),
    )?;
    let mut library = String::from("#![allow(warnings)]\n");
    let mut modules = BTreeMap::new();
    for (index, notebook) in notebooks.iter().enumerate() {
        let module = format!("notebook_{index}");
        let mut text = String::from("pub fn run() -> Result<(), Box<dyn std::error::Error>> {\n");
        let mut first_lines = Vec::new();
        for cell in code_cells(&read(notebook)?) {
            first_lines.push((text.lines().count() + 1, cell.number));
            writeln!(text, "{}\n;", cell.source)?;
        }
        text.push_str("Ok(())\n}\n");
        std::fs::write(folder.join(format!("src/{module}.rs")), text)?;
        writeln!(library, "pub mod {module};")?;
        modules.insert(format!("src/{module}.rs"), (notebook.clone(), first_lines));
    }
    std::fs::write(folder.join("src/lib.rs"), library)?;
    // Only whether it compiles is asked: no time goes into optimising. The script's settings keep this test's own
    // surroundings (cargo's) from the inner cargo.
    let built = Command::new("bash")
        .arg("-c")
        .arg("source \"$0\"; CARGO_TARGET_DIR+=/notebooks; cargo rustc --lib --offline --quiet --message-format=json -- -Copt-level=0")
        .arg(project().join("tools/environment.sh"))
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", target)
        .output()?;
    if built.status.success() {
        return Ok(Ok(()));
    }
    let mut complaints = Vec::new();
    for line in String::from_utf8_lossy(&built.stdout).lines() {
        let message: serde_json::Value = serde_json::from_str(line)?;
        let message = &message["message"];
        if message["level"] != "error" {
            continue;
        }
        let span = message["spans"].as_array().and_then(|spans| spans.iter().find(|span| span["is_primary"] == true));
        let Some((notebook, first_lines)) = span.and_then(|span| modules.get(span["file_name"].as_str()?)) else { continue };
        let line = span.and_then(|span| span["line_start"].as_u64()).unwrap_or_default() as usize;
        let cell = first_lines.iter().rev().find(|(first, _)| *first <= line).map_or(0, |(_, number)| *number);
        let name = notebook.strip_prefix(project()).unwrap_or(notebook).display();
        complaints.push(format!("{name}: code cell {cell}: {}", message["rendered"].as_str().unwrap_or_default()));
    }
    if complaints.is_empty() {
        return Err(String::from_utf8_lossy(&built.stderr).into_owned().into());
    }
    Ok(Err(complaints))
}

#[test]
fn notebooks_compile() -> Outcome<()> {
    let mut notebooks = notebooks_in("notebooks")?;
    notebooks.extend(notebooks_in("tests/notebooks")?);
    assert!(notebooks.iter().any(|path| path.ends_with("gradient_across_cells.ipynb")), "the notebooks were not found");
    if let Err(complaints) = compile("notebook-check", &notebooks)? {
        panic!("{}", complaints.join("\n"));
    }
    Ok(())
}

/// The check can fail, and then names the cell; of the notebooks that fail at run time it says nothing.
#[test]
fn a_cell_that_does_not_compile_is_named() -> Outcome<()> {
    let notebooks = notebooks_in("tests/notebooks/failing")?;
    assert!(notebooks.len() >= 4, "the failing notebooks were not found");
    let Err(complaints) = compile("notebook-failing", &notebooks)? else { panic!("compile_error.ipynb was accepted") };
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    assert!(complaints[0].starts_with("tests/notebooks/failing/compile_error.ipynb: code cell 3: "), "{}", complaints[0]);
    assert!(complaints[0].contains("mismatched types"), "{}", complaints[0]);
    Ok(())
}

#[test]
fn notebooks_are_stripped_and_name_the_project_s_kernel() -> Outcome<()> {
    for folder in ["notebooks", "tests/notebooks", "tests/notebooks/failing"] {
        for path in notebooks_in(folder)? {
            let notebook = read(&path)?;
            let name = path.display();
            assert_eq!(notebook["metadata"]["kernelspec"]["name"], "isotherm-rust", "{name}");
            for cell in notebook["cells"].as_array().ok_or("no cells")? {
                if cell["cell_type"] == "code" {
                    let bare = cell["outputs"].as_array().is_some_and(Vec::is_empty) && cell["execution_count"].is_null();
                    assert!(bare, "{name} holds outputs: run python3 tools/strip_notebooks.py");
                }
            }
        }
    }
    Ok(())
}
