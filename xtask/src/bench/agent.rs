//! Measures the agent: the time of a request for the user's own status (with the listener running, and with its start),
//! many users at the same time, and the memory of the listener.

use twinlock_tests::Machine;

use super::contestants::{Contestant, Ending, USER};
use super::figures::{Figures, What};
use crate::command::Done;

/// Number of users who ask for their status at the same time. Each has up to four connections.
const USERS: usize = 13;

/// Python program that measures as root inside the machine. Each line of its output contains the name of a quantity and
/// its value.
const SCRIPT: &str = r"
import os,socket,struct,subprocess,sys,time
PATH='/run/twinlock-agent/socket'
AGENT='/usr/libexec/twinlock/twinlock-agent'
rounds=int(sys.argv[1]); uids=[int(uid) for uid in sys.argv[2:]]
STATUS=b'TWINLCK\x01'+struct.pack('>HB',3,1)+bytes([1,0])
def is_answered():
    s=socket.socket(socket.AF_UNIX); s.settimeout(20); s.connect(PATH); s.sendall(STATUS)
    said=b''
    while True:
        try: part=s.recv(8192)
        except OSError: break
        if not part: break
        said+=part
    # One frame: its length, the type of the last frame, and exit status 0.
    return len(said)>4 and said[2]==7 and said[3]==0
def as_user(uid,run):
    pid=os.fork()
    if pid==0:
        try:
            os.setgroups([]); os.setgid(uid); os.setuid(uid); run()
        finally: os._exit(0)
    return pid
def timed(name):
    begun=time.monotonic(); is_served=is_answered(); took=time.monotonic()-begun
    if is_served: os.write(1,f'{name} {took*1000}\n'.encode())
def started(socket_): return subprocess.Popen([AGENT],stdin=socket_,stderr=subprocess.DEVNULL)
listener=socket.socket(socket.AF_UNIX)
os.makedirs(os.path.dirname(PATH),exist_ok=True)
try: os.remove(PATH)
except FileNotFoundError: pass
listener.bind(PATH); os.chmod(PATH,0o666); listener.listen(1024)
def forget(): subprocess.run('rm -f /run/twinlock/users/*/op.*',shell=True)
for n in range(rounds):
    forget()
    go,gone=os.pipe()
    def cold():
        os.close(gone); os.read(go,1); timed('cold')
    pid=as_user(uids[0],cold)
    os.close(go); os.close(gone)
    agent=started(listener)
    os.waitpid(pid,0)
    agent.kill(); agent.wait()
agent=started(listener)
for n in range(rounds):
    forget()
    os.waitpid(as_user(uids[0],lambda: timed('warm')),0)
refused=0
for n in range(rounds):
    forget()
    go,gone=os.pipe(); said,saying=os.pipe()
    def one():
        os.close(gone); os.read(go,1)
        if is_answered(): os.write(saying,b'x')
    pids=[as_user(uids[k%len(uids)],one) for k in range(50)]
    os.close(go); os.close(gone); os.close(saying)
    for pid in pids: os.waitpid(pid,0)
    served=0
    while True:
        part=os.read(said,100)
        if not part: break
        served+=len(part)
    os.close(said)
    refused+=50-served
print('refused',refused,flush=True)
status=open(f'/proc/{agent.pid}/status').read()
print('memory',status.split('VmRSS:')[1].split()[0],flush=True)
agent.kill(); agent.wait()
";

/// Measures the agent `rounds` times. In the machine `m`, twinlock is installed and [`USER`] is enrolled.
pub(super) fn measure(m: &Machine, rounds: usize, figures: &mut Figures) -> Done {
    eprintln!("the agent");
    m.install_agent();
    let names: Vec<String> = (1..USERS).map(|number| format!("user{number}")).collect();
    for name in &names {
        m.user(name);
    }
    let users = std::iter::once(USER).chain(names.iter().map(String::as_str));
    let uids: Vec<String> = users.map(|name| m.uid(name).to_string()).collect();
    let rounds = rounds.to_string();
    let words =
        ["python3", "-c", SCRIPT, &rounds].into_iter().chain(uids.iter().map(String::as_str));
    let said = m.run(words.map(str::to_owned));
    for line in said.ok().lines() {
        let sample = line.split_once(' ').and_then(|(name, value)| {
            let what = match name {
                "warm" => What::AgentWarm,
                "cold" => What::AgentCold,
                "refused" => What::AgentRefused,
                "memory" => What::AgentMemory,
                _ => return None,
            };
            Some((what, value.parse().ok()?))
        });
        let (what, value) = sample.ok_or_else(|| format!("The agent's script printed {line}."))?;
        figures.put(what, Ending::Accepted, Contestant::Twinlock, value);
    }
    Ok(())
}
