//! `config`: config vars, and where each comes from.

use procfile::ConfigVar;
use report::Exit;

use super::describe::Described;
use super::place::Place;
use crate::arguments::Config;
use crate::output::{Colour, harmless};
use crate::terminal::Surroundings;

/// Prints the config vars of a folder in the order of their names: the value that counts, who set it, what it overrode.
pub(crate) fn config(arguments: &Config, surroundings: &Surroundings) -> u8 {
    let place = Place::new(&arguments.common, surroundings);
    let described = match Described::read(&arguments.folder, &arguments.description, &place, surroundings) {
        Ok(described) => described,
        Err(code) => return code,
    };
    let vars: Vec<&ConfigVar> =
        if arguments.all { described.config.iter().collect() } else { described.config.declared().collect() };
    let shown = |var: &ConfigVar| if arguments.reveal { var.value.reveal().clone() } else { var.shown() };
    if place.json {
        let told: Vec<_> = vars
            .iter()
            .map(|var| {
                let overridden: Vec<String> =
                    var.overridden.iter().map(|(origin, _)| origin.describe(&place.sources)).collect();
                let origin = var.origin.describe(&place.sources);
                serde_json::json!({"name": var.name, "value": shown(var), "from": origin, "overrides": overridden})
            })
            .collect();
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
    if vars.is_empty() {
        place.talk.line("no config vars are set; --all shows the process environment too");
    }
    place.talk.data(&text);
    Exit::Done.code()
}
