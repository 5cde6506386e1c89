//! The listener and its connections.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::answer::answer;
use crate::patience::{PATIENCE, Patient};
use crate::site::Site;
use crate::source::Source;

/// Connections at the same time; others wait to be accepted.
pub const CONNECTIONS: usize = 128;
/// Streams of events at the same time; others are refused.
pub const STREAMS: usize = 32;

/// The most bytes of a request's head.
const HEAD_BYTES: usize = 16 << 10;
/// The most header fields of a request.
const HEADER_FIELDS: usize = 64;
/// How long a request's head may take, and how long a connection may be idle.
const HEAD_TIME: Duration = Duration::from_secs(15);
/// How long answers may go on once the server is to end.
const GRACE: Duration = Duration::from_secs(2);
/// The pause after a connection could not be accepted, which is for want of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the page cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The runtime cannot use the listener.
    #[error("the listener of the status page cannot be used: {0}")]
    Listener(#[source] io::Error),
}

/// Serves the page until `shutdown` is done, then ends streams, lets other answers finish for two seconds, and returns.
///
/// Runs on a tokio runtime with its clock and its driver for input and output enabled; one thread is enough. The listener is
/// made non-blocking, and so is every other handle of it.
///
/// # Errors
/// [`ServeError::Listener`] when the listener cannot be used. What happens to single connections is no error.
pub async fn serve(
    listener: std::net::TcpListener,
    source: Source,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    listener.set_nonblocking(true).map_err(ServeError::Listener)?;
    let listener = TcpListener::from_std(listener).map_err(ServeError::Listener)?;
    let (end, ending) = watch::channel(false);
    let site = Arc::new(Site::new(source, ending));
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            (stream, place) = accept(&listener, &places) => {
                connections.spawn(converse(stream, Arc::clone(&site), place));
            }
        }
    }
    drop(listener);
    end.send_replace(true);
    let all = async { while connections.join_next().await.is_some() {} };
    // What is not finished by then is broken off with the set.
    let _ = timeout(GRACE, all).await;
    Ok(())
}

/// The next connection, once there is a place for it.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    loop {
        if let Ok(place) = Arc::clone(places).acquire_owned().await
            && let Ok((stream, _)) = listener.accept().await
        {
            return (stream, place);
        }
        sleep(ACCEPT_PAUSE).await;
    }
}

/// Answers what comes over a connection, until the client, its silence or the server ends it.
async fn converse(stream: TcpStream, site: Arc<Site>, _place: OwnedSemaphorePermit) {
    let Ok(own) = stream.local_addr() else { return };
    // Events are small and are waited for.
    let _ = stream.set_nodelay(true);
    let mut ending = site.ending();
    let service = service_fn(|request| {
        let site = Arc::clone(&site);
        async move { Ok::<_, Infallible>(answer(&site, &request, own.ip()).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADER_FIELDS)
        .serve_connection(TokioIo::new(Patient::new(stream, PATIENCE)), service);
    let mut connection = pin!(connection);
    tokio::select! {
        // Clients come and go as they please; their errors are theirs.
        _ = connection.as_mut() => return,
        _ = ending.wait_for(|ending| *ending) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
