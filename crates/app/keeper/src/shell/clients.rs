//! Clients of the control socket: one task each, which reads one request and writes what comes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{broadcast, mpsc, oneshot};

use super::events::{Caller, Event, Listening};
use super::{Key, is_own};
use crate::core::{Notice, State, Wanted};
use crate::protocol::{Answer, Drained, LONGEST_LINE, Request};

/// Clients at a time; more wait to be accepted.
const MOST_CLIENTS: usize = 256;

/// Accepts clients from now on.
pub(super) fn accept(
    listener: &Arc<std::os::unix::net::UnixListener>,
    events: &mpsc::Sender<Event>,
) -> std::io::Result<()> {
    let listener = listener.try_clone()?;
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    let events = events.clone();
    let places = Arc::new(tokio::sync::Semaphore::new(MOST_CLIENTS));
    tokio::spawn(async move {
        while let Ok(place) = Arc::clone(&places).acquire_owned().await {
            let Ok((stream, _)) = listener.accept().await else {
                // Descriptors have run out: others have to end before one more can begin.
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            };
            let events = events.clone();
            tokio::spawn(async move {
                // A client that hangs up has heard enough.
                let _ = serve(stream, events).await;
                drop(place);
            });
        }
    });
    Ok(())
}

/// A connection after its request was read.
struct Client {
    lines: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    events: mpsc::Sender<Event>,
    pid: u32,
}

async fn serve(stream: UnixStream, events: mpsc::Sender<Event>) -> std::io::Result<()> {
    let peer = stream.peer_cred()?;
    let own = rustix::process::geteuid().as_raw();
    let pid = peer.pid().and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0);
    let (reader, writer) = stream.into_split();
    let mut client = Client { lines: BufReader::new(reader), writer, events, pid };
    if peer.uid() != own && peer.uid() != 0 {
        let why = format!("this keeper belongs to user {own}; you are user {}", peer.uid());
        return client.refuse(why, Some("run the command as that user, or as root".into())).await;
    }
    let Some(line) = client.line().await? else { return Ok(()) };
    match serde_json::from_slice(&line) {
        Ok(request) => client.answer(request).await,
        Err(error) => {
            let hint =
                "the command and the keeper may be of different versions; `pinch upgrade` makes them one";
            client.refuse(format!("the request cannot be read: {error}"), Some(hint.into())).await
        }
    }
}

impl Client {
    async fn answer(&mut self, request: Request) -> std::io::Result<()> {
        match &request {
            Request::Watch => self.watch().await,
            Request::Route => self.route().await,
            Request::Deploy { definition, .. } => self.follow(definition.app.clone(), request).await,
            Request::RollBack { app, .. }
            | Request::Start { app }
            | Request::Restart { app, process: None } => self.follow(app.clone(), request).await,
            Request::Stop { app, process } => self.stop(app.clone(), process.clone(), request).await,
            Request::Upgrade => {
                if let Some(Answer::Taken { .. }) = self.forward(request).await? {
                    self.send(&Answer::Done).await?;
                    let _ = self.events.send(Event::BecomeNew).await;
                }
                Ok(())
            }
            _ => {
                if !matches!(self.forward(request).await?, Some(Answer::Refused { .. })) {
                    self.send(&Answer::Done).await?;
                }
                Ok(())
            }
        }
    }

    /// Passes a request to the shell, and its answer back; answers the answer.
    async fn forward(&mut self, request: Request) -> std::io::Result<Option<Answer>> {
        let (answer, mut answers) = mpsc::channel(1);
        let caller = Caller { pid: self.pid, answer };
        let _ = self.events.send(Event::Request(request, caller)).await;
        let answer = answers.recv().await;
        match &answer {
            Some(answer) => self.send(answer).await?,
            None => self.refuse("the keeper is ending".into(), None).await?,
        }
        Ok(answer)
    }

    async fn listen(&self) -> std::io::Result<Listening> {
        let (sender, receiver) = oneshot::channel();
        let _ = self.events.send(Event::Listen(sender)).await;
        receiver.await.map_err(std::io::Error::other)
    }

    async fn watch(&mut self) -> std::io::Result<()> {
        let mut status = self.listen().await?.status;
        loop {
            let now = status.borrow_and_update().clone();
            self.send(&Answer::Status(Box::new(now.as_ref().clone()))).await?;
            tokio::select! {
                changed = status.changed() => if changed.is_err() { return Ok(()) },
                hung_up = self.line() => if hung_up?.is_none() { return Ok(()) },
            }
        }
    }

    /// Carries a change of an app out and tells of it until it is decided.
    async fn follow(&mut self, app: String, request: Request) -> std::io::Result<()> {
        let mut notices = self.listen().await?.notices;
        let release = match self.forward(request).await? {
            Some(Answer::Taken { release: Some(release) }) => release,
            Some(Answer::Taken { release: None }) => return self.send(&Answer::Done).await,
            _ => return Ok(()),
        };
        let mut started = false;
        loop {
            let notice = match notices.recv().await {
                Ok(told) if told.0 == app => told.1.clone(),
                Ok(_) => continue,
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    return self.refuse("too much happened at once to tell".into(), None).await;
                }
                Err(broadcast::error::RecvError::Closed) => return Ok(()),
            };
            let superseded =
                matches!(&notice, Notice::RolloutStarted { .. }) && std::mem::replace(&mut started, true);
            if superseded {
                let why = format!("release {release} gave way to another one before it had taken over");
                return self.refuse(why, None).await;
            }
            let decided = match &notice {
                Notice::RolloutDone { release: done } | Notice::RolloutFailed { release: done, .. } => {
                    *done == release
                }
                Notice::Stopped | Notice::EssentialEnded { .. } => true,
                _ => false,
            };
            self.send(&Answer::Notice { notice }).await?;
            if decided {
                return self.send(&Answer::Done).await;
            }
        }
    }

    /// Stops an app or processes and waits until they have.
    async fn stop(&mut self, app: String, process: Option<String>, request: Request) -> std::io::Result<()> {
        let mut status = self.listen().await?.status;
        let Some(Answer::Taken { .. }) = self.forward(request).await? else { return Ok(()) };
        let named = |one: &crate::protocol::ProcessStatus| match &process {
            Some(name) => one.process == *name || one.slot.process_type == *name,
            None => true,
        };
        loop {
            let now = status.borrow_and_update().clone();
            let Some(mine) = now.apps.iter().find(|one| one.name == app) else { break };
            let runs = |one: &crate::protocol::ProcessStatus| {
                !matches!(one.state, State::Stopped | State::Failed(_))
            };
            let restarted = process.is_none() && mine.wanted == Wanted::Running;
            if restarted || !mine.processes.iter().any(|one| named(one) && runs(one)) {
                break;
            }
            if status.changed().await.is_err() {
                break;
            }
        }
        self.send(&Answer::Done).await
    }

    /// Serves a router: its sockets, then every table; hears what it has finished with.
    async fn route(&mut self) -> std::io::Result<()> {
        static ROUTERS: AtomicU64 = AtomicU64::new(0);
        let router = ROUTERS.fetch_add(1, Ordering::Relaxed);
        let mut listening = self.listen().await?;
        self.send_sockets(&listening).await?;
        let _ = self.events.send(Event::RouterCame(router)).await;
        let outcome = self.serve_router(router, &mut listening.table).await;
        let _ = self.events.send(Event::RouterWent(router)).await;
        outcome
    }

    async fn serve_router(
        &mut self,
        router: u64,
        table: &mut tokio::sync::watch::Receiver<Arc<Vec<crate::protocol::RouteEntry>>>,
    ) -> std::io::Result<()> {
        loop {
            let routes = table.borrow_and_update().as_ref().clone();
            self.send(&Answer::Table { routes }).await?;
            loop {
                let line = tokio::select! {
                    changed = table.changed() => match changed {
                        Ok(()) => break,
                        Err(_) => return Ok(()),
                    },
                    line = self.line() => line?,
                };
                let Some(line) = line else { return Ok(()) };
                let drained: Drained = serde_json::from_slice(&line)?;
                let keys = drained.drained.iter().filter_map(|id| key_of(id)).collect();
                let _ = self.events.send(Event::Drained(router, keys)).await;
            }
        }
    }

    /// Sends the listening sockets along with a line that says which is which.
    async fn send_sockets(&mut self, listening: &Listening) -> std::io::Result<()> {
        let sockets = &listening.listeners;
        let descriptors: Vec<_> = sockets.descriptors().collect();
        let mut line = serde_json::to_vec(&sockets.handed())?;
        line.push(b'\n');
        let mut space = vec![0; rustix::cmsg_space!(ScmRights(descriptors.len()))]
            .into_iter()
            .map(std::mem::MaybeUninit::new)
            .collect::<Vec<_>>();
        let stream = self.writer.as_ref();
        loop {
            stream.writable().await?;
            let sent = stream.try_io(tokio::io::Interest::WRITABLE, || {
                let mut ancillary = SendAncillaryBuffer::new(&mut space);
                if !descriptors.is_empty() {
                    ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
                }
                let text = [std::io::IoSlice::new(&line)];
                Ok(sendmsg(stream, &text, &mut ancillary, SendFlags::NOSIGNAL)?)
            });
            match sent {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn refuse(&mut self, why: String, hint: Option<String>) -> std::io::Result<()> {
        self.send(&Answer::Refused { why, hint }).await
    }

    async fn send(&mut self, answer: &Answer) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(answer)?;
        line.push(b'\n');
        self.writer.write_all(&line).await
    }

    /// The next line; `None` when the client has hung up, an error when it is too long.
    async fn line(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let most = LONGEST_LINE as u64;
        (&mut self.lines).take(most).read_until(b'\n', &mut line).await?;
        match line.pop() {
            Some(b'\n') => Ok(Some(line)),
            Some(_) if line.len() as u64 + 1 >= most => Err(std::io::Error::other("the line is too long")),
            _ => Ok(None),
        }
    }
}

/// The process that a router names, `APP/web.1@3`; the keeper's own are none of its business.
fn key_of(id: &str) -> Option<Key> {
    let (app, slot) = id.split_once('/')?;
    (!is_own(app)).then_some((app.to_string(), slot.parse().ok()?))
}
