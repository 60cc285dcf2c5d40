//! The `isotherm` command.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    end_with_the_reader();
    keep_the_graph();
    isotherm::base::process::settle();
    match isotherm::cli::run(isotherm::cli::Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("isotherm: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Lets candle differentiate gradients, which a critic's gradient penalty wants; it asks the environment at its first backward pass.
fn keep_the_graph() {
    const VARIABLE: &str = "CANDLE_GRAD_DO_NOT_DETACH";
    if std::env::var_os(VARIABLE).is_none() {
        // SAFETY: no other thread runs yet.
        unsafe { std::env::set_var(VARIABLE, "1") };
    }
}

/// Ends quietly where the reader of the output goes away (`isotherm inspect file.nc | head`): Rust programs ignore SIGPIPE, and
/// printing would panic.
#[cfg(unix)]
fn end_with_the_reader() {
    use std::ffi::c_int;
    unsafe extern "C" {
        fn signal(number: c_int, handler: usize) -> usize;
    }
    const SIGPIPE: c_int = 13;
    const DEFAULT: usize = 0;
    // SAFETY: sets a signal's disposition to the system's own, before any other thread runs.
    unsafe { signal(SIGPIPE, DEFAULT) };
}

#[cfg(not(unix))]
fn end_with_the_reader() {}
