//! Sends requests to the store: to one endpoint after the other until one answers, within the deadline of the request.

mod ask;
mod client;
mod outage;
mod token;
mod transport;

pub(crate) use ask::{AskError, EndpointAttempt, StoreAsk, StoreAsked, Trip};
pub(crate) use client::{StoreClient, StoreParts};
pub(crate) use outage::Outage;
pub(crate) use token::{StoreToken, StoreUser};
pub(crate) use transport::{ENDPOINT_PATIENCE, HttpAnswer, HttpCall, HttpError, Transport};

#[cfg(test)]
mod tests;
