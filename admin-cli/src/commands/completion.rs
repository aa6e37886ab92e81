//! `twinlock completions SHELL`: prints clap's completion script, without hidden subcommands, and with additional
//! completion of the host's users and groups.

use std::io::Write;

use clap::{Arg, Command, CommandFactory, ValueHint};
use clap_complete::Shell;

use crate::{cli, error::exit::CliError};

/// Ids of the arguments whose values are user names.
const USERS: [&str; 2] = ["user", "users"];
/// Id of the argument whose value is a group name.
const GROUP: &str = "group";

/// Prints the completion script for a shell.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other case is treated the same")]
pub(crate) fn run(shell: Shell) -> Result<(), CliError> {
    let mut command = shown(&cli::Command::command());
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, "twinlock", &mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    let text = match shell {
        Shell::Bash => format!("{}\n{}", without_registration(&text), bash(&command)),
        Shell::Zsh => zsh(&text),
        Shell::Fish => format!("{text}{}", fish(&command)),
        _ => text,
    };
    std::io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| crate::commands::manual::failure(&error))
}

/// Returns a copy of the command without hidden subcommands, and with a hint at each argument that is a user name.
fn shown(command: &Command) -> Command {
    // clap requires `'static` names. Leaking them is harmless, because the process ends after it has printed the
    // script.
    let lasting = |text: &str| -> &'static str { text.to_owned().leak() };
    let mut copy = Command::new(lasting(command.get_name()));
    if let Some(about) = command.get_about() {
        copy = copy.about(about.clone());
    }
    if let Some(version) = command.get_version() {
        copy = copy.version(lasting(version));
    }
    let hinted = |arg: &Arg| match is_user(arg) {
        true => arg.clone().value_hint(ValueHint::Username),
        false => arg.clone(),
    };
    copy = copy.args(command.get_arguments().map(hinted));
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set());
    copy.subcommands(verbs.map(shown))
}

fn is_user(arg: &Arg) -> bool {
    USERS.contains(&arg.get_id().as_str())
}

/// Returns each subcommand that takes a user name, as words such as `import uri`.
fn verbs_of_users(command: &Command) -> Vec<String> {
    let mut found = Vec::new();
    for verb in command.get_subcommands() {
        if verb.get_arguments().any(is_user) {
            found.push(verb.get_name().to_owned());
        }
        let below = verb.get_subcommands().filter(|below| below.get_arguments().any(is_user));
        found.extend(below.map(|below| format!("{} {}", verb.get_name(), below.get_name())));
    }
    found
}

/// Returns clap's bash script with its function renamed to `_twinlock_verbs`, and without the line that registers the
/// function. [`bash`] adds and registers another function, which calls `_twinlock_verbs`.
fn without_registration(text: &str) -> String {
    let end = text.find("\nif [[ \"${BASH_VERSINFO").unwrap_or(text.len());
    text.get(..end).unwrap_or(text).replace("_twinlock() {", "_twinlock_verbs() {")
}

fn bash(command: &Command) -> String {
    let verbs: Vec<String> =
        verbs_of_users(command).iter().map(|verb| format!("'{verb}'")).collect();
    format!(
        r#"
_twinlock() {{
    local cur="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" word verb="" kept=()
    case "$before" in
        --group) COMPREPLY=( $(compgen -g -- "$cur") ); return 0 ;;
        --user) COMPREPLY=( $(compgen -u -- "$cur") ); return 0 ;;
    esac
    _twinlock_verbs "$@"
    for word in "${{COMPREPLY[@]}}"; do
        case "$word" in "<"*|"["*) ;; *) kept+=( "$word" ) ;; esac
    done
    COMPREPLY=( "${{kept[@]}}" )
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$word" in -*) ;; *) verb="$verb $word" ;; esac
    done
    case "$cur" in -*) return 0 ;; esac
    for word in {verbs}; do
        case "$verb" in
            " $word"|" $word "*) COMPREPLY+=( $(compgen -u -- "$cur") ); return 0 ;;
        esac
    done
}}
complete -F _twinlock -o bashdefault -o default twinlock
"#,
        verbs = verbs.join(" ")
    )
}

/// Returns clap's zsh script with completion of group and user names, for which clap has no hints.
fn zsh(text: &str) -> String {
    text.replace(":GROUP:_default", ":GROUP:_groups").replace(":USER:_default", ":USER:_users")
}

fn fish(command: &Command) -> String {
    let mut text = String::new();
    for verb in command.get_subcommands() {
        let name = verb.get_name();
        let here = format!("__fish_seen_subcommand_from {name}");
        if verb.get_arguments().any(is_user) {
            text.push_str(&format!(
                "complete -c twinlock -n '{here}' -f -a '(__fish_complete_users)'\n"
            ));
        }
        if verb.get_arguments().any(|arg| arg.get_id() == GROUP) {
            text.push_str(&format!(
                "complete -c twinlock -n '{here}' -l group -r -f -a '(__fish_complete_groups)'\n"
            ));
        }
    }
    text
}
