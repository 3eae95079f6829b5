use unicode_normalization::UnicodeNormalization as _;

/// Longest slug, in characters.
const MAX: usize = 60;

/// A name for files and keys: lower-case letters and digits of any script, parted by single hyphens, at most 60
/// characters; `untitled` where nothing is left.
pub fn slug(text: &str) -> String {
    let mut out = String::new();
    let mut length = 0;
    for c in text.nfkc().flat_map(char::to_lowercase).filter(|c| !matches!(c, '\'' | '’')) {
        if length >= MAX || out.len() >= MAX_FOLDER {
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

/// Longest folder name, in bytes; file systems allow 255.
const MAX_FOLDER: usize = 120;

/// A folder's name that people recognise `text` in, valid on every file system; `untitled` where nothing is left.
pub fn folder_name(text: &str) -> String {
    let forbidden = |c: char| c.is_control() || "/\\:*?\"<>|".contains(c) || is_invisible(c);
    let mut out = String::new();
    for c in text.nfc().map(|c| if forbidden(c) { ' ' } else { c }) {
        let repeats = c.is_whitespace() && out.ends_with(' ');
        if !repeats && out.len() + c.len_utf8() <= MAX_FOLDER {
            out.push(if c.is_whitespace() { ' ' } else { c });
        }
    }
    // Windows drops trailing dots, a leading one hides a folder, and a leading hyphen makes it an option of a command.
    let trimmed = out.trim_start_matches([' ', '.', '-']).trim_end_matches([' ', '.']);
    match trimmed {
        "" => "untitled".to_owned(),
        device if is_device(device) => format!("_{device}"),
        name => name.to_owned(),
    }
}

/// Characters that turn the direction of text or show nothing: two names that look alike must not differ by them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Windows opens a device by these names, whatever folder they stand in.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let numbered = |stem: &str, of: &str| stem.strip_prefix(of).is_some_and(|n| n.len() == 1 && n != "0");
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL") || numbered(&stem, "COM") || numbered(&stem, "LPT")
}

#[cfg(test)]
#[path = "../../testkit/src/nasty.rs"]
mod nasty;

#[cfg(test)]
mod tests {
    use super::{nasty::nasty, *};

    #[test]
    fn no_name_is_more_than_a_name() {
        for text in nasty() {
            let (slug, folder) = (slug(&text), folder_name(&text));
            assert!(!slug.is_empty() && slug.chars().all(|c| c.is_alphanumeric() || c == '-'), "{text:?}: {slug}");
            assert!(!slug.starts_with('-') && slug.len() <= 240, "{text:?}: {slug}");
            let shows = |c: char| !c.is_control() && !is_invisible(c) && !"/\\:*?\"<>|".contains(c);
            assert!(!folder.is_empty() && folder.len() <= 120 && folder.chars().all(shows), "{text:?}: {folder:?}");
            assert!(!folder.starts_with(['.', '-', ' ']) && !folder.ends_with(['.', ' ']), "{text:?}: {folder:?}");
            assert_eq!((self::slug(&slug), folder_name(&folder)), (slug, folder), "{text:?}");
        }
    }

    #[test]
    fn a_folder_name_reads_like_the_show_and_leaves_its_place_on_no_system() {
        assert_eq!(folder_name("It's Always: Sunny?"), "It's Always Sunny");
        assert_eq!(folder_name("../../etc/passwd"), "etc passwd");
        assert_eq!(folder_name("오징어 게임"), "오징어 게임");
        for empty in ["", "...", "/", "\u{202e}"] {
            assert_eq!(folder_name(empty), "untitled", "{empty:?}");
        }
        assert_eq!(["NUL", "com1.txt", "Conan"].map(folder_name), ["_NUL", "_com1.txt", "Conan"]);
        assert!(folder_name(&"게".repeat(300)).len() <= 120);
    }

    #[test]
    fn a_slug_keeps_letters_of_any_script_and_nothing_else() {
        assert_eq!(slug("It's  a Wrap! (2019)"), "its-a-wrap-2019");
        assert_eq!(slug("오징어 게임"), "오징어-게임");
        assert_eq!(slug("../../etc"), "etc");
        assert_eq!(slug("…"), "untitled");
        assert!(slug(&"x ".repeat(500)).chars().count() <= 60);
    }
}
