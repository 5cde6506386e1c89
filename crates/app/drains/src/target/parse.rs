//! From a URL to a [`Target`].

use std::path::PathBuf;
use std::str::FromStr;

use value::Secret;

use super::{
    Credentials, FACILITY_USER, Format, Http, LEAST_LONGEST, Syslog, Target, TargetError, Tls, WINDOW,
};

/// Every scheme there is.
pub(super) const SCHEMES: &[&str] = &["stdout", "file", "syslog", "syslog+tls", "http", "https"];

/// Facilities that a program in user space may claim, with their numbers (RFC 5424, 6.2.1).
const FACILITIES: &[(&str, u8)] = &[
    ("user", FACILITY_USER),
    ("daemon", 3),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
];

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(url: &str) -> Result<Self, TargetError> {
        let (scheme, rest) = split_scheme(url.trim())?;
        if let Some(octet) = rest.bytes().find(|octet| !octet.is_ascii_graphic()) {
            return Err(TargetError::Character { octet });
        }
        match scheme.as_str() {
            "stdout" => stdout(rest),
            "file" => file(rest),
            "syslog" => syslog(rest, false),
            "syslog+tls" => syslog(rest, true),
            "http" => http(rest, false),
            "https" => http(rest, true),
            _ => Err(TargetError::UnknownScheme { scheme }),
        }
    }
}

fn split_scheme(url: &str) -> Result<(String, &str), TargetError> {
    let (scheme, rest) = url.split_once(':').ok_or(TargetError::NoScheme)?;
    let legal = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-".contains(c));
    // `localhost:514` is a place without a scheme.
    let port = !rest.is_empty() && rest.bytes().all(|octet| octet.is_ascii_digit());
    if legal && !port { Ok((scheme.to_ascii_lowercase(), rest)) } else { Err(TargetError::NoScheme) }
}

fn stdout(rest: &str) -> Result<Target, TargetError> {
    let (path, options) = split_options(rest, &['?', '#']);
    if !path.is_empty() {
        return Err(TargetError::PathOfStdout);
    }
    Ok(Target::Stdout { format: Options::read("stdout", options, &["format"])?.format()? })
}

fn file(rest: &str) -> Result<Target, TargetError> {
    let (path, options) = split_options(rest, &['?', '#']);
    let path = decoded(path.strip_prefix("//").unwrap_or(path))?;
    if !path.starts_with('/') || path.ends_with('/') || path.contains('\0') {
        return Err(TargetError::FilePath);
    }
    let format = Options::read("file", options, &["format"])?.format()?;
    Ok(Target::File { path: PathBuf::from(path), format })
}

fn syslog(rest: &str, tls: bool) -> Result<Target, TargetError> {
    let (place, options) = split_options(rest, &['?', '#']);
    let place = place.strip_prefix("//").ok_or(TargetError::NoHost)?;
    if place.contains('@') {
        return Err(TargetError::Credentials);
    }
    let (authority, path) = place.split_once('/').unwrap_or((place, ""));
    let (host, port) = host_and_port(authority)?;
    if !path.is_empty() {
        return Err(TargetError::PathOfSyslog);
    }
    let options = if tls {
        Options::read("syslog+tls", options, &["bom", "ca", "facility", "longest", "window"])?
    } else {
        Options::read("syslog", options, &["bom", "facility", "longest", "window"])?
    };
    Ok(Target::Syslog(Syslog {
        host,
        port: port.ok_or(TargetError::NoPort)?,
        tls: options.tls(tls)?,
        facility: options.facility()?,
        bom: options.bom()?,
        longest: options.longest()?,
        window: options.window()?,
    }))
}

fn http(rest: &str, tls: bool) -> Result<Target, TargetError> {
    let (place, options) = split_options(rest, &['#']);
    let place = place.strip_prefix("//").ok_or(TargetError::NoHost)?;
    let (authority, path) = place.split_at(place.find(['/', '?']).unwrap_or(place.len()));
    let (credentials, authority) = match authority.rsplit_once('@') {
        Some((credentials, authority)) => (Some(read_credentials(credentials)?), authority),
        None => (None, authority),
    };
    let (host, port) = host_and_port(authority)?;
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(Secret::new(query.to_owned()))),
        None => (path, None),
    };
    let target = query.as_ref().map_or_else(|| path.to_owned(), |query| format!("{path}?{}", query.reveal()));
    if !target.is_empty() && target.parse::<http::uri::PathAndQuery>().is_err() {
        return Err(TargetError::Path);
    }
    let options = if tls {
        Options::read("https", options, &["ca", "gzip"])?
    } else {
        Options::read("http", options, &["gzip"])?
    };
    Ok(Target::Http(Http {
        host,
        port: port.unwrap_or(if tls { 443 } else { 80 }),
        tls: options.tls(tls)?,
        path: if path.is_empty() { "/".into() } else { path.into() },
        query,
        credentials,
        gzip: options.gzip()?,
    }))
}

/// What stands before the first of `marks`, and the options behind it.
fn split_options<'a>(text: &'a str, marks: &[char]) -> (&'a str, &'a str) {
    match text.find(marks) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    }
}

fn read_credentials(text: &str) -> Result<Credentials, TargetError> {
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    Ok(Credentials { user: Secret::new(decoded(user)?), password: Secret::new(decoded(password)?) })
}

fn host_and_port(authority: &str) -> Result<(String, Option<u16>), TargetError> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or(TargetError::Host)?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| TargetError::Host)?;
            (host, port)
        }
        None => {
            let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
            if !host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)) {
                return Err(TargetError::Host);
            }
            (host, port)
        }
    };
    if host.is_empty() {
        return Err(TargetError::NoHost);
    }
    let port = match port.strip_prefix(':') {
        // A number may carry a sign, a port may not.
        Some(digits) if digits.bytes().all(|c| c.is_ascii_digit()) => match digits.parse() {
            Ok(port) if port != 0 => Some(port),
            _ => return Err(TargetError::Port),
        },
        Some(_) => return Err(TargetError::Port),
        None if port.is_empty() => None,
        None => return Err(TargetError::Host),
    };
    Ok((host.to_owned(), port))
}

/// `%XX` undone.
fn decoded(text: &str) -> Result<String, TargetError> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        if octet != b'%' {
            octets.push(octet);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        match (digit(), digit()) {
            (Some(high), Some(low)) => octets.push((high * 16 + low) as u8),
            _ => return Err(TargetError::Percent),
        }
    }
    String::from_utf8(octets).map_err(|_| TargetError::Percent)
}

/// The name of a facility, if a URL can give it.
pub(super) fn facility_name(number: u8) -> Option<&'static str> {
    FACILITIES.iter().find(|(_, known)| *known == number).map(|(name, _)| *name)
}

/// Options, each at most once and each known.
struct Options<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Options<'a> {
    fn read(
        scheme: &'static str,
        text: &'a str,
        known: &'static [&'static str],
    ) -> Result<Self, TargetError> {
        if text.contains('@') {
            return Err(TargetError::AtInOptions);
        }
        let mut options: Vec<(&str, &str)> = Vec::new();
        for pair in text.split(['&', '#']).filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if !known.contains(&name) {
                return Err(TargetError::UnknownOption { scheme, name: name.to_owned(), known });
            }
            if options.iter().any(|(other, _)| *other == name) {
                return Err(TargetError::Twice { name: name.to_owned() });
            }
            options.push((name, value));
        }
        Ok(Self(options))
    }

    fn value(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
    }

    fn format(&self) -> Result<Format, TargetError> {
        match self.value("format") {
            None | Some("text") => Ok(Format::Text),
            Some("json") => Ok(Format::Json),
            Some(_) => Err(TargetError::Value { name: "format", takes: "`text` or `json`" }),
        }
    }

    fn tls(&self, spoken: bool) -> Result<Option<Tls>, TargetError> {
        let ca = self.value("ca").map(decoded).transpose()?.map(PathBuf::from);
        match ca {
            _ if !spoken => Ok(None),
            Some(path) if !path.is_absolute() => {
                Err(TargetError::Value { name: "ca", takes: "the absolute path of a PEM file" })
            }
            ca => Ok(Some(Tls { ca })),
        }
    }

    fn gzip(&self) -> Result<bool, TargetError> {
        match self.value("gzip") {
            None => Ok(false),
            Some("") => Ok(true),
            Some(_) => Err(TargetError::Value { name: "gzip", takes: "no value" }),
        }
    }

    fn facility(&self) -> Result<u8, TargetError> {
        let Some(value) = self.value("facility") else { return Ok(FACILITY_USER) };
        let takes = "`user`, `daemon` or `local0` to `local7`";
        let found = FACILITIES.iter().find(|(name, _)| *name == value);
        found.map(|(_, number)| *number).ok_or(TargetError::Value { name: "facility", takes })
    }

    fn bom(&self) -> Result<bool, TargetError> {
        match self.value("bom") {
            None | Some("yes") => Ok(true),
            Some("no") => Ok(false),
            Some(_) => Err(TargetError::Value { name: "bom", takes: "`yes` or `no`" }),
        }
    }

    fn longest(&self) -> Result<Option<usize>, TargetError> {
        let Some(value) = self.value("longest") else { return Ok(None) };
        match bytes(value) {
            Some(longest) if longest >= LEAST_LONGEST as u64 => Ok(Some(longest as usize)),
            _ => Err(TargetError::Value { name: "longest", takes: "a number of octets (`8192`, `8KiB`)" }),
        }
    }

    fn window(&self) -> Result<u64, TargetError> {
        let Some(value) = self.value("window") else { return Ok(WINDOW) };
        bytes(value).ok_or(TargetError::Value { name: "window", takes: "a number of bytes (`1MiB`)" })
    }
}

/// `8192`, `8KiB`, `1MiB`; at most 1 GiB.
fn bytes(text: &str) -> Option<u64> {
    let (digits, unit) = match (text.strip_suffix("KiB"), text.strip_suffix("MiB")) {
        (Some(digits), _) => (digits, 1 << 10),
        (_, Some(digits)) => (digits, 1 << 20),
        _ => (text, 1),
    };
    if !digits.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(unit).filter(|bytes| *bytes <= 1 << 30)
}
