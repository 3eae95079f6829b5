//! SRT and WebVTT: cues anchored on their timing lines, in one pass over the lines.

use langflix_domain::{CueKind, MediaTime};

use crate::{
    DiagnosticKind,
    diagnostic::Log,
    lines::{Line, Lines, bare},
    open::{Item, MOST_TEXT, Open},
    timestamp::{self, Dialect, TimingLine},
};

/// Most cues that are read: a hundred times those of the longest film. One more says that there were more.
pub(crate) const MAX_CUES: usize = 1_000_000;
/// A cue as it stands in the file, before its text is read.
pub(crate) struct RawCue {
    pub(crate) line: u32,
    pub(crate) start: MediaTime,
    /// `None` where the file does not say.
    pub(crate) end: Option<MediaTime>,
    pub(crate) text: String,
    pub(crate) speaker: Option<String>,
    /// What the text is, where the file says so.
    pub(crate) kind: Option<CueKind>,
}

/// Reads the cues of an SRT file, or of a WebVTT file without its header.
pub(crate) fn read<'a>(lines: Lines<'a>, dialect: Dialect, log: &mut Log) -> Vec<RawCue> {
    let mut reader = Reader { dialect, log, cues: Vec::new(), open: Open::default(), index: None, skipping: Skip::No };
    let mut lines = lines.peekable();
    while let Some(line) = lines.next()
        && reader.cues.len() <= MAX_CUES
    {
        let followed = lines.peek().is_some_and(|next| !bare(next.text).is_empty());
        reader.line(line, followed);
    }
    reader.close(None);
    reader.cues
}

#[derive(PartialEq, Eq)]
enum Skip {
    No,
    /// The block after an unreadable timing line: not even a timing line right below counts.
    FirstLine,
    Block,
}

struct Reader<'a, 'l> {
    dialect: Dialect,
    log: &'l mut Log,
    cues: Vec<RawCue>,
    open: Open<'a>,
    /// The index of the last cue that had one or could be counted.
    index: Option<u64>,
    skipping: Skip,
}

impl<'a> Reader<'a, '_> {
    fn line(&mut self, line: Line<'a>, followed: bool) {
        let text = bare(line.text);
        if line.doubled_end {
            self.log.say(line.number, DiagnosticKind::IrregularLineEnd, "CR CR LF");
        }
        if line.text.starts_with('\u{feff}') {
            self.log.say(line.number, DiagnosticKind::StrayByteOrderMark, text);
        }
        if text.is_empty() {
            self.skipping = Skip::No;
            return self.open.push(Item { number: line.number, text });
        }
        let timing = timestamp::read(text, self.dialect);
        let is_text = matches!(timing, TimingLine::Text);
        if self.skipping == Skip::FirstLine || self.skipping == Skip::Block && is_text {
            self.skipping = Skip::Block;
            return;
        }
        self.skipping = Skip::No;
        let block_starts = self.open.items.last().is_none_or(|item| item.text.is_empty());
        // Right below a timing line the same words are text.
        let below_timing = self.open.timing.is_some() && self.open.items.is_empty();
        if self.dialect == Dialect::Vtt && block_starts && !below_timing && is_comment(text) {
            self.close(None);
            self.skipping = Skip::Block;
            return;
        }
        match timing {
            TimingLine::Timing(_) if self.is_stray(block_starts, followed) => {
                self.log.say(line.number, DiagnosticKind::StrayTiming, text);
            }
            TimingLine::Timing(timing) => {
                if !timing.regular {
                    self.log.say(line.number, DiagnosticKind::IrregularTiming, text);
                }
                self.close(Some(line.number));
                self.open = Open { line: line.number, timing: Some(timing), ..Open::default() };
            }
            TimingLine::Unreadable => {
                self.log.say(line.number, DiagnosticKind::UnreadableTiming, text);
                self.close(Some(line.number));
                self.skipping = if self.dialect == Dialect::Vtt { Skip::FirstLine } else { Skip::Block };
            }
            TimingLine::Text => self.open.push(Item { number: line.number, text: line.text }),
        }
    }

    /// A timing line right below text, with neither an index above nor text of its own below, stands in the text.
    fn is_stray(&self, block_starts: bool, followed: bool) -> bool {
        let above = self.open.items.last().map_or("", |item| item.text);
        self.dialect == Dialect::Srt
            && self.open.timing.is_some()
            && !(block_starts || followed || number(above).is_some())
    }

    /// Ends what is open; `next` is the line of the timing line that ends it.
    fn close(&mut self, next: Option<u32>) {
        let mut open = std::mem::take(&mut self.open);
        let blank_below = open.items.last().is_some_and(|item| item.text.is_empty());
        if self.dialect == Dialect::Vtt {
            self.leave_out_blocks(&mut open, next);
        } else {
            self.take_index(&mut open, next);
        }
        let Some(timing) = open.timing else {
            if let Some(first) = open.items.iter().find(|item| !item.text.is_empty()) {
                self.log.say(first.number, DiagnosticKind::UnknownBlock, first.text);
            }
            return;
        };
        let text = open.text();
        if open.cut || open.bytes > MOST_TEXT {
            self.log.say(open.line, DiagnosticKind::OversizedCue, &text);
        }
        if next.is_none() && self.dialect == Dialect::Srt && open.items.is_empty() && !blank_below {
            return self.log.say(open.line, DiagnosticKind::Truncated, "the file ends before the text");
        }
        let before = self.cues.last().and_then(|cue| cue.end).unwrap_or_default();
        let start = timing.start.or_else(|| timing.end.map(|end| before.min(end)));
        let Some(start) = start else { return };
        self.cues.push(RawCue { line: open.line, start, end: timing.end, text, speaker: None, kind: None });
    }

    /// SubRip: takes the index of the next cue off the end, and entries that have lost their timing line.
    fn take_index(&mut self, open: &mut Open<'a>, next: Option<u32>) {
        let blank_below = open.strip_blanks();
        let expected = self.index.map(|index| index + 1);
        let candidate = open.items.last().and_then(|item| number(item.text).map(|index| (index, item.number)));
        let above = open.items.len().checked_sub(2).map(|at| open.items[at].text.is_empty());
        let is_index = |index: u64| match above {
            Some(blank) => blank || Some(index) == expected,
            None => !blank_below || Some(index) == expected || open.timing.is_none(),
        };
        let index = candidate.filter(|&(index, _)| {
            if next.is_some() { is_index(index) } else { Some(index) == expected && above == Some(true) }
        });
        if let Some((found, line)) = index {
            open.items.pop();
            if above == Some(false) {
                self.log.say(line, DiagnosticKind::MissingBlankLine, "");
            }
            if next.is_none() {
                self.log.say(line, DiagnosticKind::Truncated, "the file ends after an index");
            }
            open.strip_blanks();
            self.take_untimed(open);
            if self.index.is_some_and(|last| found != last + 1) {
                self.log.say(line, DiagnosticKind::IrregularIndex, &found.to_string());
            }
            self.index = Some(found);
        } else {
            if next.is_none() {
                self.take_untimed(open);
            }
            if let Some(line) = next {
                self.log.say(line, DiagnosticKind::IrregularIndex, "missing");
                if !blank_below && !open.items.is_empty() {
                    self.log.say(line, DiagnosticKind::MissingBlankLine, "");
                }
                self.index = expected;
            }
        }
        if let Some(last) = open.items.last().filter(|item| open.timing.is_some() && number(item.text).is_some()) {
            self.log.say(last.number, DiagnosticKind::LoneNumber, last.text);
        }
    }

    /// Entries that begin with the index that is due, but go on with text instead of a timing line.
    fn take_untimed(&mut self, open: &mut Open<'a>) {
        let mut cut = None;
        let mut after_blank = false;
        for at in 0..open.items.len() {
            let item = open.items[at];
            let due = after_blank && self.index.is_some_and(|last| number(item.text) == Some(last + 1));
            let has_text = open.items.get(at + 1).is_some_and(|next| !next.text.is_empty());
            if due && has_text {
                self.index = number(item.text);
                self.log.say(item.number, DiagnosticKind::MissingTiming, open.items[at + 1].text);
                cut.get_or_insert(at);
            }
            after_blank = item.text.is_empty();
        }
        open.items.truncate(cut.unwrap_or(open.items.len()));
        open.strip_blanks();
    }

    /// WebVTT: a blank line ends a cue; the line above the next timing line is that cue's identifier.
    fn leave_out_blocks(&mut self, open: &mut Open<'a>, next: Option<u32>) {
        let adjacent = next.is_some() && !open.strip_blanks();
        let above = open.items.len().checked_sub(2).map(|at| open.items[at].text.is_empty());
        if let Some(last) = open.items.last().copied().filter(|_| adjacent) {
            let index = number(last.text);
            let due = index.is_some() && index == self.index.map(|last| last + 1);
            if due || above == Some(true) || open.timing.is_none() {
                open.items.pop();
                self.index = index.or(self.index);
            }
            if above != Some(true) && open.timing.is_some() {
                self.log.say(next.unwrap_or(last.number), DiagnosticKind::MissingBlankLine, "");
            }
        }
        open.strip_blanks();
        // Text that begins after a blank line comes from a writer who knows no better: then all of it belongs to the cue.
        if open.timing.is_none() || open.items.first().is_some_and(|item| item.text.is_empty()) {
            return;
        }
        let Some(end) = open.items.iter().position(|item| item.text.is_empty()) else { return };
        let rest = open.items.split_off(end);
        if let Some(first) = rest.iter().find(|item| !item.text.is_empty()) {
            self.log.say(first.number, DiagnosticKind::UnknownBlock, first.text);
        }
    }
}

fn number(line: &str) -> Option<u64> {
    let digits = bare(line);
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok())
        .flatten()
        .filter(|&n: &u64| n < 1 << 40)
}

fn is_comment(line: &str) -> bool {
    matches!(line.split([' ', '\t']).next(), Some("NOTE" | "STYLE" | "REGION"))
}
