//! The gap fillers by name.

/// Everything that is scored, simplest first.
pub const METHODS: [&str; 9] =
    ["linear", "frame_offset", "frame_offset_biharmonic", "moving_biharmonic", "oi", "dineof", "unisst", "best", "supervised"];

/// Those that are tried on the real fields.
pub const REAL_METHODS: [&str; 7] =
    ["linear", "frame_offset", "frame_offset_biharmonic", "moving_biharmonic", "oi", "dineof", "best"];

/// The methods that others are held against.
pub const YARDSTICKS: [&str; 2] = ["frame_offset_biharmonic", "dineof"];

/// How a method is called in figures.
pub fn title(method: &str) -> &str {
    match method {
        "linear" => "linear in time",
        "frame_offset" => "frame offset, linear",
        "frame_offset_biharmonic" => "frame offset, biharmonic",
        "moving_biharmonic" => "moving biharmonic",
        "oi" => "optimal interpolation",
        "dineof" => "DINEOF",
        "unisst" => "UNISST (GAN)",
        "best" => "ours",
        "supervised" => "supervised (bound)",
        other => other,
    }
}

/// The same where there is little room.
pub fn short_title(method: &str) -> &str {
    match method {
        "frame_offset_biharmonic" => "biharmonic",
        other => title(other),
    }
}
