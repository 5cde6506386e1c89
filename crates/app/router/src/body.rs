//! Bodies on their way through the router, never whole in memory.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::call::Call;
use crate::exchange::Exchange;
use crate::worker::Worker;

/// How much of a request's body has come.
#[derive(Debug, Default)]
pub(crate) struct Upload {
    pub(crate) received: Cell<u64>,
    /// Whether all of it has.
    pub(crate) ended: Cell<bool>,
    /// Whether it is larger than the route allows.
    pub(crate) too_large: Cell<bool>,
    /// Whether the client is to blame for its end.
    pub(crate) broken: Cell<bool>,
    /// Whether the next piece of it is waited for.
    pub(crate) waiting: Cell<bool>,
    /// When the last bytes came, on the clock of the thread.
    pub(crate) last: Cell<u64>,
}

/// A request's body on its way to an instance.
pub(crate) struct RequestBody {
    pub(crate) incoming: Incoming,
    pub(crate) limit: u64,
    pub(crate) upload: Rc<Upload>,
    pub(crate) worker: Rc<Worker>,
}

impl std::fmt::Debug for RequestBody {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.upload.fmt(formatter)
    }
}

/// A request's body ended early; its [`Upload`] knows why.
#[derive(Debug)]
pub(crate) struct BodyEnded;

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyEnded;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyEnded>>> {
        let frame = Pin::new(&mut self.incoming).poll_frame(context);
        let upload = &self.upload;
        upload.waiting.set(frame.is_pending());
        let frame = ready!(frame);
        upload.last.set(self.worker.deadlines.now());
        let Some(frame) = frame else {
            upload.ended.set(true);
            return Poll::Ready(None);
        };
        let Ok(frame) = frame else {
            upload.broken.set(true);
            return Poll::Ready(Some(Err(BodyEnded)));
        };
        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
        upload.received.set(upload.received.get() + length);
        if upload.received.get() > self.limit {
            upload.too_large.set(true);
            return Poll::Ready(Some(Err(BodyEnded)));
        }
        upload.ended.set(self.incoming.is_end_stream());
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// A response's body on its way to a client, and the end of its request.
pub(crate) struct ResponseBody {
    source: Source,
    /// Told when the body has ended or nobody wants it any more.
    exchange: Option<Exchange>,
    /// It broke off, and hyper has had a turn to send what came before.
    broken: bool,
}

enum Source {
    /// The router's own words.
    Text(Bytes),
    Instance(Option<Box<Call>>),
}

/// A response broke off.
#[derive(Debug, thiserror::Error)]
#[error("the instance ended its response early")]
pub(crate) struct BrokenOff;

impl ResponseBody {
    /// The router's own words.
    pub(crate) fn text(text: Bytes, exchange: Exchange) -> Self {
        Self { source: Source::Text(text), exchange: Some(exchange), broken: false }
    }

    /// None.
    pub(crate) fn nothing() -> Self {
        Self { source: Source::Text(Bytes::new()), exchange: None, broken: false }
    }

    /// What an instance answers. The connection to it is moved from here, as long as the body lasts, and kept for other requests
    /// when it has been read to its end.
    pub(crate) fn instance(call: Box<Call>, exchange: Exchange) -> Self {
        let mut body = Self { source: Source::Instance(Some(call)), exchange: Some(exchange), broken: false };
        if body.is_end_stream() {
            body.release();
        }
        body
    }

    /// Gives the connection to the instance back: nothing is under way in it.
    fn release(&mut self) {
        let Some(exchange) = &mut self.exchange else { return };
        exchange.complete();
        if let Source::Instance(call) = &mut self.source
            && let Some(call) = call.take()
        {
            exchange.keep(*call);
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if self.broken {
            return Poll::Ready(Some(Err(BrokenOff)));
        }
        let frame = match &mut self.source {
            Source::Text(text) if text.is_empty() => None,
            Source::Text(text) => Some(Ok(Frame::data(std::mem::take(text)))),
            Source::Instance(None) => None,
            Source::Instance(Some(call)) => {
                ready!(call.poll_frame(context)).map(|frame| frame.map_err(|_| BrokenOff))
            }
        };
        if matches!(frame, Some(Err(_))) {
            self.broken = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let (Some(Ok(frame)), Some(exchange)) = (&frame, &mut self.exchange) {
            exchange.sent(frame.data_ref().map_or(0, Bytes::len));
        }
        if self.is_end_stream() {
            self.release();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Text(text) => text.is_empty(),
            Source::Instance(call) => call.as_ref().is_none_or(|call| call.has_ended()),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Text(text) => SizeHint::with_exact(text.len() as u64),
            Source::Instance(call) => {
                call.as_ref().map_or_else(|| SizeHint::with_exact(0), |call| call.size_hint())
            }
        }
    }
}
