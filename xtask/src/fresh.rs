//! Installs the .deb in a fresh Debian 12, logs in with it, and tests that the package cannot be removed while PAM
//! names the module.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::apart::{self, apart, myself_apart};
use crate::app::App;
use crate::command::{Done, command, output, run};
use crate::ledger::begin_earlier;
use crate::machine::target;
use crate::screen::Screen;

/// The internal task that runs inside the private namespaces.
pub(crate) const INSIDE: &str = "fresh-inside";

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const PORT: u16 = 2222;
const PATIENCE: Duration = Duration::from_secs(20);
const EXAMPLES: &str = "/usr/share/doc/twinlock/examples";
const FURNISH: &str = r#"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=0755 run "$root/run"
mount --rbind /dev "$root/dev"
ip link set lo up
mkdir -p "$root/run/sshd"
cp "$deb" "$root/run/twinlock.deb"
chroot "$root" useradd --create-home --shell /bin/bash ada
chroot "$root" ssh-keygen -q -t ed25519 -N '' -f /root/key
chroot "$root" install -d -o ada -g ada -m 0700 /home/ada/.ssh
chroot "$root" install -o ada -g ada -m 0600 /root/key.pub /home/ada/.ssh/authorized_keys
"#;

/// Creates the fresh system and tests the package in it.
pub(crate) fn check(deb: &Path) -> Done {
    let root = target().join("fresh");
    clear(&root)?;
    let outcome =
        bootstrap(&root).and_then(|()| run(myself_apart(&["--net"], INSIDE)?.arg(deb).arg(&root)));
    clear(&root)?;
    outcome
}

fn clear(root: &Path) -> Done {
    run(apart(&[])?.args(["rm", "-rf", "--one-file-system"]).arg(root))
}

fn bootstrap(root: &Path) -> Done {
    let packages = "--include=openssh-server,openssh-client";
    let words = ["debootstrap", "--variant=minbase", packages, "bookworm"];
    run(apart(&[])?.args(words).arg(root).args(mirror()))
}

/// Returns the package mirror of this machine; `None` for debootstrap's default.
pub(crate) fn mirror() -> Option<String> {
    let policy = output(&mut command("apt-cache", &["policy", "base-files"])).ok()?;
    policy
        .split_whitespace()
        .find(|word| word.starts_with("http") && word.ends_with("/debian"))
        .map(str::to_owned)
}

/// Tests the package, inside the private namespaces.
pub(crate) fn inside(words: &[String]) -> Done<ExitCode> {
    let [deb, root] = words else {
        return Err("The fresh system's inside takes a package and a folder.".into());
    };
    apart::inside()?;
    let system = System { root: root.into() };
    let mut furnish = command("sh", &["-eu", "-c", FURNISH]);
    output(furnish.env("root", root).env("deb", deb))?;
    system.install()?;
    system.mount_ledger()?;
    system.enroll()?;
    system.wire()?;
    system.log_in()?;
    system.stays_while_named()?;
    system.goes_when_unwired()?;
    Ok(ExitCode::SUCCESS)
}

/// The fresh system, in a folder.
struct System {
    root: PathBuf,
}

impl System {
    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("chroot");
        command.arg(&self.root).args(words).env_clear();
        command
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("DEBIAN_FRONTEND", "noninteractive");
        command
    }

    fn install(&self) -> Done {
        let before = output(&mut self.command(&["sh", "-c", "cat /etc/pam.d/*"]))?;
        run(&mut self.command(&["dpkg", "--install", "/run/twinlock.deb"]))?;
        let after = output(&mut self.command(&["sh", "-c", "cat /etc/pam.d/*"]))?;
        if before == after { Ok(()) } else { Err("Installing changed /etc/pam.d.".into()) }
    }

    /// Mounts the ledger as the message of the installation says for a system without systemd.
    fn mount_ledger(&self) -> Done {
        let script = "mkdir -p /run/twinlock && mount -t tmpfs -o mode=0700 twinlock /run/twinlock && twinlock epoch ensure";
        run(&mut self.command(&["sh", "-c", script]))
    }

    fn enroll(&self) -> Done {
        let uri = format!("otpauth://totp/fresh:ada?secret={KEY}&issuer=fresh");
        let script = format!("echo '{uri}' | twinlock import uri ada");
        run(&mut self.command(&["sh", "-c", &script]))?;
        begin_earlier(&self.at("/run/twinlock"))
    }

    fn wire(&self) -> Done {
        let script = format!(
            "cp /etc/pam.d/sshd /root/sshd.stock && cp {EXAMPLES}/pam.d/sshd-publickey /etc/pam.d/sshd && \
             cp {EXAMPLES}/sshd_config.d/10-twinlock-publickey.conf /etc/ssh/sshd_config.d/"
        );
        run(&mut self.command(&["sh", "-c", &script]))?;
        let port = format!("Port={PORT}");
        run(&mut self.command(&["/usr/sbin/sshd", "-o", "ListenAddress=127.0.0.1", "-o", &port]))?;
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", PORT)).is_err() {
            if Instant::now() > until {
                return Err("The fresh system's sshd does not listen.".into());
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn log_in(&self) -> Done {
        let root = self.root.to_string_lossy().into_owned();
        let port = PORT.to_string();
        let words = [
            "chroot",
            &root,
            "ssh",
            "-p",
            &port,
            "-i",
            "/root/key",
            "-o",
            "StrictHostKeyChecking=accept-new",
            "ada@127.0.0.1",
            "echo I am $(whoami)",
        ];
        let mut screen = Screen::start(&words.map(str::to_owned), "ssh ada@127.0.0.1")?;
        screen.expect(&["Verification code"])?;
        screen.expect(&[": "])?;
        screen.type_hidden(&App::new(KEY).code()?)?;
        let (status, shown) = screen.end()?;
        if status.success() && shown.contains("I am ada") {
            return Ok(());
        }
        Err(format!("The right code did not log in: ssh ended with {status}."))
    }

    fn stays_while_named(&self) -> Done {
        let refused = output(&mut self.command(&["dpkg", "--remove", "twinlock"]));
        let said = refused.err().ok_or("The package was removed while PAM named its module.")?;
        if said.contains("/etc/pam.d/sshd, line ") {
            return Ok(());
        }
        Err(format!("Removing was refused without the line to delete:\n{said}"))
    }

    fn goes_when_unwired(&self) -> Done {
        run(&mut self.command(&["cp", "/root/sshd.stock", "/etc/pam.d/sshd"]))?;
        run(&mut self.command(&["dpkg", "--remove", "twinlock"]))?;
        let purged = output(&mut self.command(&["dpkg", "--purge", "twinlock"]))?;
        let kept = fs::exists(self.at("/var/lib/twinlock/users/ada")).is_ok_and(|kept| kept);
        if kept && purged.contains("rm -r /var/lib/twinlock") {
            return Ok(());
        }
        Err(format!("Purging does not keep the keys, or does not say so:\n{purged}"))
    }
}
