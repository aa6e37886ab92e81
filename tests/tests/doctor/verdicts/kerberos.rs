//! Tests doctor on a host with `KerberosAuthentication yes`, where sshd asks a Kerberos server (KDC) for the password
//! before it calls PAM.

use twinlock_tests::Machine;

use super::wirings::{B, PASSWORD, answers, verdict, wired};

const KERBEROS_PASSWORD: &str = "kerberos-horse";
const CONF: &str = "\
[libdefaults]
    default_realm = TEST.INVALID
    dns_lookup_kdc = false
    dns_lookup_realm = false
    rdns = false
[realms]
    TEST.INVALID = {
        kdc = 127.0.0.1
    }
";
const KDC_CONF: &str = "\
[kdcdefaults]
    kdc_listen = 127.0.0.1
    kdc_tcp_listen = 127.0.0.1
[realms]
    TEST.INVALID = {
        database_name = /var/lib/krb5kdc/principal
        key_stash_file = /etc/krb5kdc/stash
    }
";
/// Creates the database of the realm with one user, and starts the server.
const START: &str = "\
mkdir -p /var/lib/krb5kdc
kdb5_util create -s -P master
kadmin.local -q \"addprinc -pw $0 ada\"
krb5kdc
";

/// Starts the server of a realm in which ada has another password than on the machine.
fn realm(m: &Machine) {
    m.unpacked("krb5-kdc");
    m.run(["mkdir", "-p", "/etc/krb5kdc"]).ok();
    m.file("/etc/krb5.conf").write(CONF);
    m.file("/etc/krb5kdc/kdc.conf").write(KDC_CONF);
    m.run(["sh", "-euc", START, KERBEROS_PASSWORD]).ok();
}

fn password_alone(m: &Machine, password: &str) -> bool {
    answers(m, "ada", false, [password, password])
}

#[test]
fn kerberos_password_alone_lets_in() {
    let methods = "PasswordAuthentication yes\nKbdInteractiveAuthentication yes\n";
    let kerberos = |on: &str| format!("KerberosAuthentication {on}\n{methods}");
    let lists = "AuthenticationMethods keyboard-interactive:pam password\n";
    let m = wired(&format!("{}{lists}", kerberos("yes")), B);
    realm(&m);
    verdict(&m, "open", Some("way-in kerberos-alone"));
    assert!(password_alone(&m, KERBEROS_PASSWORD), "{:#?}", m.log());
    assert!(!password_alone(&m, PASSWORD) && !password_alone(&m, "wrong"));
    // Follows the remedy.
    m.sshd(&format!("LoginGraceTime 300\nPermitRootLogin no\n{}{lists}", kerberos("no")));
    verdict(&m, "closed", None);
    assert!(!password_alone(&m, KERBEROS_PASSWORD) && !password_alone(&m, PASSWORD));
}
