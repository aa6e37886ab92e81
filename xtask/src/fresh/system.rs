//! The fresh system: a newly created Debian or Ubuntu in a folder. Contains the steps that are done in it, and the
//! checks after them.

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
/// sed command that replaces the line of Debian's own PAM file by the line that README shows.
const README_LINE: &str =
    r#"s/^@include common-auth$/auth  required  pam_twinlock.so first_factor=publickey/"#;

/// The first factor after which sshd asks for the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wiring {
    /// A public key. The PAM line of README is used.
    PublicKey,
    /// A password. The PAM file that twinlock ships is used.
    Password,
}

/// The fresh system, whose root is a folder.
pub(crate) struct System {
    root: PathBuf,
    app: App,
    wiring: Wiring,
    /// Number of the thirty-second period whose code was used last.
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
        // All PAM files except the one of the agent's service, which no login uses.
        let others = "cat $(ls -d /etc/pam.d/* | grep -v '/twinlock$')";
        let before = output(&mut self.command(&["sh", "-c", others]))?;
        run(&mut self.command(&["dpkg", "--install", "/run/twinlock.deb"]))?;
        let after = output(&mut self.command(&["sh", "-c", others]))?;
        if before == after { Ok(()) } else { Err("Installing changed /etc/pam.d.".into()) }
    }

    /// Mounts the ledger with the commands that the package prints for a system without systemd.
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

    /// Changes the PAM file and the settings of sshd so that sshd asks for a code. Then starts sshd.
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

    /// Ends the running sshd, if there is one, and starts a new one.
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

    /// Checks that logins with a wrong code, and those with a wrong password or without the key, are refused. Then
    /// checks that the right code is accepted.
    pub(crate) fn refuses_and_accepts(&mut self) -> Done {
        // A code is valid only once, so a new period is needed.
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
        // After the removal, the configuration files are still there and the ledger is still mounted. Installing the
        // older package is therefore still a downgrade.
        self.refuses("/run/twinlock.deb", "is not replaced by the older")?;
        let purged = output(&mut self.command(&["dpkg", "--purge", "twinlock"]))?;
        let kept = fs::exists(self.at("/var/lib/twinlock/users/ada")).is_ok_and(|kept| kept);
        if kept && purged.contains("rm -r /var/lib/twinlock") {
            return Ok(());
        }
        Err(format!("Purging does not keep the keys, or does not say so:\n{purged}"))
    }

    /// Checks the system after twinlock was removed. A wrong password must be refused. The right password and the key
    /// must log in without a code.
    pub(crate) fn wrong_password_is_refused(&self) -> Done {
        self.must_refuse("a wrong password", &Typed { password: Some("wrong"), code: None })?;
        self.must_accept("the right password", &Typed { password: Some(PASSWORD), code: None })?;
        self.must_accept("the key", &Typed { password: None, code: None })
    }

    /// Checks that dpkg refuses to install the package while a record has the format of a newer version.
    pub(crate) fn stays_away_from_newer_records(&self) -> Done {
        let record = "/var/lib/twinlock/users/ada/record.*.toml";
        self.shell(&format!("sed -i 's/^version = 1$/version = 2/' {record}"))?;
        self.refuses("/run/twinlock.deb", "was written by a newer version")?;
        self.shell(&format!("sed -i 's/^version = 2$/version = 1/' {record}"))
    }

    /// After a purge, installs the package a second time. The purge has kept the records, so they are then used.
    pub(crate) fn comes_back(&self) -> Done {
        self.install()?;
        self.mount_ledger()
    }
}
