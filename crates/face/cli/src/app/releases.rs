//! `releases`: what ran when, and what changed from one to the next.

use keeper::protocol::{Answer, Request};
use release::differences;
use report::{Exit, Problem};

use super::place::Place;
use crate::arguments::AppOnly;
use crate::output::{Colour, harmless};
use crate::terminal::Surroundings;

/// Lists the releases of an app, the newest first.
pub(crate) fn releases(arguments: &AppOnly, surroundings: &Surroundings) -> u8 {
    let place = Place::new(&arguments.common, surroundings);
    place.exit(show(&place).map(|()| Exit::Done.code()))
}

fn show(place: &Place) -> Result<(), Problem> {
    let app = place.app()?.name;
    let answers = place.order(&Request::Releases { app })?;
    let Some(Answer::Releases { current, releases }) = answers.into_iter().next() else { return Ok(()) };
    if place.json {
        let told: Vec<_> = releases
            .iter()
            .map(|one| {
                serde_json::json!({
                    "release": one.number,
                    "current": current == Some(one.number),
                    "created": one.created,
                    "cause": one.cause,
                    "revision": one.definition.revision,
                    "config": one.definition.config.names().collect::<Vec<_>>(),
                })
            })
            .collect();
        place.print_json(&told);
        return Ok(());
    }
    let mut text = String::new();
    for (index, one) in releases.iter().enumerate().rev() {
        let mark = if current == Some(one.number) { "  (current)" } else { "" };
        let created = std::time::Duration::from_secs(one.created);
        let time = logs::Timestamp::from(std::time::UNIX_EPOCH + created).to_string();
        let time = time.get(..19).unwrap_or_default().replace('T', " ");
        let revision = one.definition.revision.as_deref().map(|one| format!("  {one}")).unwrap_or_default();
        let head = format!("{:>4}  {time}  {}{revision}{mark}", one.number, one.cause);
        text +=
            &place.talk.out.text(if mark.is_empty() { Colour::Dim } else { Colour::Green }, harmless(&head));
        text.push('\n');
        let before = index.checked_sub(1).map(|before| &releases[before].definition);
        for difference in differences(before, &one.definition).iter().filter(|_| before.is_some()) {
            let told = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".into());
            let line = format!(
                "      {}: {} -> {}",
                difference.what,
                told(&difference.before),
                told(&difference.after)
            );
            text += &harmless(&line);
            text.push('\n');
        }
    }
    place.talk.data(&text);
    Ok(())
}
