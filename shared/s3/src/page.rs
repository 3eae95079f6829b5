//! A page of a list, read from S3's XML: of it only what is asked for here, and that strictly.

use percent_encoding::percent_decode_str;
use quick_xml::{
    Reader,
    escape::resolve_predefined_entity,
    events::{BytesRef, Event},
};

use crate::{
    failure::{Failure, Sort},
    listing::{Found, Stat},
};

/// What a page says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) found: Vec<Found>,
    /// What the next page is asked for with; `None` on the last.
    pub(crate) next: Option<String>,
}

impl Page {
    /// Reads an answer. One that is not whole, or lacks a key, a size or the way to the next page, is a damaged one: read
    /// in part it would hide what exists.
    pub(crate) fn read(answer: &[u8]) -> Result<Self, Failure> {
        let page = str::from_utf8(answer).ok().and_then(Draft::of).and_then(Draft::page);
        page.ok_or_else(|| Failure::new(Sort::Damaged, "its answer is no whole list"))
    }
}

/// The elements that say something, each where it belongs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Element {
    List,
    IsTruncated,
    Next,
    Encoding,
    Contents,
    Key,
    Size,
    ETag,
    Other,
}

impl Element {
    fn of(name: &str, parent: Option<Self>) -> Self {
        match (parent, name) {
            (None, "ListBucketResult") => Self::List,
            (Some(Self::List), "IsTruncated") => Self::IsTruncated,
            (Some(Self::List), "NextContinuationToken") => Self::Next,
            (Some(Self::List), "EncodingType") => Self::Encoding,
            (Some(Self::List), "Contents") => Self::Contents,
            (Some(Self::Contents), "Key") => Self::Key,
            (Some(Self::Contents), "Size") => Self::Size,
            (Some(Self::Contents), "ETag") => Self::ETag,
            _ => Self::Other,
        }
    }
}

/// What the elements said so far.
#[derive(Default)]
struct Draft {
    objects: Vec<Object>,
    truncated: bool,
    next: Option<String>,
    encoded: bool,
    whole: bool,
}

#[derive(Default)]
struct Object {
    key: Option<String>,
    bytes: Option<u64>,
    etag: String,
}

impl Draft {
    fn of(xml: &str) -> Option<Self> {
        let (mut draft, mut open, mut text) = (Self::default(), Vec::<Element>::new(), String::new());
        let mut reader = Reader::from_str(xml);
        reader.config_mut().expand_empty_elements = true;
        loop {
            match reader.read_event().ok()? {
                Event::Start(tag) => {
                    let element = Element::of(tag.local_name().as_ref(), open.last().copied());
                    if element == Element::Contents {
                        draft.objects.push(Object::default());
                    }
                    open.push(element);
                    text.clear();
                }
                Event::Text(piece) => text.push_str(&piece),
                Event::CData(piece) => text.push_str(&piece),
                Event::GeneralRef(reference) => push(&mut text, &reference)?,
                Event::End(_) => {
                    draft.take(open.pop()?, &text)?;
                    text.clear();
                }
                Event::Eof => return (draft.whole && open.is_empty()).then_some(draft),
                _ => {}
            }
        }
    }

    fn take(&mut self, element: Element, text: &str) -> Option<()> {
        match element {
            Element::List => self.whole = true,
            Element::IsTruncated => self.truncated = text == "true",
            Element::Next => self.next = Some(text.to_owned()),
            Element::Encoding => self.encoded = text == "url",
            Element::Key => self.objects.last_mut()?.key = Some(text.to_owned()),
            Element::Size => self.objects.last_mut()?.bytes = Some(text.parse().ok()?),
            Element::ETag => text.trim_matches('"').clone_into(&mut self.objects.last_mut()?.etag),
            Element::Contents | Element::Other => {}
        }
        Some(())
    }

    fn page(self) -> Option<Page> {
        // Whether keys are encoded may be said after them.
        let key = |key: String| if self.encoded { decoded(&key) } else { key };
        let found = |object: Object| {
            let stat = Stat { bytes: object.bytes?, etag: object.etag };
            Some(Found { key: key(object.key?), stat })
        };
        let next = if self.truncated { Some(self.next?) } else { None };
        Some(Page { found: self.objects.into_iter().map(found).collect::<Option<_>>()?, next })
    }
}

fn push(text: &mut String, reference: &BytesRef<'_>) -> Option<()> {
    match reference.resolve_char_ref().ok()? {
        Some(character) => text.push(character),
        None => text.push_str(resolve_predefined_entity(reference)?),
    }
    Some(())
}

/// A key as a list shows it that was asked to encode keys: it does so as forms do, where a plus sign is a space.
pub(crate) fn decoded(key: &str) -> String {
    percent_decode_str(&key.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(inside: &str) -> Result<Page, Failure> {
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             {inside}</ListBucketResult>"
        );
        Page::read(xml.as_bytes())
    }

    fn found(key: &str, bytes: u64, etag: &str) -> Found {
        Found { key: key.to_owned(), stat: Stat { bytes, etag: etag.to_owned() } }
    }

    const A: &str = "<Contents><Key>a</Key><Size>1</Size></Contents>";

    #[test]
    fn of_a_page_only_what_is_asked_for_is_taken() {
        let page = list(
            "<Name>b</Name><Prefix>a</Prefix><KeyCount>1</KeyCount><IsTruncated>true</IsTruncated>\
             <NextContinuationToken>1/x+y==</NextContinuationToken>
             <Contents>
                 <Key>a/b</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;e1-2&quot;</ETag>\
                 <Size>18446744073709551615</Size><Owner><ID>u</ID><Key>of the owner</Key></Owner><New/>
             </Contents>
             <CommonPrefixes><Prefix>p/</Prefix><Key>of no object</Key></CommonPrefixes>",
        );
        let wanted = Page { found: vec![found("a/b", u64::MAX, "e1-2")], next: Some("1/x+y==".to_owned()) };
        assert_eq!(page.unwrap(), wanted);
        assert_eq!(list("").unwrap(), Page { found: vec![], next: None });
    }

    #[test]
    fn text_is_read_however_it_is_written() {
        let page = list(
            "<Contents><Key>a&amp;b&#x26;&#233;<![CDATA[<&amp;>]]>&lt;<!-- aside --> z </Key><Size>0</Size>\
             <ETag>\"plain\"</ETag></Contents><Contents><Key/><Size>2</Size></Contents><IsTruncated>false</IsTruncated>",
        );
        assert_eq!(page.unwrap().found, [found("a&b&é<&amp;>< z ", 0, "plain"), found("", 2, "")]);
        let prefixed = "<s:ListBucketResult xmlns:s=\"x\"><s:Contents><s:Key>k</s:Key><s:Size>1</s:Size></s:Contents>\
                        </s:ListBucketResult>";
        assert_eq!(Page::read(prefixed.as_bytes()).unwrap().found, [found("k", 1, "")]);
    }

    #[test]
    fn keys_are_decoded_wherever_it_is_said_that_they_are_encoded() {
        let key = "<Contents><Key>a+b%2Bc%01</Key><Size>1</Size></Contents>";
        let encoding = "<EncodingType>url</EncodingType>";
        for (inside, meant) in [
            (format!("{encoding}{key}"), "a b+c\u{1}"),
            (format!("{key}{encoding}"), "a b+c\u{1}"),
            (key.to_owned(), "a+b%2Bc%01"),
        ] {
            assert_eq!(list(&inside).unwrap().found, [found(meant, 1, "")]);
        }
        for (listed, meant) in [("a+b", "a b"), ("a%20b", "a b"), ("a%2Bb", "a+b"), ("%2520", "%20"), ("a/b", "a/b")] {
            assert_eq!(decoded(listed), meant);
        }
    }

    #[test]
    fn what_is_no_whole_list_is_damaged() {
        for inside in [
            "<Contents><Size>1</Size></Contents>",
            "<Contents><Key>a</Key></Contents>",
            "<Contents><Key>a</Key><Size>-1</Size></Contents>",
            "<Contents><Key>a</Key><Size></Size></Contents>",
            "<Contents><Key>&unknown;</Key><Size>1</Size></Contents>",
            "<Contents><Key>&#x110000;</Key><Size>1</Size></Contents>",
            "<Contents><Key>a</Size></Contents>",
            "<IsTruncated>true</IsTruncated>",
            "</ListBucketResult><ListBucketResult><Contents>",
        ] {
            let failure = list(inside).unwrap_err();
            assert_eq!(failure.sort, Sort::Damaged, "{inside}");
        }
        let whole = format!("<ListBucketResult>{A}</ListBucketResult>");
        assert_eq!(Page::read(whole.as_bytes()).unwrap().found.len(), 1);
        let cut = (0..whole.len()).filter(|&end| Page::read(&whole.as_bytes()[..end]).is_ok());
        assert_eq!(cut.collect::<Vec<_>>(), [0; 0]);
        for other in ["<html></html>", "{}", "<Error><Code>InternalError</Code></Error>"] {
            assert!(Page::read(other.as_bytes()).is_err(), "{other}");
        }
        assert!(Page::read(b"<ListBucketResult>\xff</ListBucketResult>").is_err());
    }
}
