//! Finds each sshd that inetd or xinetd starts, with its options.
use crate::machine::ExaminedMachine;
use crate::machine::unit_command::after_program;
use crate::pam::load::Files;
use crate::pam::stack::LinePlace;
use crate::sshd::command_line::{self, Instance};
use crate::sshd::config::Patterns;

/// Patterns of the files that inetd reads.
const INETD: [&str; 2] = ["/etc/inetd.conf", "/etc/inetd.d/*"];
/// Patterns of the files that xinetd reads.
const XINETD: [&str; 2] = ["/etc/xinetd.conf", "/etc/xinetd.d/*"];
/// Index of the program in a line of inetd.conf, counted from 0.
const PROGRAM: usize = 5;

impl ExaminedMachine {
    /// Returns each sshd that the files of inetd and xinetd start. Whether inetd or xinetd itself runs is not checked.
    pub(super) fn super_servers(&self) -> Vec<Instance> {
        let read = |patterns: &[&str], of: &dyn Fn(&str, &str) -> Vec<Instance>| {
            let files = patterns.iter().flat_map(|one| self.matching(one).unwrap_or_default());
            let texts = files.map(|file| (self.text(&file).unwrap_or_default(), file));
            texts.flat_map(|(text, file)| of(&text, &file)).collect::<Vec<_>>()
        };
        [read(&INETD, &of_inetd), read(&XINETD, &of_xinetd)].concat()
    }
}

fn of_inetd(text: &str, file: &str) -> Vec<Instance> {
    let of = |(number, line): (usize, &str)| {
        let line = line.trim_start();
        let words = line.split_whitespace().skip(PROGRAM).map(str::to_owned).collect();
        let place = LinePlace { file: file.to_owned(), line: number };
        (!line.starts_with('#')).then(|| instance(words, place)).flatten()
    };
    (1..).zip(text.lines()).filter_map(of).collect()
}

fn of_xinetd(text: &str, file: &str) -> Vec<Instance> {
    let name = file.rsplit('/').next().unwrap_or_default();
    // xinetd itself skips such names in a folder.
    if file.starts_with("/etc/xinetd.d/") && (name.contains('.') || name.ends_with('~')) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut entry = XinetdEntry::default();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.starts_with('}') {
            let place = LinePlace { file: file.to_owned(), line: entry.line };
            let words = entry.program.into_iter().chain(entry.arguments).collect();
            found.extend(instance(words, place).filter(|_| !entry.is_disabled));
            entry = XinetdEntry::default();
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let key = key.trim_end_matches(['+', '-', ' ', '\t']);
        let mut values = value.split_whitespace().map(str::to_owned);
        match key {
            "server" => (entry.program, entry.line) = (values.next(), number),
            "server_args" => (entry.arguments, entry.line) = (values.collect(), number),
            "disable" => entry.is_disabled = values.next().as_deref() == Some("yes"),
            _ => (),
        }
    }
    found
}

/// The settings of one service of xinetd.
#[derive(Default)]
struct XinetdEntry {
    program: Option<String>,
    arguments: Vec<String>,
    is_disabled: bool,
    /// Number of the line that sets the program or its arguments, from 1.
    line: usize,
}

fn instance(command: Vec<String>, place: LinePlace) -> Option<Instance> {
    let words = after_program(command)?;
    Some(Instance { options: command_line::options(&words), place: Some(place) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: &str = "-oAuthenticationMethods=publickey";

    #[test]
    fn options_of_sshd_are_read_from_lines_of_inetd() {
        for (line, expected) in [
            ("ssh stream tcp nowait root /usr/sbin/sshd sshd -i -oA=b", 1),
            ("2222 stream tcp6 nowait root.root /usr/sbin/tcpd /usr/sbin/sshd -i -oA=b", 1),
            ("#ssh stream tcp nowait root /usr/sbin/sshd sshd -i -oA=b", 0),
            ("ftp stream tcp nowait root /usr/sbin/ftpd ftpd", 0),
            ("", 0),
        ] {
            let found = of_inetd(line, "/etc/inetd.conf");
            assert_eq!(found.len(), expected, "{line}");
            assert!(found.iter().all(|one| one.options == ["-o", "A=b"]), "{line}");
        }
    }

    #[test]
    fn options_of_sshd_are_read_from_entries_of_xinetd() {
        let text = |disable: &str| {
            format!(
                "service ssh\n{{\n  server\t= /usr/sbin/sshd\n  server_args = -i {OPEN}\n  disable = {disable}\n}}\n"
            )
        };
        let found = of_xinetd(&text("no"), "/etc/xinetd.d/ssh");
        assert_eq!(found.first().unwrap().options, ["-o", "AuthenticationMethods=publickey"]);
        assert!(of_xinetd(&text("yes"), "/etc/xinetd.d/ssh").is_empty());
        assert!(of_xinetd(&text("no"), "/etc/xinetd.d/ssh.old").is_empty());
        assert_eq!(of_xinetd(&text("no"), "/etc/xinetd.conf").len(), 1);
    }
}
