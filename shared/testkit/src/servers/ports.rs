use std::{
    fs::{self, File},
    net::TcpListener,
    path::PathBuf,
};

/// As in `scripts/lib/servers.sh`, which takes its ports from the same blocks.
const FROM: u16 = 20_000;
const BLOCK: u16 = 16;
const BLOCKS: u16 = 750;

/// Sixteen ports of 127.0.0.1 that are nobody else's as long as this lives, whether something listens there or not.
///
/// They lie below those that the system gives out itself: a server that is stopped finds its port free when it is
/// started again.
#[derive(Debug)]
pub struct Ports {
    first: u16,
    /// The lock on it is the claim; it ends with the process, however that ends.
    _claim: File,
}

impl Ports {
    /// Takes a block of ports on which nothing listens.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn claim() -> Self {
        let folder = PathBuf::from(format!("/tmp/langflix-ports.{}", rustix::process::geteuid().as_raw()));
        fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for _ in 0..200 {
            let first = FROM + fastrand::u16(..BLOCKS) * BLOCK;
            let path = folder.join(first.to_string());
            let claim = File::options().create(true).append(true).open(&path);
            let claim = claim.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            if claim.try_lock().is_ok() && (first..first + BLOCK).all(free) {
                return Self { first, _claim: claim };
            }
        }
        panic!("no {BLOCK} ports are free from {FROM} on")
    }

    /// One of them, counted from 0.
    ///
    /// # Panics
    /// Where `number` is not below 16.
    #[must_use]
    pub fn port(&self, number: u16) -> u16 {
        assert!(number < BLOCK, "there are {BLOCK} ports");
        self.first + number
    }
}

fn free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, process::Command};

    use super::*;

    #[test]
    fn no_port_is_given_to_two() {
        let claimed: Vec<Ports> = (0..40).map(|_| Ports::claim()).collect();
        let ports: HashSet<u16> = claimed.iter().flat_map(|ports| (0..BLOCK).map(|n| ports.port(n))).collect();
        assert_eq!(ports.len(), 40 * usize::from(BLOCK));
    }

    #[test]
    fn a_claim_is_seen_by_scripts_and_ends_with_it() {
        let ports = Ports::claim();
        let file = format!("/tmp/langflix-ports.{}/{}", rustix::process::geteuid().as_raw(), ports.port(0));
        let taken = || !Command::new("flock").args(["-n", &file, "true"]).status().unwrap().success();
        assert!(taken());
        drop(ports);
        assert!(!taken());
    }
}
