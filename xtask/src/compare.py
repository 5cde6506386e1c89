"""Asks the real Salt for the low state of SLS files, one JSON object a line. Applies nothing.

usage: compare.py CONFIG_DIR SLS...

A template that calls something which could change this machine, or run a command on it, is refused: its SLS is
reported as {"sls": NAME, "skipped": FUNCTION}.
"""

import json
import logging
import sys

CONFIG, NAMES = sys.argv[1], sys.argv[2:]

# Functions that templates may call: by module, or one by one.
HARMLESS_MODULES = {
    "config", "defaults", "environ", "grains", "jinja", "log", "match", "mine", "network", "pillar", "random", "slsutil",
    "status", "sys", "test",
}
HARMLESS = {
    "cmd.has_exec", "cmd.which", "cmd.which_bin", "cp.cache_file", "cp.get_file_str", "cp.get_template",
    "cp.is_cached", "cp.list_master", "cp.list_master_dirs", "cp.list_master_symlinks", "cp.list_states",
    "file.access", "file.basename", "file.contains", "file.contains_glob", "file.contains_regex",
    "file.directory_exists", "file.dirname", "file.file_exists", "file.find", "file.join", "file.readdir",
    "file.readlink", "file.stats", "group.getent", "group.info", "hashutil.digest", "pkg.list_pkgs",
    "pkg.version", "service.available", "service.status", "shadow.info", "state.show_low_sls", "user.getent",
    "user.info", "user.list_groups", "user.list_users",
}


class Refused(BaseException):
    """Not an Exception, so that no handler on the way up takes it for an ordinary failure."""


def main():
    import salt.client
    import salt.config
    import salt.loader.lazy as lazy
    import salt.utils.templates as templates

    logging.disable(logging.CRITICAL)
    options = salt.config.minion_config(CONFIG + "/minion")
    options["file_client"] = "local"
    caller = salt.client.Caller(mopts=options)

    def harmless(name):
        return name in HARMLESS or name.partition(".")[0] in HARMLESS_MODULES

    # Templates reach functions through this class; `salt['a.b']` by item, `salt.a.b` by attribute of a module.
    loader = templates.AliasedLoader
    by_item, by_attribute = loader.__getitem__, loader.__getattr__

    def item(self, name):
        if "." in name and not harmless(name):
            raise Refused(name)
        return by_item(self, name)

    def attribute(self, name):
        found = by_attribute(self, name)
        return Guarded(name, found) if isinstance(found, lazy.LoadedMod) else found

    class Guarded:
        def __init__(self, module, functions):
            self.module, self.functions = module, functions

        def __getattr__(self, name):
            if not harmless(f"{self.module}.{name}"):
                raise Refused(f"{self.module}.{name}")
            return getattr(self.functions, name)

    loader.__getitem__, loader.__getattr__ = item, attribute

    for name in NAMES:
        answer = {"sls": name}
        try:
            low = caller.cmd("state.show_low_sls", name)
            fine = isinstance(low, list) and all(isinstance(chunk, dict) for chunk in low)
            answer["low" if fine else "error"] = low
        except Refused as refused:
            answer["skipped"] = str(refused)
        except Exception as error:  # whatever a template raises
            answer["error"] = [f"{type(error).__name__}: {error}"]
        print(json.dumps(answer, default=repr), flush=True)


main()
