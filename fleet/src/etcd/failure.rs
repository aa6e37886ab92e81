//! Classifies the errors of etcd.

use crate::etcd::fields;

/// Class of an error of etcd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GatewayError {
    /// This endpoint cannot carry out the request now, but another one may. It is unknown whether the request was
    /// carried out.
    Elsewhere(String),
    /// The database of the store is full.
    Full,
    /// The store refuses this host.
    Denied(String),
    /// The token is missing, or is no longer valid.
    Token(String),
    /// A lease of the request does not exist in the store.
    LeaseLost,
    /// etcd refuses the form of the request.
    Malformed(String),
    /// The authentication of the store is off, so that the store issues no token.
    AuthIsOff,
}

/// Status codes of gRPC, which the gateway passes on.
const INVALID_ARGUMENT: u64 = 3;
const PERMISSION_DENIED: u64 = 7;
const UNAUTHENTICATED: u64 = 16;

/// Classifies an answer with another HTTP status than 200.
pub(crate) fn of_answer(status: u16, body: &[u8]) -> GatewayError {
    // Behind the object there may be a trailer that was sent as if it belonged to the body.
    let object = serde_json::Deserializer::from_slice(body).into_iter().next();
    let Some(Ok(object)) = object else {
        return GatewayError::Elsewhere(format!("HTTP status {status}"));
    };
    let message = match fields::text(&object, "message") {
        "" => fields::text(&object, "error"),
        message => message,
    };
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let code = fields::number(&object, "code").unwrap_or_default();
    let message = message.to_owned();
    if has(&["database space exceeded"]) {
        GatewayError::Full
    } else if has(&["requested lease not found"]) {
        GatewayError::LeaseLost
    } else if has(&["authentication is not enabled"]) {
        GatewayError::AuthIsOff
    } else if has(&["invalid auth token", "revision of auth store is old", "user name is empty"]) {
        GatewayError::Token(message)
    } else if has(&["authentication failed"])
        || [PERMISSION_DENIED, UNAUTHENTICATED].contains(&code)
    {
        GatewayError::Denied(message)
    } else if code == INVALID_ARGUMENT {
        GatewayError::Malformed(message)
    } else {
        // No leader, time-outs, a member that stops: another member may answer.
        GatewayError::Elsewhere(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: u8, message: &str) -> GatewayError {
        let body = format!(r#"{{"error":"{message}","message":"{message}","code":{code}}}"#);
        of_answer(400, body.as_bytes())
    }

    fn elsewhere(text: &str) -> GatewayError {
        GatewayError::Elsewhere(text.into())
    }

    #[test]
    fn answers_of_the_store_are_told_apart() {
        assert_eq!(of(8, "etcdserver: mvcc: database space exceeded"), GatewayError::Full);
        assert_eq!(of(5, "etcdserver: requested lease not found"), GatewayError::LeaseLost);
        assert_eq!(of(9, "etcdserver: authentication is not enabled"), GatewayError::AuthIsOff);
        for message in [
            "etcdserver: invalid auth token",
            "etcdserver: user name is empty",
            "etcdserver: revision of auth store is old",
        ] {
            assert_eq!(of(16, message), GatewayError::Token(message.into()));
        }
        for (code, message) in [
            (7, "etcdserver: permission denied"),
            (3, "etcdserver: authentication failed, invalid user ID or password"),
            (16, "anything"),
        ] {
            assert_eq!(of(code, message), GatewayError::Denied(message.into()));
        }
        for message in
            ["etcdserver: duplicate key given in txn request", "etcdserver: request is too large"]
        {
            assert_eq!(of(3, message), GatewayError::Malformed(message.into()));
        }
    }

    #[test]
    fn another_endpoint_may_answer() {
        for (code, message) in [
            (14, "etcdserver: request timed out"),
            (14, "etcdserver: request timed out, possibly due to previous leader failure"),
            (14, "etcdserver: no leader"),
            (14, "etcdserver: leader changed"),
            (8, "etcdserver: too many requests"),
            (4, "context deadline exceeded"),
            (2, "etcdserver: server stopped"),
        ] {
            assert_eq!(of(code, message), elsewhere(message));
        }
        assert_eq!(of_answer(502, b"<html>bad gateway</html>"), elsewhere("HTTP status 502"));
        assert_eq!(of_answer(502, b""), elsewhere("HTTP status 502"));
    }

    #[test]
    fn a_trailer_behind_the_body_is_left_out() {
        let body =
            br#"{"error":"etcdserver: requested lease not found","code":5}Grpc-Trailer-A: b"#;
        assert_eq!(of_answer(404, body), GatewayError::LeaseLost);
    }
}
