//! `twinlock doctor`: finds bypasses and lock-outs in the PAM and sshd configuration.

pub mod acceptance;
pub mod accepted;
pub mod cells;
pub mod examine;
pub mod finding;
pub mod harmless;
pub mod hindrance;
pub mod judge;
pub mod lenient_findings;
pub mod machine;
pub mod pam;
pub mod report;
pub mod services;
pub mod settings;
pub mod shipped;
pub mod sshd;
pub mod wrap;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use hindrance::Hindrance;
use machine::{Candidate, ExaminedMachine};
use report::Rows;
use services::one::ServiceReport;
use settings::DoctorSettings;

/// Arguments of `twinlock doctor`.
#[derive(clap::Args, Debug)]
pub struct Doctor {
    /// Service to check: ssh, or a PAM service such as sudo [default: all]
    pub service: Option<String>,
    /// Show every row of the truth table, not only wrong rows
    #[arg(long)]
    pub verbose: bool,
    /// Print nothing if every login needs a code and no user is locked out
    #[arg(long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Check the file tree below DIR, as for another host
    ///
    /// sshd of this host reads copies of the files. With sudo, the files
    /// are opened with the rights of the user who called it.
    #[arg(long, value_name = "DIR", default_value = "/", hide_default_value = true)]
    pub root: PathBuf,
    /// Check FILE as the future /etc/pam.d/sshd
    #[arg(long, value_name = "FILE")]
    pub pam: Option<PathBuf>,
    /// Check FILE as the future /etc/ssh/sshd_config
    #[arg(long, value_name = "FILE")]
    pub sshd_config: Option<PathBuf>,
    /// Read the output of sshd from this folder: files t, T, T.USER, T.USER.ADDRESS
    #[arg(long, hide = true)]
    pub sshd_says: Option<PathBuf>,
}

/// What `twinlock doctor` checks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Examined {
    /// Every PAM service of the host, sshd included.
    Host,
    /// sshd and its PAM stack.
    Ssh,
    /// The PAM service with this name.
    Service(String),
}

impl Doctor {
    /// Returns whether doctor checks other files than those of this host: the file tree `root`, or the files that
    /// `pam`, `sshd_config` or `sshd_says` name.
    #[must_use]
    pub fn is_candidate(&self) -> bool {
        let named = self.pam.is_some() || self.sshd_config.is_some() || self.sshd_says.is_some();
        named || self.root != Path::new("/")
    }

    /// Returns the subject that the argument `service` names; without the argument, the host.
    #[must_use]
    pub fn subject(&self) -> Examined {
        match self.service.as_deref() {
            None => Examined::Host,
            Some("ssh" | "sshd") => Examined::Ssh,
            Some(name) => Examined::Service(name.to_owned()),
        }
    }
}

/// Format of the report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Text for people.
    Text,
    /// One JSON object, for programs.
    Json,
}

/// Exit status if doctor cannot give a verdict, because something is not known. The other statuses are 0 (every login
/// needs a code, and no user is locked out) and 7 (users get in without a code or are locked out).
pub const NOT_JUDGED: u8 = 8;

/// Runs `twinlock doctor`: checks the subject that the arguments name, writes the report and returns the exit status.
///
/// `candidates` are judged in place of the machine's files. `out` receives the report. If there can be no report, the
/// reason goes to `complaints` as text, or to `out` as JSON.
///
/// # Errors
/// [`io::Error`] if the report or the reason cannot be written.
pub fn run(
    arguments: &Doctor,
    format: Format,
    settings: &DoctorSettings,
    candidates: Vec<Candidate>,
    [out, complaints]: [&mut dyn Write; 2],
) -> io::Result<u8> {
    let machine = ExaminedMachine::new(arguments.root.clone(), arguments.sshd_says.clone());
    let machine = machine.with_candidates(candidates);
    let rows = if arguments.verbose { Rows::All } else { Rows::Wrong };
    let (name, examined) = match arguments.subject() {
        Examined::Host => {
            let report = services::host::examine(&machine, settings);
            match format {
                Format::Text => report.text(rows, out)?,
                Format::Json => report.json(out)?,
            }
            return Ok(report.verdict().status());
        }
        Examined::Ssh => ("ssh".to_owned(), ssh(&machine, rows, format, settings, out)),
        Examined::Service(name) => {
            let report = services::one::examine(&machine, &name, rows, settings);
            (name, report.map(|report| service(&report, format, out)))
        }
    };
    match examined {
        Ok(status) => status,
        Err(hindrance) => {
            match format {
                Format::Text => hindrance.text(&name, complaints)?,
                Format::Json => hindrance.json(&name, NOT_JUDGED, out)?,
            }
            Ok(NOT_JUDGED)
        }
    }
}

fn ssh(
    machine: &ExaminedMachine,
    rows: Rows,
    format: Format,
    settings: &DoctorSettings,
    out: &mut dyn Write,
) -> Result<io::Result<u8>, Hindrance> {
    let report = examine::examine_all(machine, rows, settings)?;
    let written = match format {
        Format::Text => report.text("ssh", out),
        Format::Json => report.json("ssh", out),
    };
    Ok(written.map(|()| report.verdict().status()))
}

fn service(report: &ServiceReport, format: Format, out: &mut dyn Write) -> io::Result<u8> {
    match format {
        Format::Text => report.text(out)?,
        Format::Json => report.json(out)?,
    }
    Ok(report.status())
}
