//! Finds the command by which a systemd unit starts sshd, with the values of its variables.
use std::collections::BTreeMap;

use crate::machine::ExaminedMachine;
use crate::machine::unit_text::{UnitSetting, instance_name};
use crate::pam::load::Files;
use crate::pam::stack::LinePlace;
use crate::sshd::command_line::{self, Instance, joined, words};
use crate::sshd::config::Patterns;

/// A word of a command, and the place that sets it.
struct PlacedWord {
    text: String,
    place: LinePlace,
}

/// Maximum length in bytes at which a word with variables is still extended.
const WORD_MAX: usize = 1 << 16;

/// The variables of a unit: the value of each, and the place that sets it.
type Variables = BTreeMap<String, (String, LinePlace)>;

impl ExaminedMachine {
    /// Returns the sshd that the systemd unit `name` starts. `None` if there is no such unit, or if the unit starts
    /// another program.
    pub(super) fn unit(&self, name: &str) -> Option<Instance> {
        let settings = self.unit_settings(name);
        let variables = self.variables(name, &settings);
        let starts = in_force(&settings, "ExecStart");
        starts.iter().rev().find_map(|start| self.started(name, start, &variables))
    }

    /// Returns the sshd that the line `ExecStart` of the unit `name` starts; `None` if it starts another program.
    fn started(&self, name: &str, start: &UnitSetting, variables: &Variables) -> Option<Instance> {
        if name.contains("@.") && ["%i", "%I"].iter().any(|one| start.value.contains(one)) {
            // systemd starts instances of a template only, and their names are not known here.
            return None;
        }
        let value = specified(&start.value, name);
        let command = value.trim_start_matches(['-', '@', ':', '+', '!', '|', ' ']);
        let command = after_program(words(command))?;
        let known = |word: &String| variable(word).is_none_or(|one| variables.contains_key(one));
        let is_known = command.iter().all(known);
        let mut all = expanded(&command, &start.place, variables);
        if !is_known && let Some(more) = self.defaults() {
            let place = more.place.clone().unwrap_or(start.place.clone());
            let placed = |text: String| PlacedWord { text, place: place.clone() };
            all.extend(more.options.into_iter().map(placed));
        }
        let texts: Vec<String> = all.iter().map(|word| word.text.clone()).collect();
        let options = command_line::options(&texts);
        // The place of the first option that is not in the line itself, because findings name one place.
        let set = all.iter().find(|word| word.place != start.place && options.contains(&word.text));
        let place = set.map_or(&start.place, |word| &word.place).clone();
        Some(Instance { options, place: Some(place) })
    }

    /// Returns the variables of a unit. Files with variables win over the lines `Environment`.
    fn variables(&self, name: &str, settings: &[UnitSetting]) -> Variables {
        let mut found = Variables::new();
        for line in in_force(settings, "Environment") {
            for word in words(&specified(&line.value, name)) {
                if let Some((name, value)) = word.split_once('=') {
                    found.insert(name.to_owned(), (value.to_owned(), line.place.clone()));
                }
            }
        }
        for line in in_force(settings, "EnvironmentFile") {
            let pattern = specified(&line.value, name);
            let pattern = pattern.trim_start_matches('-').trim_matches('"');
            for file in self.matching(pattern).unwrap_or_default() {
                found.extend(of_file(&self.text(&file).unwrap_or_default(), &file));
            }
        }
        found
    }
}

/// Returns the variables that a file of lines `NAME=VALUE` sets.
fn of_file(text: &str, file: &str) -> Variables {
    let of = |(line, text): (usize, String)| {
        let (name, value) = text.trim().split_once('=')?;
        let place = LinePlace { file: file.to_owned(), line };
        Some((name.trim().to_owned(), (words(value).join(" "), place)))
    };
    joined(text).into_iter().filter_map(of).collect()
}

/// Returns the settings with this key after the last one whose value is empty. An empty value removes all earlier ones.
pub(super) fn in_force<'a>(settings: &'a [UnitSetting], key: &str) -> Vec<&'a UnitSetting> {
    let of_key: Vec<&UnitSetting> = settings.iter().filter(|one| one.key == key).collect();
    let reset = of_key.iter().rposition(|one| one.value.is_empty()).map_or(0, |at| at + 1);
    of_key.get(reset..).unwrap_or_default().to_vec()
}

/// Replaces the specifiers of systemd that depend on the name of the unit: `%i` and `%I` by the name of the instance,
/// `%n` by the whole name, and `%%` by a percent sign.
fn specified(value: &str, name: &str) -> String {
    let instance = instance_name(name);
    let mut text = String::new();
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match (letter, letters.clone().next()) {
            ('%', Some(kind @ ('i' | 'I' | 'n' | '%'))) => {
                letters.next();
                text.push_str(match kind {
                    'n' => name,
                    '%' => "%",
                    _ => instance,
                });
            }
            _ => text.push(letter),
        }
    }
    text
}

/// Returns the words of a command after the program sshd, which a shell or another program may start. `None` if no word
/// names sshd.
pub(super) fn after_program(command: Vec<String>) -> Option<Vec<String>> {
    let at = command.iter().position(|word| word.split_whitespace().any(is_sshd))?;
    let mut rest = command.into_iter().skip(at);
    let first = rest.next()?;
    // A shell has the whole command in one word.
    let inner: Vec<String> = match is_sshd(&first) {
        true => Vec::new(),
        false => words(&first).into_iter().skip_while(|word| !is_sshd(word)).skip(1).collect(),
    };
    Some(inner.into_iter().chain(rest).collect())
}

/// Reports whether a word names the program sshd. A second sshd is often started by a link such as `sshd-admin`.
fn is_sshd(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or_default();
    let helper = ["keygen", "session", "auth", "unix-local"].iter().any(|one| name.contains(one));
    let is_plain = !name.contains(|letter: char| letter == '.' || letter.is_whitespace());
    is_plain && !helper && (name.starts_with("sshd") || name.ends_with("sshd"))
}

/// Returns the name of the variable that is the whole word: `$NAME` or `${NAME}`.
fn variable(word: &str) -> Option<&str> {
    let name = word.strip_prefix('$')?;
    Some(name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name))
}

/// Replaces variables by their values, as systemd does: `$NAME` as a word of its own by the words of the value, and
/// `${NAME}` by the value as part of a word. A variable without a value is left out.
fn expanded(command: &[String], place: &LinePlace, variables: &Variables) -> Vec<PlacedWord> {
    let mut all = Vec::new();
    for word in command {
        let bare = word.strip_prefix('$').filter(|name| !name.starts_with(['{', '$']));
        match bare.map(|name| variables.get(name)) {
            Some(Some((value, place))) => all.extend(
                words(value).into_iter().map(|text| PlacedWord { text, place: place.clone() }),
            ),
            Some(None) => (),
            None => all.push(substituted(word, place, variables)),
        }
    }
    all
}

/// Replaces each `${NAME}` in the word by the value of the variable. A result longer than [`WORD_MAX`] is cut.
fn substituted(word: &str, place: &LinePlace, variables: &Variables) -> PlacedWord {
    let mut whole = PlacedWord { text: String::new(), place: place.clone() };
    let mut rest = word;
    while let Some((before, after)) = rest.split_once("${") {
        whole.text.push_str(before);
        let Some((name, end)) = after.split_once('}').filter(|_| whole.text.len() < WORD_MAX)
        else {
            return whole;
        };
        if let Some((value, at)) = variables.get(name) {
            whole.text.push_str(value);
            whole.place.clone_from(at);
        }
        rest = end;
    }
    whole.text.push_str(rest);
    whole
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const OPEN: [&str; 2] = ["-o", "AuthenticationMethods=publickey"];

    /// Returns the options of the sshd that `name` starts on a host with these files below /etc/systemd/system, or with
    /// an absolute path.
    fn options(name: &str, files: &[(&str, &str)]) -> Option<Vec<String>> {
        let tree = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = match path.strip_prefix('/') {
                Some(path) => tree.path().join(path),
                None => tree.path().join("etc/systemd/system").join(path),
            };
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        ExaminedMachine::new(tree.path().to_owned(), None).unit(name).map(|one| one.options)
    }

    const UNIT: &str =
        "[Service]\nEnvironmentFile=-/etc/default/ssh\nExecStart=/usr/sbin/sshd -D $SSHD_OPTS\n";
    const MAIN: (&str, &str) = ("/usr/lib/systemd/system/ssh.service", UNIT);

    #[test]
    fn command_may_be_written_in_many_ways() {
        for start in [
            "/usr/sbin/sshd -D -o AuthenticationMethods=publickey",
            "/usr/sbin/sshd -D \\\n  -o \\\n# the old clients\n AuthenticationMethods=publickey",
            "/bin/sh -c 'exec /usr/sbin/sshd -D -o AuthenticationMethods=publickey'",
            "/usr/bin/env sshd -D -o AuthenticationMethods=publickey",
            "/usr/bin/ip vrf exec mgmt /usr/sbin/sshd -D -o AuthenticationMethods=publickey",
            "-/usr/local/sbin/sshd-admin -D \"-oAuthenticationMethods=publickey\"",
            "@/usr/sbin/sshd sshd -D -oAuthenticationMethods=publickey",
        ] {
            let text = format!("[Service]\nExecStart=\nExecStart={start}\n");
            let found = options("ssh.service", &[MAIN, ("ssh.service.d/a.conf", &text)]);
            assert_eq!(found.unwrap(), OPEN, "{start}");
        }
        for start in ["/usr/bin/ssh-keygen -A", "/usr/lib/openssh/sshd-keygen", "/bin/true"] {
            assert_eq!(options("x.service", &[("x.service", &format!("ExecStart={start}"))]), None);
        }
    }

    #[test]
    fn variables_come_from_lines_and_files() {
        let file =
            ("/etc/ssh/opts", "# x\nSSHD_OPTS=\"-4 \\\n-o AuthenticationMethods=publickey\"\n");
        let default = ("/etc/default/ssh", "SSHD_OPTS=-oAuthenticationMethods=publickey\n");
        for (more, file) in [
            ("Environment=SSHD_OPTS=-oAuthenticationMethods=publickey", None),
            ("Environment=A=b \"SSHD_OPTS=-o AuthenticationMethods=publickey\"", None),
            ("EnvironmentFile=/etc/ssh/opts", Some(file)),
            ("EnvironmentFile=/etc/ssh/op*", Some(file)),
            ("Environment=SSHD_OPTS=-4", Some(default)),
            ("ExecStart=\nExecStart=/usr/sbin/sshd ${SSHD_OPTS}", Some(default)),
            ("ExecStart=\nExecStart=/usr/sbin/sshd $NOT_SET", Some(default)),
            (
                "ExecStart=\nExecStart=/usr/sbin/sshd -o ${M}=publickey\nEnvironment=M=AuthenticationMethods",
                None,
            ),
        ] {
            let drop_in = ("ssh.service.d/a.conf", more);
            let files: Vec<_> = [MAIN, drop_in].into_iter().chain(file).collect();
            assert_eq!(options("ssh.service", &files).unwrap(), OPEN, "{more}");
        }
        let reset = ("ssh.service.d/a.conf", "EnvironmentFile=\nEnvironment=SSHD_OPTS=-4\n");
        assert!(options("ssh.service", &[MAIN, reset, default]).unwrap().is_empty());
    }

    #[test]
    fn drop_ins_of_instances_and_of_every_folder_count() {
        let open = "ExecStart=\nExecStart=/usr/sbin/sshd -oAuthenticationMethods=publickey\n";
        let shut = "ExecStart=\nExecStart=/usr/sbin/sshd -D\n";
        for (name, files) in [
            ("sshd@red.service", [("sshd@.service", shut), ("sshd@red.service.d/a.conf", open)]),
            ("sshd@red.service", [("sshd@.service", shut), ("sshd@.service.d/a.conf", open)]),
            ("sshd@red.service", [("sshd@.service", shut), ("sshd@red.service", open)]),
            ("ssh.service", [MAIN, ("service.d/a.conf", open)]),
            (
                "ssh.service",
                [
                    ("ssh.service.d/2.conf", open),
                    ("/run/systemd/system/ssh.service.d/1.conf", shut),
                ],
            ),
            ("x.service", [("multi-user.target.wants/x.service", open), MAIN]),
        ] {
            let all: Vec<_> = files.into_iter().chain([MAIN]).collect();
            assert_eq!(options(name, &all).unwrap(), OPEN, "{files:?}");
        }
        let of = [("sshd@.service", "ExecStart=/usr/sbin/sshd -f /etc/ssh/%i.conf -p 100%%\n")];
        let expected = ["-f", "/etc/ssh/red.conf", "-p", "100%"];
        assert_eq!(options("sshd@red.service", &of).unwrap(), expected);
        assert_eq!(options("sshd@.service", &of), None);
    }
}
