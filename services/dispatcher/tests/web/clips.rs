//! The files of clips.

use reqwest::{Method, header};

use crate::{
    program::Town,
    site::{Site, answer, ended},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_comes_whole_in_parts_and_not_again() {
    let town = Town::new().await;
    let content: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let (run, manifest) = ended(&town, 1, &content).await;
    let site = Site::open(&town).await;
    let path = format!("/api/v1/runs/{run}/clips/1/clip.mp4");
    let get = |range: Option<&str>| {
        let request = site.request(Method::GET, &path);
        range.into_iter().fold(request, |request, range| request.header(header::RANGE, range)).send()
    };
    let whole = get(None).await.unwrap();
    assert_eq!((whole.status().as_u16(), whole.content_length()), (200, Some(content.len() as u64)));
    let tag = whole.headers()[header::ETAG].to_str().unwrap().to_owned();
    assert_eq!(tag, format!("\"{}\"", manifest.clips[0].encoded.as_ref().unwrap().blobs["clip.mp4"].sha256));
    assert_eq!(whole.headers()[header::CONTENT_TYPE], "video/mp4");
    assert!(whole.bytes().await.unwrap() == content, "the clip as it is stored");
    for (range, from, to) in
        [("bytes=0-0", 0, 1), ("bytes=1000000-1999999", 1_000_000, 2_000_000), ("bytes=-5", 2_999_995, 3_000_000)]
    {
        let part = get(Some(range)).await.unwrap();
        assert_eq!(part.status(), 206);
        assert_eq!(part.headers()[header::CONTENT_RANGE], format!("bytes {from}-{}/3000000", to - 1));
        assert!(part.bytes().await.unwrap() == content[from..to], "{range}");
    }
    let beyond = answer(site.request(Method::GET, &path).header(header::RANGE, "bytes=3000000-")).await;
    beyond.problem(416);
    assert_eq!(beyond.header("content-range"), "bytes */3000000");
    let known = answer(site.request(Method::GET, &path).header(header::IF_NONE_MATCH, &tag)).await;
    assert_eq!((known.status.as_u16(), known.header("etag")), (304, tag.as_str()));
    let head = site.request(Method::HEAD, &path).send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.headers()[header::CONTENT_LENGTH].to_str().unwrap()), (200, "3000000"));

    let poster = site.request(Method::GET, &path.replace("clip.mp4", "poster.jpg")).send().await.unwrap();
    assert_eq!(
        (poster.status().as_u16(), &poster.headers()[header::CONTENT_TYPE]),
        (200, &"image/jpeg".parse().unwrap())
    );
    let lines = site.get(&path.replace("clip.mp4", "source.vtt")).await;
    assert!(lines.body.as_str().unwrap().starts_with("WEBVTT"), "{lines:?}");
    assert_eq!(lines.header("content-type"), "text/vtt; charset=utf-8");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_leads_to_what_the_run_does_not_have() {
    let town = Town::new().await;
    let (run, manifest) = ended(&town, 1, b"the clip").await;
    let site = Site::open(&town).await;
    let (clip, long) = (&manifest.clips[0].id, "x".repeat(4000));
    let names = [
        format!("{run}/clips/1/request.json"),
        format!("{run}/clips/1/clip.mp4/"),
        format!("{run}/clips/1/..%2fclip.mp4"),
        format!("{run}/clips/1/../1/poster.jpg%00.mp4"),
        format!("{run}/clips/1/../../../../open/{run}"),
        format!("{run}/clips/0/clip.mp4"),
        format!("{run}/clips/99/clip.mp4"),
        format!("{run}/clips/-1/clip.mp4"),
        format!("{run}/clips/1%2f2/clip.mp4"),
        format!("{run}/clips/99999999999/clip.mp4"),
        format!("{run}/clips/{clip}/clip.mp4"),
        format!("{run}%2fmanifest.json"),
        format!("{run}%00"),
        format!("{run}%ff"),
        format!("..%2f{run}"),
        "..-s01e01-0123abcd".to_owned(),
        "%2e%2e%2fopen-s01e01-0123abcd/manifest".to_owned(),
        ".hidden-s01e01-0123abcd/manifest".to_owned(),
        "a%00b-s01e01-0123abcd".to_owned(),
        "a%5cb-s01e01-0123abcd".to_owned(),
        format!("{long}-s01e01-0123abcd"),
        format!("{run}/clips/1/{long}"),
        long.clone(),
    ];
    for name in names {
        let (status, text) = site.raw(&format!("GET /api/v1/runs/{name} HTTP/1.1")).await;
        assert!(matches!(status, 400 | 404), "{status} for {name}: {text}");
        assert!(!text.contains("the clip") && text.contains("application/problem+json"), "{name}: {text}");
    }
    // Too long for any server.
    let (status, _) = site.raw(&format!("GET /api/v1/runs/{} HTTP/1.1", "x".repeat(100_000))).await;
    assert!(matches!(status, 414 | 431), "{status}");
    let (status, _) = site.raw("GET /../../etc/passwd HTTP/1.1").await;
    assert_eq!(status, 404);
    assert_eq!(site.get("/").await.status, 200);
}
