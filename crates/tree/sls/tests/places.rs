//! Problems of real SLS text: each points at its line, and says what to do.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::sync::Arc;

use render::{Facts, Limits, MemoryTree, NoFunctions, RenderRequest, Renderer, TreeFiles};
use report::{Problem, Problems, Sources};
use sls::{Graph, HighState, Matches, Request, Settings, Templates};
use value::Value;

struct Tree {
    files: Arc<MemoryTree>,
    renderer: Renderer,
}

impl Tree {
    fn new(files: &[(&str, &str)]) -> Self {
        let files =
            Arc::new(files.iter().fold(MemoryTree::new(), |tree, (path, text)| tree.with(path, text)));
        let (facts, limits) = (Facts::default(), Limits::default());
        let renderer =
            Renderer::new(Arc::clone(&files) as _, Arc::new(NoFunctions), Sources::new(), facts, limits);
        Self { files, renderer }
    }
}

impl Templates for Tree {
    fn saltenvs(&self) -> Vec<String> {
        self.files.saltenvs()
    }

    fn files(&self, saltenv: &str) -> Result<Arc<Vec<String>>, Problem> {
        Ok(self.files.list(saltenv).unwrap())
    }

    fn render(&self, request: &Request<'_>, problems: &mut Problems) -> Option<Value> {
        let bytes = self.files.read(request.saltenv, request.path).unwrap()?;
        let request = RenderRequest {
            saltenv: request.saltenv,
            sls: request.sls,
            name: request.path,
            bytes: &bytes,
            default_pipe: "jinja|yaml",
            context: request.context,
        };
        self.renderer.render_data(&request).map_err(|found| problems.extend(found)).ok()
    }
}

/// Each problem as `place code: hint`, compiling SLS `a`.
fn told(files: &[(&str, &str)]) -> Vec<String> {
    let tree = Tree::new(files);
    let mut problems = Problems::new();
    let high = HighState::compile(&tree, &Matches::of("base", ["a"]), Settings::default(), &mut problems);
    let low = high.low_full(&mut problems);
    problems.extend(Graph::build(&low).problems(&low));
    let place = |problem: &Problem| {
        let location = problem.span().and_then(|span| tree.renderer.sources().locate(span));
        location.map_or_else(|| "nowhere".to_string(), |location| location.to_string())
    };
    problems
        .iter()
        .map(|problem| format!("{} {}: {}", place(problem), problem.code, problem.hints.join("; ")))
        .collect()
}

#[test]
fn what_is_wrong_is_told_where_it_is() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (
            &[("a.sls", "include:\n  - web.ngnix\n"), ("web/nginx.sls", "")],
            "a.sls:2:5 sls.not-available: did you mean `web.nginx`?",
        ),
        (
            &[
                ("a.sls", "include: [b]\n{% set id = 'x' %}\n{{ id }}:\n  pkg.installed\n"),
                ("b.sls", "\nx: pkg.latest\n"),
            ],
            "b.sls:2:1 sls.conflicting-id: rename one of them; `- name:` says which file, package or service it means",
        ),
        (
            &[("a.sls", "x:\n  pkg.installed:\n    - requires:\n      - pkg: y\ny: pkg.installed\n")],
            "a.sls:3:7 sls.unknown-requisite: did you mean `require`?",
        ),
        (
            &[("a.sls", "x:\n  pkg.installed:\n    - require:\n      - file: y\ny: pkg.installed\n")],
            "a.sls:4:9 sls.requisite-missing: did you mean `pkg: y`?",
        ),
        (
            &[(
                "a.sls",
                "x:\n  pkg.installed:\n    - require_in:\n      - pkg: nignx\nnginx: pkg.installed\n",
            )],
            "a.sls:4:9 sls.extends-nothing: did you mean `nginx`?; include the SLS that declares it in SLS 'a', or correct the id",
        ),
        (
            &[("a.sls", "x:\n  file.managed:\n    source: salt://x\n")],
            "a.sls:2:3 sls.state-not-a-list: begin each argument with `- `",
        ),
        (
            &[("a.sls", "x: {}\n")],
            "a.sls:1:1 sls.declares-nothing: name a state function below it, or remove it",
        ),
        (
            &[(
                "a.sls",
                "a:\n  t.x: [require: [t: b]]\nb:\n  t.x: [require: [t: c]]\nc:\n  t.x: [require: [t: a]]\n",
            )],
            "a.sls:2:19 sls.recursive-requisite: remove one of these requisites",
        ),
    ];
    for (files, expected) in cases {
        let told = told(files);
        assert!(told.iter().any(|line| line == expected), "wanted {expected}\ngot {told:#?}");
    }
}

#[test]
fn all_problems_come_at_once() {
    let files = [(
        "a.sls",
        "include: [nowhere]\nx: wrong\ny:\n  pkg.installed:\nz:\n  pkg: []\n5:\n  pkg.installed: []\n",
    )];
    let codes = told(&files);
    assert_eq!(codes.len(), 5, "{codes:#?}");
}
