//! Options with which an sshd is started: by a systemd unit, by a file of defaults, or in a running process.
use crate::pam::stack::LinePlace;

/// One sshd that runs or that a systemd unit starts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Instance {
    /// The options `-o`, `-f` and `-p` of this sshd, each followed by its value.
    pub options: Vec<String>,
    /// File and number of the line that sets the options; `None` if no such line is known.
    pub place: Option<LinePlace>,
}

/// Variables that contain options of sshd and that the systemd units of distributions use, and the file that sets each
/// variable.
pub const DEFAULTS: [(&str, &str); 3] = [
    ("SSHD_OPTS", "/etc/default/ssh"),
    ("OPTIONS", "/etc/sysconfig/sshd"),
    ("SSHD_OPTS", "/etc/conf.d/sshd"),
];

/// Folder that contains the command lines of running processes.
pub const PROCESSES: &str = "/proc/";

/// Letters of sshd's options that take a value.
const WITH_VALUE: &str = "bCcEfghkoptu";
/// Letters of sshd's options that can change what a user is asked for.
const KEPT: &str = "fop";

impl Instance {
    /// Reports whether this sshd is known only as a running process and its command line sets the port. No systemd
    /// socket then sets its ports.
    #[must_use]
    pub fn opens_its_port(&self) -> bool {
        let runs = self.place.as_ref().is_some_and(|place| place.file.starts_with(PROCESSES));
        runs && self.options.iter().step_by(2).any(|option| option == "-p")
    }

    /// Returns the value of the option `-f`: the path of the main configuration file. `None` if the option is not
    /// given.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        let mut pairs = self.options.chunks_exact(2);
        pairs.find_map(|pair| match pair {
            [option, value] if option == "-f" => Some(value.as_str()),
            _ => None,
        })
    }

    /// Returns the setting of each option `-o`: the keyword in lower case, and the value.
    pub fn settings(&self) -> impl Iterator<Item = (String, String)> {
        self.options.chunks_exact(2).filter_map(|pair| match pair {
            [option, value] if option == "-o" => {
                let (word, value) = value.split_once(['=', ' ']).unwrap_or((value, ""));
                Some((word.trim().to_ascii_lowercase(), value.trim().to_owned()))
            }
            _ => None,
        })
    }
}

/// Returns the options `-o`, `-f` and `-p`, each followed by its value. `words` is a command line of sshd without the
/// program.
#[must_use]
pub fn options(words: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some(letters) = word.strip_prefix('-') else { continue };
        for (at, letter) in letters.char_indices() {
            if !WITH_VALUE.contains(letter) {
                continue;
            }
            let rest = letters.get(at + letter.len_utf8()..).unwrap_or_default();
            let value = if rest.is_empty() { words.next().cloned() } else { Some(rest.to_owned()) };
            if let Some(value) = value.filter(|_| KEPT.contains(letter)) {
                kept.extend([format!("-{letter}"), value]);
            }
            break;
        }
    }
    kept
}

/// Splits a text into words at blanks. As in a shell, a part in quotes belongs to one word.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let (mut word, mut quote) = (None::<String>, None);
    for letter in text.chars() {
        match (quote, letter) {
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (Some(open), _) if open == letter => quote = None,
            (None, _) if letter.is_whitespace() => all.extend(word.take()),
            (_, _) => word.get_or_insert_default().push(letter),
        }
    }
    all.extend(word);
    all
}

/// Splits a text into lines, and joins each line that ends in a backslash with the next one. Returns each line with the
/// number, from 1, at which it begins. Comments are left out, also between joined lines.
#[must_use]
pub fn joined(text: &str) -> Vec<(usize, String)> {
    let mut all: Vec<(usize, String)> = Vec::new();
    let mut is_open = false;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with(['#', ';']) {
            continue;
        }
        let (part, goes_on) = line.strip_suffix('\\').map_or((line, false), |part| (part, true));
        match all.last_mut().filter(|_| is_open) {
            Some((_, text)) => {
                text.push(' ');
                text.push_str(part);
            }
            None => all.push((number, part.to_owned())),
        }
        is_open = goes_on;
    }
    all
}

/// Finds the last assignment to the variable `name` in a text. Returns the line number, from 1, and the words of the
/// value; `None` if there is no assignment.
#[must_use]
pub fn assigned(text: &str, name: &str) -> Option<(usize, Vec<String>)> {
    let of = |line: &str| {
        let value = line.trim_start().trim_start_matches("export ").strip_prefix(name)?;
        let value = value.strip_prefix('=')?;
        Some(words(&words(value).join(" ")))
    };
    joined(text).iter().filter_map(|(number, line)| Some((*number, of(line)?))).next_back()
}

/// Returns the command line of a listening sshd without the program; `None` if the process is not a listening sshd.
/// `command_line` is the content of /proc/PID/cmdline.
#[must_use]
pub fn listener(command_line: &str) -> Option<Vec<String>> {
    let title = command_line.trim_end_matches('\0');
    if let Some(title) = title.strip_prefix("sshd: ") {
        let (command, _) = title.split_once(" [listener]")?;
        // The title of the process contains the words joined by blanks. A value that contains blanks ends where the
        // next option begins.
        let mut joined: Vec<String> = Vec::new();
        for word in command.split(' ').skip(1) {
            let value = joined.last().is_some_and(|last| !last.starts_with('-'));
            match joined.last_mut().filter(|_| value && !word.starts_with('-')) {
                Some(last) => last.extend([" ", word]),
                None => joined.push(word.to_owned()),
            }
        }
        return Some(joined);
    }
    let mut words = title.split('\0');
    let program = words.next()?;
    let is_sshd = program == "sshd" || program.ends_with("/sshd");
    let rest: Vec<String> = words.map(str::to_owned).collect();
    (is_sshd && !rest.iter().any(|word| word == "-R")).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        options(&words(text))
    }

    #[test]
    fn options_that_change_what_is_asked_are_kept() {
        assert_eq!(
            of("-D -o UsePAM=no -ddp 2222 -f/etc/x"),
            ["-o", "UsePAM=no", "-p", "2222", "-f", "/etc/x"]
        );
        assert_eq!(of("-D -e -E /var/log/x -u0"), Vec::<String>::new());
        let instance = Instance { options: of("-f /etc/x '-oUsePAM no'"), place: None };
        assert_eq!(instance.file(), Some("/etc/x"));
        assert_eq!(instance.settings().collect::<Vec<_>>(), [("usepam".into(), "no".into())]);
    }

    #[test]
    fn defaults_units_and_processes() {
        let defaults = "# SSHD_OPTS=no\nSSHD_OPTS=\"-o 'AuthenticationMethods publickey'\"\n";
        let (line, words) = assigned(defaults, "SSHD_OPTS").unwrap();
        assert_eq!((line, words), (2, vec!["-o".into(), "AuthenticationMethods publickey".into()]));
        let (line, words) = assigned("OPTIONS=\"-4 \\\n -oUsePAM=no\"\n", "OPTIONS").unwrap();
        assert_eq!((line, words), (1, vec!["-4".into(), "-oUsePAM=no".into()]));
        assert_eq!(
            listener("sshd: /usr/sbin/sshd -D -o AuthenticationMethods publickey -p 22 [listener] 0 of 10-100 startups").unwrap(),
            ["-D", "-o", "AuthenticationMethods publickey", "-p", "22"]
        );
        assert_eq!(listener("sshd: ada [priv]"), None);
        assert_eq!(listener("/usr/sbin/sshd\0-D\0"), Some(vec!["-D".to_owned()]));
        assert_eq!(listener("bash\0"), None);
    }
}
