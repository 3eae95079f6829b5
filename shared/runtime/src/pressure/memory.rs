//! How much memory is in use, and of how much.

use std::{collections::HashSet, fs, path::Path};

use crate::resources::memory_budget;

/// Memory in use, and its limit, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// What is in use.
    pub used: u64,
    /// What may be.
    pub limit: u64,
    /// Whether the kernel ends who goes beyond it. It does not where the limit is somebody's wish.
    pub enforced: bool,
}

type Read<'a> = &'a dyn Fn(&Path) -> Option<String>;

/// Of the two ways to count, the one that is nearer to its limit: this process and its children against the budget, and
/// whatever runs in a cgroup against that cgroup's limit, the cgroups above it included.
pub(super) fn usage(configured_mb: u64) -> Usage {
    let limit = memory_budget(configured_mb);
    let own = Usage { used: memory_in_use(), limit, enforced: limit != configured_mb.saturating_mul(1 << 20) };
    nearest([own].into_iter().chain(groups(&|path| fs::read_to_string(path).ok())))
}

/// Bytes that this process and all below it hold of their own now; 0 where the system does not tell.
pub fn memory_in_use() -> u64 {
    family(&|path| fs::read_to_string(path).ok(), &children)
}

fn nearest(all: impl Iterator<Item = Usage>) -> Usage {
    let nearer = |a: Usage, b: Usage| {
        let (left, right) = (u128::from(a.used) * u128::from(b.limit), u128::from(b.used) * u128::from(a.limit));
        if right > left { b } else { a }
    };
    all.reduce(nearer).unwrap_or_default()
}

/// What this process and all below it hold of their own: what of a file is in memory comes again when it is needed.
fn family(read: Read<'_>, children: &dyn Fn(&str) -> Vec<String>) -> u64 {
    let (mut used, mut todo, mut seen) = (0, vec!["self".to_owned()], HashSet::new());
    while let Some(process) = todo.pop() {
        // Who ends meanwhile holds nothing.
        used += read(&Path::new("/proc").join(&process).join("status")).map_or(0, |status| held(&status));
        todo.extend(children(&process).into_iter().filter(|child| seen.insert(child.clone())));
    }
    used
}

fn held(status: &str) -> u64 {
    let kib = |line: &str| {
        let of_its_own = ["RssAnon:", "RssShmem:"].iter().find_map(|name| line.strip_prefix(name))?;
        of_its_own.trim().strip_suffix(" kB")?.parse::<u64>().ok()
    };
    status.lines().filter_map(kib).sum::<u64>() * 1024
}

fn children(process: &str) -> Vec<String> {
    let threads = fs::read_dir(Path::new("/proc").join(process).join("task")).into_iter().flatten().flatten();
    let of = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("children")).unwrap_or_default();
    threads.flat_map(|thread| of(thread).split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// The names of a version's files.
struct Files {
    limit: &'static str,
    used: &'static str,
    /// In `memory.stat`: what of files the kernel may drop at any time.
    cached: [&'static str; 2],
}

const V1: Files = Files {
    limit: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    cached: ["total_inactive_file ", "total_active_file "],
};
const V2: Files = Files { limit: "memory.max", used: "memory.current", cached: ["inactive_file ", "active_file "] };

/// The cgroups of this process that have a limit, and those above them.
fn groups(read: Read<'_>) -> Vec<Usage> {
    let mut all = Vec::new();
    for line in read(Path::new("/proc/self/cgroup")).unwrap_or_default().lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, group) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        let (mounts, files): (&[&str], _) = match controllers {
            "" => (&["/sys/fs/cgroup", "/sys/fs/cgroup/unified"], V2),
            list if list.split(',').any(|name| name == "memory") => (&["/sys/fs/cgroup/memory"], V1),
            _ => continue,
        };
        // Within a container the group's path is often the host's, of which only the root is to be seen.
        for group in mounts.iter().flat_map(|mount| {
            Path::new(group.trim_start_matches('/')).ancestors().map(|above| Path::new(mount).join(above))
        }) {
            all.extend(of_group(read, &group, &files));
        }
    }
    all
}

fn of_group(read: Read<'_>, group: &Path, files: &Files) -> Option<Usage> {
    let number = |name: &str| read(&group.join(name))?.trim().parse::<u64>().ok();
    // Without a limit, version 2 writes a word and version 1 a number beyond any machine's memory.
    let limit = number(files.limit).filter(|limit| *limit < 1 << 60)?;
    let stat = read(&group.join("memory.stat"))?;
    let cached = |line: &str| files.cached.iter().find_map(|name| line.strip_prefix(name))?.trim().parse::<u64>().ok();
    let cached = stat.lines().filter_map(cached).sum::<u64>();
    Some(Usage { used: number(files.used)?.saturating_sub(cached), limit, enforced: true })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<Usage> {
        let files: HashMap<&Path, &str> = files.iter().map(|(path, text)| (Path::new(*path), *text)).collect();
        groups(&|path| files.get(path).map(|text| (*text).to_owned()))
    }

    #[test]
    fn a_group_holds_what_it_uses_but_for_files_that_the_kernel_may_drop() {
        let stat = "anon 300\nfile 500\ninactive_file 150\nactive_file 250\nshmem 100\n";
        let v2 = [
            ("/proc/self/cgroup", "0::/pod/worker\n"),
            ("/sys/fs/cgroup/pod/worker/memory.max", "max\n"),
            ("/sys/fs/cgroup/pod/memory.max", "1000\n"),
            ("/sys/fs/cgroup/pod/memory.current", "900\n"),
            ("/sys/fs/cgroup/pod/memory.stat", stat),
        ];
        assert_eq!(found(&v2), [Usage { used: 500, limit: 1000, enforced: true }]);
        let stat = "inactive_file 1\ntotal_inactive_file 100\ntotal_active_file 50\n";
        let v1 = [
            ("/proc/self/cgroup", "4:cpu,memory:/docker/abc\n0::/\n"),
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "1000\n"),
            ("/sys/fs/cgroup/memory/memory.usage_in_bytes", "900\n"),
            ("/sys/fs/cgroup/memory/memory.stat", stat),
        ];
        assert_eq!(found(&v1), [Usage { used: 750, limit: 1000, enforced: true }]);
    }

    #[test]
    fn without_a_limit_there_is_nothing_to_be_near() {
        assert_eq!(found(&[]), []);
        let v1 = [
            ("/proc/self/cgroup", "4:memory:/\n"),
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("/sys/fs/cgroup/memory/memory.usage_in_bytes", "900\n"),
            ("/sys/fs/cgroup/memory/memory.stat", ""),
        ];
        assert_eq!(found(&v1), []);
    }

    #[test]
    fn a_family_is_counted_down_to_the_last_and_each_once() {
        let status =
            |process: &str| format!("Name:\tx\nVmRSS:\t9999 kB\nRssAnon:\t   {process} kB\nRssShmem:\t 1 kB\n");
        let files: HashMap<String, String> =
            ["1", "20", "300"].map(|process| (format!("/proc/{process}/status"), status(process))).into();
        let read = |path: &Path| files.get(&path.to_str()?.replace("self", "1")).cloned();
        let children = |process: &str| match process {
            "self" => vec!["20".to_owned(), "20".to_owned(), "gone".to_owned()],
            "20" => vec!["300".to_owned()],
            _ => Vec::new(),
        };
        assert_eq!(family(&read, &children), (321 + 3) * 1024);
    }

    #[test]
    fn the_nearer_to_its_limit_counts() {
        let usage = |used, limit| Usage { used, limit, enforced: false };
        let [own, group] = [usage(50, 100), usage(90, 1000)];
        assert_eq!(nearest([group, own].into_iter()), own);
        assert_eq!(nearest([own, usage(90, 100)].into_iter()).used, 90);
        assert_eq!(nearest(std::iter::empty()), Usage::default());
    }

    #[test]
    fn this_process_holds_something_and_its_child_holds_more() {
        let before = memory_in_use();
        let script = "x = bytearray(b'1') * 50_000_000\nprint(flush=True)\ninput()";
        let mut child = std::process::Command::new("python3")
            .args(["-c", script])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0]).unwrap();
        let with = memory_in_use();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(before > 0 && with > before + 45_000_000, "{before} {with}");
    }
}
