//! State functions.

use std::time::Duration;

use value::Map;

use super::provider::{Deed, How, Provider, Service};
use crate::{AnyText, Context, Failure, Outcome, Verdict};

arguments! {
    /// Keeps a service running, or stopped.
    pub(super) struct Running {
        /// Its name.
        name: String,
        /// Whether it starts at boot; left alone by default.
        enable: Option<bool>,
        /// A mistake for `enable`; said so.
        enabled: Option<bool>,
        /// What to look for among processes; ignored: the init system knows.
        sig: Option<AnyText>,
        /// Seconds to wait after it was started or stopped.
        init_delay: Option<f64>,
        /// When a watch fires, reload instead of restart.
        reload: bool = false,
        /// When a watch fires, stop and start.
        full_restart: bool = false,
        /// With `reload`: force it.
        force: bool = false,
        /// Do not wait until it is done.
        no_block: bool = false,
        /// Take away a mask first.
        unmask: bool = false,
        /// Take away a mask that lasts until the next boot first.
        unmask_runtime: bool = false,
        /// Seconds after which starting or stopping is given up.
        timeout: Option<f64>,
        /// Seconds to wait for a service that is still starting.
        wait: Option<f64>,
        /// Ignored: the machine's own init system is used.
        provider: Option<String>
        ;.. others
    }
}

impl Running {
    fn how(&self) -> How {
        let timeout = self.timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        How { no_block: self.no_block, timeout }
    }

    fn mistake(&self) -> Option<Outcome> {
        self.enabled.map(|_| {
            Outcome::failed(format!(
                "Service {} uses non-existent option \"enabled\".  Perhaps \"enable\" option was intended?",
                self.name
            ))
            .hint("write `- enable: True`")
            .blames("enabled")
        })
    }
}

/// See [`Running`].
pub(super) fn running(context: &Context<'_>, arguments: Running) -> Result<Outcome, Failure> {
    if let Some(mistake) = arguments.mistake() {
        return Ok(mistake);
    }
    let host = context.host();
    let name = &arguments.name;
    let provider = Provider::of(host)?;
    let Some(before) = provider.look(host, name)? else {
        return Ok(missing(context, name, "started", true));
    };
    let mut unmasked = String::new();
    let mut changes = Map::new();
    for (runtime, there) in [(false, before.masked), (true, before.runtime_masked)] {
        let wanted = if runtime { arguments.unmask_runtime } else { arguments.unmask };
        if wanted && there {
            let outcome = mask(context, provider, name, false, runtime)?;
            if outcome.verdict == Verdict::Failed {
                return Ok(outcome);
            }
            unmasked = format!("\n{}", outcome.comment);
            changes = outcome.changes;
        }
    }
    if before.running {
        let outcome = toggle(context, provider, name, arguments.enable, Started::InState)?;
        let outcome = outcome.unwrap_or_else(|| {
            Outcome::unchanged(format!("The service {name} is already running{unmasked}"))
        });
        return Ok(joined(outcome, changes));
    }
    if let Some(error) = provider.act(host, name, Deed::Start, &arguments.how())? {
        let comment = format!("Service {name} failed to start\n{error}");
        return Ok(joined(Outcome::failed(comment.trim_end()).hint(provider.advice(name)), changes));
    }
    delay(context, arguments.init_delay);
    let after = settled(context, provider, &arguments, true)?;
    if !after.running && !host.is_plan() {
        let words = match provider {
            Provider::Systemd => super::systemd::last_words(host, name),
            _ => String::new(),
        };
        let comment = format!("Service {name} failed to start\n{words}");
        return Ok(joined(Outcome::failed(comment.trim_end()).hint(provider.advice(name)), changes));
    }
    changes.insert(name.as_str(), true);
    let mut outcome = Outcome::unchanged(
        context.words(format!("Started service {name}"), format!("Service {name} is set to start")),
    );
    if let Some(toggled) = toggle(context, provider, name, arguments.enable, Started::Yes)? {
        let planned = outcome.comment.clone();
        outcome = toggled;
        if host.is_plan() {
            outcome.comment = planned;
        }
    }
    if let Some(seconds) = arguments.init_delay {
        outcome.comment = format!("{}\nDelayed return for {seconds} seconds", outcome.comment);
    }
    outcome.comment += &unmasked;
    Ok(joined(outcome, changes))
}

/// See [`Running`]: stopped.
pub(super) fn dead(context: &Context<'_>, arguments: Running) -> Result<Outcome, Failure> {
    if let Some(mistake) = arguments.mistake() {
        return Ok(mistake);
    }
    let host = context.host();
    let name = &arguments.name;
    let provider = Provider::of(host)?;
    let Some(before) = provider.look(host, name)? else {
        return Ok(missing(context, name, "stopped", false));
    };
    if !before.running {
        let outcome = toggle(context, provider, name, arguments.enable, Started::InState)?;
        return Ok(
            outcome.unwrap_or_else(|| Outcome::unchanged(format!("The service {name} is already dead")))
        );
    }
    if let Some(error) = provider.act(host, name, Deed::Stop, &arguments.how())? {
        let comment = format!("Service {name} failed to die\n{error}");
        return Ok(Outcome::failed(comment.trim_end()).hint(provider.advice(name)));
    }
    delay(context, arguments.init_delay);
    if settled(context, provider, &arguments, false)?.running && !arguments.no_block {
        return Ok(Outcome::failed(format!("Service {name} failed to die")).hint(provider.advice(name)));
    }
    let mut outcome = Outcome::unchanged(
        context.words(format!("Service {name} was killed"), format!("Service {name} is set to be killed")),
    );
    if let Some(toggled) = toggle(context, provider, name, arguments.enable, Started::No)? {
        let planned = outcome.comment.clone();
        outcome = toggled;
        if host.is_plan() {
            outcome.comment = planned;
        }
    }
    // Salt's change is the state afterwards, unless it was enabled or disabled too.
    outcome.changes.get_or_insert_with(name.as_str(), || false.into());
    Ok(outcome)
}

/// What a firing watch does for `service.running`: restart or reload, or start what is down.
pub(super) fn watch_running(context: &Context<'_>, arguments: Running) -> Result<Outcome, Failure> {
    let host = context.host();
    let name = &arguments.name;
    let provider = Provider::of(host)?;
    let Some(service) = provider.look(host, name)? else {
        return Ok(missing(context, name, "restarted", true));
    };
    let (deed, verb) = match (service.running, arguments.reload) {
        (false, _) => (Deed::Start, "start"),
        (true, true) if arguments.force => (Deed::Reload, "forcefully reload"),
        (true, true) => (Deed::Reload, "reload"),
        (true, false) if arguments.full_restart => (Deed::Restart, "fully restart"),
        (true, false) => (Deed::Restart, "restart"),
    };
    let outcome = watched(context, provider, name, deed, &format!("{verb}ed"), verb, &arguments)?;
    delay(context, arguments.init_delay);
    Ok(outcome)
}

/// What a firing watch does for `service.dead`: stop what runs.
pub(super) fn watch_dead(context: &Context<'_>, arguments: Running) -> Result<Outcome, Failure> {
    let provider = Provider::of(context.host())?;
    match provider.look(context.host(), &arguments.name)? {
        Some(service) if service.running => {
            watched(context, provider, &arguments.name, Deed::Stop, "stopped", "stop", &arguments)
        }
        _ => Ok(Outcome::unchanged("Service is already stopped")),
    }
}

fn watched(
    context: &Context<'_>,
    provider: Provider,
    name: &str,
    deed: Deed,
    done: &str,
    verb: &str,
    arguments: &Running,
) -> Result<Outcome, Failure> {
    let result = provider.act(context.host(), name, deed, &arguments.how())?;
    let outcome = match &result {
        Some(error) => Outcome::failed(format!("Failed to {verb} the service\n{error}").trim_end())
            .hint(provider.advice(name)),
        None => Outcome::unchanged(
            context.words(format!("Service {done}"), format!("Service is set to be {done}")),
        ),
    };
    Ok(outcome.with(name, result.is_none()))
}

/// Waits, for as long as it was told to, until a service that is starting or stopping has come to rest.
fn settled(
    context: &Context<'_>,
    provider: Provider,
    arguments: &Running,
    running: bool,
) -> Result<Service, Failure> {
    let host = context.host();
    let mut left = arguments.wait.unwrap_or(3.0).clamp(0.0, 600.0);
    loop {
        let service = provider.look(host, &arguments.name)?.unwrap_or_default();
        if service.running == running || left <= 0.0 || host.is_plan() {
            return Ok(service);
        }
        host.sleep(Duration::from_millis(250));
        left -= 0.25;
    }
}

fn delay(context: &Context<'_>, seconds: Option<f64>) {
    if let Some(wait) = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
        context.host().sleep(wait);
    }
}

/// A service that is not there: a plan may have it later, `dead` is content.
fn missing(context: &Context<'_>, name: &str, done: &str, needed: bool) -> Outcome {
    if context.host().is_plan() {
        return Outcome::unknown(format!(
            "Service {name} not present; if created in this state run, it would have been {done}"
        ));
    }
    let comment = format!("The named service {name} is not available");
    if !needed {
        return Outcome::unchanged(comment);
    }
    Outcome::failed(comment)
        .hint("install the package that brings it in a state that this one requires, or correct the name")
        .hint("`pinch call service.get_all` lists the services that are there")
        .blames("name")
}

fn joined(mut outcome: Outcome, changes: Map) -> Outcome {
    for (key, entry) in changes {
        outcome.changes.insert(key, entry.value);
    }
    outcome
}

/// How a service is, for the end of a sentence.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Started {
    Yes,
    No,
    InState,
}

impl Started {
    fn text(self) -> &'static str {
        match self {
            Self::Yes => "is running",
            Self::No => "is dead",
            Self::InState => "is in the desired state",
        }
    }
}

/// Enables or disables. `None` when nothing was asked for, or it is so already and nothing needs to be said.
fn toggle(
    context: &Context<'_>,
    provider: Provider,
    name: &str,
    enable: Option<bool>,
    started: Started,
) -> Result<Option<Outcome>, Failure> {
    let host = context.host();
    let Some(enable) = enable else { return Ok(None) };
    let enabled = provider.look(host, name)?.is_some_and(|service| service.enabled);
    let word = if enable { "enabled" } else { "disabled" };
    if enabled == enable {
        if started == Started::InState {
            return Ok(None);
        }
        return Ok(Some(Outcome::unchanged(format!(
            "Service {name} is already {word}, and {}",
            started.text()
        ))));
    }
    let deed = if enable { Deed::Enable } else { Deed::Disable };
    if let Some(error) = provider.act(host, name, deed, &How::default())? {
        let not = if enable { "" } else { "not " };
        let rest = match started {
            Started::Yes if enable => ", but the service is running",
            Started::Yes => ", and is running",
            Started::No => ", and the service is dead",
            Started::InState => ", but the service was already running",
        };
        return Ok(Some(
            Outcome::failed(format!(
                "Failed when setting service {name} to {not}start at boot{rest}. Additional information \
             follows:\n\n{error}"
            ))
            .hint(provider.advice(name)),
        ));
    }
    let comment = context.words(
        format!("Service {name} has been {word}, and {}", started.text()),
        format!("Service {name} set to be {word}"),
    );
    Ok(Some(Outcome::unchanged(comment).with(name, true)))
}

arguments! {
    /// Keeps a service starting at boot, or not; whether it runs now is left alone.
    pub(super) struct Enabled {
        /// Its name.
        name: String
        ;.. others
    }
}

/// See [`Enabled`].
pub(super) fn enabled(context: &Context<'_>, arguments: Enabled) -> Result<Outcome, Failure> {
    at_boot(context, &arguments.name, true)
}

/// See [`Enabled`]: not.
pub(super) fn disabled(context: &Context<'_>, arguments: Enabled) -> Result<Outcome, Failure> {
    at_boot(context, &arguments.name, false)
}

fn at_boot(context: &Context<'_>, name: &str, enable: bool) -> Result<Outcome, Failure> {
    let provider = Provider::of(context.host())?;
    if provider.look(context.host(), name)?.is_none() {
        return Ok(missing(context, name, if enable { "enabled" } else { "disabled" }, enable));
    }
    let word = if enable { "enabled" } else { "disabled" };
    let outcome = toggle(context, provider, name, Some(enable), Started::InState)?;
    Ok(outcome.unwrap_or_else(|| {
        Outcome::unchanged(format!("Service {name} is already {word}, and is in the desired state"))
    }))
}

arguments! {
    /// Keeps a service masked, so that nothing can start it, or not.
    pub(super) struct Masked {
        /// Its name.
        name: String,
        /// Only until the next boot.
        runtime: bool = false
        ;.. others
    }
}

/// See [`Masked`].
pub(super) fn masked(context: &Context<'_>, arguments: Masked) -> Result<Outcome, Failure> {
    mask(context, Provider::of(context.host())?, &arguments.name, true, arguments.runtime)
}

/// See [`Masked`]: not.
pub(super) fn unmasked(context: &Context<'_>, arguments: Masked) -> Result<Outcome, Failure> {
    mask(context, Provider::of(context.host())?, &arguments.name, false, arguments.runtime)
}

fn mask(
    context: &Context<'_>,
    provider: Provider,
    name: &str,
    mask: bool,
    runtime: bool,
) -> Result<Outcome, Failure> {
    if !provider.has_masks() {
        return Ok(Outcome::failed("Service masking not available on this minion")
            .hint("only systemd masks services: use `service.disabled`"));
    }
    let kind = if runtime { "runtime masked" } else { "masked" };
    let action = match (mask, runtime) {
        (true, _) => kind,
        (false, true) => "runtime unmasked",
        (false, false) => "unmasked",
    };
    let service = provider.look(context.host(), name)?.unwrap_or_default();
    let there = if runtime { service.runtime_masked } else { service.masked };
    if there == mask {
        let word = if mask { "is already" } else { "was already" };
        return Ok(Outcome::unchanged(format!("Service {name} {word} {action}")));
    }
    let deed = if mask { Deed::Mask { runtime } } else { Deed::Unmask { runtime } };
    if let Some(error) = provider.act(context.host(), name, deed, &How::default())? {
        let verb = if mask { "mask" } else { "unmask" };
        let comment = format!("Failed to {verb} service {name}\n{error}");
        return Ok(Outcome::failed(comment.trim_end()).hint(provider.advice(name)));
    }
    let change: Map = [("old", !mask), ("new", mask)].into_iter().collect();
    let comment =
        context.words(format!("Service {name} was {action}"), format!("Service {name} would be {action}"));
    Ok(Outcome::unchanged(comment).with(kind, change))
}
