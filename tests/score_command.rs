//! `isotherm score` through the real binary: numbers against plain loops, strata, maps, series, common sets, and files read
//! piece by piece.

mod score_command {
    mod bad_input;
    mod derived;
    mod memory;
    mod numbers;
    mod outputs;
    mod peers;
    mod strata;
    pub mod support;
}
