//! `retry`: trying a state again.

use std::time::Duration;

use value::Value;

/// How often and how long, as a state's `retry` argument says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retry {
    /// Attempts in all.
    pub attempts: u32,
    /// The result to wait for.
    pub until: bool,
    /// The wait between attempts.
    pub interval: Duration,
}

impl Retry {
    /// Reads the argument: `True`, or a mapping with `attempts` (2), `until` (true) and `interval` (30
    /// seconds). The defaults are Salt's. `splay` is a random wait on top there; here the interval is kept, so
    /// that a run can be repeated. Null and `False` mean no retry.
    pub(crate) fn from_value(value: Option<&Value>) -> Option<Self> {
        let value = value.filter(|value| value.is_truthy())?;
        let number = |name: &str| value.get(name).and_then(Value::as_int);
        Some(Self {
            attempts: number("attempts").and_then(|count| u32::try_from(count).ok()).unwrap_or(2).max(1),
            until: value.get("until").and_then(Value::as_bool).unwrap_or(true),
            interval: Duration::from_secs(
                number("interval").and_then(|s| u64::try_from(s).ok()).unwrap_or(30),
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_salts() {
        let read = |json: &str| Retry::from_value(Some(&value::json::from_text(json).unwrap()));
        let default = Retry { attempts: 2, until: true, interval: Duration::from_secs(30) };
        assert_eq!(read("true"), Some(default));
        assert_eq!(read("false"), None);
        assert_eq!(read(r#"{"attempts": 5, "interval": 1}"#).map(|retry| retry.attempts), Some(5));
        assert_eq!(read(r#"{"attempts": -5}"#), Some(default));
    }
}
