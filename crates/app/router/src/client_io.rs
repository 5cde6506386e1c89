//! A client's socket as hyper sees it. It reports to [`Client`] what hyper does not tell.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::client::{Client, Phase};
use crate::client_socket::{ClientSocket, ROOM, holds_bytes};

/// With what a client begins that knows beforehand that we speak HTTP/2.
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// From how many bytes on it cannot be HTTP/1 any more.
const PREFACE_MARK: usize = 3;

/// What bytes of a client go over.
#[derive(Debug)]
pub(crate) enum Transport {
    Plain(ClientSocket),
    Secure(Box<TlsStream<TcpStream>>),
}

impl Transport {
    /// Whether there is something to read: bytes, the end or an error.
    pub(crate) fn poll_read_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(socket) => socket.poll_read_ready(context),
            Self::Secure(stream) => stream.get_ref().0.poll_read_ready(context),
        }
    }

    /// Whether bytes have come of which the event loop knows nothing yet.
    pub(crate) fn holds_bytes(&self) -> bool {
        match self {
            Self::Plain(socket) => socket.holds_bytes(),
            Self::Secure(stream) => holds_bytes(stream.get_ref().0),
        }
    }

    /// Whether there is something to read of which the socket knows nothing any more: bytes of the client often come in one
    /// piece with the end of the handshake, and are read with it.
    pub(crate) fn holds_decrypted(&mut self) -> bool {
        let Self::Secure(stream) = self else { return false };
        match stream.get_mut().1.process_new_packets() {
            Ok(state) => state.plaintext_bytes_to_read() > 0 || state.peer_has_closed(),
            // Whoever reads next is told.
            Err(_) => true,
        }
    }
}

/// A client's socket.
#[derive(Debug)]
pub(crate) struct ClientIo {
    pub(crate) transport: Transport,
    pub(crate) client: Rc<Client>,
    /// Bytes that were read before and come first.
    pub(crate) ahead: Bytes,
    /// Whether it is open which protocol the client speaks.
    fresh: bool,
}

impl ClientIo {
    pub(crate) fn new(transport: Transport, client: Rc<Client>) -> Self {
        let fresh = matches!(transport, Transport::Plain(_));
        Self { transport, client, ahead: Bytes::new(), fresh }
    }

    /// The first bytes of a connection. When they are HTTP/2's, this is noted and hyper's HTTP/1 is told of an error.
    fn poll_first(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let start = buffer.filled().len();
        let number = self.ahead.len().min(buffer.remaining());
        buffer.put_slice(&self.ahead.split_to(number));
        loop {
            let bytes = &buffer.filled()[start..];
            let open =
                bytes.len() >= PREFACE_MARK && bytes.len() < PREFACE.len() && PREFACE.starts_with(bytes);
            if !bytes.is_empty() && !open {
                break;
            }
            let held = buffer.filled().len();
            match self.transport.poll_read(context, buffer) {
                Poll::Ready(outcome) => outcome?,
                Poll::Pending => {
                    self.hold(buffer, start);
                    return Poll::Pending;
                }
            }
            if buffer.filled().len() == held {
                self.client.ended.set(true);
                break;
            }
            self.client.received();
        }
        self.fresh = false;
        if buffer.filled()[start..].starts_with(PREFACE) {
            self.client.preface.set(true);
            self.hold(buffer, start);
            return Poll::Ready(Err(io::ErrorKind::Unsupported.into()));
        }
        Poll::Ready(Ok(()))
    }

    /// Reads what a new connection brings along. False: nothing, and the event loop has to tell when something comes.
    pub(crate) fn read_at_once(&mut self) -> bool {
        let Transport::Plain(socket) = &self.transport else { return false };
        match socket.read_at_once(&mut [MaybeUninit::uninit(); ROOM]) {
            None => return false,
            Some(Ok(bytes)) if !bytes.is_empty() => {
                self.ahead = Bytes::copy_from_slice(bytes);
                self.client.received();
            }
            // Whoever reads next is told.
            Some(_) => {}
        }
        true
    }

    /// Whether the client need not be looked at, and the event loop need not know its socket.
    fn may_be_unseen(&self) -> bool {
        let unwatched = matches!(&self.transport, Transport::Plain(socket) if socket.is_unwatched());
        unwatched && self.client.may_be_unseen()
    }

    /// Whether bytes have come while nobody looked.
    pub(crate) fn has_missed_bytes(&self) -> bool {
        matches!(&self.transport, Transport::Plain(socket) if socket.is_unwatched() && socket.holds_bytes())
    }

    /// Takes back what the buffer was given.
    fn hold(&mut self, buffer: &mut ReadBuf<'_>, start: usize) {
        let held = [&buffer.filled()[start..], &self.ahead].concat();
        self.ahead = Bytes::from(held);
        buffer.set_filled(start);
    }

    /// hyper answers by itself what it cannot read; the router has its own words for that. Such an answer is what is sent
    /// while there is no request and no rest of a response. `Some`: how many bytes were kept back.
    fn keep_refusal(&self, bytes: &[IoSlice<'_>]) -> Option<usize> {
        let client = &self.client;
        if client.phase.get() != Phase::Head || !client.flushed.get() || client.preface.get() {
            return None;
        }
        if client.refused.get().is_none() {
            let digits = bytes.first().and_then(|first| first.get(9..12));
            let status = digits.and_then(|digits| StatusCode::from_bytes(digits).ok());
            client.refused.set(Some(status.unwrap_or(StatusCode::BAD_REQUEST)));
        }
        Some(bytes.iter().map(|part| part.len()).sum())
    }
}

impl AsyncRead for ClientIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.fresh {
            return self.poll_first(context, buffer);
        }
        if self.may_be_unseen() {
            return Poll::Pending;
        }
        if !self.ahead.is_empty() {
            let number = self.ahead.len().min(buffer.remaining());
            buffer.put_slice(&self.ahead[..number]);
            self.ahead.advance(number);
            self.client.received();
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(self.transport.poll_read(context, buffer))?;
        if buffer.filled().len() == before {
            self.client.ended.set(true);
        } else {
            self.client.received();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientIo {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Transport::Secure(stream) = &mut self.transport {
            ready!(Pin::new(stream).poll_flush(context))?;
        }
        self.client.flushed.set(true);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Plain(socket) => socket.poll_shutdown(context),
            Transport::Secure(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(kept) = self.keep_refusal(bytes) {
            return Poll::Ready(Ok(kept));
        }
        let outcome = match &mut self.transport {
            Transport::Plain(socket) => socket.poll_write_vectored(context, bytes),
            Transport::Secure(stream) => Pin::new(stream).poll_write_vectored(context, bytes),
        };
        match outcome {
            Poll::Pending => self.client.block(),
            Poll::Ready(_) => self.client.sent(),
        }
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

impl Transport {
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(socket) => socket.poll_read(context, buffer),
            Self::Secure(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}
