use std::net::SocketAddr;

use axum::{
    extract::{ConnectInfo, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use jemalloc_pprof::PROF_CTL;

use super::Health;

/// Has the allocator keep a profile from now on. Gives whether it can.
pub(super) async fn keep() -> bool {
    let Some(profile) = PROF_CTL.as_ref() else { return false };
    profile.lock().await.activate().is_ok()
}

/// The profile, for callers of this host alone: what a service holds in memory is nobody else's business. Others are told
/// that there is nothing, as everybody is where no profile is kept.
pub(super) async fn heap(ConnectInfo(caller): ConnectInfo<SocketAddr>, State(health): State<Health>) -> Response {
    if !may_see(health.keeps_heap, caller) {
        return StatusCode::NOT_FOUND.into_response();
    }
    match tokio::task::spawn_blocking(dumped).await {
        Ok(Ok(profile)) => ([(header::CONTENT_TYPE, "application/octet-stream")], profile).into_response(),
        Ok(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn may_see(kept: bool, caller: SocketAddr) -> bool {
    kept && caller.ip().to_canonical().is_loopback()
}

fn dumped() -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let profile = PROF_CTL.as_ref().ok_or("the allocator keeps no profile")?;
    Ok(profile.blocking_lock().dump_pprof()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_for_callers_of_this_host_and_only_where_one_is_kept() {
        for (caller, here) in [
            ("127.0.0.1:9", true),
            ("127.8.8.8:9", true),
            ("[::1]:9", true),
            ("[::ffff:127.0.0.1]:9", true),
            ("10.0.0.7:9", false),
            ("0.0.0.0:9", false),
            ("[::ffff:10.0.0.7]:9", false),
            ("[fe80::1]:9", false),
            ("192.0.2.1:9", false),
        ] {
            let caller = caller.parse().unwrap();
            assert_eq!((may_see(true, caller), may_see(false, caller)), (here, false), "{caller}");
        }
    }
}
