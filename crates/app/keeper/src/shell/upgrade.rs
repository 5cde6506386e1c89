//! Becoming another program without ending.
//!
//! The keeper writes down what it knows, puts its sockets into one end of a socket pair and becomes the new program
//! with the other end as standard input. Its process id stays, and with it every child; what they say meanwhile
//! waits in their pipes. The new program reads back what was written down, as after any start.

use std::collections::BTreeMap;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use logs::LineState;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use serde::{Deserialize, Serialize};

use super::{Shell, save};
use crate::home::Home;
use crate::protocol::{Answer, Handed};

/// The variable that says that standard input holds the sockets of the program this was before.
const HANDOVER: &str = "PINCH_HANDOVER";
/// Descriptors of one handover: lock, control socket, and the router's.
const MOST_DESCRIPTORS: usize = 64;

/// What the program that this process was before left.
pub(super) struct Handover {
    pub lock: OwnedFd,
    pub control: UnixListener,
    pub listeners: Vec<OwnedFd>,
    pub note: Note,
}

/// What does not fit into descriptors.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Note {
    /// Which listener is which.
    #[serde(flatten)]
    pub handed: Handed,
    pub histories: BTreeMap<String, LineState>,
}

impl Note {
    pub(super) fn read(text: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(text)
    }
}

impl Handover {
    /// What was handed over, if this process was another program before.
    pub(super) fn receive(home: &Home) -> Option<Self> {
        if std::env::var(HANDOVER).ok()? != std::process::id().to_string() {
            return None;
        }
        let path = home.run.join("handover.json");
        // Without it the lock and the control socket still are this program's; what processes said in between is joined as after a kill.
        let note = std::fs::read(&path).ok().and_then(|text| Note::read(&text).ok());
        let _ = std::fs::remove_file(&path);
        let mut descriptors = receive_descriptors(std::io::stdin().as_fd()).ok()?.into_iter();
        let (lock, control) = (descriptors.next()?, descriptors.next()?);
        Some(Self {
            lock,
            control: control.into(),
            // Which is which was in the note.
            listeners: if note.is_some() { descriptors.collect() } else { Vec::new() },
            note: note.unwrap_or_default(),
        })
    }
}

impl Shell {
    /// Makes sure that the program at the keeper's path can be run, as one that cannot even say its version must not
    /// become the keeper, and that it will read back what is so.
    pub(super) fn prepare_upgrade(&mut self) -> Answer {
        self.unsaved.durable();
        let saved = self.save();
        let program = &self.options.program;
        let why = match Command::new(program).arg("--version").stdin(Stdio::null()).output() {
            Ok(output) if output.status.success() => match saved {
                Ok(()) => return Answer::Taken { release: None },
                Err(why) => {
                    let hint = "the keeper goes on as it was; make room or mend the folder, then try again";
                    return Answer::Refused { why, hint: Some(hint.into()) };
                }
            },
            Ok(output) => format!("{} ended with {}", program.display(), output.status),
            Err(error) => format!("{}: {error}", program.display()),
        };
        let hint = "the keeper goes on as it was; put a working binary in its place and try again";
        Answer::Refused { why, hint: Some(hint.into()) }
    }

    /// Becomes the program at the keeper's path. Comes back only when that cannot be; the keeper then goes on.
    pub(super) fn become_new(&mut self) {
        self.upgrades = self.upgrades.saturating_add(1);
        self.unsaved.durable();
        if self.save().is_err() {
            // The new program would read back what is no longer so.
            self.upgrades = self.upgrades.saturating_sub(1);
            return;
        }
        self.words.note(&format!("becomes {}", self.options.program.display()));
        let histories = self.output.suspend();
        let error = self.replace(&histories);
        self.trouble(&format!("cannot become {}: {error}", self.options.program.display()));
        self.upgrades = self.upgrades.saturating_sub(1);
        self.unsaved.durable();
        self.reopen_output(histories);
    }

    fn replace(&self, histories: &BTreeMap<String, LineState>) -> std::io::Error {
        let sockets = self.listeners.shared();
        let note = Note { handed: sockets.handed(), histories: histories.clone() };
        let written = serde_json::to_vec(&note).map_err(std::io::Error::from).and_then(|text| {
            save::write_privately(&self.options.home.run.join("handover.json"), &text, false)
        });
        if let Err(error) = written {
            return error;
        }
        let mut descriptors = vec![self.lock.descriptor.as_fd(), self.control.as_fd()];
        descriptors.extend(sockets.descriptors());
        let stdin = match send_descriptors(&descriptors) {
            Ok(stdin) => stdin,
            Err(error) => return error,
        };
        let mut arguments = std::env::args_os();
        let mut command = Command::new(&self.options.program);
        if let Some(name) = arguments.next() {
            command.arg0(name);
        }
        command.args(arguments).env(HANDOVER, std::process::id().to_string()).stdin(Stdio::from(stdin)).exec()
    }
}

/// Puts descriptors into a socket pair and answers the end from which they can be taken.
fn send_descriptors(descriptors: &[BorrowedFd<'_>]) -> std::io::Result<OwnedFd> {
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(std::io::Error::other("too many sockets to hand over"));
    }
    sendmsg(&ours, &[IoSlice::new(b"sockets")], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(theirs)
}

fn receive_descriptors(socket: BorrowedFd<'_>) -> std::io::Result<Vec<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut text = [0; 64];
    recvmsg(socket, &mut [std::io::IoSliceMut::new(&mut text)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let mut descriptors = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            descriptors.extend(received);
        }
    }
    Ok(descriptors)
}
