//! The words with which states refer to each other.

/// Arguments that name other states and decide order and whether a state runs.
pub const REQUISITES: [&str; 13] = [
    "onchanges",
    "onchanges_any",
    "onfail",
    "onfail_any",
    "onfail_all",
    "onfail_stop",
    "prereq",
    "prerequired",
    "watch",
    "watch_any",
    "require",
    "require_any",
    "listen",
];

/// Arguments that put a requisite on another state, or take its arguments.
pub const REQUISITES_IN: [&str; 8] =
    ["onchanges_in", "onfail_in", "prereq_in", "watch_in", "require_in", "listen_in", "use", "use_in"];

/// Whether the word is a requisite that names states in a list: all but `onfail_stop`.
pub(crate) fn is_reference_list(word: &str) -> bool {
    word != "onfail_stop" && (REQUISITES.contains(&word) || REQUISITES_IN.contains(&word))
}

/// The requisite that a misspelt argument was probably meant to be (`requires`, `watch-in`).
pub(crate) fn probably_meant(word: &str) -> Option<&'static str> {
    let plain = |word: &str| word.replace(['_', '-'], "").to_lowercase();
    let bare = plain(word);
    let singular = bare.strip_suffix('s').unwrap_or(&bare);
    let known = || REQUISITES.into_iter().chain(REQUISITES_IN).filter(|known| is_reference_list(known));
    if known().any(|known| known == word) {
        return None;
    }
    known()
        .find(|known| {
            let known = plain(known);
            known == bare
                || known == singular
                || known.strip_suffix('s').is_some_and(|known| known == singular)
        })
        .or_else(|| report::suggest(word, known().filter(|known| known.len() >= 6)))
}

#[cfg(test)]
mod tests {
    use super::probably_meant;

    #[test]
    fn near_words() {
        let cases = [
            ("requires", Some("require")),
            ("onchange", Some("onchanges")),
            ("require-in", Some("require_in")),
            ("watchin", Some("watch_in")),
            ("reqiure", Some("require")),
            ("require", None),
            ("pkgs", None),
            ("user", None),
            ("names", None),
        ];
        for (word, meant) in cases {
            assert_eq!(probably_meant(word), meant, "{word}");
        }
    }
}
