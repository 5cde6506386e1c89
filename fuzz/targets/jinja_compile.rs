//! Lexer, parser and compiler of templates. Any text compiles or fails at a place inside it.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let environment = jinja::Environment::new();
    if let Err(error) = environment.compile(&text.into(), value::SourceId(1)) {
        let span = error.span();
        assert!(span.is_none() || span.start as usize <= text.len(), "the error stands behind the text");
    }
});
