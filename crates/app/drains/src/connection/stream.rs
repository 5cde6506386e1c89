//! A syslog connection: bytes go in, nothing comes back, so the most there is to know is that it has not broken.

use std::io;

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf, split};

use super::Failure;
use super::socket::{Socket, connect, within};
use crate::delivery::Answer;
use crate::{Settings, Syslog};

/// An open connection.
pub(crate) struct Stream {
    /// Only read to learn of the end; what a receiver says is thrown away.
    read: ReadHalf<Box<dyn Socket>>,
    write: WriteHalf<Box<dyn Socket>>,
    stall_limit: Duration,
}

impl Stream {
    pub(super) async fn open(target: &Syslog, settings: &Settings) -> Result<Self, Failure> {
        let socket = connect(&target.host, target.port, target.tls.as_ref(), settings).await?;
        let (read, write) = split(socket);
        Ok(Self { read, write, stall_limit: settings.stall_limit })
    }

    /// Writes all of it, while watching whether the other side closes.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<Answer, Failure> {
        let Self { read, write, stall_limit } = self;
        let stalled = || "the receiver took nothing".to_owned();
        let writing = async {
            let mut rest = bytes;
            while !rest.is_empty() {
                let written =
                    within(*stall_limit, stalled, write.write(rest)).await?.map_err(Failure::Broke)?;
                if written == 0 {
                    return Err(Failure::Broke(io::ErrorKind::WriteZero.into()));
                }
                rest = &rest[written..];
            }
            within(*stall_limit, stalled, write.flush()).await?.map_err(Failure::Broke)
        };
        tokio::select! {
            biased;
            failure = end(read) => Err(failure),
            written = writing => written.map(|()| Answer::Written),
        }
    }

    pub(super) async fn broken(&mut self) -> Failure {
        end(&mut self.read).await
    }

    /// Says that nothing more comes, and waits until the other side closes. A kernel resets a connection that its program
    /// closed with bytes unread, so an end in order means that the receiver's program has read everything. Over TLS only its
    /// `close_notify` is one, since anybody on the way can end a TCP connection.
    pub(super) async fn close(mut self) -> bool {
        self.write.shutdown().await.is_ok() && matches!(end(&mut self.read).await, Failure::Closed)
    }
}

/// How the other side ends the connection.
async fn end(read: &mut ReadHalf<Box<dyn Socket>>) -> Failure {
    let mut ignored = [0; 256];
    loop {
        match read.read(&mut ignored).await {
            Ok(0) => return Failure::Closed,
            Ok(_) => {}
            Err(error) => return Failure::Broke(error),
        }
    }
}
