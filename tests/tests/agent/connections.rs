//! Tests connections to the agent: whom the agent takes for the caller, how many connections a user may have, and what
//! ends a connection.

use twinlock_tests::{Finished, Machine};

use crate::machine;

/// Python code for scripts that talk to the agent: `connect` returns a socket, `frame` builds a frame of the protocol,
/// and `said` returns all bytes that the agent sends until it closes the connection.
const CONNECT: &str = "import os,socket,struct,sys,time
def connect():
    s=socket.socket(socket.AF_UNIX)
    s.connect('/run/twinlock-agent/socket')
    return s
def frame(kind,body=b''):
    return struct.pack('>HB',len(body)+1,kind)+body
MAGIC=b'TWINLCK\\x01'
STATUS=MAGIC+frame(1,bytes([1,1]))
def said(s):
    s.settimeout(20)
    out=b''
    try:
        while True:
            part=s.recv(65536)
            if not part: return out
            out+=part
    except ConnectionResetError:
        return out
";

fn python(m: &Machine, user: &str, script: &str) -> Finished {
    m.run_as(user, ["python3", "-c", &format!("{CONNECT}{script}")])
}

#[test]
fn silent_client_is_cut_after_two_seconds() {
    let m = machine();
    // A client that sends a part of a request and then nothing more is cut off too.
    for begin in ["b''", "MAGIC[:3]", "MAGIC+frame(1,bytes([1,1]))[:4]"] {
        let script = format!(
            "s=connect()\nt=time.monotonic()\ns.send({begin})\nassert said(s)==b''\nprint(time.monotonic()-t)"
        );
        let ended = python(&m, "ada", &script);
        let seconds: f64 = ended.ok().trim().parse().unwrap();
        assert!((1.5..20.0).contains(&seconds), "{begin}: {seconds}");
    }
}

#[test]
fn foreign_first_bytes_close() {
    let m = machine();
    for bytes in [
        "b'GET / HTTP/1.0\\r\\n\\r\\n'",
        "b'TWINLCK\\x02'+frame(1,bytes([1,1]))",
        "MAGIC+frame(2,b'000000')",
        "MAGIC+frame(3)",
        "MAGIC+frame(7,b'\\0')",
        "MAGIC+frame(1,bytes([99,0]))",
        "MAGIC+b'\\xff\\xff'",
        "MAGIC+frame(1,bytes([1,0,0,255]))",
        "b'\\0'*100000",
    ] {
        let script = format!(
            "s=connect()\nt=time.monotonic()\ntry:\n    s.sendall({bytes})\nexcept OSError: pass\nassert said(s)==b''\nprint(time.monotonic()-t)"
        );
        let ended = python(&m, "ada", &script);
        let seconds: f64 = ended.ok().trim().parse().unwrap();
        assert!(seconds < 1.5, "{bytes} was not refused at once: {seconds}");
    }
    assert_eq!(m.run_as("ada", ["twinlock", "status"]).code, Some(0));
}

#[test]
fn passed_descriptor_keeps_connector() {
    let m = machine();
    m.user("bob").run(["chmod", "711", "/root"]).ok();
    // bob connects and passes the descriptor to ada's process, which asks for its state.
    let script = "a,b=socket.socketpair()
if os.fork()==0:
    os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))
    s=connect()
    socket.send_fds(b,[b'x'],[s.fileno()])
    os._exit(0)
_,fds,_,_=socket.recv_fds(a,1,1)
os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
s=socket.socket(fileno=fds[0])
s.sendall(STATUS)
print(said(s))
";
    let (ada, bob) = (m.uid("ada").to_string(), m.uid("bob").to_string());
    let script = format!("{CONNECT}{script}");
    let seen = m.run(["python3", "-c", &script, &bob, &ada]);
    assert!(seen.ok().contains("\"user\":\"bob\""), "{seen:?}");
    assert!(!seen.stdout.contains("ada"), "{seen:?}");
}

#[test]
fn setuid_root_client_gains_nothing() {
    let m = machine();
    // A setuid program connects as root and then becomes the user. The kernel reports root as the caller, so the
    // client may do nothing for the user.
    let script = "s=connect()
os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))
s.sendall(MAGIC+frame(1,bytes([5,0])))
print(said(s))
";
    let script = format!("{CONNECT}{script}");
    let seen = m.run(["python3", "-c", &script, &m.uid("ada").to_string()]);
    assert!(seen.ok().contains("You may do this for your own account only"), "{seen:?}");
}

#[test]
fn caller_in_user_namespace_is_outer_uid() {
    let m = machine();
    for how in [&["--map-root-user"][..], &["--map-user=4242", "--map-group=4242"]] {
        let words =
            ["unshare", "--user"].iter().chain(how).chain(&["twinlock", "status", "--json"]);
        let seen = m.run_as("ada", words.copied());
        // In the namespace, the client seems to be root and runs the command itself, which cannot read the records.
        if how.len() == 1 {
            assert_ne!(seen.code, Some(0), "{seen:?}");
            let script = format!("{CONNECT}s=connect()\ns.sendall(STATUS)\nprint(said(s))");
            let seen =
                m.run_as("ada", ["unshare", "--user", "--map-root-user", "python3", "-c", &script]);
            assert!(seen.ok().contains("\"user\":\"ada\""), "{seen:?}");
        } else {
            // From the namespace, the server does not seem to belong to root.
            assert_ne!(seen.code, Some(0), "{seen:?}");
        }
    }
}

#[test]
fn one_uid_cannot_take_all_slots() {
    let m = machine();
    m.user("bob");
    let script = "all=[connect() for _ in range(4)]
s=connect()
answer=said(s)
assert b'busy' in answer, answer
print('held',flush=True)
sys.stdin.read()
";
    let mut held = m.call(["python3", "-c", &format!("{CONNECT}{script}")]).as_user("ada").open();
    held.expect("held");
    assert_eq!(m.run_as("bob", ["twinlock", "status"]).code, Some(0));
    let busy = m.run_as("ada", ["twinlock", "status"]);
    // The agent cuts off the four open connections after two seconds, so this one may come late enough.
    assert!(matches!(busy.code, Some(0 | 5)), "{busy:?}");
}

#[test]
fn flood_leaves_socket_active() {
    let m = machine();
    m.user("bob");
    let script = "t=time.monotonic()
for _ in range(5000):
    s=connect(); s.close()
print('flooded',time.monotonic()-t,flush=True)
";
    let flooded = python(&m, "ada", script);
    assert!(flooded.ok().starts_with("flooded"), "{flooded:?}");
    let served = "t=time.monotonic()\ns=connect()\ns.sendall(STATUS)\nanswer=said(s)\nassert b'bob' in answer, answer\nprint(time.monotonic()-t)";
    let seconds: f64 = python(&m, "bob", served).ok().trim().parse().unwrap();
    // One second is promised; a busy machine of the tests gets ten.
    assert!(seconds < 10.0, "{seconds}");
    // The 64 connections have ended, so new ones are served.
    for _ in 0..3 {
        assert_eq!(m.run_as("bob", ["twinlock", "status"]).code, Some(0));
    }
}

#[test]
fn subuid_callers_share_one_slot() {
    let m = machine();
    // Root's python stands for the mapped user ids of a namespace, which have no account.
    let script = "def held(uid):
    pid=os.fork()
    if pid==0:
        os.setgid(uid); os.setuid(uid)
        s=connect()
        answer=said(s)
        os._exit(7 if b'busy' in answer else 0)
    return pid
pids=[held(100000+n) for n in range(8)]
busy=sum(os.waitstatus_to_exitcode(os.waitpid(pid,0)[1])==7 for pid in pids)
print(busy)
";
    let script = format!("{CONNECT}{script}");
    let busy = m.run(["python3", "-c", &script]);
    assert_eq!(busy.ok().trim(), "4", "{busy:?}");
}

#[test]
fn private_users_refuses_start() {
    let m = machine();
    let program = "/usr/libexec/twinlock/twinlock-agent";
    let refused = m.run(["unshare", "--user", "--map-root-user", program, "--listen"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("cannot see the user ids of its callers"), "{refused:?}");
}

#[test]
fn without_an_agent_the_message_names_the_login() {
    let m = machine();
    m.run(["pkill", "-x", "twinlock-agent"]).ok();
    for verb in ["status", "change", "backup-codes"] {
        let said = m.run_as("ada", ["twinlock", verb]);
        assert_eq!(said.code, Some(4), "{said:?}");
        assert!(said.stderr.contains("log in, type ?, then 4"), "{said:?}");
    }
}

#[test]
fn a_squatted_socket_is_no_agent() {
    let m = machine();
    m.user("bob");
    m.run(["pkill", "-x", "twinlock-agent"]).ok();
    m.run(["sh", "-c", "rm -rf /run/twinlock-agent; mkdir -m 777 /run/twinlock-agent"]).ok();
    let script = "s=socket.socket(socket.AF_UNIX)
s.bind('/run/twinlock-agent/socket'); os.chmod('/run/twinlock-agent/socket',0o666); s.listen()
print('bound',flush=True)
c,_=s.accept()
c.settimeout(5)
try: print('heard',c.recv(100),flush=True)
except Exception: print('heard nothing',flush=True)
";
    let mut squatter =
        m.call(["python3", "-c", &format!("{CONNECT}{script}")]).as_user("bob").open();
    squatter.expect("bound");
    let said = m.run_as("ada", ["twinlock", "status"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    squatter.expect("heard b''");
    let listener = m.run(["/usr/libexec/twinlock/twinlock-agent", "--listen"]);
    assert_eq!(listener.code, Some(1), "{listener:?}");
    assert!(listener.stderr.contains("only root may write to /run/twinlock-agent"), "{listener:?}");
}
