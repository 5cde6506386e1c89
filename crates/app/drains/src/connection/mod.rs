//! Connections to targets: the part of a drain that touches the world.
//!
//! | module | what it is |
//! |---|---|
//! | `socket` | TCP and TLS, with bounds on how long anything may take |
//! | `stream` | a syslog connection: bytes go in, nothing comes back |
//! | `service` | an HTTP/1.1 service: a request, its answer |
//! | `lines` | standard output and files, written by a thread of their own |
//!
//! Nothing here retries, counts or decides; that is `delivery`'s.

mod failure;
mod lines;
mod service;
mod socket;
mod stream;
mod tls;

use bytes::Bytes;

use crate::delivery::Answer;
use crate::{Settings, Target};

pub(crate) use failure::Failure;

/// A connection to a target.
pub(crate) enum Connection {
    /// To a syslog receiver.
    Stream(stream::Stream),
    /// To an HTTP service.
    Service(Box<service::Service>),
    /// To standard output or a file.
    Lines(lines::Lines),
}

impl Connection {
    /// Connects, or opens.
    pub(crate) async fn open(target: &Target, settings: &Settings) -> Result<Self, Failure> {
        match target {
            Target::Stdout { .. } => Ok(Self::Lines(lines::Lines::stdout(settings.stdout.clone())?)),
            Target::File { path, .. } => Ok(Self::Lines(lines::Lines::file(path.clone()).await?)),
            Target::Syslog(syslog) => Ok(Self::Stream(stream::Stream::open(syslog, settings).await?)),
            Target::Http(http) => Ok(Self::Service(Box::new(service::Service::open(http, settings).await?))),
        }
    }

    /// Sends what was encoded for this target. A failure leaves the connection of no use.
    pub(crate) async fn send(&mut self, bytes: Bytes) -> Result<Answer, Failure> {
        match self {
            Self::Stream(stream) => stream.send(&bytes).await,
            Self::Service(service) => service.send(bytes).await,
            Self::Lines(lines) => lines.send(bytes).await,
        }
    }

    /// Whether the other side has closed it, as far as is known without waiting.
    pub(crate) fn is_over(&self) -> bool {
        match self {
            Self::Service(service) => service.is_over(),
            Self::Stream(_) | Self::Lines(_) => false,
        }
    }

    /// Waits until the connection breaks; for ever where nothing can.
    pub(crate) async fn broken(&mut self) -> Failure {
        match self {
            Self::Stream(stream) => stream.broken().await,
            Self::Service(service) => service.broken().await,
            Self::Lines(_) => std::future::pending().await,
        }
    }

    /// Closes in order. Whether the other side then closed too, after it had read everything.
    pub(crate) async fn close(self) -> bool {
        match self {
            Self::Stream(stream) => stream.close().await,
            Self::Service(_) | Self::Lines(_) => true,
        }
    }
}
