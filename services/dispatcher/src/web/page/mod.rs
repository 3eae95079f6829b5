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
    script("/pace.js", include_str!("pace.js")),
    script("/queues.js", include_str!("queues.js")),
    script("/season.js", include_str!("season.js")),
    script("/shelves.js", include_str!("shelves.js")),
    script("/stream.js", include_str!("stream.js")),
    script("/words.js", include_str!("words.js")),
    script("/workers.js", include_str!("workers.js")),
];
