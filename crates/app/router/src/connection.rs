//! A client's connection from its first byte to its last.
//!
//! It is in one of three forms. *Parked*: the socket and some hundred bytes, waiting for the first byte of a request. *Active*: hyper's
//! HTTP/1 with its buffers. *Something else*: HTTP/2, or an upgraded connection. An active connection is parked when it has had no
//! request for a second, or at once when its thread has many active ones.
//!
//! Parking loses no byte: it happens between two polls of hyper in the same task, only while nothing of a request has been read
//! and nothing of a response is unwritten; hyper, told to stop, reads no more; and what it had read is taken over, socket and
//! buffer, by whoever comes next.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::answer::Refusal;
use crate::body::ResponseBody;
use crate::client::{Client, Phase};
use crate::client_io::{ClientIo, PREFACE, Transport};
use crate::exchange::Exchange;
use crate::worker::Guest;
use crate::{http2, proxy};

/// How many active connections a thread has before those without a request are parked at once.
const MOST_ACTIVE: usize = 256;
/// How long a closed connection is read on, so that the client sees the end of the response and no reset.
const LINGER: Duration = Duration::from_secs(2);
/// How many bytes are read so.
const MOST_LINGERED: u64 = 1024 * 1024;

/// How an active connection ended.
enum End {
    /// No request for a while.
    Parked,
    /// By HTTP's rules, or broken.
    Over,
    /// The client took too long.
    Late,
}

/// Serves a connection, of which the TLS handshake is done.
pub(crate) async fn serve(guest: Guest, transport: Transport, address: SocketAddr, http2: bool) {
    let secure = matches!(transport, Transport::Secure(_));
    let mut io = ClientIo::new(transport, Client::new(guest, address, secure));
    if http2 {
        return Box::pin(http2::serve(io)).await;
    }
    loop {
        let there = !io.ahead.is_empty() || io.transport.holds_decrypted() || io.read_at_once();
        if !there && !wait_for_bytes(&mut io).await {
            return;
        }
        let (next, end) = Box::pin(active(io)).await;
        io = next;
        if !matches!(end, End::Parked) {
            return Box::pin(finish(io, end)).await;
        }
    }
}

/// Waits, parked. False: it took too long.
async fn wait_for_bytes(io: &mut ClientIo) -> bool {
    let ClientIo { transport, client, .. } = io;
    client.park();
    client.worker.counters.parked.add(1);
    let came = poll_fn(|context| match transport.poll_read_ready(context) {
        Poll::Ready(_) => Poll::Ready(true),
        // The clock may be seen before what came in time: closing over a request would fail it.
        Poll::Pending if client.is_late(context) => Poll::Ready(transport.holds_bytes()),
        Poll::Pending => Poll::Pending,
    })
    .await;
    client.worker.counters.parked.subtract(1);
    came
}

/// The requests of one client, as hyper hands them over.
struct Requests(Rc<Client>);

impl Service<Request<Incoming>> for Requests {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>>>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let begun = proxy::begin(Rc::clone(&self.0), request);
        Box::pin(async move { Ok(proxy::answer(begun).await) })
    }
}

type Connection = http1::Connection<TokioIo<ClientIo>, Requests>;

async fn active(io: ClientIo) -> (ClientIo, End) {
    let client = Rc::clone(&io.client);
    let worker = Rc::clone(&client.worker);
    worker.active.set(worker.active.get() + 1);
    let mut connection = worker.http1.serve_connection(TokioIo::new(io), Requests(Rc::clone(&client)));
    let end = poll_fn(|context| poll_active(&mut connection, &client, context)).await;
    let parts = connection.into_parts();
    worker.active.set(worker.active.get() - 1);
    let mut io = parts.io.into_inner();
    if !parts.read_buf.is_empty() {
        io.ahead = parts.read_buf;
    }
    (io, end)
}

fn poll_active(connection: &mut Connection, client: &Client, context: &mut Context<'_>) -> Poll<End> {
    let polled = connection.poll_without_shutdown(context);
    // hyper is done with a request whose body nobody reads before the response is written; polled again, it writes on.
    let holds_bytes = matches!(polled, Poll::Ready(Ok(()))) && !client.flushed.get();
    if polled.is_ready() && !holds_bytes {
        return Poll::Ready(End::Over);
    }
    let late = client.is_late(context);
    if client.is_unread() {
        context.waker().wake_by_ref(); // others of the thread go first
        return Poll::Pending;
    }
    let crowded = client.worker.active.get() > MOST_ACTIVE;
    if !client.is_quiet() || !(late || crowded) {
        return if late { Poll::Ready(End::Late) } else { Poll::Pending };
    }
    Pin::new(&mut *connection).graceful_shutdown();
    match connection.poll_without_shutdown(context) {
        Poll::Ready(Ok(())) => Poll::Ready(End::Parked),
        // hyper was busy after all: it ends the connection when it is not.
        Poll::Ready(Err(_)) => Poll::Ready(End::Over),
        Poll::Pending => Poll::Pending,
    }
}

/// What comes after HTTP/1.
async fn finish(mut io: ClientIo, end: End) {
    let client = Rc::clone(&io.client);
    let tunnel = client.tunnel.take();
    if let Some(tunnel) = tunnel {
        return tunnel.run(io).await;
    }
    if client.preface.get() || (!client.ended.get() && io.ahead.starts_with(PREFACE)) {
        return http2::serve(io).await;
    }
    let refusal = match (client.refused.take(), end) {
        (Some(status), _) => Some(Refusal::Unreadable(status)),
        (None, End::Late) if client.phase.get() == Phase::Head && client.flushed.get() => {
            Some(Refusal::HeadTimeout)
        }
        (None, _) => None,
    };
    if let Some(refusal) = refusal {
        let exchange = Exchange::unreadable(&client, refusal.status());
        client.phase.set(Phase::Request);
        let answer = refusal.bare_answer(&exchange.request_id);
        let _ = tokio::time::timeout(LINGER, io.write_all(&answer)).await;
        return linger(io).await;
    }
    let secure = matches!(io.transport, Transport::Secure(_));
    let expected = client.expects_close.get() && !client.spoiled.get() && !io.has_missed_bytes();
    if secure || !(client.ended.get() || expected) {
        linger(io).await;
    }
}

/// Closes without a reset: a socket that is closed with unread bytes in it takes back what was sent.
async fn linger(mut io: ClientIo) {
    let _ = tokio::time::timeout(LINGER, async {
        if io.shutdown().await.is_ok() && !io.client.ended.get() {
            let _ = tokio::io::copy(&mut (&mut io).take(MOST_LINGERED), &mut tokio::io::sink()).await;
        }
    })
    .await;
}
