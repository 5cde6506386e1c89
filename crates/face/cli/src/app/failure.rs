//! What the keeper's refusals look like to a person.

use keeper::client::ClientError;
use report::{Exit, Problem};

/// A problem for what the keeper, or the way to it, had to say.
pub(super) fn of_client(error: ClientError) -> Problem {
    match error {
        ClientError::NoKeeper(socket) => Problem::error("keeper.none", "no app runs here: there is no keeper")
            .on(socket.display().to_string())
            .hint("`pinch up DIR` starts an app and a keeper; --home (or PINCH_HOME) says where another one lives")
            .exit(Exit::Failed),
        ClientError::Forbidden(socket, error) => {
            Problem::error("keeper.forbidden", format!("the keeper may not be spoken to: {error}"))
                .on(socket.display().to_string())
                .hint("run the command as the user the keeper runs as, or as root")
        }
        ClientError::Refused { why, hint } => {
            let problem = Problem::error("keeper.refused", why).exit(Exit::Failed);
            hint.into_iter().fold(problem, Problem::hint)
        }
        ClientError::HungUp => Problem::error("keeper.gone", "the keeper ended before it had answered")
            .hint("its own log says why; processes go on without it, and `pinch up` starts a new one that adopts them")
            .exit(Exit::Failed),
        ClientError::Unreadable(why) => Problem::error("keeper.unreadable", "the keeper's answer cannot be read")
            .why(why)
            .hint("keeper and command may be of different versions: `pinch upgrade` makes them one")
            .exit(Exit::Failed),
        ClientError::Broken(error) => {
            Problem::error("keeper.broken", format!("talking to the keeper failed: {error}")).exit(Exit::Failed)
        }
    }
}
