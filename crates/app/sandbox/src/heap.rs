//! Memory in large pages.

use std::hint::black_box;

use rustix::mm::{Advice, madvise};

/// How many bytes of the heap are asked for in large pages.
const ROOM: usize = 16 << 20;
/// The size of a large page, in bytes, on most machines.
const LARGE_PAGE: usize = 2 << 20;

/// Asks for large pages behind the next 16 MiB that this process allocates: a command that makes many small values
/// otherwise enters the kernel for each 4 KiB of them. Memory is taken as it is touched, so at most one large page is
/// taken for nothing. For processes that end soon: what they free of this stays theirs.
///
/// It does nothing where the kernel gives no large pages on request (`/sys/kernel/mm/transparent_hugepage/enabled` is
/// `never`) or refuses the room.
pub fn heap_in_large_pages() {
    // Large blocks lie beside the heap, until one has been freed: then the C library takes blocks of up to that size from
    // the heap, and keeps them there (malloc(3), M_MMAP_THRESHOLD).
    drop(room());
    let Some(mut room) = room() else { return };
    let spare = room.spare_capacity_mut();
    let before = spare.as_ptr().align_offset(LARGE_PAGE);
    if let Some(large) = spare.get_mut(before..) {
        let length = large.len() / LARGE_PAGE * LARGE_PAGE;
        // SAFETY: the range lies in `room`, which nobody else knows and which nobody reads; advice on large pages changes
        // no byte of it.
        #[expect(unsafe_code, reason = "advice on memory")]
        // What was refused leaves small pages, and all is as it was.
        let _ = unsafe { madvise(large.as_mut_ptr().cast(), length, Advice::LinuxHugepage) };
    }
    drop(room);
}

/// Memory that is not touched; nothing where there is not so much. Hidden from the compiler, which could leave it out.
fn room() -> Option<Vec<u8>> {
    let mut room = Vec::new();
    room.try_reserve_exact(ROOM).ok()?;
    Some(black_box(room))
}
