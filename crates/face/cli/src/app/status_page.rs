//! The status page, served by the router's process beside the router.

use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use keeper::client::{ClientError, ask, ask_once};
use keeper::protocol::{Answer, Request, Status};
use router::Router;
use tokio::sync::watch;
use web::{RouterStatistics, Source, serve};

/// Between two looks for a keeper that went away.
const LOOK: Duration = Duration::from_millis(100);

/// Serves the page on a thread of its own, for as long as this process lives.
pub(super) fn start(listener: TcpListener, socket: &Path, router: Weak<Router>) -> Result<(), ClientError> {
    let first = match ask_once(socket, &Request::Status)? {
        Answer::Status(status) => *status,
        _ => return Err(ClientError::HungUp),
    };
    let logs = first.logs.clone();
    let (told, status) = watch::channel(Arc::new(first));
    let socket = socket.to_path_buf();
    std::thread::spawn(move || hear(&socket, &told));
    let clock = Box::new(super::ps::now);
    let numbers = Box::new(move || numbers(&router));
    let source = Source { status, logs, router: Some(numbers), clock };
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let outcome = runtime.map_err(|error| error.to_string()).and_then(|runtime| {
            runtime
                .block_on(serve(listener, source, std::future::pending()))
                .map_err(|error| error.to_string())
        });
        if let Err(why) = outcome {
            eprintln!("router: the status page cannot be served: {why}");
        }
    });
    Ok(())
}

/// Hears what changes, again and again.
fn hear(socket: &Path, told: &watch::Sender<Arc<Status>>) {
    loop {
        if let Ok(mut conversation) = ask(socket, &Request::Watch) {
            while let Ok(Some(answer)) = conversation.next() {
                if let Answer::Status(status) = answer {
                    told.send_replace(Arc::new(*status));
                }
            }
        }
        std::thread::sleep(LOOK);
    }
}

fn numbers(router: &Weak<Router>) -> RouterStatistics {
    let Some(router) = router.upgrade() else { return RouterStatistics::default() };
    let counted = router.statistics();
    RouterStatistics {
        requests: counted.requests,
        in_flight: counted.instances.iter().map(|instance| u64::from(instance.requests)).sum(),
        client_errors: counted.responses[3],
        server_errors: counted.responses[4],
        retried: counted.retried,
        connections: counted.connections,
        tunnels: counted.tunnels,
    }
}
