//! The listening sockets of the router. The keeper holds them, so that neither a router that ends nor one that
//! becomes another ever refuses a connection.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with, sockopt};

use crate::protocol::{Handed, TlsListen};

/// Connections that may wait for a router, as the standard library has it.
const WAITING: i32 = 128;

/// The sockets.
#[derive(Default)]
pub(super) struct Listeners {
    sockets: Arc<Sockets>,
}

/// What a router is given.
#[derive(Default)]
pub(super) struct Sockets {
    http: Vec<TcpListener>,
    tls: Vec<(TcpListener, TlsListen)>,
    admin: Option<TcpListener>,
}

pub(super) type Shared = Arc<Sockets>;

/// Where somebody listens, or is to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Addresses {
    /// For apps.
    pub http: Vec<String>,
    /// For apps, over TLS.
    pub tls: Vec<TlsListen>,
    /// For the status page.
    pub admin: Option<String>,
}

impl Listeners {
    /// Listens on these addresses besides those that are there already.
    pub(super) fn add(&mut self, asked: &Addresses) -> Result<(), (String, std::io::Error)> {
        let there = &self.sockets;
        let mut sockets = Sockets {
            http: there.http.iter().filter_map(copy).collect(),
            tls: there.tls.iter().filter_map(|(one, shows)| Some((copy(one)?, shows.clone()))).collect(),
            admin: there.admin.as_ref().and_then(copy),
        };
        for address in &asked.http {
            if !sockets.http.iter().any(|there| is_at(there, address)) {
                sockets.http.push(listen(address)?);
            }
        }
        for shows in &asked.tls {
            match sockets.tls.iter_mut().find(|(there, _)| is_at(there, &shows.address)) {
                Some((_, before)) => before.clone_from(shows),
                None => sockets.tls.push((listen(&shows.address)?, shows.clone())),
            }
        }
        if let Some(address) = &asked.admin
            && !sockets.admin.as_ref().is_some_and(|there| is_at(there, address))
        {
            sockets.admin = Some(listen(address)?);
        }
        self.sockets = Arc::new(sockets);
        Ok(())
    }

    /// Listens again where an earlier keeper did; beside the sockets of its router, if that runs. Answers what cannot be
    /// listened on any more, and why.
    pub(super) fn listen_again(&mut self, before: &Addresses, router: bool) -> Vec<(String, std::io::Error)> {
        let mut lost = Vec::new();
        let mut found = |address: &String| {
            let listener = match listen(address) {
                Err((_, error)) if router && error.kind() == ErrorKind::AddrInUse => beside(address),
                listener => listener,
            };
            listener.map_err(|error| lost.push(error)).ok()
        };
        let http = before.http.iter().filter_map(&mut found).collect();
        let tls =
            before.tls.iter().filter_map(|shows| Some((found(&shows.address)?, shows.clone()))).collect();
        let admin = before.admin.as_ref().and_then(found);
        self.sockets = Arc::new(Sockets { http, tls, admin });
        lost
    }

    /// Takes over sockets of an earlier keeper.
    pub(super) fn take_over(&mut self, handed: Handed, descriptors: Vec<OwnedFd>) {
        let mut descriptors = descriptors.into_iter().map(TcpListener::from);
        let http = descriptors.by_ref().take(handed.http).collect();
        let tls = descriptors.by_ref().take(handed.tls.len()).zip(handed.tls).collect();
        self.sockets = Arc::new(Sockets { http, tls, admin: descriptors.next() });
    }

    pub(super) fn shared(&self) -> Shared {
        Arc::clone(&self.sockets)
    }

    /// Whether there is nowhere that apps can be reached.
    pub(super) fn is_empty(&self) -> bool {
        self.sockets.http.is_empty() && self.sockets.tls.is_empty()
    }

    /// Their addresses.
    pub(super) fn addresses(&self) -> Addresses {
        let address = |listener: &TcpListener| listener.local_addr().map(|address| address.to_string()).ok();
        let tls = |(listener, shows): &(TcpListener, TlsListen)| {
            Some(TlsListen { address: address(listener)?, ..shows.clone() })
        };
        Addresses {
            http: self.sockets.http.iter().filter_map(address).collect(),
            tls: self.sockets.tls.iter().filter_map(tls).collect(),
            admin: self.sockets.admin.as_ref().and_then(address),
        }
    }
}

impl Sockets {
    /// All of them, in the order in which they are handed over.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let tls = self.tls.iter().map(|(listener, _)| listener);
        self.http.iter().chain(tls).chain(&self.admin).map(|listener| listener.as_fd())
    }

    /// Which is which.
    pub(super) fn handed(&self) -> Handed {
        Handed { http: self.http.len(), tls: self.tls.iter().map(|(_, shows)| shows.clone()).collect() }
    }
}

fn listen(address: &str) -> Result<TcpListener, (String, std::io::Error)> {
    let at = |error| (address.to_string(), error);
    let invalid = || at(std::io::Error::new(ErrorKind::InvalidInput, "that is no socket address"));
    let listener = TcpListener::bind(parse(address).ok_or_else(invalid)?).map_err(at)?;
    listener.set_nonblocking(true).map_err(at)?;
    // From now on, and not before: whoever listens here for the first time hears when somebody else does, but a keeper that
    // comes after this one was killed can listen beside its router.
    sockopt::set_socket_reuseport(&listener, true).map_err(|errno| at(errno.into()))?;
    Ok(listener)
}

/// Listens where a socket of this user is that allows it.
fn beside(address: &str) -> Result<TcpListener, (String, std::io::Error)> {
    let bound = |meant: SocketAddr| {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let family = if meant.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let socket = socket_with(family, SocketType::STREAM, flags, None)?;
        sockopt::set_socket_reuseaddr(&socket, true)?;
        sockopt::set_socket_reuseport(&socket, true)?;
        bind(&socket, &meant)?;
        rustix::net::listen(&socket, WAITING)?;
        Ok(TcpListener::from(socket))
    };
    let meant = parse(address).ok_or(rustix::io::Errno::INVAL);
    meant.and_then(bound).map_err(|errno| (address.to_string(), errno.into()))
}

fn is_at(listener: &TcpListener, address: &str) -> bool {
    parse(address).is_some_and(|meant| listener.local_addr().is_ok_and(|there| there == meant))
}

/// An address, not a name: to look one up would hold up everything else.
fn parse(address: &str) -> Option<SocketAddr> {
    address.replace("localhost:", "127.0.0.1:").parse().ok()
}

fn copy(listener: &TcpListener) -> Option<TcpListener> {
    listener.try_clone().ok()
}
