//! Checks that a store that hangs keeps sshd from no other client: each login is refused soon.

use std::time::{Duration, Instant};

use twinlock_tests::{EtcdOptions, FleetNetwork, Machine, Server, thorough};

use crate::loss::print;
use crate::pair::{Pair, SHARED, gets_in};

/// Starts `$0` ssh clients, `$1` seconds after one another. Each writes when it was asked for a code and when it ended, and what it was
/// told.
const CLIENTS: &str = "mkdir -p /root/asked /root/ended /root/told
cat >/root/ask <<'ASK'
#!/bin/sh
date +%s%N >/root/asked/$CLIENT
echo 123456
ASK
chmod 755 /root/ask
export SSH_ASKPASS=/root/ask SSH_ASKPASS_REQUIRE=force CLIENT
begun=$(date +%s%N)
echo $begun >/root/begun
for CLIENT in $(seq $0); do
    {
        ssh -oNumberOfPasswordPrompts=1 -oIdentitiesOnly=yes -oIdentityFile=/root/keys/ada \\
            ada@127.0.0.1 true </dev/null >/root/told/$CLIENT 2>&1
        date +%s%N >/root/ended/$CLIENT
    } &
    sleep $1
done
wait
touch /root/over";
/// Prints what each client was told, when it was asked for a code, and how long it waited then, in milliseconds.
const FIGURES: &str = "begun=$(cat /root/begun)
for client in $(ls /root/ended); do
    told=$(tail -n 1 /root/told/$client)
    asked=$(cat /root/asked/$client 2>/dev/null || echo 0)
    if [ $asked = 0 ]; then echo \"0 0 $told\"; continue; fi
    echo \"$(((asked - begun) / 1000000)) $((($(cat /root/ended/$client) - asked) / 1000000)) $told\"
done";

/// What became of ssh clients.
struct Clients {
    /// How many had an answer to their code.
    answered: usize,
    /// How long those waited for the answer that were asked for a code after the first four seconds, in milliseconds,
    /// sorted.
    later: Vec<u64>,
    said: String,
}

/// Returns when a client was asked for a code and how long it waited then, in milliseconds; `None` if it had no answer.
fn answered(line: &str) -> Option<(u64, u64)> {
    let mut words = line.splitn(3, ' ');
    let (asked, waited) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    words.next()?.contains("Permission denied").then_some((asked, waited))
}

/// Starts this many clients, `each` seconds after one another, and waits for their ends.
fn clients(host: &Machine, count: usize, each: &str) -> Clients {
    host.run(["sh", "-c", "rm -rf /root/over /root/asked /root/ended /root/told"]).ok();
    let start = "setsid sh -c \"$0\" \"$1\" \"$2\" </dev/null >/dev/null 2>&1 &";
    host.run(["sh", "-c", start, CLIENTS, &count.to_string(), each]).ok();
    let until = Instant::now() + Duration::from_secs(240);
    while !host.file("/root/over").exists() {
        assert!(Instant::now() < until, "the clients do not end");
        std::thread::sleep(Duration::from_millis(100));
    }
    let said = host.run(["sh", "-c", FIGURES]).ok().to_owned();
    let ends: Vec<_> = said.lines().filter_map(answered).collect();
    let mut later: Vec<u64> =
        ends.iter().filter(|(asked, _)| *asked > 4_000).map(|(_, waited)| *waited).collect();
    later.sort_unstable();
    Clients { answered: ends.len(), later, said }
}

#[test]
fn store_that_hangs_leaves_sshd_to_other_clients() {
    // In the usual run, so few clients begin in the first three seconds that sshd drops none of them at random.
    let (count, each) = if thorough() { (150, "0.05") } else { (24, "0.5") };
    let network = FleetNetwork::new();
    let pair = Pair::linked(&network, 0, &EtcdOptions::default());
    let one = &pair.one;
    assert!(gets_in(one, &[&one.code("ada")]), "{:?}", one.log());
    one.settings(&format!("[throttle]\nfree = 100\n{SHARED}"));
    one.server(Server::Publickey).sshd("MaxStartups 10:30:100\n");
    let usual = clients(one, count, each);
    for link in &pair.links {
        link.hang();
    }
    let hung = clients(one, count, each);
    let half = |clients: &Clients| clients.later.get(clients.later.len() / 2).copied();
    print(&format!(
        "of {count} ssh clients, {} had an answer with the store, and {} while it hung; after the first seconds, half of them waited {:?} and {:?} ms",
        usual.answered,
        hung.answered,
        half(&usual),
        half(&hung)
    ));
    for link in &pair.links {
        link.go_on();
    }
    assert!(!one.logged("reason=store_busy").is_empty(), "{:?}", one.log());
    assert!(hung.answered * 150 + 150 >= usual.answered * 140, "{}", hung.said);
    // libpam itself waits for about a second after a failure.
    assert!(half(&hung).is_some_and(|half| half < 3_000), "{}", hung.said);
}
