use langflix_testkit::{proxy::Tls, servers};
use reqwest::{Certificate, Client};

#[tokio::test]
async fn only_who_knows_the_authority_trusts_the_server() {
    let s3 = servers::s3().await;
    let (tls, other) = (Tls::before(&s3.endpoint), Tls::before(&s3.endpoint));
    assert!(tls.url.starts_with("https://127.0.0.1:"));
    for (authority, trusted) in [(&tls.authority, true), (&other.authority, false)] {
        let certificate = Certificate::from_pem(authority.as_bytes()).unwrap();
        let client = Client::builder().no_proxy().tls_certs_only([certificate]).build().unwrap();
        for url in [tls.url.clone(), tls.url.replace("127.0.0.1", "localhost")] {
            assert_eq!(client.get(&url).send().await.is_ok(), trusted, "{url}");
        }
    }
}
