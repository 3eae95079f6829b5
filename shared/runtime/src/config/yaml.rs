//! A configuration file as a flat list of keys, read event by event: no tree is built, so that neither depth nor aliases
//! can use up memory, each scalar keeps its text, and each value its line.

use std::{collections::BTreeMap, path::Path};

use yaml_rust2::{
    Event, Yaml,
    parser::Parser,
    scanner::{Marker, ScanError, TScalarStyle},
};

use super::{Fault, Origin, origin::visible, reader::Given};

/// Keys have two levels; more than this is no configuration.
const DEEPEST: usize = 8;

/// There are some sixty keys; a file with more values than this is something else.
const MOST_VALUES: usize = 500;

/// The values of the file at `path`. A file that is no mapping gives none, and one fault.
pub(super) fn given(path: &Path, text: &str) -> (Vec<Given>, Vec<Fault>) {
    let mut walk = Walk { path, given: vec![], faults: vec![], lines: BTreeMap::new(), open: vec![], skipped: 0 };
    let mut parser = Parser::new_from_str(text.trim_start_matches('\u{feff}'));
    let mut documents = 0;
    loop {
        let step = match parser.next_token() {
            Ok((Event::StreamEnd, _)) => return (walk.given, walk.faults),
            Ok((Event::DocumentStart, mark)) => {
                documents += 1;
                if documents > 1 { Err((mark, "holds more than one document".to_owned())) } else { Ok(()) }
            }
            Ok((event, mark)) => walk.take(event, mark).map_err(|problem| (mark, problem)),
            Err(error) => Err((*error.marker(), not_yaml(text, &error))),
        };
        if let Err((mark, problem)) = step {
            let place = format!("{}:{}", visible(&path.to_string_lossy()), mark.line());
            return (vec![], vec![Fault::File { place, problem }]);
        }
    }
}

fn not_yaml(text: &str, error: &ScanError) -> String {
    let line = text.lines().nth(error.marker().line().saturating_sub(1)).unwrap_or_default();
    if line.trim_start_matches(' ').starts_with('\t') {
        "is indented with a tab; YAML takes spaces".to_owned()
    } else {
        format!("is no YAML: {}", visible(error.info()))
    }
}

/// A mapping that is being read.
struct Mapping {
    /// Its own key and a dot; empty for the outermost.
    prefix: String,
    /// The key whose value comes next.
    key: Option<String>,
}

struct Walk<'a> {
    path: &'a Path,
    given: Vec<Given>,
    faults: Vec<Fault>,
    /// The line of each key's value.
    lines: BTreeMap<String, usize>,
    open: Vec<Mapping>,
    /// How deep the reader is inside a list, which no key takes.
    skipped: usize,
}

impl Walk<'_> {
    fn take(&mut self, event: Event, mark: Marker) -> Result<(), String> {
        match event {
            Event::Alias(_) => return Err("holds an alias (*), which is not taken here".to_owned()),
            Event::SequenceStart(..) | Event::MappingStart(..) if self.skipped > 0 => self.skipped += 1,
            Event::SequenceEnd | Event::MappingEnd if self.skipped > 0 => self.skipped -= 1,
            _ if self.skipped > 0 => {}
            Event::SequenceStart(..) => {
                let key = self.key_of_value()?;
                self.give(key, None, mark)?;
                self.skipped = 1;
            }
            Event::MappingStart(..) => self.enter()?,
            Event::MappingEnd => {
                self.open.pop();
            }
            Event::Scalar(text, style, _, _) => self.scalar(text, style, mark)?,
            _ => {}
        }
        Ok(())
    }

    fn enter(&mut self) -> Result<(), String> {
        let prefix = if self.open.is_empty() { String::new() } else { self.key_of_value()? + "." };
        if self.open.len() >= DEEPEST {
            return Err(format!("is nested deeper than {DEEPEST} levels"));
        }
        self.open.push(Mapping { prefix, key: None });
        Ok(())
    }

    fn scalar(&mut self, text: String, style: TScalarStyle, mark: Marker) -> Result<(), String> {
        let null = style == TScalarStyle::Plain && Yaml::from_str(&text).is_null();
        match self.open.last_mut() {
            None if null => {}
            None => return Err(NO_MAPPING.to_owned()),
            Some(mapping) if mapping.key.is_none() => mapping.key = Some(format!("{}{text}", mapping.prefix)),
            Some(_) => {
                let key = self.key_of_value()?;
                let text = if null { String::new() } else { text };
                self.give(key, Some(text), mark)?;
            }
        }
        Ok(())
    }

    /// The key whose value begins here.
    fn key_of_value(&mut self) -> Result<String, String> {
        let mapping = self.open.last_mut().ok_or(NO_MAPPING)?;
        mapping.key.take().ok_or_else(|| "holds a key that is no plain text".to_owned())
    }

    fn give(&mut self, key: String, text: Option<String>, mark: Marker) -> Result<(), String> {
        if self.given.len() + self.faults.len() >= MOST_VALUES {
            return Err(format!("holds more than {MOST_VALUES} values, which no configuration does"));
        }
        let place = |line| Origin::File { path: self.path.to_owned(), line };
        let origin = place(mark.line());
        match self.lines.insert(key.clone(), mark.line()) {
            Some(first) => {
                self.faults.push(Fault::GivenTwice { key: visible(&key), first: place(first), second: origin })
            }
            None => self.given.push(Given { key, text, origin }),
        }
        Ok(())
    }
}

const NO_MAPPING: &str = "is no mapping: sections such as 'llm:' are expected, with their keys indented below them";
