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
so never send one. Please do not reply to this message.
";

/// Returns subject and body.
#[expect(clippy::too_many_lines, reason = "a match whose arms are text")]
pub(crate) fn say(topic: Topic) -> (&'static str, &'static str) {
    match topic {
        Topic::Event(NotificationKind::BackupCodeUsed) => (
            "A backup code was used for {user} on {host}",
            "\
Hello {user},

One of your backup codes was used to sign in. It cannot be used again.

    When:        {time}
    Where:       {service} on {host}
    From:        {source}
    Codes left:  {left}

If this was you, there is nothing to do.

If this was not you: another person has your password or your SSH key,
and one of your backup codes. Call your administrator now and ask for a
reset (twinlock reset). Then change your password and your SSH key.
",
        ),
        Topic::Event(NotificationKind::FewCodesLeft) => (
            "Few backup codes are left for {user} on {host}",
            "\
Hello {user},

Your backup codes are nearly used up. Without backup codes you cannot
sign in if you lose your phone.

    Codes left:  {left}
    When:        {time}
    Where:       {service} on {host}
    From:        {source}

Make new codes while you have your phone: log in on {host}, type ?
when you are asked for a code, then 4. The old codes then stop working.

If it was not you who used the other codes: call your administrator now
and ask for a reset (twinlock reset).
",
        ),
        Topic::Event(NotificationKind::SetUpDone) => (
            "Two-step verification is on for {user} on {host}",
            "\
Hello {user},

Two-step verification is now on for your account. From now on you need
a code from your authenticator app when you sign in.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}
    By:     {by}

If this was you, or you expected it: keep your backup codes in a safe
place, not on a computer.

If this was not you: another person has an authenticator app that makes
your codes. Call your administrator now and ask for a reset (twinlock
reset).
",
        ),
        Topic::Event(NotificationKind::KeyChanged) => (
            "Your authenticator was changed: {user} on {host}",
            "\
Hello {user},

One of your authenticator apps was replaced, added or removed.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}
    By:     {by}

If this was you, or you expected it, there is nothing to do.

If this was not you: another person may have an authenticator app that
makes your codes. Call your administrator now and ask for a reset
(twinlock reset). Then change your password and your SSH key.
",
        ),
        Topic::Event(NotificationKind::CodesRenewed) => (
            "New backup codes for {user} on {host}",
            "\
Hello {user},

You have new backup codes. The old codes no longer work; throw them
away.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}
    By:     {by}

If this was you, there is nothing to do. If another person made the
codes for you, you will see them the next time you sign in.

If you did not expect this: another person may have your backup codes.
Call your administrator now and ask for a reset (twinlock reset). Then
change your password and your SSH key.
",
        ),
        Topic::Event(NotificationKind::Reset) => (
            "Two-step verification was reset: {user} on {host}",
            "\
Hello {user},

Your two-step verification was reset. Your authenticator app and your
backup codes no longer work.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}
    By:     {by}

The next time you sign in, you set it up again. If you need a set-up
ticket for that, it comes in a separate mail or from {by}.

If you did not expect this: ask {by} in person, or by telephone at a
number that you already know.
",
        ),
        Topic::Event(NotificationKind::Guessed) => (
            "Wrong codes were typed for {user} on {host}",
            "\
Hello {user},

Too many wrong verification codes were typed for your account, after
your correct password or SSH key. None of them was accepted.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}

If this was you, there is nothing to do. If correct codes are refused,
set the clock of your phone to network time.

If this was not you: another person has your password or your SSH key.
Change both now, and tell your administrator. Your authenticator app
and your backup codes are not affected.
",
        ),
        Topic::Event(NotificationKind::BypassGiven) => (
            "A bypass code was issued for {user} on {host}",
            "\
Hello {user},

A bypass code of nine digits was issued for your account. For a limited
time it works in place of a code from your authenticator app. Your
password or your SSH key is still needed.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}
    By:     {by}

If you asked for it, there is nothing to do.

If you did not ask for it: call {by} now, at a telephone number that
you already know. Then change your password and your SSH key.
",
        ),
        Topic::Event(NotificationKind::KeyShown) => (
            "Your key was shown to {by}: {user} on {host}",
            "\
Hello {user},

The secret key of your authenticator app was shown to another person.
With the key, that person can make your codes.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}
    By:     {by}

The next time you sign in, you are asked to replace the key. Replace it
then.

If you did not expect this: ask {by} in person, or by telephone at a
number that you already know.
",
        ),
        Topic::Event(NotificationKind::KeyExported) => (
            "Your key was exported by {by}: {user} on {host}",
            "\
Hello {user},

Your record on {host} was exported, with the secret key of your
authenticator app. The export is meant for another computer that you
log in to. A person who has the export can make your codes.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}
    By:     {by}

The next time you sign in, you may be asked to replace the key. Replace
it then.

If you did not expect this: ask {by} in person, or by telephone at a
number that you already know.
",
        ),
        Topic::Event(NotificationKind::RecordImported) => (
            "Your second factor was imported: {user} on {host}",
            "\
Hello {user},

Your two-step verification was imported to {host} from another
computer. From now on you sign in here with the authenticator app and
the backup codes of that computer, or you are asked to set up two-step
verification again.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}
    By:     {by}

If your codes are refused, use the app that you set up on the other
computer.

If you did not expect this: ask {by} in person, or by telephone at a
number that you already know.
",
        ),
        Topic::Event(NotificationKind::MailChanged) => (
            "Mail for {user} on {host} goes to another address",
            "\
Hello {user},

From now on, mail about your two-step verification on {host} goes
to another address. This is the last mail to this address.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}
    By:     {by}

If you asked for it, there is nothing to do.

If you did not ask for it: another person may receive a set-up ticket
that is meant for you. Call your administrator now, at a telephone
number that you already know.
",
        ),
        Topic::Event(NotificationKind::Removed) => (
            "Two-step verification was removed for {user} on {host}",
            "\
Hello {user},

Your two-step verification on {host} was removed. Your
authenticator app and your backup codes no longer work there.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}
    By:     {by}

If you expected this, there is nothing to do.

If you did not expect this: ask {by} in person, or by telephone at a
number that you already know.
",
        ),
        Topic::Event(NotificationKind::Unlocked) => (
            "Wrong codes were cleared for {user} on {host}",
            "\
Hello {user},

The wrong codes that were typed for your account were cleared. You can
sign in again now, and more codes can be tried.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}
    By:     {by}

If you asked for it, there is nothing to do.

If you did not ask for it: another person may be guessing your codes.
Call your administrator, and change your password and your SSH key.
",
        ),
        Topic::Event(NotificationKind::BreakGlass) => (
            "Break-glass was used on {host} (to {user})",
            "\
Hello,

twinlock was run with --break-glass, without a verification code of the
user who ran it. The reason that was given is in the log of {host}.

    When:   {time}
    What:   {service}
    From:   {source}
    By:     {by}

If this was agreed, there is nothing to do.

If this was not agreed: a person with root access has changed the
second factor of a user. Read the log: journalctl -t twinlock
",
        ),
        Topic::Event(NotificationKind::Resynchronized) => (
            "Your authenticator was resynchronized: {user} on {host}",
            "\
Hello {user},

At a login, two codes in a row were typed that were too old or too new
to be accepted alone. Together they were accepted, and {host}
has adjusted to the clock or the counter that they show.

    When:   {time}
    Where:  {service} on {host}
    From:   {source}

If this was you: set the clock of your phone to network time.

If this was not you: another person has your password or your SSH key,
and has seen codes of yours. Call your administrator now and ask for a
reset (twinlock reset). Then change your password and your SSH key. If
your own codes are refused until then, type two in a row.
",
        ),
        Topic::Event(NotificationKind::TicketExpired) | Topic::Ticket(Purpose::SetUp) => (
            "Set up two-step verification for {user} on {host}",
            "\
Hello {user},

{by} asks you to set up two-step verification on {host}. It takes
about two minutes. You need an authenticator app: on a phone Aegis,
2FAS or Google Authenticator, on a computer KeePassXC, on either
Bitwarden, or any other app for time-based codes.

  1. Log in with: ssh {user}@{host}

  2. When asked, type this set-up ticket:

         {ticket}

  3. Follow the instructions on the screen.

The ticket works once, until {until}. It does not work
without your password or your SSH key. Even so, keep it to yourself.

If you did not expect this: do not use the ticket. Tell {by} in
person, or by telephone at a number that you already know.
",
        ),
        Topic::Ticket(Purpose::Codes) => (
            "Fetch your new backup codes: {user} on {host}",
            "\
Hello {user},

{by} has revoked your backup codes on {host}. Use this ticket
to get new ones.

  1. Log in with: ssh {user}@{host}

  2. When asked, type this ticket:

         {ticket}

  3. Write the new codes down, and keep them in a safe place, not on
     a computer.

The ticket works once, until {until}. It does not work
without your password or your SSH key. Even so, keep it to yourself.

If you did not expect this: do not use the ticket. Tell {by} in
person, or by telephone at a number that you already know.
",
        ),
    }
}
