//! Tests programs that ask only once: OpenVPN with the PAM plugin of Debian's package, and what stays in the memory of
//! such a program.

use twinlock_tests::{Machine, PASSWORD, Session, shipped};

const PLUGIN: &str = "/usr/lib/x86_64-linux-gnu/openvpn/plugins/openvpn-plugin-auth-pam.so";
const CERTIFICATE: &str = "mkdir -p /dev/net && mknod /dev/net/tun c 10 200 && cd /root && \
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
    -subj /CN=server -keyout server.key -out server.crt 2>/root/openssl && \
    openssl x509 -in server.crt -noout -fingerprint -sha256";

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().person("ada").pam("openvpn", &shipped("pam.d/openvpn"));
    m
}

/// Starts an OpenVPN server on which only the PAM plugin authenticates users. Returns its session, and the fingerprint
/// of its certificate.
fn vpn_server<'m>(m: &'m Machine, service: &str) -> (Session<'m>, String) {
    let made = m.run(["sh", "-c", CERTIFICATE]);
    let (_, fingerprint) = made.ok().trim().split_once('=').expect("a fingerprint");
    let server =
        m.call(["openvpn", "--dev", "tun", "--topology", "subnet", "--proto", "tcp-server"]);
    let server = server.args(["--server", "10.8.0.0", "255.255.255.0", "--local", "127.0.0.1"]);
    let server =
        server.args(["--dh", "none", "--ca", "/root/server.crt", "--cert", "/root/server.crt"]);
    let server = server.args(["--key", "/root/server.key", "--verify-client-cert", "none"]);
    let server = server.args(["--username-as-common-name", "--plugin", PLUGIN, service]);
    // The keys of a connection are renewed after seconds, not an hour, with the password that the client has kept.
    let server = server.args(["--auth-gen-token", "--reneg-sec", "8", "--hand-window", "4"]);
    let mut server = server.open();
    server.expect("Initialization Sequence Completed");
    (server, fingerprint.to_owned())
}

fn vpn_client<'m>(m: &'m Machine, fingerprint: &str, user: &str, text: &str) -> Session<'m> {
    m.file("/root/typed").write(format!("{user}\n{text}\n")).mode(0o600);
    let client = m.call(["openvpn", "--client", "--dev", "null", "--proto", "tcp-client"]);
    let client = client.args(["--remote", "127.0.0.1", "--peer-fingerprint", fingerprint]);
    let client = client.args(["--auth-user-pass", "/root/typed", "--reneg-sec", "0"]);
    client.args(["--route-noexec", "--ifconfig-noexec"]).open()
}

#[test]
fn openvpn_lets_in_who_has_both_and_stays_connected() {
    let m = machine();
    let (mut server, fingerprint) = vpn_server(&m, "openvpn");
    let (code, wrong) = (m.code("ada"), m.wrong_code("ada"));
    let gets_in = |user: &str, text: &str| {
        let mut client = vpn_client(&m, &fingerprint, user, text);
        client.expect_one_of(&["AUTH_FAILED", "Initialization Sequence Completed"]) == 1
    };
    assert!(!gets_in("ada", &format!("{PASSWORD}{wrong}")));
    assert_eq!(m.tries("ada"), 1, "one answer, one try, whatever the client answers again");
    assert!(!gets_in("ada", PASSWORD));
    assert!(!gets_in("nobody-here", &format!("{PASSWORD}{code}")));
    assert_eq!(m.tries("ada"), 1);
    let mut client = vpn_client(&m, &fingerprint, "ada", &format!("{PASSWORD}{code}"));
    client.expect("Initialization Sequence Completed");
    server.expect("Username/auth-token authentication succeeded for username 'ada'");
    assert!(!gets_in("ada", &format!("{PASSWORD}{code}")), "a code works once");
    let accepted = m.logged("event=accepted");
    assert_eq!(accepted.len(), 1, "{:?}", m.log());
    assert!(accepted[0].contains("service=openvpn rhost=127.0.0.1 first_factor=follows"));
    let shown = server.transcript();
    let said = m.log().join("\n") + &shown;
    assert!(!said.contains(PASSWORD) && !said.contains(&format!("y{code}")), "{said}");
}

/// Returns the auth lines that pam_twinlock(8) shows for a password and then a code. `code` contains further arguments
/// of the last line.
fn password_then_code(code: &str) -> String {
    format!(
        "auth [success=2 default=ignore] pam_unix.so nodelay\n\
         auth [default=die] pam_twinlock.so first_factor=failed\n\
         auth requisite pam_deny.so\nauth required pam_permit.so\n\
         auth requisite pam_twinlock.so first_factor=stack {code}\naccount required pam_permit.so\n"
    )
}

/// Arguments of OpenVPN's PAM plugin for clients that send the password and the code at once (static challenge). In the
/// arguments, each word that a prompt contains is followed by what the plugin answers to such a prompt. The plugin
/// answers no other prompts.
const CHALLENGE: &str = "openvpn login USERNAME password PASSWORD verification OTP";

/// Returns password and code in the form in which a client sends them with a static challenge.
fn challenged(m: &Machine, code: &str) -> String {
    let script =
        "printf 'SCRV1:%s:%s' \"$(printf %s \"$1\" | base64)\" \"$(printf %s \"$2\" | base64)\"";
    m.run(["sh", "-c", script, "sh", PASSWORD, code]).ok().to_owned()
}

/// Ada must change her key and get new backup codes at her next login. Checks that she can nevertheless log in with a
/// program that asks only for password and code.
#[test]
fn openvpn_with_a_challenge_lets_in_who_owes_a_change() {
    for argument in ["", "code_only"] {
        let m = machine();
        m.settings("require_own_code = false\nhandover_logins = 2\n");
        m.pam("openvpn", &password_then_code(argument));
        m.run(["twinlock", "show-key", "ada", "--yes", "--png", "/root/qr"]).ok();
        m.run(["twinlock", "backup-codes", "ada", "--yes"]).ok();
        let (_server, fingerprint) = vpn_server(&m, CHALLENGE);
        let gets_in = |steps: i64| {
            let text = challenged(&m, &m.code_in("ada", steps));
            let mut client = vpn_client(&m, &fingerprint, "ada", &text);
            client.expect_one_of(&["AUTH_FAILED", "Initialization Sequence Completed"]) == 1
        };
        for (put_off, steps) in [(1, -1), (2, 0)] {
            assert!(gets_in(steps), "{argument} {put_off}: {:?}", m.log());
            let status = m.run(["twinlock", "status", "ada", "--json"]).ok().to_owned();
            assert!(status.contains(&format!("\"postponed\":{put_off}")), "{status}");
            assert!(status.contains("owed_codes"), "{status}");
        }
        assert!(!gets_in(1), "{argument}: put off as often as the settings allow");
        assert_eq!(m.logged("reason=key_not_changed").len(), 1, "{:?}", m.log());
    }
}

/// Script that counts how often each line of /root/needles occurs in the memory of the program that has loaded the
/// module.
const LOOK: &str = r#"#!/usr/bin/perl
my $pid = getppid();
open(my $maps, "<", "/proc/$pid/maps") or die;
open(my $memory, "<", "/proc/$pid/mem") or die;
open(my $lines, "<", "/root/needles") or die;
chomp(my @needles = <$lines>);
my %count;
while (<$maps>) {
    /^([0-9a-f]+)-([0-9a-f]+) rw/ or next;
    my ($from, $to) = (hex $1, hex $2);
    sysseek($memory, $from, 0);
    sysread($memory, my $bytes, $to - $from);
    $count{$_} += () = $bytes =~ /\Q$_\E/g for @needles;
}
open(my $found, ">>", "/root/found") or die;
print $found join(" ", map { $count{$_} } @needles), "\n";
"#;

#[test]
fn one_copy_of_the_password_is_left_and_that_is_libpams() {
    let m = machine();
    m.file("/root/look").write(LOOK).mode(0o755);
    let look = "required pam_exec.so quiet /root/look";
    let ours = "auth required pam_twinlock.so first_factor=follows forward_pass";
    m.pam("one", &format!("{ours}\nauth {look}\naccount required pam_permit.so\nsession {look}\n"));
    let (code, wrong) = (m.code("ada"), m.wrong_code("ada"));
    m.file("/root/needles").write(format!("horse\ny{code}\ny{wrong}\n"));
    for (ending, counts) in [(&wrong, "0 0 0\n"), (&code, "1 0 0\n0 0 0\n")] {
        m.file("/root/found").write("");
        let call = m.call(["pamtester", "one", "ada", "authenticate", "open_session"]);
        let ended = call.input(format!("{PASSWORD}{ending}\n")).output();
        assert_eq!(m.file("/root/found").read(), counts, "{ended:?}");
    }
}

/// Checks a password and a code in one answer with both methods of sshd: prompts from PAM, and sshd's own password
/// method, which shows no prompt of PAM.
#[test]
fn sshds_password_method_has_one_field_too() {
    let m = machine();
    let shipped = shipped("pam.d/sshd-password");
    let lines = shipped.lines().filter(|line| !line.starts_with("auth"));
    let code_first = "auth required pam_twinlock.so first_factor=follows forward_pass\n\
                      auth required pam_unix.so use_first_pass nodelay\n";
    m.pam("sshd", &format!("{code_first}{}\n", lines.collect::<Vec<_>>().join("\n")));
    m.sshd("PasswordAuthentication yes\nAuthenticationMethods password\n");
    let gets_in = |user: &str, text: &str| {
        let mut s = m.ssh(user).open();
        s.expect("password: ").send_line(text);
        s.logged_in()
    };
    let code = m.code("ada");
    assert!(!gets_in("ada", PASSWORD));
    assert!(!gets_in("ada", &format!("{PASSWORD}{}", m.wrong_code("ada"))));
    assert!(gets_in("ada", &format!("{PASSWORD}{code}")));
    assert!(!gets_in("ada", &format!("{PASSWORD}{code}")));
    // sshd sends a fixed text for accounts that it bars; it is no code and costs no attempt.
    let before = m.tries("root");
    assert!(!gets_in("root", &format!("{PASSWORD}{code}")));
    assert_eq!(m.tries("root"), before);
}
