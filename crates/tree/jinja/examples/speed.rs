//! How long compiling and rendering take: `cargo run --release -p jinja --example speed`.

#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::unwrap_used, reason = "a measuring tool")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use jinja::{Dict, Environment, Globals, Job, NoLoader, Value};
use value::SourceId;

const USERS: &str = "\
{%- macro home(name, base='/home') -%}{{ base }}/{{ name }}{%- endmacro -%}
{%- set groups = [] -%}
{% for name, user in users.items() %}
{%- if user.get('group') and user.group not in groups %}{% do groups.append(user.group) %}{% endif %}
{{ name }}:
  user.present:
    - uid: {{ user.uid }}
    - home: {{ user.home|default(home(name)) }}
    - shell: {{ user.get('shell', '/bin/bash') }}
    {%- if user.keys %}
    - groups:
    {%- for group in ['users', user.group]|sort %}
      - {{ group|lower }}
    {%- endfor %}
    {%- endif %}
{% endfor %}
groups: {{ groups|join(', ') }}
";

const SMALL: &str = "\
{% set os = grains.os %}
{% set pkg = {'Debian': 'nginx', 'RedHat': 'nginx-core'}.get(os, 'nginx') %}
nginx:
  pkg.installed:
    - name: {{ pkg }}
  service.running:
    - name: nginx
    - enable: True
    - watch:
      - file: /etc/nginx/nginx.conf
{% if os == 'Debian' %}
/etc/nginx/nginx.conf:
  file.managed:
    - source: salt://nginx/files/nginx.conf
    - template: jinja
    - context:
        workers: {{ grains.num_cpus * 2 }}
    - user: root
    - mode: '0644'
{% endif %}
";

/// The shortest of many runs.
fn best(mut run: impl FnMut()) -> Duration {
    let once = |run: &mut dyn FnMut()| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    (0..200).map(|_| once(&mut run)).min().unwrap_or_default()
}

fn main() {
    let users: Dict = (0..1000)
        .map(|number| {
            let user: Dict =
                [("uid", Value::Int(1000 + number)), ("group", Value::from(format!("Group{}", number % 10)))]
                    .into_iter()
                    .collect();
            (format!("user{number}"), Value::Dict(user))
        })
        .collect();
    let grains: Dict = [("os", Value::from("Debian")), ("num_cpus", Value::Int(4))].into_iter().collect();
    let globals: Globals =
        [("users", Value::Dict(users)), ("grains", Value::Dict(grains))].into_iter().collect();
    for (name, text) in [("1000 users", USERS), ("20 lines", SMALL)] {
        let text: Arc<str> = text.into();
        let compiling = best(|| drop(Environment::new().compile(&text, SourceId(1)).unwrap()));
        let setup = best(|| drop(Environment::new()));
        let environment = Environment::new();
        let template = environment.compile(&text, SourceId(1)).unwrap();
        let render = || {
            let job = Job::new(template.clone(), SourceId(1), globals.clone());
            environment.render(&NoLoader, job).unwrap()
        };
        let bytes = render().text.len();
        let rendering = best(|| drop(render()));
        println!(
            "{name}: compile {:?}, render {rendering:?} ({bytes} bytes)",
            compiling.saturating_sub(setup)
        );
    }
}
