//! Lines of processes on a terminal: time, name and text, aligned; a colour for each process type.

use std::fmt::Write as _;

use crate::output::{Paint, harmless_bytes};

/// How a line that is dimmed begins and ends.
const DIM: &str = "\u{1b}[2m";
const PLAIN: &str = "\u{1b}[0m";

/// Colours of process types, in the order in which types first speak.
const COLOURS: &[&str] = &["36", "33", "32", "35", "34", "96", "93", "92", "95", "94", "91", "31"];

/// What the app's access log is called among its processes.
pub(super) const ROUTER: &str = "router";

/// Lines with the names of their processes before them.
#[derive(Debug)]
pub(super) struct Lines {
    paint: Paint,
    /// Whether bytes go out as they came: to a file or a pipe.
    raw: bool,
    width: usize,
    types: Vec<String>,
}

impl Lines {
    /// For processes of these names, if they are known beforehand.
    pub(super) fn new<'n>(paint: Paint, raw: bool, names: impl IntoIterator<Item = &'n str>) -> Self {
        let width = names.into_iter().map(str::len).max().unwrap_or(0).max(6);
        Self { paint, raw, width, types: Vec::new() }
    }

    /// One line, with its newline. `clock` is a time of day, `HH:MM:SS`.
    pub(super) fn line(&mut self, clock: &str, process: &str, text: &[u8]) -> Vec<u8> {
        self.width = self.width.max(process.len());
        let head = format!("{clock} {process:<width$} | ", width = self.width);
        let mut line = Vec::with_capacity(head.len() + text.len() + 16);
        let dimmed = self.paint.enabled && process == ROUTER;
        if dimmed {
            line.extend_from_slice(DIM.as_bytes());
            line.extend_from_slice(head.as_bytes());
        } else if self.paint.enabled {
            let mut colour = String::new();
            let _ = write!(colour, "\u{1b}[{}m{head}\u{1b}[0m", self.colour(process));
            line.extend_from_slice(colour.as_bytes());
        } else {
            line.extend_from_slice(head.as_bytes());
        }
        if self.raw {
            line.extend_from_slice(text);
        } else {
            line.extend_from_slice(&harmless_bytes(text, self.paint.enabled));
        }
        if dimmed {
            line.extend_from_slice(PLAIN.as_bytes());
        }
        line.push(b'\n');
        line
    }

    fn colour(&mut self, process: &str) -> &'static str {
        let process_type = process.rsplit_once('.').map_or(process, |(process_type, _)| process_type);
        if process_type == "system" {
            return "97";
        }
        let known = self.types.iter().position(|one| one == process_type);
        let index = known.unwrap_or_else(|| {
            self.types.push(process_type.to_string());
            self.types.len() - 1
        });
        COLOURS[index % COLOURS.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_aligned() {
        let mut lines = Lines::new(Paint::default(), true, ["web.1", "scheduler.1"]);
        assert_eq!(lines.line("10:00:00", "web.1", b"up"), b"10:00:00 web.1       | up\n");
    }

    #[test]
    fn the_access_log_is_dimmed() {
        let mut lines = Lines::new(Paint { enabled: true }, true, []);
        let line = lines.line("10:00:00", ROUTER, b"GET /");
        assert_eq!(line, b"\x1b[2m10:00:00 router | GET /\x1b[0m\n");
    }

    #[test]
    fn what_a_process_says_cannot_steer_the_terminal() {
        let mut lines = Lines::new(Paint::default(), false, []);
        assert_eq!(lines.line("10:00:00", "web.1", b"\x1b[2Jx\xff"), b"10:00:00 web.1  | \\u{1b}[2Jx\xff\n");
    }
}
