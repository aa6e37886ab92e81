//! The settings of the sections `[backup_codes]`, `[throttle]`, `[totp]`, `[agent]` and `[fleet]`.

use crate::{
    policy::{
        Echo, FleetUids, SELF_SERVICE,
        settings::{general::echo, table::Setting},
    },
    record::{Algorithm, Digits, Period},
};

pub(super) const ABOUT_BACKUP_CODES: &str = "Backup codes: twenty letters each; each works once.";

pub(super) const BACKUP_CODES: &[Setting] = &[
    Setting::number(
        "count",
        1..=20,
        |policy| policy.backup_codes.count.into(),
        |policy, count| policy.backup_codes.count = u8::try_from(count).unwrap_or(u8::MAX),
        "How many codes a new set has. With 1 there is a single emergency code; each use of it creates the next one.",
    ),
    Setting::number(
        "warn_below",
        1..=20,
        |policy| policy.backup_codes.warn_below.into(),
        |policy, count| {
            policy.backup_codes.warn_below = u8::try_from(count).unwrap_or(u8::MAX);
        },
        "The user is warned when this many codes or fewer are left.",
    ),
    Setting::boolean(
        "echo",
        |policy| policy.backup_codes.echo == Echo::Shown,
        |policy, shown| policy.backup_codes.echo = echo(shown),
        "Whether the terminal shows a backup code while it is typed at its own prompt, behind `?` and `2`.",
    ),
];

pub(super) const ABOUT_THROTTLE: &str = "Rate limits for wrong codes. A source is an address (IPv6: its /64), a local user or a terminal.";

pub(super) const THROTTLE: &[Setting] = &[
    Setting::number(
        "free",
        1..=100,
        |policy| policy.throttle.free.into(),
        |policy, codes| policy.throttle.free = codes,
        "Wrong codes from one source before the first delay.",
    ),
    Setting::number(
        "delay",
        1..=3600,
        |policy| policy.throttle.delay,
        |policy, seconds| policy.throttle.delay = seconds.into(),
        "Seconds of the first delay; each further one is twice as long.",
    ),
    Setting::number(
        "max_delay",
        1..=86_400,
        |policy| policy.throttle.max_delay,
        |policy, seconds| policy.throttle.max_delay = seconds.into(),
        "Seconds of the longest delay.",
    ),
    Setting::number(
        "per_day",
        1..=10_000,
        |policy| policy.throttle.per_day.into(),
        |policy, codes| policy.throttle.per_day = codes,
        "Wrong codes a day for one user, from all sources together, before a first factor is proven.",
    ),
    Setting::number(
        "in_a_row",
        1..=100,
        |policy| policy.throttle.in_a_row.into(),
        |policy, codes| policy.throttle.in_a_row = codes,
        "Wrong codes behind a proven first factor, in a row and within 24 hours, after which only sources are asked from \
             which the user has logged in before. A restart does not clear them, `twinlock unlock` does.",
    ),
];

pub(super) const ABOUT_TOTP: &str = "New keys; existing ones stay as they are. Some apps show six digits, thirty seconds and SHA1 whatever the key says.";

pub(super) const TOTP: &[Setting] = &[
    Setting::number(
        "digits",
        6..=8,
        |policy| policy.new_keys.digits.get().into(),
        |policy, digits| {
            policy.new_keys.digits = Digits::new(digits.into()).unwrap_or(Digits::SIX);
        },
        "Digits of a code.",
    ),
    Setting::number(
        "period",
        10..=300,
        |policy| policy.new_keys.period.seconds(),
        |policy, seconds| {
            policy.new_keys.period = Period::new(seconds.into()).unwrap_or(Period::THIRTY);
        },
        "Seconds of a time step.",
    ),
    Setting::word(
        "algorithm",
        &["SHA1", "SHA256", "SHA512"],
        |policy| policy.new_keys.algorithm.name(),
        |policy, word| {
            policy.new_keys.algorithm = Algorithm::named(word).unwrap_or(Algorithm::Sha1);
        },
        "The hash of HMAC (RFC 6238).",
    ),
];

pub(super) const ABOUT_AGENT: &str =
    "The agent, through which users who are not root see and change their own second factor.";

pub(super) const AGENT: &[Setting] = &[
    Setting::words(
        "self_service",
        SELF_SERVICE,
        |policy| policy.agent.self_service,
        |policy, verbs| policy.agent.self_service = verbs,
        "The verbs that users may run for their own account without root. An empty list turns self-service off; a login offers \
         the changes in any case.",
    ),
    Setting::boolean(
        "lockers",
        |policy| policy.agent.lockers,
        |policy, on| policy.agent.lockers = on,
        "Whether programs that do not run as root, such as screen lockers, may have a code of their own user verified.",
    ),
];

pub(super) const ABOUT_FLEET: &str =
    "The fleet: hosts that share records and used codes through etcd. See twinlock-fleet(8).";

pub(super) const FLEET: &[Setting] = &[
    Setting::boolean(
        "enabled",
        |policy| policy.fleet.is_on,
        |policy, on| policy.fleet.is_on = on,
        "Whether this host belongs to a fleet. `twinlock fleet init` and `twinlock fleet join` say when to turn it on.",
    ),
    Setting::number(
        "lowest_uid",
        1..=4_294_967_294,
        |policy| policy.fleet.lowest_uid.into(),
        |policy, uid| policy.fleet.lowest_uid = uid,
        "The lowest user id that is shared. Root is never shared.",
    ),
    Setting::word(
        "uids",
        &["same", "local"],
        |policy| match policy.fleet.uids {
            FleetUids::Same => "same",
            FleetUids::Local => "local",
        },
        |policy, word| {
            policy.fleet.uids = if word == "local" { FleetUids::Local } else { FleetUids::Same };
        },
        "same: an account has the same user id on every host; local: each host has user ids of its own, and only the name counts.",
    ),
];
