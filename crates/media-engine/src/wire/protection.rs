//! How a stream is protected. Keys must never be read in a log.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

/// SRTP with the master keys of both directions, each with its salt behind it (RFC 4568 §6.1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SrtpEntry {
    pub suite: String,
    pub send: Secret,
    pub recv: Secret,
}

/// Keys that come of a handshake with the peer (RFC 5763). `fingerprints` are the peer's, as SDP has them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DtlsEntry {
    pub setup: Setup,
    pub fingerprints: Vec<String>,
}

/// Our part in the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Setup {
    /// We begin.
    Active,
    Passive,
}

/// ICE, of which we are the lite side: our credentials, and what the peer calls itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IceEntry {
    pub ufrag: String,
    pub pwd: Secret,
    pub remote_ufrag: String,
}

/// A secret, as SDP has it: a key in base64, or the password of ICE. It is not printed, and wiped when it is not needed
/// any more.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: &str) -> Secret {
        Secret(text.into())
    }

    /// As it is written.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The bytes of a key; `None` when it is no base64.
    pub fn bytes(&self) -> Option<Zeroizing<Vec<u8>>> {
        BASE64_STANDARD.decode(self.0.as_bytes()).ok().map(Zeroizing::new)
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_not_printed() {
        let secret = Secret::new("c2VjcmV0");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(secret.bytes().unwrap()[..], *b"secret");
        assert!(Secret::new("no base64").bytes().is_none());
    }
}
