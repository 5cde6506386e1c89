//! What a router tells: one event for each request that ended.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{Method, StatusCode, Version};

use crate::InstanceId;

/// A request that ended. They come in batches over a bounded channel; what does not fit is counted
/// ([`Statistics::events_dropped`](crate::Statistics::events_dropped)) and never holds up a request.
#[derive(Clone, Debug)]
pub struct AccessEvent {
    /// When it began.
    pub time: SystemTime,
    /// Who asked.
    pub client: IpAddr,
    /// Of which version the request was.
    pub version: Version,
    /// The method; `None` when the request could not be read.
    pub method: Option<Method>,
    /// The host, as the client wrote it; empty without one.
    pub host: String,
    /// The path and query, as the client wrote them; at most 4 KiB of them.
    pub path: String,
    /// The answer's status. 499: the client was gone before there was one.
    pub status: StatusCode,
    /// Bytes of the request's body that came in.
    pub received: u64,
    /// Bytes of the response's body that went out, or of both ways of an upgraded connection.
    pub sent: u64,
    /// From the request's head to the end of the response.
    pub duration: Duration,
    /// From the request's head to the head of the response.
    pub waited: Duration,
    /// The name of its route; `None` when it has none.
    pub route: Option<Arc<str>>,
    /// Who answered; `None` when the router did.
    pub instance: Option<InstanceId>,
    /// The request's id, as the instance saw it in `X-Request-Id`.
    pub request_id: String,
    /// Whether the response went out whole.
    pub complete: bool,
}
