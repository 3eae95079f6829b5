use std::cell::RefCell;

use super::*;

const SECRET: &str = "sk-hunter2";

const AUTHORITY: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

/// What the fleet's programs cannot do without.
const NEEDED: [(&str, &str); 3] =
    [("LANGFLIX__S3__BUCKET", "fleet"), ("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", SECRET)];

fn with_files(file: &str, environment: &[(&str, &str)]) -> Result<FleetConfig, Faults> {
    FleetConfig::load(
        &Sources {
            read_key_file: |path| match path.to_str() {
                Some("run/gone") => Err("cannot be read: gone".to_owned()),
                Some(name) => Ok(KeyFile { key: Secret::new(&format!("of {name}")).unwrap(), open_to_all: false }),
                None => Err("is no text".to_owned()),
            },
            read_certificates: |path| match path.to_str() {
                Some("run/gone") => Err("cannot be read: gone".to_owned()),
                _ => Certificates::new(AUTHORITY.to_owned()),
            },
            ..sources(file, environment, &[])
        },
        Needs::Servers,
    )
}

fn fleet(file: &str, environment: &[(&str, &str)]) -> FleetConfig {
    with_files(file, &[&NEEDED, environment].concat()).unwrap()
}

fn fleet_faults(file: &str, environment: &[(&str, &str)]) -> Vec<String> {
    with_files(file, environment).unwrap_err().to_string().lines().map(str::to_owned).collect()
}

#[test]
fn with_a_bucket_and_its_keys_the_documented_defaults_hold() {
    let FleetConfig { common, rabbitmq, redis, s3, fleet, gpu, web } = fleet("", &[]);
    assert!(web.address.is_none() && web.view_token.is_none() && web.action_token.is_none());
    assert_eq!((rabbitmq.url.as_str(), rabbitmq.username.as_str()), ("amqp://127.0.0.1:5672", "guest"));
    assert_eq!((rabbitmq.password.expose(), rabbitmq.ca), ("guest", None));
    assert_eq!((redis.url.as_str(), redis.username, redis.password), ("redis://127.0.0.1:6379", None, None));
    assert_eq!(redis.answer_ttl, Duration::from_secs(90 * 86_400));
    assert_eq!(
        (s3.endpoint, s3.bucket.as_str(), s3.region.as_str(), s3.path_style),
        (None, "fleet", "us-east-1", false)
    );
    assert_eq!((s3.credentials.access_key.expose(), s3.credentials.secret_key.expose()), ("id", SECRET));
    assert_eq!(s3.credentials.session_token, None);
    assert_eq!((fleet.tasks_in_flight.get(), fleet.max_attempts.get()), (32, 5));
    assert_eq!((fleet.drain, fleet.health_address.to_string().as_str()), (Duration::from_secs(960), "0.0.0.0:8080"));
    assert_eq!((fleet.scratch_dir, fleet.scratch_mb), (None, 10_240));
    let limits = GpuLimits {
        max_sessions: None,
        min_capacity_percent: 10,
        min_free_memory_mb: 600,
        max_utilization_percent: 95,
    };
    assert_eq!(gpu, Gpu { device: GpuDevice::Auto, limits });
    assert_eq!(common.video.fallback, Fallback::Software);
    assert_eq!(common.warnings, [""; 0]);
}

#[test]
fn a_gpu_is_named_in_each_way_that_an_operator_may_and_shown_as_it_was() {
    for (text, device) in [
        ("auto", GpuDevice::Auto),
        ("1", GpuDevice::Index(1)),
        ("GPU-8f6d1c2e-0b1a", GpuDevice::Uuid("GPU-8f6d1c2e-0b1a".to_owned())),
        ("MIG-8f6d1c2e-0b1a", GpuDevice::Uuid("MIG-8f6d1c2e-0b1a".to_owned())),
        ("00000000:17:00.0", GpuDevice::Pci("00000000:17:00.0".to_owned())),
    ] {
        let config = fleet(&format!("gpu: {{device: '{text}', max_sessions: 3}}\nvideo: {{fallback: none}}"), &[]);
        assert_eq!((config.gpu.device, config.gpu.limits.max_sessions), (device, Some(3)));
        assert_eq!(config.common.video.fallback, Fallback::None);
        assert_eq!(shown(&config.common, "gpu.device"), format!("gpu.device: {text} (from langflix.yaml:1)"));
    }
    assert_eq!(shown(&fleet("", &[]).common, "gpu.max_sessions"), "gpu.max_sessions: unset (from the default)");
}

#[test]
fn what_no_gpu_can_be_is_told_with_what_one_can() {
    assert_eq!(
        faults(
            "gpu: {device: first, max_sessions: 0, min_capacity_percent: 101}\n\
             gpu.max_utilization_percent: 0\nvideo: {fallback: cpu}",
            &[("LANGFLIX__GPU__MIN_FREE_MEMORY_MB", "1GB")]
        ),
        [
            "video.fallback: 'cpu' (from langflix.yaml:3) is not allowed: software or none",
            "gpu.device: 'first' (from langflix.yaml:1) is not allowed: auto, a UUID such as GPU-… or MIG-…, an index, \
             or a PCI address such as 00000000:17:00.0",
            "gpu.max_sessions: '0' (from langflix.yaml:1) is not allowed: a whole number from 1 to 1000",
            "gpu.min_capacity_percent: '101' (from langflix.yaml:1) is not allowed: a whole number from 0 to 100",
            "gpu.min_free_memory_mb: '1GB' (from LANGFLIX__GPU__MIN_FREE_MEMORY_MB) is not allowed: a whole number from 0 \
             to 1000000",
            "gpu.max_utilization_percent: '0' (from langflix.yaml:2) is not allowed: a whole number from 1 to 100",
        ]
    );
}

#[test]
fn a_program_of_the_fleet_is_told_all_that_it_lacks() {
    assert_eq!(
        fleet_faults("rabbitmq: {username: langflix}\nvideo: {crf: 52}", &[]),
        [
            "video.crf: '52' (from langflix.yaml:2) is not allowed: a whole number from 0 to 51",
            "rabbitmq.password: not set: set RABBITMQ_PASSWORD, or name a file with rabbitmq.password_file",
            "s3.bucket: not set: the fleet's programs need a bucket for sources and results",
            "s3.access_key: not set: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name files with \
             s3.access_key_file and s3.secret_key_file",
        ]
    );
    let wrong = fleet_faults("s3: {bucket: h3}", &[("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "key")]);
    assert!(wrong.len() == 1 && wrong[0].contains("'h3' (from langflix.yaml:1) is not allowed"), "{wrong:?}");
    let lacking = fleet_faults("", &[("LANGFLIX__S3__BUCKET", "fleet"), ("AWS_ACCESS_KEY_ID", "id")]);
    assert!(lacking.len() == 1 && lacking[0].starts_with("s3.secret_key: not set: "), "{lacking:?}");
}

#[test]
fn work_in_one_process_needs_nothing_of_the_fleet_and_opens_none_of_its_files() {
    let file = "rabbitmq: {username: me, password_file: run/gone, ca_file: run/gone}\nredis: {password_file: gone}";
    let unread = Sources {
        read_key_file: |path| panic!("{path:?}"),
        read_certificates: |path| panic!("{path:?}"),
        ..sources(file, &[("AWS_ACCESS_KEY_ID", "id")], &[])
    };
    let config = Config::load(&unread).unwrap();
    assert_eq!(shown(&config, "rabbitmq.password"), "rabbitmq.password: set (from langflix.yaml:1)");
    assert_eq!(shown(&config, "s3.secret_key"), "s3.secret_key: not set (from the default)");
    assert_eq!(config.warnings, [""; 0]);
}

#[test]
fn one_configuration_serves_all_programs_and_none_opens_what_another_needs() {
    let file = "llm: {provider: gemini, api_key_file: of/model}\n\
                web: {view_token_file: of/page, action_token_file: of/page.action}\n\
                rabbitmq: {username: me, password_file: of/servers}\n\
                telemetry: {otlp_headers_file: of/all}";
    let opened = |needs| {
        thread_local!(static OPENED: RefCell<Vec<String>> = RefCell::default());
        let read_key_file = |path: &Path| {
            let name = path.to_str().unwrap();
            OPENED.with_borrow_mut(|opened| opened.push(name.to_owned()));
            Ok(KeyFile { key: Secret::new(&format!("the-token-{name}")).unwrap(), open_to_all: false })
        };
        let config = FleetConfig::load(&Sources { read_key_file, ..sources(file, &NEEDED, &[]) }, needs).unwrap();
        for key in ["llm.api_key", "web.view_token", "web.action_token", "rabbitmq.password"] {
            assert!(shown(&config.common, key).starts_with(&format!("{key}: set (from langflix.yaml:")), "{key}");
        }
        let secrets = (config.common.llm.api_key.is_some(), config.web.view_token.is_some());
        (secrets, OPENED.take().join(" "))
    };
    assert_eq!(opened(Needs::Servers), ((false, false), "of/servers of/all".to_owned()));
    assert_eq!(opened(Needs::Model), ((true, false), "of/model of/servers of/all".to_owned()));
    assert_eq!(opened(Needs::Page), ((false, true), "of/servers of/page of/page.action of/all".to_owned()));
}

#[test]
fn secrets_come_from_files_and_else_from_the_environment() {
    let of_environment = [("RABBITMQ_PASSWORD", "r1"), ("REDIS_PASSWORD", "r2"), ("AWS_SESSION_TOKEN", "t")];
    let config = fleet("rabbitmq: {username: me}", &of_environment);
    assert_eq!((config.rabbitmq.password.expose(), config.redis.password.unwrap().expose()), ("r1", "r2"));
    assert_eq!(config.s3.credentials.session_token.unwrap().expose(), "t");
    assert_eq!(shown(&config.common, "redis.password"), "redis.password: set (from REDIS_PASSWORD)");

    let file = "rabbitmq: {password_file: a/b}\nredis: {password_file: c/d}\n\
                s3: {access_key_file: e/f, secret_key_file: g/h}";
    let config = fleet(file, &of_environment);
    assert_eq!((config.rabbitmq.password.expose(), config.redis.password.unwrap().expose()), ("of a/b", "of c/d"));
    let credentials = config.s3.credentials;
    assert_eq!((credentials.access_key.expose(), credentials.secret_key.expose()), ("of e/f", "of g/h"));
    assert_eq!(credentials.session_token, None, "it belongs to the environment's keys");
    assert_eq!(shown(&config.common, "s3.secret_key"), "s3.secret_key: set (from langflix.yaml:3)");
}

#[test]
fn one_key_file_of_two_is_refused() {
    let lines = fleet_faults("s3: {access_key_file: a/b}", &NEEDED);
    assert_eq!(
        lines,
        ["s3.access_key_file: 'a/b' (from langflix.yaml:1) is not allowed: only together with s3.secret_key_file"]
    );
}

#[test]
fn files_that_cannot_be_read_are_faults_like_others() {
    let file =
        "rabbitmq: {url: 'amqps://host', password_file: run/gone}\nredis: {url: 'rediss://host', ca_file: run/gone}";
    assert_eq!(
        fleet_faults(file, &NEEDED),
        [
            "rabbitmq.password_file: 'run/gone' (from langflix.yaml:1) cannot be read: gone",
            "redis.ca_file: 'run/gone' (from langflix.yaml:2) cannot be read: gone",
        ]
    );
}

#[test]
fn secrets_among_the_settings_are_refused_and_not_repeated() {
    let file = format!(
        "rabbitmq: {{password: {SECRET}}}\nredis: {{password: {SECRET}}}\n\
         s3: {{access_key: {SECRET}, secret_access_key: {SECRET}, session_token: {SECRET}}}"
    );
    let lines = faults(&file, &[]);
    assert_eq!(lines.len(), 5);
    for (line, (key, instead)) in lines.iter().zip([
        ("rabbitmq.password", "set RABBITMQ_PASSWORD, or name a file with rabbitmq.password_file"),
        ("redis.password", "set REDIS_PASSWORD, or name a file with redis.password_file"),
        ("s3.access_key", "s3.secret_key_file"),
        ("s3.secret_access_key", "s3.secret_key_file"),
        ("s3.session_token", "set AWS_SESSION_TOKEN"),
    ]) {
        assert!(line.starts_with(&format!("{key}: a secret does not stand here")) && line.ends_with(instead), "{line}");
        assert!(!line.contains(SECRET));
    }
}

#[test]
fn an_address_with_a_secret_in_it_is_refused_and_not_repeated() {
    for (variable, address) in [
        ("LANGFLIX__RABBITMQ__URL", "amqp://me:sk-hunter2@host"),
        ("LANGFLIX__REDIS__URL", "redis://:sk-hunter2@host"),
        ("LANGFLIX__S3__ENDPOINT", "https://sk-hunter2@host"),
        ("LANGFLIX__S3__ENDPOINT", "https://host?key=sk-hunter2"),
    ] {
        let lines = faults("", &[(variable, address)]);
        assert!(lines.len() == 1 && lines[0].ends_with(", without user and password"), "{lines:?}");
        assert!(lines[0].contains("not repeated") && !lines[0].contains(SECRET), "{lines:?}");
    }
}

#[test]
fn no_secret_of_the_fleet_is_shown() {
    let config = fleet("rabbitmq: {username: me}", &[("RABBITMQ_PASSWORD", SECRET), ("AWS_SESSION_TOKEN", SECRET)]);
    assert!(!format!("{config:?}{:?}", config.common.entries()).contains(SECRET));
}

#[test]
fn authorities_without_tls_are_worth_a_warning() {
    let file = "rabbitmq: {ca_file: ca.pem}\nredis: {url: 'rediss://host', ca_file: ca.pem}\ns3: {ca_file: ca.pem}";
    let config = fleet(file, &[]);
    assert_eq!(config.common.warnings, ["rabbitmq.ca_file: has no effect, since rabbitmq.url asks for no TLS"]);
    assert_eq!(config.s3.ca.unwrap().as_pem(), AUTHORITY);
}

#[test]
fn a_file_of_authorities_holds_certificates_and_no_private_key() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ca.pem");
    let read = |content: &[u8]| {
        std::fs::write(&path, content).unwrap();
        read_certificates(&path)
    };
    let remark = [b"# Autorit\xe9\n", AUTHORITY.as_bytes(), AUTHORITY.as_bytes()].concat();
    assert_eq!(format!("{:?}", read(&remark).unwrap()), "2 certificates");
    for (content, problem) in [
        (&b""[..], "holds no certificate in PEM"),
        (b"\x30\x82", "holds no certificate in PEM"),
        (b"-----BEGIN EC PRIVATE KEY-----\n", "holds a private key, which no authority gives away"),
        (&[b'x'; 1024 * 1024 + 1], "is longer than 1 MiB, which no list of certificates is"),
    ] {
        assert_eq!(read(content).unwrap_err(), problem);
    }
    assert!(read_certificates(&dir.path().join("none")).unwrap_err().starts_with("cannot be read: "));
}

#[test]
fn what_is_sound_can_be_looked_at_beside_the_faults() {
    let look =
        |file: &str, environment: &[(&str, &str)]| FleetConfig::look(&sources(file, environment, &[]), Needs::Servers);
    let parts = look("rabbitmq: {usernam: x}\nllm: {chunk_size: 1}", &NEEDED);
    assert_eq!((parts.rabbitmq.is_some(), parts.redis.is_some(), parts.s3.is_some()), (false, true, true));
    assert_eq!((parts.faults.0.len(), parts.common.llm.chunk_size), (2, 1400));
    let parts = look("redis: {ca_file: run/gone}\ns3.bucket: x", &[]);
    assert_eq!((parts.rabbitmq.is_some(), parts.redis.is_some(), parts.s3.is_some()), (true, false, false));
    assert!(look("", &NEEDED).faults.0.is_empty());
}

#[test]
fn tokens_of_the_page_come_from_files_and_are_not_short() {
    let read = |path: &Path| {
        let token = if path.ends_with("short") { "hunter2" } else { "correct-horse-battery" };
        Ok(KeyFile { key: Secret::new(token).unwrap(), open_to_all: false })
    };
    let load = |action: &str| {
        let file = format!("web: {{address: '127.0.0.1:0', view_token_file: a/view, action_token_file: a/{action}}}");
        FleetConfig::load(&Sources { read_key_file: read, ..sources(&file, &[], &[]) }, Needs::Page)
    };
    let faults = load("short").unwrap_err().to_string();
    assert!(
        faults.contains("web.action_token_file: 'a/short'") && faults.contains("16 characters or more"),
        "{faults}"
    );
    assert!(!faults.contains("hunter2") && !faults.contains("web.view_token_file"), "{faults}");
    let faults = load("view").unwrap_err().to_string();
    assert!(faults.contains("web.action_token_file: 'a/view'") && !faults.contains("horse"), "{faults}");
    assert!(faults.contains("another token than that of web.view_token_file"), "{faults}");
    let lines = super::faults("web: {view_token: correct-horse-battery}", &[]);
    assert!(lines[0].contains("name a file with web.view_token_file") && !lines[0].contains("horse"), "{lines:?}");
}
