//! `twinlock doctor`: finds bypasses and lock-outs in the PAM and sshd configuration.

pub mod finding;
pub mod harmless;
pub mod judge;
pub mod machine;
pub mod pam;
pub mod report;
pub mod shipped;
pub mod sshd;
pub mod wrap;

use std::io::{self, Write};
use std::path::PathBuf;

use finding::{Finding, Level};
use judge::case::{Case, Reach};
use judge::lines::ModuleFile;
use machine::{Machine, ProbeError};
use pam::load::UnreadableError;
use pam::stack::{Facility, Service};
use pam::table::tabulate;
use report::{DoctorReport, Rows};
use sshd::effective::Effective;
use sshd::judge::SshdFacts;
use wrap::prose;

/// Sub-verbs of `twinlock doctor`.
#[derive(clap::Subcommand, Debug)]
pub enum Doctor {
    /// Check sshd and its PAM stack
    Ssh(Ssh),
}

/// The arguments of `twinlock doctor ssh`.
#[derive(clap::Args, Debug)]
pub struct Ssh {
    /// Show every row of the truth table, not only wrong rows
    #[arg(long)]
    pub verbose: bool,
    /// Check the file tree below this folder
    #[arg(long, hide = true, default_value = "/")]
    pub root: PathBuf,
    /// Read the output of sshd from this folder: files t, T, T.USER, T.USER.ADDRESS
    #[arg(long, hide = true)]
    pub sshd_says: Option<PathBuf>,
}

/// Format of the report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Text for people.
    Text,
    /// JSON.
    Json,
}

/// Effects of twinlock's settings on every stack.
#[derive(Debug, Default)]
pub struct Settings {
    /// Findings that make the module refuse, wherever a line calls it.
    pub refusing: Vec<Finding>,
    /// Services that a rule exempts for all users.
    pub exempt: Vec<String>,
}

/// Exit status: nothing is wrong.
pub const FINE: u8 = 0;
/// Exit status: a required file or program cannot be read.
pub const NOT_READABLE: u8 = 6;
/// Exit status: a way in or a lock-out was found.
pub const FOUND: u8 = 7;

/// Examines sshd and its stack, writes the report and returns the exit status.
///
/// The report goes to `out`; the reason for a missing report goes to `complaints`.
///
/// # Errors
/// [`io::Error`] if the report cannot be written.
pub fn ssh(
    arguments: &Ssh,
    format: Format,
    settings: Settings,
    [out, complaints]: [&mut dyn Write; 2],
) -> io::Result<u8> {
    let machine = Machine::new(arguments.root.clone(), arguments.sshd_says.clone());
    let rows = if arguments.verbose { Rows::All } else { Rows::Wrong };
    match examine(&machine, rows, settings) {
        Ok(report) => {
            match format {
                Format::Text => report.text(out)?,
                Format::Json => report.json(out)?,
            }
            Ok(if report.fails() { FOUND } else { FINE })
        }
        Err(hindrance) => {
            hindrance.write(format, out, complaints)?;
            Ok(NOT_READABLE)
        }
    }
}

/// Why there is no report.
struct Hindrance {
    what: String,
    remedy: String,
}

impl Hindrance {
    fn write(
        &self,
        format: Format,
        out: &mut dyn Write,
        complaints: &mut dyn Write,
    ) -> io::Result<()> {
        match format {
            Format::Text => {
                let what = prose(&format!("twinlock: {}", self.what), 2);
                writeln!(complaints, "{what}\n{}", prose(&self.remedy, 2))
            }
            Format::Json => {
                let object = serde_json::json!({
                    "error": self.what, "remedy": self.remedy, "exit": NOT_READABLE,
                });
                writeln!(out, "{object}")
            }
        }
    }
}

impl From<UnreadableError> for Hindrance {
    fn from(unreadable: UnreadableError) -> Self {
        Self {
            what: format!("{} cannot be read: {}.", unreadable.path, unreadable.error),
            remedy: "Run `twinlock doctor ssh` as root.".to_owned(),
        }
    }
}

impl From<ProbeError> for Hindrance {
    fn from(silence: ProbeError) -> Self {
        let (what, remedy) = match silence {
            ProbeError::NoProgram => (
                "sshd was not found in /usr/sbin or another program folder.".to_owned(),
                "Install the SSH server (Debian: apt install openssh-server).",
            ),
            ProbeError::Refused(said) if said.contains("privilege separation directory") => (
                format!("sshd does not print its settings: {said}."),
                "Start sshd once (`systemctl start ssh` or `sshd`): that creates the folder.",
            ),
            ProbeError::Refused(said) => (
                format!("sshd does not print its settings: {said}."),
                "Run `twinlock doctor ssh` as root.",
            ),
        };
        Self { what, remedy: remedy.to_owned() }
    }
}

fn examine(machine: &Machine, rows: Rows, settings: Settings) -> Result<DoctorReport, Hindrance> {
    let Settings { refusing, exempt } = settings;
    let asks = |service: &&str| !exempt.iter().any(|other| other == service);
    let config = sshd::config::load(machine)?;
    let mut findings = Vec::new();
    let mut facts = match machine.complaint()? {
        Some(said) => {
            findings.push(refused(&config.file, &said));
            None
        }
        None => Some(ask(machine, config, &mut findings)?),
    };
    let name = facts.as_ref().map_or("sshd", |facts| facts.base.service());
    let service = pam::load::load(machine, name)?;
    let present = |path: &str| machine.module(path) != ModuleFile::Missing;
    let table = tabulate(service.lines(Facility::Auth), &present);
    let reach = facts.as_ref().map_or(Reach::EVERY, sshd::judge::reach);
    let wanted = match &mut facts {
        Some(facts) => facts.settle(&table),
        None => Reach::EVERY,
    };
    let case = Case { table: &table, file: file(&service), reach, wanted };
    findings.extend(judge::lines::judge(&service, &|path| machine.module(path), &case.recipe()));
    let wired =
        service.unusable.is_none() && !findings.iter().any(|finding| finding.id == "not-wired");
    if wired {
        findings.extend(judge::stack(&case));
        findings.extend(judge::twice::judge(&case));
        findings.extend(refusing);
    }
    for name in judge::not_root::SERVICES.into_iter().filter(asks) {
        findings.extend(judge::not_root::judge(name, &pam::load::load(machine, name)?));
    }
    findings.extend(facts.iter().flat_map(sshd::judge::judge));
    if let Some(facts) = facts.filter(|_| wired) {
        shipped::settle(&mut findings, &case, &facts.config);
    }
    findings.sort_by(Finding::in_report);
    findings.dedup();
    Ok(DoctorReport { findings, table: service.unusable.is_none().then_some(table), rows })
}

fn file(service: &Service) -> &str {
    service.file.as_deref().unwrap_or("/etc/pam.d/sshd")
}

fn ask(
    machine: &Machine,
    config: sshd::config::Config,
    findings: &mut Vec<Finding>,
) -> Result<SshdFacts, Hindrance> {
    let base = Effective::read(&machine.effective(None)?);
    let plan = sshd::probe::plan(&config, &machine.people()?);
    if plan.left_out > 0 {
        findings.push(Finding {
            level: Level::Note,
            id: "not-all-asked",
            place: config.file.clone(),
            what: format!("sshd was asked about {} combinations of account and address; {} more were not checked.", plan.probes.len(), plan.left_out),
            remedy: "Check the others with `sshd -T -C user=NAME,host=HOST,addr=ADDRESS,laddr=127.0.0.1,lport=22`.".to_owned(),
        });
    }
    findings.extend(elsewhere(machine, &config));
    let mut asked = Vec::new();
    for probe in plan.probes {
        let said = machine.effective(Some(&probe.argument()))?;
        asked.push((probe, Effective::read(&said)));
    }
    Ok(SshdFacts::new(config, base, asked))
}

/// Reports accounts from a directory, which cannot be listed and checked one by one.
fn elsewhere(machine: &Machine, config: &sshd::config::Config) -> Option<Finding> {
    let people = |(word, _): &(String, String)| ["user", "group"].contains(&word.as_str());
    if !config.blocks.iter().flat_map(|block| &block.criteria).any(people) {
        return None;
    }
    let path = "/etc/nsswitch.conf";
    let text = pam::load::Files::text(machine, path).ok()?;
    let mut lines = (1..).zip(text.lines());
    let (number, sources) =
        lines.find_map(|(number, line)| Some((number, line.strip_prefix("passwd:")?)))?;
    let other =
        sources.split_whitespace().find(|one| !["files", "compat", "systemd"].contains(one))?;
    Some(Finding {
        level: Level::Note,
        id: "accounts-elsewhere",
        place: format!("{path}:{number}"),
        what: format!("Accounts of `{other}` were not checked, except those that a Match line names."),
        remedy: "Check one of them with `sshd -T -C user=NAME,host=HOST,addr=ADDRESS,laddr=127.0.0.1,lport=22`.".to_owned(),
    })
}

fn refused(file: &str, said: &str) -> Finding {
    Finding {
        level: Level::LockOut,
        id: "sshd-refuses",
        place: file.to_owned(),
        what: format!("sshd does not start with these settings: {}.", said.trim().trim_end_matches('.')),
        remedy: "Correct what `sshd -t` reports before sshd is restarted; a running sshd keeps its old settings.".to_owned(),
    }
}
