//! Large pages behind the heap, on the thread whose heap it is.
#![allow(clippy::disallowed_methods, reason = "a test of what the kernel does")]

use std::fs;

/// Small values are made, as many as fill this.
const MEBIBYTES: usize = 12;

fn main() {
    let enabled = fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled").unwrap_or_default();
    let (first, small_pages) = fill();
    sandbox::heap_in_large_pages();
    let (second, large_pages) = fill();
    assert!(first == second, "memory holds what was written");
    println!(
        "{MEBIBYTES} MiB: {small_pages} page faults, then {large_pages} (large pages: {})",
        enabled.trim()
    );
    if enabled.contains("[madvise]") {
        assert!(large_pages < small_pages / 2, "{large_pages} page faults of {small_pages} are left");
    }
}

/// Fills memory; also how many page faults that took.
fn fill() -> (Vec<Vec<u8>>, u64) {
    let before = faults();
    let blocks =
        (0..MEBIBYTES * 1024).map(|number| vec![u8::try_from(number % 251).unwrap_or(0); 1000]).collect();
    (blocks, faults() - before)
}

/// Page faults of this process so far that needed no reading (proc(5), `minflt`).
fn faults() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("procfs is there");
    let behind_name = stat.rsplit_once(") ").expect("the name stands in brackets").1;
    behind_name.split(' ').nth(7).expect("minflt is field 10").parse().expect("it is a number")
}
