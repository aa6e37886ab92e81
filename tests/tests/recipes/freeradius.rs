//! Tests the recipe for FreeRADIUS, with Debian's own configuration of the server.

use twinlock_tests::{Machine, PASSWORD, Session};

use crate::page::Page;
use crate::{doctor, machine};

/// Script that removes the host's configuration of FreeRADIUS, and creates the server's folders as its package does.
const OWNED: &str = "rm -rf /etc/freeradius; mkdir -p /run/freeradius /var/log/freeradius; \
    chown freerad:freerad /run/freeradius /var/log/freeradius";
const CONFIGURATION: &str = "/etc/freeradius/3.0";
/// Script that prints the user as whom the server's unit, with its drop-ins, starts the server.
const USER: &str = "cat /lib/systemd/system/freeradius.service \
    $(find /etc/systemd/system/freeradius.service.d -name '*.conf' 2>/dev/null) | sed -n 's/^User=//p' | tail -1";

pub fn run(page: &Page) {
    let m = machine();
    m.run(["sh", "-euc", OWNED]).ok();
    m.unpacked("freeradius-config");
    m.run(["sh", "-euc", ENABLED]).ok();
    let before = contents(&m);
    m.person("bob");
    page.follow(&m, "Server");
    assert_eq!(doctor(&m, "radiusd"), Some(0));
    page.ran_with(&m, "freeradius");
    let mut running = server(&m);
    logins(page, &m);
    repeated_packet(&m, &mut running);
    five_wrong_answers(&m);
    stop(&m, running);
    refused_as_freerad(&m);
    page.follow(&m, "Undo");
    assert_eq!(contents(&m), before);
    assert_eq!(m.run(["sh", "-c", USER]).ok(), "freerad\n");
}

/// Script that enables the sites and modules of FreeRADIUS that the package enables, and makes the certificate to which
/// their configuration refers.
const ENABLED: &str = "cd /etc/freeradius/3.0
    for site in default inner-tunnel; do ln -s ../sites-available/$site sites-enabled/$site; done
    for module in always attr_filter chap detail detail.log digest dynamic_clients eap echo exec expiration expr files \
        linelog logintime mschap ntlm_auth pap passwd preprocess radutmp realm replicate soh sradutmp unix unpack utf8
    do ln -s ../mods-available/$module mods-enabled/$module; done
    chown -R freerad:freerad /etc/freeradius
    mkdir -p /etc/ssl/certs /etc/ssl/private
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=twinbox -keyout /etc/ssl/private/ssl-cert-snakeoil.key \
        -out /etc/ssl/certs/ssl-cert-snakeoil.pem 2>/root/openssl
    cp /etc/ssl/certs/ssl-cert-snakeoil.pem /etc/ssl/certs/ca-certificates.crt
    chmod 755 /etc/ssl/private; chmod 644 /etc/ssl/private/*";

/// Returns a listing of all files of FreeRADIUS and PAM, with their hashes and the targets of links.
fn contents(m: &Machine) -> String {
    let all = "find /etc/freeradius /etc/pam.d -type l -printf '%p %l\\n' -o -type f -exec sha256sum {} + | sort";
    m.run(["sh", "-c", all]).ok().to_owned()
}

/// Starts the server as its systemd unit does.
fn server(m: &Machine) -> Session<'_> {
    let user = m.run(["sh", "-c", USER]).ok().trim().to_owned();
    let mut server = m.call(["freeradius", "-f", "-xx", "-l", "stdout"]);
    if user != "root" {
        server = server.as_user(&user);
    }
    let mut server = server.open();
    server.expect("Ready to process requests");
    server
}

fn stop(m: &Machine, mut server: Session<'_>) {
    let mut processes = m.processes().into_iter();
    let (pid, _) = processes.find(|(_, args)| args.starts_with("freeradius ")).expect("the server");
    m.signal("TERM", pid);
    server.exit_code();
}

/// Sends one request with `text` as the password. Returns whether the answer is `Access-Accept`.
fn radtest(m: &Machine, user: &str, text: &str) -> bool {
    let said = m.run(["radtest", user, text, "127.0.0.1", "0", "testing123"]).stdout;
    let accepted = said.contains("Received Access-Accept");
    assert_ne!(accepted, said.contains("Received Access-Reject"), "{said}");
    accepted
}

fn logins(page: &Page, m: &Machine) {
    let (code, wrong) = (m.code("ada"), m.wrong_code("ada"));
    assert!(!radtest(m, "ada", &format!("{PASSWORD}{wrong}")));
    assert_eq!(m.tries("ada"), 1);
    assert!(!radtest(m, "ada", PASSWORD));
    let mut shown = page.shown(m, "What the user sees", &code).open();
    assert_eq!(shown.exit_code(), Some(0), "{}", shown.transcript());
    page.compare("What the user sees", &shown.transcript());
    assert!(!radtest(m, "ada", &format!("{PASSWORD}{code}")), "a code works once");
    assert!(!radtest(m, "ada", &format!("wrong{}", m.code_in("ada", 1))));
}

/// Checks that a packet that is sent several times is verified once.
fn repeated_packet(m: &Machine, server: &mut Session<'_>) {
    let (tries, refused) = (m.tries("ada"), m.logged("reason=wrong_code").len());
    let typed = format!("User-Name=ada,User-Password=\"{PASSWORD}{}\"\n", m.wrong_code("ada"));
    let sent = m.call(["radclient", "-t", "0.1", "-r", "100", "127.0.0.1", "auth", "testing123"]);
    let said = sent.input(typed).output();
    assert!(said.stdout.contains("Received Access-Reject"), "{said:?}");
    server.expect("Discarding duplicate request");
    assert_eq!((m.tries("ada"), m.logged("reason=wrong_code").len()), (tries + 1, refused + 1));
}

/// Checks that requests without a client address share the limit of wrong codes, and that `twinlock unlock` ends the
/// delay.
fn five_wrong_answers(m: &Machine) {
    for _ in 0..5 {
        assert!(!radtest(m, "bob", &format!("{PASSWORD}{}", m.wrong_code("bob"))));
    }
    let last = format!("{PASSWORD}{}", m.code("bob"));
    assert!(!radtest(m, "bob", &last));
    assert_eq!(m.logged("reason=throttled").len(), 1, "{:?}", m.log());
    m.run(["twinlock", "unlock", "bob"]).ok();
    assert!(radtest(m, "bob", &last));
}

fn refused_as_freerad(m: &Machine) {
    let drop_in = "/etc/systemd/system/freeradius.service.d/twinlock.conf";
    let (kept, settings) = (m.file(drop_in).read(), format!("{CONFIGURATION}/radiusd.conf"));
    let before = m.file(&settings).read();
    m.file(drop_in).remove();
    m.file(&settings).write(before.replace("user = root", "user = freerad"));
    let _server = server(m);
    assert!(!radtest(m, "ada", &format!("{PASSWORD}{}", m.code_in("ada", 1))));
    let refused = m.logged("reason=caller_not_root");
    assert!(refused.len() == 1 && refused[0].contains(" uid="), "{:?}", m.log());
    m.file(drop_in).write(kept);
    m.file(&settings).write(before);
}
