//! Recognizes from the output of a failed command whether the command has made its change nevertheless.

/// Phrases by which a failed command says that it has made its change.
const IN_FORCE: [&str; 8] = [
    "but the change may be lost",
    "users done before that stay done",
    "users imported before that stay imported",
    "; the old backup codes of ada no longer work",
    "; ada is invited",
    "; the key is marked as seen",
    "; the new file is in force",
    "; the rule is in",
];

/// Returns whether a failed command says that it has made its change. `said` is its output, without line breaks inside
/// of sentences.
pub fn says_in_force(said: &str) -> bool {
    IN_FORCE.iter().any(|sentence| said.contains(sentence))
}
