//! JSON output of the agent, for scripts.

use serde_json::{Value, json};
use twinlock_core::message::own_account::{
    OwnEnrollment, OwnStatus, PastRefusal, RememberedDevice,
};

/// Returns the state of an account as JSON. Durations are in seconds.
pub(crate) fn of_status(status: &OwnStatus) -> Value {
    json!({
        "user": status.user,
        "status": match status.enrollment {
            OwnEnrollment::Enrolled => "enrolled",
            OwnEnrollment::Pending => "pending",
            OwnEnrollment::NotEnrolled => "not enrolled",
        },
        "changed_ago": status.changed,
        "authenticators": status.authenticators,
        "codes_left": status.codes,
        "codes_due": status.codes_due,
        "devices": status.devices,
        "wrong_codes": status.failed,
    })
}

/// Returns the remembered devices as JSON. Durations are in seconds. The devices have numbers from 1.
pub(crate) fn of_devices(devices: &[RememberedDevice]) -> Value {
    let one = |(number, device): (usize, &RememberedDevice)| {
        json!({
            "number": number,
            "age": device.age,
            "left": device.left,
            "address": device.address.to_string(),
            "key": device.key,
        })
    };
    (1..).zip(devices).map(one).collect()
}

/// Returns past refusals as JSON. Durations are in seconds.
pub(crate) fn of_refusals(refusals: &[PastRefusal]) -> Value {
    let one = |refusal: &PastRefusal| {
        json!({
            "ago": refusal.ago,
            "reason": refusal.reason,
            "service": refusal.service,
            "source": refusal.source,
        })
    };
    refusals.iter().map(one).collect()
}
