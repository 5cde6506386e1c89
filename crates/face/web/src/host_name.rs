//! Which names a request may have been sent to.
//!
//! A foreign site can let its own name point to a loopback address and then talk to this page as if it were its own (DNS rebinding).
//! Its requests bear its name in `Host`. So only names that no foreign site can own are answered.

use std::net::{IpAddr, Ipv6Addr};

use hyper::Request;
use hyper::header::HOST;

/// The name or address by which the page was reached, as it is written in a URL; `None`: not to be answered.
pub(crate) fn reached<B>(request: &Request<B>, own: IpAddr) -> Option<String> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = accepted(hosts.next()?.to_str().ok()?, own)?;
    if hosts.next().is_some() {
        return None;
    }
    // A URL in place of a path says whom it is for, too.
    match request.uri().authority() {
        Some(authority) => accepted(authority.as_str(), own),
        None => Some(host),
    }
}

/// The host of `HOST[:PORT]`, if it is a loopback name, a loopback address, or `own`.
fn accepted(host: &str, own: IpAddr) -> Option<String> {
    let (name, port) = split(host)?;
    if !port.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let address = match name.strip_prefix('[') {
        Some(rest) => Some(IpAddr::V6(rest.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?)),
        None => name.parse().ok().filter(IpAddr::is_ipv4),
    };
    match address {
        Some(address) => {
            let address = address.to_canonical();
            (address.is_loopback() || address == own.to_canonical()).then(|| name.to_owned())
        }
        None => {
            let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
            is_loopback_name(&name).then_some(name)
        }
    }
}

/// `localhost` and names below it, which nobody else can own (RFC 6761, section 6.3).
fn is_loopback_name(name: &str) -> bool {
    let letters = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    name.split('.').all(letters) && name.rsplit('.').next() == Some("localhost")
}

/// Name and port; the port may be missing.
fn split(host: &str) -> Option<(&str, &str)> {
    let end = if host.starts_with('[') { host.find(']')? + 1 } else { host.find(':').unwrap_or(host.len()) };
    let (name, rest) = host.split_at(end);
    if rest.is_empty() { Some((name, "")) } else { Some((name, rest.strip_prefix(':')?)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_accepted(host: &str) -> bool {
        accepted(host, "192.168.1.5".parse().unwrap()).is_some()
    }

    #[test]
    fn own_and_loopback() {
        for host in [
            "localhost",
            "localhost:9000",
            "LocalHost.:9000",
            "pinch.localhost:80",
            "127.0.0.1",
            "127.8.9.10:1",
            "[::1]",
            "[::1]:9000",
            "[::ffff:127.0.0.1]:9000",
            "192.168.1.5",
            "192.168.1.5:9000",
            "localhost:",
        ] {
            assert!(is_accepted(host), "{host}");
        }
    }

    #[test]
    fn all_others() {
        for host in [
            "",
            ":9000",
            "evil.example",
            "evil.example:9000",
            "localhost.evil.example",
            "localhost@evil.example",
            "evil.example/localhost",
            "evilocalhost",
            "..localhost",
            "127.0.0.1.evil.example",
            "192.168.1.6",
            "0.0.0.0",
            "[::]",
            "[::1",
            "[::1]x",
            "::1",
            "[fe80::1%25lo]",
            "0x7f.1",
            "2130706433",
            "localhost:80x",
            "localhost:80:80",
            "<b>.localhost",
        ] {
            assert!(!is_accepted(host), "{host}");
        }
    }

    #[test]
    fn one_host_and_only_one() {
        let own = "127.0.0.1".parse().unwrap();
        let request = |target: &str, hosts: &[&str]| {
            let mut request = Request::builder().uri(target);
            for host in hosts {
                request = request.header(HOST, *host);
            }
            reached(&request.body(()).unwrap(), own)
        };
        assert_eq!(request("/", &["localhost:1"]).as_deref(), Some("localhost"));
        assert_eq!(request("/", &[]), None);
        assert_eq!(request("/", &["localhost", "localhost"]), None);
        assert_eq!(request("http://127.0.0.1/", &["localhost"]).as_deref(), Some("127.0.0.1"));
        assert_eq!(request("http://evil.example/", &["localhost"]), None);
        assert_eq!(request("http://localhost/", &["evil.example"]), None);
    }
}
