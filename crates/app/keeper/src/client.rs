//! Talking to a keeper, from a program without a runtime.

use std::io::{BufRead as _, BufReader, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use crate::protocol::{Answer, Drained, Handed, LONGEST_LINE, Request, TlsListen};

/// Why a keeper did not answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// None is there.
    #[error("no keeper runs here ({0})")]
    NoKeeper(PathBuf),
    /// It may not be asked.
    #[error("the keeper's socket {0} may not be used: {1}")]
    Forbidden(PathBuf, std::io::Error),
    /// It hung up before it had answered.
    #[error("the keeper hung up")]
    HungUp,
    /// It said no.
    #[error("{why}")]
    Refused {
        /// Why.
        why: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// It said something that makes no sense here.
    #[error("the keeper's answer cannot be read: {0}")]
    Unreadable(String),
    /// The connection broke.
    #[error("talking to the keeper: {0}")]
    Broken(#[from] std::io::Error),
}

/// A conversation: one request, and its answers.
#[derive(Debug)]
pub struct Conversation {
    reader: BufReader<UnixStream>,
}

/// The sockets that a router is given.
#[derive(Debug, Default)]
pub struct Sockets {
    /// For apps.
    pub http: Vec<TcpListener>,
    /// For apps over TLS, each with what it shows.
    pub tls: Vec<(TcpListener, TlsListen)>,
    /// For the status page.
    pub admin: Option<TcpListener>,
}

/// Asks the keeper behind a socket for something.
pub fn ask(socket: &Path, request: &Request) -> Result<Conversation, ClientError> {
    let mut stream = connect(socket)?;
    send(&mut stream, request)?;
    Ok(Conversation { reader: BufReader::new(stream) })
}

/// Asks for something that has one answer.
pub fn ask_once(socket: &Path, request: &Request) -> Result<Answer, ClientError> {
    let mut conversation = ask(socket, request)?;
    conversation.next()?.ok_or(ClientError::HungUp)
}

/// Whether a keeper takes commands behind a socket; it is asked for nothing.
pub fn is_there(socket: &Path) -> Result<(), ClientError> {
    connect(socket).map(drop)
}

/// Becomes a router of the keeper behind a socket: answers its sockets, and the conversation in which tables come.
pub fn become_router(socket: &Path) -> Result<(Sockets, Conversation), ClientError> {
    let mut stream = connect(socket)?;
    send(&mut stream, &Request::Route)?;
    let (line, descriptors) = receive(&stream)?;
    let handed: Handed =
        serde_json::from_str(&line).map_err(|error| ClientError::Unreadable(error.to_string()))?;
    let mut listeners = descriptors.into_iter().map(TcpListener::from);
    let http = listeners.by_ref().take(handed.http).collect();
    let tls = listeners.by_ref().take(handed.tls.len()).zip(handed.tls).collect();
    let sockets = Sockets { http, tls, admin: listeners.next() };
    Ok((sockets, Conversation { reader: BufReader::new(stream) }))
}

impl Conversation {
    /// The next answer; `None` once there is nothing more to come.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator of results would hide the difference between end and failure"
    )]
    pub fn next(&mut self) -> Result<Option<Answer>, ClientError> {
        let mut line = String::new();
        self.reader.by_ref().take(LONGEST_LINE as u64 * 4).read_line(&mut line)?;
        if line.is_empty() {
            return Err(ClientError::HungUp);
        }
        match serde_json::from_str(&line).map_err(|error| ClientError::Unreadable(error.to_string()))? {
            Answer::Done => Ok(None),
            Answer::Refused { why, hint } => Err(ClientError::Refused { why, hint }),
            answer => Ok(Some(answer)),
        }
    }

    /// Another handle to the same connection, to say which processes are drained.
    pub fn voice(&self) -> std::io::Result<Voice> {
        Ok(Voice { stream: self.reader.get_ref().try_clone()? })
    }
}

/// What a router says back.
#[derive(Debug)]
pub struct Voice {
    stream: UnixStream,
}

impl Voice {
    /// These processes no longer do anything for clients.
    pub fn drained(&mut self, ids: Vec<String>) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(&Drained { drained: ids })?;
        line.push(b'\n');
        self.stream.write_all(&line)
    }
}

fn connect(socket: &Path) -> Result<UnixStream, ClientError> {
    UnixStream::connect(socket).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused => {
            ClientError::NoKeeper(socket.into())
        }
        std::io::ErrorKind::PermissionDenied => ClientError::Forbidden(socket.into(), error),
        _ => ClientError::Broken(error),
    })
}

fn send(stream: &mut UnixStream, request: &Request) -> Result<(), ClientError> {
    let mut line = serde_json::to_vec(request).map_err(std::io::Error::from)?;
    line.push(b'\n');
    match stream.write_all(&line) {
        // Refused before it was read: the answer says why.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        outcome => Ok(outcome?),
    }
}

/// The first line of a router's conversation, with the descriptors that come along.
fn receive(stream: &UnixStream) -> Result<(String, Vec<rustix::fd::OwnedFd>), ClientError> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(64))];
    let mut descriptors = Vec::new();
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        // One byte at a time: what follows the line belongs to the conversation.
        let mut byte = [0];
        let parts = &mut [IoSliceMut::new(&mut byte)];
        let received =
            recvmsg(stream, parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC).map_err(std::io::Error::from)?;
        if received.bytes == 0 || line.len() > LONGEST_LINE {
            return Err(ClientError::HungUp);
        }
        line.push(byte[0]);
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(list) = message {
                descriptors.extend(list);
            }
        }
    }
    Ok((String::from_utf8_lossy(&line).into_owned(), descriptors))
}
