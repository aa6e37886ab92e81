//! Other doors to root, with the real programs: pkexec, which asks through polkit's helper, and doas.

use serde_json::Value;
use twinlock_tests::{Machine, PASSWORD, Session};

use super::{found, report, row, wired};

/// Does what the install scripts of dbus, polkitd and pkexec do, and starts their servers.
const POLKIT: &str = "
echo 'messagebus:x:991:991::/nonexistent:/usr/sbin/nologin' >>/etc/passwd
echo 'polkitd:x:992:992::/nonexistent:/usr/sbin/nologin' >>/etc/passwd
printf 'messagebus:x:991:\\npolkitd:x:992:\\n' >>/etc/group
gpasswd -a ada sudo
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
cat /root/polkitd.log; exit 1
";

/// Runs `id` as root. Without a graphical session, polkit asks through pkttyagent.
const PKEXEC: &str = "
mkfifo /home/ada/ready
pkttyagent --process $$ --notify-fd 9 9>/home/ada/ready &
cat /home/ada/ready
pkexec --disable-internal-agent id
kill $!
rm /home/ada/ready
";

/// Gives each answer to the next question of a command. Returns whether the command ran as root.
fn is_root_after(mut s: Session<'_>, answers: &[&str]) -> bool {
    for answer in answers {
        if s.expect_one_of(&["assword: ", "other ways): ", "uid=", "FAILED", "ailed", "ailure"]) > 1
        {
            break;
        }
        s.hidden().send_line(answer);
    }
    s.give_up();
    s.transcript().contains("uid=0(root)")
}

/// Opens a command of ada's that runs `id` as root.
type Open = for<'m> fn(&'m Machine) -> Session<'m>;

/// Checks that root's rights are there for a password alone, that doctor names that, and that they need a code as soon
/// as its remedy was followed.
fn closes(m: &Machine, service: &str, open: Open) {
    let said = found(m, service, "warning root-not-asked", 0);
    assert_eq!(row(&said, service)["code"], "not asked");
    assert!(is_root_after(open(m), &[PASSWORD]), "{service}");
    m.file("/etc/twinlock/accepted.toml").write(format!("protect = [\"{service}\"]\n"));
    let said = found(m, service, "way-in not-wired", 7);
    let findings = said["findings"].as_array().expect("findings");
    let one = findings.iter().find(|one| one["id"] == "not-wired").expect("the finding");
    let remedy = one["remedy"].as_str().expect("text");
    // The file of a package is copied, and its other lines stay.
    let own = format!("/etc/pam.d/{service}");
    let of_package = one["where"].as_str().expect("a file");
    assert_eq!(remedy.starts_with(&format!("Copy {of_package} to {own}: ")), of_package != own);
    let old = m.file(of_package).read();
    let is_auth = |line: &&str| {
        line.starts_with("auth") || line.split_whitespace().eq(["@include", "common-auth"])
    };
    let rest: Vec<&str> = old.lines().filter(|line| !is_auth(line)).collect();
    let (_, lines) = remedy.split_once(":\n").expect("lines");
    m.pam(service, &format!("{lines}\n{}\n", rest.join("\n")));
    let (code, closed) = report(m);
    assert_eq!(
        (code, &row(&closed, service)["code"]),
        (Some(0), &Value::from("asked")),
        "{closed:#}"
    );
    assert!(!is_root_after(open(m), &[PASSWORD]), "{service}");
    assert!(!is_root_after(open(m), &[PASSWORD, &m.wrong_code("ada")]), "{service}");
    assert!(!is_root_after(open(m), &["wrong", &m.code_in("ada", -1)]), "{service}");
    assert!(is_root_after(open(m), &[PASSWORD, &m.code("ada")]), "{service} {:?}", m.log());
}

#[test]
fn pkexec_gives_root_for_what_the_file_of_polkit_asks() {
    let m = wired();
    m.unpacked("pkexec").run(["sh", "-ec", POLKIT]).ok();
    closes(&m, "polkit-1", |m| m.call(["sh", "-c", PKEXEC]).as_user("ada").open());
}

#[test]
fn doas_gives_root_for_what_its_file_asks() {
    let m = wired();
    m.unpacked("opendoas").file("/etc/doas.conf").write("permit ada\n");
    closes(&m, "doas", |m| m.call(["doas", "id"]).as_user("ada").open());
}
