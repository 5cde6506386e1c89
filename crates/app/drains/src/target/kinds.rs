//! The kinds of targets.

use std::path::PathBuf;

use value::Secret;

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
pub(super) const WINDOW: u64 = 8 << 20;

/// The facility `user`.
pub(super) const FACILITY_USER: u8 = 1;

/// Octets below which a bound on messages would leave no room for them beside a header of full length.
pub(crate) const LEAST_LONGEST: usize = 1024;
