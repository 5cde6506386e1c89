//! `config`: config vars, and where each comes from.

use procfile::{ConfigVar, TypeVar, mask};
use report::Exit;

use super::describe::Described;
use super::place::Place;
use super::settings;
use crate::arguments::Config;
use crate::output::{Colour, harmless};
use crate::terminal::Surroundings;

/// Prints the config vars of a folder in the order of their names: the value that counts, who set it, what it overrode. Then
/// those that only processes of one type have.
pub(crate) fn config(arguments: &Config, surroundings: &Surroundings) -> u8 {
    let place = Place::new(&arguments.common, surroundings);
    let described = match Described::read(&arguments.folder, &arguments.description, &place, surroundings) {
        Ok(described) => described,
        Err(code) => return code,
    };
    let vars: Vec<&ConfigVar> =
        if arguments.all { described.config.iter().collect() } else { described.config.declared().collect() };
    let shown = |var: &ConfigVar| if arguments.reveal { var.value.reveal().clone() } else { var.shown() };
    let own: Vec<Own<'_>> = own(&described).collect();
    let own_shown = |var: &TypeVar| {
        let value = var.value.reveal();
        if arguments.reveal { value.clone() } else { mask(&var.name, value) }
    };
    let origin_of =
        |var: &TypeVar| place.sources.locate(var.span).map_or_else(String::new, |at| at.to_string());
    if place.json {
        let mut told: Vec<_> = vars
            .iter()
            .map(|var| {
                let overridden: Vec<String> =
                    var.overridden.iter().map(|(origin, _)| origin.describe(&place.sources)).collect();
                let origin = var.origin.describe(&place.sources);
                serde_json::json!({"name": var.name, "value": shown(var), "from": origin, "overrides": overridden})
            })
            .collect();
        told.extend(own.iter().map(|own| {
            let overridden: Vec<String> =
                own.over.iter().map(|var| var.origin.describe(&place.sources)).collect();
            serde_json::json!({
                "process_type": own.process_type,
                "name": own.var.name,
                "value": own_shown(own.var),
                "from": origin_of(own.var),
                "overrides": overridden,
            })
        }));
        place.print_json(&told);
        return Exit::Done.code();
    }
    let mut text = String::new();
    for var in &vars {
        let overridden: Vec<String> =
            var.overridden.iter().map(|(origin, _)| origin.describe(&place.sources)).collect();
        let mut from = format!("# {}", var.origin.describe(&place.sources));
        if !overridden.is_empty() {
            from += &format!(", over {}", overridden.join(", "));
        }
        let value = harmless(&shown(var)).replace('\n', "\\n");
        text += &format!("{}={value}  {}\n", var.name, place.talk.out.text(Colour::Dim, from));
    }
    for Own { process_type, var, over } in &own {
        let mut from = format!("# {process_type} only, {}", origin_of(var));
        if let Some(over) = over {
            from += &format!(", over {}", over.origin.describe(&place.sources));
        }
        let value = harmless(&own_shown(var)).replace('\n', "\\n");
        text += &format!("{}={value}  {}\n", var.name, place.talk.out.text(Colour::Dim, from));
    }
    if vars.is_empty() && own.is_empty() {
        place.talk.line("no config vars are set; --all shows the process environment too");
    }
    place.talk.data(&text);
    Exit::Done.code()
}

/// A variable of one process type.
struct Own<'d> {
    process_type: &'d str,
    var: &'d TypeVar,
    /// The config var that it wins over.
    over: Option<&'d ConfigVar>,
}

/// Those of every process type, but for what an option sets.
fn own(described: &Described) -> impl Iterator<Item = Own<'_>> {
    described.settings.iter().flat_map(move |(process_type, settings)| {
        let counts = move |var: &&TypeVar| !settings::is_given(&var.name, &described.config);
        settings.environment.iter().filter(counts).map(move |var| Own {
            process_type,
            var,
            over: described.config.get(&var.name),
        })
    })
}
