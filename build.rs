//! Tells cargo what the library depends on. Without this line every edited file of the project, a notebook too,
//! would rebuild it.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
}
