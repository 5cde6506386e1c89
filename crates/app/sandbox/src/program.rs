//! Giving back the pages of the program's own file.

use std::fs;
use std::io;

use rustix::mm::{Advice, madvise};

/// Lets go of the pages of this program's file that are mapped at the moment, code and constants, and answers how many
/// bytes they were. What is needed again is mapped again when it is touched, mostly without a read: the file stays in the page
/// cache. What the loader or the program has changed stays as it is.
pub fn give_back_program() -> io::Result<u64> {
    let program = fs::read_link("/proc/self/exe")?;
    let mappings = fs::read_to_string("/proc/self/smaps")?;
    let mut bytes = 0;
    for mapping in unchanged(&mappings, &program.to_string_lossy()) {
        let start = std::ptr::with_exposed_provenance_mut(mapping.start);
        // SAFETY: the mapping is private, of the program's file, not writable, and has no page of its own (`Anonymous` is 0):
        // each of its pages equals the file, which cannot be written to while it is run (ETXTBSY). After MADV_DONTNEED the
        // next access reads the same bytes from the same file, so no reference or instruction sees a difference.
        #[expect(unsafe_code, reason = "advice on memory that the compiler knows nothing of")]
        unsafe {
            madvise(start, mapping.length, Advice::LinuxDontNeed)?;
        }
        bytes += mapping.resident;
    }
    Ok(bytes)
}

/// A part of the program's file in memory.
#[derive(Debug, PartialEq, Eq)]
struct Mapping {
    start: usize,
    length: usize,
    /// Bytes of it that are mapped to pages.
    resident: u64,
}

/// The mappings of the program that are as they are in its file, in the text of `/proc/PID/smaps`.
fn unchanged(smaps: &str, program: &str) -> Vec<Mapping> {
    let mut found = Vec::new();
    let mut current = None;
    for line in smaps.lines() {
        let mut words = line.split_ascii_whitespace();
        let first = words.next().unwrap_or_default();
        if let Some((start, end)) = range(first) {
            let permissions = words.next().unwrap_or_default();
            // A path may hold spaces, so the end of the line says whether it is the one.
            let ours = line.ends_with(program) && words.nth(3).is_some_and(|path| program.starts_with(path));
            let fits = ours && matches!(permissions, "r-xp" | "r--p");
            current = fits.then_some(Mapping { start, length: end - start, resident: 0 });
            continue;
        }
        let kilobytes = words.next().and_then(|number| number.parse::<u64>().ok());
        match first {
            "Rss:" => {
                if let (Some(mapping), Some(kilobytes)) = (&mut current, kilobytes) {
                    mapping.resident = kilobytes * 1024;
                }
            }
            // Pages of its own: changed, as those are that the loader has relocated.
            "Anonymous:" if kilobytes == Some(0) => found.extend(current.take()),
            "Anonymous:" => current = None,
            _ => {}
        }
    }
    found
}

/// `7f00-7f10`, in hexadecimal digits.
fn range(word: &str) -> Option<(usize, usize)> {
    let (start, end) = word.split_once('-')?;
    let number = |text| usize::from_str_radix(text, 16).ok();
    number(start).zip(number(end)).filter(|(start, end)| start < end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_as_in_the_file_is_given_back() {
        let smaps = "\
1000-3000 r--p 00000000 fe:00 7 /usr/bin/pinch
Rss:                   8 kB
Anonymous:             0 kB
3000-9000 r-xp 00002000 fe:00 7 /usr/bin/pinch
Rss:                  12 kB
Anonymous:             4 kB
9000-a000 rw-p 00008000 fe:00 7 /usr/bin/pinch
Rss:                   4 kB
Anonymous:             0 kB
b000-c000 r-xp 00000000 fe:00 9 /usr/lib/other
Rss:                   4 kB
Anonymous:             0 kB
d000-e000 r-xp 00009000 fe:00 7 /usr/bin/pinch
Rss:                   0 kB
Anonymous:             0 kB
";
        let mapping = |start, length, resident| Mapping { start, length, resident };
        let expected = [mapping(0x1000, 0x2000, 8192), mapping(0xd000, 0x1000, 0)];
        assert_eq!(unchanged(smaps, "/usr/bin/pinch"), expected);
    }

    #[test]
    fn the_program_goes_on_with_less() {
        let resident = || {
            let smaps = fs::read_to_string("/proc/self/smaps").unwrap();
            let program = fs::read_link("/proc/self/exe").unwrap();
            unchanged(&smaps, &program.to_string_lossy()).iter().map(|mapping| mapping.resident).sum::<u64>()
        };
        let before = resident();
        let given_back = give_back_program().unwrap();
        assert!(given_back >= before / 2, "{given_back} of {before}");
        assert!(resident() < before, "{} is not less than {before}", resident());
        // Code and constants that were given back are the same as ever.
        assert_eq!(format!("{:?}", range("7f-80")), "Some((127, 128))");
    }
}
