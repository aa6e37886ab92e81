//! English: mail.

use crate::{
    notify::{
        notification::{NotificationKind, Topic},
        template::Sources,
    },
    record::extras::Purpose,
};

/// Words for sources.
pub(crate) const SOURCES: Sources = Sources {
    uid: "this machine, user number",
    tty: "this machine, terminal",
    unknown: "not known",
};

/// The end of every mail.
pub(crate) const CLOSING: &str = "
-- 
twinlock on {host}. We never ask for a code or a password by mail,
and nobody else may. Please do not reply to this message.
";

/// Returns subject and body.
#[expect(clippy::too_many_lines, reason = "a match whose arms are text")]
pub(crate) fn say(topic: Topic) -> (&'static str, &'static str) {
    match topic {
        Topic::Event(NotificationKind::BackupCodeUsed) => (
            "A backup code was used for {user} on {host}",
            "\
Hello {user},

One of your backup codes was used to sign in. It is now used up.

    When:        {time}
    Where:       {service} on {host}
    From:        {source}
    Codes left:  {left}

Was it you? Then there is nothing to do.

Was it not you? Then somebody has your password or your SSH key, and
one of your backup codes. Call your administrator at once, who can stop
all of your codes (twinlock reset), and change your password and your
SSH key.
",
        ),
        Topic::Event(NotificationKind::FewCodesLeft) => (
            "Few backup codes are left for {user} on {host}",
            "\
Hello {user},

Your backup codes are running out. Without any, you cannot sign in
should you lose your phone.

    Codes left:  {left}
    As of:       {time}

Make new ones while your phone is at hand: log in on {host}, type ?
where a code is asked for, then 4.

The old ones stop working then.

Did you not use the others? Then call your administrator at once.
",
        ),
        Topic::Event(NotificationKind::SetUpDone) => (
            "Two-step verification is on for {user} on {host}",
            "\
Hello {user},

Two-step verification has been set up for you. From now on you are
asked for a code from your authenticator app when you sign in.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}
    By:     {by}

Was it you, or did you expect it? Then there is nothing to do. Keep
your backup codes in a safe place, and not on a computer.

Was it not you? Then somebody else has an app that makes your codes.
Call your administrator at once, who can stop it (twinlock reset).
",
        ),
        Topic::Event(NotificationKind::KeyChanged) => (
            "Your authenticator was changed: {user} on {host}",
            "\
Hello {user},

An authenticator app of yours was replaced, added or taken away.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}
    By:     {by}

Was it you, or did you expect it? Then there is nothing to do.

Was it not you? Then somebody else may have an app that makes your
codes. Call your administrator at once, who can stop it (twinlock
reset), and change your password and your SSH key.
",
        ),
        Topic::Event(NotificationKind::CodesRenewed) => (
            "New backup codes for {user} on {host}",
            "\
Hello {user},

You have new backup codes. The old ones have stopped working, so
throw them away.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}
    By:     {by}

Was it you, or did you expect it? Then there is nothing to do. If
somebody else made them, you are shown them when you next sign in.

Was it not you? Then somebody else may have your backup codes. Call
your administrator at once, who can stop them (twinlock reset), and
change your password and your SSH key.
",
        ),
        Topic::Event(NotificationKind::Reset) => (
            "Two-step verification was reset: {user} on {host}",
            "\
Hello {user},

Your two-step verification has been reset. Your authenticator app and
your backup codes have stopped working.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}
    By:     {by}

You set it up anew when you next sign in. The ticket that you may need
for it comes in a mail of its own, or from {by}.

Did you not expect this? Then ask {by}, in person or by a telephone
number that you know.
",
        ),
        Topic::Event(NotificationKind::Guessed) => (
            "Wrong codes were typed for {user} on {host}",
            "\
Hello {user},

Somebody came past your password or your SSH key, and then typed
codes that were wrong. The codes let nobody in.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}

Was it you? Then there is nothing to do. If right codes are refused,
check that the clock of your phone is set by the network.

Was it not you? Then somebody has your password or your SSH key.
Change both, and call your administrator. Your codes are still yours.
",
        ),
        Topic::Event(NotificationKind::BypassGiven) => (
            "A bypass was given out for {user} on {host}",
            "\
Hello {user},

Somebody was given nine digits with which you can be signed in for a
while without your authenticator app. Your password or your SSH key is
needed all the same.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}
    By:     {by}

Did you ask for it? Then there is nothing to do.

Did you not? Then call {by} at once, by a telephone number that you
know, and change your password and your SSH key.
",
        ),
        Topic::Event(NotificationKind::KeyShown) => (
            "Your key was shown to {by}: {user} on {host}",
            "\
Hello {user},

The secret key of your authenticator app was shown to somebody else.
Whoever has seen it can make your codes.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}
    By:     {by}

When you next sign in you are asked to change it. Do so then.

Did you not expect this? Then ask {by}, in person or by a telephone
number that you know.
",
        ),
        Topic::Event(NotificationKind::KeyExported) => (
            "Your key was exported by {by}: {user} on {host}",
            "\
Hello {user},

Your record, with the secret key of your authenticator app, was
exported. It is made for another computer on which you log in, but
anyone who has the export can make your codes.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}
    By:     {by}

When you next sign in you may be asked to change the key. Do so then.

Did you not expect this? Then ask {by}, in person or by a telephone
number that you know.
",
        ),
        Topic::Event(NotificationKind::RecordImported) => (
            "Your second factor was imported: {user} on {host}",
            "\
Hello {user},

A record of your two-step verification was brought to {host}
from another computer. What that record says now decides how you sign
in here: its authenticator app, its backup codes, or that you are to
set up two-step verification again.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}
    By:     {by}

If your codes are refused, use the app that you set up on the other
computer.

Did you not expect this? Then ask {by}, in person or by a telephone
number that you know.
",
        ),
        Topic::Event(NotificationKind::MailChanged) => (
            "Mail for {user} on {host} goes to another address",
            "\
Hello {user},

Mail about your two-step verification on {host} goes to
another address from now on. This is the last one to this address.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}
    By:     {by}

Did you ask for it? Then there is nothing to do.

Did you not? Then somebody else may get the set-up ticket that is meant
for you. Call your administrator at once, by a telephone number that
you know.
",
        ),
        Topic::Event(NotificationKind::Removed) => (
            "Two-step verification was ended for {user} on {host}",
            "\
Hello {user},

Your two-step verification was ended. Your authenticator app and your
backup codes have stopped working on {host}.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}
    By:     {by}

Did you not expect this? Then ask {by}, in person or by a telephone
number that you know.
",
        ),
        Topic::Event(NotificationKind::Unlocked) => (
            "Wrong codes were cleared for {user} on {host}",
            "\
Hello {user},

The wrong codes that were typed for you were cleared. You can sign in
again at once, and more codes can be tried.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}
    By:     {by}

Did you ask for it? Then there is nothing to do.

Did you not? Then somebody may be trying to guess your codes. Call your
administrator, and change your password and your SSH key.
",
        ),
        Topic::Event(NotificationKind::BreakGlass) => (
            "Break-glass was used on {host} (to {user})",
            "\
Hello,

twinlock was used without a verification code of the acting person
(--break-glass). The log of {host} has the reason that was given.

    When:   {time}
    What:   {service}
    From:   {source}
    By:     {by}

Was this not agreed? Then somebody with root's rights has changed the
second factor of users. Look at the log: journalctl -t twinlock
",
        ),
        Topic::Event(NotificationKind::Resynchronized) => (
            "Your authenticator was resynchronized: {user} on {host}",
            "\
Hello {user},

Two codes in a row that were too old or too new for one login were
typed at a login, and let its user in. From now on {host}
expects your codes at that pace.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}

Was it you? Then there is nothing to do, except to set the clock of
your phone by the network.

Was it not you? Then somebody has your password or your SSH key, and
has seen codes of yours. Call your administrator at once, who can stop
them (twinlock reset), and change your password and your SSH key.
Until then your own codes may be refused: type two in a row.
",
        ),
        Topic::Event(NotificationKind::TicketExpired) | Topic::Ticket(Purpose::SetUp) => (
            "Set up two-step verification for {user} on {host}",
            "\
Hello {user},

{by} asks you to set up two-step verification on {host}. It takes
about two minutes. You need an authenticator app on your phone or
computer: Google Authenticator, Microsoft Authenticator, Authy, or any
other app for time-based codes.

  1. Log in with: ssh {user}@{host}

  2. When asked, type this set-up ticket:

         {ticket}

  3. Do what the screen says.

The ticket works once, until {until}. It is of no use
without your password or your SSH key; keep it to yourself all the
same.

Did you not expect this? Then do not use it, and tell {by}, in person
or by a telephone number that you know.
",
        ),
        Topic::Ticket(Purpose::Codes) => (
            "Fetch your new backup codes: {user} on {host}",
            "\
Hello {user},

{by} has made your old backup codes on {host} stop working.
With this ticket you get new ones.

  1. Log in with: ssh {user}@{host}

  2. When asked, type this ticket:

         {ticket}

  3. Write the new codes down, and keep them in a safe place, not on
     a computer.

The ticket works once, until {until}. It is of no use
without your password or your SSH key; keep it to yourself all the
same.

Did you not expect this? Then do not use it, and tell {by}, in person
or by a telephone number that you know.
",
        ),
    }
}
