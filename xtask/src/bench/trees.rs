//! Trees that are measured. They are written the way people write trees, and are the same on every run.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::Failure;

/// `files.sls`: managed files, each rendered from its template with a context of its own.
pub(super) fn templates(tree: &Path, out: &Path, count: usize) -> Result<(), Failure> {
    fs::create_dir_all(tree)?;
    let mut sls = format!("{}:\n  file.directory:\n    - makedirs: true\n", out.display());
    for number in 0..count {
        let _ = write!(
            sls,
            "\nservice-{number}:\n  file.managed:\n    - name: {}/service-{number}.conf\n    - source: salt://service.conf\n    \
             - template: jinja\n    - mode: '0644'\n    - context:\n        number: {number}\n        port: {}\n",
            out.display(),
            8000 + number
        );
    }
    fs::write(tree.join("files.sls"), sls)?;
    fs::write(
        tree.join("service.conf"),
        "# {{ grains['os'] }}: kept by configuration management, do not edit\n\
         [service-{{ number }}]\nlisten = 0.0.0.0:{{ port }}\n\
         {%- set workers = grains['num_cpus'] * 2 %}\nworkers = {{ workers }}\n\
         {%- for name in ['access', 'error', 'slow'] %}\nlog_{{ name }} = /var/log/service-{{ number }}/{{ name }}.log\n{%- endfor %}\n\
         {%- if pillar.get('debug', False) %}\ndebug = on\n{%- endif %}\n",
    )?;
    Ok(())
}

/// A top file over SLS of 100 states each: files with their contents in place, every tenth with a requisite.
/// What they declare is written too, so that a run finds nothing to do: putting 100,000 files on the disk one by
/// one, each synced, is the disk's time.
pub(super) fn many(tree: &Path, out: &Path, states: usize) -> Result<(), Failure> {
    const EACH: usize = 100;
    fs::create_dir_all(tree)?;
    let parts = states.div_ceil(EACH);
    let mut top = String::from("base:\n  '*':\n");
    for part in 0..parts {
        let _ = writeln!(top, "    - part{part}");
        let folder = out.join(format!("part{part}"));
        fs::create_dir_all(&folder)?;
        for number in 0..EACH - 1 {
            let file = folder.join(number.to_string());
            fs::write(&file, format!("number {number} of part {part}\n"))?;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o644))?;
        }
        fs::write(
            tree.join(format!("part{part}.sls")),
            format!(
                "{{% set folder = '{}' %}}\n{{{{ folder }}}}:\n  file.directory:\n    - makedirs: true\n\
                 {{% for number in range({}) %}}\npart{part}-{{{{ number }}}}:\n  file.managed:\n    \
                 - name: {{{{ folder }}}}/{{{{ number }}}}\n    - contents: number {{{{ number }}}} of part {part}\n    - mode: '0644'\n\
                 {{%- if number % 10 == 9 %}}\n    - require:\n      - file: part{part}-{{{{ number - 1 }}}}\n{{%- endif %}}\n{{% endfor %}}\n",
                folder.display(),
                EACH - 1
            ),
        )?;
    }
    fs::write(tree.join("top.sls"), top)?;
    Ok(())
}

/// `all.sls`, which includes a number of formulas. Answers how many SLS they are.
pub(super) fn formulas(tree: &Path, pillar: &Path, count: usize) -> Result<usize, Failure> {
    fs::create_dir_all(pillar)?;
    let mut all = String::from("include:\n");
    let mut values = String::new();
    for number in 0..count {
        let name = format!("app{number}");
        let folder = tree.join(&name);
        fs::create_dir_all(&folder)?;
        for (file, text) in FORMULA {
            fs::write(folder.join(file), text.replace("APP", &name))?;
        }
        let _ = writeln!(all, "  - {name}");
        let _ = writeln!(values, "{name}:\n  port: {}\n  options:\n    verbose: true", 9000 + number);
    }
    fs::create_dir_all(tree)?;
    fs::write(tree.join("all.sls"), all)?;
    fs::write(pillar.join("values.sls"), values)?;
    fs::write(pillar.join("top.sls"), "base:\n  '*':\n    - values\n")?;
    let sls = FORMULA
        .iter()
        .filter(|(file, _)| Path::new(file).extension().is_some_and(|end| end == "sls"))
        .count();
    Ok(count * sls + 1)
}

/// A formula in the shape that is common: map file, macros, one SLS a concern, `init.sls` over them.
const FORMULA: &[(&str, &str)] = &[
    (
        "defaults.yaml",
        "APP:\n  package: APP\n  service: APP\n  port: 80\n  config: /etc/APP/APP.conf\n  user: root\n  group: root\n  options:\n    verbose: false\n    color: true\n  hosts: [alpha, beta, gamma]\n",
    ),
    (
        "osfamily.yaml",
        "Debian:\n  package: APP-server\nRedHat:\n  package: APPd\n  service: APPd\nArch:\n  config: /etc/APP.conf\n",
    ),
    (
        "map.jinja",
        "{%- import_yaml 'APP/defaults.yaml' as defaults %}\n{%- import_yaml 'APP/osfamily.yaml' as families %}\n{%- set settings = salt['grains.filter_by'](families, grain='os_family', default='Debian', merge=salt['pillar.get']('APP', {}), base=none) or {} %}\n{%- do defaults['APP'].update(settings) %}\n{%- set APP = defaults['APP'] %}\n",
    ),
    (
        "macros.jinja",
        "{%- macro line(name, value) -%}\n{{ name | upper }}={{ value | lower if value is string else value }}\n{%- endmacro %}\n",
    ),
    ("init.sls", "include:\n  - .install\n  - .config\n  - .service\n"),
    (
        "install.sls",
        "{%- from 'APP/map.jinja' import APP with context %}\nAPP-installed:\n  pkg.installed:\n    - name: {{ APP.package }}\n",
    ),
    (
        "config.sls",
        "{%- from 'APP/map.jinja' import APP with context %}\n{%- from 'APP/macros.jinja' import line %}\ninclude:\n  - .install\n\nAPP-config:\n  file.managed:\n    - name: {{ APP.config }}\n    - mode: '0644'\n    - user: {{ APP.user }}\n    - group: {{ APP.group }}\n    - makedirs: true\n    - contents: |\n        {{ line('port', APP.port) }}\n        {%- for name, value in APP.options | dictsort %}\n        {{ line(name, value) }}\n        {%- endfor %}\n    - require:\n      - sls: APP.install\n{%- for host in APP.hosts %}\n\nAPP-host-{{ host }}:\n  file.managed:\n    - name: /etc/APP/hosts/{{ host }}\n    - contents: {{ host ~ '.example.org' | yaml_dquote }}\n    - require_in:\n      - file: APP-config\n{%- endfor %}\n",
    ),
    (
        "service.sls",
        "{%- from 'APP/map.jinja' import APP with context %}\ninclude:\n  - .config\n\nAPP-running:\n  service.running:\n    - name: {{ APP.service }}\n    - enable: true\n    - watch:\n      - file: APP-config\n",
    ),
];
