use std::{fs, path::Path};

use langflix_domain::{ExpressionKind, Level};

use super::read;
use crate::{
    BuildError, Offline,
    offline::lexicon::{Entry, Source},
};

/// Writes `index.<part>` and `data.<part>` for records given as (words, field, tagged senses, frames, relation, gloss).
/// A relation is the position of another record.
struct Dictionary {
    folder: tempfile::TempDir,
}

struct Synset<'a> {
    words: &'a [&'a str],
    field: u8,
    tagged: u32,
    frames: &'a [u8],
    above: Option<usize>,
    gloss: &'a str,
}

const PLAIN: Synset<'_> = Synset { words: &[], field: 33, tagged: 1, frames: &[], above: None, gloss: "to do it" };

impl Dictionary {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, part: &str, mark: char, synsets: &[Synset<'_>]) {
        let licence = "  1 A line of licence text that begins with two spaces.  \n";
        let length = |at: usize| record(&synsets[at], 0, mark, 0).len();
        let offset = |at: usize| licence.len() + (0..at).map(length).sum::<usize>();
        let mut data = licence.to_owned();
        let mut index = licence.to_owned();
        for (at, synset) in synsets.iter().enumerate() {
            data.push_str(&record(synset, offset(at), mark, synset.above.map_or(0, offset)));
            for word in synset.words {
                let (word, tagged, offset) = (word.to_lowercase(), synset.tagged, offset(at));
                index.push_str(&format!("{word} {mark} 1 1 @ 1 {tagged} {offset:08}  \n"));
            }
        }
        fs::write(self.path().join(format!("index.{part}")), index).unwrap();
        fs::write(self.path().join(format!("data.{part}")), data).unwrap();
    }
}

fn record(synset: &Synset<'_>, offset: usize, mark: char, above: usize) -> String {
    let words: String = synset.words.iter().map(|word| format!("{word} 0 ")).collect();
    let above = synset.above.map_or("000".to_owned(), |_| format!("001 @ {above:08} {mark} 0000"));
    let frames: String = synset.frames.iter().map(|frame| format!(" + {frame:02} 00")).collect();
    let frames = if mark == 'v' { format!(" {:02}{frames}", synset.frames.len()) } else { String::new() };
    let (field, count, gloss) = (synset.field, synset.words.len(), synset.gloss);
    format!("{offset:08} {field:02} {mark} {count:02x} {words}{above}{frames} | {gloss}  \n")
}

fn named<'a>(entries: &'a [Entry], expression: &str) -> &'a Entry {
    entries.iter().find(|entry| &*entry.expression == expression).unwrap_or_else(|| panic!("{expression}: {entries:?}"))
}

#[test]
fn multi_word_entries_are_read_with_meaning_similar_words_and_kind() {
    let dictionary = Dictionary::new();
    dictionary.write(
        "verb",
        'v',
        &[
            Synset { words: &["zap_up", "boost"], frames: &[8], gloss: "make stronger; \"zap up the soup\"", ..PLAIN },
            Synset { words: &["tread_the_tiles"], above: Some(0), tagged: 0, gloss: "work as a tiler", ..PLAIN },
            Synset { words: &["alone_and_lost"], ..PLAIN },
            Synset { words: &["boost"], ..PLAIN },
        ],
    );
    let entries = read(dictionary.path()).unwrap();
    assert_eq!(entries.len(), 2, "{entries:?}");
    let zap = named(&entries, "zap sth up");
    assert_eq!((zap.kind, zap.level, &*zap.meaning), (ExpressionKind::PhrasalVerb, Level::B2, "make stronger"));
    assert_eq!((&*zap.similar[0], zap.source), ("boost", Source::WordNet));
    let tread = named(&entries, "tread the tiles");
    assert_eq!((tread.kind, tread.level), (ExpressionKind::Collocation, Level::C1));
    assert_eq!(tread.similar.iter().map(|one| &**one).collect::<Vec<_>>(), ["zap up", "boost"]);
}

#[test]
fn names_and_terms_of_science_are_left_out() {
    let dictionary = Dictionary::new();
    let noun = |words, field, tagged| Synset { words, field, tagged, gloss: "a thing of some sort", ..PLAIN };
    let synsets = [
        noun(&["Mount_Nowhere", "Big_Hill"], 4, 1),
        noun(&["brown_beetle", "bug"], 5, 1),
        noun(&["second_wind", "new_strength"], 26, 1),
        noun(&["rare_state", "oddity"], 26, 0),
    ];
    dictionary.write("noun", 'n', &synsets);
    let names: Vec<String> =
        read(dictionary.path()).unwrap().into_iter().map(|entry| entry.expression.into()).collect();
    assert_eq!(names, ["second wind", "new strength"]);
}

#[test]
fn a_missing_folder_is_no_error_and_a_file_in_its_place_is() {
    let dictionary = Dictionary::new();
    let missing = dictionary.path().join("none");
    assert_eq!(read(&missing).unwrap(), Vec::new());
    let without = Offline::new(None).unwrap();
    assert_eq!(Offline::new(Some(&missing)).unwrap().fingerprint, without.fingerprint);
    let file = dictionary.path().join("file");
    fs::write(&file, "x").unwrap();
    assert!(matches!(Offline::new(Some(&file)), Err(BuildError::WordNet { .. })));
}

#[test]
fn damaged_files_cost_their_entries_and_nothing_else() {
    let dictionary = Dictionary::new();
    dictionary.write("verb", 'v', &[Synset { words: &["zap_up", "boost"], ..PLAIN }]);
    let path = dictionary.path();
    fs::write(path.join("index.adv"), "so_and_so r 1 0 1 1 99999999\nno_end r 1 99999 @\n\u{0} \u{fffd}_x\n").unwrap();
    fs::write(path.join("data.adv"), [0xff, 0xfe, 0x00, b'\n']).unwrap();
    fs::write(path.join("index.adj"), vec![b'a'; 200_000]).unwrap();
    fs::write(path.join("data.adj"), "").unwrap();
    fs::create_dir(path.join("index.noun")).unwrap();
    fs::write(path.join("data.noun"), "").unwrap();
    assert_eq!(read(path).unwrap().len(), 1);
}

#[test]
fn what_is_read_shows_in_the_fingerprint_and_the_answers() {
    let dictionary = Dictionary::new();
    dictionary.write("verb", 'v', &[Synset { words: &["zap_up", "boost"], frames: &[8], ..PLAIN }]);
    let with = Offline::new(Some(dictionary.path())).unwrap();
    assert_ne!(with.fingerprint, Offline::new(None).unwrap().fingerprint);
    let names = crate::offline::tests::found(&with, "They zapped the old thing up.");
    assert_eq!(names, ["zap something up"]);
}

#[test]
fn an_expression_of_both_keeps_the_lexicons_words() {
    let dictionary = Dictionary::new();
    let other = Synset { words: &["give_up", "vacate"], frames: &[8], gloss: "leave a position", ..PLAIN };
    dictionary.write("verb", 'v', &[other]);
    let with = Offline::new(Some(dictionary.path())).unwrap();
    assert_eq!(with.entries.len(), Offline::new(None).unwrap().entries.len());
}

#[test]
fn the_installed_dictionary_gives_thousands_of_entries() {
    let folder = Path::new(Offline::DEFAULT_WORDNET);
    if !folder.is_dir() {
        eprintln!("skipped: no folder {}", folder.display());
        return;
    }
    let entries = read(folder).unwrap();
    let count = |kind| entries.iter().filter(|entry| entry.kind == kind).count();
    assert!(count(ExpressionKind::PhrasalVerb) > 1000 && count(ExpressionKind::Collocation) > 1000);
    let bytes: usize = entries.iter().map(|entry| entry.meaning.len() + entry.expression.len()).sum();
    assert!(entries.len() < 10_000 && bytes < 2_000_000, "{} entries of {bytes} bytes", entries.len());
}
