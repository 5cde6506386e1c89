//! Runs the cases: data files that say what a function does to a machine, and the laws that hold for each.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use host::{Change, Fact, Failing, FileState, Host, Memory, Output, Overlay, Owner, Rule};
use render::{Facts, Limits, MemoryTree, RenderRequest, Renderer};
use report::Sources;
use value::{Map, Span, Value};

use crate::calls::Calls;
use crate::{Advice, Caller, Context, Failure, Minion, Outcome, Template, Templates, Verdict, catalogue};

#[test]
fn every_case_holds() {
    let (mut held, mut broken) = (0usize, Vec::new());
    let only = std::option_env!("CASE").unwrap_or_default();
    for file in case_files() {
        for case in cases(&file) {
            let why = text(&case, "why");
            if !why.contains(only) {
                continue;
            }
            let problems = run(&case);
            if problems.is_empty() {
                held += 1;
            } else {
                broken.push(format!(
                    "{} ({}): {why}\n  {}",
                    text(&case, "call"),
                    file.display(),
                    problems.join("\n  ")
                ));
            }
        }
    }
    println!("{held} cases hold");
    assert!(broken.is_empty(), "{held} cases hold, {} do not:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn every_case_has_a_title_of_its_own() {
    let mut titles = std::collections::BTreeSet::new();
    for file in case_files() {
        for case in cases(&file) {
            assert!(
                titles.insert((text(&case, "call"), text(&case, "why"))),
                "twice: {}",
                text(&case, "why")
            );
        }
    }
}

/// The case files of all modules, sorted.
#[expect(clippy::disallowed_methods, reason = "a test finds its data")]
fn case_files() -> Vec<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    for module in std::fs::read_dir(source).unwrap() {
        let Ok(cases) = std::fs::read_dir(module.unwrap().path().join("cases")) else { continue };
        files.extend(
            cases
                .map(|file| file.unwrap().path())
                .filter(|file| file.extension().is_some_and(|extension| extension == "yaml")),
        );
    }
    files.sort();
    files
}

#[expect(clippy::disallowed_methods, reason = "a test reads its data")]
fn cases(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    let read = render::yaml::load(&text, &render::yaml::Nowhere);
    let value = read.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    value.as_list().unwrap_or_else(|| panic!("{} holds no list", file.display())).to_vec()
}

/// What does not hold, in words; nothing when all does.
fn run(case: &Value) -> Vec<String> {
    let call = text(case, "call");
    if case.get("value").is_some() || case.get("error").is_some() {
        return run_call(case, &call);
    }
    match catalogue::state_function(&call) {
        Some(_) => run_state(case, &call),
        None => run_call(case, &call),
    }
}

fn run_call(case: &Value, call: &str) -> Vec<String> {
    let machine = Arc::new(machine(case));
    let setting = Setting::new(case, machine.clone());
    let Some(function) = catalogue::execution_function(call) else {
        return vec![format!("there is no execution function {call}")];
    };
    let positional = case.get("positional").and_then(Value::as_list).unwrap_or_default().to_vec();
    let answer = function.call(call, &setting.context(Caller::Person), positional, arguments(case));
    let mut problems = Vec::new();
    match (answer, case.get("error")) {
        (Ok(answer), None) => {
            let wanted = case.get("value").cloned().unwrap_or_default();
            if answer != wanted {
                problems.push(format!("value: {} instead of {}", shown(&answer), shown(&wanted)));
            }
        }
        (Ok(answer), Some(error)) => {
            problems.push(format!("{} instead of the error `{error}`", shown(&answer)));
        }
        (Err(failure), Some(error)) => {
            if !failure.to_string().contains(&error.to_string()) {
                problems.push(format!("error: `{failure}` instead of `{error}`"));
            }
            check_advice(case, &failure.advice(), &mut problems);
        }
        (Err(failure), None) => problems.push(format!("it fails: {failure}")),
    }
    check_acts(case, &machine, &mut problems);
    check_after(case, &*machine, &mut problems);
    problems
}

fn run_state(case: &Value, call: &str) -> Vec<String> {
    let mut problems = Vec::new();
    // The plan first: it must leave the machine as it is.
    let machine = Arc::new(machine(case));
    let overlay = Arc::new(Overlay::over(machine.clone()));
    let planned = state(case, call, overlay.clone());
    if !machine.changes_since(0).is_empty() || !machine.acts().is_empty() {
        problems.push("the plan changed the machine".into());
    }
    let applied = state(case, call, machine.clone());
    check_outcome(case, &applied, &mut problems);
    check_acts(case, &machine, &mut problems);
    check_after(case, &*machine, &mut problems);
    check_plan(case, &planned, &applied, &mut problems);
    if planned.verdict != Verdict::Unknown && applied.verdict == Verdict::Holds {
        let (plan, journal) = (overlay.changes_since(0), machine.changes_since(0));
        if plan != journal {
            let (plan, journal) = (told(&plan), told(&journal));
            problems.push(format!("journal of the plan: {plan:?}\n  of the run: {journal:?}"));
        }
    }
    if applied.verdict == Verdict::Holds && case.get("again").is_none() && case.get("watch").is_none() {
        let mark = machine.mark();
        let again = state(case, call, machine.clone());
        if again.verdict != Verdict::Holds || !again.changes.is_empty() {
            problems.push(format!("a second run: {} {}", again.comment, shown(&again.changes.into())));
        }
        let changes = told(&machine.changes_since(mark));
        if !changes.is_empty() {
            problems.push(format!("a second run changed {changes:?}"));
        }
    }
    check_faults(case, call, &mut problems);
    problems
}

fn check_outcome(case: &Value, outcome: &Outcome, problems: &mut Vec<String>) {
    let wanted = match case.get("result").map(ToString::to_string).as_deref() {
        None | Some("True" | "true") => Verdict::Holds,
        Some("unknown") => Verdict::Unknown,
        Some(_) => Verdict::Failed,
    };
    if outcome.verdict != wanted {
        problems.push(format!("{:?} instead of {wanted:?}: {}", outcome.verdict, outcome.comment));
    }
    if let Some(comment) = case.get("comment")
        && outcome.comment != comment.to_string()
    {
        problems.push(format!("comment: `{}`\n  instead of `{comment}`", outcome.comment));
    }
    if outcome.verdict == Verdict::Failed {
        check_advice(case, &outcome.advice, problems);
    }
    let changes = case.get("changes").cloned().unwrap_or_else(|| Map::new().into());
    let made = Value::from(outcome.changes.clone());
    if made != changes {
        problems.push(format!("changes: {}\n  instead of {}", shown(&made), shown(&changes)));
    }
}

/// Whatever fails says what to do about it.
fn check_advice(case: &Value, advice: &Advice, problems: &mut Vec<String>) {
    if advice.hints.is_empty() {
        problems.push("it fails without advice".into());
    }
    if let Some(hint) = case.get("hint").map(ToString::to_string)
        && !advice.hints.iter().any(|given| given.contains(&hint))
    {
        problems.push(format!("advice: {:?}\n  instead of `{hint}`", advice.hints));
    }
}

fn check_plan(case: &Value, planned: &Outcome, applied: &Outcome, problems: &mut Vec<String>) {
    let plan = case.get("plan");
    if let Some(comment) = plan.and_then(|plan| plan.get("comment"))
        && planned.comment != comment.to_string()
    {
        problems.push(format!("comment of the plan: `{}`\n  instead of `{comment}`", planned.comment));
    }
    if planned.verdict == Verdict::Unknown && plan.and_then(|plan| plan.get("changes")).is_none() {
        return;
    }
    let wanted = plan.and_then(|plan| plan.get("changes")).cloned();
    let wanted = wanted.unwrap_or_else(|| applied.changes.clone().into());
    let made = Value::from(planned.changes.clone());
    if made != wanted {
        problems.push(format!("changes of the plan: {}\n  instead of {}", shown(&made), shown(&wanted)));
    }
}

fn check_acts(case: &Value, machine: &Memory, problems: &mut Vec<String>) {
    let Some(acts) = case.get("acts") else { return };
    let wanted: Vec<String> = acts.as_list().unwrap_or_default().iter().map(ToString::to_string).collect();
    if machine.acts() != wanted {
        problems.push(format!("acts: {:?}\n  instead of {wanted:?}", machine.acts()));
    }
}

fn check_after(case: &Value, host: &dyn Host, problems: &mut Vec<String>) {
    for (path, wanted) in case.get("after").and_then(Value::as_map).into_iter().flat_map(Map::iter) {
        let path = PathBuf::from(path.to_string());
        let found = host.link_metadata(&path).unwrap();
        let mut check = |what: &str, is: String| {
            if let Some(wanted) = wanted.get(what).map(ToString::to_string)
                && wanted != is
            {
                problems.push(format!("{}: {what} is {is:?} instead of {wanted:?}", path.display()));
            }
        };
        check("absent", Value::from(found.is_none()).to_string());
        let Some(found) = found else {
            if wanted.get("absent").is_none() {
                problems.push(format!("{} is not there", path.display()));
            }
            continue;
        };
        check("mode", format!("{:04o}", found.mode));
        check("user", account(&found.user));
        check("group", account(&found.group));
        match found.kind {
            host::FileKind::File => {
                check("content", String::from_utf8_lossy(&host.read(&path).unwrap()).into_owned());
            }
            host::FileKind::Symlink => check("link", host.read_link(&path).unwrap().display().to_string()),
            _ => {}
        }
    }
}

/// The first operations fail, one run after the other: the state fails with words, and nothing panics.
fn check_faults(case: &Value, call: &str, problems: &mut Vec<String>) {
    for number in 0..3 {
        let failing = Arc::new(Failing::new(Arc::new(machine(case)), Rule::Nth(number)));
        let outcome = state(case, call, failing.clone());
        let silent = outcome.comment.is_empty() || outcome.advice.hints.is_empty();
        if failing.tried() > number && outcome.verdict == Verdict::Failed && silent {
            problems
                .push(format!("with operation {number} failing it fails without a word, or without advice"));
        }
    }
}

/// Runs the state, or what its watch does, and takes a failure as the run loop does.
fn state(case: &Value, call: &str, host: Arc<dyn Host>) -> Outcome {
    let setting = Setting::new(case, host);
    let context = setting.context(Caller::State);
    let function = catalogue::state_function(call).unwrap();
    let watched = case.get("watch").is_some_and(Value::is_truthy);
    let run = if watched { function.on_watch.unwrap_or(function.run) } else { function.run };
    match run(&context, &arguments(case), Span::NONE) {
        Ok(outcome) => outcome,
        Err(Failure::Host(error)) if error.is_unknown() => Outcome::unknown(error.to_string()),
        Err(failure) => Outcome { advice: failure.advice(), ..Outcome::failed(failure.to_string()) },
    }
}

/// What a function is given in a case.
struct Setting {
    minion: Arc<Minion>,
    templates: Arc<dyn Templates>,
}

impl Setting {
    fn new(case: &Value, host: Arc<dyn Host>) -> Self {
        let map = |key: &str| case.get(key).and_then(Value::as_map).cloned().unwrap_or_default();
        let mut tree = MemoryTree::new();
        for (path, content) in map("tree").iter() {
            tree.add("base", &path.to_string(), content.to_string());
        }
        let mut grains: Map = [
            ("os", "Debian"),
            ("os_family", "Debian"),
            ("kernel", "Linux"),
            ("init", "systemd"),
            ("id", "minion"),
        ]
        .into_iter()
        .collect();
        let (mut options, over) = (Map::new(), map("options"));
        options.insert("cachedir", "/var/cache/salt/minion");
        options.insert("user", "root");
        for (into, from) in [(&mut grains, map("grains")), (&mut options, over)] {
            for (key, value) in from.iter() {
                into.insert(key.clone(), value.clone());
            }
        }
        let (tree, sources): (Arc<dyn render::TreeFiles>, _) = (Arc::new(tree), Sources::new());
        let minion = Minion::new(host, tree.clone(), sources.clone(), "minion", options, grains);
        minion.set_pillar(map("pillar"));
        let minion = Arc::new(minion);
        let functions = Arc::new(Calls::new(minion.clone()));
        let facts = Facts {
            grains: minion.grains.clone().into(),
            pillar: map("pillar").into(),
            opts: minion.options.clone().into(),
        };
        let renderer = Renderer::new(tree, functions, sources, facts, Limits::default());
        Self { minion, templates: Arc::new(Rendering(renderer)) }
    }

    fn context(&self, caller: Caller) -> Context<'_> {
        Context {
            minion: &self.minion,
            templates: &*self.templates,
            caller,
            saltenv: "base",
            sls: "case",
            id: "case",
        }
    }
}

struct Rendering(Renderer);

impl Templates for Rendering {
    fn render(&self, template: &Template<'_>) -> Result<Arc<str>, Failure> {
        let request = RenderRequest {
            saltenv: template.saltenv,
            sls: None,
            name: template.path,
            bytes: template.text,
            default_pipe: template.engine,
            context: template.variables,
        };
        Ok(self.0.render_text(&request)?.text)
    }
}

/// The machine that a case describes.
fn machine(case: &Value) -> Memory {
    let nothing = Value::NULL;
    let described = case.get("machine").unwrap_or(&nothing);
    let map = |key: &str| described.get(key).and_then(Value::as_map).cloned().unwrap_or_default();
    let mut users = "root:x:0:0:root:/root:/bin/bash\n".to_string();
    for (name, user) in map("users").iter() {
        let field = |key: &str| user.get(key).map(ToString::to_string).unwrap_or_default();
        users.push_str(&format!(
            "{name}:x:{}:{}:{}:{}:{}\n",
            field("uid"),
            field("gid"),
            field("fullname"),
            field("home"),
            field("shell")
        ));
    }
    let mut groups = "root:x:0:\n".to_string();
    for (name, group) in map("groups").iter() {
        let members = group.get("members").and_then(Value::as_list).unwrap_or_default();
        let members: Vec<String> = members.iter().map(ToString::to_string).collect();
        let gid = group.get("gid").map(ToString::to_string).unwrap_or_default();
        groups.push_str(&format!("{name}:x:{gid}:{}\n", members.join(",")));
    }
    let mut memory = Memory::empty().file("/etc/passwd", &users).file("/etc/group", &groups).directory(
        "/tmp",
        0o1777,
        Owner::Id(0),
        Owner::Id(0),
    );
    let owner = |table: &str, node: &Value, key: &str| {
        let name = node.get(key).map_or_else(|| "root".into(), ToString::to_string);
        let line = table.lines().find(|line| line.split(':').next() == Some(&name));
        let id = line.and_then(|line| line.split(':').nth(2)).unwrap_or(&name);
        Owner::Id(id.parse().unwrap_or_else(|_| panic!("the case has no account {name}")))
    };
    for (path, node) in map("files").iter() {
        let path = path.to_string();
        let (user, group) = (owner(&users, node, "user"), owner(&groups, node, "group"));
        let mode = |default: u32| {
            node.get("mode").map_or(default, |mode| u32::from_str_radix(&mode.to_string(), 8).unwrap())
        };
        memory = if let Some(target) = node.get("link") {
            memory.symlink(&path, &target.to_string())
        } else if node.get("directory").is_some() {
            memory.directory(&path, mode(0o755), user, group)
        } else {
            let content = node.as_map().map_or_else(|| Some(node), |map| map.get("content"));
            let content = content.map(ToString::to_string).unwrap_or_default();
            memory.file_with(&path, content, mode(0o644), user, group)
        };
        if node.get("link").is_some() && node.get("user").is_some() {
            let user = owner(&users, node, "user");
            host::Files::set_owner(memory.inner(), Path::new(&path), Some(&user), None).unwrap();
        }
    }
    for (kind, facts) in map("facts").iter() {
        let kind: &'static str = Box::leak(kind.to_string().into_boxed_str());
        for (name, fact) in facts.as_map().into_iter().flat_map(Map::iter) {
            let fact = if fact.is_null() { Fact::Absent } else { Fact::Present(fact.clone()) };
            memory = memory.declared(kind, &name.to_string(), fact);
        }
    }
    for (pattern, output) in map("commands").iter() {
        let said = |key: &str| output.get(key).map(ToString::to_string).unwrap_or_default().into_bytes();
        let code = output.get("code").and_then(Value::as_int).unwrap_or_default() as i32;
        let output = Output { code, stdout: said("stdout"), stderr: said("stderr"), pid: 1 };
        memory = memory.command(&pattern.to_string(), output);
    }
    memory
}

fn arguments(case: &Value) -> Map {
    case.get("arguments").and_then(Value::as_map).cloned().unwrap_or_default()
}

fn text(case: &Value, key: &str) -> String {
    case.get(key).map_or_else(|| panic!("a case without `{key}`"), ToString::to_string)
}

fn shown(value: &Value) -> String {
    value::json::to_text(value)
}

fn account(owner: &Owner) -> String {
    match owner {
        Owner::Id(id) => id.to_string(),
        Owner::Name(name) => name.clone(),
    }
}

/// A journal in words.
fn told(changes: &[Change]) -> Vec<String> {
    let state = |state: &FileState| format!("{state:?}");
    changes
        .iter()
        .map(|change| match change {
            Change::File { path, before, after } => {
                format!("{} {} -> {}", path.display(), state(before), state(after))
            }
            other => format!("{other:?}"),
        })
        .collect()
}
