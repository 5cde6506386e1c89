//! The values of one section, as what they mean.

use std::time::Duration;

use report::Problem;
use value::Span;

use super::expand::{ExpandError, Named, expand};
use super::ini::{Section, Value};
use crate::RestartPolicy;
use crate::mask;
use crate::signal::signal;
use crate::text::Findings;

/// One section being read; names in values are looked up in `names`.
pub(super) struct Options<'o, 'p> {
    pub(super) section: &'o Section,
    /// The section `[DEFAULT]`.
    pub(super) defaults: Option<&'o Section>,
    pub(super) names: &'o dyn Fn(&str) -> Option<Named>,
    pub(super) findings: &'o mut Findings<'p>,
}

/// The longest time that is taken, in seconds: a century.
const LONGEST: i64 = 100 * 365 * 24 * 3600;

impl Options<'_, '_> {
    /// The value as it is written.
    pub(super) fn written(&self, key: &str) -> Option<&Value> {
        let default = || self.defaults.and_then(|section| section.options.get(key));
        self.section.options.get(key).or_else(default)
    }

    /// Where the value stands, or the section.
    pub(super) fn span(&self, key: &str) -> Span {
        self.written(key).map_or(self.section.span, |value| value.span)
    }

    /// The value with names replaced; `None` if there is none, or a problem.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        let value = self.written(key)?.clone();
        let names = |name: &str| match name {
            "here" => Some(Named::Text(value.here.to_string())),
            _ => (self.names)(name),
        };
        match expand(&value.text, &names) {
            Ok(text) => Some(text),
            Err(error) => {
                self.findings.push(expand_problem(key, &error).at(value.span));
                None
            }
        }
    }

    /// The value as `read` has it; `otherwise` if there is none, or a problem.
    fn read<T>(&mut self, key: &str, otherwise: T, read: impl Fn(&str) -> Option<T>, hint: &str) -> T {
        let Some(text) = self.text(key) else { return otherwise };
        read(text.trim()).unwrap_or_else(|| {
            self.problem(key, &text, hint);
            otherwise
        })
    }

    /// Says that a value is none of its key.
    pub(super) fn problem(&mut self, key: &str, text: &str, hint: &str) {
        let what = format!("`{}` is no value of `{key}`", mask(key, text));
        self.findings.push(Problem::error("supervisord.value", what).at(self.span(key)).hint(hint));
    }

    pub(super) fn boolean(&mut self, key: &str, otherwise: bool) -> bool {
        self.read(key, otherwise, boolean, "write `true` or `false`")
    }

    /// A whole number within bounds.
    pub(super) fn number(&mut self, key: &str, otherwise: i64, least: i64, most: i64) -> i64 {
        let within = |number: &i64| (least..=most).contains(number);
        let hint = format!("give a whole number from {least} to {most}");
        self.read(key, otherwise, |text| integer(text).filter(within), &hint)
    }

    pub(super) fn seconds(&mut self, key: &str, otherwise: i64) -> Duration {
        Duration::from_secs(self.number(key, otherwise, 0, LONGEST).unsigned_abs())
    }

    pub(super) fn umask(&mut self, key: &str) -> Option<u32> {
        let octal = |text: &str| {
            u32::from_str_radix(text.trim_start_matches("0o"), 8).ok().filter(|mask| *mask <= 0o777)
        };
        self.written(key)?;
        self.read(key, None, |text| octal(text).map(Some), "give three octal digits, such as `022`")
    }

    /// A number of bytes: `50MB`, `512KB`, `1GB`, `4096`.
    pub(super) fn bytes(&mut self, key: &str, otherwise: u64) -> u64 {
        self.read(key, otherwise, bytes, "give a number of bytes, or of `KB`, `MB` or `GB`")
    }

    /// The name of a signal without `SIG`.
    pub(super) fn signal(&mut self, key: &str, otherwise: &str) -> String {
        let hint =
            "give a signal by name or number, such as `TERM`, `INT`, `QUIT`, `HUP`, `USR1`, `USR2` or `KILL`";
        self.read(key, otherwise.to_string(), |text| signal(text).map(String::from), hint)
    }

    pub(super) fn exit_codes(&mut self, key: &str) -> Vec<i32> {
        let codes = |text: &str| {
            let codes = text
                .split(',')
                .map(|code| integer(code).and_then(|code| u8::try_from(code).ok()).map(i32::from));
            if text.is_empty() { Some(Vec::new()) } else { codes.collect() }
        };
        self.read(key, vec![0], codes, "give exit codes from 0 to 255, parted by commas")
    }

    pub(super) fn restart_policy(&mut self) -> RestartPolicy {
        let codes = self.exit_codes("exitcodes");
        let policy = |text: &str| match (text.to_ascii_lowercase().as_str(), boolean(text)) {
            ("unexpected", _) => Some(RestartPolicy::Unexpected(codes.clone())),
            (_, Some(true)) => Some(RestartPolicy::Always),
            (_, Some(false)) => Some(RestartPolicy::Never),
            (_, None) => None,
        };
        let otherwise = RestartPolicy::Unexpected(codes.clone());
        self.read("autorestart", otherwise, policy, "write `true`, `false` or `unexpected`")
    }
}

fn expand_problem(key: &str, error: &ExpandError) -> Problem {
    let problem = Problem::error("supervisord.expansion", format!("`{key}` cannot be read: {error}"));
    match error {
        ExpandError::Percent | ExpandError::Unclosed(_) => problem.hint("a percent sign is written `%%`"),
        ExpandError::Unknown(name) if name.starts_with("ENV_") => {
            problem.why(format!("`{}` is not set in the process environment", &name[4..]))
        }
        ExpandError::Unknown(name) => {
            const NAMES: [&str; 6] =
                ["program_name", "process_num", "numprocs", "group_name", "here", "host_node_name"];
            problem
                .did_you_mean(name, NAMES)
                .or_hint(format!("there are {}, and `ENV_X` for the variable `X`", NAMES.join(", ")))
        }
        ExpandError::Conversion(..) => {
            problem.hint("write `%(name)s` for text, `%(name)d` or `%(name)02d` for numbers")
        }
        ExpandError::TooLong => problem,
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "on" | "1" => Some(true),
        "no" | "false" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// A whole number as Python's `int` reads it, but for underscores.
fn integer(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

fn bytes(text: &str) -> Option<u64> {
    let text = text.to_ascii_lowercase();
    let units = [("kb", 1 << 10), ("mb", 1 << 20), ("gb", 1_u64 << 30)];
    let unit = units.iter().find_map(|(end, size)| text.strip_suffix(end).map(|number| (number, *size)));
    let (number, size) = unit.unwrap_or((&text, 1));
    u64::try_from(integer(number)?).ok()?.checked_mul(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(bytes("50MB"), Some(50 << 20));
        assert_eq!(bytes("1 gb"), Some(1 << 30));
        assert_eq!(bytes("0"), Some(0));
        for text in ["", "MB", "-1", "1TB", "99999999999GB"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }
}
