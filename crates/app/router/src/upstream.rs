//! Connections to instances.
//!
//! A connection is driven by whoever uses it, in the task of that request: no task of its own, no hand-over. Between two requests
//! nobody drives it; the thread's pool looks a few times a second whether it was closed.

use std::cell::Cell;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::body::RequestBody;

/// The largest piece of a body that is read at once.
const LARGEST_READ: usize = 256 * 1024;

/// A connection to an instance.
pub(crate) struct Upstream {
    send: SendRequest<RequestBody>,
    connection: Connection<TokioIo<UpstreamIo>, RequestBody>,
    /// Whether the instance has sent anything since the request began.
    answered: Rc<Cell<bool>>,
    over: bool,
}

impl Upstream {
    /// Connects. An instance on the same machine answers at once, without a turn of the event loop.
    pub(crate) async fn connect(address: SocketAddr, patience: Duration) -> io::Result<Box<Self>> {
        let socket = connect(address, patience).await?;
        let answered = Rc::new(Cell::new(false));
        let io = UpstreamIo { socket, answered: Rc::clone(&answered) };
        let mut builder = Builder::new();
        builder.max_buf_size(LARGEST_READ);
        let (send, connection) = builder.handshake(TokioIo::new(io)).await.map_err(io::Error::other)?;
        Ok(Box::new(Self { send, connection, answered, over: false }))
    }

    /// Sends a request; the answer comes with [`Upstream::poll_drive`] only.
    pub(crate) fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> impl Future<Output = hyper::Result<Response<Incoming>>> + use<> {
        self.answered.set(false);
        self.send.send_request(request)
    }

    /// Moves what can be moved. Ready: the connection is over.
    pub(crate) fn poll_drive(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.over {
            let _ = ready!(self.connection.poll_without_shutdown(context));
            self.over = true;
        }
        Poll::Ready(())
    }

    /// Whether it can take a request.
    pub(crate) fn is_open(&mut self, context: &mut Context<'_>) -> bool {
        self.poll_drive(context).is_pending() && self.send.is_ready()
    }

    /// Whether the instance has sent anything since the request began.
    pub(crate) fn has_answered(&self) -> bool {
        self.answered.get()
    }

    /// The socket of a connection that is over because it speaks another protocol now, and what was read of that already.
    pub(crate) fn into_socket(self) -> (TcpStream, bytes::Bytes) {
        let parts = self.connection.into_parts();
        (parts.io.into_inner().socket, parts.read_buf)
    }
}

async fn connect(address: SocketAddr, patience: Duration) -> io::Result<TcpStream> {
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
    Ok(socket)
}

/// Connections that wait for a request, of one thread.
#[derive(Default)]
pub(crate) struct Pool {
    kept: HashMap<u64, Vec<Kept>>,
}

struct Kept {
    upstream: Box<Upstream>,
    since: u64,
}

impl Pool {
    /// The one of an instance that was used last: the others may rest and be closed.
    pub(crate) fn take(&mut self, instance: u64) -> Option<Box<Upstream>> {
        self.kept.get_mut(&instance)?.pop().map(|kept| kept.upstream)
    }

    pub(crate) fn put(&mut self, instance: u64, upstream: Box<Upstream>, now: u64, most: usize) {
        let kept = self.kept.entry(instance).or_default();
        if kept.len() < most {
            kept.push(Kept { upstream, since: now });
        }
    }

    /// Closes what has waited for too long or was closed by the instance. Answers whether anything is left.
    pub(crate) fn sweep(&mut self, now: u64, longest: u64) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        self.kept.retain(|_, kept| {
            kept.retain_mut(|one| {
                now.saturating_sub(one.since) < longest && one.upstream.is_open(&mut context)
            });
            !kept.is_empty()
        });
        !self.kept.is_empty()
    }
}

/// The socket, and whether anything came from it.
struct UpstreamIo {
    socket: TcpStream,
    answered: Rc<Cell<bool>>,
}

impl AsyncRead for UpstreamIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(pin!(&mut self.socket).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.answered.set(true);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for UpstreamIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        pin!(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        pin!(&mut self.socket).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        pin!(&mut self.socket).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}
