//! Writes down what the code is: one SHA-256 for each source file (comments and unit tests left out, so
//! that a better sentence does not re-run a training), the versions of the crates that compute, the lockfile.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use sha2::{Digest, Sha256};

/// Crates whose version may change a number or a pixel.
const NUMERICAL: &[&str] =
    &["candle-core", "candle-nn", "gemm", "realfft", "rustfft", "statrs", "polars", "polars-io", "netcdf", "plotters", "png"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rerun-if-changed=assets");
    println!("cargo:rerun-if-changed=Cargo.lock");
    link_standard_library()?;
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files)?;
    if root.join("assets").is_dir() {
        collect(&root.join("assets"), &mut files)?;
    }
    files.sort();
    let mut text = String::from("/// SHA-256 of each source file's code, by path.\npub const SOURCES: &[(&str, &str)] = &[\n");
    for file in files {
        let name = file.strip_prefix(&root)?.to_string_lossy().replace('\\', "/");
        let content = fs::read(&file)?;
        let code = if name.ends_with(".rs") { code_only(&String::from_utf8(content)?).into_bytes() } else { content };
        writeln!(text, "    ({name:?}, {:?}),", sha256(&code))?;
    }
    text.push_str("];\n");
    let lock = fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default();
    let mut versions = String::new();
    for package in lock.split("[[package]]") {
        let value = |key: &str| {
            package
                .lines()
                .find_map(|l| l.strip_prefix(key))
                .map_or(String::new(), |v| v.trim_matches([' ', '=', '"']).to_string())
        };
        if NUMERICAL.contains(&value("name").as_str()) {
            writeln!(versions, "{} {}", value("name"), value("version"))?;
        }
    }
    writeln!(text, "/// Versions of the crates that compute.\npub const NUMERICAL_CRATES: &str = {versions:?};")?;
    writeln!(text, "/// SHA-256 of Cargo.lock.\npub const LOCKFILE_SHA256: &str = {:?};", sha256(lock.as_bytes()))?;
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("code.rs"), text)?;
    Ok(())
}

/// The standard library is linked dynamically (`-Cprefer-dynamic`). The profile's own run-time path is relative to
/// `deps/` and misses it from one folder above, where the command line ends up: state it in full too.
fn link_standard_library() -> Result<(), Box<dyn std::error::Error>> {
    let output =
        Command::new(env::var("RUSTC")?).args(["--print", "target-libdir", "--target", &env::var("TARGET")?]).output()?;
    let folder = String::from_utf8(output.stdout)?;
    if !folder.trim().is_empty() {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", folder.trim());
    }
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.file_name().is_some_and(|name| name == "tests.rs") {
            // Unit tests in a file of their own make no figure.
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// The lines that compile into the library: no comment lines, nothing from the unit tests on (they
/// stand at the bottom of each file).
fn code_only(text: &str) -> String {
    text.lines()
        .take_while(|line| line.trim() != "#[cfg(test)]")
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}
