//! Lines of `authorized_keys`.

/// A key with what belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Key {
    /// `command="…"`, `no-pty` and so on, in order.
    pub(super) options: Vec<String>,
    /// `ssh-ed25519`
    pub(super) kind: String,
    /// The key itself, in base64.
    pub(super) blob: String,
    /// Whose it is.
    pub(super) comment: String,
}

impl Key {
    /// Reads a whole line; `None` when there is no key in it.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let (options, rest) = if is_kind(line.split_whitespace().next()?) {
            ("", line)
        } else {
            let end = end_of_options(line)?;
            (line.get(..end)?, line.get(end..)?.trim_start())
        };
        let mut words = rest.split_whitespace();
        let kind = words.next().filter(|word| is_kind(word))?;
        let key = words.next()?;
        Some(Self {
            options: split_options(options),
            kind: kind.into(),
            blob: key.into(),
            comment: words.collect::<Vec<_>>().join(" "),
        })
    }

    /// The line, without its end.
    pub(super) fn line(&self) -> String {
        let options = self.options.join(",");
        let words = [options.as_str(), &self.kind, &self.blob, &self.comment];
        words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// Whether the key is base64 of something that names its kind.
    pub(super) fn is_valid(&self) -> bool {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        let body = self.blob.trim_end_matches('=');
        self.blob.len() - body.len() <= 2
            && body.len() >= 16
            && body.bytes().all(plain)
            && self.blob.len().is_multiple_of(4)
    }
}

/// The kind by its full name; `None` for one that SSH does not know.
pub(super) fn full_kind(kind: &str) -> Option<&str> {
    Some(match kind {
        "r" | "rsa" => "ssh-rsa",
        "d" | "dsa" | "dss" => "ssh-dss",
        "e" | "ecdsa" => "ecdsa-sha2-nistp256",
        "ed25519" => "ssh-ed25519",
        kind if is_kind(kind) || kind.starts_with("rsa-sha2-") => kind,
        _ => return None,
    })
}

fn is_kind(word: &str) -> bool {
    let word = word.strip_prefix("sk-").unwrap_or(word);
    word.starts_with("ssh-") || word.starts_with("ecdsa-")
}

/// Where the options end: at the first blank outside of quotes.
fn end_of_options(line: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, letter) in line.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ' ' | '\t' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// Commas inside of quotes separate nothing.
fn split_options(options: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let (mut quoted, mut escaped) = (false, false);
    for letter in options.chars() {
        match letter {
            ',' if !quoted => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = letter == '\\' && !escaped;
        part.push(letter);
    }
    parts.push(part);
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_written() {
        let line = "command=\"echo a, b\",no-pty ssh-rsa AAAAB3NzaC1yc2EAAAA= bob at home";
        let key = Key::parse(line).unwrap();
        assert_eq!(key.options, ["command=\"echo a, b\"", "no-pty"]);
        assert_eq!((key.kind.as_str(), key.comment.as_str()), ("ssh-rsa", "bob at home"));
        assert_eq!(key.line(), line);
        assert!(Key::parse("sk-ssh-ed25519@openssh.com AAAA").is_some());
        for none in ["", "# ssh-rsa AAAA", "ssh-rsa", "AAAA", "x y z"] {
            assert_eq!(Key::parse(none), None, "{none}");
        }
    }

    #[test]
    fn keys_are_checked() {
        let key = |text: &str| Key { blob: text.into(), ..Key::default() };
        assert!(key("AAAAB3NzaC1yc2EAAAA=").is_valid());
        for wrong in ["", "AAAA", "AAAAB3NzaC1yc2EAAA A", "AAAAB3NzaC1yc2EAAAA", "not a key"] {
            assert!(!key(wrong).is_valid(), "{wrong}");
        }
    }
}
