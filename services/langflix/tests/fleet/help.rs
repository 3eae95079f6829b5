use crate::support::{complaint, langflix, said};

#[test]
fn every_command_gives_examples() {
    let commands: [&[&str]; 16] = [
        &["ingest"],
        &["status"],
        &["fetch"],
        &["dead"],
        &["dead", "list"],
        &["dead", "show"],
        &["dead", "retry"],
        &["dead", "drop"],
        &["cancel"],
        &["retry"],
        &["topology"],
        &["topology", "show"],
        &["topology", "apply"],
        &["doctor"],
        &["plan"],
        &["bench"],
    ];
    for command in commands {
        let help = said(&mut langflix(command.iter().chain(&["--help"])));
        assert_eq!((help.code, help.out.contains("\nExample")), (Some(0), true), "{help:#?}");
        insta::assert_snapshot!(command.join("_"), help.out);
    }
}

#[test]
fn what_the_fleets_commands_lack_is_told_at_once() {
    let said = said(&mut langflix(["status"]));
    assert_eq!(said.code, Some(64), "{said:#?}");
    let errors: Vec<&str> = said.err.lines().collect();
    assert_eq!(errors.len(), 2, "{said:#?}");
    assert!(errors[0].starts_with("error: s3.bucket: not set: "), "{said:#?}");
    assert!(errors[1].starts_with("error: s3.access_key: not set: "), "{said:#?}");
}

#[test]
fn a_server_that_is_not_there_is_one_line() {
    let mut command = langflix(["dead", "list"]);
    command.env("LANGFLIX__RABBITMQ__URL", "amqp://127.0.0.1:1").env("LANGFLIX__S3__BUCKET", "fleet");
    command.env("AWS_ACCESS_KEY_ID", "a").env("AWS_SECRET_ACCESS_KEY", "b");
    let said = said(&mut command);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert!(complaint(&said).contains("127.0.0.1:1"), "{said:#?}");
}
