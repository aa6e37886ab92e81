//! Examines every sshd of a machine, each with its PAM stack.
use std::io::ErrorKind;

use crate::acceptance::Acceptance;
use crate::finding::{Finding, Level};
use crate::hindrance::Hindrance;
use crate::judge;
use crate::judge::case::{Case, Processes, Reach, SSH};
use crate::judge::lines::ModuleFile;
use crate::machine::{ExaminedMachine, ProbeError};
use crate::pam;
use crate::pam::load::Files;
use crate::pam::stack::{Facility, Handler, Service};
use crate::pam::table::{CaseRow, CaseTable, StackCaller, tabulate_for};
use crate::report::{DoctorReport, Rows};
use crate::settings::DoctorSettings;
use crate::shipped;
use crate::sshd;
use crate::sshd::allowed::KnownGroups;
use crate::sshd::complete::{Method, NO_REVOKED_KEYS, PamEntry, REFUSED_FOLDER};
use crate::sshd::config::Config;
use crate::sshd::effective::Effective;
use crate::sshd::judge::SshdFacts;
use crate::sshd::probe::{Probe, ROUTING_DOMAIN};

/// Examines every sshd of the machine. The report has the findings of all of them. It shows the truth table (the result
/// for each combination of factors) of the first sshd whose PAM stack libpam can load.
///
/// # Errors
/// [`Hindrance`] if sshd or one of its files cannot be read.
pub fn examine_all(
    machine: &ExaminedMachine,
    rows: Rows,
    settings: &DoctorSettings,
) -> Result<DoctorReport, Hindrance> {
    let mut whole = DoctorReport { findings: Vec::new(), table: None, rows };
    for instance in machine.instances() {
        let one = examine(&machine.with_instance(instance), rows, settings)?;
        whole.table = whole.table.or(one.table);
        whole.findings.extend(one.findings);
    }
    whole.findings.sort_by(Finding::in_report);
    whole.findings.dedup();
    Ok(whole)
}

fn examine(
    machine: &ExaminedMachine,
    rows: Rows,
    settings: &DoctorSettings,
) -> Result<DoctorReport, Hindrance> {
    let mut findings = Vec::new();
    let mut facts = facts(machine, &mut findings)?;
    let name = facts.as_ref().map_or("sshd", |facts| facts.base.service()).to_owned();
    let service = pam::load::load(machine, &name)?;
    let settings = settings.on(&service, machine);
    let table = table(machine, &service, &settings);
    let reach = facts.as_ref().map_or(Reach::EVERY, sshd::judge::reach);
    let wanted = facts.as_mut().map_or(Reach::EVERY, |facts| facts.settle(&table));
    let entries = facts.as_ref().map(sshd::judge::entries);
    let usable = |row: &CaseRow| is_used(entries.as_deref(), &table, row);
    let case = Case {
        table: &table,
        file: file(&service),
        service: SSH,
        reach,
        wanted,
        credentials: processes(entries.as_deref()),
        usable: &usable,
    };
    let (of_stack, wired) = of_stack(&case, &service, machine);
    findings.extend(of_stack);
    if wired && facts.as_ref().is_none_or(|facts| facts.base.yes("usepam")) {
        findings.extend(of_other_stacks(&service, machine, &settings));
    }
    findings.extend(wired.then(|| settings.findings(&name)).into_iter().flatten());
    findings.extend([lockers(machine, &settings)?, machine.candidate_notes(&name)].concat());
    if let Some(facts) = &facts {
        findings.extend(of_sshd(facts, &case, machine));
        if wired {
            shipped::settle(&mut findings, &case, &facts.config);
        }
    }
    case.weigh(&mut findings);
    findings.extend(judge::nobody_gets_in(&case, &findings));
    judge::remedies::copy_first(&mut findings);
    settings.settle(&mut findings, facts.as_ref().is_some_and(sshd::judge::passes_by_pam));
    Acceptance::of(machine).apply(&name, &mut findings);
    Ok(DoctorReport { findings, table: service.unusable.is_none().then_some(table), rows })
}

/// Returns what sshd says about its settings; `None` if it refuses them, which is then added to `findings`.
fn facts(
    machine: &ExaminedMachine,
    findings: &mut Vec<Finding>,
) -> Result<Option<SshdFacts>, Hindrance> {
    let config = sshd::config::load_of(machine, machine.instance())?;
    match machine.complaint()? {
        Some(said) => {
            findings.push(refused(&config.file, &said));
            Ok(None)
        }
        None => ask(machine, config, findings).map(Some),
    }
}

/// Computes the truth table of the auth lines of `service`: the result of the stack for each combination of factors.
/// Leaves out combinations that no account of the machine can have.
fn table(machine: &ExaminedMachine, service: &Service, settings: &DoctorSettings) -> CaseTable {
    let present = |path: &str| machine.module(path) != ModuleFile::Missing;
    let auth = service.lines(Facility::Auth);
    let census = machine.census(auth, settings.enrolled.as_deref());
    let table = tabulate_for(StackCaller::Root, auth, &present);
    table.with_libpam(machine.libpam()).seen_by(Some(census))
}

/// Returns the findings about the stack of `service`, and whether one of its lines calls twinlock's module. The
/// combinations of factors that grant access are judged only if one does.
fn of_stack(case: &Case<'_>, service: &Service, machine: &ExaminedMachine) -> (Vec<Finding>, bool) {
    let keys = case.reach.with_key || case.wanted.with_key;
    let module = |path: &str| machine.module(path);
    let mut found = judge::lines::judge(service, &module, &case.recipe(), keys);
    found.extend(machine.unloadable(service));
    let wired = service.unusable.is_none() && !found.iter().any(|one| one.id == "not-wired");
    if wired {
        found.extend(judge::stack(case));
        found.extend(judge::twice::judge(case));
    }
    (found, wired)
}

/// Returns the findings that the account or session lines of `service` refuse every user, or that /etc/nologin does.
fn of_other_stacks(
    service: &Service,
    machine: &ExaminedMachine,
    settings: &DoctorSettings,
) -> Vec<Finding> {
    let module = |path: &str| machine.module(path);
    let census = |stack: &[Handler]| machine.census(stack, settings.enrolled.as_deref());
    let mut found = judge::other_stacks::judge(
        service,
        &module,
        &census,
        &[Facility::Account, Facility::Session],
    );
    if machine.is_host() {
        found.extend(judge::other_stacks::absent(service));
    }
    // A file that cannot be read refuses users as any other does.
    let exists = |path: &str| !matches!(machine.text(path), Err(error) if error.kind() == ErrorKind::NotFound);
    found.extend(judge::other_stacks::nologin(service, &exists));
    found
}

/// Returns the findings that follow from sshd's settings (`facts`) together with the PAM stack (`case`).
fn of_sshd(facts: &SshdFacts, case: &Case<'_>, machine: &ExaminedMachine) -> Vec<Finding> {
    let table = case.table;
    let mut found = sshd::judge::judge(facts, (!table.is_too_large()).then_some(table));
    found.extend(sshd::empty::judge(facts, table, &machine.empty_passwords()));
    found
}

/// Returns whether a user can log in as the row of the truth table assumes. `entries` lists how users reach PAM. It is
/// `None` if sshd refuses its settings; then every row that grants access counts.
fn is_used(entries: Option<&[PamEntry]>, table: &CaseTable, row: &CaseRow) -> bool {
    match entries {
        Some(entries) => entries.iter().any(|entry| entry.takes(table, row)),
        // sshd does not start with these settings, and a running sshd keeps its old settings.
        None => row.passes(),
    }
}

/// Returns in which processes sshd calls pam_setcred after a login. sshd ends the login if that call fails. `entries`
/// lists how users reach PAM; with `None`, sshd is taken to call pam_setcred in each of these processes.
fn processes(entries: Option<&[PamEntry]>) -> Processes {
    let any = |fits: &dyn Fn(&PamEntry) -> bool| entries.is_none_or(|all| all.iter().any(fits));
    Processes {
        apart: any(&|entry| entry.method == Method::Prompts),
        same: any(&|entry| entry.method == Method::OneText && entry.prompted),
    }
}

/// Returns a finding for each service that asks for a code although its program does not run as root, such as a screen
/// locker. Services that `settings` exempt are skipped.
///
/// # Errors
/// [`Hindrance`] if a file cannot be read.
pub fn lockers(
    machine: &ExaminedMachine,
    settings: &DoctorSettings,
) -> Result<Vec<Finding>, Hindrance> {
    let mut found = Vec::new();
    let asks = |service: &&str| !settings.exempt.iter().any(|other| other == service);
    for name in judge::not_root::SERVICES.into_iter().filter(asks) {
        found.extend(judge::not_root::judge(
            name,
            &pam::load::load(machine, name)?,
            settings.lockers,
        ));
    }
    Ok(found)
}

fn file(service: &Service) -> &str {
    service.file.as_deref().unwrap_or("/etc/pam.d/sshd")
}

fn ask(
    machine: &ExaminedMachine,
    config: Config,
    findings: &mut Vec<Finding>,
) -> Result<SshdFacts, Hindrance> {
    let ports = machine.socket_ports().into_iter().map(|port| format!("port {port}\n"));
    let domains = machine.routing_domains().unwrap_or_else(|| config.examples("rdomain"));
    let domains = domains.into_iter().map(|name| format!("{ROUTING_DOMAIN} {name}\n"));
    let more: String = ports.chain(domains).collect();
    let base = Effective::read(&format!("{}\n{more}", base(machine, &config)?));
    let people = machine.people()?;
    let plan = sshd::probe::plan(&config, &people, &base);
    if plan.left_out > 0 {
        findings.push(Finding {
            level: Level::Unknown,
            id: "not-all-asked",
            place: config.file.clone(),
            what: format!("sshd was asked about {} combinations of Match blocks; {} more were not checked.", plan.probes.len(), plan.left_out),
            remedy: "Use fewer Match blocks, or check the others with `sshd -T -C user=NAME,host=HOST,addr=ADDRESS,laddr=127.0.0.1,lport=22`.".to_owned(),
        });
    }
    let mut asked = Vec::new();
    for probe in plan.probes {
        let said = machine.effective(Some(&probe.argument()))?;
        asked.push((probe, with_files(Effective::read(&said), machine)));
    }
    let base = with_files(base, machine);
    findings.extend(machine.not_reloaded(&config, base.value("pidfile")));
    let source = machine.elsewhere();
    let groups = source.as_ref().map_or(KnownGroups::All, |_| KnownGroups::OfFiles);
    let admits = sshd::allowed::retain(&mut asked, &people, groups);
    findings.extend(refusals(&config, &base, admits || source.is_some()));
    if let Some((place, source)) = source {
        findings.extend(elsewhere(&config, place, &source));
        asked.extend(sshd::elsewhere::groups(&config, &base));
    }
    Ok(SshdFacts::new(config, base, asked))
}

/// A user and a client address for which sshd uses other settings than for all others that are listed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MatchOutcome {
    /// Name of the user.
    pub user: String,
    /// IP address of the client.
    pub address: String,
    /// `file:line` and criteria of each Match block that applies; empty if none does.
    pub blocks: Vec<String>,
}

/// Returns a user and a client address for each combination of settings that sshd's Match blocks have as their outcome.
/// Blocks that depend on the address, port or routing domain of the server, or on the client's host name, are taken for
/// one such value only. Returns nothing if there are no Match blocks.
///
/// # Errors
/// [`Hindrance`] if sshd or one of its files cannot be read.
pub fn match_outcomes(machine: &ExaminedMachine) -> Result<Vec<MatchOutcome>, Hindrance> {
    let config = sshd::config::load_of(machine, machine.instance())?;
    let mut outcomes = Vec::new();
    if config.blocks.is_empty() {
        return Ok(outcomes);
    }
    let base = Effective::read(&base(machine, &config)?);
    let people = machine.people()?;
    let plan = sshd::probe::plan(&config, &people, &base);
    let Some(first) = plan.probes.first().map(|probe| probe.from.clone()) else {
        return Ok(outcomes);
    };
    let mut asked = Vec::new();
    for probe in plan.probes {
        let from = &probe.from;
        let is_at = from.laddr == first.laddr && from.lport == first.lport;
        if is_at && from.rdomain == first.rdomain && from.host == from.addr {
            let said = machine.effective(Some(&probe.argument()))?;
            asked.push((probe, Effective::read(&said)));
        }
    }
    // If sshd admits nobody, the verdict says so.
    let _ = sshd::allowed::retain(&mut asked, &people, KnownGroups::All);
    let mut seen: Vec<(Effective, bool)> = Vec::new();
    for (probe, said) in asked {
        let kind = (said, probe.user == "root");
        if seen.contains(&kind) {
            continue;
        }
        seen.push(kind);
        let known = people.accounts.iter().find(|one| one.name == probe.user).cloned();
        let account = known.unwrap_or_default();
        let blocks = config.blocks.iter();
        let blocks = blocks.filter(|block| sshd::probe::applies(block, &account, &probe.from));
        let blocks =
            blocks.map(|block| format!("{} ({})", block.place, block.criteria())).collect();
        outcomes.push(MatchOutcome { user: probe.user, address: probe.from.addr, blocks });
    }
    Ok(outcomes)
}

/// Returns the settings, with a keyword if they name a list of revoked keys that does not exist, and with another if
/// sshd refuses the folder of ChrootDirectory.
fn with_files(effective: Effective, machine: &ExaminedMachine) -> Effective {
    let effective = with_revoked(effective, machine);
    let folder = effective.value("chrootdirectory").filter(|one| machine.ends_sessions(one));
    match folder.map(str::to_owned) {
        Some(folder) => effective.with(REFUSED_FOLDER, &folder),
        None => effective,
    }
}

/// Returns the settings, with a keyword if they name a list of revoked keys that does not exist. sshd then refuses
/// every key.
fn with_revoked(effective: Effective, machine: &ExaminedMachine) -> Effective {
    let file = effective.value("revokedkeys").filter(|file| file.starts_with('/'));
    let missing = |file: &&str| matches!(machine.text(file), Err(error) if error.kind() == ErrorKind::NotFound);
    match file.filter(missing).map(str::to_owned) {
        Some(file) => effective.with(NO_REVOKED_KEYS, &file),
        None => effective,
    }
}

/// Returns the findings that sshd refuses every user before it asks for anything. `admits` says whether its lists of
/// users and groups admit a user.
fn refusals(config: &Config, base: &Effective, admits: bool) -> Vec<Finding> {
    let finding = |id, keywords: &[&str], what: &str, remedy: &str| Finding {
        level: Level::LockOut,
        id,
        place: config.place(keywords),
        what: format!("No login is possible: {what}."),
        remedy: remedy.to_owned(),
    };
    let lists = ["allowusers", "allowgroups", "denyusers", "denygroups", "permitrootlogin"];
    let nobody = || {
        let what = "the lists of users and groups, or PermitRootLogin, refuse every account";
        finding("nobody-admitted", &lists, what, "Add a user or group that exists to the list.")
    };
    let no_tries = || {
        let what = "with MaxAuthTries 0, sshd ends each connection at the first request";
        finding("no-tries", &["maxauthtries"], what, "Write `MaxAuthTries 6`.")
    };
    let of_lists = (!admits).then(nobody);
    let tries = base.value("maxauthtries") == Some("0");
    of_lists.into_iter().chain(tries.then(no_tries)).collect()
}

/// Returns the output of `sshd -T` without the settings of Match blocks. If sshd prints them only for a connection, as
/// with `Match LocalPort`, returns the output for an example connection to a port that no Match block names.
fn base(machine: &ExaminedMachine, config: &Config) -> Result<String, ProbeError> {
    let named = config.examples("localport");
    let port = (1..=u16::MAX).map(|port| port.to_string()).find(|port| !named.contains(port));
    let mut example = Probe::of("nobody");
    example.from.lport = port.unwrap_or_default();
    machine.effective(None).or_else(|error| match error {
        ProbeError::Refused(_) => machine.effective(Some(&example.argument())),
        ProbeError::NoProgram | ProbeError::NotCopied(_) => Err(error),
    })
}

/// Returns a note that doctor cannot list the accounts of the user directory `source` (such as LDAP) and check them one
/// by one. `None` if no Match block of `config` selects users or groups.
fn elsewhere(config: &Config, place: String, source: &str) -> Option<Finding> {
    let people = |(word, _): &(String, String)| ["user", "group"].contains(&word.as_str());
    if !config.blocks.iter().flat_map(|block| &block.criteria).any(people) {
        return None;
    }
    Some(Finding {
        level: Level::Note,
        id: "accounts-elsewhere",
        place,
        what: format!("Accounts of `{source}` cannot be listed: each Match block is taken to apply to one of them."),
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
