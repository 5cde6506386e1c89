//! YAML as Salt reads it: any text is a value or an error inside the text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use render::yaml::{PlainText, load};

fuzz_target!(|text: &str| {
    let sources = report::Sources::new();
    let source = sources.add("fuzzed", text);
    match load(text, &PlainText(source)) {
        Ok(value) => drop(value.to_string()),
        Err(error) => {
            let problem = report::Problem::from(error);
            report::render(&problem, &sources, report::Style::Plain);
        }
    }
});
