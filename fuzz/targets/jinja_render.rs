//! Rendering: any template ends within its limits, and its source map covers its output.

#![no_main]

use std::sync::LazyLock;

use jinja::{Environment, Globals, Job, Limits, NoLoader};
use libfuzzer_sys::fuzz_target;

static ENVIRONMENT: LazyLock<Environment> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_limits(Limits {
        steps: 200_000,
        depth: 60,
        output: 1 << 20,
        text: 1 << 20,
        items: 20_000,
        range: 10_000,
        integer_bits: 1 << 12,
    });
    environment
});

fuzz_target!(|text: &str| {
    let source = value::SourceId(1);
    let Ok(template) = ENVIRONMENT.compile(&text.into(), source) else { return };
    let mut globals = Globals::new();
    globals.set("number", 42_i64);
    globals.set("text", "some text");
    if let Ok(rendered) = ENVIRONMENT.render(&NoLoader, Job::new(template, source, globals)) {
        assert!(rendered.text.len() <= 1 << 20);
    }
});
