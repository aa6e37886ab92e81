//! Installs the real module and command in a machine, as a package does.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::artefacts::built;
use crate::codes::{Otp, now};
use crate::holder::BOOTED_EARLIER;
use crate::machine::Machine;

/// Line that [`Machine::settings`] adds to the settings. By it, root acts without a code.
pub const ROOT_IS_EXEMPT: &str = "own_code_exempt = [\"root\"]\n";
const SETTINGS: &str = "/etc/twinlock/twinlock.toml";
const MODULE: &str = "/usr/lib/x86_64-linux-gnu/security/pam_twinlock.so";

impl Machine {
    /// Installs module and command, and creates the store and the ledger. Makes the ledger look as if it had begun ten
    /// minutes ago, so that present codes are accepted.
    pub fn twinlock(&self) -> &Self {
        self.files();
        self.file("/etc/twinlock").make_folder();
        if !self.file(SETTINGS).exists() {
            self.settings("");
        }
        self.run(["twinlock", "epoch", "ensure"]).ok();
        self.epoch_minutes_ago(10)
    }

    /// Installs module and command, but creates neither a store nor a ledger.
    pub fn files(&self) -> &Self {
        self.file(MODULE).write(built("libpam_twinlock.so"));
        // Written by a separate process. A child that another thread forks meanwhile would inherit the open file, and a
        // file that is open for writing cannot be executed.
        let copy = self.call(["sh", "-c", "cat >/usr/bin/twinlock && chmod 755 /usr/bin/twinlock"]);
        copy.input(built("twinlock")).output().ok();
        self
    }

    /// Installs the agent and its PAM service, and starts its listener.
    pub fn agent(&self) -> &Self {
        self.install_agent().start_agent()
    }

    /// Installs the agent and its PAM service.
    pub fn install_agent(&self) -> &Self {
        for program in ["twinlock-agent", "twinlock-agent-worker"] {
            let path = format!("/usr/libexec/twinlock/{program}");
            let copy = format!("mkdir -p /usr/libexec/twinlock && cat >{path} && chmod 755 {path}");
            self.call(["sh", "-c", &copy]).input(built(program)).output().ok();
        }
        self.shipped_pam("twinlock")
    }

    /// Starts the listener of the agent, which creates its socket itself, and waits until the socket exists.
    pub fn start_agent(&self) -> &Self {
        let begin = "rm -f /run/twinlock-agent/socket; /usr/libexec/twinlock/twinlock-agent --listen \
             >/run/agent.log 2>&1 </dev/null & \
             until [ -S /run/twinlock-agent/socket ]; do sleep 0.01; done";
        self.run(["timeout", "20", "sh", "-c", begin]).ok();
        self
    }

    /// Installs `pam_panic_probe.so`, a module with twinlock's entry points. At a login, this module asks "Probe: " and
    /// panics with the answer as its message.
    pub fn panic_probe(&self) -> &Self {
        let module = "/usr/lib/x86_64-linux-gnu/security/pam_panic_probe.so";
        self.file(module).write(built("examples/libpanic_probe.so"));
        self
    }

    /// Writes `text` to the settings file, with [`ROOT_IS_EXEMPT`] before its first table, since root runs the
    /// commands of tests. If `text` contains `own_code`, nothing is added.
    pub fn settings(&self, text: &str) -> &Self {
        if text.contains("own_code") {
            return self.settings_alone(text);
        }
        let mut tables = text.match_indices('[').map(|(at, _)| at);
        let table = tables.find(|at| *at == 0 || text[..*at].ends_with('\n'));
        let (head, tables) = text.split_at(table.unwrap_or(text.len()));
        let end = if head.is_empty() || head.ends_with('\n') { "" } else { "\n" };
        self.settings_alone(&format!("{head}{end}{ROOT_IS_EXEMPT}{tables}"))
    }

    /// Writes the settings file with this text and nothing else.
    pub fn settings_alone(&self, text: &str) -> &Self {
        self.file(SETTINGS).write(text);
        self
    }

    /// Enrolls `user` with this key in base32, by `twinlock import uri`.
    pub fn enrolled(&self, user: &str, key: &str) -> &Self {
        self.enrolled_with(user, &Otp::new(key))
    }

    /// Enrolls `user` with key and parameters of `otp`, by `twinlock import uri`.
    pub fn enrolled_with(&self, user: &str, otp: &Otp) -> &Self {
        let import = self.call(["twinlock", "import", "uri", user]);
        import.input(format!("{}\n", otp.uri(user))).output().ok();
        self.app(user, otp)
    }

    /// Puts the account `otp` into the app of `user`, but does not enroll the user.
    pub fn app(&self, user: &str, otp: &Otp) -> &Self {
        self.keys().insert(user.to_owned(), otp.clone());
        self
    }

    /// Returns the account in the app of `user`.
    pub fn otp(&self, user: &str) -> Otp {
        let otp = self.keys().get(user).cloned();
        otp.unwrap_or_else(|| panic!("{user} has no authenticator app in this test"))
    }

    /// Returns the code that the app of `user` shows now.
    pub fn code(&self, user: &str) -> String {
        self.otp(user).in_steps(0)
    }

    /// Returns the code of `user`'s app for the step that is `steps` steps after the present one; a negative number
    /// means before it.
    pub fn code_in(&self, user: &str, steps: i64) -> String {
        self.otp(user).in_steps(steps)
    }

    /// Returns a code that is not valid for `user`.
    pub fn wrong_code(&self, user: &str) -> String {
        self.otp(user).wrong()
    }

    /// Makes the ledger look as if it had begun `minutes` minutes ago, and as if the wall clock had last been trusted
    /// at that time.
    pub fn epoch_minutes_ago(&self, minutes: u64) -> &Self {
        self.epoch(minutes, now() - minutes * 60)
    }

    /// Makes the ledger look as if it had begun `minutes` minutes ago. `mark` is the time at which the wall clock was
    /// last trusted, in seconds since 1970.
    pub fn epoch(&self, minutes: u64, mark: u64) -> &Self {
        let ago = Duration::from_secs(minutes * 60);
        let up = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(up.tv_sec).expect("a machine that is up") + BOOTED_EARLIER;
        let began = Duration::from_secs(seconds).saturating_sub(ago).as_nanos();
        let boot = self.boot_id();
        self.file("/run/twinlock/epoch").link_to(&format!("{boot}.{began}.{mark}"));
        self
    }

    /// Returns the value of the field `actor=` in the log lines about commands of these tests. The value depends on the
    /// kernel's login uid.
    pub fn actor(&self) -> String {
        let loginuid = self.run(["cat", "/proc/self/loginuid"]).stdout;
        match loginuid.trim() {
            "" | "4294967295" => "unset".to_owned(),
            "0" => "root".to_owned(),
            uid => format!("uid:{uid}"),
        }
    }

    /// Returns the kernel's boot id without dashes.
    pub fn boot_id(&self) -> String {
        self.file("/proc/sys/kernel/random/boot_id").read().trim().replace('-', "")
    }
}
