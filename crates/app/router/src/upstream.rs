//! Connections to instances, and the pool of those that wait for a request.
//!
//! A connection is driven by whoever uses it, in the task of that request: no task of its own, no hand-over. Between two requests
//! nobody drives it; the thread's pool looks a few times a second whether it was closed.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::BytesMut;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};
use tokio::net::TcpStream;

use crate::instance::InstanceState;

/// A connection to an instance.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) socket: TcpStream,
    /// What was read and not yet used; empty between two requests.
    pub(crate) unread: BytesMut,
}

impl Upstream {
    /// Connects. An instance on the same machine answers at once, without a turn of the event loop.
    pub(crate) async fn connect(address: SocketAddr, patience: Duration) -> io::Result<Self> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
        sockopt::set_tcp_nodelay(&socket, true)?;
        let at_once = match rustix::net::connect(&socket, &address) {
            Ok(()) => true,
            Err(rustix::io::Errno::INPROGRESS) => false,
            Err(error) => return Err(error.into()),
        };
        let socket = TcpStream::from_std(std::net::TcpStream::from(socket))?;
        if !at_once {
            tokio::time::timeout(patience, socket.writable())
                .await
                .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
            if let Some(error) = socket.take_error()? {
                return Err(error);
            }
        }
        Ok(Self { socket, unread: BytesMut::new() })
    }

    /// Whether the instance has neither closed it nor sent anything unasked, as far as can be known.
    fn is_quiet(&self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        match self.socket.poll_read_ready(&mut context) {
            Poll::Pending => true,
            Poll::Ready(Err(_)) => false,
            // The event may be an old one: the socket itself knows.
            Poll::Ready(Ok(())) => {
                matches!(self.socket.try_read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
            }
        }
    }
}

/// Connections that wait for a request, of one thread.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    instances: HashMap<u64, OfInstance>,
}

#[derive(Debug)]
struct OfInstance {
    instance: Arc<InstanceState>,
    kept: Vec<Kept>,
}

#[derive(Debug)]
struct Kept {
    upstream: Upstream,
    since: u64,
}

impl Pool {
    /// The one of an instance that was used last: the others may rest and be closed.
    pub(crate) fn take(&mut self, instance: u64) -> Option<Upstream> {
        let of_instance = self.instances.get_mut(&instance)?;
        loop {
            let upstream = of_instance.kept.pop()?.upstream;
            if upstream.is_quiet() {
                return Some(upstream);
            }
        }
    }

    /// Keeps one, unless there are as many as may be.
    pub(crate) fn put(&mut self, instance: &Arc<InstanceState>, upstream: Upstream, now: u64, most: usize) {
        let of_instance = self
            .instances
            .entry(instance.number)
            .or_insert_with(|| OfInstance { instance: Arc::clone(instance), kept: Vec::new() });
        if of_instance.kept.len() < most {
            of_instance.kept.push(Kept { upstream, since: now });
        }
    }

    /// Closes what has waited for too long, was closed by the instance, or leads to one that is retired: an app that ends
    /// may wait for its idle connections to be closed. Answers whether anything is left.
    pub(crate) fn sweep(&mut self, now: u64, longest: u64) -> bool {
        self.instances.retain(|_, OfInstance { instance, kept }| {
            if instance.is_retired() {
                kept.clear();
            }
            kept.retain(|one| now.saturating_sub(one.since) < longest && one.upstream.is_quiet());
            !kept.is_empty()
        });
        !self.instances.is_empty()
    }
}
