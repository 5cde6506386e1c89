//! Sockets at a path, which only their owner may use from the moment they are there.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Gid, Mode, Uid, chownat, fchmod};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with};

/// Clients that wait to be accepted.
const BACKLOG: i32 = 1024;

/// One that takes connections; in place of whatever was at that path.
pub(super) fn listener(path: &Path) -> io::Result<UnixListener> {
    let socket = private(path, SocketType::STREAM)?;
    listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

/// One that takes messages from its owner, this user where none is named; in place of whatever was at that path.
pub(super) fn datagram(path: &Path, owner: Option<(u32, u32)>) -> io::Result<UnixDatagram> {
    let socket = private(path, SocketType::DGRAM)?;
    if let Some((uid, gid)) = owner {
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        chownat(CWD, path, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
    }
    let socket = UnixDatagram::from(socket);
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn private(path: &Path, kind: SocketType) -> io::Result<OwnedFd> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let socket = socket_with(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)?;
    // The file at the path gets the socket's own mode: there is no moment in which it has another.
    fchmod(&socket, Mode::from_raw_mode(0o600))?;
    bind(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};

    use super::*;

    #[test]
    fn nobody_else_may_use_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        for _ in 0..2 {
            let (_listener, one) = (listener(&path).unwrap(), std::fs::metadata(&path).unwrap());
            let (_datagram, other) = (datagram(&path, None).unwrap(), std::fs::metadata(&path).unwrap());
            for found in [one, other] {
                assert!(found.file_type().is_socket());
                assert_eq!(found.permissions().mode() & 0o777, 0o600);
            }
        }
    }
}
