//! Everything a run needs, put together once: grains, pillar, renderer, tree.

use std::sync::Arc;

use host::Host;
use modules::{Caller, Calls, Context, Failure, Minion};
use render::{Facts, Limits, Renderer, TreeFiles};
use report::{Problem, Problems, Sources};
use sls::{HighState, LowChunk, Matches, TopMerge, TopSettings, TopTarget};
use target::{Kind, Nodegroups, Subject, Target};
use value::{Map, Strategy, Value};

use crate::program::Program;
use crate::templates::TreeTemplates;
use crate::{Observer, RunOptions, RunReport};

/// What a session is opened with.
pub struct Setup {
    /// The machine to converge, or an overlay of it.
    pub host: Arc<dyn Host>,
    /// The state tree.
    pub tree: Arc<dyn TreeFiles>,
    /// The pillar tree.
    pub pillar_tree: Arc<dyn TreeFiles>,
    /// The registry of texts.
    pub sources: Sources,
    /// The minion's id.
    pub id: String,
    /// Its configuration under Salt's names, defaults filled in.
    pub options: Map,
    /// Its grains.
    pub grains: Map,
    /// Pillar values that lie over what the tree says.
    pub pillar_over: Map,
}

/// A minion with its pillar and its templates, ready to compile and run.
pub struct Session {
    /// The minion.
    pub minion: Arc<Minion>,
    templates: Arc<TreeTemplates>,
    calls_templates: Arc<dyn modules::Templates>,
}

/// What to compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// What the top file says.
    Top,
    /// These SLS.
    Sls(Vec<String>),
}

impl Session {
    /// Opens a session: compiles the pillar and sets up the renderer. With problems among which there is an
    /// error, the pillar is not whole and states should not be run.
    pub fn open(setup: Setup) -> (Self, Problems) {
        let Setup { host, tree, pillar_tree, sources, id, options, grains, pillar_over } = setup;
        let minion = Arc::new(Minion::new(host, tree.clone(), sources.clone(), id, options, grains));
        let calls = Arc::new(Calls::new(minion.clone()));
        let facts = |pillar: Map| Facts {
            grains: minion.grains.clone().into(),
            pillar: pillar.into(),
            opts: opts(&minion),
        };
        let default_pipe = text(&minion.options, "renderer").unwrap_or("jinja|yaml".into());
        let pillar_templates = TreeTemplates {
            renderer: Renderer::new(
                pillar_tree,
                calls.clone(),
                sources.clone(),
                facts(pillar_over.clone()),
                Limits::default(),
            ),
            default_pipe: default_pipe.clone(),
        };
        let mut problems = Problems::new();
        let settings = pillar_settings(&minion.options, pillar_over);
        let empty = Value::from(Map::new());
        let pillar = {
            let grains: Value = minion.grains.clone().into();
            let mut matches = matcher(&minion, &grains, &empty);
            pillar::compile(&pillar_templates, &settings, &mut matches, &mut problems)
        };
        minion.set_pillar(pillar.clone());
        let templates = Arc::new(TreeTemplates {
            renderer: Renderer::new(tree, calls.clone(), sources, facts(pillar), Limits::default()),
            default_pipe,
        });
        let calls_templates: Arc<dyn modules::Templates> = templates.clone();
        calls.connect(&calls_templates);
        (Self { minion, templates, calls_templates }, problems)
    }

    /// The SLS that the top file gives this minion.
    pub fn top(&self, problems: &mut Problems) -> Matches {
        let grains: Value = self.minion.grains.clone().into();
        let pillar: Value = Map::clone(&self.minion.pillar()).into();
        let mut matches = matcher(&self.minion, &grains, &pillar);
        Matches::from_top(&*self.templates, &state_top_settings(&self.minion.options), &mut matches, problems)
    }

    /// The high state of a selection.
    pub fn high(&self, selection: &Selection, problems: &mut Problems) -> HighState {
        let matches = match selection {
            Selection::Top => self.top(problems),
            Selection::Sls(names) => Matches::of(&self.saltenv(), names.iter().map(String::as_str)),
        };
        let auto_order = self.minion.options.get("state_auto_order").is_none_or(Value::is_truthy);
        HighState::compile(&*self.templates, &matches, sls::Settings { auto_order }, problems)
    }

    /// The low state that runs for a selection: after `extend`, `exclude` and the `_in` requisites.
    pub fn low(&self, selection: &Selection, problems: &mut Problems) -> Vec<LowChunk> {
        self.high(selection, problems).complete(problems).low()
    }

    /// Runs a program on the minion's host.
    pub fn run(&self, program: &Program, options: RunOptions, observer: &mut dyn Observer) -> RunReport {
        crate::run(&self.minion, &*self.templates, program, options, observer)
    }

    /// Calls an execution function for a person.
    pub fn call(&self, name: &str, positional: Vec<Value>, named: Map) -> Result<Value, Failure> {
        let function = modules::execution_function(name).ok_or_else(|| {
            Problem::error("call.unknown-function", format!("'{name}' is not available."))
                .hint(modules::catalogue::advice_on_function(name))
        })?;
        let saltenv = self.saltenv();
        let context = Context {
            minion: &self.minion,
            templates: &*self.calls_templates,
            caller: Caller::Person,
            saltenv: &saltenv,
            sls: "",
            id: "",
        };
        function.call(name, &context, positional, named)
    }

    /// The templates of the state tree.
    pub fn templates(&self) -> &dyn sls::Templates {
        &*self.templates
    }

    /// The saltenv of this session.
    pub fn saltenv(&self) -> String {
        text(&self.minion.options, "saltenv").unwrap_or("base".into())
    }
}

/// What templates see as `opts`.
fn opts(minion: &Minion) -> Value {
    let mut opts = minion.options.clone();
    opts.insert("id", minion.id.as_str());
    opts.into()
}

/// Answers for a top file's target whether this minion is meant.
fn matcher<'a>(
    minion: &'a Minion,
    grains: &'a Value,
    pillar: &'a Value,
) -> impl FnMut(&TopTarget<'_>) -> Result<bool, Problem> + 'a {
    let nodegroups: Nodegroups = minion
        .options
        .get("nodegroups")
        .and_then(Value::as_map)
        .map(|groups| groups.iter().map(|(name, group)| (name.to_string(), group.to_string())).collect())
        .unwrap_or_default();
    move |wanted| {
        let place = |error: target::TargetError| Problem::from(error).at(wanted.span);
        let kind = Kind::from_name(wanted.kind).map_err(place)?;
        let target = Target::parse(kind, wanted.expression, &nodegroups).map_err(place)?;
        Ok(target.matches(&Subject { id: &minion.id, grains, pillar }))
    }
}

fn state_top_settings(options: &Map) -> TopSettings {
    TopSettings {
        path: text(options, "state_top").unwrap_or("top.sls".into()),
        saltenv: text(options, "saltenv"),
        top_saltenv: text(options, "state_top_saltenv"),
        merge: text(options, "top_file_merging_strategy")
            .and_then(|name| TopMerge::from_name(&name))
            .unwrap_or_default(),
        default_top: text(options, "default_top").unwrap_or("base".into()),
        env_order: options
            .get("env_order")
            .and_then(Value::as_list)
            .map(|names| names.iter().map(ToString::to_string).collect())
            .unwrap_or_default(),
    }
}

fn pillar_settings(options: &Map, over: Map) -> pillar::Settings {
    let flag = |name: &str| options.get(name).is_some_and(Value::is_truthy);
    let from_saltenv = flag("pillarenv_from_saltenv").then(|| text(options, "saltenv")).flatten();
    pillar::Settings {
        top: TopSettings {
            saltenv: text(options, "pillarenv").or(from_saltenv),
            ..state_top_settings(options)
        },
        strategy: text(options, "pillar_source_merging_strategy")
            .and_then(|name| Strategy::from_name(&name))
            .unwrap_or_default(),
        merge_lists: flag("pillar_merge_lists"),
        includes_override: flag("pillar_includes_override_sls"),
        over,
    }
}

fn text(options: &Map, name: &str) -> Option<String> {
    options.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_string)
}
