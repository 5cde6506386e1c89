//! The binary is one file that needs nothing: no interpreter, no shared library.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test reads the binary"
)]

/// Program header: the path of a dynamic loader.
const PT_INTERP: u32 = 3;
/// Program header: the dynamic section.
const PT_DYNAMIC: u32 = 2;
/// Dynamic entry: a library that has to be loaded.
const DT_NEEDED: u64 = 1;

#[test]
fn the_binary_is_static() {
    let bytes = std::fs::read(env!("CARGO_BIN_EXE_pinch")).unwrap();
    println!("{} bytes", bytes.len());
    let elf = Elf::read(&bytes).expect("a 64-bit little-endian ELF file");
    for header in elf.headers() {
        assert_ne!(header.kind, PT_INTERP, "the binary asks for a dynamic loader");
        if header.kind == PT_DYNAMIC {
            let section = &bytes[header.offset..header.offset + header.size];
            let tags =
                section.chunks_exact(16).map(|entry| u64::from_le_bytes(entry[..8].try_into().unwrap()));
            assert!(!tags.into_iter().any(|tag| tag == DT_NEEDED), "the binary asks for a shared library");
        }
    }
}

#[test]
fn a_dynamic_binary_would_be_noticed() {
    let shell = std::fs::read("/bin/sh").unwrap();
    let elf = Elf::read(&shell).expect("a shell that is an ELF file");
    assert!(elf.headers().any(|header| header.kind == PT_INTERP));
}

/// As much of the ELF format as the question needs (System V ABI, chapters 4 and 5).
struct Elf<'a> {
    bytes: &'a [u8],
    /// Where the program headers start, how long one is, how many there are.
    table: (usize, usize, usize),
}

struct Header {
    kind: u32,
    offset: usize,
    size: usize,
}

impl<'a> Elf<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let is_elf64_little = bytes.starts_with(b"\x7fELF\x02\x01");
        is_elf64_little.then(|| {
            let half = |at: usize| usize::from(u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()));
            Self { bytes, table: (word(bytes, 32), half(54), half(56)) }
        })
    }

    fn headers(&self) -> impl Iterator<Item = Header> {
        let (start, length, count) = self.table;
        (0..count).map(move |number| {
            let header = &self.bytes[start + number * length..];
            let kind = u32::from_le_bytes(header[..4].try_into().unwrap());
            Header { kind, offset: word(header, 8), size: word(header, 32) }
        })
    }
}

fn word(bytes: &[u8], at: usize) -> usize {
    usize::try_from(u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())).unwrap()
}
