//! Settings that have a value though nobody gave one.

use std::sync::LazyLock;

use value::{Map, Value};

/// Salt 3007's own defaults of `config.get` and `config.option`.
pub(super) static DEFAULTS: LazyLock<Map> = LazyLock::new(|| {
    let list = |items: &[&str]| -> Value { items.iter().copied().collect() };
    let import_options: Map =
        [("clean", false), ("optimize", true), ("commit", true), ("verbose", false)].into_iter().collect();
    let virt: Map =
        [("tunnel", Value::from(false)), ("images", "/srv/salt-images".into())].into_iter().collect();
    let networks: Map = [
        ("static", list(&["Aliases", "Links", "IPAMConfig"])),
        ("automatic", list(&["IPAddress", "Gateway", "GlobalIPv6Address", "IPv6Gateway"])),
    ]
    .into_iter()
    .collect();
    [
        ("mongo.db", Value::from("salt")),
        ("mongo.password", "".into()),
        ("mongo.port", 27017i64.into()),
        ("mongo.user", "".into()),
        ("redis.db", "0".into()),
        ("redis.host", "salt".into()),
        ("redis.port", 6379i64.into()),
        ("test.foo", "unconfigured".into()),
        ("ca.cert_base_path", "/etc/pki".into()),
        ("solr.cores", list(&[])),
        ("solr.host", "localhost".into()),
        ("solr.port", "8983".into()),
        ("solr.baseurl", "/solr".into()),
        ("solr.type", "master".into()),
        ("solr.request_timeout", Value::NULL),
        ("solr.init_script", "/etc/rc.d/solr".into()),
        ("solr.dih.import_options", import_options.into()),
        ("solr.backup_path", Value::NULL),
        ("solr.num_backups", 1i64.into()),
        ("poudriere.config", "/usr/local/etc/poudriere.conf".into()),
        ("poudriere.config_dir", "/usr/local/etc/poudriere.d".into()),
        ("ldap.uri", "".into()),
        ("ldap.server", "localhost".into()),
        ("ldap.port", "389".into()),
        ("ldap.tls", false.into()),
        ("ldap.no_verify", false.into()),
        ("ldap.anonymous", true.into()),
        ("ldap.scope", 2i64.into()),
        ("ldap.attrs", Value::NULL),
        ("ldap.binddn", "".into()),
        ("ldap.bindpw", "".into()),
        ("hosts.file", "/etc/hosts".into()),
        ("aliases.file", "/etc/aliases".into()),
        ("virt", virt.into()),
        ("docker.exec_driver", "docker-exec".into()),
        ("docker.compare_container_networks", networks.into()),
    ]
    .into_iter()
    .collect()
});
