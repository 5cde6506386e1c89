//! Lexer, parser and compiler of templates. Any text compiles or fails at a place inside it.

#![no_main]

use std::sync::LazyLock;

use jinja::Environment;
use libfuzzer_sys::fuzz_target;

static ENVIRONMENT: LazyLock<Environment> = LazyLock::new(Environment::new);

fuzz_target!(|text: &str| {
    if let Err(error) = ENVIRONMENT.compile(&text.into(), value::SourceId(1)) {
        let span = error.span();
        assert!(span.is_none() || span.start as usize <= text.len(), "the error stands behind the text");
    }
});
