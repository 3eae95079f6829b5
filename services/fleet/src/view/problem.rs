use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Defines the kinds of problems, each with its address below that of the API, its status, its title and what it means.
macro_rules! problems {
    ($($name:ident = $path:literal $status:literal $title:literal: $meaning:literal;)+) => {
        /// What sort of problem kept a request from being answered, as the `type` of RFC 9457. It is the full path of a page
        /// about it: a dispatcher does not know by which address it is reached, so that it can name none that is absolute.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[schemars(rename = "ProblemType")]
        pub enum Problem {
            $(#[doc = $meaning] #[serde(rename = $path)] $name,)+
        }

        impl Problem {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Its address.
            pub const fn path(self) -> &'static str {
                match self { $(Self::$name => $path,)+ }
            }

            /// The status of the answer.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// It in a few words.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// What it means, and what to do.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)+ }
            }
        }
    };
}

problems! {
    BadRequest = "/problems/bad-request" 400 "Not understood": "The path, the query or the body is not what is asked for there. The detail says what is.";
    TokenNeeded = "/problems/token-needed" 401 "A token is needed": "No token was given, or one that does not allow this. Give it as `Authorization: Bearer TOKEN`, or as the password of any user.";
    WrongToken = "/problems/wrong-token" 401 "The token is wrong": "The token that was given is none of this fleet's.";
    ActionsOff = "/problems/actions-off" 403 "Nothing is done here": "The dispatcher has no token for actions: it only shows. An operator names one with `web.action_token_file`.";
    OtherSite = "/problems/other-site" 403 "Asked for by another site": "A browser says that a page of another address asked for this. Only the dispatcher's own may act.";
    NotFound = "/problems/not-found" 404 "Not found": "There is nothing at this address, or no longer.";
    NoRun = "/problems/no-run" 404 "No such run": "No run of that name was ever submitted.";
    NotEnded = "/problems/not-ended" 404 "Nothing has come of it yet": "There is no such run, or it has no manifest before its end.";
    MethodNotAllowed = "/problems/method-not-allowed" 405 "Asked in the wrong way": "The address is there, and is to be asked with another method.";
    RunEnded = "/problems/run-ended" 409 "The run has ended": "What has ended cannot be cancelled. Its retry takes up what failed in it.";
    BeingCancelled = "/problems/being-cancelled" 409 "The run is being cancelled": "What is being cancelled is taken up again once it has ended.";
    TooLong = "/problems/too-long" 413 "The body is too long": "No action needs so long a body.";
    NotJson = "/problems/not-json" 415 "The body is not JSON": "The body is to come as application/json.";
    BeyondTheEnd = "/problems/beyond-the-end" 416 "Beyond the end": "The file is shorter than the range that was asked for begins.";
    OtherHost = "/problems/other-host" 421 "Another address": "Without a token for looking, a loopback address is for this machine alone, and must be called by an IP address or `localhost`.";
    BadBody = "/problems/bad-body" 422 "Not understood": "The body is JSON, and does not say what is asked for.";
    TooMany = "/problems/too-many-requests" 429 "Too many requests": "More is asked for than is answered in a second. Ask again after the time in `Retry-After`.";
    TooManyWrongTokens = "/problems/too-many-wrong-tokens" 429 "Too many wrong tokens": "Too many wrong tokens came from this address. The right one is taken all the same.";
    Failed = "/problems/failed" 500 "Failed": "A record in the store cannot be read, or the dispatcher is wrong. Its log says more.";
    Busy = "/problems/busy" 503 "Busy": "As many are answered or listen as may. Ask again after the time in `Retry-After`.";
    Unavailable = "/problems/unavailable" 503 "Not to be had now": "A server of the fleet does not answer, or not in time. Ask again after the time in `Retry-After`.";
}

impl Problem {
    /// The problem at that address.
    pub fn at(path: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|problem| problem.path() == path)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_called_by_its_address() {
        for problem in Problem::ALL {
            assert_eq!(serde_json::to_value(problem).unwrap(), problem.path());
            assert_eq!(Problem::at(problem.path()), Some(*problem));
            assert!(problem.path().starts_with("/problems/") && (400..600).contains(&problem.status()));
        }
        assert_eq!(Problem::at("about:blank"), None);
    }
}
