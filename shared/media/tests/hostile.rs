//! Files made to have a program open others, speak to a network, or take all of a machine.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod common;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use common::{cut, ffmpeg, source, spec};
use langflix_domain::{FailureKind, Span};
use langflix_ports::media::{ClipEncoder as _, Error, MediaProbe as _, Source};
use langflix_testkit::video::{self, Recipe};

/// A port of this machine that nobody has any business with.
struct Bait(TcpListener);

impl Bait {
    fn lay() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    fn is_taken(&self) -> bool {
        self.0.accept().is_ok()
    }
}

async fn refused(location: &str) -> Error {
    let began = Instant::now();
    let error = ffmpeg().probe(location).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(20), "{:?} for {error}", began.elapsed());
    assert_eq!((error.kind, error.transient), (FailureKind::Input, false), "{error}");
    assert!(error.message.starts_with(location) && !error.message.contains('\n'), "{error}");
    error
}

/// Texts that name further places: the file `secret.mp4` in the same folder, and `port` of this machine.
fn posing(folder: &Path, port: u16) -> Vec<(&'static str, String)> {
    let secret = folder.join("secret.mp4");
    let (secret, url) = (secret.display(), format!("http://127.0.0.1:{port}/secret.mp4"));
    let head = "#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:10\n";
    vec![
        ("hls to a file", format!("{head}#EXTINF:8,\nsecret.mp4\n#EXT-X-ENDLIST\n")),
        ("hls to a url", format!("{head}#EXTINF:8,\n{url}\n#EXT-X-ENDLIST\n")),
        ("hls with a key", format!("{head}#EXT-X-KEY:METHOD=AES-128,URI=\"{url}\"\n#EXTINF:8,\nsecret.mp4\n")),
        ("hls with a map", format!("{head}#EXT-X-MAP:URI=\"{url}\"\n#EXTINF:8,\nsecret.mp4\n")),
        ("hls to a list", format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{url}\n")),
        ("hls to a part of a file", format!("{head}#EXTINF:8,\nsubfile,,start,0,end,99,,:{secret}\n")),
        ("hls of joined files", format!("{head}#EXTINF:8,\nconcat:{url}|{secret}\n")),
        ("script to a file", "ffconcat version 1.0\nfile secret.mp4\n".to_owned()),
        ("script to a url", format!("ffconcat version 1.0\nfile '{url}'\noption protocol_whitelist http,tcp\n")),
        (
            "dash",
            format!(
                "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" \
                 mediaPresentationDuration=\"PT8S\" profiles=\"urn:mpeg:dash:profile:isoff-on-demand:2011\"><Period>\
                 <AdaptationSet mimeType=\"video/mp4\"><Representation id=\"1\" bandwidth=\"1\"><BaseURL>{url}</BaseURL>\
                 <SegmentBase indexRange=\"0-9\"/></Representation></AdaptationSet></Period></MPD>"
            ),
        ),
        (
            "session description",
            format!("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} TCP 96\n"),
        ),
        ("asf reference", format!("[Reference]\r\nRef1={url}\r\n")),
        ("rtsp text", format!("RTSPtextrtsp://127.0.0.1:{port}/x")),
        ("asx", format!("<asx version=\"3.0\"><entry><ref href=\"{url}\"/></entry></asx>")),
        ("smil", format!("<smil><body><video src=\"{url}\"/></body></smil>")),
        (
            "svg",
            format!("<svg xmlns=\"http://www.w3.org/2000/svg\"><image href=\"{url}\" width=\"9\" height=\"9\"/></svg>"),
        ),
    ]
}

#[tokio::test]
async fn a_file_that_only_names_others_opens_none_of_them_and_calls_nobody() {
    let (folder, bait) = (tempfile::tempdir().unwrap(), Bait::lay());
    fs::copy(source(&Recipe::no_audio()), folder.path().join("secret.mp4")).unwrap();
    // ffmpeg reads by content, and for playlists by the ending, too.
    for ending in ["mkv", "mp4", "ts", "avi", "m3u8"] {
        for (what, text) in posing(folder.path(), bait.port()) {
            let file = folder.path().join(format!("Show.S01E01 {what}.{ending}"));
            fs::write(&file, text).unwrap();
            let error = refused(file.to_str().unwrap()).await;
            assert!(
                error.message.contains("give the video itself") || error.message.contains("not a video"),
                "{error}"
            );
            assert!(!bait.is_taken(), "{what} in {ending}");
        }
    }
}

/// Without it, the test before would hold for any text.
#[test]
fn the_same_files_call_where_nothing_is_forbidden() {
    let (folder, bait) = (tempfile::tempdir().unwrap(), Bait::lay());
    for (what, text) in posing(folder.path(), bait.port()) {
        if !["hls to a url", "hls with a key", "script to a url"].contains(&what) {
            continue;
        }
        let file = folder.path().join(format!("{what}.m3u8"));
        fs::write(&file, text).unwrap();
        let mut command = Command::new("ffprobe");
        command.args(["-v", "quiet", "-protocol_whitelist", "file,http,tcp,crypto"]);
        command.args(if what.starts_with("hls") { &[][..] } else { &["-safe", "0"] });
        let mut child = command.args(["-i", file.to_str().unwrap()]).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut taken = false;
        while !taken && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
            taken = bait.is_taken();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(taken, "{what}");
    }
}

/// `film` without its pictures, whose track says that they lie in the file `path`.
fn elsewhere(film: &[u8], path: &Path) -> Vec<u8> {
    let mut path = path.to_str().unwrap().as_bytes().to_vec();
    path.resize(path.len().next_multiple_of(2), 0);
    // An alias record of old Macs: only its absolute path, of type 2, is filled in.
    let mut alias = vec![0; 150];
    alias[50] = 6;
    alias[51..57].copy_from_slice(b"secret");
    alias.extend(2_u16.to_be_bytes());
    alias.extend(u16::try_from(path.len()).unwrap().to_be_bytes());
    alias.extend(path);
    alias.extend([0xff, 0xff, 0, 0]);
    let alias = atom(b"alis", &[&[0; 4][..], &alias].concat());
    let places = atom(b"dref", &[&[0, 0, 0, 0, 0, 0, 0, 1][..], &alias].concat());
    replaced(film, &[b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"], &places)
}

fn atom(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len() + 8).unwrap().to_be_bytes()[..], name, body].concat()
}

/// `atoms` without `mdat`, and with `new` in place of what lies at `path`.
fn replaced(mut atoms: &[u8], path: &[&[u8; 4]], new: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let [a, b, c, d, name @ ..] = atoms {
        let (whole, rest) = atoms.split_at(u32::from_be_bytes([*a, *b, *c, *d]) as usize);
        match path {
            [last] if name.starts_with(*last) => out.extend(new),
            [first, inner @ ..] if name.starts_with(*first) => {
                out.extend(atom(first, &replaced(&whole[8..], inner, new)));
            }
            _ if name.starts_with(b"mdat") => {}
            _ => out.extend(whole),
        }
        atoms = rest;
    }
    out
}

#[tokio::test]
async fn a_track_that_lies_in_another_file_is_not_read_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let (secret, posing) = (folder.path().join("secret.mp4"), folder.path().join("film.mov"));
    fs::copy(source(&Recipe::no_audio()), &secret).unwrap();
    fs::write(&posing, elsewhere(&fs::read(&secret).unwrap(), &secret)).unwrap();
    // The reference is one that ffmpeg follows where it is let.
    let followed =
        ["-enable_drefs", "1", "-use_absolute_path", "1", "-i", "film.mov", "-frames:v", "1", "-f", "null", "-"];
    video::ffmpeg(folder.path(), &followed).unwrap();
    let error = cut(&posing, &spec(&posing, Span::from_millis(1000, 2000))).await.err().unwrap();
    assert_eq!((error.kind, error.transient), (FailureKind::Encoder, false), "{error}");
}

/// Answers every request with `answer`, until the test ends.
fn serve(answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/bucket/Show.S01E01.mkv?X-Amz-Signature=5ec2e7", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _request = stream.read(&mut [0; 4096]);
            let _gone = stream.write_all(answer.as_bytes());
        }
    });
    url
}

#[tokio::test]
async fn a_store_s_object_that_only_names_others_opens_none_of_them_and_calls_nobody() {
    let (folder, bait) = (tempfile::tempdir().unwrap(), Bait::lay());
    fs::copy(source(&Recipe::no_audio()), folder.path().join("secret.mp4")).unwrap();
    for (what, text) in posing(folder.path(), bait.port()) {
        let length = text.len();
        let url = serve(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"));
        let error = ffmpeg().probe(&url).await.unwrap_err();
        assert_eq!(error.kind, FailureKind::Input, "{what}: {error}");
        assert!(!error.message.contains("5ec2e7") && !error.message.contains('\n'), "{error}");
        assert!(!bait.is_taken(), "{what}");
    }
}

#[tokio::test]
async fn a_store_cannot_send_a_program_to_a_file_of_the_worker() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret.mp4");
    fs::copy(source(&Recipe::no_audio()), &secret).unwrap();
    for place in [format!("file://{0}", secret.display()), format!("{}", secret.display()), "pipe:0".to_owned()] {
        let answer =
            format!("HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        ffmpeg().probe(&serve(answer)).await.unwrap_err();
    }
}

#[tokio::test]
async fn what_is_attached_to_a_film_is_written_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("work")).unwrap();
    fs::write(folder.path().join("payload.ttf"), "not a font").unwrap();
    let film = source(&Recipe::no_audio());
    let attach = ["-i", film.to_str().unwrap(), "-c", "copy", "-attach", "payload.ttf", "-metadata:s:t"];
    let named = ["mimetype=application/x-truetype-font", "-metadata:s:t", "filename=../planted.ttf", "film.mkv"];
    video::ffmpeg(folder.path(), &[&attach[..], &named[..]].concat()).unwrap();
    let film = folder.path().join("film.mkv");
    let mut spec = spec(&film, Span::from_millis(1000, 1500));
    spec.burn = Some("[Script Info]\n\n[Events]\n".to_owned());
    let cut = cut(&film, &spec).await.unwrap();
    let mut names: Vec<_> = fs::read_dir(cut.dir.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["clip.mp4", "poster.jpg"]);
    assert!(!folder.path().join("planted.ttf").exists() && !cut.dir.path().with_file_name("planted.ttf").exists());
}

#[tokio::test]
async fn a_picture_larger_than_8k_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let color = |size: &str, more: &[&str], file: &str| {
        let input = format!("color=s={size}:d=0.4:r=5");
        let args = [&["-f", "lavfi", "-i", &input][..], more, &[file]].concat();
        video::ffmpeg(folder.path(), &args).unwrap();
    };
    color("16000x8000", &["-c:v", "mjpeg", "-pix_fmt", "yuvj420p"], "large.mkv");
    color("64x64", &["-c:v", "rawvideo", "-pix_fmt", "bgr24"], "claims.avi");
    let mut claims = fs::read(folder.path().join("claims.avi")).unwrap();
    let at = claims.windows(4).position(|bytes| bytes == b"strf").unwrap();
    for side in [12, 16] {
        claims[at + side..at + side + 4].copy_from_slice(&100_000_u32.to_le_bytes());
    }
    fs::write(folder.path().join("claims.avi"), claims).unwrap();
    color("1280x720", &["-c:v", "libx264", "-vf", "setsar=100/1:max=100"], "wide.mp4");
    for name in ["large.mkv", "claims.avi", "wide.mp4"] {
        let began = Instant::now();
        let error = refused(folder.path().join(name).to_str().unwrap()).await;
        assert!(error.message.contains("larger than 8192x4320"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_file_of_many_pictures_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let film = source(&Recipe::no_audio());
    let mut args = vec!["-i", film.to_str().unwrap(), "-t", "1", "-c", "copy"];
    args.extend(["-map", "0:v"].repeat(17));
    args.push("many.mkv");
    video::ffmpeg(folder.path(), &args).unwrap();
    let error = refused(folder.path().join("many.mkv").to_str().unwrap()).await;
    assert!(error.message.contains("17 video tracks"), "{error}");
}

#[tokio::test]
async fn a_rate_that_no_film_has_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let args =
        ["-f", "lavfi", "-i", "testsrc=s=64x64:r=2000:d=2", "-c:v", "libx264", "-preset", "ultrafast", "fast.mp4"];
    video::ffmpeg(folder.path(), &args).unwrap();
    let film = folder.path().join("fast.mp4");
    let cut = cut(&film, &spec(&film, Span::from_millis(500, 1000))).await.unwrap();
    assert_eq!(cut.read.frames.len(), 30);
}

/// The file may be another by the time that it is cut than it was when it was looked at.
#[tokio::test]
async fn a_file_that_became_a_playlist_since_opens_nothing_either() {
    let (folder, bait) = (tempfile::tempdir().unwrap(), Bait::lay());
    let film = folder.path().join("film.mkv");
    fs::copy(source(&Recipe::no_audio()), &film).unwrap();
    let location = film.to_str().unwrap();
    let (ffmpeg, spec) = (ffmpeg(), spec(&film, Span::from_millis(1000, 2000)));
    let info = ffmpeg.probe(location).await.unwrap();
    for (what, text) in posing(folder.path(), bait.port()) {
        fs::write(&film, text).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let source = Source { location, info: &info };
        let error = ffmpeg.encode(source, &spec, dir.path(), &|_| ()).await.unwrap_err();
        assert_eq!((error.kind, error.transient), (FailureKind::Input, false), "{what}: {error}");
        assert!(!bait.is_taken(), "{what}");
    }
}
