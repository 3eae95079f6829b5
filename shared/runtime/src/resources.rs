//! How much memory and how many cores this process may use: the container's share, not the machine's.

use std::{fs, num::NonZeroUsize, path::Path};

const MIB: u64 = 1024 * 1024;

/// What is assumed where nothing tells: little enough for any machine that encodes video.
const UNKNOWN_MEMORY: u64 = 2048 * MIB;

/// Memory in bytes for all that runs at once: the least of `configured_mb` (in MiB, 0 for none), the limits of the
/// cgroup and those above it, and the machine's memory.
pub fn memory_budget(configured_mb: u64) -> u64 {
    memory_budget_from(configured_mb, &|path| fs::read_to_string(path).ok())
}

/// The cores that this process may use. The standard library looks at the affinity mask and at the CPU quota of cgroups
/// of both versions.
pub fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

fn memory_budget_from(configured_mb: u64, read: &dyn Fn(&Path) -> Option<String>) -> u64 {
    let configured = (configured_mb > 0).then(|| configured_mb.saturating_mul(MIB));
    let found = cgroup_limit(read).into_iter().chain(total_memory(read)).min().unwrap_or(UNKNOWN_MEMORY);
    configured.map_or(found, |configured| configured.min(found))
}

/// The least limit of this process's cgroups and those above them.
fn cgroup_limit(read: &dyn Fn(&Path) -> Option<String>) -> Option<u64> {
    let groups = read(Path::new("/proc/self/cgroup"))?;
    let limits = groups.lines().flat_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, group) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        let (mounts, file): (&[&str], _) = match controllers {
            // Version 2 alone, or beside version 1.
            "" => (&["/sys/fs/cgroup", "/sys/fs/cgroup/unified"], "memory.max"),
            list if list.split(',').any(|name| name == "memory") => {
                (&["/sys/fs/cgroup/memory"], "memory.limit_in_bytes")
            }
            _ => (&[], ""),
        };
        mounts.iter().filter_map(|mount| least_up_from(Path::new(mount), group, file, read)).collect::<Vec<_>>()
    });
    limits.min()
}

/// The least number in `file` in `group` below `mount` and in every group above it. Within a container the group's path
/// is often the host's, of which only the root is to be seen.
fn least_up_from(mount: &Path, group: &str, file: &str, read: &dyn Fn(&Path) -> Option<String>) -> Option<u64> {
    let group = Path::new(group.trim_start_matches('/'));
    // "max" is no number, and so no limit; version 1 writes a number beyond any machine's memory instead.
    group.ancestors().filter_map(|above| read(&mount.join(above).join(file))?.trim().parse().ok()).min()
}

fn total_memory(read: &dyn Fn(&Path) -> Option<String>) -> Option<u64> {
    let info = read(Path::new("/proc/meminfo"))?;
    let kib = info.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB"))?;
    kib.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const MEMINFO: (&str, &str) = ("/proc/meminfo", "MemTotal:       16777216 kB\nMemFree:  1 kB\n");

    fn budget(configured_mb: u64, files: &[(&str, &str)]) -> u64 {
        let files: HashMap<&Path, &str> = files.iter().map(|(path, text)| (Path::new(*path), *text)).collect();
        memory_budget_from(configured_mb, &|path| files.get(path).map(|text| (*text).to_owned())) / MIB
    }

    #[test]
    fn without_a_cgroup_the_machine_has_it_all() {
        assert_eq!(budget(0, &[MEMINFO]), 16 * 1024);
        assert_eq!(budget(0, &[("/proc/self/cgroup", "0::/\n"), MEMINFO]), 16 * 1024);
    }

    #[test]
    fn a_limit_of_a_group_above_counts_where_it_is_less() {
        let files = [
            ("/proc/self/cgroup", "0::/kubepods/pod1/worker\n"),
            ("/sys/fs/cgroup/kubepods/pod1/worker/memory.max", "max\n"),
            ("/sys/fs/cgroup/kubepods/pod1/memory.max", "2147483648\n"),
            ("/sys/fs/cgroup/kubepods/memory.max", "8589934592\n"),
            MEMINFO,
        ];
        assert_eq!(budget(0, &files), 2048);
    }

    #[test]
    fn within_a_container_the_limit_stands_at_the_root_of_what_is_mounted() {
        let v1 = [
            ("/proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/docker/abc\n0::/\n"),
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n"),
            MEMINFO,
        ];
        assert_eq!(budget(0, &v1), 512);
        let v2 = [("/proc/self/cgroup", "0::/\n"), ("/sys/fs/cgroup/memory.max", "536870912\n"), MEMINFO];
        assert_eq!(budget(0, &v2), 512);
    }

    #[test]
    fn version_1_without_a_limit_writes_a_number_beyond_the_machine() {
        let files = [
            ("/proc/self/cgroup", "4:memory:/\n"),
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            MEMINFO,
        ];
        assert_eq!(budget(0, &files), 16 * 1024);
    }

    #[test]
    fn what_is_configured_counts_unless_the_limit_is_less() {
        assert_eq!(budget(1000, &[MEMINFO]), 1000);
        assert_eq!(budget(u64::MAX, &[MEMINFO]), 16 * 1024);
    }

    #[test]
    fn where_nothing_tells_little_is_assumed() {
        assert_eq!(budget(0, &[]), 2048);
        assert_eq!(
            budget(0, &[("/proc/self/cgroup", "nonsense\n::::\n0::/\u{0}\n"), ("/proc/meminfo", "MemTotal: x kB")]),
            2048
        );
    }

    #[test]
    fn this_machine_has_some_memory_and_a_core() {
        assert!(memory_budget(0) >= 64 * MIB);
        assert!(cores().get() >= 1);
    }
}
