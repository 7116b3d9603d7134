/// Least Jaro-Winkler similarity of a hint. Below it, unrelated names are suggested.
const MIN_SIMILARITY: f64 = 0.7;

/// Returns the candidate most similar to `wanted` (Jaro-Winkler similarity above 0.7), for a hint
/// at a typing error. An equal candidate is never returned.
pub fn closest_match<'a>(
    wanted: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(wanted, candidate), candidate))
        .filter(|(similarity, candidate)| *similarity > MIN_SIMILARITY && *candidate != wanted)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_similar_candidate_is_returned_if_it_is_similar_enough() {
        let known = ["issuer", "listen", "tls_listen"];
        assert_eq!(closest_match("isuer", known), Some("issuer"));
        assert_eq!(closest_match("lisen", known), Some("listen"));
        assert_eq!(closest_match("zzz", known), None);
        assert_eq!(closest_match("issuer", ["issuer"]), None);
    }
}
