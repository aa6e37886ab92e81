//! The machine's own sshd, on port 22 of the loopback interface.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::call::{PATIENCE, faked_clock};
use crate::machine::Machine;

/// Path of the file with the process id of sshd.
const NUMBER: &str = "/run/sshd.pid";
const HOST_KEY: &str = "/etc/ssh/ssh_host_ed25519_key";

/// sshd_config of Debian 12, with a single host key.
const STOCK: &str = "\
Include /etc/ssh/sshd_config.d/*.conf
ListenAddress 127.0.0.1
HostKey /etc/ssh/ssh_host_ed25519_key
KbdInteractiveAuthentication no
UsePAM yes
X11Forwarding yes
PrintMotd no
AcceptEnv LANG LC_*
Subsystem sftp /usr/lib/openssh/sftp-server
";

// sshd's host key and its public part, created once for all machines of a test process.
static PAIR: OnceLock<(String, String)> = OnceLock::new();

impl Machine {
    /// Starts or restarts sshd. `settings` are read after the drop-in files whose names begin with 10 to 19, and before
    /// Debian's own settings.
    pub fn sshd(&self, settings: &str) -> &Self {
        self.sshd_under(settings, &[])
    }

    /// Starts or restarts sshd with its clock shifted by `seconds`. `settings` are read before Debian's own settings.
    pub fn sshd_with_clock(&self, settings: &str, seconds: i64) -> &Self {
        self.sshd_under(settings, &faked_clock(seconds))
    }

    /// Stops sshd. Open connections stay open.
    pub fn stop_sshd(&self) -> &Self {
        if self.listening() {
            let pid = self.file(NUMBER).read();
            self.signal("TERM", pid.trim().parse().expect("sshd's number"));
            self.until_listening(false);
        }
        self
    }

    /// Starts or restarts sshd. `settings` are read before Debian's own settings, and `options` are arguments of its
    /// command line.
    ///
    /// # Errors
    /// The error message of sshd if it does not start.
    pub fn try_sshd(&self, settings: &str, options: &[&str]) -> Result<(), String> {
        self.sshd_files(settings);
        self.started_sshd(options, &[])
    }

    fn sshd_under(&self, settings: &str, env: &[(String, String)]) -> &Self {
        self.sshd_files(settings);
        if let Err(said) = self.started_sshd(&[], env) {
            panic!("sshd does not start: {said}");
        }
        self
    }

    fn sshd_files(&self, settings: &str) {
        self.stop_sshd();
        // A killed sshd leaves its PID file.
        if self.file(NUMBER).exists() {
            self.file(NUMBER).remove();
        }
        self.host_key();
        self.file("/etc/ssh/sshd_config").write(STOCK);
        self.file("/etc/ssh/sshd_config.d/20-test.conf").write(settings);
    }

    fn started_sshd(&self, options: &[&str], env: &[(String, String)]) -> Result<(), String> {
        // sshd needs its full path, because it executes itself again for each connection.
        let mut call = self.call(["/usr/sbin/sshd"]).args(options.iter().copied());
        for (name, value) in env {
            call = call.env(name, value);
        }
        let started = call.output();
        if started.code != Some(0) {
            return Err(started.stderr);
        }
        self.until_listening(true);
        Ok(())
    }

    fn host_key(&self) {
        let public = format!("{HOST_KEY}.pub");
        let (secret, public) = PAIR.get_or_init(|| {
            self.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", HOST_KEY]).ok();
            (self.file(HOST_KEY).read(), self.file(&public).read())
        });
        self.file(HOST_KEY).write(secret).mode(0o600);
        self.file("/etc/ssh/ssh_known_hosts").write(format!("127.0.0.1 {public}"));
    }

    fn until_listening(&self, wanted: bool) {
        let end = Instant::now() + PATIENCE;
        // sshd writes its PID file after it has begun to listen.
        while self.listening() != wanted || (wanted && !self.has_number()) {
            assert!(
                Instant::now() < end,
                "sshd does not come or go; its log:\n{}",
                self.log().join("\n")
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn has_number(&self) -> bool {
        self.file(NUMBER).exists() && self.file(NUMBER).read().ends_with('\n')
    }

    // Asks the kernel, so that sshd does not log and count a connection.
    fn listening(&self) -> bool {
        let table = format!("/proc/{}/net/tcp", self.holder().pid());
        let sockets = std::fs::read_to_string(table).expect("the machine's sockets");
        sockets.lines().any(|line| {
            let mut words = line.split_whitespace().skip(1);
            let here = words.next().is_some_and(|address| address.ends_with(":0016"));
            here && words.nth(1) == Some("0A")
        })
    }
}
