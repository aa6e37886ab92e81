//! `twinlock man`: prints the manual page twinlock(1), which is generated from the help texts.

use std::io::Write;

use clap::{Arg, Command, CommandFactory};

use crate::{
    cli,
    error::exit::{CliError, Exit},
};

/// Synopsis and description of the manual page, in troff. clap's own synopsis lacks the value of `--config`.
const SYNOPSIS: &str = r#".SH SYNOPSIS
\fBtwinlock\fR [\fB\-\-config\fR \fIFILE\fR] [\fB\-\-json\fR] \fIVERB\fR [\fIOPTIONS\fR] [\fIARGUMENTS\fR]
.SH DESCRIPTION
\fBtwinlock\fR enrolls users for \fBpam_twinlock\fR(8), helps users who cannot log in, and checks the configuration.
Most verbs must be run as root.
"#;

/// The sections of the manual page that are not generated.
const REST: &str = include_str!("manual/sections.1");

/// Prints twinlock(1).
pub(crate) fn man() -> Result<(), CliError> {
    let command = cli::Command::command();
    let page = clap_mangen::Man::new(command.clone()).section("1");
    let mut text = Vec::new();
    let written = page
        .render_title(&mut text)
        .and_then(|()| page.render_name_section(&mut text))
        .and_then(|()| text.write_all(SYNOPSIS.as_bytes()))
        .and_then(|()| page.render_options_section(&mut text))
        .and_then(|()| text.write_all(verbs_section(&command).as_bytes()))
        .and_then(|()| text.write_all(REST.as_bytes()));
    written.and_then(|()| std::io::stdout().write_all(&text)).map_err(|error| failure(&error))
}

/// Returns the error for standard output that cannot be written.
pub(crate) fn failure(error: &std::io::Error) -> CliError {
    let what = format!("standard output cannot be written ({error})");
    CliError::new(Exit::Refused, what, "Send it to a file on a disk that has room.")
}

fn verbs_section(command: &Command) -> String {
    let mut text = String::from(".SH VERBS\n");
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let below: Vec<&Command> =
            verb.get_subcommands().filter(|below| !below.is_hide_set()).collect();
        if below.is_empty() || verb.get_positionals().next().is_some() {
            text.push_str(&section(verb.get_name(), verb));
        }
        for below in below {
            text.push_str(&section(&format!("{} {}", verb.get_name(), below.get_name()), below));
        }
    }
    text
}

fn section(name: &str, verb: &Command) -> String {
    let mut text = String::new();
    for heading in headings(name, verb) {
        text.push_str(&format!(".SS \"{}\"\n", roff(&heading)));
    }
    let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
    text.push_str(&format!("{}.\n", roff(&about)));
    let long = verb.get_long_about().map(ToString::to_string).unwrap_or_default();
    for paragraph in long.split("\n\n").skip(1) {
        text.push_str(&format!("{}\n", roff(paragraph)));
    }
    for alias in verb.get_visible_aliases() {
        text.push_str(&format!("Alias: \\fBtwinlock {}\\fR.\n", roff(alias)));
    }
    for argument in verb.get_arguments().filter(|argument| !argument.is_hide_set()) {
        text.push_str(&described(argument));
    }
    text
}

/// Returns the synopsis of the subcommand `name`, one line for each form of its arguments.
fn headings(name: &str, verb: &Command) -> Vec<String> {
    if let Some(usage) = verb.get_overridden_usage() {
        let ways = usage.to_string().replace("[OPTIONS] ", "").replace(['<', '>'], "");
        return ways.lines().map(|way| way.trim().trim_start_matches("or: ").into()).collect();
    }
    let mut heading = format!("twinlock {name}");
    for place in verb.get_positionals() {
        let value = place.get_id().as_str().to_uppercase();
        heading +=
            &if place.is_required_set() { format!(" {value}") } else { format!(" [{value}]") };
    }
    vec![heading]
}

fn described(argument: &Arg) -> String {
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let takes_values = argument.get_action().takes_values();
    let name = match argument.get_long() {
        Some(long) if takes_values => {
            let value = argument.get_value_names().and_then(|names| names.first());
            let value = value.map_or("VALUE", |value| value.as_str());
            format!("\\fB\\-\\-{}\\fR \\fI{value}\\fR", roff(long))
        }
        Some(long) => format!("\\fB\\-\\-{}\\fR", roff(long)),
        None => format!("\\fI{}\\fR", roff(&argument.get_id().as_str().to_uppercase())),
    };
    let usual = argument.get_default_values().iter().filter(|_| takes_values);
    let usual: String =
        usual.map(|value| format!(" [default: {}]", value.to_string_lossy())).collect();
    format!(".TP\n{name}\n{}{}\n", roff(&help), roff(&usual))
}

/// Escapes backslashes and hyphens for troff, and a dot or quotation mark at the start of the text.
fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_and_option_that_is_shown_has_its_place() {
        let command = cli::Command::command();
        let text = verbs_section(&command);
        for wanted in [
            "twinlock enroll [USER]",
            "twinlock status [USER]",
            "a user whom an administrator enrolls sees them at the first login.\n",
            "twinlock reset USER",
            "twinlock forget [USER] NUMBER",
            "twinlock forget [USER] \\-\\-all",
            "twinlock invite \\-\\-group GROUP \\-\\-until DATE",
            "Alias: \\fBtwinlock qr\\fR.",
            "1m to 24h [default: 1h]",
            "\\fB\\-\\-break\\-glass\\fR \\fIREASON\\fR",
            "twinlock settings check [FILE]",
            "\\fB\\-\\-secret\\-stdin\\fR",
            "\\fB\\-\\-png\\fR \\fIFILE\\fR",
        ] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
        assert!(!text.contains("completions"), "{text}");
    }

    #[test]
    fn completions_know_the_verbs() {
        let mut text = Vec::new();
        let shell = clap_complete::Shell::Bash;
        clap_complete::generate(shell, &mut cli::Command::command(), "twinlock", &mut text);
        assert!(String::from_utf8(text).unwrap().contains("enroll"));
    }
}
