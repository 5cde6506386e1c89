//! Where a drain sends to, as people write it: a URL.
//!
//! | URL | where |
//! |---|---|
//! | `stdout:` | standard output of the drain process |
//! | `file:///path` | appended to a file; made anew when somebody moved it away |
//! | `syslog://host:port` | RFC 5424 over TCP, octet counting (RFC 6587) |
//! | `syslog+tls://host:port` | the same over TLS (RFC 5425) |
//! | `http://host/path`, `https://host/path` | POST of JSON lines |
//!
//! Options are `name=value` pairs joined by `&`, after `#`; where the URL has no query of its own (everything
//! but HTTP) `?` does as well. An HTTP query belongs to the target and is sent as it stands.
//!
//! | option | of | value |
//! |---|---|---|
//! | `format` | `stdout`, `file` | `text` (the default) or `json` |
//! | `ca` | `syslog+tls`, `https` | a PEM file whose certificates are trusted besides the system's |
//! | `facility` | `syslog`, `syslog+tls` | `user` (the default), `daemon`, `local0` … `local7` |
//! | `bom` | `syslog`, `syslog+tls` | `no`: no byte order mark before messages that are more than ASCII (RFC 5424 asks for it; rsyslog keeps it in the message) |
//! | `longest` | `syslog`, `syslog+tls` | octets of the longest message; longer ones are sent in parts. No bound by default |
//! | `window` | `syslog`, `syslog+tls` | bytes that are sent again after a connection broke; `8MiB` by default |
//! | `gzip` | `http`, `https` | no value: bodies are compressed |
//!
//! User and password before an `@` become basic authentication. There is no way to turn the verification of
//! certificates off: name the certificate that you trust with `ca`.

mod error;
mod parse;

use std::fmt;
use std::path::PathBuf;

use value::Secret;

pub use error::TargetError;

/// Where a drain sends to. It prints as its URL, with credentials and the values of an HTTP query masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output.
    Stdout {
        /// How events look there.
        format: Format,
    },
    /// A file that is appended to.
    File {
        /// Its absolute path.
        path: PathBuf,
        /// How events look in it.
        format: Format,
    },
    /// A syslog receiver.
    Syslog(Syslog),
    /// An HTTP service.
    Http(Http),
}

/// How events look in a stream of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `TIME APP[PROCESS]: MESSAGE`; further lines of an event start with a tab.
    #[default]
    Text,
    /// One JSON object a line, as HTTP targets get them.
    Json,
}

/// A syslog receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Syslog {
    /// Host name or address (IPv6 without brackets).
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Whether and how TLS is spoken.
    pub tls: Option<Tls>,
    /// The facility's number, 0 to 23.
    pub facility: u8,
    /// Whether a byte order mark stands before messages that are more than ASCII.
    pub bom: bool,
    /// Octets of the longest message; `None` is no bound.
    pub longest: Option<usize>,
    /// Bytes that count as unconfirmed after they were written, and are sent again when the connection breaks.
    pub window: u64,
}

/// An HTTP service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// Host name or address (IPv6 without brackets).
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Whether and how TLS is spoken.
    pub tls: Option<Tls>,
    /// The path; it starts with `/`.
    pub path: String,
    /// The query without its `?`; it may carry a token.
    pub query: Option<Secret<String>>,
    /// For basic authentication.
    pub credentials: Option<Credentials>,
    /// Whether bodies are compressed.
    pub gzip: bool,
}

/// How TLS is spoken: always verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// A PEM file with certificates that are trusted besides the system's.
    pub ca: Option<PathBuf>,
}

/// For basic authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Some services take a token here.
    pub user: Secret<String>,
    /// May be empty.
    pub password: Secret<String>,
}

/// Bytes that are sent again after a syslog connection broke, unless the URL says otherwise: more than what a
/// connection with Linux's defaults has under way (a send buffer of 256 KiB here, a receive buffer of 6 MiB there).
pub(crate) const WINDOW: u64 = 8 << 20;

/// The facility `user`.
pub(crate) const FACILITY_USER: u8 = 1;

/// Octets below which a bound on messages would leave no room for them beside a header of full length.
pub(crate) const LEAST_LONGEST: usize = 1024;

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout { format } => write!(f, "stdout:{}", json(*format)),
            Self::File { path, format } => write!(f, "file://{}{}", path.display(), json(*format)),
            Self::Syslog(syslog) => syslog.fmt(f),
            Self::Http(http) => http.fmt(f),
        }
    }
}

fn json(format: Format) -> &'static str {
    match format {
        Format::Text => "",
        Format::Json => "#format=json",
    }
}

impl fmt::Display for Syslog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls.is_some() { "syslog+tls" } else { "syslog" };
        write!(f, "{scheme}://{}:{}", Host(&self.host), self.port)?;
        let facility = (self.facility != FACILITY_USER)
            .then(|| parse::facility_name(self.facility))
            .flatten()
            .map(|name| format!("facility={name}"));
        let options = [
            ca(self.tls.as_ref()),
            facility,
            (!self.bom).then(|| "bom=no".into()),
            self.longest.map(|longest| format!("longest={longest}")),
            (self.window != WINDOW).then(|| format!("window={}", self.window)),
        ];
        fragment(f, options)
    }
}

impl fmt::Display for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = if self.tls.is_some() { ("https", 443) } else { ("http", 80) };
        write!(f, "{scheme}://")?;
        if let Some(credentials) = &self.credentials {
            write!(f, "{}@", credentials.user)?;
        }
        write!(f, "{}", Host(&self.host))?;
        if self.port != usual {
            write!(f, ":{}", self.port)?;
        }
        f.write_str(&self.path)?;
        if let Some(query) = &self.query {
            write!(f, "?{query}")?;
        }
        fragment(f, [ca(self.tls.as_ref()), self.gzip.then(|| "gzip".into())])
    }
}

fn ca(tls: Option<&Tls>) -> Option<String> {
    tls.and_then(|tls| tls.ca.as_ref()).map(|path| format!("ca={}", path.display()))
}

fn fragment(f: &mut fmt::Formatter<'_>, options: impl IntoIterator<Item = Option<String>>) -> fmt::Result {
    for (number, option) in options.into_iter().flatten().enumerate() {
        write!(f, "{}{option}", if number == 0 { '#' } else { '&' })?;
    }
    Ok(())
}

/// A host as it stands in a URL: IPv6 addresses in brackets.
pub(crate) struct Host<'a>(pub(crate) &'a str);

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.contains(':') { write!(f, "[{}]", self.0) } else { f.write_str(self.0) }
    }
}

#[cfg(test)]
mod tests;
