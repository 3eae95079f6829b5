use unicode_normalization::UnicodeNormalization as _;

/// Longest slug, in characters.
const MAX: usize = 60;

/// A name for files and keys: lower-case letters and digits of any script, parted by single hyphens, at most 60
/// characters; `untitled` where nothing is left.
pub fn slug(text: &str) -> String {
    let mut out = String::new();
    let mut length = 0;
    for c in text.nfkc().flat_map(char::to_lowercase).filter(|c| !matches!(c, '\'' | '’')) {
        if length >= MAX {
            break;
        }
        if c.is_alphanumeric() {
            out.push(c);
            length += 1;
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
            length += 1;
        }
    }
    let trimmed = out.trim_end_matches('-');
    if trimmed.is_empty() { "untitled".to_owned() } else { trimmed.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_keeps_letters_of_any_script_and_nothing_else() {
        assert_eq!(slug("It's  a Wrap! (2019)"), "its-a-wrap-2019");
        assert_eq!(slug("오징어 게임"), "오징어-게임");
        assert_eq!(slug("../../etc"), "etc");
        assert_eq!(slug("…"), "untitled");
        assert!(slug(&"x ".repeat(500)).chars().count() <= 60);
    }
}
