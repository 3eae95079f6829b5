//! The shape of an answer in the two dialects that providers read.
//!
//! It is written down once, in the names of [`langflix_domain::AnswerItem`]; a test holds the two together. Counts
//! (how many items, how many similar expressions) stand in the prompt: not every server's grammar knows `maxItems`.

use serde_json::{Map, Value, json};

enum Shape {
    Text,
    Line,
    Texts,
    Level,
    Kind,
    Translations,
}

struct Field {
    name: &'static str,
    about: &'static str,
    shape: Shape,
    /// Only asked for where the model translates the lines.
    translates_lines: bool,
}

const fn field(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, about, shape, translates_lines: false }
}

const fn line_translation(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, about, shape, translates_lines: true }
}

// In the order in which a model should think: what is said and where, what surrounds it, and only then judgements.
// Gemini is held to it by `propertyOrdering`; strict servers fill in the order of the schema's text, which is alphabetical.
const FIELDS: &[Field] = &[
    field("expression", Shape::Text, "The expression in its dictionary form"),
    field("first_line", Shape::Line, "Number of the first line in which it is said"),
    field("last_line", Shape::Line, "Number of the last line in which it is said"),
    field("quote", Shape::Text, "The words of those lines, copied verbatim"),
    field("scene_first_line", Shape::Line, "Number of the scene's first line"),
    field("scene_last_line", Shape::Line, "Number of the scene's last line"),
    field("meaning", Shape::Text, "What it means here, in plain words of the language of the lines"),
    field("translation", Shape::Text, "The expression's translation"),
    line_translation("quote_translation", Shape::Text, "The quote's translation"),
    line_translation("scene_translations", Shape::Translations, "A translation of every line of the scene"),
    field("similar", Shape::Texts, "One to three similar expressions in the language of the lines"),
    field("level", Shape::Level, "CEFR level"),
    field("kind", Shape::Kind, "What sort of expression it is"),
    field("why", Shape::Text, "Why it is worth learning, in one sentence"),
];

const LEVELS: [&str; 6] = ["A1", "A2", "B1", "B2", "C1", "C2"];
const KINDS: [&str; 5] = ["idiom", "phrasal_verb", "collocation", "slang", "other"];

fn fields(translate_lines: bool) -> impl Iterator<Item = &'static Field> {
    FIELDS.iter().filter(move |field| translate_lines || !field.translates_lines)
}

/// Gemini's `responseSchema`: a subset of OpenAPI's schema object with upper-case types. Without `propertyOrdering`
/// the properties are filled in alphabetically.
pub(crate) fn gemini(translate_lines: bool) -> Value {
    let items = object(
        fields(translate_lines).map(|field| (field.name, gemini_shape(&field.shape), field.about)),
        Dialect::Gemini,
    );
    object([("expressions", json!({"type": "ARRAY", "items": items}), "Best first")].into_iter(), Dialect::Gemini)
}

/// JSON Schema as strict structured output wants it: every property required, no others allowed, an object at the root.
pub(crate) fn strict(translate_lines: bool) -> Value {
    let items = object(
        fields(translate_lines).map(|field| (field.name, strict_shape(&field.shape), field.about)),
        Dialect::Strict,
    );
    object([("expressions", json!({"type": "array", "items": items}), "Best first")].into_iter(), Dialect::Strict)
}

#[derive(Clone, Copy)]
enum Dialect {
    Gemini,
    Strict,
}

fn object(properties: impl Iterator<Item = (&'static str, Value, &'static str)>, dialect: Dialect) -> Value {
    let mut names = Vec::new();
    let mut described = Map::new();
    for (name, mut schema, about) in properties {
        schema["description"] = about.into();
        described.insert(name.to_owned(), schema);
        names.push(name);
    }
    match dialect {
        Dialect::Gemini => {
            json!({"type": "OBJECT", "properties": described, "required": names, "propertyOrdering": names})
        }
        Dialect::Strict => {
            json!({"type": "object", "properties": described, "required": names, "additionalProperties": false})
        }
    }
}

const TRANSLATED_LINE: [(&str, &str); 2] = [("line", "The line's number"), ("text", "Its translation")];

fn gemini_shape(shape: &Shape) -> Value {
    match shape {
        Shape::Text => json!({"type": "STRING"}),
        Shape::Line => json!({"type": "INTEGER"}),
        Shape::Texts => json!({"type": "ARRAY", "items": {"type": "STRING"}}),
        Shape::Level => json!({"type": "STRING", "format": "enum", "enum": LEVELS}),
        Shape::Kind => json!({"type": "STRING", "format": "enum", "enum": KINDS}),
        Shape::Translations => {
            let [(line, about_line), (text, about_text)] = TRANSLATED_LINE;
            let line = (line, json!({"type": "INTEGER"}), about_line);
            let text = (text, json!({"type": "STRING"}), about_text);
            json!({"type": "ARRAY", "items": object([line, text].into_iter(), Dialect::Gemini)})
        }
    }
}

fn strict_shape(shape: &Shape) -> Value {
    match shape {
        Shape::Text => json!({"type": "string"}),
        Shape::Line => json!({"type": "integer"}),
        Shape::Texts => json!({"type": "array", "items": {"type": "string"}}),
        Shape::Level => json!({"type": "string", "enum": LEVELS}),
        Shape::Kind => json!({"type": "string", "enum": KINDS}),
        Shape::Translations => {
            let [(line, about_line), (text, about_text)] = TRANSLATED_LINE;
            let line = (line, json!({"type": "integer"}), about_line);
            let text = (text, json!({"type": "string"}), about_text);
            json!({"type": "array", "items": object([line, text].into_iter(), Dialect::Strict)})
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use langflix_domain::AnswerItem;

    use super::*;

    #[test]
    fn the_schema_names_exactly_the_fields_of_an_answer() {
        let domain = serde_json::to_value(schemars::schema_for!(AnswerItem)).unwrap();
        let domain: BTreeSet<&str> = domain["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields(true).map(|field| field.name).collect::<BTreeSet<_>>(), domain);
    }

    #[test]
    fn line_translations_are_not_asked_for_where_a_subtitle_gives_them() {
        let without: Vec<_> = fields(false).map(|field| field.name).collect();
        assert!(!without.contains(&"scene_translations") && !without.contains(&"quote_translation"));
        assert!(without.contains(&"translation"));
    }

    #[test]
    fn levels_and_kinds_are_the_domains_own() {
        for level in LEVELS {
            serde_json::from_value::<langflix_domain::Level>(level.into()).unwrap();
        }
        for kind in KINDS {
            serde_json::from_value::<langflix_domain::ExpressionKind>(kind.into()).unwrap();
        }
    }

    #[test]
    fn gemini_reads_this_schema() {
        insta::assert_json_snapshot!(gemini(true));
    }

    #[test]
    fn strict_servers_read_this_schema() {
        insta::assert_json_snapshot!(strict(true));
    }
}
