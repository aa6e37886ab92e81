//! Arranges the files of a .deb package and runs dpkg-deb.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::build::Artefacts;
use crate::command::{Done, command, output, run};
use crate::machine::{multiarch, repository};
use crate::manual;
use crate::package::files::{emptied, files, name, put, removed, text};
use crate::package::{Release, changelog, install};

const DOCUMENTS: &str = "usr/share/doc/twinlock";
const RECIPES: &str = "usr/share/doc/twinlock/recipes";
/// Files that an administrator may change. An upgrade of the package keeps such a file.
const CONFFILES: &str = "/etc/pam.d/twinlock\n/etc/twinlock/twinlock.toml\n";
const DESCRIPTION: &str = "\
Description: second lock on logins: codes from an authenticator app
 A PAM module asks for a one-time code (TOTP, RFC 6238) behind a public key or a
 password in sshd, sudo, su and login. The command twinlock enrolls users,
 resets them and finds settings with which the code is never asked for.
 .
 Installing it changes no login: PAM is wired by the administrator.
";

/// A folder that contains the files of a package at the paths at which they will be installed.
pub(crate) struct Layout {
    folder: PathBuf,
    root: PathBuf,
    maintainer: String,
    architecture: String,
    /// The packages that contain the libraries of module and command, in the form of the field Depends.
    depends: String,
}

impl Layout {
    /// Creates a folder below `folder`, and copies the files into it that are the same for every release.
    pub(crate) fn new(folder: &Path, artefacts: &Artefacts, maintainer: String) -> Done<Self> {
        let architecture = output(&mut command("dpkg", &["--print-architecture"]))?;
        let architecture = architecture.trim().to_owned();
        let root = folder.join("root");
        let depends = String::new();
        let mut layout =
            Self { folder: folder.to_owned(), root, maintainer, architecture, depends };
        emptied(&layout.root)?;
        layout.install(artefacts)?;
        layout.documents()?;
        layout.depends = layout.needed()?;
        Ok(layout)
    }

    /// Removes the folder with the arranged files.
    pub(crate) fn discard(self) -> Done {
        removed(&self.root)?;
        removed(&self.folder.join("debian"))
    }

    /// Builds the .deb for a release and returns its path. `None` if module and command need a newer libc than the
    /// release contains.
    pub(crate) fn pack(&self, release: &Release, version: &str) -> Done<Option<PathBuf>> {
        if let Some(libc) = needed_libc(&self.depends)
            && is_older(release.libc, libc)
        {
            eprintln!(
                "{}: not built. This machine's libc makes programs that need libc6 {libc}; {} has {}.",
                release.suite, release.name, release.libc
            );
            return Ok(None);
        }
        let version = format!("{version}{}", release.suffix);
        self.changes(release)?;
        self.control(&version)?;
        // The modes of the files must not depend on the umask of the builder.
        run(command("chmod", &["--recursive", "u=rwX,go=rX"]).arg(&self.root))?;
        let deb = self.folder.join(format!("twinlock_{version}_{}.deb", self.architecture));
        let mut packer =
            command("dpkg-deb", &["--root-owner-group", "--uniform-compression", "--build"]);
        run(packer.arg(&self.root).arg(&deb).env("SOURCE_DATE_EPOCH", install::made_at()))?;
        Ok(Some(deb))
    }

    fn install(&self, artefacts: &Artefacts) -> Done {
        let security = format!("/usr/lib/{}/security", multiarch()?);
        install::to(&self.root, artefacts, &security, "/usr/share/zsh/vendor-completions", "")?;
        manual::shown_without_warning(&self.root.join("usr/share/man/man1/twinlock.1.gz"))
    }

    /// Renames and compresses the documents as Debian's policy requires.
    fn documents(&self) -> Done {
        let documents = self.root.join(DOCUMENTS);
        for elsewhere in ["CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"] {
            fs::remove_file(documents.join(elsewhere))
                .map_err(|error| format!("{elsewhere} is not in the package: {error}."))?;
        }
        self.place("packaging/debian/copyright", &format!("{DOCUMENTS}/copyright"), 0o644)?;
        let readme = documents.join("README.md");
        put(&readme, installed_links(&text(&readme)?).as_bytes())
    }

    fn changes(&self, release: &Release) -> Done {
        let changes = text(&repository().join("CHANGELOG.md"))?;
        let signature = changelog::signature(&self.maintainer, &install::made_at())?;
        let changes = changelog::debian(&changes, release, &signature)?;
        let file = self.root.join(DOCUMENTS).join("changelog");
        put(&file, changes.as_bytes())?;
        run(command("gzip", &["-9", "--no-name", "--force"]).arg(file))?;
        self.links_lead_somewhere()
    }

    /// Checks that no document of the package links to a file that the package does not have.
    ///
    /// # Errors
    /// A sentence that names such a link.
    fn links_lead_somewhere(&self) -> Done {
        for folder in [DOCUMENTS, RECIPES].map(|folder| self.root.join(folder)) {
            for file in files(&folder)?.iter().filter(|file| name(file).ends_with(".md")) {
                let text = text(file)?;
                if let Some(lost) = links(&text).find(|link| !folder.join(link).exists()) {
                    return Err(format!(
                        "{} links {lost}, which is not in the package.",
                        name(file)
                    ));
                }
            }
        }
        Ok(())
    }

    fn control(&self, version: &str) -> Done {
        for script in ["preinst", "postinst", "prerm", "postrm"] {
            let to = format!("DEBIAN/{script}");
            self.place(&format!("packaging/debian/{script}"), &to, 0o755)?;
        }

        self.place("packaging/debian/triggers", "DEBIAN/triggers", 0o644)?;
        self.write("DEBIAN/conffiles", CONFFILES)?;
        self.write("DEBIAN/md5sums", &self.sums()?)?;
        let control = format!(
            "Package: twinlock\nVersion: {version}\nArchitecture: {}\n\
             Maintainer: {}\nInstalled-Size: {}\n\
             Depends: {}\nRecommends: iproute2\nSuggests: openssh-server, default-mta | mail-transport-agent\nSection: admin\nPriority: optional\n{DESCRIPTION}",
            self.architecture,
            self.maintainer,
            kibibytes(&self.root)?,
            self.depends,
        );
        self.write("DEBIAN/control", &control)
    }

    /// Returns one line with a checksum for each file. Conffiles are left out, because dpkg itself records their
    /// checksums.
    fn sums(&self) -> Done<String> {
        const SUM: &str = "find . -path ./DEBIAN -prune -o -path ./etc -prune -o -type f -printf '%P\\0' \
                           | sort -z | xargs -0 --no-run-if-empty md5sum --";
        output(command("sh", &["-euc", SUM]).env("LC_ALL", "C").current_dir(&self.root))
    }

    /// Returns the value of the field Depends, as dpkg-shlibdeps computes it for module and command.
    fn needed(&self) -> Done<String> {
        // dpkg-shlibdeps requires the control file of a source package, so a minimal one is written.
        let source = self.folder.join("debian");
        put(
            &source.join("control"),
            b"Source: twinlock\n\nPackage: twinlock\nArchitecture: any\n",
        )?;
        let module = self.root.join(format!("usr/lib/{}/security/pam_twinlock.so", multiarch()?));
        let mut scan = command("dpkg-shlibdeps", &["-O", "-e"]);
        scan.arg(module).arg("-e").arg(self.root.join("usr/bin/twinlock"));
        let found = output(scan.current_dir(&self.folder))?;
        let line = found.lines().find_map(|line| line.strip_prefix("shlibs:Depends="));
        line.map(str::to_owned)
            .ok_or_else(|| "dpkg-shlibdeps found no library that is needed.".into())
    }

    fn place(&self, from: &str, to: &str, mode: u32) -> Done {
        let from = repository().join(from);
        let content = fs::read(&from)
            .map_err(|error| format!("{} cannot be read: {error}.", from.display()))?;
        let to = self.root.join(to);
        put(&to, &content)?;
        fs::set_permissions(&to, fs::Permissions::from_mode(mode))
            .map_err(|error| format!("{} cannot be given its mode: {error}.", to.display()))
    }

    fn write(&self, to: &str, text: &str) -> Done {
        put(&self.root.join(to), text.as_bytes())
    }
}

/// Returns the oldest version of libc that `depends`, the value of the field Depends, accepts; `None` if it does not
/// name libc.
fn needed_libc(depends: &str) -> Option<&str> {
    let rest = depends.split(", ").find_map(|one| one.strip_prefix("libc6 (>= "))?;
    rest.strip_suffix(')')
}

/// Returns whether the version `version`, such as 2.36, is older than `than`.
fn is_older(version: &str, than: &str) -> bool {
    let numbers =
        |text: &str| text.split('.').map_while(|part| part.parse::<u32>().ok()).collect::<Vec<_>>();
    numbers(version) < numbers(than)
}

/// Returns the text of README. Its links lead to the files in the package.
fn installed_links(readme: &str) -> String {
    let moved = [
        ("](CHANGELOG.md)", "](changelog.gz)"),
        ("](LICENSE-MIT)", "](copyright)"),
        ("](LICENSE-APACHE)", "](copyright)"),
    ];
    moved.iter().fold(readme.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// Returns the files to which a Markdown text links, without URLs and without anchors.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    let files = targets.map(|target| target.split('#').next().unwrap_or_default());
    files.filter(|file| !file.is_empty() && !file.contains("://"))
}

/// Returns the installed size in KiB, as Debian's policy defines it: the size of each file is rounded up to whole KiB,
/// and each folder counts as 1 KiB.
fn kibibytes(folder: &Path) -> Done<u64> {
    let refused = |error| format!("{} cannot be measured: {error}.", folder.display());
    let mut sum = 1;
    for entry in fs::read_dir(folder).map_err(refused)? {
        let entry = entry.map_err(refused)?;
        let facts = entry.metadata().map_err(refused)?;
        sum += if facts.is_dir() { kibibytes(&entry.path())? } else { facts.len().div_ceil(1024) };
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::{is_older, links, needed_libc};

    #[test]
    fn links_of_other_hosts_and_headings_are_no_files() {
        let text = "[a](doc/a.md#part), [b](#b), [c](https://c.org/x), [d](d) (e)";
        assert_eq!(links(text).collect::<Vec<_>>(), ["doc/a.md", "d"]);
    }

    #[test]
    fn release_with_an_older_libc_is_known() {
        let needed = needed_libc("libc6 (>= 2.39), libgcc-s1 (>= 4.2), libpam0g (>= 0.99.7.1)");
        assert_eq!(needed, Some("2.39"));
        assert!(is_older("2.36", "2.39") && is_older("2.9", "2.10"));
        assert!(!is_older("2.39", "2.39") && !is_older("2.41", "2.39"));
        assert_eq!(needed_libc("libpam0g"), None);
    }
}
