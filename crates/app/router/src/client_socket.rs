//! A client's socket of which the event loop is told late: when there is somebody to wait for.
//!
//! The request of a connection is often there as soon as the connection is, and its response fits into the socket's buffer. Such a
//! connection never waits for its client, and the event loop never hears of it: that saves two system calls and the wake-ups for
//! everything that the client does meanwhile.

use std::io::{self, IoSlice, Write};
use std::mem::MaybeUninit;
use std::net::{self, Shutdown};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::io::Errno;
use rustix::net::RecvFlags;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How many bytes are read at once from a socket of which the event loop does not know: most requests are shorter.
pub(crate) const ROOM: usize = 4096;

/// A client's socket.
#[derive(Debug)]
pub(crate) enum ClientSocket {
    /// The event loop does not know it.
    Unwatched(net::TcpStream),
    Watched(TcpStream),
    /// The event loop did not take it.
    Lost,
}

impl ClientSocket {
    /// A socket that does not block.
    pub(crate) fn new(socket: net::TcpStream) -> Self {
        Self::Unwatched(socket)
    }

    /// Whether the event loop tells nothing of it.
    pub(crate) fn is_unwatched(&self) -> bool {
        matches!(self, Self::Unwatched(_))
    }

    /// Has the event loop watch it from now on.
    pub(crate) fn watched(&mut self) -> io::Result<&mut TcpStream> {
        if self.is_unwatched()
            && let Self::Unwatched(socket) = std::mem::replace(self, Self::Lost)
        {
            *self = Self::Watched(TcpStream::from_std(socket)?);
        }
        match self {
            Self::Watched(socket) => Ok(socket),
            Self::Unwatched(_) | Self::Lost => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Whether there is something to read: bytes, the end or an error.
    pub(crate) fn poll_read_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.watched() {
            Ok(socket) => socket.poll_read_ready(context),
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// Reads what is there already, if the event loop was not told yet. `None`: nothing is.
    pub(crate) fn read_at_once<'a>(&self, room: &'a mut [MaybeUninit<u8>]) -> Option<io::Result<&'a [u8]>> {
        let Self::Unwatched(socket) = self else { return None };
        match rustix::io::read(socket, room) {
            Err(Errno::WOULDBLOCK) => None,
            Err(error) => Some(Err(error.into())),
            Ok((bytes, _)) => Some(Ok(bytes)),
        }
    }

    /// Whether bytes have come of which the event loop knows nothing yet.
    pub(crate) fn holds_bytes(&self) -> bool {
        match self {
            Self::Unwatched(socket) => holds_bytes(socket),
            Self::Watched(socket) => holds_bytes(socket),
            Self::Lost => false,
        }
    }

    pub(crate) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Not into the buffer, which would have to be filled with zeros each time: mostly little comes.
        let mut room = [MaybeUninit::uninit(); ROOM];
        let most = buffer.remaining().min(ROOM);
        if let Some(outcome) = self.read_at_once(&mut room[..most]) {
            return Poll::Ready(outcome.map(|bytes| buffer.put_slice(bytes)));
        }
        Pin::new(self.watched()?).poll_read(context, buffer)
    }

    pub(crate) fn poll_write_vectored(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Self::Unwatched(socket) = self {
            match socket.write_vectored(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return Poll::Ready(outcome),
            }
        }
        Pin::new(self.watched()?).poll_write_vectored(context, bytes)
    }

    pub(crate) fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Unwatched(socket) => Poll::Ready(socket.shutdown(Shutdown::Write)),
            _ => Pin::new(self.watched()?).poll_shutdown(context),
        }
    }
}

/// Whether there are bytes in a socket.
pub(crate) fn holds_bytes(socket: impl AsFd) -> bool {
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    rustix::net::recv(socket, &mut [0], flags).is_ok_and(|(length, _)| length > 0)
}
