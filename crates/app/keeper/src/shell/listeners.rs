//! The listening sockets of the router. The keeper holds them, so that neither a router that ends nor one that
//! becomes another ever refuses a connection.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// The sockets.
#[derive(Default)]
pub(super) struct Listeners {
    sockets: Arc<Sockets>,
}

/// What a router is given.
#[derive(Default)]
pub(super) struct Sockets {
    pub http: Vec<TcpListener>,
    pub admin: Option<TcpListener>,
}

pub(super) type Shared = Arc<Sockets>;

impl Listeners {
    /// Listens on these addresses besides those that are there already.
    pub(super) fn add(
        &mut self,
        http: &[String],
        admin: Option<&str>,
    ) -> Result<(), (String, std::io::Error)> {
        let mut sockets =
            Sockets { http: copies(&self.sockets.http), admin: copy(self.sockets.admin.as_ref()) };
        for address in http {
            if !sockets.http.iter().any(|there| is_at(there, address)) {
                sockets.http.push(listen(address)?);
            }
        }
        if let Some(address) = admin
            && !sockets.admin.as_ref().is_some_and(|there| is_at(there, address))
        {
            sockets.admin = Some(listen(address)?);
        }
        self.sockets = Arc::new(sockets);
        Ok(())
    }

    /// Takes over sockets of an earlier keeper: `http` of them for apps, then that of the status page.
    pub(super) fn take_over(&mut self, http: usize, descriptors: Vec<OwnedFd>) {
        let mut descriptors = descriptors.into_iter().map(TcpListener::from);
        let http = descriptors.by_ref().take(http).collect();
        self.sockets = Arc::new(Sockets { http, admin: descriptors.next() });
    }

    pub(super) fn shared(&self) -> Shared {
        Arc::clone(&self.sockets)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sockets.http.is_empty()
    }

    /// Their addresses.
    pub(super) fn addresses(&self) -> (Vec<String>, Option<String>) {
        let address = |listener: &TcpListener| listener.local_addr().map(|address| address.to_string()).ok();
        (
            self.sockets.http.iter().filter_map(address).collect(),
            self.sockets.admin.as_ref().and_then(address),
        )
    }
}

fn listen(address: &str) -> Result<TcpListener, (String, std::io::Error)> {
    let at = |error| (address.to_string(), error);
    let invalid = |_| at(std::io::Error::new(std::io::ErrorKind::InvalidInput, "that is no socket address"));
    // Never a name: to look one up would hold up everything else.
    let parsed: SocketAddr = address.replace("localhost:", "127.0.0.1:").parse().map_err(invalid)?;
    let listener = TcpListener::bind(parsed).map_err(at)?;
    listener.set_nonblocking(true).map_err(at)?;
    Ok(listener)
}

fn is_at(listener: &TcpListener, address: &str) -> bool {
    let there = listener.local_addr().ok();
    there.is_some() && there == address.parse().ok()
}

fn copy(listener: Option<&TcpListener>) -> Option<TcpListener> {
    listener?.try_clone().ok()
}

fn copies(listeners: &[TcpListener]) -> Vec<TcpListener> {
    listeners.iter().filter_map(|listener| copy(Some(listener))).collect()
}
