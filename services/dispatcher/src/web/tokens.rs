use axum::http::{HeaderMap, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use langflix_domain::Digest;
use langflix_runtime::config::Secret;
use subtle::ConstantTimeEq as _;

/// The tokens that whoever looks or acts gives. Only their digests are kept: these have one length, so that the time of a
/// comparison tells nothing.
pub(super) struct Tokens {
    view: Option<Digest>,
    action: Option<Digest>,
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum May {
    Nothing,
    Look,
    Act,
}

impl Tokens {
    pub(super) fn new(view: Option<&Secret>, action: Option<&Secret>) -> Self {
        let digest = |token: Option<&Secret>| token.map(|token| Digest::of_bytes(token.expose().as_bytes()));
        Self { view: digest(view), action: digest(action) }
    }

    /// Whether whoever has the token for it may act.
    pub(super) fn allow_actions(&self) -> bool {
        self.action.is_some()
    }

    /// Whether everybody may look.
    pub(super) fn let_all_look(&self) -> bool {
        self.view.is_none()
    }

    /// What somebody may do who gives this token.
    pub(super) fn may(&self, token: &str) -> May {
        let given = Digest::of_bytes(token.as_bytes());
        let is = |token: &Option<Digest>| {
            token.as_ref().is_some_and(|token| token.as_str().as_bytes().ct_eq(given.as_str().as_bytes()).into())
        };
        match (is(&self.action), is(&self.view)) {
            (true, _) => May::Act,
            (false, true) => May::Look,
            (false, false) => May::Nothing,
        }
    }

    /// What somebody may do who gives none.
    pub(super) fn without(&self) -> May {
        if self.let_all_look() { May::Look } else { May::Nothing }
    }
}

/// The token of a request: as a bearer's, or as the password of a user of any name, which browsers ask for by themselves.
pub(super) fn given(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    let rest = rest.trim();
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Some(rest.to_owned()),
        "basic" => {
            let text = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
            text.split_once(':').map(|(_, password)| password.to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lets_do_what_it_is_for_and_no_other_lets_do_anything() {
        let secret = |text| Secret::new(text);
        let (view, action) = (secret("view-0123456789ab"), secret("act-0123456789abcd"));
        let both = Tokens::new(view.as_ref(), action.as_ref());
        assert_eq!([both.may("view-0123456789ab"), both.may("act-0123456789abcd")], [May::Look, May::Act]);
        for wrong in ["", "view-0123456789a", "view-0123456789abc", "ACT-0123456789abcd"] {
            assert_eq!(both.may(wrong), May::Nothing, "{wrong}");
        }
        assert_eq!((both.without(), both.allow_actions()), (May::Nothing, true));
        let none = Tokens::new(None, None);
        assert_eq!((none.without(), none.may(""), none.allow_actions()), (May::Look, May::Nothing, false));
    }

    #[test]
    fn a_token_is_a_bearers_or_the_password_of_anybody() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            given(&headers)
        };
        let basic = |text: &str| of(&format!("Basic {}", STANDARD.encode(text)));
        assert_eq!(of("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(of("bearer  abc ").as_deref(), Some("abc"));
        assert_eq!(basic("me:abc:d").as_deref(), Some("abc:d"));
        assert_eq!(basic(":abc").as_deref(), Some("abc"));
        assert_eq!([basic("abc"), of("Basic ???"), of("Digest abc"), of("abc")], [None, None, None, None]);
        assert_eq!(given(&HeaderMap::new()), None);
    }
}
