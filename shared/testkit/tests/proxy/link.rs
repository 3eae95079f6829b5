use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

use langflix_testkit::proxy::{Link, Proxy};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};

const SOON: Duration = Duration::from_secs(10);

/// A server that echoes, and tells what it got of each connection when that has ended.
async fn echo() -> (String, mpsc::UnboundedReceiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let tell = tell.clone();
            tokio::spawn(async move {
                let (mut got, mut buffer) = (Vec::new(), [0; 4096]);
                while let Ok(read @ 1..) = client.read(&mut buffer).await {
                    got.extend(&buffer[..read]);
                    if client.write_all(&buffer[..read]).await.is_err() {
                        break;
                    }
                }
                let _ = tell.send(got);
            });
        }
    });
    (url, told)
}

async fn connect(proxy: &Proxy) -> std::io::Result<TcpStream> {
    TcpStream::connect(proxy.url.trim_start_matches("tcp://")).await
}

async fn echoed(client: &mut TcpStream, text: &[u8]) -> std::io::Result<()> {
    client.write_all(text).await?;
    let mut back = vec![0; text.len()];
    client.read_exact(&mut back).await?;
    assert_eq!(back, text);
    Ok(())
}

/// What comes until the connection is reset.
async fn until_reset(client: &mut TcpStream) -> Vec<u8> {
    let mut got = Vec::new();
    let error = timeout(SOON, client.read_to_end(&mut got)).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    got
}

#[tokio::test]
async fn a_whole_link_passes_all_and_each_end() {
    let (server, mut told) = echo().await;
    let proxy = Proxy::before(&server);
    let text: Vec<u8> = (0..1_000_000u32).map(|n| n as u8).collect();
    let (mut back, mut client) = (Vec::new(), connect(&proxy).await.unwrap());
    let (mut read, mut write) = client.split();
    tokio::try_join!(read.read_to_end(&mut back), async {
        write.write_all(&text).await?;
        write.shutdown().await
    })
    .unwrap();
    assert!(back == text && told.recv().await.unwrap() == text);
    assert_eq!((proxy.connections(), proxy.sent(), proxy.received()), (1, 1_000_000, 1_000_000));
}

#[tokio::test]
async fn a_slow_link_keeps_each_chunk_for_a_while() {
    let (server, _told) = echo().await;
    let proxy = Proxy::before(&server);
    let mut client = connect(&proxy).await.unwrap();
    echoed(&mut client, b"quick").await.unwrap();
    proxy.set(Link::Slow(Duration::from_millis(60)));
    let began = Instant::now();
    echoed(&mut client, b"slow").await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(120), "there and back take {:?}", began.elapsed());
}

#[tokio::test]
async fn a_silent_link_keeps_all_until_it_speaks_again() {
    let (server, mut told) = echo().await;
    let proxy = Proxy::before(&server);
    let mut open = connect(&proxy).await.unwrap();
    echoed(&mut open, b"before").await.unwrap();
    proxy.set(Link::Silent);
    let mut new = connect(&proxy).await.unwrap();
    for client in [&mut open, &mut new] {
        client.write_all(b"into silence").await.unwrap();
        let mut byte = [0];
        assert!(timeout(Duration::from_millis(100), client.read_exact(&mut byte)).await.is_err());
    }
    assert_eq!(proxy.sent(), 6);
    proxy.set(Link::Whole);
    for mut client in [open, new] {
        let mut back = [0; 12];
        timeout(SOON, client.read_exact(&mut back)).await.unwrap().unwrap();
        assert_eq!(&back, b"into silence");
        client.shutdown().await.unwrap();
    }
    let mut got = [told.recv().await.unwrap(), told.recv().await.unwrap()];
    got.sort();
    assert_eq!(got, [b"beforeinto silence".to_vec(), b"into silence".to_vec()]);
}

#[tokio::test]
async fn a_refused_link_resets_what_is_open_and_refuses_the_rest() {
    let (server, mut told) = echo().await;
    let proxy = Proxy::before(&server);
    let mut client = connect(&proxy).await.unwrap();
    echoed(&mut client, b"before").await.unwrap();
    proxy.set(Link::Refused);
    assert_eq!(connect(&proxy).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert_eq!(until_reset(&mut client).await, b"");
    assert_eq!(told.recv().await.unwrap(), b"before");
    proxy.set(Link::Whole);
    echoed(&mut connect(&proxy).await.unwrap(), b"after").await.unwrap();
}

#[tokio::test]
async fn a_reset_ends_what_is_open_and_nothing_else() {
    let (server, _told) = echo().await;
    let proxy = Proxy::before(&server);
    let mut clients = [connect(&proxy).await.unwrap(), connect(&proxy).await.unwrap()];
    for client in &mut clients {
        echoed(client, b"before").await.unwrap();
    }
    proxy.reset();
    for client in &mut clients {
        assert_eq!(until_reset(client).await, b"");
    }
    echoed(&mut connect(&proxy).await.unwrap(), b"after").await.unwrap();
}

#[tokio::test]
async fn a_link_is_cut_after_so_many_bytes_of_either_side() {
    let (server, mut told) = echo().await;
    let proxy = Proxy::before(&server);
    let mut open = connect(&proxy).await.unwrap();
    echoed(&mut open, b"before").await.unwrap();

    proxy.set(Link::CutSending(5));
    for (mut client, before) in [(open, &b"before"[..]), (connect(&proxy).await.unwrap(), b"")] {
        client.write_all(b"123456789").await.unwrap();
        until_reset(&mut client).await;
        assert_eq!(told.recv().await.unwrap(), [before, b"12345"].concat());
    }

    proxy.set(Link::CutAnswering(345_678));
    let mut client = connect(&proxy).await.unwrap();
    let (mut read, mut write) = client.split();
    let mut got = Vec::new();
    let sending = async {
        // It may be told of the end before it has sent all.
        let _ = write.write_all(&vec![7; 1_000_000]).await;
        std::future::pending::<()>().await
    };
    tokio::select! {
        () = sending => {}
        read = timeout(SOON, read.read_to_end(&mut got)) => { read.unwrap().unwrap(); }
    }
    assert!(got == vec![7; 345_678], "{}", got.len());
}

#[tokio::test]
async fn a_server_that_is_away_resets() {
    let (server, told) = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        (format!("tcp://{}", listener.local_addr().unwrap()), listener)
    };
    drop(told);
    let proxy = Proxy::before(&server);
    // The client may see it as early as it is connected.
    match connect(&proxy).await {
        Ok(mut client) => assert_eq!(until_reset(&mut client).await, b""),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}
