//! What the children of this process take, as far as the system tells.

use std::{fs, time::Duration};

/// How often memory is looked at: a clip takes seconds.
pub(super) const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// CPU time of all children that have ended so far.
pub(super) fn cpu() -> Option<Duration> {
    let ticks = ended_ticks(&fs::read_to_string("/proc/self/stat").ok()?)?;
    let a_second = rustix::param::clock_ticks_per_second();
    Some(Duration::from_micros(ticks.checked_mul(1_000_000)? / a_second))
}

/// The fields `cutime` and `cstime` of proc_pid_stat(5).
fn ended_ticks(stat: &str) -> Option<u64> {
    // The name before it is in brackets and may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(13);
    let (user, system) = (fields.next()?.parse::<u64>().ok()?, fields.next()?.parse::<u64>().ok()?);
    Some(user + system)
}

/// Memory in bytes that all children have just now; `None` where there are none.
pub(super) fn memory() -> Option<u64> {
    let threads = fs::read_dir("/proc/self/task").ok()?;
    let lists = threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let children: Vec<String> =
        lists.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect();
    children
        .iter()
        .filter_map(|child| resident(&fs::read_to_string(format!("/proc/{child}/status")).ok()?))
        .reduce(|a, b| a + b)
}

fn resident(status: &str) -> Option<u64> {
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB"))?;
    Some(kib.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_moves_no_field() {
        let stat = "71 (a) b (c) S 1 71 71 0 -1 4194304 1 2 3 4 500 600 70 8 20 0 1 0 9 10 11";
        assert_eq!(ended_ticks(stat), Some(78));
    }

    #[test]
    fn memory_is_told_in_bytes() {
        assert_eq!(resident("Name:\tffmpeg\nVmRSS:\t    2048 kB\nVmData: 1 kB\n"), Some(2 << 20));
        assert_eq!(resident("Name:\tgone\n"), None);
    }
}
