use std::process::Command;

use langflix_testkit::store::store_contract;

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_directory_keeps_what_a_store_promises() {
    let dir = tempfile::tempdir().unwrap();
    store_contract(&DirectoryStore::open(dir.path()).unwrap()).await;
}

#[tokio::test]
async fn the_stores_own_files_are_no_keys() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirectoryStore::open(dir.path()).unwrap();
    for key in [".lock", ".incoming/x", "a/.hidden"] {
        assert_eq!(store.put_if_absent(key, b"").await.unwrap_err().kind, ErrorKind::InvalidKey, "{key}");
    }
    assert_eq!(store.list("").await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_key_and_a_folder_of_keys_cannot_have_one_name() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirectoryStore::open(dir.path()).unwrap();
    store.put_if_absent("a/b", b"").await.unwrap();
    for key in ["a", "a/b/c", "a/b/c/d"] {
        assert_eq!(store.put_if_absent(key, b"").await.unwrap_err().kind, ErrorKind::InvalidKey, "{key}");
    }
}

#[tokio::test]
async fn artifacts_outlive_the_process() {
    let dir = tempfile::tempdir().unwrap();
    DirectoryStore::open(dir.path()).unwrap().put_if_absent("a/b", b"x").await.unwrap();
    let store = DirectoryStore::open(dir.path()).unwrap();
    assert_eq!(store.get("a/b").await.unwrap().as_deref(), Some(&b"x"[..]));
}

#[test]
fn a_directory_is_held_by_one_run_at_a_time_and_swept() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirectoryStore::open(dir.path()).unwrap();
    let held = DirectoryStore::open(dir.path()).unwrap_err();
    assert_eq!(held.kind, ErrorKind::Unavailable);
    fs::write(dir.path().join(INCOMING).join("half"), b"x").unwrap();
    drop(store);
    let _store = DirectoryStore::open(dir.path()).unwrap();
    assert_eq!(fs::read_dir(dir.path().join(INCOMING)).unwrap().count(), 0);
}

#[test]
fn a_directory_held_by_another_process_is_let_alone_until_that_ends() {
    let dir = tempfile::tempdir().unwrap();
    drop(DirectoryStore::open(dir.path()).unwrap());
    // flock of util-linux: it holds the lock while the command runs, here until its input ends.
    let lock = dir.path().join(".lock");
    let mut command = Command::new("flock");
    command.arg("--no-fork").arg(&lock).args(["sh", "-c", "echo held; read -r _"]);
    let piped = command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn();
    let Ok(mut other) = piped else {
        eprintln!("skipped: no flock program here");
        return;
    };
    let mut said = [0; 5];
    other.stdout.take().unwrap().read_exact(&mut said).unwrap();
    fs::write(dir.path().join(INCOMING).join("theirs"), b"x").unwrap();
    let error = DirectoryStore::open(dir.path()).unwrap_err();
    assert!(error.message.contains("another run"), "{error}");
    assert!(dir.path().join(INCOMING).join("theirs").exists(), "another's work in progress is swept");
    other.kill().unwrap();
    other.wait().unwrap();
    DirectoryStore::open(dir.path()).unwrap();
}

#[tokio::test]
async fn artifacts_and_downloads_are_readable_as_any_file_of_the_user() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirectoryStore::open(&dir.path().join("store")).unwrap();
    let (plain, taken) = (dir.path().join("plain"), dir.path().join("taken"));
    fs::write(&plain, b"x").unwrap();
    store.put_file_if_absent("a", &plain).await.unwrap();
    store.download("a", &taken).await.unwrap();
    assert_eq!([mode(&taken), mode(&dir.path().join("store/a"))], [mode(&plain); 2]);
}

#[tokio::test]
async fn a_folder_that_may_not_be_written_is_named_with_what_to_do() {
    if rustix::process::geteuid().is_root() {
        eprintln!("skipped: root may write anywhere");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let store = DirectoryStore::open(dir.path()).unwrap();
    fs::set_permissions(dir.path().join(INCOMING), Permissions::from_mode(0o500)).unwrap();
    let error = store.put_if_absent("a", b"x").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.to_string().contains("check the folder's permissions"), "{error}");
}

/// A file system of one MiB, unmounted when dropped.
struct Small(tempfile::TempDir);

impl Small {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(dir.path());
        mount.output().is_ok_and(|done| done.status.success()).then_some(Self(dir))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _unmounted = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_leaves_no_part_behind() {
    let Some(small) = Small::mount() else {
        eprintln!("skipped: only root may mount a small file system");
        return;
    };
    let store = DirectoryStore::open(small.0.path()).unwrap();
    store.put_if_absent("kept", &[1; 1000]).await.unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), vec![2; 2 << 20]).unwrap();
    let errors = [
        store.put_if_absent("bytes", &vec![2; 2 << 20]).await.unwrap_err(),
        store.put_file_if_absent("file", file.path()).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind, ErrorKind::Full, "{error}");
        assert!(error.message.contains("make room"), "{error}");
    }
    assert_eq!(store.list("").await.unwrap(), ["kept"]);
    assert_eq!(fs::read_dir(small.0.path().join(INCOMING)).unwrap().count(), 0);
    store.put_if_absent("room", &[3; 1000]).await.unwrap();
}
