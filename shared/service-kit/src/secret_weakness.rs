use std::collections::{BTreeSet, HashSet};

/// Minimum length of a secret in characters. Shorter ones can be guessed.
pub const MIN_SECRET_LENGTH: usize = 32;
const MIN_DISTINCT_CHARACTERS: usize = 10;
/// Of 30,000 random secrets of 32 hexadecimal digits, the one with the fewest had 16, and the mean
/// was 25. Longer secrets and larger alphabets have more.
const MIN_UNPREDICTABLE_CHARACTERS: usize = 12;
const KEYBOARD_ROWS: [&str; 4] = ["1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"];

/// Returns why a chosen secret is easy to guess, as the end of a sentence. Its hash no longer shows
/// it.
#[must_use]
pub fn secret_weakness(secret: &str) -> Option<String> {
    if secret.len() < MIN_SECRET_LENGTH {
        return Some(format!("has fewer than {MIN_SECRET_LENGTH} characters"));
    }
    let distinct: BTreeSet<char> = secret.chars().collect();
    if distinct.len() < MIN_DISTINCT_CHARACTERS {
        return Some(format!("has fewer than {MIN_DISTINCT_CHARACTERS} different characters"));
    }
    (unpredictable_characters(secret) < MIN_UNPREDICTABLE_CHARACTERS)
        .then(|| "consists only of sequences and repeated characters".to_owned())
}

/// Counts the characters that neither continue a sequence of the alphabet or of the keyboard nor
/// repeat what came before.
fn unpredictable_characters(secret: &str) -> usize {
    let characters: Vec<char> = secret.to_lowercase().chars().collect();
    let mut pairs = HashSet::new();
    let predicted = characters.windows(2).filter(|pair| {
        let (one, next) = (pair[0], pair[1]);
        let is_repeated = !pairs.insert((one, next));
        is_repeated || u32::from(one).abs_diff(u32::from(next)) <= 1 || are_neighbours(one, next)
    });
    characters.len() - predicted.count()
}

/// Returns whether two characters are next to each other in a row of the keyboard. The digits go
/// round.
fn are_neighbours(one: char, next: char) -> bool {
    KEYBOARD_ROWS.iter().any(|row| {
        let at = |wanted| row.chars().position(|c| c == wanted);
        let distance = at(one).zip(at(next)).map(|(one, next)| one.abs_diff(next));
        distance.is_some_and(|distance| distance == 1 || distance + 1 == row.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_of_runs_and_repetitions_is_weak() {
        for weak in [
            "short",
            "1234567890123456789012345678901234567890",
            "01234567890123456789012345678901",
            "abcdefghijklmnopqrstuvwxyz012345",
            "zyxwvutsrqponmlkjihgfedcba987654",
            "qwertyuiopasdfghjklzxcvbnm123456",
            "QwErTyUiOpAsDfGhJkLzXcVbNm123456",
            "password123password123password123",
            "abcabcabcabcabcabcdefdefdefghighijkl",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            assert!(secret_weakness(weak).is_some(), "{weak}");
        }
        for strong in [
            "Xq7vR2mK9tBz4LwY8nHc3PdF6sGj5aUe",
            "3f9a1c7e5b2d80469e7f1a3c5d8b2046",
            "correct horse battery staple wonderland",
            "gpcs_0f8fad5bd9cb469fa16570867728950e",
        ] {
            assert_eq!(secret_weakness(strong), None, "{strong}");
        }
    }
}
