//! Files whose content nobody but their owner should see.

use std::path::Path;

/// Whether a content is to be kept out of every report, journal and log: the hashes of passwords (`/etc/shadow`,
/// `/etc/gshadow`, what is kept beside them under a longer name), and private keys wherever they lie.
pub fn holds_secrets(path: &Path, content: &[u8]) -> bool {
    is_shadow(path) || is_private_key(content)
}

fn is_shadow(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let named = name.starts_with("shadow") || name.starts_with("gshadow") || name == "opasswd";
    named && path.parent().is_some_and(|folder| folder.ends_with("etc") || folder.ends_with("etc/security"))
}

/// `-----BEGIN OPENSSH PRIVATE KEY-----` and its kin, on the first line that is not blank.
fn is_private_key(content: &[u8]) -> bool {
    let content = content.trim_ascii_start();
    let line = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.starts_with(b"-----BEGIN ") && line.trim_ascii_end().ends_with(b"PRIVATE KEY-----")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shadow_files_and_private_keys_are_known() {
        for path in
            ["/etc/shadow", "/etc/gshadow", "/etc/shadow-", "/etc/shadow.bak", "/etc/security/opasswd"]
        {
            assert!(holds_secrets(Path::new(path), b""), "{path}");
        }
        for path in ["/etc/passwd", "/etc/shadowsocks/config", "/srv/shadow", "/etc/group"] {
            assert!(!holds_secrets(Path::new(path), b"x"), "{path}");
        }
        let key = b"\n-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n";
        assert!(holds_secrets(Path::new("/root/.ssh/id"), key));
        assert!(holds_secrets(Path::new("/x"), b"-----BEGIN RSA PRIVATE KEY-----\r\nAAAA"));
        assert!(!holds_secrets(Path::new("/x"), b"-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----"));
    }
}
