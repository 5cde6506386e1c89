//! Which route a request takes. Pure.
//!
//! The host decides first: an exact host before the longest `*.` above it before `*`. Among its routes the longest path wins.
//! Where a host has no route for the path, the next less exact host is asked: an app may own `/api` of a host and another one
//! all the rest. Paths are compared as the client wrote them: nothing is decoded, no `..` is resolved, so a
//! prefix chooses an app but guards nothing.

use std::collections::HashMap;

use crate::{HostPattern, TableError};

/// Routes by host and path.
#[derive(Debug)]
pub(crate) struct Matcher<T> {
    exact: HashMap<String, Vec<(String, T)>>,
    below: HashMap<String, Vec<(String, T)>>,
    any: Vec<(String, T)>,
}

impl<T> Default for Matcher<T> {
    fn default() -> Self {
        Self { exact: HashMap::new(), below: HashMap::new(), any: Vec::new() }
    }
}

impl<T> Matcher<T> {
    /// Adds a route. The path is a prefix; a last `/` makes no difference.
    pub(crate) fn add(&mut self, host: &HostPattern, path: &str, route: T) -> Result<(), TableError> {
        if !path.is_empty() && !path.starts_with('/') {
            return Err(TableError::BadPath { path: path.to_owned() });
        }
        let prefix = path.trim_end_matches('/');
        let routes = match host {
            HostPattern::Any => &mut self.any,
            HostPattern::Exact(name) => self.exact.entry(name.clone()).or_default(),
            HostPattern::Below(name) => self.below.entry(name.clone()).or_default(),
        };
        if routes.iter().any(|(other, _)| other == prefix) {
            return Err(TableError::Twice { host: host.to_string(), path: path.to_owned() });
        }
        let place = routes.partition_point(|(other, _)| other.len() >= prefix.len());
        routes.insert(place, (prefix.to_owned(), route));
        Ok(())
    }

    /// The route for a host (see [`plain_host`]) and a path.
    pub(crate) fn find(&self, host: &str, path: &str) -> Option<&T> {
        let exact = self.exact.get(host).and_then(|routes| longest(routes, path));
        exact.or_else(|| self.find_below(host, path)).or_else(|| longest(&self.any, path))
    }

    fn find_below(&self, host: &str, path: &str) -> Option<&T> {
        if self.below.is_empty() {
            return None;
        }
        let mut rest = host;
        while let Some((_, parent)) = rest.split_once('.') {
            if let Some(found) = self.below.get(parent).and_then(|routes| longest(routes, path)) {
                return Some(found);
            }
            rest = parent;
        }
        None
    }
}

fn longest<'a, T>(routes: &'a [(String, T)], path: &str) -> Option<&'a T> {
    let takes = |prefix: &str| {
        path.strip_prefix(prefix)
            .is_some_and(|rest| prefix.is_empty() || rest.is_empty() || rest.starts_with('/'))
    };
    routes.iter().find(|(prefix, _)| takes(prefix)).map(|(_, route)| route)
}

/// The host of a `Host` field or authority without its port and last dot. `None`: it is none.
pub(crate) fn plain_host(field: &str) -> Option<&str> {
    let (name, rest) = match field.strip_prefix('[') {
        Some(inner) => field.split_at(inner.find(']')? + 2),
        None => field.split_at(field.find(':').unwrap_or(field.len())),
    };
    let port = match rest.strip_prefix(':') {
        Some(port) => port,
        None if rest.is_empty() => "",
        None => return None,
    };
    let fits = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'-' | b'.'
                    | b'_'
                    | b'~'
                    | b'%'
                    | b'!'
                    | b'$'
                    | b'&'
                    | b'\''
                    | b'('
                    | b')'
                    | b'*'
                    | b'+'
                    | b','
                    | b';'
                    | b'='
            )
    };
    let inner = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let fine = match inner {
        Some(address) => address.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')),
        None => name.bytes().all(fits),
    };
    (fine && port.bytes().all(|byte| byte.is_ascii_digit())).then(|| name.strip_suffix('.').unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matcher(routes: &[(&str, &str)]) -> Matcher<String> {
        let mut matcher = Matcher::default();
        for (host, path) in routes {
            matcher.add(&host.parse().unwrap(), path, format!("{host}{path}")).unwrap();
        }
        matcher
    }

    #[test]
    fn the_longest_host_wins_then_the_longest_path() {
        let matcher = matcher(&[
            ("*", "/"),
            ("*", "/status"),
            ("*.example.org", "/"),
            ("*.deep.example.org", "/"),
            ("a.example.org", "/api"),
            ("a.example.org", "/api/v2/"),
        ]);
        for (host, path, route) in [
            ("other.net", "/", "*/"),
            ("other.net", "/status", "*/status"),
            ("other.net", "/status/x", "*/status"),
            ("other.net", "/statusx", "*/"),
            ("example.org", "/", "*/"),
            ("b.example.org", "/status", "*.example.org/"),
            ("x.deep.example.org", "/", "*.deep.example.org/"),
            ("x.y.deep.example.org", "/", "*.deep.example.org/"),
            ("deep.example.org", "/", "*.example.org/"),
            ("a.example.org", "/api", "a.example.org/api"),
            ("a.example.org", "/api/v2", "a.example.org/api/v2/"),
            ("a.example.org", "/api/v2/users", "a.example.org/api/v2/"),
            ("a.example.org", "/api/v22", "a.example.org/api"),
            ("a.example.org", "/elsewhere", "*.example.org/"),
            ("", "/", "*/"),
            ("", "*", "*/"),
        ] {
            assert_eq!(matcher.find(host, path).map(String::as_str), Some(route), "{host} {path}");
        }
    }

    #[test]
    fn what_no_route_takes_is_not_found() {
        let matcher = matcher(&[("example.org", "/api")]);
        assert_eq!(matcher.find("example.org", "/"), None);
        assert_eq!(matcher.find("www.example.org", "/api"), None);
    }

    #[test]
    fn the_same_place_twice_is_an_error() {
        let mut matcher = Matcher::default();
        matcher.add(&HostPattern::Any, "/a", 1).unwrap();
        assert!(matches!(matcher.add(&HostPattern::Any, "/a/", 2), Err(TableError::Twice { .. })));
        assert!(matches!(matcher.add(&HostPattern::Any, "a", 2), Err(TableError::BadPath { .. })));
    }

    #[test]
    fn hosts_lose_port_and_dot() {
        for (field, host) in [
            ("example.org", Some("example.org")),
            ("example.org:80", Some("example.org")),
            ("example.org.:80", Some("example.org")),
            ("[::1]:80", Some("[::1]")),
            ("[::1]", Some("[::1]")),
            ("", Some("")),
            ("a b", None),
            ("a/b", None),
            ("a@b", None),
            ("a:b", None),
            ("[::1", None),
            ("[::1]x", None),
            ("[x]", None),
        ] {
            assert_eq!(plain_host(field), host, "{field}");
        }
    }

    #[test]
    fn host_patterns_are_read() {
        for (text, pattern) in [
            ("*", Some(HostPattern::Any)),
            ("Example.ORG.", Some(HostPattern::Exact("example.org".into()))),
            ("*.example.org", Some(HostPattern::Below("example.org".into()))),
            ("[::1]", Some(HostPattern::Exact("[::1]".into()))),
            ("", None),
            ("*.", None),
            ("a*b", None),
            ("http://x", None),
        ] {
            assert_eq!(text.parse().ok(), pattern, "{text}");
        }
    }

    proptest! {
        /// The law, said a second time as plainly as possible and slowly.
        #[test]
        fn agrees_with_the_law(
            routes in prop::collection::btree_set(("(\\*|(\\*\\.)?[ab](\\.[ab]){0,2})", "(/[xy]){0,3}"), 0..12),
            host in "[ab](\\.[ab]){0,3}",
            path in "(/[xy]){1,4}",
        ) {
            let routes: Vec<_> = routes.iter().map(|(host, path)| (host.as_str(), path.as_str())).collect();
            let host_fits = |pattern: &str| match pattern.strip_prefix("*.") {
                Some(name) => host.ends_with(&format!(".{name}")),
                None => pattern == "*" || pattern == host,
            };
            let path_fits = |prefix: &str| path == prefix || path.starts_with(&format!("{prefix}/"));
            let rank = |(pattern, prefix): &(&str, &str)| {
                let kind = match *pattern { "*" => 0, below if below.starts_with("*.") => 1, _ => 2 };
                (kind, pattern.len(), prefix.len())
            };
            let best = routes.iter().filter(|(h, p)| host_fits(h) && path_fits(p)).max_by_key(|route| rank(route));
            let expected = best.map(|(host, path)| format!("{host}{path}"));
            prop_assert_eq!(matcher(&routes).find(&host, &path).cloned(), expected);
        }

        #[test]
        fn any_text_may_be_asked(text in ".{0,40}") {
            let _ = plain_host(&text);
            let _ = text.parse::<HostPattern>();
        }
    }
}
