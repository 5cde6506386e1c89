//! The real Salt, as a peer to measure and compare against. It lives in a virtual environment of its own.

use std::path::{Path, PathBuf};

use crate::{Failure, process};

/// The version that Pinch is compared with.
const SALT: &str = "salt==3007.8";

/// What its metadata asks for with build tools, or leaves out.
const COMPANIONS: &[&str] = &[
    "setuptools<70",
    "tornado",
    "looseversion",
    "packaging",
    "psutil",
    "pyyaml",
    "jinja2",
    "msgpack",
    "pyzmq",
    "distro",
    "requests",
    "jmespath",
    "pycryptodomex",
    "cryptography",
    "contextvars",
    "urllib3",
    "aiohttp",
    "croniter",
    "backports.ssl_match_hostname",
    "timelib",
    "python-dateutil",
];

/// A virtual environment with Salt in it.
#[derive(Clone, Debug)]
pub(crate) struct Salt {
    folder: PathBuf,
}

impl Salt {
    /// The one at `given`, or the project's own below `target/peers`, which is made when it is not there.
    pub(crate) fn at(given: Option<&str>) -> Result<Self, Failure> {
        if let Some(folder) = given {
            let salt = Self { folder: std::path::absolute(folder)? };
            return if salt.call().is_file() {
                Ok(salt)
            } else {
                Err(format!("no salt-call below {folder}").into())
            };
        }
        let salt = Self { folder: process::target_folder().join("peers/salt") };
        if !salt.folder.join("complete").exists() {
            salt.install()?;
        }
        Ok(salt)
    }

    /// Its `salt-call`.
    pub(crate) fn call(&self) -> PathBuf {
        self.folder.join("bin/salt-call")
    }

    /// The Python it runs in.
    pub(crate) fn python(&self) -> PathBuf {
        self.folder.join("bin/python")
    }

    fn install(&self) -> Result<(), Failure> {
        eprintln!("installing {SALT} below {} (once; takes a minute or two)", self.folder.display());
        let folder = self.folder.to_string_lossy();
        process::run(&mut process::command("python3", &["-m", "venv", "--clear", &folder]))?;
        let pip = |packages: &[&str]| {
            let words = [&["install", "--quiet", "--disable-pip-version-check"], packages].concat();
            process::run(process::command(self.folder.join("bin/pip"), &words).stdout(std::io::stderr()))
        };
        pip(&[SALT, "setuptools<70"])?;
        pip(COMPANIONS)?;
        std::fs::write(self.folder.join("complete"), SALT)?;
        Ok(())
    }
}

/// Writes a minion configuration that both programs read: everything they keep stays below `folder`.
pub(crate) fn write_configuration(
    folder: &Path,
    file_roots: &[PathBuf],
    pillar: &Path,
) -> Result<(), Failure> {
    let inside = |name: &str| folder.join(name).display().to_string();
    let roots: Vec<_> = file_roots.iter().map(|root| root.display().to_string()).collect();
    let configuration = serde_json::json!({
        "id": "peer",
        "master": "localhost",
        "file_client": "local",
        "root_dir": "/",
        "cachedir": inside("cache"),
        "pki_dir": inside("pki"),
        "sock_dir": inside("sock"),
        "extension_modules": inside("extmods"),
        "log_file": "/dev/null",
        "enable_fqdns_grains": false,
        "file_roots": {"base": roots},
        "pillar_roots": {"base": [pillar.display().to_string()]},
    });
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("minion"), serde_json::to_string_pretty(&configuration)?)?;
    Ok(())
}
