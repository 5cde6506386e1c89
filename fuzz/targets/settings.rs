//! `pinch.yaml`: any bytes are understood or refused, and what is understood makes process types that can be exported.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use procfile::{Export, Mode, Procfile, Settings, Stop, export_supervisord, export_systemd};
use report::{Problems, Sources, Style};

const PROCFILE: &[u8] = b"web: a\nworker: b\nclock: c\nrelease: d\n";

fuzz_target!(|bytes: &[u8]| {
    let (sources, mut problems) = (Sources::new(), Problems::new());
    let procfile = Procfile::parse("Procfile", PROCFILE, Mode::Strict, &sources, &mut problems).expect("a Procfile");
    let settings = Settings::parse("pinch.yaml", bytes, &procfile, &sources, &mut problems);
    assert_eq!(settings.is_none(), problems.has_errors());
    if let Some(settings) = settings {
        let mut types = procfile.process_types();
        settings.apply(&mut types);
        for one in &types {
            assert!(Stop::SIGNALS.contains(&one.stop.signal.as_str()));
            assert!(one.restart.first <= one.restart.longest);
            assert!(one.after.iter().all(|other| *other != one.name && procfile.get(other).is_some()));
            assert!(one.umask.is_none_or(|mask| mask <= 0o777) && one.port != Some(0));
        }
        let export = Export {
            app: "app",
            directory: Path::new("/srv/app"),
            user: None,
            types: &types,
            config: &[],
            config_directory: Path::new("/etc/app"),
            log_directory: None,
        };
        export_systemd(&export, &mut problems);
        export_supervisord(&export, &mut problems);
    }
    for problem in problems.iter() {
        report::render(problem, &sources, Style::Plain);
    }
});
