//! The .deb in a fresh Debian 12: installed, logged in with, kept while PAM names it, removed.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::app::App;
use crate::command::{Done, command, judged, output, run};
use crate::ledger::begin_earlier;
use crate::machine::{becoming_root, target};
use crate::screen::Screen;

/// The chore that this calls for itself inside its private namespaces.
pub(crate) const INSIDE: &str = "fresh-inside";

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const PORT: u16 = 2222;
const PATIENCE: Duration = Duration::from_secs(20);
const EXAMPLES: &str = "/usr/share/doc/twinlock/examples";
/// What nobody may see outside: mounts, processes and the network end with the namespaces.
const APART: [&str; 7] =
    ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"];

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

/// Makes the system, and goes through it.
pub(crate) fn check(deb: &Path) -> Done {
    let root = target().join("fresh");
    apart(&["sh", "-c", "rm -rf --one-file-system \"$1\"", "sh"], &[&root], "")?;
    let bootstrap =
        ["debootstrap", "--variant=minbase", "--include=openssh-server,openssh-client", "bookworm"];
    let mut paths = vec![root.clone()];
    paths.extend(mirror().map(PathBuf::from));
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let outcome = apart(&bootstrap, &paths, "").and_then(|()| {
        let this = std::env::current_exe().map_err(|error| format!("No way back in: {error}."))?;
        apart(&[], &[&this, Path::new(INSIDE), deb, &root], "--net")
    });
    apart(&["sh", "-c", "rm -rf --one-file-system \"$1\"", "sh"], &[&root], "")?;
    outcome
}

/// Runs a command as root in namespaces of its own.
fn apart(words: &[&str], paths: &[&Path], network: &str) -> Done {
    let mut line: Vec<&str> = becoming_root()?.to_vec();
    line.extend(APART);
    line.extend(["--mount-proc", network].iter().filter(|word| !word.is_empty()));
    line.extend(words);
    let (program, arguments) = line.split_first().ok_or("Nothing to run.")?;
    let mut command = command(program, arguments);
    command.args(paths);
    let status = command.status().map_err(|error| format!("unshare does not start: {error}."))?;
    judged(&command, status)
}

/// Where this machine has its own packages from; debootstrap's own choice where it does not say.
fn mirror() -> Option<String> {
    let policy = output(&mut command("apt-cache", &["policy", "base-files"])).ok()?;
    policy
        .split_whitespace()
        .find(|word| word.starts_with("http") && word.ends_with("/debian"))
        .map(str::to_owned)
}

/// What runs inside the namespaces.
pub(crate) fn inside(words: &[String]) -> Done<ExitCode> {
    let [deb, root] = words else {
        return Err("This is called by `cargo xtask test --all`, not by hand.".into());
    };
    if std::process::id() != 1 {
        return Err("This is called by `cargo xtask test --all`, not by hand.".into());
    }
    let system = System { root: root.into() };
    let mut furnish = command("sh", &["-eu", "-c", FURNISH]);
    output(furnish.env("root", root).env("deb", deb))?;
    system.install()?;
    system.enrol()?;
    system.wire()?;
    system.log_in()?;
    system.stays_while_named()?;
    system.goes_when_unwired()?;
    Ok(ExitCode::SUCCESS)
}

/// The fresh system, in its folder.
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

    fn enrol(&self) -> Done {
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
