//! `cargo xtask package`: arranges the files of the .deb and runs dpkg-deb.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::build::Artefacts;
use crate::changelog;
use crate::command::{Done, command, output, run};
use crate::machine::{multiarch, repository, target};
use crate::maintainer::{PackagePurpose, maintainer};
use crate::manual;

const DOCUMENTS: &str = "usr/share/doc/twinlock";
const RECIPES: &str = "usr/share/doc/twinlock/recipes";
/// Files that an administrator may change, and that an upgrade therefore keeps.
const CONFFILES: &str = "/etc/twinlock/twinlock.toml\n";
const DESCRIPTION: &str = "\
Description: second lock on logins: codes from an authenticator app
 A PAM module asks for a one-time code (TOTP, RFC 6238) behind a public key or a
 password in sshd, sudo, su and login. The command twinlock enrolls users,
 resets them and finds settings with which the code is never asked for.
 .
 Installing it changes no login: PAM is wired by the administrator.
";

/// The folder in which the files of the package are arranged.
struct Layout {
    root: PathBuf,
    maintainer: String,
}

/// Packs the artefacts, and returns the path of the package.
pub(crate) fn package(artefacts: &Artefacts, purpose: PackagePurpose) -> Done<PathBuf> {
    let folder = target().join(match purpose {
        PackagePurpose::Release => "package",
        PackagePurpose::Test => "package-for-tests",
    });
    let layout = Layout { root: folder.join("root"), maintainer: maintainer(purpose)? };
    if layout.root.exists() {
        fs::remove_dir_all(&layout.root)
            .map_err(|error| format!("{} cannot be emptied: {error}.", layout.root.display()))?;
    }
    layout.programs(artefacts)?;
    layout.data()?;
    layout.documents()?;
    layout.manual()?;
    layout.spoken_by(&artefacts.command)?;
    layout.links_lead_somewhere()?;
    let architecture = output(&mut command("dpkg", &["--print-architecture"]))?;
    let architecture = architecture.trim();
    layout.control(&folder, architecture)?;
    // Sets modes that do not depend on the umask of the builder.
    run(command("chmod", &["--recursive", "u=rwX,go=rX"]).arg(&layout.root))?;
    let name = format!("twinlock_{}_{architecture}.deb", env!("CARGO_PKG_VERSION"));
    let deb = folder.join(name);
    let mut packer =
        command("dpkg-deb", &["--root-owner-group", "--uniform-compression", "--build"]);
    run(packer.arg(&layout.root).arg(&deb).env("SOURCE_DATE_EPOCH", made_at()))?;
    Ok(deb)
}

/// Returns the modification time of every file in the package, which is that of the last commit so that the build is
/// reproducible.
fn made_at() -> String {
    if let Ok(given) = std::env::var("SOURCE_DATE_EPOCH") {
        return given;
    }
    let mut log = command("git", &["log", "-1", "--format=%ct"]);
    let committed = output(log.current_dir(repository())).unwrap_or_default();
    let digits = committed.trim();
    if digits.is_empty() { changelog_changed_at() } else { digits.to_owned() }
}

/// Returns the modification time of the changelog as Unix time, for a build without git.
fn changelog_changed_at() -> String {
    let changed = std::fs::metadata(repository().join("CHANGELOG.md"))
        .and_then(|found| found.modified())
        .ok()
        .and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    changed.map_or_else(|| "0".into(), |since| since.as_secs().to_string())
}

impl Layout {
    fn programs(&self, artefacts: &Artefacts) -> Done {
        let security = format!("lib/{}/security/pam_twinlock.so", multiarch()?);
        self.place(&artefacts.module, &security, 0o644)?;
        self.place(&artefacts.command, "usr/bin/twinlock", 0o755)
    }

    fn data(&self) -> Done {
        let here = repository();
        self.place(&here.join("config/twinlock.toml"), "etc/twinlock/twinlock.toml", 0o644)?;
        for unit in files(&here.join("packaging/systemd"))? {
            self.place(&unit, &format!("lib/systemd/system/{}", name(&unit)), 0o644)?;
        }
        Ok(())
    }

    fn documents(&self) -> Done {
        let here = repository();
        let single = [
            ("config/twinlock.toml.reference", "twinlock.toml.reference"),
            ("packaging/debian/copyright", "copyright"),
        ];
        for (from, name) in single {
            self.place(&here.join(from), &format!("{DOCUMENTS}/{name}"), 0o644)?;
        }
        self.write(
            &format!("{DOCUMENTS}/README.md"),
            &installed_links(&text(&here.join("README.md"))?),
        )?;
        let changes = text(&here.join("CHANGELOG.md"))?;
        let changes = changelog::debian(&changes, &self.maintainer, &made_at())?;
        self.write(&format!("{DOCUMENTS}/changelog"), &changes)?;
        self.compress(&format!("{DOCUMENTS}/changelog"))?;
        for folder in ["pam.d", "sshd_config.d"] {
            for file in files(&here.join("config").join(folder))? {
                self.place(
                    &file,
                    &format!("{DOCUMENTS}/examples/{folder}/{}", name(&file)),
                    0o644,
                )?;
            }
        }
        for (from, to) in [("docs", DOCUMENTS), ("docs/recipes", RECIPES)] {
            for file in files(&here.join(from))? {
                self.place(&file, &format!("{to}/{}", name(&file)), 0o644)?;
            }
        }
        Ok(())
    }

    /// Checks that every document in the package links only to files in the package.
    ///
    /// # Errors
    /// A sentence that names a link to another file.
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

    fn manual(&self) -> Done {
        for page in files(&repository().join("packaging/man"))? {
            let section = page.extension().unwrap_or_default().to_string_lossy().into_owned();
            let path = format!("usr/share/man/man{section}/{}", name(&page));
            self.place(&page, &path, 0o644)?;
            self.compress(&path)?;
        }
        Ok(())
    }

    /// Adds the files that the command `twinlock` generates: the manual page and the shell completions.
    fn spoken_by(&self, twinlock: &Path) -> Done {
        let said = |words: &[&str]| output(&mut command(&twinlock.to_string_lossy(), words));
        let page = "usr/share/man/man1/twinlock.1";
        self.write(page, &said(&["man"])?)?;
        manual::shown_without_warning(&self.root.join(page))?;
        self.compress(page)?;
        for (shell, path) in [
            ("bash", "usr/share/bash-completion/completions/twinlock"),
            ("zsh", "usr/share/zsh/vendor-completions/_twinlock"),
            ("fish", "usr/share/fish/vendor_completions.d/twinlock.fish"),
        ] {
            self.write(path, &said(&["completions", shell])?)?;
        }
        Ok(())
    }

    fn control(&self, folder: &Path, architecture: &str) -> Done {
        let scripts = repository().join("packaging/debian");
        for script in ["postinst", "prerm", "postrm"] {
            self.place(&scripts.join(script), &format!("DEBIAN/{script}"), 0o755)?;
        }
        self.write("DEBIAN/conffiles", CONFFILES)?;
        self.write("DEBIAN/md5sums", &self.sums()?)?;
        let control = format!(
            "Package: twinlock\nVersion: {}\nArchitecture: {architecture}\n\
             Maintainer: {}\nInstalled-Size: {}\n\
             Depends: {}\nSuggests: openssh-server, default-mta | mail-transport-agent\nSection: admin\nPriority: optional\n{DESCRIPTION}",
            env!("CARGO_PKG_VERSION"),
            self.maintainer,
            kibibytes(&self.root)?,
            self.depends(folder)?,
        );
        self.write("DEBIAN/control", &control)
    }

    /// Returns the checksum of each file except the conffiles, whose checksums dpkg records.
    fn sums(&self) -> Done<String> {
        const SUM: &str = "find . -path ./DEBIAN -prune -o -path ./etc -prune -o -type f -printf '%P\\0' \
                           | sort -z | xargs -0 --no-run-if-empty md5sum --";
        output(command("sh", &["-euc", SUM]).env("LC_ALL", "C").current_dir(&self.root))
    }

    /// Returns the packages, with versions, that contain the libraries of module and command.
    fn depends(&self, folder: &Path) -> Done<String> {
        // dpkg-shlibdeps requires the control file of a source package.
        let source = folder.join("debian");
        put(
            &source.join("control"),
            b"Source: twinlock\n\nPackage: twinlock\nArchitecture: any\n",
        )?;
        let module = self.root.join(format!("lib/{}/security/pam_twinlock.so", multiarch()?));
        let mut scan = command("dpkg-shlibdeps", &["-O", "-e"]);
        scan.arg(module).arg("-e").arg(self.root.join("usr/bin/twinlock")).current_dir(folder);
        let found = output(&mut scan)?;
        let line = found.lines().find_map(|line| line.strip_prefix("shlibs:Depends="));
        line.map(str::to_owned)
            .ok_or_else(|| "dpkg-shlibdeps found no library that is needed.".into())
    }

    fn place(&self, from: &Path, to: &str, mode: u32) -> Done {
        let content = fs::read(from)
            .map_err(|error| format!("{} cannot be read: {error}.", from.display()))?;
        let to = self.root.join(to);
        put(&to, &content)?;
        fs::set_permissions(&to, fs::Permissions::from_mode(mode))
            .map_err(|error| format!("{} cannot be given its mode: {error}.", to.display()))
    }

    fn write(&self, to: &str, text: &str) -> Done {
        put(&self.root.join(to), text.as_bytes())
    }

    fn compress(&self, path: &str) -> Done {
        run(command("gzip", &["-9", "--no-name"]).arg(self.root.join(path)))
    }
}

fn put(to: &Path, content: &[u8]) -> Done {
    let folder = to.parent().unwrap_or(to);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(to, content));
    written.map_err(|error| format!("{} cannot be written: {error}.", to.display()))
}

fn text(file: &Path) -> Done<String> {
    fs::read_to_string(file).map_err(|error| format!("{} cannot be read: {error}.", file.display()))
}

/// Replaces the links in README by links to the files in the package.
fn installed_links(readme: &str) -> String {
    let moved = [
        ("](docs/", "]("),
        ("](CHANGELOG.md)", "](changelog.gz)"),
        ("](LICENSE-MIT)", "](copyright)"),
        ("](LICENSE-APACHE)", "](copyright)"),
    ];
    moved.iter().fold(readme.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// Returns the files that a document links to. Leaves out URLs and anchors.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    let files = targets.map(|target| target.split('#').next().unwrap_or_default());
    files.filter(|file| !file.is_empty() && !file.contains("://"))
}

/// Returns the regular files of a folder, sorted.
fn files(folder: &Path) -> Done<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)
        .map_err(|error| format!("{} cannot be read: {error}.", folder.display()))?;
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    Ok(files)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Returns the installed size in KiB as Debian's policy defines it: each file is rounded up to whole KiB, and each
/// folder counts as one.
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
    use super::{installed_links, links};

    #[test]
    fn links_of_other_hosts_and_headings_are_no_files() {
        let text = "[a](doc/a.md#part), [b](#b), [c](https://c.org/x), [d](d) (e)";
        assert_eq!(links(text).collect::<Vec<_>>(), ["doc/a.md", "d"]);
    }

    #[test]
    fn every_link_of_readme_is_moved() {
        let readme = installed_links(include_str!("../../README.md"));
        assert!(links(&readme).count() > 5);
        assert!(links(&readme).all(|link| !link.starts_with("docs/") && !link.contains("LICENSE")));
    }
}
