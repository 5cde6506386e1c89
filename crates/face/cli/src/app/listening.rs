//! Where the router listens: what was asked for, what is there, what is free.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::Path;

use keeper::protocol::{Request, Status, TlsListen};
use release::Difference;
use report::{Exit, Problem};
use router::{StartError, TlsFiles};

use super::place::Place;
use crate::arguments::Up;

/// Where the router and the status page listen when nobody says, and how many ports after that are tried.
const HTTP: (&str, u16) = ("127.0.0.1", 8080);
const TLS: (&str, u16) = ("127.0.0.1", 8443);
const ADMIN: (&str, u16) = ("127.0.0.1", 8090);
const TRIED: u16 = 10;

/// The certificate that the router is to show, if any: both files can be read, and they fit together.
pub(super) fn certificate(arguments: &Up, place: &Place) -> Result<Option<TlsFiles>, Problem> {
    let files = match (&arguments.tls_certificate, &arguments.tls_key) {
        (Some(certificate), Some(key)) => {
            TlsFiles { certificate: place.folder.join(certificate), key: place.folder.join(key) }
        }
        (None, None) if arguments.listen_tls.is_empty() => return Ok(None),
        (certificate, key) => return Err(half_told(certificate.as_deref(), key.as_deref())),
    };
    files.check().map_err(|error| unusable(&error))?;
    Ok(Some(files))
}

/// Makes the router listen: where it was told to, else where it does already, else on the first port that is free.
pub(super) fn listen(arguments: &Up, tls: Option<&TlsFiles>, place: &Place) -> Result<(), Problem> {
    let status = place.status()?;
    let mut http = http(arguments, &status);
    if http.is_empty() {
        http.push(free(HTTP, "--listen")?);
    }
    let mut addresses = tls_addresses(arguments, tls, &status);
    if addresses.is_empty() && tls.is_some() {
        addresses.push(free(TLS, "--listen-tls")?);
    }
    let tls = tls.iter().flat_map(|files| shown_at(&addresses, files)).collect();
    let admin = arguments.admin.clone().or(status.admin).or_else(|| free(ADMIN, "--admin").ok());
    place.order(&Request::Listen { http, tls, admin }).map(drop)
}

/// What would be listened on that is not yet.
pub(super) fn differences(arguments: &Up, tls: Option<&TlsFiles>, status: &Status) -> Vec<Difference> {
    let added =
        |what: &str, after: String| Difference { what: what.into(), before: None, after: Some(after) };
    let asked = http(arguments, status).into_iter();
    let mut found: Vec<Difference> = asked
        .filter(|address| !status.http.iter().any(|there| is_meant(address, there)))
        .map(|address| added("listens on", address))
        .collect();
    let Some(files) = tls else { return found };
    let addresses = tls_addresses(arguments, tls, status);
    if addresses.is_empty() {
        found
            .push(added("listens for TLS on", format!("{}:{}, or the next port that is free", TLS.0, TLS.1)));
    }
    for wanted in shown_at(&addresses, files) {
        match status.tls.iter().find(|there| is_meant(&wanted.address, &there.address)) {
            None => found.push(added("listens for TLS on", wanted.address)),
            Some(there) if (&there.certificate, &there.key) != (&wanted.certificate, &wanted.key) => found
                .push(Difference {
                    what: format!("certificate at {}", wanted.address),
                    before: Some(told(there)),
                    after: Some(told(&wanted)),
                }),
            Some(_) => {}
        }
    }
    found
}

fn told(shows: &TlsListen) -> String {
    format!("{} with {}", shows.certificate.display(), shows.key.display())
}

fn http(arguments: &Up, status: &Status) -> Vec<String> {
    if arguments.listen.is_empty() { status.http.clone() } else { arguments.listen.clone() }
}

fn tls_addresses(arguments: &Up, tls: Option<&TlsFiles>, status: &Status) -> Vec<String> {
    let there = || status.tls.iter().filter(|_| tls.is_some()).map(|one| one.address.clone()).collect();
    if arguments.listen_tls.is_empty() { there() } else { arguments.listen_tls.clone() }
}

/// Whether an address that was asked for is one that is listened on. Port 0 means any.
fn is_meant(asked: &str, there: &str) -> bool {
    let Ok(there) = there.parse::<SocketAddr>() else { return false };
    asked
        .to_socket_addrs()
        .is_ok_and(|mut meant| meant.any(|one| one == there || (one.port() == 0 && one.ip() == there.ip())))
}

fn shown_at<'a>(addresses: &'a [String], files: &'a TlsFiles) -> impl Iterator<Item = TlsListen> + 'a {
    addresses.iter().map(|address| TlsListen {
        address: address.clone(),
        certificate: files.certificate.clone(),
        key: files.key.clone(),
    })
}

/// The first address from there on that nobody listens on.
fn free((ip, first): (&str, u16), option: &str) -> Result<String, Problem> {
    let mut addresses = (first..first + TRIED).map(|port| format!("{ip}:{port}"));
    addresses.find(|address| std::net::TcpListener::bind(address).is_ok()).ok_or_else(|| {
        let what = format!("ports {first} to {} are all in use", first + TRIED - 1);
        Problem::error("router.ports", what)
            .hint(format!("{option} ADDRESS:PORT says where to listen"))
            .exit(Exit::Failed)
    })
}

fn half_told(certificate: Option<&Path>, key: Option<&Path>) -> Problem {
    let (given, missing) = match (certificate, key) {
        (Some(_), _) => ("--tls-certificate", "--tls-key FILE"),
        (None, Some(_)) => ("--tls-key", "--tls-certificate FILE"),
        (None, None) => ("--listen-tls", "--tls-certificate FILE and --tls-key FILE"),
    };
    Problem::error("tls.half", format!("{given} alone is not enough for TLS"))
        .hint(format!("add {missing}, or leave {given} out"))
}

fn unusable(error: &StartError) -> Problem {
    Problem::error("tls.files", error.to_string())
        .why("nothing was started or changed")
        .hint("name a certificate and the key it was made for, both as PEM files that you may read")
}
