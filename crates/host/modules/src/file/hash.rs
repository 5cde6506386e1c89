//! Checksums, as states and hash files write them.

use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use crate::Failure;

/// A hash algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// MD5: for compatibility, not for safety.
    Md5,
    /// SHA-1: likewise.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// Every algorithm with its name and the length of its digest in hexadecimal digits.
const ALGORITHMS: [(Algorithm, &str, usize); 6] = [
    (Algorithm::Md5, "md5", 32),
    (Algorithm::Sha1, "sha1", 40),
    (Algorithm::Sha224, "sha224", 56),
    (Algorithm::Sha256, "sha256", 64),
    (Algorithm::Sha384, "sha384", 96),
    (Algorithm::Sha512, "sha512", 128),
];

impl Algorithm {
    /// The algorithm of that name.
    pub(crate) fn named(name: &str) -> Result<Self, Failure> {
        let found = ALGORITHMS.iter().find(|(_, known, _)| *known == name).map(|(algorithm, ..)| *algorithm);
        found.ok_or_else(|| {
            let names = ALGORITHMS.map(|(_, name, _)| name).join(", ");
            Failure::message(format!("Invalid hash type '{name}'. Supported hash types are: {names}."))
                .hint("write `sha256=` and the digest that `sha256sum FILE` prints")
        })
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        ALGORITHMS.iter().find(|(algorithm, ..)| *algorithm == self).map_or("", |(_, name, _)| name)
    }

    /// The digest of a content in hexadecimal digits.
    pub(crate) fn hash(self, content: &[u8]) -> String {
        match self {
            Self::Md5 => hexadecimal(&Md5::digest(content)),
            Self::Sha1 => hexadecimal(&Sha1::digest(content)),
            Self::Sha224 => hexadecimal(&Sha224::digest(content)),
            Self::Sha256 => hexadecimal(&Sha256::digest(content)),
            Self::Sha384 => hexadecimal(&Sha384::digest(content)),
            Self::Sha512 => hexadecimal(&Sha512::digest(content)),
        }
    }

    fn digits(self) -> usize {
        ALGORITHMS.iter().find(|(algorithm, ..)| *algorithm == self).map_or(0, |(.., digits)| *digits)
    }

    fn of_length(length: usize) -> Option<Self> {
        ALGORITHMS.iter().find(|(_, _, known)| *known == length).map(|(algorithm, ..)| *algorithm)
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        text.push_str(&format!("{byte:02x}"));
        text
    })
}

/// A digest that a content has to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    /// How it is computed.
    pub(crate) algorithm: Algorithm,
    /// In lower-case hexadecimal digits.
    pub(crate) digest: String,
}

impl Expected {
    /// Reads `sha256=digest`, `sha256:digest` or a digest alone, whose length tells the algorithm.
    pub(crate) fn parse(written: &str) -> Result<Option<Self>, Failure> {
        let Some((name, digest)) = written.split_once(['=', ':']) else {
            return Ok(Self::bare(written.trim()));
        };
        let algorithm = Algorithm::named(name.trim())?;
        let expected = Self::bare(digest.trim());
        match expected {
            Some(expected) if expected.algorithm == algorithm => Ok(Some(expected)),
            _ => Err(Failure::message(format!(
                "Invalid length ({}) for hash type '{name}'.",
                digest.trim().len()
            ))
            .hint(format!("a {name} digest has {} hexadecimal digits: copy all of it", algorithm.digits()))),
        }
    }

    /// Finds the digest of one of the files in a list such as `sha256sum` prints. A list with a single digest
    /// is about any file.
    pub(crate) fn in_list(list: &str, names: &[&str]) -> Option<Self> {
        let base = |name: &str| name.rsplit('/').next().unwrap_or(name).to_string();
        let wanted: Vec<String> = names.iter().map(|name| base(name)).collect();
        let mut all = Vec::new();
        for line in list.lines() {
            let words: Vec<&str> =
                line.split([' ', '\t', '(', ')', '=']).filter(|word| !word.is_empty()).collect();
            let Some(found) = words.iter().find_map(|word| Self::bare(word)) else { continue };
            if words.iter().any(|word| wanted.contains(&base(word.trim_start_matches('*')))) {
                return Some(found);
            }
            all.push(found);
        }
        if all.len() == 1 { all.pop() } else { None }
    }

    fn bare(digest: &str) -> Option<Self> {
        let algorithm = Algorithm::of_length(digest.len())?;
        let valid = digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        valid.then(|| Self { algorithm, digest: digest.to_ascii_lowercase() })
    }
}

/// What is said of a declared hash that is none.
pub(crate) fn malformed(declared: &str) -> Failure {
    Failure::message(format!(
        "Source hash {declared} format is invalid. It may be a hash, <hash_type>=<hash>, or the path of a file \
         that lists hashes."
    ))
    .hint("write `sha256=` and the digest that `sha256sum FILE` prints")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_hashes_are_read_as_salt_reads_them() {
        let digest = Algorithm::Sha256.hash(b"abc");
        assert_eq!(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let expected = Some(Expected { algorithm: Algorithm::Sha256, digest: digest.clone() });
        assert_eq!(Expected::parse(&format!("sha256={digest}")).unwrap(), expected);
        assert_eq!(Expected::parse(&digest.to_uppercase()).unwrap(), expected);
        assert!(Expected::parse("sha1=abc").is_err());
        assert_eq!(Expected::parse("nonsense").unwrap(), None);
        let list = format!("{}  other.tar\n{digest} *app.tar\n", Algorithm::Sha256.hash(b"x"));
        assert_eq!(Expected::in_list(&list, &["/srv/app.tar"]), expected);
        assert_eq!(Expected::in_list(&list, &["/srv/none.tar"]), None);
    }
}
