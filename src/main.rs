//! The `isotherm` command.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    isotherm::base::process::settle();
    match isotherm::cli::run(isotherm::cli::Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("isotherm: {error:#}");
            ExitCode::FAILURE
        }
    }
}
