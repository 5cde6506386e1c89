//! Env files: any bytes are understood or refused, no value is longer than can be passed on, and what is understood
//! prints and reads the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use procfile::{EnvContext, EnvFile, EnvFormat, Precedence, print_env};
use report::{Problems, Sources, Style};

fn read(bytes: &[u8], format: EnvFormat) -> Option<EnvFile> {
    let (sources, mut problems) = (Sources::new(), Problems::new());
    let process = |name: &str| (name == "B").then(|| "1".to_string());
    let context = EnvContext { format, precedence: Precedence::EnvFile, process: &process, earlier: &[] };
    let file = EnvFile::parse(".env", bytes, &context, &sources, &mut problems);
    for problem in problems.iter() {
        report::render(problem, &sources, Style::Plain);
    }
    file
}

fuzz_target!(|bytes: &[u8]| {
    read(bytes, EnvFormat::Foreman);
    read(bytes, EnvFormat::Raw);
    if let Some(file) = read(bytes, EnvFormat::Compose) {
        let vars: Vec<_> = file.vars().map(|var| (var.name.as_str(), var.value.reveal().as_str())).collect();
        let text = print_env(vars.iter().copied()).expect("what was read can be written");
        let again = read(text.as_bytes(), EnvFormat::Compose).expect("what is written can be read");
        assert!(vars.iter().all(|(name, value)| again.value(name) == Some(value)));
    }
});
