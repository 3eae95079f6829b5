use crate::timestamp::Timing;

/// Most text of one cue, in bytes. Two hundred lines are no subtitle.
pub(crate) const MOST_TEXT: usize = 16 << 10;
/// Lines at the end that are kept of an oversized cue, since an index may be among them.
const TAIL: usize = 3;

/// What stands since the last timing line, or since the start of the file.
#[derive(Default)]
pub(crate) struct Open<'a> {
    pub(crate) line: u32,
    pub(crate) timing: Option<Timing>,
    /// Blank lines stand as empty ones, one for any number of them.
    pub(crate) items: Vec<Item<'a>>,
    pub(crate) bytes: usize,
    pub(crate) cut: bool,
}

#[derive(Clone, Copy)]
pub(crate) struct Item<'a> {
    pub(crate) number: u32,
    pub(crate) text: &'a str,
}

impl<'a> Open<'a> {
    pub(crate) fn push(&mut self, item: Item<'a>) {
        let blank_above = match self.items.last() {
            Some(last) => last.text.is_empty(),
            None => self.timing.is_none(),
        };
        if item.text.is_empty() && blank_above {
            return;
        }
        self.bytes += item.text.len();
        self.items.push(item);
        // Before the first cue only an index can matter.
        let full = self.bytes > MOST_TEXT || self.items.len() > MOST_TEXT || self.timing.is_none();
        if full && self.items.len() > TAIL + 1 {
            let at = self.items.len() - 1 - TAIL;
            self.items.remove(at);
            self.cut = true;
        }
    }

    /// Takes blank lines off the end; whether there were any.
    pub(crate) fn strip_blanks(&mut self) -> bool {
        let before = self.items.len();
        while self.items.last().is_some_and(|item| item.text.is_empty()) {
            self.items.pop();
        }
        self.items.len() < before
    }

    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        for item in self.items.iter().filter(|item| !item.text.is_empty()) {
            let room = MOST_TEXT.saturating_sub(out.len());
            out.push_str(&item.text[..item.text.floor_char_boundary(room)]);
            out.push('\n');
        }
        out.truncate(out.trim_end_matches('\n').len());
        out
    }
}
