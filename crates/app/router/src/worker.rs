//! A thread of the router: an event loop with connections of clients and connections to instances of its own.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use http::HeaderValue;
use hyper::server::conn::http1;
use rustix::net::sockopt;
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::runtime::LocalOptions;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use crate::client_io::Transport;
use crate::deadlines::Deadlines;
use crate::instance::InstanceState;
use crate::shared::{CompiledTable, Shared, Stage, milliseconds};
use crate::statistics::Counters;
use crate::tls::Certificate;
use crate::upstream::{Pool, Upstream};
use crate::{AccessEvent, connection, request_id};

/// How often deadlines, kept connections and events are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How often certificates are looked at.
const LOOK_AT_CERTIFICATES: Duration = Duration::from_secs(1);
/// How many events make a batch.
const BATCH: usize = 256;
/// How many clients may wait to be accepted, if the system allows as many.
const MOST_WAITING: i32 = 4096;
/// How long nobody is accepted when there are too many connections or no more descriptors.
const FULL: Duration = Duration::from_millis(50);
/// How long a thread with more clients than another leaves it to that one to accept, each time and how often.
const TURN_LEFT: Duration = Duration::from_millis(1);
const MOST_TURNS_LEFT: usize = 4;
/// The largest piece of a body that is read or buffered at once.
const LARGEST_BUFFER: usize = 256 * 1024;
/// As many fields fit without an allocation.
const USUAL_FIELDS: usize = 100;

/// A socket that listens.
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) tls: Option<Arc<ServerConfig>>,
}

impl Door {
    /// Connections have the options of the socket on which they came: small pieces are sent at once. Whoever made the socket
    /// may have thought of fewer clients that wait to be accepted; the kernel turns away those above.
    pub(crate) fn prepare(&self) -> io::Result<()> {
        self.listener.set_nonblocking(true)?;
        rustix::net::listen(&self.listener, MOST_WAITING)?;
        Ok(sockopt::set_tcp_nodelay(&self.listener, true)?)
    }

    /// The same for another thread.
    pub(crate) fn again(&self) -> io::Result<Self> {
        Ok(Self { listener: self.listener.try_clone()?, tls: self.tls.clone() })
    }
}

/// What the tasks of a thread share.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) deadlines: Rc<Deadlines>,
    pub(crate) http1: http1::Builder,
    /// Connections of clients that are not parked.
    pub(crate) active: Cell<usize>,
    index: usize,
    table: RefCell<(u64, Arc<CompiledTable>)>,
    pool: RefCell<Pool>,
    events: RefCell<Vec<AccessEvent>>,
    turn: Cell<usize>,
    requests: Cell<u64>,
    /// Whether nothing is looked at until there is a connection.
    asleep: Cell<bool>,
    came: Notify,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Worker").field("index", &self.index).finish_non_exhaustive()
    }
}

/// Starts a thread.
pub(crate) fn start(
    shared: Arc<Shared>,
    index: usize,
    doors: Vec<Door>,
    certificates: Vec<Certificate>,
) -> io::Result<JoinHandle<()>> {
    let (started, outcome) = std::sync::mpsc::sync_channel(1);
    let thread = std::thread::Builder::new().name(format!("router-{index}")).spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => return drop(started.send(Err(error))),
        };
        let worker = Rc::new(Worker::new(shared, index));
        runtime.block_on(async {
            let opened = doors.into_iter().try_for_each(|door| worker.open(door));
            let failed = opened.is_err();
            let _ = started.send(opened);
            if !failed {
                worker.run(certificates).await;
            }
        });
        drop(runtime); // and with it every task
        worker.send_events();
    })?;
    outcome.recv().unwrap_or_else(|_| Err(io::Error::other("the thread ended at once")))?;
    Ok(thread)
}

impl Worker {
    fn new(shared: Arc<Shared>, index: usize) -> Self {
        let mut http1 = http1::Builder::new();
        http1.header_read_timeout(None).max_header_size(shared.limits.head).max_buf_size(LARGEST_BUFFER);
        if shared.limits.fields != USUAL_FIELDS {
            http1.max_headers(shared.limits.fields);
        }
        Self {
            counters: Arc::clone(&shared.counters[index]),
            deadlines: Rc::default(),
            http1,
            active: Cell::new(0),
            index,
            table: RefCell::default(),
            pool: RefCell::default(),
            events: RefCell::default(),
            turn: Cell::new(index),
            requests: Cell::new(0),
            asleep: Cell::new(false),
            came: Notify::new(),
            shared,
        }
    }

    /// Accepts on a socket.
    fn open(self: &Rc<Self>, door: Door) -> io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(door.listener)?;
        self.shared.accepting.fetch_add(1, SeqCst);
        tokio::task::spawn_local(Rc::clone(self).accept(listener, door.tls.map(TlsAcceptor::from)));
        Ok(())
    }

    async fn accept(self: Rc<Self>, listener: tokio::net::TcpListener, tls: Option<TlsAcceptor>) {
        let mut stage = self.shared.stage.subscribe();
        let mut ended = pin!(stage.wait_for(|stage| *stage != Stage::Serving));
        loop {
            self.let_others_accept().await;
            let next = poll_fn(|context| {
                if self.is_draining() {
                    return Poll::Ready(None);
                }
                match listener.poll_accept(context) {
                    Poll::Pending if ended.as_mut().poll(context).is_ready() => Poll::Ready(None),
                    next => next.map(Some),
                }
            });
            match next.await {
                None => break,
                Some(Ok((socket, address))) => {
                    self.serve(socket, address, tls.clone());
                    give_way().await;
                }
                Some(Err(error)) if is_of_one_connection(&error) => {}
                Some(Err(_)) => tokio::time::sleep(FULL).await,
            }
            while self.shared.connections.load(SeqCst) >= self.shared.limits.connections
                && !self.is_draining()
            {
                tokio::time::sleep(FULL).await;
            }
        }
        drop(listener);
        self.shared.accepting.fetch_sub(1, SeqCst);
    }

    /// Waits a moment while another thread has fewer clients: all are woken by a new one, and the first would get them all.
    async fn let_others_accept(&self) {
        for _ in 0..MOST_TURNS_LEFT {
            let least = self.shared.counters.iter().map(|one| one.clients.get()).min().unwrap_or_default();
            if self.counters.clients.get() <= least + least / 4 + 4 || self.is_draining() {
                return;
            }
            tokio::time::sleep(TURN_LEFT).await;
        }
    }

    fn serve(self: &Rc<Self>, socket: TcpStream, address: SocketAddr, tls: Option<TlsAcceptor>) {
        self.counters.accepted.add(1);
        match tls {
            None => {
                let connection =
                    connection::serve(Guest::enter(self), Transport::Plain(socket), address, false);
                tokio::task::spawn_local(connection);
            }
            Some(acceptor) => {
                tokio::task::spawn_local(Box::pin(serve_secure(
                    Guest::enter(self),
                    socket,
                    address,
                    acceptor,
                )));
            }
        }
    }

    /// Looks after everything that has no task, until the router stops.
    async fn run(self: &Rc<Self>, certificates: Vec<Certificate>) {
        let mut stage = self.shared.stage.subscribe();
        let mut certificates_seen = Instant::now();
        let mut told = false;
        while *stage.borrow_and_update() != Stage::Stopped {
            self.set_now(Instant::now());
            if self.is_draining() && !std::mem::replace(&mut told, true) {
                self.deadlines.wake_all();
            }
            self.deadlines.look();
            let longest = milliseconds(self.shared.timeouts.kept);
            let kept = self.pool.borrow_mut().sweep(self.deadlines.now(), longest);
            self.send_events();
            if certificates_seen.elapsed() >= LOOK_AT_CERTIFICATES {
                certificates_seen = Instant::now();
                certificates.iter().for_each(Certificate::look);
            }
            let mut changed = pin!(stage.changed());
            let mut look = pin!(tokio::time::sleep(LOOK));
            let mut came = pin!(self.came.notified());
            let idle = self.counters.clients.get() == 0 && !kept && certificates.is_empty();
            self.asleep.set(idle);
            poll_fn(|context| {
                let next = if idle { came.as_mut().poll(context) } else { look.as_mut().poll(context) };
                if next.is_ready() || changed.as_mut().poll(context).is_ready() {
                    return Poll::Ready(());
                }
                Poll::Pending
            })
            .await;
        }
    }

    /// Says what time it is.
    pub(crate) fn set_now(&self, now: Instant) {
        self.deadlines.set_now(milliseconds(now.saturating_duration_since(self.shared.start)));
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.shared.is_draining()
    }

    /// Reads the table as it is now.
    pub(crate) fn with_table<T>(&self, read: impl FnOnce(&CompiledTable) -> T) -> T {
        let seen = self.table.borrow().0;
        if let Some(newer) = self.shared.newer_table(seen) {
            self.table.replace(newer);
        }
        read(&self.table.borrow().1)
    }

    /// A number that is another one each time.
    pub(crate) fn turn(&self) -> usize {
        self.turn.replace(self.turn.get().wrapping_add(1))
    }

    pub(crate) fn next_request_id(&self) -> HeaderValue {
        let number = self.requests.replace(self.requests.get() + 1);
        request_id::new(self.shared.nonce, self.index, number)
    }

    /// A connection to an instance that waits for a request.
    pub(crate) fn kept(&self, instance: u64) -> Option<Upstream> {
        self.pool.borrow_mut().take(instance)
    }

    /// Keeps a connection to an instance for a later request.
    pub(crate) fn keep(&self, instance: &Arc<InstanceState>, upstream: Upstream) {
        let most = self.shared.limits.kept_connections;
        self.pool.borrow_mut().put(instance, upstream, self.deadlines.now(), most);
    }

    /// Whether anybody wants events.
    pub(crate) fn tells(&self) -> bool {
        self.shared.events.is_some()
    }

    pub(crate) fn tell(&self, event: AccessEvent) {
        self.events.borrow_mut().push(event);
        if self.events.borrow().len() >= BATCH {
            self.send_events();
        }
    }

    fn send_events(&self) {
        let batch = self.events.take();
        if let (false, Some(channel)) = (batch.is_empty(), &self.shared.events) {
            let number = batch.len() as u64;
            if channel.try_send(batch).is_err() {
                self.counters.events_dropped.add(number);
            }
        }
    }
}

/// A client's connection, counted while it lasts.
#[derive(Debug)]
pub(crate) struct Guest(pub(crate) Rc<Worker>);

impl Guest {
    /// There is something to look after.
    pub(crate) fn enter(worker: &Rc<Worker>) -> Self {
        worker.shared.connections.fetch_add(1, SeqCst);
        worker.counters.clients.add(1);
        if worker.asleep.replace(false) {
            worker.came.notify_one();
        }
        Self(Rc::clone(worker))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.counters.clients.subtract(1);
        self.0.shared.connections.fetch_sub(1, SeqCst);
    }
}

async fn serve_secure(guest: Guest, socket: TcpStream, address: SocketAddr, acceptor: TlsAcceptor) {
    let worker = &guest.0;
    let deadline = worker.deadlines.add();
    worker.set_now(Instant::now());
    deadline.set(milliseconds(worker.shared.timeouts.head));
    let mut handshake = pin!(acceptor.accept(socket));
    let stream = poll_fn(|context| match handshake.as_mut().poll(context) {
        Poll::Ready(outcome) => Poll::Ready(outcome.ok()),
        Poll::Pending if deadline.passed(context) => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await;
    drop(deadline);
    if let Some(stream) = stream {
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let transport = Transport::Secure(Box::new(stream));
        tokio::task::spawn_local(connection::serve(guest, transport, address, http2));
    }
}

/// Lets the other tasks of the thread go first, and other threads accept.
async fn give_way() {
    let mut given = false;
    poll_fn(|context| {
        if std::mem::replace(&mut given, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Whether only the connection that was to be accepted is broken.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
