//! A page of `docs/recipes`. Tests install, run and compare all its blocks, so that a page shows nothing that is not
//! tested.
//!
//! - A block below a line such as ``/etc/pam.d/openvpn`:` is the whole file. `, at the end:` adds to the file,
//!   `, in place of `LINE`:` replaces a line of it. `~/` is the home of root, who runs the tests' clients.
//! - A block `sh` is commands of root.
//! - A block `console` is what a terminal shows: `$ ` begins the command, brackets contain what is typed, and what
//!   follows `…` is left out.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use twinlock_tests::{Call, Machine, repository};

/// The code in the examples of the pages. Tests put a valid code in its place.
const EXAMPLE: &str = "051631";

/// A page. Tests take its blocks one by one; `taken` has the indexes of the blocks that were taken.
pub struct Page {
    name: String,
    text: String,
    blocks: Vec<Block>,
    taken: Mutex<BTreeSet<usize>>,
}

/// One fenced block.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// The heading above the block.
    section: String,
    kind: Kind,
    text: String,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// A file, and how the block changes it.
    File(String, Change),
    Commands,
    Console,
}

#[derive(Debug, PartialEq, Eq)]
enum Change {
    Whole,
    AtTheEnd,
    InPlaceOf(String),
}

impl Page {
    /// Reads a page of `docs/recipes`.
    #[track_caller]
    pub fn open(name: &str) -> Page {
        let file = repository().join("docs/recipes").join(format!("{name}.md"));
        let text = std::fs::read_to_string(&file);
        let text = text.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        Page::parse(name, &text).unwrap_or_else(|error| panic!("docs/recipes/{name}.md: {error}"))
    }

    /// Parses the text of a page.
    ///
    /// # Errors
    /// A sentence that names a block whose kind the tests do not know, so that they could not run or compare it.
    pub fn parse(name: &str, text: &str) -> Result<Page, String> {
        let (mut blocks, mut section, mut before) = (Vec::new(), String::new(), "");
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(heading) = line.strip_prefix("## ") {
                heading.clone_into(&mut section);
            } else if let Some(info) = line.trim_start().strip_prefix("```") {
                let kind = kind(info, before)?;
                let inside = lines.by_ref().take_while(|line| line.trim_start() != "```");
                let text = inside.map(|line| format!("{line}\n")).collect();
                blocks.push(Block { section: section.clone(), kind, text });
            }
            if !line.trim().is_empty() {
                before = line;
            }
        }
        let (name, text) = (name.to_owned(), text.to_owned());
        Ok(Page { name, text, blocks, taken: Mutex::default() })
    }

    /// Does what a section says, from top to bottom: writes its files and runs its commands. Returns what they print.
    #[track_caller]
    pub fn follow(&self, m: &Machine, section: &str) -> String {
        self.followed(m, section, |text| m.call(["sh", "-euc", text]))
    }

    /// Does what a section says, from top to bottom, in the folder `root` and without a login uid: writes its files and
    /// runs its commands. Returns what they print.
    #[track_caller]
    pub fn follow_in_chroot(&self, m: &Machine, section: &str, root: &str) -> String {
        self.followed(m, section, |text| {
            m.call(["chroot", root, "sh", "-euc", text]).without_a_login()
        })
    }

    #[track_caller]
    fn followed<'m>(
        &self,
        m: &'m Machine,
        section: &str,
        call: impl Fn(&str) -> Call<'m>,
    ) -> String {
        let mut said = String::new();
        for (at, block) in self.section(section) {
            match &block.kind {
                Kind::File(path, change) => change.apply(m, path, &block.text),
                Kind::Commands => said += call(&block.text).output().ok(),
                Kind::Console => continue,
            }
            self.taken().insert(at);
        }
        said
    }

    /// Returns the command in the console block of a section. The example of a code in it is replaced by `code`.
    #[track_caller]
    pub fn command(&self, section: &str, code: &str) -> String {
        let command = self.console(section).1.text.lines().find_map(|line| line.strip_prefix("$ "));
        command.expect("a console begins with a command").replace(EXAMPLE, code)
    }

    /// Returns a call of the command in the console block of a section, to be run on a terminal. `code` is as in
    /// [`Page::command`].
    #[track_caller]
    pub fn shown<'m>(&self, m: &'m Machine, section: &str, code: &str) -> Call<'m> {
        m.call(["sh", "-c", &self.command(section, code)])
    }

    /// Checks that a terminal has shown every line in the console block of a section, in this order.
    #[track_caller]
    pub fn compare(&self, section: &str, transcript: &str) {
        let (at, block) = self.console(section);
        let transcript = plain(transcript);
        let mut shown = transcript.lines();
        for line in block.text.lines().filter(|line| !line.starts_with("$ ")) {
            // A terminal may echo what is typed in place of the brackets.
            let (text, whole) = match line.split_once(['[', '…']) {
                Some((text, _)) => (plain(text), false),
                None => (plain(line), true),
            };
            let text = text.trim();
            let is_shown =
                |shown: &str| if whole { shown == text } else { shown.starts_with(text) };
            let found = shown.any(is_shown);
            assert!(found, "{}, {section}: not shown: {line}\n{transcript}", self.name);
        }
        self.taken().insert(at);
    }

    /// Checks that the page names the version of the package `package` with which this test runs, and the present
    /// release of Debian.
    #[track_caller]
    pub fn ran_with(&self, m: &Machine, package: &str) {
        let debs = format!("ls /root/unpacked-*/{package}_*.deb 2>/dev/null");
        let query = format!(
            "deb=$({debs}) && dpkg-deb --field $deb Version || dpkg-query --show --showformat='${{Version}}' {package}"
        );
        let found = m.run(["sh", "-c", &query]);
        let version = upstream(found.ok().trim());
        let debian = m.file("/etc/debian_version").read();
        let debian = debian.split('.').next().unwrap_or_default();
        for wanted in [format!("{package} {version}"), format!("Debian {debian}")] {
            assert!(self.text.contains(&wanted), "{} was not run with {wanted}", self.name);
        }
    }

    /// Checks that every block of the page was taken.
    ///
    /// # Errors
    /// The blocks that no test has taken.
    pub fn finish(&self) -> Result<(), String> {
        let taken = self.taken();
        let left = self.blocks.iter().enumerate().filter(|(at, _)| !taken.contains(at));
        let left: Vec<String> = left.map(|(_, block)| format!("{block:?}")).collect();
        if left.is_empty() { Ok(()) } else { Err(left.join("\n")) }
    }

    fn taken(&self) -> MutexGuard<'_, BTreeSet<usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[track_caller]
    fn section(&self, section: &str) -> Vec<(usize, &Block)> {
        let blocks = self.blocks.iter().enumerate();
        let found: Vec<_> = blocks.filter(|(_, block)| block.section == section).collect();
        assert!(!found.is_empty(), "{} shows nothing below `{section}`", self.name);
        found
    }

    #[track_caller]
    fn console(&self, section: &str) -> (usize, &Block) {
        let found = self.section(section);
        let mut consoles = found.into_iter().filter(|(_, block)| block.kind == Kind::Console);
        let only = consoles.next().expect("a console");
        assert!(consoles.next().is_none(), "{section} has two consoles");
        only
    }
}

impl Change {
    #[track_caller]
    fn apply(&self, m: &Machine, path: &str, text: &str) {
        let path = path.replacen("~/", "/root/", 1);
        let (folder, _) = path.rsplit_once('/').expect("an absolute path");
        m.run(["mkdir", "--parents", folder]).ok();
        let file = m.file(&path);
        match self {
            Change::Whole => {
                file.write(text);
            }
            Change::AtTheEnd => {
                file.append(text);
            }
            Change::InPlaceOf(old) => {
                let before = file.read();
                let is_old = |line: &&str| words(line) == words(old);
                assert_eq!(before.lines().filter(is_old).count(), 1, "{old} in:\n{before}");
                let line =
                    |line: &str| if is_old(&line) { text.to_owned() } else { format!("{line}\n") };
                file.write(before.lines().map(line).collect::<String>());
            }
        }
    }
}

/// Returns the kind of a block: `info` is the word after its fence, and `before` is the line above it.
fn kind(info: &str, before: &str) -> Result<Kind, String> {
    match info {
        "sh" => return Ok(Kind::Commands),
        "console" => return Ok(Kind::Console),
        _ => {}
    }
    let unknown = || format!("no test knows what to do with the block below: {before}");
    let named = before.strip_prefix('`').and_then(|rest| rest.split_once('`'));
    let (path, rest) = named.ok_or_else(unknown)?;
    let replaced = rest.strip_prefix(", in place of `").and_then(|line| line.strip_suffix("`:"));
    let change = match (rest, replaced) {
        (":", _) => Change::Whole,
        (", at the end:", _) => Change::AtTheEnd,
        (_, Some(line)) => Change::InPlaceOf(line.to_owned()),
        (_, None) => return Err(unknown()),
    };
    let is_path = path.starts_with('/') || path.starts_with("~/");
    if is_path { Ok(Kind::File(path.to_owned(), change)) } else { Err(unknown()) }
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// Returns a text without what varies between runs: each number is replaced by `9`, and blanks at both ends of lines
/// are removed.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.replace('\r', "").chars() {
        match c {
            '0'..='9' if out.ends_with('9') => {}
            '0'..='9' => out.push('9'),
            _ => out.push(c),
        }
    }
    out.lines().map(|line| format!("{}\n", line.trim())).collect()
}

/// Returns the upstream part of a version of Debian: `1.2` of `1:1.2+dfsg-3`.
fn upstream(version: &str) -> &str {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    let version = version.rsplit_once('-').map_or(version, |(before, _)| before);
    version.split('+').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Page, upstream};

    const PAGE: &str =
        "# A\n\n## Server\n\n`/etc/a`:\n```ini\na = 1\n```\nThen:\n\n```sh\ntrue\n```\n";

    #[test]
    fn page_with_a_block_left_is_refused() {
        let m = twinlock_tests::Machine::new();
        let more = format!("{PAGE}\n## Undo\n\n```sh\nrm /etc/a\n```\n");
        let page = Page::parse("a", &more).unwrap();
        page.follow(&m, "Server");
        assert_eq!(m.file("/etc/a").read(), "a = 1\n");
        assert!(page.finish().unwrap_err().contains("rm /etc/a"));
        page.follow(&m, "Undo");
        assert_eq!(page.finish(), Ok(()));
    }

    #[test]
    fn block_without_a_place_is_refused() {
        for (line, info) in [
            ("Some words:", "ini"),
            ("`etc/a`:", "ini"),
            ("`/etc/a`", "ini"),
            ("", ""),
            ("`/etc/a`, somewhere:", "ini"),
        ] {
            let text = format!("# A\n\n## B\n\n{line}\n```{info}\na\n```\n");
            assert!(Page::parse("a", &text).is_err(), "{line}");
        }
    }

    #[test]
    fn console_that_differs_is_refused() {
        let text = "## See\n\n```console\n$ true\nCode: [123456]\nDone in 5 s.\n```\n";
        let page = Page::parse("a", text).unwrap();
        page.compare("See", "x\r\nCode: \r\nDone in 17 s.\r\n");
        for wrong in
            ["Code: \nDone in 17 min.\n", "Done in 5 s.\nCode: \n", "Code: \nDone in 5 s. Not\n"]
        {
            assert!(std::panic::catch_unwind(|| page.compare("See", wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn upstream_version_is_cut_out() {
        for (version, cut) in
            [("1:9.2p1-2+deb12u7", "9.2p1"), ("3.2.1+dfsg-4", "3.2.1"), ("10", "10")]
        {
            assert_eq!(upstream(version), cut);
        }
    }
}
