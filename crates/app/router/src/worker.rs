//! A thread of the router: an event loop with connections of clients and connections to instances of its own.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::task::{Context, Poll, ready};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use http::HeaderValue;
use hyper::server::conn::http1;
use rustix::net::{SocketFlags, sockopt};
use rustls::ServerConfig;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::TcpStream;
use tokio::runtime::LocalOptions;
use tokio::sync::{Notify, mpsc};
use tokio_rustls::TlsAcceptor;

use crate::client_io::Transport;
use crate::client_socket::ClientSocket;
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
/// After how many seconds a client is accepted that sends nothing.
const MOST_SILENT: u8 = 1;
/// How long nobody is accepted when there are too many connections or no more descriptors.
const FULL: Duration = Duration::from_millis(50);
/// How many clients are accepted before others have a turn.
const ACCEPTED_AT_ONCE: usize = 8;
/// How many more clients than another thread one may have, beside a quarter, before it hands over new ones.
const LITTLE_DIFFERENCE: u64 = 4;
/// How many connections may be on their way to a thread.
pub(crate) const MOST_NEWCOMERS: usize = 1024;
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
    /// may have thought of fewer clients that wait to be accepted; the kernel turns away those above. It hands out a connection
    /// with its request: who accepts is woken once, and mostly need not wait for the client at all.
    pub(crate) fn prepare(&self) -> io::Result<()> {
        self.listener.set_nonblocking(true)?;
        rustix::net::listen(&self.listener, MOST_WAITING)?;
        let _ = sandbox::defer_accept(&self.listener, MOST_SILENT); // a saving, where the kernel knows it
        Ok(sockopt::set_tcp_nodelay(&self.listener, true)?)
    }
}

/// A connection that was just accepted, on its way to its thread.
#[derive(Debug)]
pub(crate) struct Newcomer {
    socket: std::net::TcpStream,
    address: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
}

/// Where each thread takes in what others accept. One thread accepts on a socket: if all did, each new connection would wake all.
pub(crate) type Neighbours = Arc<[mpsc::Sender<Newcomer>]>;

/// What the tasks of a thread share.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) deadlines: Rc<Deadlines>,
    pub(crate) http1: http1::Builder,
    /// Connections of clients that are not parked.
    pub(crate) active: Cell<usize>,
    index: usize,
    neighbours: Neighbours,
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

/// A thread that is about to start.
pub(crate) struct Beginner {
    pub(crate) index: usize,
    /// The sockets on which it accepts.
    pub(crate) doors: Vec<Door>,
    pub(crate) neighbours: Neighbours,
    pub(crate) newcomers: mpsc::Receiver<Newcomer>,
    /// The certificates that it looks after.
    pub(crate) certificates: Vec<Certificate>,
}

/// Starts a thread.
pub(crate) fn start(shared: Arc<Shared>, beginner: Beginner) -> io::Result<JoinHandle<()>> {
    let Beginner { index, doors, neighbours, newcomers, certificates } = beginner;
    let (started, outcome) = std::sync::mpsc::sync_channel(1);
    let thread = std::thread::Builder::new().name(format!("router-{index}")).spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => return drop(started.send(Err(error))),
        };
        let worker = Rc::new(Worker::new(shared, index, neighbours));
        runtime.block_on(async {
            let _ = started.send(Ok(()));
            tokio::task::spawn_local(Rc::clone(&worker).take_in_all(newcomers));
            for door in doors {
                tokio::task::spawn_local(Rc::clone(&worker).accept(door));
            }
            worker.run(certificates).await;
        });
        drop(runtime); // and with it every task
        worker.send_events();
    })?;
    outcome.recv().unwrap_or_else(|_| Err(io::Error::other("the thread ended at once")))?;
    Ok(thread)
}

impl Worker {
    fn new(shared: Arc<Shared>, index: usize, neighbours: Neighbours) -> Self {
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
            neighbours,
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

    /// Accepts on a socket, for all threads.
    async fn accept(self: Rc<Self>, door: Door) {
        let mut stage = self.shared.stage.subscribe();
        let mut ended = pin!(stage.wait_for(|stage| *stage != Stage::Serving));
        #[allow(
            deprecated,
            reason = "a listener of std keeps its descriptor open until it is dropped, as the new form wants sworn"
        )]
        let listener = AsyncFd::with_interest(door.listener, Interest::READABLE);
        if let Ok(listener) = listener {
            for number in 1_usize.. {
                let next = poll_fn(|context| {
                    if self.is_draining() {
                        return Poll::Ready(None);
                    }
                    match poll_accept(&listener, context) {
                        Poll::Pending if ended.as_mut().poll(context).is_ready() => Poll::Ready(None),
                        next => next.map(Some),
                    }
                });
                match next.await {
                    None => break,
                    Some(Ok((socket, address))) => {
                        self.place(Newcomer { socket, address, tls: door.tls.clone() });
                    }
                    Some(Err(error)) if is_of_one_connection(&error) => {}
                    Some(Err(_)) => tokio::time::sleep(FULL).await,
                }
                while self.shared.connections.load(SeqCst) >= self.shared.limits.connections
                    && !self.is_draining()
                {
                    tokio::time::sleep(FULL).await;
                }
                if number.is_multiple_of(ACCEPTED_AT_ONCE) {
                    give_way().await;
                }
            }
        }
        self.shared.accepting.fetch_sub(1, SeqCst);
    }

    /// Gives a connection to the thread with the fewest, or keeps it where that makes little difference.
    fn place(self: &Rc<Self>, newcomer: Newcomer) {
        self.counters.accepted.add(1);
        self.shared.connections.fetch_add(1, SeqCst);
        let threads = self.shared.counters.iter().map(|one| one.clients.load(Relaxed)).enumerate();
        let (other, least) = threads.min_by_key(|(_, clients)| *clients).unwrap_or((self.index, 0));
        if self.counters.clients.load(Relaxed) > least + least / 4 + LITTLE_DIFFERENCE {
            self.shared.counters[other].clients.fetch_add(1, Relaxed);
            let Err(refused) = self.neighbours[other].try_send(newcomer) else { return };
            self.shared.counters[other].clients.fetch_sub(1, Relaxed);
            self.counters.clients.fetch_add(1, Relaxed);
            return self.take_in(refused.into_inner());
        }
        self.counters.clients.fetch_add(1, Relaxed);
        self.take_in(newcomer);
    }

    /// Takes in what other threads accept.
    async fn take_in_all(self: Rc<Self>, mut newcomers: mpsc::Receiver<Newcomer>) {
        while let Some(newcomer) = newcomers.recv().await {
            self.take_in(newcomer);
        }
    }

    fn take_in(self: &Rc<Self>, newcomer: Newcomer) {
        let guest = Guest::enter(self);
        match newcomer.tls.map(TlsAcceptor::from) {
            None => {
                let transport = Transport::Plain(ClientSocket::new(newcomer.socket));
                tokio::task::spawn_local(connection::serve(guest, transport, newcomer.address, false));
            }
            Some(acceptor) => {
                let Ok(socket) = TcpStream::from_std(newcomer.socket) else { return };
                tokio::task::spawn_local(Box::pin(serve_secure(guest, socket, newcomer.address, acceptor)));
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
            let idle = self.counters.clients.load(Relaxed) == 0 && !kept && certificates.is_empty();
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
    /// There is something to look after. Who accepted the connection has counted it.
    fn enter(worker: &Rc<Worker>) -> Self {
        if worker.asleep.replace(false) {
            worker.set_now(Instant::now()); // its clock stood still
            worker.came.notify_one();
        }
        Self(Rc::clone(worker))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.counters.clients.fetch_sub(1, Relaxed);
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

/// Lets the other tasks of the thread go first.
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

/// The next connection on a socket.
fn poll_accept(
    listener: &AsyncFd<TcpListener>,
    context: &mut Context<'_>,
) -> Poll<io::Result<(std::net::TcpStream, SocketAddr)>> {
    loop {
        let mut ready = ready!(listener.poll_read_ready(context))?;
        let accepted = ready.try_io(|listener| {
            let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
            let (socket, address) = rustix::net::acceptfrom_with(listener.get_ref(), flags)?;
            let address = address.and_then(|address| SocketAddr::try_from(address).ok());
            let address = address.ok_or(io::ErrorKind::ConnectionAborted)?;
            Ok((std::net::TcpStream::from(socket), address))
        });
        if let Ok(outcome) = accepted {
            return Poll::Ready(outcome);
        }
    }
}

/// Whether only the connection that was to be accepted is broken.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
