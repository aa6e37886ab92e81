//! The fresh system: the steps that are done in it, and the checks after them.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::app::{self, App};
use crate::command::{Done, output, run};
use crate::fresh::login::{PASSWORD, PORT, Typed};
use crate::ledger::begin_earlier;

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const PATIENCE: Duration = Duration::from_secs(20);
const EXAMPLES: &str = "/usr/share/doc/twinlock/examples";
/// sed command that writes README's PAM line in place of the line of Debian's own file.
const README_LINE: &str =
    r#"s/^@include common-auth$/auth  required  pam_twinlock.so first_factor=publickey/"#;

/// The first factor after which sshd asks for the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wiring {
    /// A key. The PAM line in README is used.
    PublicKey,
    /// A password. The shipped PAM file is used.
    Password,
}

/// The fresh system, whose root is a folder.
pub(crate) struct System {
    root: PathBuf,
    app: App,
    wiring: Wiring,
    /// Number of the period whose code was used last.
    used: u64,
}

impl System {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root, app: App::new(KEY), wiring: Wiring::PublicKey, used: 0 }
    }

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

    fn shell(&self, script: &str) -> Done {
        run(&mut self.command(&["sh", "-euc", script]))
    }

    pub(crate) fn install(&self) -> Done {
        // All but the service of the agent, which no login uses.
        let others = "cat $(ls -d /etc/pam.d/* | grep -v '/twinlock$')";
        let before = output(&mut self.command(&["sh", "-c", others]))?;
        run(&mut self.command(&["dpkg", "--install", "/run/twinlock.deb"]))?;
        let after = output(&mut self.command(&["sh", "-c", others]))?;
        if before == after { Ok(()) } else { Err("Installing changed /etc/pam.d.".into()) }
    }

    /// Mounts the ledger with the commands that the package's message gives for a system without systemd.
    pub(crate) fn mount_ledger(&self) -> Done {
        self.shell(
            "mkdir -p /run/twinlock; mount -t tmpfs -o mode=0700 twinlock /run/twinlock; twinlock epoch ensure",
        )?;
        begin_earlier(&self.at("/run/twinlock"))
    }

    pub(crate) fn enroll(&self) -> Done {
        let uri = format!("otpauth://totp/fresh:ada?secret={KEY}&issuer=fresh");
        self.shell(&format!("echo '{uri}' | twinlock import uri ada"))
    }

    /// Changes the PAM file and the settings of sshd so that it asks for a code, and starts sshd.
    pub(crate) fn wire(&mut self, wiring: Wiring) -> Done {
        self.wiring = wiring;
        let (pam, drop_in) = match wiring {
            Wiring::PublicKey => {
                (format!("sed '{README_LINE}' /root/sshd.stock >/etc/pam.d/sshd"), "publickey")
            }
            Wiring::Password => {
                (format!("cp {EXAMPLES}/pam.d/sshd-password /etc/pam.d/sshd"), "password")
            }
        };
        self.shell(&format!(
            "test -e /root/sshd.stock || cp /etc/pam.d/sshd /root/sshd.stock
             {pam}
             grep -q '^auth .*pam_twinlock.so' /etc/pam.d/sshd
             rm -f /etc/ssh/sshd_config.d/10-twinlock-*.conf
             cp {EXAMPLES}/sshd_config.d/10-twinlock-{drop_in}.conf /etc/ssh/sshd_config.d/"
        ))?;
        self.start_sshd()
    }

    /// Stops the running sshd, if any, and starts another one.
    fn start_sshd(&self) -> Done {
        self.shell(
            "if [ -e /run/fresh.pid ]; then
                 kill $(cat /run/fresh.pid)
                 while [ -e /run/fresh.pid ]; do sleep 0.1; done
             fi",
        )?;
        let port = format!("Port={PORT}");
        let options =
            ["-o", "ListenAddress=127.0.0.1", "-o", &port, "-o", "PidFile=/run/fresh.pid"];
        run(&mut self.command(&[&["/usr/sbin/sshd"], &options[..]].concat()))?;
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", PORT)).is_err() {
            if Instant::now() > until {
                return Err("The fresh system's sshd does not listen.".into());
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Checks that a login with a wrong code is refused, and one with a wrong password or without the key, and that the
    /// right ones log in.
    pub(crate) fn refuses_and_accepts(&mut self) -> Done {
        // A code works once.
        app::wait_past(self.used);
        let (right, wrong) = (self.app.code()?, self.app.wrong_code()?);
        let password = (self.wiring == Wiring::Password).then_some(PASSWORD);
        self.must_refuse("a wrong code", &Typed { password, code: Some(&wrong) })?;
        match self.wiring {
            Wiring::PublicKey => self.no_key_is_refused()?,
            Wiring::Password => {
                let typed = Typed { password: Some("wrong"), code: Some(&right) };
                self.must_refuse("a wrong password with a right code", &typed)?;
            }
        }
        self.used = app::step();
        let right = self.app.code()?;
        self.must_accept("the right code", &Typed { password, code: Some(&right) })
    }

    /// Checks that sshd refuses a client without the key and offers no other method.
    fn no_key_is_refused(&self) -> Done {
        let words = ["ssh", "-p", &PORT.to_string(), "-o", "PubkeyAuthentication=no"];
        let more = ["-o", "StrictHostKeyChecking=accept-new", "-o", "BatchMode=yes"];
        let last = ["ada@127.0.0.1", "true"];
        let refused = output(&mut self.command(&[&words[..], &more, &last].concat()));
        let said = refused.err().ok_or("A client without a key was let in.")?;
        if said.contains("Permission denied (publickey)") { Ok(()) } else { Err(said) }
    }

    fn must_refuse(&self, what: &str, typed: &Typed) -> Done {
        if typed.logs_in(&self.root)? { Err(format!("{what} logged in.")) } else { Ok(()) }
    }

    fn must_accept(&self, what: &str, typed: &Typed) -> Done {
        if typed.logs_in(&self.root)? { Ok(()) } else { Err(format!("{what} did not log in.")) }
    }

    pub(crate) fn upgrade(&self) -> Done {
        run(&mut self.command(&["dpkg", "--install", "/run/newer.deb"]))?;
        self.is_newer()
    }

    fn is_newer(&self) -> Done {
        let query = ["dpkg-query", "--show", "--showformat=${Version} ${Status}", "twinlock"];
        let found = output(&mut self.command(&query))?;
        let is_newer = found.contains("+next") && found.ends_with(" install ok installed");
        if is_newer { Ok(()) } else { Err(format!("Installed is {found}, and not the newer one.")) }
    }

    /// Checks that dpkg refuses to replace the newer package by the older one.
    pub(crate) fn stays_newer(&self) -> Done {
        self.refuses("/run/twinlock.deb", "is not replaced by the older")?;
        self.is_newer()
    }

    fn refuses(&self, deb: &str, reason: &str) -> Done {
        let refused = output(&mut self.command(&["dpkg", "--install", deb]));
        let said = refused.err().ok_or_else(|| format!("{deb} was installed."))?;
        if said.contains(reason) {
            return Ok(());
        }
        Err(format!("{deb} was refused without the reason that it {reason}:\n{said}"))
    }

    pub(crate) fn stays_while_named(&self) -> Done {
        let refused = output(&mut self.command(&["dpkg", "--remove", "twinlock"]));
        let said = refused.err().ok_or("The package was removed while PAM named its module.")?;
        if said.contains("/etc/pam.d/sshd, line ") {
            return Ok(());
        }
        Err(format!("Removing was refused without the line to delete:\n{said}"))
    }

    pub(crate) fn goes_when_unwired(&self) -> Done {
        self.shell("cp /root/sshd.stock /etc/pam.d/sshd; rm /etc/ssh/sshd_config.d/10-twinlock-*")?;
        self.start_sshd()?;
        run(&mut self.command(&["dpkg", "--remove", "twinlock"]))?;
        self.wrong_password_is_refused()?;
        // The configuration files are left, and the ledger is mounted: this is still a downgrade.
        self.refuses("/run/twinlock.deb", "is not replaced by the older")?;
        let purged = output(&mut self.command(&["dpkg", "--purge", "twinlock"]))?;
        let kept = fs::exists(self.at("/var/lib/twinlock/users/ada")).is_ok_and(|kept| kept);
        if kept && purged.contains("rm -r /var/lib/twinlock") {
            return Ok(());
        }
        Err(format!("Purging does not keep the keys, or does not say so:\n{purged}"))
    }

    /// Checks the system after twinlock was removed: a wrong password is refused; the right password and the key log
    /// in.
    pub(crate) fn wrong_password_is_refused(&self) -> Done {
        self.must_refuse("a wrong password", &Typed { password: Some("wrong"), code: None })?;
        self.must_accept("the right password", &Typed { password: Some(PASSWORD), code: None })?;
        self.must_accept("the key", &Typed { password: None, code: None })
    }

    /// Checks that the package cannot be installed if a record has the format of a newer version.
    pub(crate) fn stays_away_from_newer_records(&self) -> Done {
        let record = "/var/lib/twinlock/users/ada/record.*.toml";
        self.shell(&format!("sed -i 's/^version = 1$/version = 2/' {record}"))?;
        self.refuses("/run/twinlock.deb", "was written by a newer version")?;
        self.shell(&format!("sed -i 's/^version = 2$/version = 1/' {record}"))
    }

    /// Installs the package again after a purge. The records, which the purge keeps, are then in use again.
    pub(crate) fn comes_back(&self) -> Done {
        self.install()?;
        self.mount_ledger()
    }
}
