//! The router as a process: its sockets and its table come from the keeper, what it has finished with goes back there.
//!
//! Without a keeper it goes on with the table it has, and looks for the keeper again and again.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keeper::client::{ClientError, Conversation, Sockets, Voice, become_router};
use keeper::protocol::{Answer, RouteEntry, TlsListen};
use report::{Exit, Problem};
use router::{
    AccessEvent, HostPattern, Instance, InstanceId, Options, Patience, Route, Router, Table, TlsFiles,
    TlsListener,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::failure::of_client;
use super::{place::Place, status_page};
use crate::arguments::{AppCommon, Internal};
use crate::terminal::Surroundings;

/// Between two looks for a keeper that went away.
const LOOK: Duration = Duration::from_millis(50);
/// Batches of access events that wait to be written; more are counted and dropped.
const BATCHES: usize = 256;
/// How long requests and tunnels may go on when another router takes over. The keeper ends what is slower.
const HANDOVER: Patience = Patience { requests: Duration::from_secs(50), tunnels: Duration::from_secs(50) };

/// Is a router of the keeper whose sockets are in a folder.
pub(crate) fn router(arguments: &Internal, surroundings: &Surroundings) -> u8 {
    let place = Place::new(&AppCommon::default(), surroundings);
    place.exit(serve(&arguments.keeper, surroundings).map(|()| Exit::Done.code()))
}

/// What the keeper says, and a way to answer.
struct Said {
    routes: Vec<RouteEntry>,
    voice: Arc<std::sync::Mutex<Voice>>,
}

fn serve(folder: &Path, surroundings: &Surroundings) -> Result<(), Problem> {
    let socket = folder.join("keeper.sock");
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        Problem::error("router.start", format!("{what}: {error}")).exit(Exit::Failed)
    };
    let (sockets, mut conversation) = become_router(&socket).map_err(of_client)?;
    let first = loop {
        match conversation.next().map_err(of_client)? {
            Some(Answer::Table { routes }) => break routes,
            Some(_) => {}
            None => return Err(of_client(ClientError::HungUp)),
        }
    };
    let Sockets { http, tls, admin } = sockets;
    let mut options = Options::new(http, nonce());
    options.tls = tls.into_iter().map(tls_listener).collect();
    options.threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (events, batches) = mpsc::channel(BATCHES);
    let router = Router::start(options, &table(&first), Some(events));
    let router = router.map_err(|error| failed("the router cannot be started", &error))?;
    std::thread::spawn(move || write_access_log(batches));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed("the router cannot be started", &error))?;
    let page_socket = socket.clone();
    let (tables, mut said) = mpsc::channel(16);
    let voice = conversation.voice().map_err(|error| failed("the keeper cannot be answered", &error))?;
    let first = Said { routes: first, voice: Arc::new(std::sync::Mutex::new(voice)) };
    std::thread::spawn(move || hear(&socket, conversation, &tables));
    let notify = surroundings.variable("NOTIFY_SOCKET").map(PathBuf::from);
    runtime.block_on(async move {
        let router = Arc::new(router);
        if let Some(admin) = admin {
            status_page::start(admin, &page_socket, Arc::downgrade(&router)).map_err(of_client)?;
        }
        let mut terminate = signal(SignalKind::terminate()).map_err(|error| failed("SIGTERM", &error))?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| failed("SIGINT", &error))?;
        let mut tasks = tokio::task::JoinSet::new();
        take(&first, &router, &mut tasks);
        say_ready(notify.as_deref());
        loop {
            tokio::select! {
                Some(told) = said.recv() => take(&told, &router, &mut tasks),
                Some(_) = tasks.join_next() => {}
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
            }
        }
        // From here on the table stands still. The keeper goes on to wait for this router, because the conversation
        // stays open: no instance that its last requests may need is stopped before they had their time.
        tasks.shutdown().await;
        let Some(router) = Arc::into_inner(router) else { return Ok(()) };
        let left = router.drain(HANDOVER).await;
        drop(said);
        if left.requests + left.tunnels > 0 {
            eprintln!(
                "router: cut {} requests and {} tunnels that had not ended in time",
                left.requests, left.tunnels
            );
        }
        Ok(())
    })
}

/// Takes a table; waits beside it for the instances that are to be let go.
fn take(told: &Said, router: &Arc<Router>, tasks: &mut tokio::task::JoinSet<()>) {
    if let Err(error) = router.set_table(&table(&told.routes)) {
        eprintln!("router: {error}");
    }
    for entry in &told.routes {
        let patience = Duration::from_secs(entry.route.drain_seconds);
        for one in &entry.draining {
            tasks.spawn(retire(
                Arc::clone(router),
                InstanceId(one.id.clone()),
                patience,
                Arc::clone(&told.voice),
            ));
        }
    }
}

/// Waits until an instance does nothing for clients any more, and says so.
async fn retire(
    router: Arc<Router>,
    instance: InstanceId,
    patience: Duration,
    voice: Arc<std::sync::Mutex<Voice>>,
) {
    let id = instance.0.clone();
    router.retire(&[instance], Patience { requests: patience, tunnels: patience }).await;
    // The keeper reads at once; a line to it never waits.
    if let Ok(mut voice) = voice.lock() {
        let _ = voice.drained(vec![id]);
    }
}

/// Hears tables for as long as there is somebody to tell them to; looks for the keeper again when it went away.
fn hear(socket: &Path, conversation: Conversation, tables: &mpsc::Sender<Said>) {
    let mut there = Some(conversation);
    loop {
        let Some(mut conversation) = there.take() else {
            std::thread::sleep(LOOK);
            // The sockets that come along are the ones it has.
            there = become_router(socket).ok().map(|(_, conversation)| conversation);
            continue;
        };
        let Ok(voice) = conversation.voice() else { continue };
        let voice = Arc::new(std::sync::Mutex::new(voice));
        while let Ok(Some(answer)) = conversation.next() {
            if let Answer::Table { routes } = answer
                && tables.blocking_send(Said { routes, voice: Arc::clone(&voice) }).is_err()
            {
                return;
            }
        }
    }
}

fn tls_listener((listener, shows): (TcpListener, TlsListen)) -> TlsListener {
    TlsListener { listener, files: TlsFiles { certificate: shows.certificate, key: shows.key } }
}

fn table(routes: &[RouteEntry]) -> Table {
    Table { routes: routes.iter().map(route).collect() }
}

fn route(entry: &RouteEntry) -> Route {
    let hosts: Vec<HostPattern> = entry.route.hosts.iter().filter_map(|host| host.parse().ok()).collect();
    let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let instances = entry.instances.iter();
    Route {
        name: entry.app.clone(),
        hosts: if entry.route.hosts.is_empty() { vec![HostPattern::Any] } else { hosts },
        path: entry.route.path.clone(),
        strip: false,
        instances: instances
            .map(|one| Instance { id: InstanceId(one.id.clone()), address: address(one.port) })
            .collect(),
        settings: router::RouteSettings::default(),
        state: router::RouteState::default(),
    }
}

/// Writes one line a request to standard output, which is the router's own log.
fn write_access_log(mut batches: mpsc::Receiver<Vec<AccessEvent>>) {
    while let Some(batch) = batches.blocking_recv() {
        let lines: String = batch.iter().map(access_line).collect();
        if std::io::stdout().lock().write_all(lines.as_bytes()).is_err() {
            return;
        }
    }
}

/// `app=NAME …`: what comes first cannot be made up by a client.
fn access_line(event: &AccessEvent) -> String {
    let app = event.route.as_deref().unwrap_or("-");
    let method = event.method.as_ref().map_or("-", |method| method.as_str());
    let instance = event.instance.as_ref().map_or("-", |instance| instance.0.as_str());
    let milliseconds = event.duration.as_secs_f64() * 1000.0;
    let whole = if event.complete { "" } else { " incomplete" };
    format!(
        "app={app} method={method} host={:?} path={:?} status={} bytes={} ms={milliseconds:.1} client={} instance={instance} id={}{whole}\n",
        event.host,
        event.path,
        event.status.as_u16(),
        event.sent,
        event.client,
        event.request_id,
    )
}

/// Tells whoever started this that it serves.
fn say_ready(socket: Option<&Path>) {
    if let Some(socket) = socket
        && let Ok(sender) = UnixDatagram::unbound()
    {
        let _ = sender.send_to(b"READY=1", socket);
    }
}

/// Random bits, from the source that `std` seeds its hash maps with.
fn nonce() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    std::hash::RandomState::new().build_hasher().finish()
}
