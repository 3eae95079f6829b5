//! The page's files, as they stand in this folder; no other is served.

/// A file and where it is served.
pub(super) struct File {
    pub(super) path: &'static str,
    pub(super) content_type: &'static str,
    pub(super) body: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const fn script(path: &'static str, body: &'static str) -> File {
    File { path, content_type: SCRIPT, body }
}

pub(super) const FILES: &[File] = &[
    File { path: "/", content_type: HTML, body: include_str!("index.html") },
    File { path: "/app.css", content_type: CSS, body: include_str!("app.css") },
    File { path: "/favicon.svg", content_type: "image/svg+xml", body: include_str!("favicon.svg") },
    script("/app.js", include_str!("app.js")),
    script("/actions.js", include_str!("actions.js")),
    script("/api.js", include_str!("api.js")),
    script("/board.js", include_str!("board.js")),
    script("/clip.js", include_str!("clip.js")),
    script("/dom.js", include_str!("dom.js")),
    script("/episode.js", include_str!("episode.js")),
    script("/episodes.js", include_str!("episodes.js")),
    script("/head.js", include_str!("head.js")),
    script("/keys.js", include_str!("keys.js")),
    script("/queues.js", include_str!("queues.js")),
    script("/season.js", include_str!("season.js")),
    script("/shelves.js", include_str!("shelves.js")),
    script("/stream.js", include_str!("stream.js")),
    script("/words.js", include_str!("words.js")),
    script("/workers.js", include_str!("workers.js")),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What follows `before` in a text, up to the next quote.
    fn named<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
        text.split(before).skip(1).filter_map(|rest| rest.split('"').next())
    }

    #[test]
    fn whatever_a_file_asks_for_is_served_and_nothing_else_is() {
        let served: BTreeSet<String> = FILES.iter().map(|file| file.path.to_owned()).collect();
        let mut asked = BTreeSet::from(["/".to_owned()]);
        for file in FILES {
            asked.extend(named(file.body, "from \"./").map(|name| format!("/{name}")));
            let links = named(file.body, "href=\"/").chain(named(file.body, "src=\"/"));
            asked.extend(links.map(|name| format!("/{name}")));
        }
        assert_eq!(served, asked);
    }

    #[test]
    fn all_scripts_of_the_first_view_are_fetched_at_once() {
        let page = FILES.iter().find(|file| file.path == "/").unwrap().body;
        for file in FILES.iter().filter(|file| file.content_type == SCRIPT) {
            assert!(page.contains(&format!("\"{}\"", file.path)), "{} waits for what imports it", file.path);
        }
    }

    #[test]
    fn no_string_becomes_markup_or_code() {
        for file in FILES {
            for way in
                ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "srcdoc"]
            {
                assert!(!file.body.contains(way), "{way} in {}", file.path);
            }
        }
    }
}
