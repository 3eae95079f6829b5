mod heavy {
    use langflix_ports::queue::{ErrorKind, Message, Name, Place, Queue as _};
    use langflix_rabbitmq::{RabbitQueue, Settings};
    use langflix_testkit::servers::{Ports, private};
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

    use crate::town::{again, settings};

    fn authority() -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_broker_is_reached_over_tls_by_whoever_knows_its_authority() {
        let (authority, other, key) = (authority(), authority(), KeyPair::generate().unwrap());
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        let (folder, ports) = (tempfile::tempdir().unwrap(), Ports::claim());
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let lines = format!(
            "listeners.ssl.default = 127.0.0.1:{}\nssl_options.cacertfile = {}\nssl_options.certfile = {}\n\
             ssl_options.keyfile = {}\nssl_options.verify = verify_none\n",
            ports.port(0),
            file("authority.pem", &authority.pem()),
            file("certificate.pem", &certificate.pem()),
            file("key.pem", &key.serialize_pem()),
        );
        let _rabbit = private::rabbitmq(&lines).await;
        let at = |host: &str, authorities: Option<String>| {
            let url = format!("amqps://{host}:{}", ports.port(0));
            RabbitQueue::new(Settings { ca_pem: authorities.map(String::into_bytes), ..settings(&url) }).unwrap()
        };

        // A bundle may hold others, too.
        let queue = at("localhost", Some(other.pem() + &authority.pem()));
        // Clients over TLS are let in last.
        let server = again(async || queue.ping().await).await;
        assert!(server.encrypted && server.product.starts_with("RabbitMQ"), "{server:?}");
        queue.apply_topology().await.unwrap();
        let large = Message::new(vec![7; 300_000]);
        queue.publish(Name::Stages, &large).await.unwrap();
        let mut consumer = queue.consume(Place::Work(Name::Stages), 1).await.unwrap();
        let delivery = consumer.next().await.unwrap();
        assert!(delivery.message == large);
        delivery.ack().await.unwrap();

        let strangers = [
            ("the system's authorities", at("localhost", None)),
            ("another authority", at("localhost", Some(other.pem()))),
            ("another name", at("127.0.0.1", Some(authority.pem()))),
        ];
        for (what, stranger) in strangers {
            let error = stranger.ping().await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unavailable, "{what}: {error}");
            assert!(error.message.contains("over TLS") && error.message.contains("certificate"), "{what}: {error}");
            assert!(error.message.contains("rabbitmq.ca_file"), "{what}: {error}");
        }
    }
}
