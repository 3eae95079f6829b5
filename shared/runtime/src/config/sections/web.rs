use std::{net::SocketAddr, path::PathBuf};

use super::files::{Files, Place};
use crate::config::{Secret, kind, reader::Reader};

/// Fewest characters of a token: shorter ones can be guessed over a network.
const SHORTEST: usize = 16;

/// The page and the HTTP API of the dispatcher.
#[derive(Clone, Debug)]
pub struct Web {
    /// Where they are served; nowhere where it is `None`.
    pub address: Option<SocketAddr>,
    /// What whoever looks has to give; nothing where it is `None`.
    pub view_token: Option<Secret>,
    /// What whoever acts has to give; nobody acts where it is `None`.
    pub action_token: Option<Secret>,
}

impl Web {
    pub(in crate::config) fn read(read: &mut Reader, files: &mut Files) -> Self {
        let address = kind::text(
            "an address with a port such as 127.0.0.1:8090",
            |text| text.parse().ok(),
            SocketAddr::to_string,
        );
        let address = read.value(
            "web.address",
            address.optional(),
            None,
            "where the dispatcher serves its page and the HTTP API; port 0: any that is free; unset: nowhere",
        );
        let view_file = read.value(
            "web.view_token_file",
            kind::path().optional(),
            None,
            "a file that holds the token that whoever looks gives, of 16 characters or more; unset: whoever reaches the address may look",
        );
        let action_file = read.value(
            "web.action_token_file",
            kind::path().optional(),
            None,
            "a file that holds the token for cancelling, retrying and dropping, of 16 characters or more; unset: nobody may",
        );
        let mut token = |key, file_key, file: Option<PathBuf>| {
            let token = files.secret(read, Place { key, file_key, file, variable: None, needed: files.page });
            if token.as_ref().is_some_and(|token| token.expose().len() < SHORTEST) {
                read.refuse(file_key, format!("a file with a token of {SHORTEST} characters or more"));
            }
            token
        };
        let view_token = token("web.view_token", "web.view_token_file", view_file);
        let action_token = token("web.action_token", "web.action_token_file", action_file);
        if let (Some(view), Some(action)) = (&view_token, &action_token)
            && view.expose() == action.expose()
        {
            let allowed = "a file with another token than that of web.view_token_file: whoever looks could act";
            read.refuse("web.action_token_file", allowed.to_owned());
        }
        Self { address, view_token, action_token }
    }
}
