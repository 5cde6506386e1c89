//! The listening sockets of the router. The keeper holds them, so that neither a router that ends nor one that
//! becomes another ever refuses a connection.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;

use crate::protocol::{Handed, TlsListen};

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
    let invalid = || at(std::io::Error::new(std::io::ErrorKind::InvalidInput, "that is no socket address"));
    let listener = TcpListener::bind(parse(address).ok_or_else(invalid)?).map_err(at)?;
    listener.set_nonblocking(true).map_err(at)?;
    Ok(listener)
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
