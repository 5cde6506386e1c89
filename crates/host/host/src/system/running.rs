//! Hearing a started program out.
//!
//! One loop watches its end (through a pidfd), its two outputs and its input with `poll`. So nothing can block
//! on a full pipe, a program that says a lot is read while it runs, and one that leaves others behind which hold
//! its outputs open is not waited for longer than a moment after its own end.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use crate::{Command, HostError, Output};

/// The most that is kept of each output; the rest is read and dropped.
const MOST_OUTPUT: usize = 64 << 20;
/// What follows an output that was cut off.
const CUT_OFF: &[u8] = b"\n[the output was longer than 64 MiB; pinch dropped the rest]\n";
/// How long after its end a program's outputs are read that somebody else holds open.
const LINGER: Duration = Duration::from_millis(200);
/// Between asking a program that runs too long to stop and stopping it.
const TIME_TO_STOP: Duration = Duration::from_millis(500);
/// How often its end is looked for where the kernel has no pidfds (before Linux 5.3).
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Feeds a program, takes down what it says and how it ends; ends it after its timeout.
pub(super) fn hear_out(child: Child, command: &Command) -> Result<Output, HostError> {
    let mut running = Running::new(child, command);
    running.watch().map_err(|errno| HostError::CannotRun {
        program: command.text(),
        why: std::io::Error::from(errno).to_string(),
    })?;
    match command.timeout {
        Some(after) if running.stopping.is_some() => {
            Err(HostError::TimedOut { program: command.text(), after })
        }
        _ => Ok(Output {
            code: running.ended.map_or(-1, |(code, _)| code),
            pid: running.child.id(),
            stdout: running.stdout.said(),
            stderr: running.stderr.said(),
        }),
    }
}

struct Running<'c> {
    child: Child,
    end: Option<OwnedFd>,
    stdin: Option<ChildStdin>,
    unsent: &'c [u8],
    stdout: Heard<ChildStdout>,
    stderr: Heard<ChildStderr>,
    deadline: Option<Instant>,
    /// Its exit code, and when.
    ended: Option<(i32, Instant)>,
    /// Since when it has been asked to stop.
    stopping: Option<Instant>,
}

impl<'c> Running<'c> {
    fn new(mut child: Child, command: &'c Command) -> Self {
        Self {
            end: pid(&child).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()),
            stdin: child.stdin.take(),
            unsent: &command.stdin,
            stdout: Heard::new(child.stdout.take()),
            stderr: Heard::new(child.stderr.take()),
            deadline: command.timeout.and_then(|timeout| now().checked_add(timeout)),
            child,
            ended: None,
            stopping: None,
        }
    }

    fn watch(&mut self) -> Result<(), Errno> {
        for pipe in [
            self.stdin.as_ref().map(|pipe| pipe.as_fd()),
            self.stdout.pipe.as_ref().map(|pipe| pipe.as_fd()),
            self.stderr.pipe.as_ref().map(|pipe| pipe.as_fd()),
        ]
        .into_iter()
        .flatten()
        {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        let mut buffer = vec![0; 64 << 10];
        loop {
            // The end is looked for first: what was said before it is then all in the pipes.
            self.look_for_the_end();
            let mut heard = self.stdout.listen(&mut buffer);
            heard |= self.stderr.listen(&mut buffer);
            self.feed();
            let now = now();
            if let Some((_, since)) = self.ended {
                let lingered = now.saturating_duration_since(since) >= LINGER;
                let silent = self.stdout.pipe.is_none() && self.stderr.pipe.is_none();
                if silent || lingered || (self.stopping.is_some() && !heard) {
                    break;
                }
            } else {
                self.keep_the_deadline(now);
            }
            if !heard {
                self.wait(now)?;
            }
        }
        if self.stopping.is_some() {
            self.signal(Signal::KILL);
        }
        Ok(())
    }

    fn look_for_the_end(&mut self) {
        if self.ended.is_none()
            && let Ok(Some(status)) = self.child.try_wait()
        {
            let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
            self.ended = Some((code, now()));
        }
    }

    /// Asks it to stop when its time is over, and makes it a little later.
    fn keep_the_deadline(&mut self, now: Instant) {
        match self.stopping {
            None if self.deadline.is_some_and(|deadline| now >= deadline) => {
                self.stopping = Some(now);
                self.signal(Signal::TERM);
            }
            Some(since) if now.saturating_duration_since(since) >= TIME_TO_STOP => self.signal(Signal::KILL),
            _ => {}
        }
    }

    /// Sends a signal to it and everything it started.
    fn signal(&self, signal: Signal) {
        if let Some(pid) = pid(&self.child) {
            // They may all have ended by themselves in the meantime.
            let _ = kill_process_group(pid, signal);
        }
    }

    fn feed(&mut self) {
        let Some(pipe) = &mut self.stdin else { return };
        match pipe.write(self.unsent) {
            Ok(written) => {
                self.unsent = self.unsent.get(written..).unwrap_or_default();
                if self.unsent.is_empty() {
                    self.stdin = None;
                }
            }
            Err(error) if is_for_later(&error) => {}
            // A program that does not read its input to the end is no failure of ours.
            Err(_) => self.stdin = None,
        }
    }

    /// Sleeps until something can be heard or has to be done.
    fn wait(&self, now: Instant) -> Result<(), Errno> {
        let next = match (self.ended, self.stopping) {
            (Some((_, since)), _) => since.checked_add(LINGER),
            // Never at once: once killed it needs a moment to be gone.
            (None, Some(since)) => since.checked_add(TIME_TO_STOP).max(now.checked_add(LOOK_AGAIN)),
            (None, None) => self.deadline,
        };
        let mut wait = next.map(|next| next.saturating_duration_since(now));
        if self.end.is_none() && self.ended.is_none() {
            wait = Some(wait.map_or(LOOK_AGAIN, |wait| wait.min(LOOK_AGAIN)));
        }
        let mut watched = Vec::with_capacity(4);
        if self.ended.is_none() {
            watched.extend(self.end.as_ref().map(|end| PollFd::new(end, PollFlags::IN)));
        }
        watched.extend(self.stdout.pipe.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        watched.extend(self.stderr.pipe.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        watched.extend(self.stdin.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::OUT)));
        let wait = wait.and_then(|wait| Timespec::try_from(wait).ok());
        match poll(&mut watched, wait.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(errno) => Err(errno),
        }
    }
}

/// A program that nobody hears out any more does not go on.
impl Drop for Running<'_> {
    fn drop(&mut self) {
        if self.ended.is_none() {
            self.signal(Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

/// An output and what it has said so far.
struct Heard<P> {
    pipe: Option<P>,
    bytes: Vec<u8>,
    cut_off: bool,
}

impl<P: Read> Heard<P> {
    fn new(pipe: Option<P>) -> Self {
        Self { pipe, bytes: Vec::new(), cut_off: false }
    }

    /// Takes one piece of what is there. Answers whether something happened.
    fn listen(&mut self, buffer: &mut [u8]) -> bool {
        let Some(pipe) = &mut self.pipe else { return false };
        match pipe.read(buffer) {
            Ok(count @ 1..) => {
                let room = MOST_OUTPUT.saturating_sub(self.bytes.len()).min(count);
                self.cut_off |= room < count;
                self.bytes.extend_from_slice(buffer.get(..room).unwrap_or_default());
            }
            Err(error) if is_for_later(&error) => return false,
            Ok(_) | Err(_) => self.pipe = None,
        }
        true
    }

    fn said(&mut self) -> Vec<u8> {
        if self.cut_off {
            self.bytes.extend_from_slice(CUT_OFF);
        }
        std::mem::take(&mut self.bytes)
    }
}

fn is_for_later(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

#[expect(clippy::disallowed_methods, reason = "this is the room for effects")]
fn now() -> Instant {
    Instant::now()
}
