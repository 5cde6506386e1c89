//! What is known about a client's connection while it lasts.

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::task::Context;

use http::StatusCode;

use crate::deadlines::Deadline;
use crate::shared::milliseconds;
use crate::tunnel::Tunnel;
use crate::worker::{Guest, Worker};

/// How long a connection that has had a request keeps its buffers for the next one, in milliseconds.
const PARK_AFTER: u64 = 1000;
/// How long a request is under way before anybody looks whether its client goes, in milliseconds.
const MOST_UNSEEN: u64 = 100;

/// What a client's connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing: no byte of a next request has come.
    Idle,
    /// Some bytes of a request's head have come.
    Head,
    /// A request is under way.
    Request,
}

/// A client's connection. The socket belongs to [`ClientIo`](crate::client_io::ClientIo), which reports here.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) worker: Rc<Worker>,
    pub(crate) address: SocketAddr,
    /// Whether it came over TLS.
    pub(crate) secure: bool,
    /// The client's address as `X-Forwarded-For` has it.
    pub(crate) forwarded_for: Box<str>,
    pub(crate) phase: Cell<Phase>,
    deadline: Deadline,
    /// Everything that hyper was given to send has been written to the socket.
    pub(crate) flushed: Cell<bool>,
    /// The client takes no bytes.
    blocked: Cell<bool>,
    /// The client has said that it sends no more.
    pub(crate) ended: Cell<bool>,
    /// The client expects that the connection is closed after this response.
    pub(crate) expects_close: Cell<bool>,
    /// A body was left unread: what is in the connection next may be no request.
    pub(crate) spoiled: Cell<bool>,
    /// The status with which hyper has refused bytes that are no request.
    pub(crate) refused: Cell<Option<StatusCode>>,
    /// The client speaks HTTP/2 from the first byte on.
    pub(crate) preface: Cell<bool>,
    /// Where the connection leads once its 101 has been sent.
    pub(crate) tunnel: RefCell<Option<Tunnel>>,
    /// Whether there can be several requests at once (HTTP/2).
    multiplexed: Cell<bool>,
    /// How many there are then.
    streams: Cell<u32>,
    draining: Cell<bool>,
    /// Nothing has to come from the client before the response has ended.
    silent: Cell<bool>,
    /// Nobody looks whether it goes, until the deadline.
    unseen: Cell<bool>,
    /// hyper was told that there is nothing to read, without a look; it has to read again.
    unread: Cell<bool>,
    /// Dropped last: then the connection is not counted any more.
    _guest: Guest,
}

impl Client {
    pub(crate) fn new(guest: Guest, address: SocketAddr, secure: bool) -> Rc<Self> {
        let worker = Rc::clone(&guest.0);
        Rc::new(Self {
            address,
            secure,
            forwarded_for: text_of(address.ip().to_canonical()),
            phase: Cell::new(Phase::Idle),
            deadline: worker.deadlines.add(),
            worker,
            _guest: guest,
            flushed: Cell::new(true),
            blocked: Cell::new(false),
            ended: Cell::new(false),
            expects_close: Cell::new(false),
            spoiled: Cell::new(false),
            refused: Cell::new(None),
            preface: Cell::new(false),
            tunnel: RefCell::default(),
            multiplexed: Cell::new(false),
            streams: Cell::new(0),
            draining: Cell::new(false),
            silent: Cell::new(false),
            unseen: Cell::new(false),
            unread: Cell::new(false),
        })
    }

    /// Bytes have come.
    pub(crate) fn received(&self) {
        if self.phase.get() == Phase::Idle {
            self.phase.set(Phase::Head);
            self.deadline.set(milliseconds(self.worker.shared.timeouts.head));
        }
    }

    /// A request's head is complete.
    pub(crate) fn begin_request(&self, has_body: bool) {
        self.phase.set(Phase::Request);
        self.spoiled.set(false);
        self.silent.set(!has_body);
        self.deadline.clear();
    }

    /// Whether a read could only tell that the client has gone, and it is early in the request: that may wait a moment.
    pub(crate) fn may_be_unseen(&self) -> bool {
        let unseen = self.silent.get();
        if unseen && !self.unseen.replace(true) {
            self.deadline.set(MOST_UNSEEN);
        }
        unseen
    }

    /// It matters from now on when the client goes.
    pub(crate) fn must_be_seen(&self) {
        self.silent.set(false);
        if self.unseen.replace(false) {
            self.unread.set(true);
            self.deadline.clear();
        }
    }

    /// Its response is complete, too, but perhaps not written yet.
    pub(crate) fn end_request(&self) {
        self.phase.set(Phase::Idle);
        self.must_be_seen();
        self.deadline.set(self.idle_time());
    }

    /// A request of HTTP/2 begins.
    pub(crate) fn begin_stream(&self) {
        self.streams.set(self.streams.get() + 1);
        if !self.blocked.get() {
            self.deadline.clear();
        }
    }

    /// A request of HTTP/2 has ended.
    pub(crate) fn end_stream(&self) {
        self.streams.set(self.streams.get() - 1);
        if self.streams.get() == 0 && !self.blocked.get() {
            self.wait_for_streams();
        }
    }

    /// HTTP/2 begins, or has no request.
    pub(crate) fn wait_for_streams(&self) {
        self.multiplexed.set(true);
        self.phase.set(Phase::Request);
        self.deadline.set(milliseconds(self.worker.shared.timeouts.idle));
    }

    /// Whether nobody waits for it: no request of HTTP/2 is under way.
    pub(crate) fn has_no_streams(&self) -> bool {
        self.streams.get() == 0
    }

    /// How long it may stay as it is now, in milliseconds.
    fn idle_time(&self) -> u64 {
        let timeouts = &self.worker.shared.timeouts;
        match (self.blocked.get(), self.spoiled.get()) {
            (true, _) => milliseconds(timeouts.stalled),
            (false, true) => milliseconds(timeouts.idle),
            (false, false) => milliseconds(timeouts.idle).min(PARK_AFTER),
        }
    }

    /// The client takes no more bytes for now.
    pub(crate) fn block(&self) {
        self.must_be_seen();
        if !self.blocked.replace(true) {
            self.deadline.set(milliseconds(self.worker.shared.timeouts.stalled));
        }
    }

    /// The client has taken bytes.
    pub(crate) fn sent(&self) {
        self.flushed.set(false);
        if self.blocked.replace(false) {
            match self.phase.get() {
                Phase::Request if self.multiplexed.get() && self.has_no_streams() => self.wait_for_streams(),
                Phase::Request => self.deadline.clear(),
                Phase::Idle | Phase::Head => self.deadline.set(self.idle_time()),
            }
        }
    }

    /// Begins to wait for a request without buffers.
    pub(crate) fn park(&self) {
        if !self.draining.get() {
            self.deadline.set(milliseconds(self.worker.shared.timeouts.idle));
        }
    }

    /// Whether it has been in its phase for too long.
    pub(crate) fn is_late(&self, context: &Context<'_>) -> bool {
        if self.phase.get() == Phase::Idle && self.worker.is_draining() && !self.draining.replace(true) {
            self.deadline.set(milliseconds(self.worker.shared.timeouts.draining));
        }
        let late = self.deadline.passed(context);
        if late && self.unseen.get() {
            self.must_be_seen();
            return false;
        }
        late
    }

    /// Whether hyper has to read again now.
    pub(crate) fn is_unread(&self) -> bool {
        self.unread.replace(false)
    }

    /// Whether the connection can do without its buffers: there is nothing in them.
    pub(crate) fn is_quiet(&self) -> bool {
        self.phase.get() == Phase::Idle && self.flushed.get() && !self.spoiled.get()
    }
}

/// An address in words. Most are IPv4, and `Display` takes its time for each connection.
fn text_of(address: IpAddr) -> Box<str> {
    let IpAddr::V4(address) = address else { return address.to_string().into() };
    let mut text = String::with_capacity(15);
    for (place, octet) in address.octets().into_iter().enumerate() {
        if place > 0 {
            text.push('.');
        }
        for (unit, shown) in [(100, octet >= 100), (10, octet >= 10), (1, true)] {
            if shown {
                text.push(char::from(b'0' + octet / unit % 10));
            }
        }
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_usual() {
        for octet in 0..=255 {
            for address in [[octet, 0, 10, 255], [1, octet, octet, 99]] {
                let address = IpAddr::from(address);
                assert_eq!(*text_of(address), *address.to_string());
            }
        }
        assert_eq!(&*text_of("::1".parse().unwrap()), "::1");
    }
}
