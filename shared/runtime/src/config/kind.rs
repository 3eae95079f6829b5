//! What a key takes: how a text becomes a value, what is said when it does not, and how the value is shown.

use std::{
    fmt::Display,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

use langflix_domain::LanguageTag;

use super::origin::visible;

/// How `unset` is shown.
const UNSET: &str = "unset";

type Parse<T> = Box<dyn Fn(&str) -> Option<T>>;
type Show<T> = Box<dyn Fn(&T) -> String>;

/// What a key takes.
pub(super) struct Kind<T> {
    /// What is allowed, in words.
    pub(super) allowed: String,
    /// Whether a text that is not allowed may be repeated.
    pub(super) repeatable: bool,
    /// The value of a text, `None` where it is not allowed.
    pub(super) parse: Parse<T>,
    /// The value as text.
    pub(super) show: Show<T>,
}

impl<T: 'static> Kind<T> {
    fn new(
        allowed: impl Into<String>,
        parse: impl Fn(&str) -> Option<T> + 'static,
        show: impl Fn(&T) -> String + 'static,
    ) -> Self {
        Self { allowed: allowed.into(), repeatable: true, parse: Box::new(parse), show: Box::new(show) }
    }

    /// The kind of a value that need not be there.
    pub(super) fn optional(self) -> Kind<Option<T>> {
        let Self { allowed, repeatable, parse, show } = self;
        Kind {
            allowed,
            repeatable,
            parse: Box::new(move |text| parse(text).map(Some)),
            show: Box::new(move |value| value.as_ref().map_or_else(|| UNSET.to_owned(), &show)),
        }
    }

    /// The same kind with one word more, which stands for no value.
    pub(super) fn or_word(self, word: &'static str) -> Kind<Option<T>> {
        let Self { allowed, repeatable, parse, show } = self;
        let (rest, last) = allowed.rsplit_once(" or ").unwrap_or(("", &allowed));
        let allowed = if rest.is_empty() { format!("{last}, or {word}") } else { format!("{rest}, {last} or {word}") };
        Kind {
            allowed,
            repeatable,
            parse: Box::new(move |text| if text == word { Some(None) } else { parse(text).map(Some) }),
            show: Box::new(move |value| value.as_ref().map_or_else(|| word.to_owned(), &show)),
        }
    }

    /// Values that may hold a secret are not repeated when they are wrong.
    pub(super) fn unrepeatable(self) -> Self {
        Self { repeatable: false, ..self }
    }
}

/// A whole number.
pub(super) fn whole<T: TryFrom<u64> + Display + 'static>(range: RangeInclusive<u64>) -> Kind<T> {
    let allowed = format!("a whole number from {} to {}", range.start(), range.end());
    let parse = move |text: &str| text.parse().ok().filter(|n| range.contains(n)).and_then(|n| T::try_from(n).ok());
    Kind::new(allowed, parse, T::to_string)
}

/// A number.
pub(super) fn number(range: RangeInclusive<f64>) -> Kind<f64> {
    let allowed = format!("a number from {} to {}", range.start(), range.end());
    Kind::new(allowed, move |text| text.parse().ok().filter(|n| range.contains(n)), f64::to_string)
}

/// A time in seconds.
pub(super) fn seconds(range: RangeInclusive<f64>) -> Kind<Duration> {
    let allowed = format!("seconds, a number from {} to {}", range.start(), range.end());
    let Kind { parse, .. } = number(range);
    let parse = move |text: &str| parse(text).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    Kind::new(allowed, parse, |time| time.as_secs_f64().to_string())
}

/// `true` or `false`.
pub(super) fn switch() -> Kind<bool> {
    choice([("true", true), ("false", false)])
}

/// One of a few names.
pub(super) fn choice<T: Copy + PartialEq + 'static, const N: usize>(names: [(&'static str, T); N]) -> Kind<T> {
    let allowed = listed(names.iter().map(|(name, _)| *name));
    let parse =
        move |text: &str| names.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, value)| *value);
    let show =
        move |value: &T| names.iter().find(|(_, other)| other == value).map_or(UNSET, |(name, _)| name).to_owned();
    Kind::new(allowed, parse, show)
}

/// One of a few words.
pub(super) fn word(words: impl Iterator<Item = &'static str>) -> Kind<String> {
    let words: Vec<&str> = words.collect();
    let allowed = listed(words.iter().copied());
    Kind::new(allowed, move |text| words.contains(&text).then(|| text.to_owned()), String::clone)
}

/// A model's name.
pub(super) fn model() -> Kind<String> {
    const LONGEST: usize = 200;
    let fits =
        |text: &str| text.len() <= LONGEST && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/:@".contains(&b));
    let allowed = "a model's name: letters, digits and . _ - / : @, at most 200";
    Kind::new(allowed, move |text| fits(text).then(|| text.to_owned()), String::clone)
}

/// A BCP 47 language tag.
pub(super) fn language() -> Kind<LanguageTag> {
    let allowed = "a BCP 47 language tag such as ko, ja, pt-BR or zh-Hant";
    Kind::new(allowed, |text| text.parse().ok(), LanguageTag::to_string)
}

/// A path.
pub(super) fn path() -> Kind<PathBuf> {
    const LONGEST: usize = 4096;
    let parse = |text: &str| (text.len() <= LONGEST && !text.contains('\0')).then(|| PathBuf::from(text));
    Kind::new("a path", parse, |path| visible(&Path::to_string_lossy(path)))
}

/// Any other text, read by `parse` and shown by `show`.
pub(super) fn text<T: 'static>(
    allowed: &str,
    parse: impl Fn(&str) -> Option<T> + 'static,
    show: impl Fn(&T) -> String + 'static,
) -> Kind<T> {
    Kind::new(allowed, parse, show)
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    match names.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => names.concat(),
    }
}
