//! Tests setup with files that are in the home folders of users, and that setup reads as root.

use super::machine;

#[test]
fn robots_file_of_keys_neither_stops_setup_nor_fills_its_memory() {
    let m = machine();
    m.sshd("");
    m.user("runner").key("runner").password("runner", "a password");
    let keys = "$(getent passwd runner | cut -d: -f6)/.ssh/authorized_keys";
    for made in ["mkfifo -m 666", "ln -s /dev/zero", "ln -s /dev/tty", "mkdir"] {
        m.run(["sh", "-c", &format!("rm -rf {keys}; {made} {keys}")]).ok();
        let line = "ulimit -v 2000000; timeout 60 twinlock setup ssh --with publickey --no-way-back \
                    --not-enrolled deny --robot runner --yes";
        let said = m.run(["sh", "-c", line]);
        assert_eq!(said.code, Some(1), "{made}: {said:?}");
        assert!(said.stderr.contains("it has no key"), "{made}: {said:?}");
    }
}
