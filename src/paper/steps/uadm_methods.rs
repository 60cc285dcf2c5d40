//! The methods of the UADM ladder by name.

/// Networks trained to give one field: the step that trains each bears its name.
pub const REGRESSIONS: [&str; 5] = ["srcnn", "edsr", "rrdb", "swin_light", "esrgan"];

/// Networks that give ensembles.
pub const DIFFUSIONS: [&str; 4] = ["resshift", "upsr", "uadm_plain", "uadm"];

/// Those whose ensembles are looked at as such.
pub const ENSEMBLES: [&str; 2] = ["resshift", "uadm"];

/// Everything that is scored, simplest first: a name in the table, and the field that it is read from.
pub const SCORED: [(&str, &str); 14] = [
    ("bicubic", "bicubic"),
    ("bicubic_bias", "bicubic_bias"),
    ("bicubic_backprojected", "bicubic_backprojected"),
    ("srcnn", "srcnn"),
    ("edsr", "edsr"),
    ("rrdb", "rrdb"),
    ("swin_light", "swin_light"),
    ("esrgan", "esrgan"),
    ("resshift", "resshift"),
    ("resshift_member", "resshift_member_00"),
    ("upsr", "upsr"),
    ("uadm_plain", "uadm_plain"),
    ("uadm", "uadm"),
    ("uadm_member", "uadm_member_00"),
];

/// How a method is called in figures.
pub fn title(method: &str) -> &str {
    match method {
        "bicubic" => "bicubic",
        "bicubic_bias" => "bicubic, offsets taken off",
        "bicubic_backprojected" => "back-projected bicubic",
        "srcnn" => "SRCNN",
        "edsr" => "EDSR",
        "rrdb" => "RRDB",
        "swin_light" => "SwinIR (light)",
        "esrgan" => "ESRGAN-style",
        "resshift" => "ResShift, mean",
        "resshift_member" => "ResShift, one member",
        "upsr" => "UPSR-like, mean",
        "uadm_plain" => "UADM without critic, mean",
        "uadm" => "UADM, mean",
        "uadm_member" => "UADM, one member",
        other => other,
    }
}
