//! Upgraded connections: WebSockets and whatever else a client and an instance agree on with a 101. Bytes go both ways until both have
//! ended; no clock runs. An idle one holds no buffer.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::call::Call;
use crate::client_io::ClientIo;
use crate::exchange::Exchange;

/// How many bytes are moved at once.
const PIECE: usize = 16 * 1024;

/// An upgraded connection on its way: the instance has sent its 101, the client gets it soon.
pub(crate) struct Tunnel {
    pub(crate) call: Box<Call>,
    pub(crate) exchange: Exchange,
}

impl std::fmt::Debug for Tunnel {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Tunnel")
    }
}

impl Tunnel {
    /// Moves bytes until both sides have ended.
    pub(crate) async fn run(self, mut client: ClientIo) {
        let Self { call, mut exchange } = self;
        let (mut instance, early) = call.into_socket();
        let mut there = Direction::new(std::mem::take(&mut client.ahead));
        let mut back = Direction::new(early);
        let outcome = poll_fn(|context| {
            let first = there.poll_move(context, Pin::new(&mut client), Pin::new(&mut instance))?;
            let second = back.poll_move(context, Pin::new(&mut instance), Pin::new(&mut client))?;
            if first.is_ready() && second.is_ready() { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await;
        let outcome: io::Result<()> = outcome;
        exchange.end_tunnel(there.moved, back.moved, outcome.is_ok());
    }
}

/// One way of a tunnel.
struct Direction {
    /// Bytes that were read and not yet written.
    pending: Bytes,
    unflushed: bool,
    ended: bool,
    closed: bool,
    moved: u64,
}

impl Direction {
    fn new(pending: Bytes) -> Self {
        Self { pending, unflushed: false, ended: false, closed: false, moved: 0 }
    }

    /// Ready: the source has ended, and the sink knows.
    fn poll_move(
        &mut self,
        context: &mut Context<'_>,
        mut source: Pin<&mut impl AsyncRead>,
        mut sink: Pin<&mut impl AsyncWrite>,
    ) -> Poll<io::Result<()>> {
        loop {
            if self.closed {
                return Poll::Ready(Ok(()));
            }
            while !self.pending.is_empty() {
                let written = ready!(sink.as_mut().poll_write(context, &self.pending))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.pending.advance(written);
                self.moved += written as u64;
                self.unflushed = true;
            }
            if self.ended {
                ready!(sink.as_mut().poll_shutdown(context))?;
                self.closed = true;
                continue;
            }
            let mut room = [MaybeUninit::uninit(); PIECE];
            let mut buffer = ReadBuf::uninit(&mut room);
            match source.as_mut().poll_read(context, &mut buffer) {
                Poll::Ready(outcome) => outcome?,
                Poll::Pending => {
                    if self.unflushed {
                        ready!(sink.as_mut().poll_flush(context))?;
                        self.unflushed = false;
                    }
                    return Poll::Pending;
                }
            }
            self.ended = buffer.filled().is_empty();
            let mut bytes = buffer.filled();
            // Most of the time the sink takes all of it, and nothing has to be kept.
            if !bytes.is_empty()
                && let Poll::Ready(written) = sink.as_mut().poll_write(context, bytes)
            {
                let written = written?;
                self.moved += written as u64;
                self.unflushed = true;
                bytes = &bytes[written..];
            }
            self.pending = Bytes::copy_from_slice(bytes);
        }
    }
}
