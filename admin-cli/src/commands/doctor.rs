//! `twinlock doctor`: prints what the doctor finds.

use std::{
    io::{stderr, stdout},
    process::ExitCode,
};

use twinlock_doctor::{Format, NOT_READABLE, Ssh};

/// Examines sshd and its stack.
pub fn ssh(arguments: &Ssh, json: bool) -> ExitCode {
    let format = if json { Format::Json } else { Format::Text };
    let examined =
        twinlock_doctor::ssh(arguments, format, &mut stdout().lock(), &mut stderr().lock());
    // Output that nobody reads any more is no verdict.
    ExitCode::from(examined.unwrap_or(NOT_READABLE))
}
