//! Ports as foreman assigns them: process N of the type at place I of the Procfile gets base + 100 × I + N − 1.
//!
//! The place counts every entry of the Procfile, whether it runs or not, so that a type keeps its port whatever is
//! started beside it. The base comes from the option, then from the config var `PORT` (where the command line wins
//! over `.env`, and `.env` over the process environment), then it is 5000.

use report::{Problem, Problems, Sources};
use value::Span;

use crate::{ConfigVars, ProcessType, Procfile};

/// How far apart the first ports of two neighbouring types are.
pub const STEP: u16 = 100;

/// The first port, and who said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasePort {
    /// The port; not 0.
    pub port: u16,
    /// Who said so: `the option`, `.env:3:6`, `the default`.
    pub origin: String,
    /// Where it stands, if anywhere.
    pub span: Span,
}

impl BasePort {
    /// The base when nobody says anything.
    pub const DEFAULT: u16 = 5000;

    /// Chooses the base: the option, else the config var `PORT`, else 5000.
    pub fn choose(option: Option<u16>, config: &ConfigVars, sources: &Sources) -> Result<Self, Problem> {
        if let Some(port) = option {
            let origin = "the option".to_string();
            return match port {
                0 => Err(no_port("0").on(origin)),
                _ => Ok(Self { port, origin, span: Span::NONE }),
            };
        }
        let Some(var) = config.get("PORT") else {
            return Ok(Self { port: Self::DEFAULT, origin: "the default".into(), span: Span::NONE });
        };
        let text = var.value.reveal();
        let (origin, span) = (var.origin.describe(sources), var.origin.span);
        match text.trim().parse::<u16>() {
            Ok(port) if port > 0 => Ok(Self { port, origin, span }),
            _ => Err(no_port(&crate::mask("PORT", text)).on(origin).at(span)),
        }
    }

    /// Gives each process type its first port, by its place in the Procfile. Types that are not in the Procfile, or have a
    /// port already, keep what they have. Counts have to be set before.
    ///
    /// Ports beyond 65535, and two types that would have the same one, are problems.
    pub fn assign(&self, procfile: &Procfile, types: &mut [ProcessType], problems: &mut Problems) {
        let mut taken: Vec<(u64, u64, &str, bool)> = Vec::new();
        for (place, entry) in procfile.entries().iter().enumerate() {
            let Some(known) = types.iter_mut().find(|known| known.name == entry.name) else { continue };
            let fixed = known.port.is_some();
            let counted = u64::from(self.port) + u64::from(STEP) * place as u64;
            let first = known.port.map_or(counted, u64::from);
            let last = first + u64::from(known.count.max(1)) - 1;
            let Ok(port) = u16::try_from(first).and_then(|port| u16::try_from(last).map(|_| port)) else {
                problems.push(self.overflow(entry.name_span, &entry.name, last));
                continue;
            };
            let meets = |(begin, end, ..): &&(u64, u64, &str, bool)| *begin <= last && first <= *end;
            if let Some((.., other, other_fixed)) = taken.iter().find(meets).filter(|_| known.count > 0) {
                let what = format!("processes of `{other}` would get the ports of `{}`", entry.name);
                let problem = Problem::error("port.overlap", what).at(entry.name_span);
                problems.push(if fixed || *other_fixed {
                    let why = format!("types without a port of their own count from {}, {STEP} apart", self.port);
                    problem.why(why).hint("give one of them another `port`, or begin elsewhere")
                } else {
                    let why = format!("ports of two types are {STEP} apart, so that {STEP} processes of a type fit in between");
                    problem.why(why).hint(format!("run fewer of `{other}`, or put it last in the Procfile"))
                });
            }
            if known.count > 0 {
                taken.push((first, last, &entry.name, fixed));
            }
            known.port = Some(port);
        }
    }

    fn overflow(&self, place: Span, name: &str, last: u64) -> Problem {
        Problem::error("port.overflow", format!("no ports are left for `{name}`: {last} is beyond 65535"))
            .at(place)
            .related(self.span, "the base")
            .why(format!(
                "the base is {}, from {}; each type begins {STEP} higher than the one before",
                self.port, self.origin
            ))
            .hint("choose a lower base port")
    }
}

fn no_port(text: &str) -> Problem {
    Problem::error("port.base", format!("`{text}` is no port to begin at"))
        .hint("give a number from 1 to 65535")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Formation, Mode, Precedence};

    /// Name, first port and count of each type, or the problems.
    fn ports(procfile: &str, formation: &str, base: u16) -> Result<Vec<(String, Option<u16>)>, String> {
        let (sources, mut problems) = (Sources::new(), Problems::new());
        let procfile =
            Procfile::parse("Procfile", procfile.as_bytes(), Mode::Strict, &sources, &mut problems)
                .expect("a Procfile");
        let mut types = procfile.process_types();
        let formation = Formation::parse("-m", formation, &sources, &mut problems).expect("a formation");
        formation.start(&mut types, &mut problems);
        let config = ConfigVars::new(Precedence::EnvFile);
        let base = BasePort::choose(Some(base), &config, &sources).expect("a base");
        base.assign(&procfile, &mut types, &mut problems);
        if problems.is_empty() {
            Ok(types.into_iter().map(|known| (known.name, known.port)).collect())
        } else {
            Err(problems.iter().map(|p| report::render(p, &sources, report::Style::Plain)).collect())
        }
    }

    #[test]
    fn a_type_keeps_its_place_whatever_runs_beside_it() {
        let found = ports("release: r\nweb: w\nclock: c\nworker: x\n", "worker=2", 5000);
        let expected = [("web", 5100), ("clock", 5200), ("worker", 5300)];
        assert_eq!(found, Ok(expected.map(|(name, port)| (name.to_string(), Some(port))).to_vec()));
    }

    #[test]
    fn ports_do_not_run_out_or_over() {
        assert!(ports("a: x\nb: x\n", "all=1", 65435).is_ok());
        let problem = ports("a: x\nb: x\n", "all=2", 65435).expect_err("too high");
        assert!(problem.contains("no ports are left for `b`: 65536 is beyond 65535"), "{problem}");
        assert!(ports("a: x\nb: x\n", "a=100,b=1", 5000).is_ok());
        assert!(ports("a: x\nb: x\n", "a=101", 5000).is_ok(), "b does not run");
        let problem = ports("a: x\nb: x\nc: x\n", "a=201,c=1", 5000).expect_err("overlap");
        assert!(problem.contains("processes of `a` would get the ports of `c`"), "{problem}");
    }

    #[test]
    fn a_port_of_its_own_stays() {
        let assigned = |port| {
            let (sources, mut problems) = (Sources::new(), Problems::new());
            let procfile =
                Procfile::parse("Procfile", b"a: x\nb: x\n", Mode::Strict, &sources, &mut problems);
            let procfile = procfile.expect("a Procfile");
            let mut types = procfile.process_types();
            types[1].port = Some(port);
            let base = BasePort { port: 5000, origin: "the default".into(), span: Span::NONE };
            base.assign(&procfile, &mut types, &mut problems);
            let said: Vec<String> = problems.iter().flat_map(|problem| problem.hints.clone()).collect();
            (types[0].port, types[1].port, said)
        };
        assert_eq!(assigned(80), (Some(5000), Some(80), Vec::new()));
        assert_eq!(assigned(5000).2, ["give one of them another `port`, or begin elsewhere"]);
    }

    #[test]
    fn the_base_is_the_option_then_port_then_5000() {
        let sources = Sources::new();
        let mut config = ConfigVars::new(Precedence::EnvFile);
        let base = |option, config: &ConfigVars| BasePort::choose(option, config, &sources);
        assert_eq!(base(None, &config).map(|base| base.port), Ok(5000));
        config.add_process_environment([("PORT".into(), "7000".into())]);
        assert_eq!(
            base(None, &config).map(|base| (base.port, base.origin)),
            Ok((7000, "process environment".into()))
        );
        assert_eq!(base(Some(9000), &config).map(|base| base.port), Ok(9000));
        assert!(base(Some(0), &config).is_err());
        for wrong in ["http", "0", "70000", "-1", ""] {
            let mut config = ConfigVars::new(Precedence::EnvFile);
            config.add_process_environment([("PORT".into(), wrong.into())]);
            assert!(base(None, &config).is_err(), "{wrong}");
        }
    }
}
