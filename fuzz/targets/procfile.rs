//! Procfiles and formations: any bytes are understood or refused; what is understood prints and reads the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use procfile::{BasePort, ConfigVars, Formation, Mode, Precedence, Procfile};
use report::{Problems, Sources, Style};

fuzz_target!(|input: (&[u8], &str)| {
    let (bytes, formation) = input;
    let (sources, mut problems) = (Sources::new(), Problems::new());
    let formation = Formation::parse("formation", formation, &sources, &mut problems);
    Procfile::parse("Procfile", bytes, Mode::Lenient, &sources, &mut problems);
    if let Some(procfile) = Procfile::parse("Procfile", bytes, Mode::Strict, &sources, &mut problems) {
        let text = procfile.to_string();
        let mut none = Problems::new();
        let again = Procfile::parse("again", text.as_bytes(), Mode::Strict, &Sources::new(), &mut none);
        let again = again.expect("what is printed is a Procfile");
        let written = |procfile: &Procfile| {
            procfile.entries().iter().map(|entry| (entry.name.clone(), entry.command.clone())).collect::<Vec<_>>()
        };
        assert_eq!(written(&again), written(&procfile));
        let mut types = procfile.process_types();
        if let Some(formation) = &formation {
            formation.start(&mut types, &mut problems);
        }
        let config = ConfigVars::new(Precedence::EnvFile);
        let base = BasePort::choose(None, &config, &sources).expect("the default");
        base.assign(&procfile, &mut types, &mut problems);
    }
    for problem in problems.iter() {
        report::render(problem, &sources, Style::Plain);
    }
});
