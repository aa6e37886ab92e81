//! Tests real screen lockers on screens without a monitor: i3lock and xscreensaver under Xvfb, and swaylock under sway.

use crate::{
    lockers::{IN_TURN, ONE_FIELD, machine},
    password,
};

/// Shell functions. `until_true COMMAND...` waits until a command succeeds, for ten seconds at most. `after_typing
/// LOCKER` prints `unlocked` when the locker has ended, or `locked` when its log reports one more failure.
const FUNCTIONS: &str = r#"
until_true() {
    for _ in $(seq 200); do "$@" >/dev/null 2>&1 && return; sleep 0.05; done
    echo "never true: $*" >&2; tail -n 25 /tmp/*.log >&2; exit 1
}
failed=0
# A process that has ended and not been waited for has another state.
is_running() { pgrep -r R,S,D -x "$1" >/dev/null; }
is_settled() {
    is_running "$1" || return 0
    [ "$(grep -ci 'authenticat.* fail' "/tmp/$1.log")" -gt $failed ]
}
after_typing() {
    until_true is_settled "$1"
    if is_running "$1"; then failed=$((failed + 1)); echo locked; else echo unlocked; fi
}
"#;

/// Script that locks the screen of Xvfb with i3lock and types each line of its input.
const I3LOCK: &str = r#"
export DISPLAY=:7
Xvfb :7 -screen 0 640x480x24 -noreset -nolisten tcp -fbdir /tmp >/tmp/xvfb.log 2>&1 &
until_true xdotool getmouselocation
i3lock --debug --nofork --color=336699 >/tmp/i3lock.log 2>&1 &
until_true xdotool search --onlyvisible --name i3lock
while read -r line; do
    xdotool type --delay 5 "$line"; xdotool key Return
    after_typing i3lock
done
"#;

/// Script that locks the screen of sway with swaylock and types each line of its input.
const SWAYLOCK: &str = r#"
export XDG_RUNTIME_DIR=/tmp/ada WLR_BACKENDS=headless WLR_LIBINPUT_NO_DEVICES=1 WLR_RENDERER=pixman
mkdir -m 0700 /tmp/ada; echo 'xwayland disable' >/tmp/ada/config
sway -c /tmp/ada/config >/tmp/sway.log 2>&1 &
until_true test -S /tmp/ada/wayland-1
export WAYLAND_DISPLAY=wayland-1
swaylock --daemonize --debug --color 336699 >/tmp/swaylock.log 2>&1
while read -r line; do
    # The compositor takes a moment for the new keyboard, and the first keys would be lost. Escape clears what is typed.
    wtype -s 300 -k Escape -d 5 "$line" -k Return
    after_typing swaylock
done
"#;

#[test]
fn i3lock_and_swaylock_take_one_field() {
    for (locker, script) in [("i3lock", I3LOCK), ("swaylock", SWAYLOCK)] {
        let m = machine();
        m.unpacked(locker).pam(locker, ONE_FIELD);
        // The folder of the X server's socket, as a host makes it at boot.
        m.run(["mkdir", "--mode=1777", "/tmp/.X11-unix"]).ok();
        let lines = [
            password().to_owned(),
            format!("{}{}", password(), m.wrong_code("ada")),
            format!("wrong{}", m.code_in("ada", -1)),
            format!("{}{}", password(), m.code("ada")),
        ];
        let call = m.call(["timeout", "50", "sh", "-c", &format!("{FUNCTIONS}{script}")]);
        let said = call.as_user("ada").input(lines.join("\n") + "\n").output();
        assert_eq!(said.stdout, "locked\nlocked\nlocked\nunlocked\n", "{said:?} {:?}", m.log());
        let of_agent = format!("service={locker} rhost=agent:");
        let reasons = ["reason=not_a_code", "reason=wrong_code", " step=", " step="];
        let log = m.logged(&of_agent);
        assert_eq!(log.len(), reasons.len(), "{log:?}");
        assert!(log.iter().zip(reasons).all(|(line, reason)| line.contains(reason)), "{log:?}");
    }
}

/// Locks the screen of Xvfb with xscreensaver, which shows one question after the other, and answers each question with
/// one line of the input. Prints whether the screen is locked after every second line.
const XSCREENSAVER: &str = r#"
export DISPLAY=:7 HOME=/tmp/ada
mkdir -m 0700 /tmp/ada
printf 'mode: blank\nlock: True\nfade: False\nunfade: False\ndpmsEnabled: False\n' >$HOME/.xscreensaver
Xvfb :7 -screen 0 640x480x24 -noreset -nolisten tcp -fbdir /tmp >/tmp/xvfb.log 2>&1 &
until_true xdotool getmouselocation
xscreensaver --no-splash --verbose >/tmp/xscreensaver.log 2>&1 &
until_true xscreensaver-command -version
xscreensaver-command -lock >/dev/null
shows() { xscreensaver-command -time | grep -q "$1"; }
until_true shows locked
count() { grep -c "$1" /tmp/xscreensaver.log; }
asked=0
# A key wakes the screen, and xscreensaver then begins a login.
is_asked() { [ "$(count 'pam_conversation (ECHO_OFF')" -gt $asked ] || { xdotool key shift; false; }; }
# Keys are lost until the window is there, so what was typed is cleared first.
is_given() {
    xdotool key --repeat 30 --delay 5 BackSpace; xdotool type --delay 5 "$1"; xdotool key Return; sleep 0.2
    [ "$(count 'authentication input finished')" -gt $asked ]
}
ended=0
# Return ends the message about a failure.
is_settled() {
    [ "$(count 'authorization failed\|authentication succeeded')" -gt $ended ] && return
    xdotool key Return; sleep 0.5; false
}
while read -r password && read -r code; do
    for line in "$password" "$code"; do
        until_true is_asked
        until_true is_given "$line"
        asked=$((asked + 1))
    done
    until_true is_settled
    ended=$((ended + 1))
    if shows locked; then echo locked; else echo unlocked; fi
done
cat /tmp/xscreensaver.log >&2
"#;

#[test]
fn xscreensaver_asks_for_the_code_in_turn() {
    let m = machine();
    m.unpacked("xscreensaver").pam("xscreensaver", IN_TURN);
    m.run(["mkdir", "--mode=1777", "/tmp/.X11-unix"]).ok();
    let password = password();
    let lines = [password, &m.wrong_code("ada"), password, &m.code("ada")].join("\n");
    let call = m.call(["timeout", "80", "sh", "-c", &format!("{FUNCTIONS}{XSCREENSAVER}")]);
    let said = call.as_user("ada").input(lines + "\n").output();
    assert_eq!(said.stdout, "locked\nunlocked\n", "{said:?} {:?}", m.log());
    let log = m.logged("service=xscreensaver rhost=agent:");
    assert!(log.len() == 2 && log[0].contains("reason=wrong_code"), "{log:?}");
    assert!(log[1].contains("event=accepted") && log[1].contains(" step="), "{log:?}");
}
