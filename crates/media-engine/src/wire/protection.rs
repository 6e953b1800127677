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

/// A key in base64, as SDP has it. It is not printed, and wiped when it is not needed any more.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub fn new(base64: &str) -> Secret {
        Secret(base64.into())
    }

    /// The bytes; `None` when it is no base64.
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
