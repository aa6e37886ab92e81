//! Tests changes that a local user can make to su and sudo before starting them, such as resource limits. Checks that
//! their only effect is a refusal.

use twinlock_tests::{Call, LOGGED_IN, Machine, Otp};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// Creates a machine on which ada is enrolled with an app that shows a new code each second.
fn machine(settings: &str) -> Machine {
    let m = Machine::new();
    m.user("ada").bare();
    m.enrolled_with("ada", &Otp { period: 1, ..Otp::new(KEY) });
    m.settings(&format!("tries = 1\nwindow = 10\n{settings}"));
    m
}

/// Clears the ledger of all users.
fn forget(m: &Machine) {
    m.run(["rm", "-rf", "/run/twinlock/users"]).ok();
}

/// Shell commands that a local user can run before starting a program, and that affect the program.
const HOSTILE: [&str; 34] = [
    "true",
    "prlimit --pid $$ --nofile=3",
    "prlimit --pid $$ --nofile=4",
    "prlimit --pid $$ --nofile=5",
    "prlimit --pid $$ --nofile=6",
    "prlimit --pid $$ --nofile=7",
    "prlimit --pid $$ --nofile=8",
    "prlimit --pid $$ --nofile=9",
    "prlimit --pid $$ --fsize=0",
    "prlimit --pid $$ --fsize=1",
    "prlimit --pid $$ --as=4000000",
    "prlimit --pid $$ --as=6000000",
    "prlimit --pid $$ --as=8000000",
    "prlimit --pid $$ --as=9000000",
    "prlimit --pid $$ --as=10000000",
    "prlimit --pid $$ --as=12000000",
    "prlimit --pid $$ --as=16000000",
    "prlimit --pid $$ --data=100000",
    "prlimit --pid $$ --data=400000",
    "prlimit --pid $$ --data=1000000",
    "prlimit --pid $$ --stack=16384",
    "prlimit --pid $$ --stack=65536",
    "prlimit --pid $$ --stack=131072",
    "prlimit --pid $$ --nproc=0",
    "prlimit --pid $$ --cpu=1",
    "prlimit --pid $$ --memlock=0 --core=unlimited --sigpending=0 --msgqueue=0 --rttime=1",
    "umask 777",
    "umask 0",
    "exec 1>&-",
    "exec 2>&-",
    "cd /tmp; mkdir -p gone; cd gone; rmdir ../gone",
    "trap '' TERM INT HUP PIPE ALRM XCPU XFSZ SEGV",
    "export LD_PRELOAD=/tmp/x.so LD_LIBRARY_PATH=/tmp GCONV_PATH=/tmp MALLOC_CHECK_=3 TZ=/dev/zero \
     RUST_BACKTRACE=full LC_ALL=../../../tmp LANGUAGE=x NLSPATH=/tmp/%N HOME=/none TMPDIR=/none",
    "export TWINLOCK_CONFIG=/tmp/x SSH_AUTH_INFO_0='publickey x' SSH_CONNECTION='192.0.2.1 1 2 3' \
     SSH_CLIENT=192.0.2.1 PAM_USER=root FAKETIME=-1d PATH=/tmp",
];

const STACK: &str = "auth required pam_permit.so\nauth required pam_twinlock.so first_factor=stack\n\
                     account required pam_permit.so\nsession required pam_permit.so\n";

/// Options that skip the delays of libpam and su after a failure.
const QUICK: [&str; 5] = [
    "-qq",
    "-e",
    "trace=pselect6,select,clock_nanosleep",
    "-e",
    "inject=select,pselect6,clock_nanosleep:retval=0",
];

fn machine_of_su_and_sudo() -> Machine {
    let m = machine("not_enrolled = \"allow\"\n");
    let other = Otp { period: 1, ..Otp::new(&KEY.replace('J', "K")) };
    m.user("bob").sudoer("bob").enrolled_with("bob", &other);
    m.file("/etc/sudoers.d/bob").append("Defaults passwd_tries=1\n");
    m.pam("su", STACK).pam("sudo", STACK);
    m
}

/// Returns the programs that bob starts, each with the user whose code it asks for.
fn callers(m: &Machine) -> [(Call<'_>, &'static str); 2] {
    let said = format!("echo \"{LOGGED_IN}$(id -un)\"");
    let sudo = m.call(["sudo", "-S", "-k", "sh", "-c", &said]).as_user("bob");
    [(m.su("bob", "ada"), "ada"), (sudo, "bob")]
}

/// Starts a program after the shell command `hostile`, and gives it a code. Returns whether it logs its user in.
fn gets_in(caller: Call<'_>, hostile: &str, code: &str) -> bool {
    let call = caller.first(hostile).strace("/tmp/trace", &QUICK).input(format!("{code}\n\n"));
    call.output().stdout.contains(LOGGED_IN)
}

#[test]
fn a_hostile_caller_changes_nothing_but_that_he_is_refused() {
    let m = machine_of_su_and_sudo();
    for hostile in HOSTILE {
        for which in 0..2 {
            let caller = || callers(&m).into_iter().nth(which).expect("su and sudo");
            let (_, asked) = caller();
            forget(&m);
            assert!(!gets_in(caller().0, hostile, &m.wrong_code(asked)), "{asked}: {hostile}");
            // Some of these changes make even the correct code fail, which is the caller's own doing.
            let _ = gets_in(caller().0, hostile, &m.code(asked));
            only_root_s(&m, hostile);
            let next = m.code_in(asked, 4);
            assert!(gets_in(caller().0, "true", &next), "after {hostile}: {:?}", m.log());
        }
    }
    let judged = m.logged("event=refused").len();
    assert!(judged > HOSTILE.len(), "most of them get as far as the code: {judged}");
}

#[track_caller]
fn only_root_s(m: &Machine, after: &str) {
    for line in m.state().lines() {
        // Group and mode of a link grant no access, and its target may be known to those who can read the folder.
        let right = [" 40700 0:0 ", " 100600 0:0 ", " 120777 0:"];
        assert!(right.iter().any(|right| line.contains(right)), "{after}: {line}");
    }
}

#[test]
fn an_umask_that_forbids_everything_still_lets_the_owner_in() {
    let m = machine_of_su_and_sudo();
    forget(&m);
    for (caller, asked) in callers(&m) {
        assert!(gets_in(caller, "umask 777", &m.code(asked)), "{:?}", m.log());
        let folder = format!("/run/twinlock/users/{asked}");
        assert!(m.tree(&folder).contains(&format!("{folder} 40700 0:0 ")), "{}", m.tree(&folder));
    }
    only_root_s(&m, "umask 777");
}
