//! pkexec and doas, with which an ordinary user runs a command as root.

use std::time::{Duration, Instant};

use crate::machine::Machine;
use crate::session::Session;

/// Does what the install scripts of dbus, polkitd and pkexec do, and starts the servers. `$0` becomes an administrator
/// of polkit.
const POLKIT: &str = "
for user in messagebus polkitd; do
    getent passwd $user >/dev/null || useradd --system --no-create-home --shell /usr/sbin/nologin $user
done
gpasswd -a $0 sudo >/dev/null
chmod 4755 /usr/bin/pkexec /usr/lib/polkit-1/polkit-agent-helper-1
mkdir -p /run/dbus /var/lib/polkit-1
dbus-uuidgen --ensure
dbus-daemon --system --fork
/usr/lib/polkit-1/polkitd --no-debug >/root/polkitd.log 2>&1 &
for n in $(seq 200); do
    dbus-send --system --dest=org.freedesktop.DBus --print-reply / org.freedesktop.DBus.NameHasOwner \\
        string:org.freedesktop.PolicyKit1 | grep -q true && exit
    sleep 0.05
done
cat /root/polkitd.log
exit 1
";

/// Runs `id` as root by pkexec. Without a graphical session, polkit asks the user through pkttyagent. Once pkttyagent
/// is ready, it closes the pipe.
const PKEXEC: &str = "
rm -f ~/ready
mkfifo ~/ready
pkttyagent --process $$ --notify-fd 9 9>~/ready &
cat ~/ready
pkexec --disable-internal-agent id
kill $!
rm ~/ready
";

impl Machine {
    /// Installs and starts polkit, and lets `user` run commands by pkexec.
    #[track_caller]
    pub fn polkit(&self, user: &str) -> &Self {
        self.unpacked("pkexec").run(["sh", "-ec", POLKIT, user]).ok();
        self
    }

    /// Installs doas, and lets `user` run commands with it.
    #[track_caller]
    pub fn doas(&self, user: &str) -> &Self {
        self.unpacked("opendoas").file("/etc/doas.conf").write(format!("permit {user}\n"));
        self
    }

    /// As `user`, runs `id` with the rights of root, by pkexec (if `service` is `polkit-1`) or by the command
    /// `service`. Gives one of `answers` to each question. Returns whether the command ran as root.
    #[track_caller]
    pub fn is_root_by(&self, service: &str, user: &str, answers: &[&str]) -> bool {
        let home = format!("/home/{user}");
        // On a busy machine pkttyagent sometimes never reads the first answer.
        for _ in 0..3 {
            let call = match service {
                "polkit-1" => self.call(["sh", "-c", PKEXEC]).env("HOME", &home),
                command => self.call([command, "id"]),
            };
            if let Some(shown) = answered(call.as_user(user).open(), answers) {
                return shown.contains("uid=0(root)");
            }
        }
        panic!("{service} reads no answer");
    }
}

/// Gives one of `answers` to each question, until the command tells its result. Returns the transcript; `None` if the
/// command reads no answer.
#[track_caller]
fn answered(mut s: Session<'_>, answers: &[&str]) -> Option<String> {
    let questions = ["assword: ", "assword for ", "other ways): "];
    let results = ["uid=", "FAILED", "ailed", "ailure"];
    for answer in answers {
        if s.expect_one_of(&[&questions[..], &results].concat()) >= questions.len() {
            break;
        }
        // What is typed before the program hides it is lost.
        let shown = s.hidden().transcript().len();
        if !shows_more(s.send_line(answer), shown) {
            return None;
        }
    }
    s.give_up();
    Some(s.transcript())
}

/// Waits up to ten seconds for the command to show more than `shown` bytes. Returns whether it does.
fn shows_more(s: &Session<'_>, shown: usize) -> bool {
    let end = Instant::now() + Duration::from_secs(10);
    while s.transcript().len() <= shown {
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}
