//! Arranges the files of the .rpm package and runs rpmbuild.

use std::fs;
use std::path::{Path, PathBuf};

use crate::build::Artefacts;
use crate::command::{Done, command, output, run};
use crate::machine::repository;
use crate::package::files::{emptied, files, name, put, removed, text};
use crate::package::install;

/// Paths of the files that an administrator may edit. An upgrade keeps an edited file.
const CONFFILES: [&str; 2] = ["/etc/pam.d/twinlock", "/etc/twinlock/twinlock.toml"];

/// Builds the .rpm in `folder` from the built files, and returns its path.
pub(crate) fn build(folder: &Path, artefacts: &Artefacts, maintainer: &str) -> Done<PathBuf> {
    let work = folder.join("rpm");
    emptied(&work)?;
    let staged = work.join("root");
    let zsh = "/usr/share/zsh/site-functions";
    install::to(&staged, artefacts, "/usr/lib64/security", zsh, "system-auth")?;
    selinux(&work, &staged)?;
    run(command("chmod", &["--recursive", "u=rwX,go=rX"]).arg(&staged))?;
    put(&work.join("listed"), listed(&staged)?.as_bytes())?;
    for script in files(&repository().join("packaging/debian"))? {
        put(
            &work.join("scripts").join(name(&script)),
            text(&script)?.replace('%', "%%").as_bytes(),
        )?;
    }
    rpmbuild(&work, maintainer)?;
    let built = work.join("built");
    let built = files(&built)?.into_iter().next().ok_or("rpmbuild made no package.")?;
    let rpm = folder.join(name(&built));
    fs::rename(&built, &rpm).map_err(|error| format!("{} is lost: {error}.", built.display()))?;
    removed(&work)?;
    Ok(rpm)
}

/// Compiles the SELinux policy module. Adds it to the files of the package in `staged`.
fn selinux(work: &Path, staged: &Path) -> Done {
    let source = repository().join("packaging/selinux");
    let (module, policy) = (work.join("twinlock.mod"), work.join("twinlock.pp"));
    // The name of this file must be equal to the name of the policy.
    let mut compile = command("checkmodule", &["-M", "-m", "-o"]);
    output(compile.arg(&module).arg(source.join("twinlock.te")))?;
    let mut pack = command("semodule_package", &["-o"]);
    run(pack.arg(&policy).arg("-m").arg(&module).arg("-f").arg(source.join("twinlock.fc")))?;
    let unit = repository().join("packaging/rpm/selinux.conf");
    for (from, to) in [
        (policy, "usr/share/selinux/packages/twinlock.pp"),
        (unit, "usr/lib/systemd/system/twinlock-epoch.service.d/selinux.conf"),
    ] {
        let content = fs::read(&from);
        let content =
            content.map_err(|error| format!("{} cannot be read: {error}.", from.display()))?;
        put(&staged.join(to), &content)?;
    }
    Ok(())
}

/// Returns the section %files of the spec file: every file in `staged`, and every folder that only twinlock uses.
fn listed(staged: &Path) -> Done<String> {
    let script = "find . -type d -name '*twinlock*' -printf '%%dir /%P\\n' -o -type f -printf '/%P\\n' | sort";
    let all = output(command("sh", &["-euc", script]).env("LC_ALL", "C").current_dir(staged))?;
    let marked = |all: String, file: &str| {
        all.replace(&format!("\n{file}\n"), &format!("\n%config(noreplace) {file}\n"))
    };
    Ok(CONFFILES.into_iter().fold(all, marked))
}

fn rpmbuild(work: &Path, maintainer: &str) -> Done {
    let mut build = command("rpmbuild", &["-bb", "--quiet"]);
    let folder = |name: &str| work.join(name).display().to_string();
    for (name, value) in [
        ("_topdir", folder("tree")),
        ("_rpmdir", folder("built")),
        ("_rpmfilename", "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm".into()),
        ("staged", folder("root")),
        ("listed", folder("listed")),
        ("scripts", folder("scripts")),
        ("twinlock_version", env!("CARGO_PKG_VERSION").into()),
        ("twinlock_maintainer", maintainer.into()),
        // With these values, two builds give the same bytes.
        ("_buildhost", "twinlock".into()),
        ("use_source_date_epoch_as_buildtime", "1".into()),
        ("clamp_mtime_to_source_date_epoch", "1".into()),
        ("_build_id_links", "none".into()),
    ] {
        build.arg("--define").arg(format!("{name} {value}"));
    }
    // rpmbuild prints the commands of its shell. They are shown only if rpmbuild fails.
    output(
        build
            .arg(repository().join("packaging/rpm/twinlock.spec"))
            .env("SOURCE_DATE_EPOCH", install::made_at()),
    )?;
    Ok(())
}
