//! Which lines belong together: the traces of exceptions, recognised where they are written.
//!
//! A [`Joiner`] follows one stream and decides each line when it arrives, so a decision is never taken back and nothing
//! has to be kept but the state: which kind of trace is under way, and what may come next in it. Traces of Python, Java, JavaScript
//! (Node), .NET, Go, Ruby and Rust are known, one file each; Java, JavaScript and .NET share `frames`, their frames all being indented
//! lines with `at`.
//!
//! A line is joined when it can only be part of a trace: because the trace so far demands it, or because of its own form
//! (`\tat java.lang.Thread.run(Thread.java:840)`), whatever the line before was. So a trace after a logger's prefix is joined too, to the line
//! of the prefix. The first line of a trace never is: what came before may be anything.
//!
//! What it cannot know: a line of an exception's message that looks like any other line ends the trace, save where only a trace can
//! follow. An empty line after a trace may be joined to it although it is none of its own.
//!
//! The price for an ordinary line is a look at its first byte and its last.

mod frames;
mod go;
mod node;
mod python;
mod ruby;
mod rust;

use serde::{Deserialize, Serialize};

/// Decides which lines of a stream belong to the event of the line before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joiner {
    state: State,
}

/// What is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// No trace.
    #[default]
    Ordinary,
    Python(python::State),
    Frames(frames::State),
    Node(node::State),
    Go(go::State),
    Ruby(ruby::State),
    Rust(rust::State),
}

impl Joiner {
    /// Bytes at the start of a line that are looked at.
    pub const LOOKS_AT: usize = 512;

    /// Whether this line belongs to the event of the one before it. Given without its newline; of a long line the first
    /// [`Joiner::LOOKS_AT`] bytes do.
    #[inline]
    pub fn line(&mut self, line: &[u8]) -> bool {
        let line = &line[..line.len().min(Self::LOOKS_AT)];
        if matches!(self.state, State::Ordinary) && !may_matter(line) {
            return false;
        }
        self.consider(line)
    }

    /// Whether a trace is under way that may go on with the next line.
    pub fn expects_more(&self) -> bool {
        !matches!(self.state, State::Ordinary)
    }

    fn consider(&mut self, line: &[u8]) -> bool {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let goes_on = match self.state {
            State::Ordinary => None,
            State::Python(state) => python::follow(state, line),
            State::Frames(state) => frames::follow(state, line).map(State::Frames),
            State::Node(state) => node::follow(state, line),
            State::Go(state) => go::follow(state, line),
            State::Ruby(state) => ruby::follow(state, line).map(State::Ruby),
            State::Rust(state) => rust::follow(state, line).map(State::Rust),
        };
        if let Some(state) = goes_on {
            self.state = state;
            return true;
        }
        let (state, joined) = begin(line);
        self.state = state;
        joined
    }
}

/// Whether a line outside of any trace can be the first of one, or a frame. Says no to nearly all others.
#[inline]
fn may_matter(line: &[u8]) -> bool {
    let begins = match line {
        [] => return false,
        [b' ' | b'\t', ..] => true,
        [b'0'..=b'9', _, _, _, b'/', ..] => true,
        [b'/', .., last] => last.is_ascii_digit() || *last == b'\r',
        [b'T' | b'E' | b'U' | b'S' | b'#', ..] => true,
        [b'[', b'e' | b's', ..] => true,
        [b'a'..=b'z', ..] => lower_case_may_matter(line),
        _ => false,
    };
    begins || line.ends_with(b")") || line.ends_with(b")\r")
}

/// The same for lines that begin with a lower-case letter, as many do: words that traces begin with, or a name with dots.
fn lower_case_may_matter(line: &[u8]) -> bool {
    const WORDS: [&[u8]; 11] = [
        b"thread '",
        b"stack ",
        b"note: ",
        b"node:",
        b"panic: ",
        b"fatal ",
        b"file:",
        b"fail: ",
        b"crit: ",
        b"gorou",
        b"runti",
    ];
    let name =
        line.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$')).count();
    line.get(name) == Some(&b'.') || WORDS.iter().any(|word| line.starts_with(word))
}

/// What a line outside of any trace begins, and whether it belongs to the line before all the same.
fn begin(line: &[u8]) -> (State, bool) {
    let python = || python::begin(line).map(State::Python);
    let frames = || frames::begin(line).map(State::Frames);
    let node = || node::begin(line).map(State::Node);
    let rust = || rust::begin(line).map(State::Rust);
    let go = || go::begin(line).map(State::Go);
    if let Some(state) = rust::lone_part(line) {
        return (State::Rust(state), true);
    }
    let begun = match line {
        [b' ' | b'\t', ..] => {
            let ruby = || ruby::lone_frame(line).map(State::Ruby);
            if let Some(state) = frames::lone_frame(line).map(State::Frames).or_else(ruby) {
                return (state, true);
            }
            python()
        }
        [b'T', ..] => python(),
        [b'E', ..] => python().or_else(rust).or_else(frames),
        [b'U', ..] => frames(),
        [b'S' | b'0'..=b'9', ..] => go(),
        [b'/' | b'[', ..] => node(),
        [b'f' | b'n', ..] => node().or_else(go).or_else(frames),
        [b'a'..=b'z', ..] => go().or_else(rust).or_else(frames),
        _ => None,
    };
    (begun.or_else(|| ruby::begin(line).map(State::Ruby)).unwrap_or_default(), false)
}

// --- forms that several languages share ---

fn is_indented(line: &[u8]) -> bool {
    matches!(line, [b' ' | b'\t', ..])
}

/// Without the spaces and tabs it begins with.
fn unindented(line: &[u8]) -> &[u8] {
    &line[line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()..]
}

/// How many decimal digits it begins with.
fn leading_digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// `PATH:123` as `PATH`.
fn before_line_number(text: &[u8]) -> Option<&[u8]> {
    let digits = text.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    text[..text.len() - digits].strip_suffix(b":").filter(|_| digits > 0)
}

/// A line that marks a place in the line above: carets and tildes.
fn is_marker(line: &[u8]) -> bool {
    line.contains(&b'^') && line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'^' | b'~'))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    /// Whether a line belongs to the one before, and the line.
    type Marked = (bool, Vec<u8>);

    /// Traces as they were printed, each line after `= ` (it begins an event) or `+ ` (it belongs to the one before).
    fn traces() -> Vec<(String, Vec<Marked>)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/traces");
        let mut files: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let read = |path: std::path::PathBuf| {
            let text = std::fs::read(&path).unwrap();
            let lines = text.strip_suffix(b"\n").unwrap_or(&text).split(|&byte| byte == b'\n');
            let marked = lines.map(|line| match line {
                [b'=', b' ', line @ ..] => (false, line.to_vec()),
                [b'+', b' ', line @ ..] => (true, line.to_vec()),
                _ => panic!("{}: a line without a mark: {}", path.display(), line.escape_ascii()),
            });
            (path.file_stem().unwrap().to_string_lossy().into_owned(), marked.collect())
        };
        files.into_iter().map(read).collect()
    }

    /// Lines of an ordinary log.
    const ORDINARY: [&[u8]; 12] = [
        b"GET /guestbook 200 12ms",
        b"INFO: Started server process [17]",
        b"{\"level\":\"info\",\"message\":\"ready\"}",
        b"2026-11-28 10:00:00,123 INFO [main] com.example.App - started in 1.2 s",
        b"2026/11/28 10:00:00 listening on :8080",
        b"error: could not connect (retrying)",
        b"done",
        b"panicked? no.",
        b"at last (it works)",
        b"/srv/app/static/app.js",
        b"\xff\x00\x1b[31mred",
        b"Error",
    ];

    #[test]
    fn real_traces() {
        for (name, lines) in traces() {
            let mut joiner = Joiner::default();
            for (number, (joined, line)) in lines.iter().enumerate() {
                let found = joiner.line(line);
                assert_eq!(found, *joined, "{name}, line {}: {}", number + 1, line.escape_ascii());
            }
        }
    }

    #[test]
    fn carriage_returns_change_nothing() {
        for (name, lines) in traces() {
            let mut joiner = Joiner::default();
            for (joined, line) in lines {
                assert_eq!(
                    joiner.line(&[&line, &b"\r"[..]].concat()),
                    joined,
                    "{name}: {}",
                    line.escape_ascii()
                );
            }
        }
    }

    #[test]
    fn ordinary_lines_join_nothing() {
        for (name, lines) in traces() {
            for ordinary in ORDINARY {
                let mut joiner = Joiner::default();
                for (joined, line) in &lines {
                    if !joined {
                        let before = joiner;
                        assert!(!joiner.line(ordinary), "{name}: {before:?} {}", ordinary.escape_ascii());
                    }
                    joiner.line(line);
                }
                assert!(!joiner.line(ordinary), "{name}");
            }
        }
    }

    #[test]
    fn prose_is_no_trace() {
        let mut joiner = Joiner::default();
        for line in [
            "    at noon we eat",
            "  at 5 pm (roughly)",
            "\tfrom here to there",
            "  ... 3 more or less",
            "   - item",
        ] {
            assert!(!joiner.line(line.as_bytes()), "{line}");
        }
    }

    proptest! {
        #[test]
        fn ordinary_lines_between_traces_stay_alone(picks in prop::collection::vec((any::<prop::sample::Index>(), 0..ORDINARY.len()), 1..20)) {
            let traces = traces();
            let lines: Vec<_> = traces.iter().flat_map(|(_, lines)| lines).collect();
            let starts: Vec<usize> = (0..lines.len()).filter(|&at| !lines[at].0).collect();
            let mut joiner = Joiner::default();
            for (pick, ordinary) in picks {
                prop_assert!(!joiner.line(ORDINARY[ordinary]), "{:?}", joiner);
                let start = *pick.get(&starts);
                joiner.line(&lines[start].1);
                for (_, line) in lines[start + 1..].iter().take_while(|(joined, _)| *joined) {
                    prop_assert!(joiner.line(line), "{}", line.escape_ascii());
                }
            }
            prop_assert!(!joiner.line(ORDINARY[0]));
        }

        #[test]
        fn any_bytes_are_taken_without_panic(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..40)) {
            let mut joiner = Joiner::default();
            for line in &lines {
                joiner.line(line);
            }
        }

        #[test]
        fn any_part_of_a_trace_is_taken_without_panic(pick: prop::sample::Index, cut: prop::sample::Index, noise: u8) {
            let traces = traces();
            let lines: Vec<_> = traces.iter().flat_map(|(_, lines)| lines).collect();
            let mut joiner = Joiner::default();
            for (_, line) in &lines[pick.index(lines.len())..] {
                let mut line = line[..cut.index(line.len() + 1)].to_vec();
                line.push(noise);
                joiner.line(&line);
            }
        }
    }
}
