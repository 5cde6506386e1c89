//! `[group:x]` sections, and which program belongs to which.

use std::collections::{HashMap, HashSet};

use report::Problem;

use super::options::Options;
use super::program::{self, Section as ProgramSection};
use super::{Common, Group, Program, Reader, Supervisord};

/// A program, and the group section that names it.
pub(super) struct Found {
    pub(super) program: Program,
    pub(super) in_group: Option<usize>,
}

/// Reads the group sections.
pub(super) fn read(reader: &mut Reader<'_, '_>) -> Vec<Group> {
    let mut groups = Vec::new();
    let defaults = reader.ini.sections.get("DEFAULT");
    for (header, section) in &reader.ini.sections {
        let Some(name) = header.strip_prefix("group:").map(str::trim) else { continue };
        let names = |name: &str| reader.outside.get(name);
        let mut options = Options { section, defaults, names: &names, findings: reader.findings };
        let priority = options.number("priority", 999, i64::from(i32::MIN), i64::from(i32::MAX)) as i32;
        let text = options.text("programs").unwrap_or_default();
        let place = options.span("programs");
        let programs: Vec<String> = text.split(',').map(|name| name.trim().to_string()).collect();
        let programs: Vec<String> = programs.into_iter().filter(|name| !name.is_empty()).collect();
        if name.is_empty() || name.contains([' ', ':', '/']) {
            let problem = Problem::error("supervisord.name", format!("`{name}` is no name of a group"))
                .at(section.span);
            reader.findings.push(problem.hint("names have no space, `:` and `/`"));
            continue;
        }
        if programs.is_empty() {
            let problem =
                Problem::warning("supervisord.group", format!("the group `{name}` has no programs"))
                    .at(place);
            reader.findings.push(problem.hint("add a line such as `programs=web,worker`"));
        }
        for program in &programs {
            let is = |kind: &str| reader.ini.sections.contains_key(&format!("{kind}:{program}"));
            if !is("program") && !is("fcgi-program") && !reader.findings.is_full() {
                let known = reader.ini.sections.keys().filter_map(|header| header.strip_prefix("program:"));
                let what = format!("the group `{name}` names a program `{program}` that is not there");
                let problem =
                    Problem::error("supervisord.group", what).at(place).did_you_mean(program, known);
                reader.findings.push(problem.or_hint(format!("add a section `[program:{program}]`")));
            }
        }
        groups.push(Group { name: name.to_string(), priority, programs, span: section.span });
    }
    groups
}

/// Reads the program sections: once for each group that names them, or by themselves.
pub(super) fn programs(reader: &mut Reader<'_, '_>, groups: &[Group], common: &Common) -> Vec<Found> {
    let (mut found, mut taken) = (Vec::new(), HashSet::new());
    let mut processes = 0;
    let named = by_program(groups);
    let ini = reader.ini;
    for (header, section) in &ini.sections {
        let Some(name) = header.strip_prefix("program:").map(str::trim) else { continue };
        if name.is_empty() || name.contains([' ', ':', '/']) {
            let problem = Problem::error("supervisord.name", format!("`{name}` is no name of a program"))
                .at(section.span);
            reader.findings.push(problem.hint("names have no space, `:` and `/`"));
            continue;
        }
        let wanted = match named.get(name) {
            None => vec![(None, name)],
            Some(indexes) => {
                indexes.iter().map(|index| (Some(*index), groups[*index].name.as_str())).collect()
            }
        };
        for (in_group, group) in wanted {
            let place = section.span;
            let section = ProgramSection { options: section, program: name, group, common };
            for program in program::read(reader, &section) {
                processes += program.processes.len().max(1);
                match unique(program, &mut taken) {
                    Ok(program) => found.push(Found { program, in_group }),
                    Err(problem) => reader.findings.push(problem),
                }
            }
            if processes > Supervisord::MOST_IN_ALL {
                let what = format!("more than {} processes in all", Supervisord::MOST_IN_ALL);
                reader.findings.push(Problem::error("supervisord.too-many", what).at(place));
                return found;
            }
        }
    }
    found
}

/// The groups that name a program, by the program.
fn by_program(groups: &[Group]) -> HashMap<&str, Vec<usize>> {
    let mut named: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, group) in groups.iter().enumerate() {
        for program in &group.programs {
            let indexes = named.entry(program).or_default();
            if indexes.last() != Some(&index) {
                indexes.push(index);
            }
        }
    }
    named
}

/// A program whose process type has a name that no other has.
fn unique(mut program: Program, taken: &mut HashSet<String>) -> Result<Program, Problem> {
    if taken.insert(program.process_type.name.clone()) {
        return Ok(program);
    }
    // The same program in two groups.
    let name = program::type_name(&format!("{}-{}", program.group, program.process_type.name));
    if !taken.insert(name.clone()) {
        let what = format!("two programs would be called `{}`", program.process_type.name);
        let problem = Problem::error("supervisord.name", what).at(program.span);
        return Err(
            problem.hint("a process type has letters, digits, `_` and `-` in its name: rename one of them")
        );
    }
    program.process_type.name = name;
    Ok(program)
}
