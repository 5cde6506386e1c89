//! What goes where: the routes of a router, as the one who keeps the instances says them.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Every route of the router. A table is taken as a whole: requests see the old one or the new one, never a mixture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// The routes, in any order: the longest host wins, then the longest path.
    pub routes: Vec<Route>,
}

/// Requests for these hosts and below this path go to these instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// What access events call it, such as the name of an app; may be empty.
    #[serde(default)]
    pub name: String,
    /// Whose requests; at least one.
    pub hosts: Vec<HostPattern>,
    /// A path prefix that ends at a `/`: `/api` takes `/api` and `/api/users` but not `/apiary`. `/` takes all.
    pub path: String,
    /// Whether the instance sees the path without the prefix (which it is told as `X-Forwarded-Prefix`).
    #[serde(default)]
    pub strip: bool,
    /// Who answers: the ready instances and no others. None: 503.
    pub instances: Vec<Instance>,
    /// What is different for this route.
    #[serde(default)]
    pub settings: RouteSettings,
    /// Whether it serves.
    #[serde(default)]
    pub state: RouteState,
}

/// Which hosts a route is for. Compared without case, port and a last dot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum HostPattern {
    /// `*`: every host, and requests without one.
    Any,
    /// `example.org`: this host.
    Exact(String),
    /// `*.example.org`: every host below it, at any depth, but not `example.org` itself. Holds `example.org`.
    Below(String),
}

/// A host pattern that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no host pattern; write example.org, *.example.org or *")]
pub struct BadHostPattern(String);

impl FromStr for HostPattern {
    type Err = BadHostPattern;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let (name, below) = match text.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (text, false),
        };
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let address = name.starts_with('[') && name.ends_with(']') && !below;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        let fine = !name.is_empty() && name.len() <= 253 && (address || name.bytes().all(fits));
        match (fine, below) {
            (false, _) => Err(BadHostPattern(text.to_owned())),
            (true, false) => Ok(Self::Exact(name)),
            (true, true) => Ok(Self::Below(name)),
        }
    }
}

impl TryFrom<String> for HostPattern {
    type Error = BadHostPattern;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.to_string()
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => formatter.write_str("*"),
            Self::Exact(name) => formatter.write_str(name),
            Self::Below(name) => write!(formatter, "*.{name}"),
        }
    }
}

/// One process that answers requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its name; a process that takes the place of another has a new one.
    pub id: InstanceId,
    /// Where it listens.
    pub address: SocketAddr,
}

/// The name of an instance, such as `guestbook/web.1@7`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InstanceId(pub String);

impl fmt::Display for InstanceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<T: Into<String>> From<T> for InstanceId {
    fn from(name: T) -> Self {
        Self(name.into())
    }
}

/// What a route may set for itself; `None` is the router's own setting.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RouteSettings {
    /// How long an instance may take from the whole request to the head of its response (504 after that).
    pub response_timeout: Option<Duration>,
    /// The largest request body in bytes (413 above that).
    pub max_body: Option<u64>,
    /// How long requests wait for the end of [`RouteState::Paused`] (503 after that).
    pub pause_timeout: Option<Duration>,
}

/// Whether a route serves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RouteState {
    /// Requests go to the instances.
    #[default]
    Serving,
    /// Requests wait until a later table says otherwise.
    Paused,
    /// Requests are answered 503 with this text.
    Maintenance(String),
}
