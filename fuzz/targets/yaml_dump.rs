//! What is dumped reads back as what it was, in every style.

#![no_main]

use libfuzzer_sys::fuzz_target;
use render::yaml::{DumpStyle, Nowhere, dump, load};

fuzz_target!(|text: &str| {
    let Ok(value) = load(text, &Nowhere) else { return };
    for style in [DumpStyle::block(), DumpStyle::flow(), DumpStyle::mixed()] {
        let dumped = dump(&value, &style);
        match load(&dumped, &Nowhere) {
            Ok(again) => assert_eq!(again, value, "{dumped}"),
            Err(error) => panic!("{}\n{dumped}", report::Problem::from(error).what),
        }
    }
});
