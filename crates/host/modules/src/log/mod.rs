//! `log`: what a template says on its way (`{% do salt.log.debug('...') %}`).
//!
//! Messages go to the minion's [`Messages`], from which the command line prints those at its log level on
//! standard error. A message is one of the tree's own making: whoever logs a secret shows it.

mod messages;

pub use messages::{Level, Messages};

use value::Value;

use crate::{Context, Failure, Module};

arguments! {
    /// Says something at the level the function is named after.
    pub(super) struct Message {
        /// What to say.
        message: Value,
    }
}

macro_rules! says {
    ($name:ident, $level:expr) => {
        fn $name(context: &Context<'_>, arguments: Message) -> Result<bool, Failure> {
            let messages = &context.minion.messages;
            if messages.keeps($level) {
                messages.push($level, arguments.message.to_string());
            }
            Ok(true)
        }
    };
}

says!(debug, Level::Debug);
says!(info, Level::Info);
says!(warning, Level::Warning);
says!(error, Level::Error);
says!(critical, Level::Critical);

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "log",
    documentation: "Messages from templates.",
    states: &[],
    functions: &[
        execution!("debug", debug, Message),
        execution!("info", info, Message),
        execution!("warning", warning, Message),
        execution!("error", error, Message),
        execution!("critical", critical, Message),
        execution!("exception", error, Message),
    ],
};
