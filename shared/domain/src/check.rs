//! What of a model's answer may be used.

use serde_json::Value;

use crate::{
    AnalysisRequest, AnswerItem, Chunk, CueKind, CueRange, Expression, RejectedItem, Transcript,
    inflection::{expression_key, lemma_key},
    scene::scene_among,
};

/// The longest text taken from a model for one field, in characters.
const LONGEST_FIELD: usize = 600;
/// The longest expression, in characters.
const LONGEST_EXPRESSION: usize = 80;
/// The longest reason, in characters: that of an unreadable item quotes it.
const LONGEST_REASON: usize = 200;
/// Most items of an answer that are looked at. Many times what is asked for; each of the others would be rejected and listed.
const MOST_ITEMS: usize = 500;

/// An answer, checked item by item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// The items that passed, in the model's order.
    pub expressions: Vec<Expression>,
    /// The items that passed but for lines of their scene that are not translated: their own scene was too short. Each
    /// is among `rejected`, too, with what makes it whole; where no answer does, it is still worth showing.
    pub incomplete: Vec<Expression>,
    /// The items that did not pass.
    pub rejected: Vec<RejectedItem>,
}

/// An answer that holds no list of items at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer is no JSON list of expressions: {reason}")]
pub struct Unreadable {
    /// What is wrong with it.
    pub reason: String,
}

/// Checks an answer to `request` about `chunk`.
///
/// Lines are named by number and quoted; the quote is held against the cues, and every time is derived from them, so a
/// model cannot invent one.
///
/// # Errors
/// [`Unreadable`] where the text is neither a list, an item, nor an object with `expressions`, bare or fenced.
pub fn check(
    answer: &str,
    request: &AnalysisRequest,
    chunk: &Chunk,
    transcript: &Transcript,
) -> Result<Checked, Unreadable> {
    let mut checked = Checked::default();
    let items = items(answer)?;
    let beyond = items.len().saturating_sub(MOST_ITEMS);
    for value in items.into_iter().take(MOST_ITEMS) {
        let name = value.get("expression").and_then(Value::as_str).unwrap_or_default();
        let name: String = name.chars().take(LONGEST_EXPRESSION).collect();
        let result = serde_json::from_value::<AnswerItem>(value)
            .map_err(|error| format!("not readable: {error}").chars().take(LONGEST_REASON).collect())
            .and_then(|item| one(item, request, chunk, transcript));
        let taken = checked.expressions.iter().chain(&checked.incomplete);
        let result = result.and_then(|expression| fits(expression, taken, request));
        let lacking = result.as_ref().ok().and_then(|expression| lacking(expression, request, chunk));
        match (result, lacking) {
            (Ok(expression), None) => checked.expressions.push(expression),
            (Ok(expression), Some(reason)) => {
                checked.incomplete.push(expression);
                checked.rejected.push(RejectedItem { expression: name, reason });
            }
            (Err(reason), _) => checked.rejected.push(RejectedItem { expression: name, reason }),
        }
    }
    if beyond > 0 {
        let reason = format!("{beyond} more items were not looked at: an answer has {MOST_ITEMS} at most");
        checked.rejected.push(RejectedItem { expression: String::new(), reason });
    }
    Ok(checked)
}

fn fits<'a>(
    expression: Expression,
    taken: impl Iterator<Item = &'a Expression> + Clone,
    request: &AnalysisRequest,
) -> Result<Expression, String> {
    let key = expression_key(&expression.expression);
    if taken.clone().any(|other| expression_key(&other.expression) == key) {
        return Err("named twice".to_owned());
    }
    if taken.count() >= usize::from(request.max_expressions) {
        return Err(format!("beyond the {} asked for", request.max_expressions));
    }
    Ok(expression)
}

/// What makes an expression whole whose scene was made longer by lines that are shown but not translated. Lines that
/// are not shown cannot be asked for.
fn lacking(expression: &Expression, request: &AnalysisRequest, chunk: &Chunk) -> Option<String> {
    let (scene, shown) = (expression.scene, chunk.with_context);
    let mut lines = scene.indices().zip(&expression.scene_translations);
    let lacks = lines.any(|(cue, translation)| translation.is_none() && shown.contains(cue as u32));
    (request.translate_lines && lacks).then(|| {
        let number = |cue: u32| cue.clamp(shown.first, shown.last) - shown.first + 1;
        let (first, last) = (number(scene.first), number(scene.last));
        format!("the scene is too short: make it lines {first} to {last}, and translate each of them")
    })
}

/// Whether an answer holds a list of items, whatever they are worth.
pub fn is_readable(answer: &str) -> bool {
    items(answer).is_ok()
}

fn items(answer: &str) -> Result<Vec<Value>, Unreadable> {
    let start = answer.find(['[', '{']).ok_or_else(|| Unreadable { reason: "it holds no JSON".to_owned() })?;
    let mut values = serde_json::Deserializer::from_str(&answer[start..]).into_iter::<Value>();
    let value = match values.next() {
        Some(Ok(value)) => value,
        Some(Err(error)) => return Err(Unreadable { reason: error.to_string() }),
        None => return Err(Unreadable { reason: "it is empty".to_owned() }),
    };
    match value {
        Value::Array(items) => Ok(items),
        Value::Object(mut object) => match object.remove("expressions") {
            Some(Value::Array(items)) => Ok(items),
            Some(_) => Err(Unreadable { reason: "'expressions' is no list".to_owned() }),
            None => Ok(vec![Value::Object(object)]),
        },
        _ => Err(Unreadable { reason: "it is neither a list nor an object".to_owned() }),
    }
}

fn one(
    item: AnswerItem,
    request: &AnalysisRequest,
    chunk: &Chunk,
    transcript: &Transcript,
) -> Result<Expression, String> {
    let said = lines(item.first_line, item.last_line, request)?;
    let scene = lines(item.scene_first_line, item.scene_last_line, request)?;
    for number in said.0..=said.1 {
        if request.lines[number].context {
            return Err(format!("line {} is context only", number + 1));
        }
    }
    let to_cues = |(first, last): (usize, usize)| CueRange {
        first: chunk.with_context.first + first as u32,
        last: chunk.with_context.first + last as u32,
    };
    let cues = to_cues(said);
    if transcript.slice(cues).iter().any(|cue| cue.kind != CueKind::Speech) {
        return Err("its line is not speech".to_owned());
    }
    let joined: Vec<&str> = request.lines[said.0..=said.1].iter().map(|line| line.text.as_str()).collect();
    let line = joined.join(" ");
    check_quote(&item, &line)?;
    let expression = clean(&item.expression, LONGEST_EXPRESSION).ok_or("the expression is empty or too long")?;
    let meaning = clean(&item.meaning, LONGEST_FIELD).ok_or("the meaning is empty or too long")?;
    let similar = similar(&item.similar, &expression)?;
    let translations = translations(&item, request, scene)?;
    let scene_cues = scene_among(transcript, cues, to_cues(scene), chunk.with_context);
    let of = |cue: usize| {
        let number = (cue as u32).checked_sub(chunk.with_context.first)? + 1;
        translations.iter().find(|(line, _)| *line == number).map(|(_, text)| text.clone())
    };
    Ok(Expression {
        expression,
        translation: item.translation.as_deref().and_then(|text| clean(text, LONGEST_FIELD)),
        line,
        line_translation: item.quote_translation.as_deref().and_then(|text| clean(text, LONGEST_FIELD)),
        meaning,
        similar,
        level: item.level,
        kind: item.kind,
        why: clean(&item.why, LONGEST_FIELD).unwrap_or_default(),
        cues,
        scene: scene_cues,
        scene_translations: scene_cues.indices().map(of).collect(),
    })
}

/// Positions of the lines numbered `first` to `last`.
fn lines(first: u32, last: u32, request: &AnalysisRequest) -> Result<(usize, usize), String> {
    let count = request.lines.len();
    if first == 0 || last < first || last as usize > count {
        return Err(format!("lines {first} to {last} are not among the {count} lines"));
    }
    Ok((first as usize - 1, last as usize - 1))
}

fn check_quote(item: &AnswerItem, line: &str) -> Result<(), String> {
    let quote = folded(&item.quote);
    if quote.is_empty() || !folded(line).contains(&quote) {
        return Err(format!("the quote does not stand in line {}", item.first_line));
    }
    if is_said(&item.expression, line) { Ok(()) } else { Err("the expression is not said in its line".to_owned()) }
}

/// Words that say too little by themselves: "out" alone makes no "find out".
const PARTICLES: [&str; 18] = [
    "up", "out", "off", "on", "in", "at", "of", "for", "with", "over", "down", "away", "back", "by", "into", "about",
    "be", "and",
];

/// Whether a line holds an expression in some form: word for word, or at least half of its words, one of them telling.
fn is_said(expression: &str, line: &str) -> bool {
    let compact = folded(expression);
    if compact.is_empty() {
        return false;
    }
    if folded(line).contains(&compact) {
        return true;
    }
    let said: Vec<String> =
        line.split(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '’')).map(lemma_key).collect();
    let key = expression_key(expression);
    let words: Vec<&str> = key.split(' ').collect();
    let found: Vec<&&str> = words.iter().filter(|word| said.iter().any(|other| same_word(word, other))).collect();
    let telling = |word: &&str| !PARTICLES.contains(word);
    found.len() * 2 >= words.len() && (found.iter().any(|word| telling(word)) || !words.iter().any(telling))
}

/// Equal, or in a language that inflects by endings we do not know, alike for more than half of the longer one.
fn same_word(word: &str, other: &str) -> bool {
    if word == other || word.is_ascii() {
        return word == other;
    }
    let alike = word.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    alike * 2 > word.chars().count().max(other.chars().count()).max(2)
}

/// Letters and digits alone, in lower case: quotes differ in dashes, quotation marks and white space.
fn folded(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn clean(text: &str, longest: usize) -> Option<String> {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty() && text.chars().count() <= longest).then_some(text)
}

fn similar(given: &[String], expression: &str) -> Result<Vec<String>, String> {
    let mut out: Vec<String> = Vec::new();
    for text in given.iter().filter_map(|text| clean(text, LONGEST_EXPRESSION)) {
        if !out.contains(&text) && !text.eq_ignore_ascii_case(expression) && out.len() < 3 {
            out.push(text);
        }
    }
    if out.is_empty() { Err("no similar expression is given".to_owned()) } else { Ok(out) }
}

/// The translated lines by number; every line of the scene exactly once where the model was asked for them.
fn translations(
    item: &AnswerItem,
    request: &AnalysisRequest,
    scene: (usize, usize),
) -> Result<Vec<(u32, String)>, String> {
    if !request.translate_lines {
        return Ok(Vec::new());
    }
    let numbers = scene.0 as u32 + 1..=scene.1 as u32 + 1;
    let mut out = Vec::new();
    for number in numbers {
        let mut given = item.scene_translations.iter().filter(|translation| translation.line == number);
        match (given.next().and_then(|translation| clean(&translation.text, LONGEST_FIELD)), given.next()) {
            (Some(text), None) => out.push((number, text)),
            (Some(_), Some(_)) => return Err(format!("line {number} is translated twice")),
            (None, _) => return Err(format!("line {number} of the scene is not translated")),
        }
    }
    if item.translation.is_none() || item.quote_translation.is_none() {
        return Err("the expression or its line is not translated".to_owned());
    }
    Ok(out)
}
