//! URLs that name no target.

use report::Problem;

use super::LEAST_LONGEST;

/// Why a URL names no target. The text never repeats what may be part of a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// No `scheme:` at its start.
    #[error("the drain's URL has no scheme")]
    NoScheme,
    /// A scheme that stands for nothing here.
    #[error("there is no drain of the kind `{scheme}:`")]
    UnknownScheme {
        /// The scheme.
        scheme: String,
    },
    /// A space, a control character, or anything else that has to be written as `%XX`.
    #[error("the drain's URL has a character that has to be written as %{octet:02X}")]
    Character {
        /// Its first octet.
        octet: u8,
    },
    /// A `%` without two hexadecimal digits behind it, or octets that are no UTF-8.
    #[error("the drain's URL has a `%` that stands for no character")]
    Percent,
    /// Something behind `stdout:`.
    #[error("`stdout:` takes no path")]
    PathOfStdout,
    /// A file that is not named by `file:///` and an absolute path.
    #[error("a file is named by its absolute path")]
    FilePath,
    /// No host.
    #[error("the drain's URL names no host")]
    NoHost,
    /// A host that is neither a name nor an address.
    #[error("the drain's URL names a host that is neither a name nor an address")]
    Host,
    /// No port, and none is usual.
    #[error("the drain's URL names no port")]
    NoPort,
    /// A port that is none.
    #[error("the drain's URL names a port that is no number from 1 to 65535")]
    Port,
    /// User or password where nothing asks for them.
    #[error("syslog knows no user and no password")]
    Credentials,
    /// A path or query with characters that a request cannot carry.
    #[error("the drain's URL has a path or query that HTTP cannot carry")]
    Path,
    /// A path where there is nothing to be found by it.
    #[error("a syslog receiver has no path")]
    PathOfSyslog,
    /// An `@` among the options: probably a password with a `#` or `?` in it.
    #[error("the drain's URL has an `@` behind `#` or `?`, where options stand")]
    AtInOptions,
    /// An option that this kind of target does not have.
    #[error("`{scheme}:` has no option `{name}`")]
    UnknownOption {
        /// The kind of target.
        scheme: &'static str,
        /// The option.
        name: String,
        /// Those it has.
        known: &'static [&'static str],
    },
    /// The same option twice.
    #[error("the option `{name}` is given twice")]
    Twice {
        /// The option.
        name: String,
    },
    /// An option with a value that it does not take.
    #[error("the option `{name}` takes {takes}")]
    Value {
        /// The option.
        name: &'static str,
        /// What it takes.
        takes: &'static str,
    },
}

impl From<TargetError> for Problem {
    fn from(error: TargetError) -> Self {
        let problem = Self::error("drains.target", error.to_string());
        match error {
            TargetError::NoScheme => {
                problem.hint("write `syslog://HOST:PORT`, `https://HOST/PATH`, `file:///PATH` or `stdout:`")
            }
            TargetError::UnknownScheme { scheme } => problem
                .did_you_mean(&scheme, super::parse::SCHEMES.iter().copied())
                .or_hint(format!("there are {}", super::parse::SCHEMES.join(", "))),
            TargetError::Character { octet } => problem.hint(format!("write %{octet:02X} in its place")),
            TargetError::Percent => problem.hint("write a plain % as %25"),
            TargetError::PathOfStdout => problem.hint("write `stdout:`, or `file:///PATH` for a file"),
            TargetError::FilePath => problem.hint("write `file:///var/log/app.log`, with three slashes"),
            TargetError::NoHost => problem.hint("write it behind the two slashes, as in `https://HOST/PATH`"),
            TargetError::Host => problem.hint("an IPv6 address stands in brackets, as in `http://[::1]:80/`"),
            TargetError::NoPort => {
                problem.hint("514 is usual for `syslog://`, 6514 for `syslog+tls://`: HOST:PORT")
            }
            TargetError::Port | TargetError::AtInOptions => {
                problem.hint("in a password, write / as %2F, : as %3A, @ as %40, ? as %3F and # as %23")
            }
            TargetError::Credentials => problem
                .hint("leave out what stands before the @")
                .hint("a receiver tells senders apart by address or certificate"),
            TargetError::Path => problem.hint("write \" as %22, < as %3C, > as %3E, ` as %60"),
            TargetError::PathOfSyslog => problem.hint("leave out what follows the port, up to `?` or `#`"),
            TargetError::UnknownOption { name, known, scheme } => {
                let problem = problem.did_you_mean(&name, known.iter().copied());
                if name.contains("insecure") || name.contains("verify") {
                    problem.hint("certificates are always verified; name the one you trust: `ca=FILE`")
                } else {
                    problem.or_hint(format!("{scheme}: has {}", known.join(", ")))
                }
            }
            TargetError::Twice { .. } => problem.hint("leave one of them out"),
            TargetError::Value { name: "longest", .. } => problem.hint(format!(
                "receivers that bound messages mostly take 8192 octets; {LEAST_LONGEST} is the least here"
            )),
            TargetError::Value { .. } => problem,
        }
    }
}
