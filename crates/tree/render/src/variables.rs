//! The variables that tell a template where it is.

use std::sync::Arc;

use value::Value;

/// `tplpath`, `tplfile`, `tpldir`, `tpldot`, `slspath`, `slsdotpath`, `slscolonpath` and `sls_path` of an
/// SLS, as Salt computes them from the file's path on disk and the SLS's dotted name.
pub(crate) fn of_sls(path_on_disk: &str, sls: &str) -> Vec<(Arc<str>, Value)> {
    let mut path = sls.replace('.', "/");
    let mut found = Vec::new();
    if !path_on_disk.is_empty() {
        let name = path_on_disk.rsplit('/').next().unwrap_or_default();
        let tail = |suffix: String| path_on_disk.ends_with(&suffix).then_some(suffix);
        let template = if sls.is_empty() {
            name.to_string()
        } else {
            tail(format!("{path}.sls"))
                .or_else(|| tail(format!("{path}/init.sls")))
                .unwrap_or_else(|| path_on_disk.to_string())
        };
        path = template.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_string());
        found.push(("tplpath", path_on_disk.to_string()));
        found.push(("tplfile", template));
        found.push(("tpldir", if path.is_empty() { ".".to_string() } else { path.clone() }));
        found.push(("tpldot", path.replace('/', ".")));
    }
    found.push(("slsdotpath", path.replace('/', ".")));
    found.push(("slscolonpath", path.replace('/', ":")));
    found.push(("sls_path", path.replace('/', "_")));
    found.push(("slspath", path));
    found.into_iter().map(|(name, text)| (name.into(), text.into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sls_knows_where_it_is() {
        let of = |path: &str, sls: &str, name: &str| {
            of_sls(path, sls).into_iter().find(|(known, _)| &**known == name).unwrap().1.to_string()
        };
        assert_eq!(of("/srv/salt/web/nginx/init.sls", "web.nginx", "tplfile"), "web/nginx/init.sls");
        assert_eq!(of("/srv/salt/web/nginx/init.sls", "web.nginx", "slspath"), "web/nginx");
        assert_eq!(of("/srv/salt/web/x.sls", "web.x", "tpldir"), "web");
        assert_eq!(of("/srv/salt/web/a/x.sls", "web.a.x", "slscolonpath"), "web:a");
        assert_eq!(of("/srv/salt/top.sls", "top", "tpldir"), ".");
        assert_eq!(of("/srv/salt/top.sls", "top", "slspath"), "");
    }
}
