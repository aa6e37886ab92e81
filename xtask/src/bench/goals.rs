//! The design's performance goals, compared with the measurements.

use super::contestants::{Contestant, Ending};
use super::figures::{Figures, What};

/// Most instructions of an accepted login, including libpam's own.
const INSTRUCTIONS: f64 = 80_000.0;
const SYSTEM_CALLS: f64 = 40.0;
const MEMORY: f64 = 512.0;
/// Largest share of a peer's time on a disk: peers wait for the disk, twinlock does not.
const DISK_SHARE: f64 = 1.0 / 20.0;
/// Largest growth of counts with a million records; wall time may also vary by its noise.
const COUNT_GROWTH: f64 = 1.02;
const TIME_GROWTH: f64 = 1.2;

/// One goal.
pub(super) struct Goal {
    pub(super) promise: String,
    /// The measurement in words, or `None` if there is none.
    pub(super) measured: Option<String>,
    pub(super) met: bool,
}

impl Goal {
    pub(super) fn judgement(&self) -> &'static str {
        match (&self.measured, self.met) {
            (None, _) => "not measured",
            (Some(_), true) => "met",
            (Some(_), false) => "MISSED",
        }
    }
}

/// Judges all goals.
pub(super) fn judge(figures: &Figures) -> Vec<Goal> {
    let mut goals = budget(figures);
    goals.extend(Ending::ALL.map(|ending| in_memory(figures, ending)));
    goals.extend(Contestant::PEERS.map(|peer| on_disk(figures, peer)));
    goals.extend(among_many(figures));
    goals
}

fn budget(figures: &Figures) -> Vec<Goal> {
    let of = |what| figures.get(what, Ending::Accepted, Contestant::Twinlock);
    let over_libpam = |what| {
        let libpam = figures.get(what, Ending::Accepted, Contestant::Libpam)?;
        Some(of(what)? - libpam)
    };
    let rows = [
        ("accepted login: at most 80,000 instructions", of(What::Instructions), INSTRUCTIONS, ""),
        ("accepted login: at most 40 system calls", of(What::SystemCalls), SYSTEM_CALLS, ""),
        ("accepted login: no sync", of(What::Syncs), 0.0, ""),
        ("less than 512 KiB of memory of its own", over_libpam(What::OwnMemory), MEMORY, " KiB"),
        (
            "less than 512 KiB, pages shared with other processes included",
            over_libpam(What::AllMemory),
            MEMORY,
            " KiB",
        ),
    ];
    let goal = |(promise, value, limit, unit): (&str, Option<f64>, f64, &str)| Goal {
        promise: promise.into(),
        measured: value.map(|value| format!("{}{unit}", grouped(value))),
        met: value.is_some_and(|value| value <= limit),
    };
    rows.map(goal).into()
}

fn in_memory(figures: &Figures, ending: Ending) -> Goal {
    let ratios = Contestant::PEERS.map(|peer| figures.ratio(What::OnTmpfs, ending, peer));
    let [Some(google), Some(oath)] = ratios else {
        return Goal { promise: no_slower(ending), measured: None, met: false };
    };
    let worst = google.max(oath);
    Goal { promise: no_slower(ending), measured: Some(times(worst)), met: worst <= 1.0 }
}

fn no_slower(ending: Ending) -> String {
    format!("{}, state in memory: no slower than the faster peer", ending.name())
}

fn on_disk(figures: &Figures, peer: Contestant) -> Goal {
    let ratio = figures.ratio(What::OnDisk, Ending::Accepted, peer);
    Goal {
        promise: format!("accepted login, state on disk: 1/20 of {}", peer.name()),
        measured: ratio.map(|ratio| format!("1/{:.1}", 1.0 / ratio)),
        met: ratio.is_some_and(|ratio| ratio <= DISK_SHARE),
    }
}

fn among_many(figures: &Figures) -> Vec<Goal> {
    let most = figures.crowds().last().copied().unwrap_or_default();
    let growth = |what: fn(u64) -> What| {
        let of = |size| figures.get(what(size), Ending::Accepted, Contestant::Twinlock);
        Some(of(most)? / of(10)?)
    };
    let rows = [
        ("instructions", growth(What::Among), COUNT_GROWTH),
        ("system calls", growth(What::CallsAmong), COUNT_GROWTH),
        ("time", growth(What::TimeAmong), TIME_GROWTH),
    ];
    let goal = |(what, growth, limit): (&str, Option<f64>, f64)| Goal {
        promise: format!("the same {what} among {} records as among 10", grouped_count(most)),
        measured: growth.map(times),
        met: growth.is_some_and(|growth| growth <= limit),
    };
    rows.map(goal).into()
}

/// Formats a ratio.
pub(super) fn times(ratio: f64) -> String {
    format!("{ratio:.2} times")
}

/// Formats a number with commas between thousands.
pub(super) fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn grouped_count(count: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "at most a million")]
    grouped(count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (value, text) in
            [(0.0, "0"), (999.0, "999"), (1_234_567.0, "1,234,567"), (-123.0, "-123")]
        {
            assert_eq!(grouped(value), text);
        }
    }

    #[test]
    fn a_goal_is_met_at_its_limit_and_missed_beyond() {
        let mut figures = Figures::default();
        let own = (Ending::Accepted, Contestant::Twinlock);
        figures.put(What::SystemCalls, own.0, own.1, 40.0);
        figures.put(What::Syncs, own.0, own.1, 1.0);
        let judged: Vec<&str> = budget(&figures).iter().map(Goal::judgement).collect();
        assert_eq!(judged, ["not measured", "met", "MISSED", "not measured", "not measured"]);
    }

    #[test]
    fn the_faster_peer_is_the_measure() {
        let mut figures = Figures::default();
        for (who, took) in
            [(Contestant::Twinlock, 30.0), (Contestant::Google, 60.0), (Contestant::Oath, 20.0)]
        {
            figures.put(What::OnTmpfs, Ending::Wrong, who, took);
        }
        let goal = in_memory(&figures, Ending::Wrong);
        assert_eq!((goal.judgement(), goal.measured.as_deref()), ("MISSED", Some("1.50 times")));
    }
}
