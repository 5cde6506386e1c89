//! HTTP/2 with a client, over TLS or with prior knowledge.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};

use crate::client_io::ClientIo;
use crate::proxy;

/// How often a silent client is asked whether it is there.
const PING: Duration = Duration::from_secs(30);

/// Tasks of this thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Local;

impl<F: Future<Output = ()> + 'static> Executor<F> for Local {
    fn execute(&self, task: F) {
        tokio::task::spawn_local(task);
    }
}

/// Serves until the client goes, has had no request for too long, or the router drains and all requests have ended.
pub(crate) async fn serve(io: ClientIo) {
    let client = Rc::clone(&io.client);
    let limits = &client.worker.shared.limits;
    client.wait_for_streams();
    let mut builder = Builder::new(Local);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.head).unwrap_or(u32::MAX))
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    let for_requests = Rc::clone(&client);
    let service = service_fn(move |request: Request<Incoming>| {
        let begun = proxy::begin(Rc::clone(&for_requests), request);
        async move { Ok::<_, Infallible>(proxy::answer(begun).await) }
    });
    let mut connection = pin!(builder.serve_connection(TokioIo::new(io), service));
    let mut ending = false;
    poll_fn(|context| {
        loop {
            if connection.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            let late = client.is_late(context);
            if late && (ending || !client.has_no_streams()) {
                return Poll::Ready(()); // it takes no bytes
            }
            if ending || !(late || client.worker.is_draining()) {
                return Poll::Pending;
            }
            ending = true;
            connection.as_mut().graceful_shutdown();
            client.wait_for_streams();
        }
    })
    .await;
}
