//! Bodies on their way through the router, never whole in memory.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::exchange::Exchange;
use crate::upstream::Upstream;
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
pub(crate) struct RequestBody(Option<Streamed>);

struct Streamed {
    incoming: Incoming,
    limit: u64,
    upload: Rc<Upload>,
    worker: Rc<Worker>,
}

/// Why a request's body ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the request's body is larger than the route allows")]
    TooLarge,
    #[error("the client did not send a whole body: {0}")]
    Client(#[source] hyper::Error),
}

impl RequestBody {
    pub(crate) fn empty() -> Self {
        Self(None)
    }

    pub(crate) fn streamed(incoming: Incoming, limit: u64, upload: Rc<Upload>, worker: Rc<Worker>) -> Self {
        upload.last.set(worker.deadlines.now());
        Self(Some(Streamed { incoming, limit, upload, worker }))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(body) = &mut self.0 else { return Poll::Ready(None) };
        let upload = &body.upload;
        let frame = Pin::new(&mut body.incoming).poll_frame(context);
        upload.waiting.set(frame.is_pending());
        let frame = ready!(frame);
        upload.last.set(body.worker.deadlines.now());
        Poll::Ready(match frame {
            None => {
                upload.ended.set(true);
                None
            }
            Some(Err(error)) => {
                upload.broken.set(true);
                Some(Err(BodyError::Client(error)))
            }
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                upload.received.set(upload.received.get() + length);
                if upload.received.get() > body.limit {
                    upload.too_large.set(true);
                    return Poll::Ready(Some(Err(BodyError::TooLarge)));
                }
                upload.ended.set(body.incoming.is_end_stream());
                Some(Ok(frame))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|body| body.incoming.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), |body| body.incoming.size_hint())
    }
}

/// A response's body on its way to a client, and the end of its request.
pub(crate) struct ResponseBody {
    source: Source,
    /// Told when the body has ended or nobody wants it any more.
    exchange: Option<Exchange>,
}

enum Source {
    /// The router's own words.
    Text(Bytes),
    Instance {
        incoming: Incoming,
        upstream: Option<Box<Upstream>>,
    },
}

impl ResponseBody {
    /// The router's own words.
    pub(crate) fn text(text: Bytes, exchange: Exchange) -> Self {
        Self { source: Source::Text(text), exchange: Some(exchange) }
    }

    /// None.
    pub(crate) fn nothing() -> Self {
        Self { source: Source::Text(Bytes::new()), exchange: None }
    }

    /// What an instance answers. The connection to it is driven from here, as long as the body lasts, and kept for other requests
    /// when it has been read to its end.
    pub(crate) fn instance(incoming: Incoming, upstream: Box<Upstream>, exchange: Exchange) -> Self {
        let mut body = Self {
            source: Source::Instance { incoming, upstream: Some(upstream) },
            exchange: Some(exchange),
        };
        if body.is_end_stream() {
            body.release(&mut Context::from_waker(Waker::noop()));
        }
        body
    }

    /// Gives the connection to the instance back: nothing is under way in it.
    fn release(&mut self, context: &mut Context<'_>) {
        let Some(exchange) = &mut self.exchange else { return };
        exchange.complete();
        if let Source::Instance { upstream, .. } = &mut self.source
            && let Some(upstream) = upstream.take()
        {
            exchange.keep(upstream, context);
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        let frame = match &mut this.source {
            Source::Text(text) if text.is_empty() => None,
            Source::Text(text) => Some(Ok(Frame::data(std::mem::take(text)))),
            Source::Instance { incoming, upstream } => {
                // What has come already. Nobody has to be woken for what the next line brings: this task does it itself.
                let mut silent = Context::from_waker(Waker::noop());
                match (Pin::new(&mut *incoming).poll_frame(&mut silent), upstream) {
                    (Poll::Ready(frame), _) => frame,
                    (Poll::Pending, None) => return Poll::Pending,
                    (Poll::Pending, Some(upstream)) => {
                        let _ = upstream.poll_drive(context);
                        ready!(Pin::new(incoming).poll_frame(context))
                    }
                }
            }
        };
        if let (Some(Ok(frame)), Some(exchange)) = (&frame, &mut this.exchange) {
            exchange.sent(frame.data_ref().map_or(0, Bytes::len));
        }
        if !matches!(frame, Some(Err(_))) && (frame.is_none() || this.is_end_stream()) {
            this.release(context);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Text(text) => text.is_empty(),
            Source::Instance { incoming, .. } => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Text(text) => SizeHint::with_exact(text.len() as u64),
            Source::Instance { incoming, .. } => incoming.size_hint(),
        }
    }
}
