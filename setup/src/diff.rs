//! Difference between two texts, in the form that patch(1) reads.

use similar::TextDiff;

/// Returns the unified diff of the file `path`, with three lines of context, or an empty text if nothing changes.
/// `before` is `None` if the file does not exist yet, and `after` is `None` if it is to be removed.
#[must_use]
pub fn unified(path: &str, before: Option<&str>, after: Option<&str>) -> String {
    let name = |side: &str, text: Option<&str>| match text {
        Some(_) => format!("{side}{path}"),
        None => "/dev/null".to_owned(),
    };
    let diff = TextDiff::from_lines(before.unwrap_or_default(), after.unwrap_or_default());
    diff.unified_diff().header(&name("a", before), &name("b", after)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_comes_from_nothing() {
        let diff = unified("/etc/x", None, Some("one\n"));
        assert_eq!(diff, "--- /dev/null\n+++ b/etc/x\n@@ -0,0 +1 @@\n+one\n");
    }

    #[test]
    fn only_changed_lines_are_shown() {
        assert_eq!(unified("/etc/x", Some("one\n"), Some("one\n")), "");
        let diff = unified("/etc/x", Some("one\ntwo"), Some("one\nthree\n"));
        assert!(diff.contains("-two\n\\ No newline at end of file\n+three\n"), "{diff}");
    }
}
