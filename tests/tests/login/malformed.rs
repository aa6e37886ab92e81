//! Checks that every malformed record and ledger is refused with limited memory and time: no login succeeds, nothing is
//! rewritten, and the log says what is wrong.

use twinlock_tests::{Finished, Machine, Otp};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const OTHER: &str = "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU";
/// Shell variables with paths, for the scripts in the tables below.
const PLACES: &str = "S=/var/lib/twinlock; U=$S/users; P=$U/ada; R=$P/record.1.toml; \
                      L=/run/twinlock; A=$L/users/ada; ";
/// Message to a user with a proven first factor if the host, and not the user, is at fault.
const TOLD: &str = "Ask your administrator\n(twinlock why ";
/// Limits of a login, for the whole program: 64 MiB of address space and two seconds of processor time.
const BOUNDS: &str = "ulimit -v 65536; ulimit -t 2";

/// Creates a machine on which ada and bob are enrolled with apps that show a new code each second, and carol is not
/// enrolled.
fn machine() -> Machine {
    let m = Machine::new();
    m.user("ada").user("bob").user("carol").bare();
    m.enrolled_with("ada", &Otp { period: 1, ..Otp::new(KEY) });
    m.enrolled_with("bob", &Otp { period: 1, ..Otp::new(OTHER) });
    m.settings("tries = 1\nwindow = 10\nnot_enrolled = \"allow\"\n");
    sh(&m, "cp -a /var/lib/twinlock /root/whole; cp -a /run/twinlock /root/ledger");
    m
}

fn sh(m: &Machine, script: &str) {
    m.run(["sh", "-euc", &format!("{PLACES}{script}")]).ok();
}

/// Restores the state before the first login.
fn mend(m: &Machine) {
    sh(
        m,
        "chmod 700 $S $L; rm -rf $S; cp -a /root/whole $S; find $L -mindepth 1 -delete; \
         cp -a /root/ledger/. $L; chown 0:0 $L",
    );
}

fn bounded(m: &Machine, user: &str, code: &str) -> Finished {
    m.asking(user, code, &[]).first(BOUNDS).output()
}

fn everything_kept(m: &Machine) -> String {
    format!("{}\n{}", m.tree("/var/lib/twinlock"), m.tree("/etc/twinlock"))
}

/// Checks that a login of `user` with the answer `code` is refused. `damage` names the case in messages of the test.
/// Returns the log lines about the login.
#[track_caller]
fn refused(m: &Machine, user: &str, code: &str, damage: &str) -> String {
    let (kept, logged) = (everything_kept(m), m.log().len());
    let said = bounded(m, user, code);
    let log = m.log()[logged..].join("\n");
    // Any other exit status than that of a refusal is a crash, or an exceeded limit.
    assert_eq!(said.code, Some(1), "{damage}: {said:?} {log}");
    assert!(said.stderr.contains(TOLD) || !log.contains("<84>"), "{damage}: {said:?}");
    assert_eq!(everything_kept(m), kept, "{damage}: rewritten");
    log
}

/// Shell commands that damage ada's record, each with the expected reason in the log.
const RECORDS: [(&str, &str); 45] = [
    (": >$R", "record_malformed"),
    ("rm $R; : >$R", "record_too_open"),
    ("head -c 4096 /dev/urandom >$R", "record_malformed"),
    ("head -c 65536 /dev/zero >$R", "record_malformed"),
    ("truncate -s 1G $R", "record_too_large"),
    (
        "head -c 65281 /dev/zero | tr '\\0' '#' | sed 's/$/\\n/' >/tmp/x; cat $R >>/tmp/x; cat /tmp/x >$R; \
      truncate -s 65537 $R",
        "record_too_large",
    ),
    ("mv $R /root/real; ln -s /root/real $R", "record_symlink"),
    ("ln -s record.1.toml $P/record.2.toml", "record_symlink"),
    ("rm $R; ln -s /nowhere $R", "record_symlink"),
    ("rm $R; mkfifo -m 600 $R", "record_wrong_kind"),
    ("rm $R; mkdir -m 700 $R", "record_wrong_kind"),
    ("rm $R; mknod -m 600 $R c 1 5", "record_wrong_kind"),
    ("rm $R; mknod -m 600 $R c 1 7", "record_wrong_kind"),
    (
        "rm $R; perl -MSocket -e 'socket(S,AF_UNIX,SOCK_STREAM,0);bind(S,sockaddr_un($ARGV[0]))||die' $R",
        "record_io",
    ),
    ("chmod 602 $R", "record_too_open"),
    ("chmod 620 $R", "record_too_open"),
    ("chmod 640 $R", "record_too_open"),
    ("chown 20001 $R", "record_wrong_owner"),
    ("ln $R $S/twin", "record_hard_link"),
    ("sed -i '1iodd = 1' $R; chmod 600 $R", "record_malformed"),
    ("sed -i 's/^uid/odd/' $R", "record_malformed"),
    ("sed -i 's/^version = 1/version = 2/' $R", "record_newer"),
    ("sed -i 's/^version = 1/version = 4294967295/' $R", "record_newer"),
    ("sed -i 's/^version = 1/version = 99999999999999999999/' $R", "record_malformed"),
    ("sed -i 's/^uid.*/&\\n&/' $R", "record_malformed"),
    ("sed -i 's/^key.*/&\\n&/' $R", "record_malformed"),
    ("sed -i 's/^state.*/state = \"removed\"/' $R", "record_malformed"),
    ("sed -i 's/^key.*/key = \"GEZDGNBV\"/' $R", "record_malformed"),
    ("sed -i 's/^period.*/period = 0/' $R", "record_malformed"),
    ("sed -i 's/^key.*/&\\ndigits = 1/' $R", "record_malformed"),
    ("sed -i 's/^key.*/&\\ndrift = -2147483648/' $R", "record_malformed"),
    ("cat $R $R >/tmp/x; cat /tmp/x >$R", "record_malformed"),
    (
        "tail -n +9 $R | grep -v end >/tmp/x; cat $R /tmp/x >/tmp/y; echo '# end of record' >>/tmp/y; cat /tmp/y >$R",
        "record_malformed",
    ),
    ("sed -i 's/^state/\\x00state/' $R", "record_malformed"),
    ("sed -i 's/\"ada\"/\"a\\x00da\"/' $R", "record_malformed"),
    ("sed -i 's/\"ada\"/\"a\\xffda\"/' $R", "record_malformed"),
    ("sed -i 's/$/\\r/' $R", "record_malformed"),
    ("printf '\\357\\273\\277' | cat - $R >/tmp/x; cat /tmp/x >$R", "record_malformed"),
    (
        "printf '%020000d' 0 | tr 0 '[' | sed 's/^/x = /' | cat - $R >/tmp/x; cat /tmp/x >$R",
        "record_malformed",
    ),
    (
        "printf '%020000d' 0 | sed 's/0/{a=/g;s/^/x = /' | cat - $R | head -c 65000 >/tmp/x; cat /tmp/x >$R",
        "record_malformed",
    ),
    (
        "printf '%030000d' 0 | sed 's/0/a./g;s/$/a = 1/' | cat - $R >/tmp/x; cat /tmp/x >$R",
        "record_malformed",
    ),
    (
        "printf '%010000d' 0 | sed 's/0/[[x]]\\n/g' >>$R; echo '# end of record' >>$R",
        "record_malformed",
    ),
    ("cat $U/bob/record.1.toml >$R", "record_other_name"),
    ("sed s/bob/ada/ $U/bob/record.1.toml >$R", "record_other_uid"),
    ("sed -i 's/^user.*/user = \"Ada\"/' $R", "record_other_name"),
];

/// Shell commands that damage the folders above ada's record, each with the expected reason in the log.
const FOLDERS: [(&str, &str); 21] = [
    ("mv $P /root/p; ln -s /root/p $P", "record_symlink"),
    ("rm -rf /root/u; mv $U /root/u; ln -s /root/u $U", "record_symlink"),
    ("rm -rf /root/s; mv $S /root/s; ln -s /root/s $S", "record_symlink"),
    ("rm -r $P; ln -s bob $P", "record_symlink"),
    ("rm -r $P; : >$P", "record_wrong_kind"),
    ("rm -r $P; mkfifo $P", "record_wrong_kind"),
    ("rm -r $P; mknod $P c 1 5", "record_wrong_kind"),
    ("rm -r $U; : >$U", "record_wrong_kind"),
    ("rm -r $S; : >$S", "record_wrong_kind"),
    ("rm -r $S; mkfifo $S", "record_wrong_kind"),
    ("chmod 702 $P", "record_too_open"),
    ("chmod 720 $P", "record_too_open"),
    ("chmod 750 $P", "record_too_open"),
    ("chmod 1777 $P", "record_too_open"),
    ("chown 20001 $P", "record_wrong_owner"),
    (": >$P/record.x.toml", "record_malformed"),
    (": >$P/record.18446744073709551616.toml", "record_malformed"),
    (": >$P/record.2.toml; chmod 600 $P/record.2.toml", "record_malformed"),
    ("mkdir -m 700 $P/record.7.toml", "record_wrong_kind"),
    ("mv $R $P/record.-1.toml", "record_malformed"),
    ("cd $P; seq -f known.%05g 17000 | xargs touch", "record_io"),
];

fn each_is_refused(table: &[(&str, &str)]) {
    let m = machine();
    let wrong = m.wrong_code("ada");
    for (damage, reason) in table {
        mend(&m);
        sh(&m, damage);
        for code in [&m.code("ada"), &wrong] {
            let log = refused(&m, "ada", code, damage);
            assert!(log.contains(&format!("reason={reason}")), "{damage}: {log}");
        }
        let noted = m.tree("/run/twinlock/users/ada");
        assert!(noted.contains(&format!(" {reason} bare ")), "{damage}: {noted}");
        let why = m.run(["twinlock", "--json", "why", "ada"]);
        assert!(why.stdout.contains(&format!("\"{reason}\"")), "{damage}: {why:?}");
    }
    mend(&m);
    assert_eq!(bounded(&m, "ada", &m.code("ada")).code, Some(0), "{:?}", m.log());
}

#[test]
fn records_that_are_none_are_refused() {
    each_is_refused(&RECORDS);
}

#[test]
fn records_in_folders_that_are_none_are_refused() {
    each_is_refused(&FOLDERS);
}

#[test]
fn a_record_of_exactly_64_kib_is_read() {
    let m = machine();
    sh(
        &m,
        "n=$((65536 - $(stat -c %s $R) - 1)); head -c $n /dev/zero | tr '\\0' '#' >/tmp/x; \
            echo >>/tmp/x; cat $R >>/tmp/x; cat /tmp/x >$R; test $(stat -c %s $R) = 65536",
    );
    assert_eq!(bounded(&m, "ada", &m.code("ada")).code, Some(0), "{:?}", m.log());
    sh(&m, "sed -i '1s/^/#/' $R; chmod 600 $R");
    let log = refused(&m, "ada", &m.code_in("ada", 2), "one more byte");
    assert!(log.contains("reason=record_too_large"), "{log}");
}

/// Checks that a record that is truncated at any byte does not accept ada's correct code.
#[test]
fn a_record_cut_anywhere_lets_nobody_in() {
    let m = machine();
    let before = m.log().len();
    let cut = "cp $R /tmp/whole; n=$(stat -c %s $R); i=0; while [ $i -lt $n ]; do \
               head -c $i /tmp/whole >$R; printf '%s\\n' $CODE | strace --seccomp-bpf -f -qq \
               -o /dev/null -e trace=pselect6 -e inject=pselect6:retval=0 \
               pamtester bare ada authenticate >/dev/null 2>&1 && echo $i; i=$((i + 1)); done; \
               echo $n $(md5sum <$R) $(head -c $((n - 1)) /tmp/whole | md5sum)";
    let call = m.call(["sh", "-uc", &format!("{PLACES}{cut}")]).env("CODE", &m.code("ada"));
    let said = call.output().stdout;
    let words: Vec<&str> = said.split_whitespace().collect();
    assert_eq!(words.len(), 5, "a login succeeded at these lengths: {said}");
    assert_eq!(words[1], words[3], "the record was rewritten");
    let refused = m.log()[before..].iter().filter(|line| line.contains("record_malformed")).count();
    assert_eq!(refused.to_string(), words[0]);
}

/// Shell commands that damage the folders of the records, each with the expected reason in the log. With such damage,
/// it is not proven that carol has no record.
const UNPROVEN: [(&str, &str); 10] = [
    ("chmod 702 $S", "record_too_open"),
    ("chmod 755 $S", "record_too_open"),
    ("chown 20001 $S", "record_wrong_owner"),
    ("chmod 777 $U", "record_too_open"),
    ("chown 20001 $U", "record_wrong_owner"),
    ("chmod 777 $S/uids", "record_too_open"),
    ("rm -r $S/uids; ln -s /tmp $S/uids", "record_symlink"),
    ("rm -r $U; ln -s /tmp $U", "record_symlink"),
    ("ln -s ../x $S/uids/20003", "record_malformed"),
    (": >$S/uids/20003", "record_io"),
];

#[test]
fn a_folder_that_others_can_change_proves_no_absence() {
    let m = machine();
    assert_eq!(bounded(&m, "carol", "").code, Some(0));
    for (damage, reason) in UNPROVEN {
        mend(&m);
        sh(&m, damage);
        let log = refused(&m, "carol", "", damage);
        assert!(log.contains(&format!("reason={reason}")), "{damage}: {log}");
    }
}

/// Shell commands that damage the ledger, each with the expected reason in the log.
const LEDGERS: [(&str, &str); 20] = [
    ("umount $L; rm -r $L", "ledger_not_mounted"),
    ("umount $L; chmod 755 $L", "ledger_not_mounted"),
    ("umount $L; chmod 700 $L", "ledger_not_mounted"),
    ("umount $L; rm -r $L; mkdir -m 700 /run/other; ln -s other $L", "ledger_untrusted"),
    ("umount $L; rm -r $L; : >$L", "ledger_untrusted"),
    ("umount $L; rm -r $L; mkfifo $L", "ledger_untrusted"),
    ("umount $L; mkdir -m 700 /var/other; mount --bind /var/other $L", "ledger_not_tmpfs"),
    ("chmod 777 $L", "ledger_untrusted"),
    ("chmod 750 $L", "ledger_untrusted"),
    ("chown 20001 $L", "ledger_untrusted"),
    ("mkdir -m 700 $L/other; ln -s other $L/users", "ledger_untrusted"),
    (": >$L/users", "ledger_untrusted"),
    ("mkdir -m 700 $L/users $L/other; ln -s ../other $A", "ledger_untrusted"),
    ("mkdir -m 700 $L/users; : >$A", "ledger_untrusted"),
    ("mkdir -m 700 $L/users; mkfifo $A", "ledger_untrusted"),
    ("mkdir -m 700 $L/users; mkdir $A; chmod 733 $A", "ledger_untrusted"),
    ("mkdir -m 700 $L/users $A; chown 20001 $A", "ledger_untrusted"),
    ("mkdir -m 700 $L/users $A; ln -s x $A/try.proven.20000.0.unknown", "ledger_untrusted"),
    ("mkdir -m 700 $L/users $A; cd $A; seq 132000 | xargs touch", "ledger_io"),
    ("rm $L/epoch; mkdir $L/epoch", "ledger_io"),
];

#[test]
fn a_ledger_that_is_none_is_refused() {
    for (damage, reason) in LEDGERS {
        let m = machine();
        sh(&m, damage);
        for code in [&m.code("ada"), &m.wrong_code("ada")] {
            let log = refused(&m, "ada", code, damage);
            assert!(log.contains(&format!("reason={reason}")), "{damage}: {log}");
        }
    }
}

/// Shell commands that damage the epoch, the note in the ledger of when the ledger began. After each of them, the
/// ledger counts as newly created.
const EPOCHS: [&str; 11] = [
    "rm $L/epoch",
    "rm $L/epoch; : >$L/epoch",
    "rm $L/epoch; truncate -s 1G $L/epoch",
    "rm $L/epoch; mkfifo $L/epoch",
    "ln -sfn x $L/epoch",
    "ln -sfn /etc/passwd $L/epoch",
    "ln -sfn $(readlink $L/epoch).1 $L/epoch",
    "ln -sfn $(readlink $L/epoch | tr 0-9a-f 1-9a-f0) $L/epoch",
    "ln -sfn $(readlink $L/epoch | sed 's/[.].*//').99999999999999999.0 $L/epoch",
    "ln -sfn $(readlink $L/epoch | sed 's/[.].*//').-1.0 $L/epoch",
    "ln -sfn $(printf '%02000d' 1) $L/epoch",
];

#[test]
fn a_damaged_epoch_is_begun_anew_and_no_code_of_before_gets_in() {
    let m = machine();
    for damage in EPOCHS {
        mend(&m);
        sh(&m, damage);
        // A past code, the current one, and a future one that may have been used.
        for steps in [-5, 0, 5] {
            let log = refused(&m, "ada", &m.otp("ada").at(now_and(steps)), damage);
            assert!(log.contains("reason=before_epoch"), "{damage} {steps}: {log}");
        }
        let epoch = m.file("/run/twinlock/epoch").target();
        assert!(epoch.starts_with(&m.boot_id()), "{damage}: {epoch}");
        assert_eq!(m.tree("/run/twinlock").matches("/epoch").count(), 1, "{damage}");
    }
}

fn now_and(steps: i64) -> u64 {
    twinlock_tests::now().checked_add_signed(steps).expect("a time after 1970")
}

#[test]
fn odd_names_in_the_ledger_give_no_code_back_and_keep_nobody_out() {
    let m = machine();
    let code = m.code("ada");
    assert_eq!(bounded(&m, "ada", &code).code, Some(0));
    for odd in [
        "cd $A; for n in *; do ln -sfn garbage $n; done",
        "cd $A; for n in *; do rm $n; : >$n; done",
        "cd $A; for n in *; do rm $n; mkdir $n; done",
        "cd $A; touch used. used.x.1 try. try.x refused. x $(printf '\\377'); mkdir y; mkfifo z",
        "cd $A; rm -rf refused.*; mkdir refused.0 refused.1 refused.2 refused.3 refused.4 refused.5",
    ] {
        sh(&m, odd);
        let log = refused(&m, "ada", &code, odd);
        assert!(log.contains("reason=replayed"), "{odd}: {log}");
    }
    assert_eq!(bounded(&m, "ada", &m.code_in("ada", 5)).code, Some(0), "{:?}", m.log());
}
