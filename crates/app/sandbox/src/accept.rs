//! Connections that are handed out when there is something to read from them.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// Has a listening TCP socket hand out a connection when its first bytes have come, and one without any after about this many
/// seconds (`TCP_DEFER_ACCEPT`, tcp(7)). For protocols in which the client speaks first. Until then the kernel keeps a few
/// hundred bytes for it, in the queue of those whose handshake is under way.
pub fn defer_accept(listener: impl AsFd, seconds: u8) -> io::Result<()> {
    let value = libc::c_int::from(seconds);
    let length = libc::socklen_t::try_from(size_of_val(&value)).unwrap_or_default();
    // SAFETY: the descriptor is open while it is borrowed, the kernel reads as many bytes as it is told of from `value`, which
    // lives longer than the call, and keeps no pointer to them.
    #[expect(unsafe_code, reason = "neither the standard library nor rustix has this option")]
    let outcome = unsafe {
        libc::setsockopt(
            listener.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_DEFER_ACCEPT,
            (&raw const value).cast(),
            length,
        )
    };
    if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_connection_comes_with_its_first_bytes_and_a_silent_one_later() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        defer_accept(&listener, 1).unwrap();
        let address = listener.local_addr().unwrap();
        let silent = TcpStream::connect(address).unwrap();
        let mut other = TcpStream::connect(address).unwrap();
        let start = Instant::now();
        listener.set_nonblocking(true).unwrap();
        assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        other.write_all(b"x").unwrap();
        listener.set_nonblocking(false).unwrap();
        assert_eq!(listener.accept().unwrap().1, other.local_addr().unwrap());
        assert!(start.elapsed() < Duration::from_millis(900), "{:?}", start.elapsed());
        assert_eq!(listener.accept().unwrap().1, silent.local_addr().unwrap());
        assert!(start.elapsed() > Duration::from_millis(500), "{:?}", start.elapsed());
    }

    #[test]
    fn what_is_no_tcp_socket_is_refused() {
        assert!(defer_accept(std::io::stderr(), 1).is_err());
    }
}
