//! Signals by name and number.

/// A signal by name, with or without `SIG`, in any case, or by number: its name without `SIG`.
pub(crate) fn signal(text: &str) -> Option<&'static str> {
    let upper = text.to_ascii_uppercase();
    let number = match text.trim().parse() {
        Ok(number) => number,
        Err(_) => SIGNALS.iter().find(|(name, _)| *name == upper.strip_prefix("SIG").unwrap_or(&upper))?.1,
    };
    SIGNALS.iter().find(|(_, known)| *known == number).map(|(name, _)| *name)
}

/// Linux's signals by number.
const SIGNALS: [(&str, i64); 36] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("IOT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("POLL", 29),
    ("PWR", 30),
    ("SYS", 31),
    ("RTMIN", 34),
    ("RTMAX", 64),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_by_any_name() {
        for text in ["TERM", "SIGTERM", "sigterm", "15"] {
            assert_eq!(signal(text), Some("TERM"), "{text}");
        }
        assert_eq!(signal("SIGCLD"), Some("CHLD"));
        assert_eq!(signal("USR1"), Some("USR1"));
        for text in ["", "SIG", "TREM", "0", "33", "65", "SIGSIGTERM"] {
            assert_eq!(signal(text), None, "{text}");
        }
    }
}
