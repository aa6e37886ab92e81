//! Tests the playbook of docs/automation.md with a real Ansible.

use twinlock_tests::repository;

use crate::machine;

/// Returns the text of the first block of the language `language` in a file of the folder docs.
fn block(document: &str, language: &str) -> String {
    let file = repository().join("docs").join(document);
    let text = std::fs::read_to_string(file).expect("the document");
    let (_, rest) = text.split_once(&format!("```{language}\n")).expect("a block");
    rest.split("```").next().unwrap_or_default().to_owned()
}

#[test]
fn a_playbook_sets_a_service_up_once() {
    let m = machine();
    m.sshd("").unpacked("ansible-core");
    // Ansible becomes root by sudo, which asks root for nothing.
    m.file("/root/site.yml").write(block("automation.md", "yaml"));
    let play = || {
        let words = ["ansible-playbook", "-i", "localhost,", "-c", "local", "/root/site.yml"];
        m.run(words)
    };
    let before = m.file("/etc/pam.d/sshd").read();
    let first = play();
    assert!(first.ok().contains("changed=1"), "{first:?}");
    let after = m.file("/etc/pam.d/sshd").read();
    assert_ne!(before, after);
    let second = play();
    assert!(second.ok().contains("changed=0"), "{second:?}");
    assert_eq!(m.file("/etc/pam.d/sshd").read(), after);
    // The playbook restores a file that was changed in the meantime.
    m.file("/etc/pam.d/sshd").write(before);
    assert!(play().ok().contains("changed=1"));
    assert_eq!(m.file("/etc/pam.d/sshd").read(), after);
}
