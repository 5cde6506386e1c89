//! Text as Python's `str` and `difflib` see it: lines, differences, what counts as binary.

use similar::{Algorithm, DiffOp, capture_diff_slices, group_diff_ops};

/// Beyond this many bytes on either side no difference is computed: a report is read by people.
const MOST_BYTES: usize = 512 * 1024;

/// What stands in for a difference that is not to be seen.
pub(super) const HIDDEN: &str = "<show_changes=False>";

/// The lines of a text without their ends, split where Python's `str.splitlines` splits.
pub(super) fn lines(text: &str) -> Vec<&str> {
    lines_with_ends(text).into_iter().map(without_end).collect()
}

/// The lines of a text with their ends, split where Python's `str.splitlines(True)` splits.
pub(super) fn lines_with_ends(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if !ends_line(character) {
            continue;
        }
        let mut end = at + character.len_utf8();
        if character == '\r' && characters.next_if(|(_, next)| *next == '\n').is_some() {
            end += 1;
        }
        lines.push(&text[start..end]);
        start = end;
    }
    if start < text.len() {
        lines.push(&text[start..]);
    }
    lines
}

/// A line without its end.
pub(super) fn without_end(line: &str) -> &str {
    line.strip_suffix("\r\n").or_else(|| line.strip_suffix(ends_line)).unwrap_or(line)
}

fn ends_line(character: char) -> bool {
    matches!(
        character,
        '\n' | '\r' | '\x0b' | '\x0c' | '\x1c' | '\x1d' | '\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// What a report says of a file whose content changes: a unified difference, or that there is none to show.
pub(super) fn difference(old: &[u8], new: &[u8], show: bool) -> String {
    if !show {
        return HIDDEN.into();
    }
    match (is_text(old), is_text(new)) {
        (true, true) => unified(&String::from_utf8_lossy(old), &String::from_utf8_lossy(new)),
        (true, false) => "Replace text file with binary file".into(),
        (false, true) => "Replace binary file with text file".into(),
        (false, false) => "Replace binary file".into(),
    }
}

/// A unified difference with three lines around each change and without file names, as `difflib` prints it.
pub(super) fn unified(old: &str, new: &str) -> String {
    if old == new {
        return String::new();
    }
    if old.len() > MOST_BYTES || new.len() > MOST_BYTES {
        return format!("<{} bytes became {}: too many to show what differs>", old.len(), new.len());
    }
    // Files end lines at line feeds only.
    let old: Vec<&str> = old.split_inclusive('\n').collect();
    let new: Vec<&str> = new.split_inclusive('\n').collect();
    unified_lines(&old, &new, "\n", "")
}

/// A unified difference of lines. `end` closes the header lines, `between` joins all lines.
pub(super) fn unified_lines(old: &[&str], new: &[&str], end: &str, between: &str) -> String {
    let groups = group_diff_ops(capture_diff_slices(Algorithm::Myers, old, new), 3);
    let mut printed: Vec<String> = Vec::new();
    for group in &groups {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        if printed.is_empty() {
            printed.push(format!("--- {end}"));
            printed.push(format!("+++ {end}"));
        }
        let old_range = range(first.old_range().start, last.old_range().end);
        let new_range = range(first.new_range().start, last.new_range().end);
        printed.push(format!("@@ -{old_range} +{new_range} @@{end}"));
        for operation in group {
            if let DiffOp::Equal { .. } = operation {
                print(&mut printed, ' ', old, operation.old_range());
            } else {
                print(&mut printed, '-', old, operation.old_range());
                print(&mut printed, '+', new, operation.new_range());
            }
        }
    }
    printed.join(between)
}

fn print(printed: &mut Vec<String>, sign: char, lines: &[&str], range: std::ops::Range<usize>) {
    printed.extend(lines.get(range).unwrap_or_default().iter().map(|line| format!("{sign}{line}")));
}

/// A range as unified differences write it: from 1, the length left out when it is 1.
fn range(start: usize, end: usize) -> String {
    match end.saturating_sub(start) {
        1 => format!("{}", start + 1),
        0 => format!("{start},0"),
        length => format!("{},{length}", start + 1),
    }
}

/// Whether Salt would call it text: no NUL in the first 512 bytes, and these UTF-8 or mostly printable.
pub(super) fn is_text(content: &[u8]) -> bool {
    let block = content.get(..512).unwrap_or(content);
    if block.contains(&0) {
        return false;
    }
    match std::str::from_utf8(block) {
        Ok(_) => true,
        // The block may end inside a character.
        Err(error) if error.error_len().is_none() && block.len() < content.len() => true,
        Err(_) => {
            let printable = |byte: &&u8| matches!(**byte, 32..=126 | b'\n' | b'\r' | b'\t' | 0x0c | 0x08);
            let odd = block.len() - block.iter().filter(printable).count();
            odd * 10 <= block.len() * 3
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_read_as_difflib_prints_them() {
        assert_eq!(unified("hi\n", "hi\nthere\n"), "--- \n+++ \n@@ -1 +1,2 @@\n hi\n+there\n");
        assert_eq!(unified("", "a\n"), "--- \n+++ \n@@ -0,0 +1 @@\n+a\n");
        assert_eq!(unified("a\n", ""), "--- \n+++ \n@@ -1 +0,0 @@\n-a\n");
        assert_eq!(unified("same", "same"), "");
    }

    #[test]
    fn lines_split_as_python_splits_them() {
        assert_eq!(lines("a\r\nb\rc\nd\u{2028}e"), ["a", "b", "c", "d", "e"]);
        assert_eq!(lines("a\n\n"), ["a", ""]);
        assert!(lines("").is_empty());
    }

    #[test]
    fn binary_is_what_salt_calls_binary() {
        assert!(
            is_text(b"") && is_text("\u{fc}ber".as_bytes()) && !is_text(b"a\0b") && !is_text(&[0xff; 20])
        );
        assert_eq!(difference(b"a", b"a\0", true), "Replace text file with binary file");
        assert_eq!(difference(b"a", b"b", false), HIDDEN);
    }
}
