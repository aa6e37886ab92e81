//! Builds the artefacts that a package installs: the module, the command, the agent and the fleet's daemon.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{Done, cargo, command, run};
use crate::machine::{repository, target};

/// The programs that are installed in /usr/libexec/twinlock.
pub(crate) const PROGRAMS: [&str; 3] =
    ["twinlock-agent", "twinlock-agent-worker", "twinlock-fleet"];

/// Paths of the built files that a package installs.
pub(crate) struct Artefacts {
    /// The module `libpam_twinlock.so`, which is installed as `pam_twinlock.so`.
    pub(crate) module: PathBuf,
    /// The command `twinlock`.
    pub(crate) command: PathBuf,
    /// The folder with the [`PROGRAMS`].
    pub(crate) programs: PathBuf,
}

/// Builds all artefacts for a release, one after the other. If cargo built the module together with another
/// package, it would compile the module with that package's features.
pub(crate) fn release() -> Done<Artefacts> {
    for package in ["pam_twinlock", "twinlock", "twinlock-agent", "twinlock-fleet"] {
        run(&mut releasing(package))?;
    }
    let folder = target().join("release");
    Ok(Artefacts {
        module: folder.join("libpam_twinlock.so"),
        command: folder.join("twinlock"),
        programs: folder,
    })
}

/// Builds all artefacts for a release, and also the programs that only tests need.
pub(crate) fn for_tests() -> Done<Artefacts> {
    let artefacts = release()?;
    // The flags are the same as above, because cargo would compile everything once more with other flags.
    run(releasing("pam_twinlock").args(["--example", "panic_probe"]))?;
    host(&target().join("release"))?;
    Ok(artefacts)
}

/// Builds the C programs of the tests into the folder: a program that loads PAM modules as sshd does, one that makes many
/// logins at the same instant, the minimal module of the bench, and a module that replaces the user name of a login by
/// another one.
fn host(folder: &Path) -> Done {
    for program in ["pam_host", "pam_rush"] {
        let mut compile =
            command("cc", &["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-o"]);
        let source = repository().join(format!("tests/host/{program}.c"));
        run(compile.arg(folder.join(program)).arg(source).arg("-lpam"))?;
    }
    for module in ["pam_floor", "pam_rename"] {
        let mut compile = command("cc", &["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"]);
        compile.args(["-fPIC", "-shared", "-s", "-o"]).arg(folder.join(format!("{module}.so")));
        let source = repository().join(format!("tests/host/{module}.c"));
        run(compile.arg(source).arg("-lpam"))?;
    }
    Ok(())
}

fn releasing(package: &str) -> Command {
    let mut command = cargo(&["build", "--release", "--locked", "--package", package]);
    // The folders of the builder are replaced in the output, so that every builder gets the same files.
    let mut flags = Vec::new();
    for (folder, name) in [(Some(repository().to_owned()), "/twinlock"), (cargo_home(), "/cargo")] {
        flags.extend(folder.map(|it| format!("--remap-path-prefix={}={name}", it.display())));
    }
    if let Ok(given) = std::env::var("RUSTFLAGS") {
        command.env("RUSTFLAGS", format!("{given} {}", flags.join(" ")));
    } else {
        // In addition to the flags of .cargo/config.toml, which the variable would replace.
        command.arg(format!("--config=build.rustflags={flags:?}"));
    }
    command
}

fn cargo_home() -> Option<PathBuf> {
    let given = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    given.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))
}
