//! Data on standard output: Salt's outputters.
//!
//! `nested`, `highstate`, `json`, `yaml`, `txt` and `quiet` print what Salt's outputters of those names print,
//! so that scripts that read them go on working. What they take is the data a call returned, keyed by
//! minion: `{"local": …}`.

mod highstate;
mod nested;
mod paint;
mod run;
mod txt;

use value::Value;

pub(crate) use highstate::HighstateOptions;
pub(crate) use paint::{Colour, Paint, harmless, harmless_bytes};
pub(crate) use run::run;

/// Which outputter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Indented, for people.
    #[default]
    Nested,
    /// Results of states, with a summary.
    Highstate,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// `key: value` lines.
    Txt,
    /// Values as Salt's `raw` prints them: one line of JSON.
    Raw,
    /// Nothing.
    Quiet,
}

/// How to print.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    /// Colours or none.
    pub paint: Paint,
    /// Spaces a level in JSON; `None` is one line.
    pub indent: Option<usize>,
    /// What `highstate` shows.
    pub highstate: HighstateOptions,
}

/// The text of `data` (keyed by minion) in that format, with a newline at the end unless it is empty.
pub(crate) fn format(data: &Value, format: Format, settings: Settings) -> String {
    let mut text = match format {
        Format::Nested => nested::lines(data, 0, settings.paint).join("\n"),
        Format::Highstate => highstate::text(data, settings),
        Format::Json => match settings.indent {
            Some(indent) => value::json::to_pretty(data, indent),
            None => value::json::to_text(data),
        },
        Format::Yaml => render::yaml::dump(data, &render::yaml::DumpStyle::block()),
        Format::Txt => txt::text(data),
        Format::Raw => value::json::to_text(data),
        Format::Quiet => return String::new(),
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}
