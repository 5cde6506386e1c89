//! "Did you mean": the nearest known word.

/// The candidate most like `word`, if one is near enough that a typing mistake explains it:
/// at most a third of the word's letters differ (swapped neighbours count as one).
pub fn suggest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::suggest;

    #[test]
    fn suggests_near_words_only() {
        let known = ["source", "contents", "makedirs"];
        assert_eq!(suggest("soruce", known), Some("source"));
        assert_eq!(suggest("make_dirs", known), Some("makedirs"));
        assert_eq!(suggest("zzz", known), None);
    }
}
