//! Loads the PAM files of a service into one flat list of lines for each type, as libpam does.
use std::io;

use crate::pam::control::{self, Actions, Control};
use crate::pam::libpam::Libpam;
use crate::pam::line::{ConfigLine, LineReader, field, fields, lines};
use crate::pam::stack::{
    DEEPEST, Facility, Handler, LinePlace, Service, StackError, StackKind, facility,
};

/// Access to the files of a machine, or of a test.
pub trait Files {
    /// Returns the text of a file.
    ///
    /// # Errors
    /// `NotFound` if the file does not exist, which is a normal case. Every other error ends the loading.
    fn text(&self, path: &str) -> io::Result<String>;
    /// Reports whether the path names a folder.
    fn is_folder(&self, path: &str) -> bool;
    /// Returns the folders in which libpam looks for the file of a service, in order of precedence.
    fn pam_folders(&self) -> Vec<&'static str> {
        FOLDERS.to_vec()
    }
    /// Returns the kind of the libpam that reads the files.
    fn libpam(&self) -> Libpam {
        Libpam::Unknown
    }
    /// Returns how the libpam that reads the files splits them into lines.
    fn line_reader(&self) -> LineReader {
        LineReader::default()
    }
}

/// Error for a file that exists and cannot be read.
#[derive(Debug)]
pub struct UnreadableError {
    /// Path of the file.
    pub path: String,
    /// Error of the attempt to read the file.
    pub error: io::Error,
}

impl core::fmt::Display for UnreadableError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.path, self.error)
    }
}

impl core::error::Error for UnreadableError {}

/// Folders in which libpam looks for the file of a service, in order of precedence. Every libpam uses the first two. A
/// libpam is built with at most one of the other two.
pub const FOLDERS: [&str; 4] =
    ["/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d", "/usr/share/pam.d"];
/// Maximum number of includes in the files of a service. Without this limit, a file that includes itself twice on each
/// of 15 levels would be read 32,768 times.
const FILES_MAX: usize = 500;
/// The file that libpam reads if none of its folders for services exists.
pub const SINGLE_FILE: &str = "/etc/pam.conf";
const DEFAULT_SERVICE: &str = "other";
/// Word at the start of a line that includes the lines of every type of another file. Only Debian's libpam knows it.
const AT_INCLUDE: &str = "@include";

/// Loads the PAM files of the service `service`. Faults that libpam itself would find are part of the returned
/// [`Service`].
///
/// # Errors
/// [`UnreadableError`] if a file exists and cannot be read.
pub fn load(files: &dyn Files, service: &str) -> Result<Service, UnreadableError> {
    let service = service.to_ascii_lowercase();
    let mut loader = Loader { files, service, included: 0, loaded: Service::default() };
    if files.pam_folders().iter().any(|folder| files.is_folder(folder)) {
        loader.folders()?;
    } else {
        loader.single_file()?;
    }
    Ok(loader.loaded)
}

/// Which lines of a file are read, and how deep the file is included. `service` is the service whose lines are read;
/// `None` for /etc/pam.conf, where each line names its service. `only` is the type of the lines to read; `None` for
/// every type. `depth` counts includes, and `level` counts substacks.
#[derive(Clone, Copy)]
struct ReadScope<'a> {
    service: Option<&'a str>,
    only: Option<Facility>,
    depth: usize,
    level: usize,
}

/// Result of reading one file. `Err(None)` means that libpam cannot use the file.
type Reading = Result<(), Option<UnreadableError>>;

struct Loader<'f> {
    files: &'f dyn Files,
    service: String,
    included: usize,
    loaded: Service,
}

impl Loader<'_> {
    fn folders(&mut self) -> Result<(), UnreadableError> {
        let mut found = false;
        for name in [self.service.clone(), DEFAULT_SERVICE.to_owned()] {
            if self.loaded.unusable.is_some() {
                return Ok(());
            }
            let Some((path, text)) = self.find(&name, usize::MAX)? else {
                continue;
            };
            found = true;
            if name == self.service {
                self.loaded.file = Some(path.clone());
            }
            let scope = ReadScope { service: Some(&name), only: None, depth: 0, level: 0 };
            settle(self.read(&path, &text, scope))?;
        }
        if !found {
            let file = format!("{}/{}", FOLDERS.first().unwrap_or(&""), self.service);
            self.give_up(
                LinePlace { file, line: 0 },
                "there is no file for this service or for `other`",
            );
        }
        Ok(())
    }

    fn single_file(&mut self) -> Result<(), UnreadableError> {
        let place = LinePlace { file: SINGLE_FILE.to_owned(), line: 0 };
        match self.open(SINGLE_FILE)? {
            Some(text) => {
                self.loaded.file = Some(SINGLE_FILE.to_owned());
                let scope = ReadScope { service: None, only: None, depth: 0, level: 0 };
                settle(self.read(SINGLE_FILE, &text, scope))
            }
            None => {
                self.give_up(place, "neither this file nor a folder pam.d exists");
                Ok(())
            }
        }
    }

    fn open(&self, path: &str) -> Result<Option<String>, UnreadableError> {
        match self.files.text(path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(UnreadableError { path: path.to_owned(), error }),
        }
    }

    /// Returns in how many of its folders libpam looks for included files. Debian's libpam before 1.6 uses only the
    /// first.
    fn folders_of_includes(&self) -> usize {
        let is_old = self.files.line_reader() == LineReader::Buffer;
        if is_old && self.files.libpam() == Libpam::Debian { 1 } else { usize::MAX }
    }

    fn find(&self, name: &str, most: usize) -> Result<Option<(String, String)>, UnreadableError> {
        let absolute = name.starts_with('/').then(|| name.to_owned());
        let paths = match absolute {
            Some(path) => vec![path],
            None => {
                let folders = self.files.pam_folders();
                folders.iter().take(most).map(|folder| format!("{folder}/{name}")).collect()
            }
        };
        for path in paths {
            if let Some(text) = self.open(&path)? {
                return Ok(Some((path, text)));
            }
        }
        Ok(None)
    }

    fn give_up(&mut self, place: LinePlace, what: &str) {
        self.loaded.unusable.get_or_insert(StackError { place, what: what.to_owned() });
    }

    fn read(&mut self, path: &str, text: &str, scope: ReadScope<'_>) -> Reading {
        let cut = lines(text, self.files.line_reader());
        for line in &cut.complete {
            self.line(path, line, scope)?;
        }
        match cut.cut {
            None => Ok(()),
            Some(number) => {
                let place = LinePlace { file: path.to_owned(), line: number };
                self.give_up_at_top(
                    place,
                    "the file ends inside a line that a backslash continues",
                    scope,
                );
                Err(None)
            }
        }
    }

    /// Records that libpam cannot use a file. If the file is that of the service itself, the service becomes unusable.
    /// If the file is included, records only a fault, and leaves it to the caller to treat the line that includes the
    /// file.
    fn give_up_at_top(&mut self, place: LinePlace, what: &str, scope: ReadScope<'_>) {
        if scope.depth == 0 {
            self.give_up(place, what);
        } else {
            self.fault(&place, what.to_owned());
        }
    }

    fn line(&mut self, path: &str, line: &ConfigLine, scope: ReadScope<'_>) -> Reading {
        let place = LinePlace { file: path.to_owned(), line: line.number };
        let mut rest = line.text.as_str();
        let mut first = String::new();
        if scope.service.is_none() {
            let Some((name, after)) = field(rest) else {
                return Ok(());
            };
            (first, rest) = (name, after);
        }
        let service = scope.service.unwrap_or(&first);
        let default = service.eq_ignore_ascii_case(DEFAULT_SERVICE);
        if !default && !service.eq_ignore_ascii_case(&self.service) {
            return Ok(());
        }
        let mut entry = LineContext { default, place, service, scope };
        if scope.service.is_none() {
            entry.scope.service = Some(service);
        }
        self.entry(&entry, rest)
    }

    fn entry(&mut self, entry: &LineContext<'_>, text: &str) -> Reading {
        let (kind, rest) = field(text).unwrap_or_default();
        let kind = kind.strip_prefix('-').unwrap_or(&kind);
        if kind.eq_ignore_ascii_case(AT_INCLUDE) && self.files.libpam() != Libpam::Original {
            return self.at_include(entry, rest);
        }
        let known = facility(kind);
        // libpam treats a line of an unknown type as `auth`.
        let facility = known.or(entry.scope.only).unwrap_or(Facility::Auth);
        if entry.scope.only.is_some_and(|only| only != facility) {
            return Ok(());
        }
        if known.is_none() {
            self.fault(&entry.place, unknown_type(kind, rest));
        }
        let (flag, rest) = field(rest).unwrap_or_default();
        let (target, rest) = field(rest).map_or((None, ""), |(word, rest)| (Some(word), rest));
        match control::parse(&flag) {
            Control::Include => self.include_at(entry, facility, 0, target.as_deref())?,
            Control::Substack => {
                self.add(entry, facility, StackKind::Substack, Actions::bad());
                self.include_at(entry, facility, 1, target.as_deref())?;
            }
            Control::Actions(actions) => {
                let kind = self.module(entry, target, rest);
                let kind = known.map_or(StackKind::Broken, |_| kind);
                self.add(entry, facility, kind, *actions);
            }
            Control::UnreadableError(why) => {
                self.fault(
                    &entry.place,
                    format!("the control field `[{flag}]` cannot be read: {why}"),
                );
                let kind = self.module(entry, target, rest);
                self.add(entry, facility, kind, Actions::bad());
            }
        }
        Ok(())
    }

    fn module(&mut self, entry: &LineContext<'_>, path: Option<String>, args: &str) -> StackKind {
        let Some(path) = path else {
            self.fault(&entry.place, "the module is missing".to_owned());
            return StackKind::Broken;
        };
        StackKind::Module { path, args: fields(args) }
    }

    fn include_at(
        &mut self,
        entry: &LineContext<'_>,
        facility: Facility,
        deeper: usize,
        target: Option<&str>,
    ) -> Reading {
        let scope = ReadScope {
            service: Some(entry.service),
            only: Some(facility),
            depth: entry.scope.depth + 1,
            level: entry.scope.level + deeper,
        };
        if !self.include_file(entry, target, scope)? {
            self.add(entry, facility, StackKind::Broken, Actions::bad());
        }
        Ok(())
    }

    /// Reads the file that a line `@include FILE` of Debian names. Lines of every type are read. If the file is
    /// missing, the service becomes unusable.
    fn at_include(&mut self, entry: &LineContext<'_>, rest: &str) -> Reading {
        let target = field(rest).map(|(word, _)| word);
        let scope =
            ReadScope { depth: entry.scope.depth + 1, service: Some(entry.service), ..entry.scope };
        if self.include_file(entry, target.as_deref(), scope)? {
            return Ok(());
        }
        match entry.scope.only {
            Some(facility) => self.add(entry, facility, StackKind::Broken, Actions::bad()),
            None => {
                let what = format!("`@include {}` cannot be followed", target.unwrap_or_default());
                self.give_up(entry.place.clone(), &what);
                return Err(None);
            }
        }
        Ok(())
    }

    /// Reads the included file `target`. Returns whether the file exists and libpam can use it.
    fn include_file(
        &mut self,
        entry: &LineContext<'_>,
        target: Option<&str>,
        scope: ReadScope<'_>,
    ) -> Result<bool, Option<UnreadableError>> {
        self.included += 1;
        if self.included > FILES_MAX {
            self.give_up(entry.place.clone(), "the files include each other in a loop");
            return Ok(false);
        }
        let found = match target {
            Some(name) if scope.depth <= DEEPEST && scope.level <= DEEPEST => {
                self.find(name, self.folders_of_includes()).map_err(Some)?
            }
            Some(_) | None => None,
        };
        let Some((path, text)) = found else {
            let name = target.unwrap_or_default();
            self.fault(
                &entry.place,
                format!("the file `{name}` does not exist, or includes itself"),
            );
            return Ok(false);
        };
        match self.read(&path, &text, scope) {
            Ok(()) => Ok(true),
            Err(None) => Ok(false),
            Err(unreadable) => Err(unreadable),
        }
    }

    fn add(
        &mut self,
        entry: &LineContext<'_>,
        facility: Facility,
        kind: StackKind,
        actions: Actions,
    ) {
        let stacks = if entry.default { &mut self.loaded.other } else { &mut self.loaded.own };
        stacks.entry(facility).or_default().push(Handler {
            kind,
            actions,
            level: entry.scope.level,
            place: entry.place.clone(),
        });
    }

    fn fault(&mut self, place: &LinePlace, what: String) {
        self.loaded.faults.push(StackError { place: place.clone(), what });
    }
}

/// Returns what is wrong with a line of an unknown type. `rest` is the text after the type.
fn unknown_type(kind: &str, rest: &str) -> String {
    if kind.eq_ignore_ascii_case(AT_INCLUDE) {
        let file = field(rest).map(|(word, _)| word).unwrap_or_default();
        return format!(
            "only Debian's libpam knows `@include`; elsewhere it is `auth include {file}`"
        );
    }
    format!("`{kind}` is not auth, account, password or session")
}

struct LineContext<'a> {
    default: bool,
    place: LinePlace,
    service: &'a str,
    scope: ReadScope<'a>,
}

fn settle(reading: Reading) -> Result<(), UnreadableError> {
    match reading {
        Ok(()) | Err(None) => Ok(()),
        Err(Some(unreadable)) => Err(unreadable),
    }
}

#[cfg(test)]
pub(crate) mod tests;
