use std::ffi::OsStr;

use langflix_domain::LanguageTag;

use crate::{
    limits::Limits,
    runner::{Program, run},
};

/// Whether a font is installed that writes the language, as fontconfig knows of it, by whom libass finds fonts. `None` where
/// its `fc-list` is not on `path`, the value of the variable `PATH`, or does not answer.
pub async fn has_font(path: Option<&OsStr>, language: &LanguageTag) -> Option<bool> {
    let program = Program::find("fc-list", path)?;
    let name = match (language.primary(), language.is_served_by(&"zh-Hans".parse().ok()?)) {
        ("zh", true) => "zh-cn",
        ("zh", false) => "zh-tw",
        (primary, _) => primary,
    };
    let output = run(&program, &[format!(":lang={name}").into(), "family".into()], None, &Limits::SHORT, None).await;
    Some(!output.ok()?.stdout.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn fonts_are_found_by_the_language_that_they_write() {
        let path = std::env::var_os("PATH");
        for (language, expected) in [("en", true), ("ko", true), ("zh-TW", true), ("x-nobodys", false)] {
            let found = has_font(path.as_deref(), &language.parse().unwrap()).await;
            assert_eq!(found, Some(expected), "{language}");
        }
        assert_eq!(has_font(None, &"en".parse().unwrap()).await, None);
    }
}
