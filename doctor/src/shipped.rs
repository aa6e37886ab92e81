//! Remedies for a stack that is correct together with one of the sshd settings files that twinlock ships, if that file
//! is not installed.
use crate::finding::Finding;
use crate::judge::case::{Case, Processes, Reach, SSH};
use crate::judge::usable::covered;
use crate::pam::table::{AssumedRole, CaseTable};
use crate::pam::twinlock::Stand;
use crate::sshd::config::{Config, Directive};

const EXAMPLES: &str = "/usr/share/doc/twinlock/examples/sshd_config.d";
const FOLDER: &str = "/etc/ssh/sshd_config.d";

/// Names of findings that a missing settings file can cause.
const CONSEQUENCES: [&str; 12] = [
    "usepam-no",
    "prompts-off",
    "key-alone",
    "gssapi-alone",
    "hostbased-alone",
    "way-without-pam",
    "password-method",
    "method-off",
    "kerberos-alone",
    "key-after-code",
    "nobody-gets-in",
    "way-leads-nowhere",
];

/// Some findings exist only because a settings file of sshd that twinlock ships is not installed. Gives all of these
/// the same remedy, which is to copy the file; otherwise, two remedies could contradict each other. Does nothing if the
/// administrator has set AuthenticationMethods, because the file would override that setting.
pub fn settle(findings: &mut [Finding], case: &Case<'_>, config: &Config) {
    // If the administrator has set this keyword, the setting is a policy, which the shipped file must not replace.
    let written = |keyword: &str| {
        config.directives.iter().any(|line| line.block.is_none() && line.keyword == keyword)
    };
    if config.drop_ins.as_deref() != Some(FOLDER) || written("authenticationmethods") {
        return;
    }
    let Some(name) = drop_in(case.table) else { return };
    let remedy = format!(
        "The PAM file is right; sshd's settings for it are missing. Copy them, then run `sshd -t` and reload sshd:\ncp {EXAMPLES}/{name} {FOLDER}/"
    );
    for finding in findings.iter_mut().filter(|one| CONSEQUENCES.contains(&one.id)) {
        if !stays(finding, name, config) {
            finding.remedy.clone_from(&remedy);
        } else if let Some((change, _)) = finding.remedy.split_once(", ") {
            // The settings that this remedy leaves out are in the shipped file. Another remedy says to copy that file.
            finding.remedy = format!("{change}, then run `sshd -t` and reload sshd.");
        }
    }
}

/// Reports whether the setting to which the finding belongs still has an effect after the shipped file `name` is
/// copied. It has an effect if it is in a Match block, or in a file that sshd reads before the shipped file.
fn stays(finding: &Finding, name: &str, config: &Config) -> bool {
    let single = ["usepam-no", "prompts-off"].contains(&finding.id);
    let at = |line: &&Directive| line.place.to_string() == finding.place;
    config.directives.iter().find(at).is_some_and(|line| {
        let file = line.place.file.strip_prefix(FOLDER).map(|file| file.trim_start_matches('/'));
        line.block.is_some() || single && file.is_some_and(|file| file < name)
    })
}

/// Returns the name of the shipped sshd settings file for a stack of this kind; `None` if the stack would have findings
/// even with that file.
fn drop_in(table: &CaseTable) -> Option<&'static str> {
    let any =
        |wanted: &dyn Fn(&AssumedRole) -> bool| table.cast.iter().any(|line| wanted(&line.role));
    let probes =
        any(&|role| matches!(role, AssumedRole::Twinlock(args) if args.stand == Stand::Probe));
    let (name, reach) = if probes {
        ("10-twinlock-both.conf", Reach::EVERY)
    } else if any(&|role| matches!(role, AssumedRole::Proof(_))) {
        ("10-twinlock-password.conf", Reach { without_key: true, with_key: false })
    } else {
        ("10-twinlock-publickey.conf", Reach { without_key: false, with_key: true })
    };
    let usable = &covered(reach);
    let case = Case {
        table,
        file: "",
        service: SSH,
        reach,
        wanted: reach,
        credentials: Processes { apart: true, same: false },
        usable,
    };
    crate::judge::stack(&case).is_empty().then_some(name)
}
