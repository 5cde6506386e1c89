//! Where apps are reached.

use std::net::IpAddr;

use release::Route;
use serde::Serialize;

/// A place where an app is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Link {
    /// As a person writes it.
    pub(crate) text: String,
    /// The URL; `None` where the route is a pattern or nothing listens.
    pub(crate) url: Option<String>,
}

/// A text as one segment of a URL's path.
pub(crate) fn encoded(text: &str) -> String {
    let mut url = String::with_capacity(text.len());
    for byte in text.bytes() {
        encode(byte, &mut url);
    }
    url
}

/// Where a route is reached, given the addresses that apps answer at and the name this page was reached by.
pub(super) fn of(route: &Route, http: &[String], reached: &str) -> Vec<Link> {
    let path = encoded_path(&route.path);
    let mut links: Vec<Link> = Vec::new();
    for (address, port) in http.iter().filter_map(|address| split(address)) {
        let hosts =
            if route.hosts.is_empty() { vec![host_of(address, reached)] } else { route.hosts.clone() };
        links.extend(hosts.into_iter().map(|host| link(&host, port, &path)));
    }
    if http.is_empty() {
        let hosts = if route.hosts.is_empty() { vec![String::new()] } else { route.hosts.clone() };
        links.extend(hosts.into_iter().map(|host| Link { text: format!("{host}{path}"), url: None }));
    }
    let mut seen = Vec::new();
    links.retain(|link| {
        !seen.contains(&link.text) && {
            seen.push(link.text.clone());
            true
        }
    });
    links
}

fn link(host: &str, port: u16, path: &str) -> Link {
    let port = if port == 80 { String::new() } else { format!(":{port}") };
    let text = format!("{host}{port}{}", if path == "/" { "" } else { path });
    let url = can_be_visited(host).then(|| format!("http://{host}{port}{path}"));
    Link { text, url }
}

/// The address where a listener is reached: one that listens everywhere does so wherever this page was found.
fn host_of(address: IpAddr, reached: &str) -> String {
    match address {
        address if address.is_unspecified() => reached.to_owned(),
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// Whether it is a name or an address, and no pattern.
fn can_be_visited(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        }
    }
}

fn split(address: &str) -> Option<(IpAddr, u16)> {
    let address: std::net::SocketAddr = address.parse().ok()?;
    Some((address.ip(), address.port()))
}

fn encoded_path(path: &str) -> String {
    let mut url = String::from(if path.starts_with('/') { "" } else { "/" });
    for byte in path.bytes() {
        if byte == b'/' { url.push('/') } else { encode(byte, &mut url) }
    }
    url
}

/// Adds a byte, percent-encoded unless it is unreserved (RFC 3986, section 2.3).
fn encode(byte: u8, url: &mut String) {
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        url.push(char::from(byte));
    } else {
        url.push_str(&format!("%{byte:02X}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(hosts: &[&str], path: &str, http: &[&str]) -> Vec<(String, Option<String>)> {
        let route = Route {
            process_type: "web".into(),
            hosts: hosts.iter().map(|host| (*host).into()).collect(),
            path: path.into(),
            drain_seconds: 30,
        };
        let http: Vec<_> = http.iter().map(|address| (*address).to_owned()).collect();
        of(&route, &http, "192.168.1.5").into_iter().map(|link| (link.text, link.url)).collect()
    }

    fn link(text: &str, url: &str) -> (String, Option<String>) {
        (text.into(), Some(url.into()))
    }

    #[test]
    fn names_and_addresses() {
        assert_eq!(urls(&[], "/", &["127.0.0.1:8000"]), [link("127.0.0.1:8000", "http://127.0.0.1:8000/")]);
        assert_eq!(urls(&[], "/", &["127.0.0.1:80"]), [link("127.0.0.1", "http://127.0.0.1/")]);
        assert_eq!(urls(&[], "/", &["[::1]:8000"]), [link("[::1]:8000", "http://[::1]:8000/")]);
        assert_eq!(
            urls(&["shop.localhost"], "/api", &["127.0.0.1:8000"]),
            [link("shop.localhost:8000/api", "http://shop.localhost:8000/api")]
        );
    }

    #[test]
    fn everywhere_is_where_the_page_was_found() {
        let everywhere = urls(&[], "/", &["0.0.0.0:8000", "[::]:8000"]);
        assert_eq!(everywhere, [link("192.168.1.5:8000", "http://192.168.1.5:8000/")]);
    }

    #[test]
    fn patterns_and_oddities_are_no_links() {
        assert_eq!(urls(&["*.example.com"], "/", &["0.0.0.0:80"]), [("*.example.com".into(), None)]);
        assert_eq!(urls(&["a\"onclick=x"], "/", &["0.0.0.0:80"]), [("a\"onclick=x".into(), None)]);
        assert_eq!(urls(&["user@evil.example"], "/", &["0.0.0.0:80"]), [("user@evil.example".into(), None)]);
        assert_eq!(urls(&[], "/", &[]), [("/".into(), None)]);
        assert_eq!(urls(&["shop.localhost"], "/", &[]), [("shop.localhost/".into(), None)]);
        assert_eq!(
            urls(&[], "/a b?\"<é", &["127.0.0.1:80"]),
            [link("127.0.0.1/a%20b%3F%22%3C%C3%A9", "http://127.0.0.1/a%20b%3F%22%3C%C3%A9")]
        );
    }

    #[test]
    fn names_in_urls() {
        assert_eq!(encoded("guestbook-2"), "guestbook-2");
        assert_eq!(encoded("../<b> é"), "..%2F%3Cb%3E%20%C3%A9");
    }
}
