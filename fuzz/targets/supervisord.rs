//! `supervisord.conf`: any text and any included text are understood or refused, and what is understood can be
//! exported again.
//!
//! The input is up to two texts, parted by a form feed: the configuration, and what it includes.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use procfile::{
    ConfigText, Export, Supervisord, SupervisordContext, check_name, export_supervisord, export_systemd,
};
use report::{Problems, Sources, Style};

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |byte| *byte == 0x0c);
    let main = parts.next().unwrap_or_default();
    let included = parts.next().unwrap_or_default().to_vec();
    let (sources, mut problems) = (Sources::new(), Problems::new());
    let mut context = SupervisordContext {
        here: "/etc",
        host: "box",
        process: &|name| (name == "X").then(|| "1".to_string()),
        include: &mut |_| Ok(vec![ConfigText { path: "/etc/x.conf".into(), bytes: included.clone() }]),
    };
    if let Some(found) = Supervisord::parse("supervisord.conf", main, &mut context, &sources, &mut problems) {
        let types: Vec<_> = found.programs.iter().map(|program| program.process_type.clone()).collect();
        assert!(types.iter().all(|known| check_name(&known.name).is_ok()));
        let export = Export {
            app: "app",
            directory: Path::new("/srv/app"),
            user: None,
            types: &types,
            config: &found.environment,
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
