//! Tests the recipe for OpenVPN, with Debian's server and client on the loopback interface.

use twinlock_tests::{Machine, PASSWORD, Session};

use crate::page::Page;
use crate::{doctor, machine};

const SERVER: &str = "/etc/openvpn/server/server.conf";
const CLIENT: &str = "/etc/openvpn/client/client.conf";
const UP: &str = "Initialization Sequence Completed";

/// Settings of a server that does not ask for logins yet. Keys are renewed after seconds instead of an hour.
const BEFORE: &str = "dev tun\ntopology subnet\nproto tcp-server\nlocal 127.0.0.1\n\
    server 10.8.0.0 255.255.255.0\ndh none\nca /root/server.crt\ncert /root/server.crt\n\
    key /root/server.key\nverify-client-cert none\nreneg-sec 8\nhand-window 4\n";

const CERTIFICATE: &str = "mkdir -p /dev/net && mknod /dev/net/tun c 10 200 && cd /root && \
    mkdir -p /etc/openvpn/server /etc/openvpn/client && \
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
    -subj /CN=server -keyout server.key -out server.crt 2>/root/openssl && \
    openssl x509 -in server.crt -noout -fingerprint -sha256";

pub fn run(page: &Page) {
    // The parts run at the same time, because each waits for renegotiations or for delays after a failure.
    std::thread::scope(|scope| {
        for part in [challenge, tokens_survive, renegotiation_without_tokens, one_field] {
            scope.spawn(move || part(page));
        }
    });
}

/// Creates a machine with the server and the client of the page.
fn machine_of(page: &Page) -> Machine {
    let m = machine();
    let made = m.run(["sh", "-c", CERTIFICATE]);
    let (_, fingerprint) = made.ok().trim().split_once('=').expect("a fingerprint");
    m.file(SERVER).write(BEFORE);
    m.file(CLIENT).write(format!(
        "client\ndev null\nproto tcp-client\nremote 127.0.0.1\nconnect-retry 1\n\
         peer-fingerprint {fingerprint}\nreneg-sec 0\nroute-noexec\nifconfig-noexec\n"
    ));
    page.follow(&m, "Server");
    page.follow(&m, "Client");
    m
}

fn server(m: &Machine) -> Session<'_> {
    let mut server = m.call(["openvpn", "--config", SERVER]).open();
    server.expect(UP);
    server
}

fn stop(m: &Machine, mut server: Session<'_>) {
    let mut processes = m.processes().into_iter();
    // A child of the server with the same name is the plugin.
    let own = format!("openvpn --config {SERVER}");
    let (pid, _) = processes.find(|(_, args)| *args == own).expect("the server");
    m.signal("TERM", pid);
    server.exit_code();
}

/// Starts the client and answers its prompts. `code` is `None` if the client does not ask for a code. Returns the
/// client's session, and whether the client is connected.
fn client<'m>(
    page: &Page,
    m: &'m Machine,
    password: &str,
    code: Option<&str>,
) -> (Session<'m>, bool) {
    let mut client = page.shown(m, "What the user sees", "").open();
    client.expect("Enter Auth Username:").send_line("ada");
    client.expect("Enter Auth Password:").hidden().send_line(password);
    if let Some(code) = code {
        client.expect("CHALLENGE: Verification code").hidden().send_line(code);
    }
    let up = client.expect_one_of(&["AUTH_FAILED", UP]) == 1;
    (client, up)
}

fn challenge(page: &Page) {
    let m = machine_of(page);
    page.ran_with(&m, "openvpn");
    assert_eq!(doctor(&m, "openvpn"), Some(0));
    let _server = server(&m);
    let (code, wrong) = (m.code("ada"), m.wrong_code("ada"));
    let gets_in = |password, code: &str| client(page, &m, password, Some(code)).1;
    assert!(!gets_in(PASSWORD, &wrong));
    assert_eq!(m.tries("ada"), 1);
    assert!(!gets_in("wrong", &code));
    let (shown, up) = client(page, &m, PASSWORD, Some(&code));
    assert!(up, "{}", shown.transcript());
    page.compare("What the user sees", &shown.transcript());
    drop(shown);
    assert!(!gets_in(PASSWORD, &code), "a code works once");
    assert_eq!(m.logged("event=accepted").len(), 1, "{:?}", m.log());
    assert!(m.logged("event=accepted")[0].contains("rhost=127.0.0.1"), "{:?}", m.log());
}

fn tokens_survive(page: &Page) {
    let m = machine_of(page);
    let token = "Username/auth-token authentication succeeded for username 'ada'";
    let mut running = server(&m);
    let (mut client, up) = client(page, &m, PASSWORD, Some(&m.code("ada")));
    assert!(up, "{}", client.transcript());
    for _ in 0..3 {
        running.expect(token);
    }
    stop(&m, running);
    let mut running = server(&m);
    client.expect(UP);
    running.expect(token);
    assert_eq!(m.logged("event=accepted").len(), 1, "{:?}", m.log());
    stop(&m, running);
    m.run(["openvpn", "--genkey", "auth-token", "/etc/openvpn/server/token.key"]).ok();
    let _running = server(&m);
    client.expect("AUTH_FAILED");
}

/// Checks what the page says about a server without tokens, and about tokens without a lifetime.
fn renegotiation_without_tokens(page: &Page) {
    for lines in ["", "auth-gen-token\n"] {
        let m = machine_of(page);
        let text = m.file(SERVER).read();
        let kept = text.lines().filter(|line| !line.starts_with("auth-gen-token"));
        let kept: String = kept.map(|line| format!("{line}\n")).collect();
        m.file(SERVER).write(format!("{kept}{lines}"));
        let _server = server(&m);
        let (mut client, up) = client(page, &m, PASSWORD, Some(&m.code("ada")));
        assert!(up, "{}", client.transcript());
        client.expect("AUTH_FAILED");
        assert_eq!(m.logged("event=accepted").len(), 1, "{:?}", m.log());
        assert_eq!(m.logged("reason=replayed").is_empty(), !lines.is_empty(), "{:?}", m.log());
    }
}

fn one_field(page: &Page) {
    let m = machine_of(page);
    page.follow(&m, "Clients without a challenge");
    assert_eq!(doctor(&m, "openvpn"), Some(0));
    let text = m.file(CLIENT).read().replace("static-challenge \"Verification code\" 0\n", "");
    m.file(CLIENT).write(text);
    let running = server(&m);
    let (code, wrong) = (m.code("ada"), m.wrong_code("ada"));
    let gets_in = |text: &str| client(page, &m, text, None).1;
    assert!(!gets_in(&format!("{PASSWORD}{wrong}")));
    assert!(!gets_in(&format!("wrong{code}")));
    assert!(!gets_in(PASSWORD));
    let next = format!("{PASSWORD}{}", m.code_in("ada", 1));
    assert!(gets_in(&next));
    assert!(!gets_in(&next));
    stop(&m, running);
    page.follow(&m, "Undo");
    assert_eq!(doctor(&m, "openvpn"), Some(7));
    let _server = server(&m);
    assert!(gets_in(PASSWORD));
    assert!(!gets_in("wrong"));
}
