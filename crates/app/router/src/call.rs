//! One request to an instance and its response, over one connection, moved by whoever waits for it.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;

use crate::body::RequestBody;
use crate::upstream::Upstream;
use crate::wire::{Chunks, Framing, Head, Length, Malformed, Piece, read_head, write_chunk, write_trailers};

/// How many bytes are read at once, at least and at most.
const SMALLEST_READ: usize = 8 * 1024;
const LARGEST_READ: usize = 256 * 1024;
/// How many informational responses are read over.
const MOST_INFORMATIONAL: usize = 16;

/// What goes wrong with a call.
#[derive(Debug)]
pub(crate) enum CallError {
    /// The connection ended before a byte of a response.
    Gone,
    /// It ended later, or what came is no HTTP.
    Broken,
    /// The request's body is to blame; its [`Upload`](crate::body::Upload) knows why.
    Body,
}

/// A request as it is sent, but for its body.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) head: Bytes,
    pub(crate) framing: Framing,
    /// Whether it is a HEAD: its response has no body, whatever it says.
    pub(crate) bodiless: bool,
}

/// A request under way.
#[derive(Debug)]
pub(crate) struct Call {
    upstream: Upstream,
    sending: Sending,
    /// Whether the request was a HEAD.
    bodiless: bool,
    /// The fields of the response, once its head has come.
    pub(crate) fields: HeaderMap,
    answered: bool,
    length: Receiving,
    keeps_connection: bool,
    next_read: usize,
}

/// What of the request is not sent yet.
#[derive(Debug)]
struct Sending {
    /// Heads of the request and of chunks.
    before: Bytes,
    /// A piece of the body.
    data: Bytes,
    /// The end of a chunk.
    after: &'static [u8],
    body: Option<RequestBody>,
    framing: Framing,
    /// The instance takes no more: it may have answered before.
    refused: bool,
}

/// What of the response's body has not come yet.
#[derive(Debug)]
enum Receiving {
    Known(u64),
    Chunked(Chunks),
    UntilClose,
    End,
}

impl Call {
    /// Begins to send a request over a connection. `fields` is a map to use again.
    pub(crate) fn new(
        upstream: Upstream,
        request: &Outgoing,
        body: Option<RequestBody>,
        fields: HeaderMap,
    ) -> Self {
        let sending = Sending {
            before: request.head.clone(),
            data: Bytes::new(),
            after: b"",
            body,
            framing: request.framing,
            refused: false,
        };
        Self {
            upstream,
            sending,
            bodiless: request.bodiless,
            fields,
            answered: false,
            length: Receiving::End,
            keeps_connection: false,
            next_read: SMALLEST_READ,
        }
    }

    /// Sends on, and answers with the head of the response once it has come.
    pub(crate) fn poll_head(&mut self, context: &mut Context<'_>) -> Poll<Result<Head, CallError>> {
        if let Err(error) = self.poll_send(context) {
            return Poll::Ready(Err(error));
        }
        let mut informational = 0;
        loop {
            while self.answered
                && let Some(head) = read_head(&mut self.upstream.unread, self.bodiless, &mut self.fields)
                    .map_err(|_| CallError::Broken)?
            {
                if !head.status.is_informational() || head.status == http::StatusCode::SWITCHING_PROTOCOLS {
                    return Poll::Ready(Ok(self.begin(head)));
                }
                informational += 1;
                if informational > MOST_INFORMATIONAL {
                    return Poll::Ready(Err(CallError::Broken));
                }
            }
            let read = ready!(self.poll_read(context)).unwrap_or_default();
            match (read, self.answered) {
                (0, false) => return Poll::Ready(Err(CallError::Gone)),
                (0, true) => return Poll::Ready(Err(CallError::Broken)),
                _ => self.answered = true,
            }
        }
    }

    fn begin(&mut self, head: Head) -> Head {
        self.keeps_connection = head.keeps_connection;
        self.length = match head.length {
            Length::Known(0) => Receiving::End,
            Length::Known(length) => Receiving::Known(length),
            Length::Chunked => Receiving::Chunked(Chunks::default()),
            Length::UntilClose => Receiving::UntilClose,
        };
        head
    }

    /// Sends on, and answers with the next piece of the response's body.
    pub(crate) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        if let Err(error) = self.poll_send(context) {
            return Poll::Ready(Some(Err(error)));
        }
        loop {
            match self.next_piece() {
                Ok(Piece::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Ok(Piece::Trailers(trailers)) => return Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
                Ok(Piece::End) => return Poll::Ready(None),
                Ok(Piece::More) => {}
                Err(Malformed) => return Poll::Ready(Some(Err(CallError::Broken))),
            }
            match (ready!(self.poll_read(context)), &self.length) {
                (Ok(0), Receiving::UntilClose) => self.length = Receiving::End,
                (Ok(0) | Err(_), _) => return Poll::Ready(Some(Err(CallError::Broken))),
                (Ok(_), _) => {}
            }
        }
    }

    fn next_piece(&mut self) -> Result<Piece, Malformed> {
        let unread = &mut self.upstream.unread;
        match &mut self.length {
            Receiving::End => Ok(Piece::End),
            Receiving::Chunked(chunks) => {
                let piece = chunks.next(unread)?;
                if chunks.is_at_end() {
                    self.length = Receiving::End;
                }
                Ok(piece)
            }
            Receiving::Known(_) | Receiving::UntilClose if unread.is_empty() => Ok(Piece::More),
            Receiving::UntilClose => Ok(Piece::Data(unread.split().freeze())),
            Receiving::Known(left) => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX).min(unread.len());
                *left -= length as u64;
                if *left == 0 {
                    self.length = Receiving::End;
                }
                Ok(Piece::Data(unread.split_to(length).freeze()))
            }
        }
    }

    /// Whether all of the response's body was handed over.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.length, Receiving::End)
    }

    /// How much of the response's body is to come.
    pub(crate) fn size_hint(&self) -> SizeHint {
        match self.length {
            Receiving::Known(left) => SizeHint::with_exact(left),
            Receiving::End => SizeHint::with_exact(0),
            Receiving::Chunked(_) | Receiving::UntilClose => SizeHint::new(),
        }
    }

    /// The connection for another request, if it can carry one: all was sent, all was read, and nothing else came.
    pub(crate) fn into_kept(self) -> Option<Upstream> {
        let sent = self.sending.is_over() && !self.sending.refused;
        (self.keeps_connection && sent && self.has_ended() && self.upstream.unread.is_empty())
            .then_some(self.upstream)
    }

    /// The socket of a connection that speaks another protocol now, and what was read of that already.
    pub(crate) fn into_socket(self) -> (TcpStream, Bytes) {
        (self.upstream.socket, self.upstream.unread.freeze())
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let wanted = match self.length {
            Receiving::Known(left) => {
                usize::try_from(left).unwrap_or(usize::MAX).clamp(SMALLEST_READ, LARGEST_READ)
            }
            _ => self.next_read,
        };
        let unread = &mut self.upstream.unread;
        if unread.capacity() - unread.len() < wanted.min(SMALLEST_READ) {
            unread.reserve(wanted);
        }
        let room = unread.capacity() - unread.len();
        let read = ready!(pin!(self.upstream.socket.read_buf(unread)).poll(context))?;
        if read == room {
            self.next_read = (2 * self.next_read).min(LARGEST_READ);
        }
        Poll::Ready(Ok(read))
    }

    /// Sends what can be sent. An instance that takes no more is no error yet: its response may be there already.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Result<(), CallError> {
        self.sending.poll(&mut self.upstream.socket, context)
    }
}

impl Sending {
    fn is_over(&self) -> bool {
        self.body.is_none() && self.before.is_empty() && self.data.is_empty() && self.after.is_empty()
    }

    fn poll(&mut self, socket: &mut TcpStream, context: &mut Context<'_>) -> Result<(), CallError> {
        while !self.refused && !self.is_over() {
            let waiting = self.data.is_empty() && self.poll_fill(context)?.is_pending();
            if self.before.is_empty() && self.data.is_empty() && self.after.is_empty() {
                if waiting {
                    break;
                }
                continue;
            }
            let parts = [IoSlice::new(&self.before), IoSlice::new(&self.data), IoSlice::new(self.after)];
            match Pin::new(&mut *socket).poll_write_vectored(context, &parts) {
                Poll::Pending => break,
                Poll::Ready(Ok(written)) if written > 0 => self.advance(written),
                Poll::Ready(_) => self.refused = true,
            }
        }
        Ok(())
    }

    fn advance(&mut self, mut written: usize) {
        for part in [&mut self.before, &mut self.data] {
            let number = part.len().min(written);
            part.advance(number);
            written -= number;
        }
        self.after = &self.after[written..];
    }

    /// Takes the next piece of the body, so that it goes out with the head before it. Pending: the client has not sent it yet.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Result<Poll<()>, CallError> {
        // The end of a chunk goes out before the next one begins.
        let (Some(body), true) = (&mut self.body, self.after.is_empty()) else { return Ok(Poll::Ready(())) };
        let Poll::Ready(frame) = Pin::new(body).poll_frame(context) else { return Ok(Poll::Pending) };
        let chunked = self.framing == Framing::Chunked;
        match frame.transpose().map_err(|_| CallError::Body)?.map(Frame::into_data) {
            Some(Ok(data)) if data.is_empty() => {}
            Some(Ok(data)) => {
                if chunked {
                    self.prepend(|out| write_chunk(out, data.len()));
                    self.after = b"\r\n";
                }
                self.data = data;
                if !chunked && self.body.as_ref().is_some_and(Body::is_end_stream) {
                    self.body = None;
                }
            }
            Some(Err(frame)) => {
                if let (true, Ok(trailers)) = (chunked, frame.into_trailers()) {
                    self.prepend(|out| write_trailers(out, &trailers));
                }
                self.body = None;
            }
            None => {
                if chunked {
                    self.prepend(|out| write_trailers(out, &HeaderMap::new()));
                }
                self.body = None;
            }
        }
        Ok(Poll::Ready(()))
    }

    /// Adds to what goes out before the data.
    fn prepend(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut all = Vec::from(std::mem::take(&mut self.before));
        write(&mut all);
        self.before = Bytes::from(all);
    }
}
