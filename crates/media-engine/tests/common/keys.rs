//! Phones that protect their sound with keys from SDP.

use super::{Controller, Phone};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use media_proto::srtp::{Protector, Suite, Unprotector};
use serde_json::{Value, json};

/// The keys of a phone: of what it sends and of what it receives.
pub struct Keys {
    pub suite: Suite,
    pub out: Vec<u8>,
    pub back: Vec<u8>,
}

impl Keys {
    pub fn new(suite: Suite, seed: u8) -> Keys {
        let key = |seed: u8| (0..suite.master_len() as u8).map(|i| i.wrapping_mul(7) ^ seed).collect();
        Keys { suite, out: key(seed), back: key(seed + 100) }
    }

    /// As the engine is told them.
    pub fn entry(&self) -> Value {
        json!({"suite": self.suite.name(), "send": BASE64_STANDARD.encode(&self.back),
            "recv": BASE64_STANDARD.encode(&self.out)})
    }
}

pub fn remote_protected(control: &mut Controller, session: &str, phone: &Phone, more: Value) {
    let mut remote = json!({"op": "remote", "session": session, "ip": "127.0.0.1", "port": phone.port(),
        "codecs": [{"name": phone.codec.name(), "pt": phone.payload_type()}], "dtmf": [{"pt": 101}],
        "direction": "sendrecv"});
    remote.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    control.ok(remote);
}

/// Opens a session for a phone that speaks and hears with these keys.
pub fn connect_protected(control: &mut Controller, session: &str, phone: &mut Phone, keys: &Keys) {
    control.connect_phone(session, phone);
    remote_protected(control, session, phone, json!({"srtp": keys.entry()}));
    phone.protect = Protector::new(keys.suite, &keys.out);
    phone.unprotect(Unprotector::new(keys.suite, &keys.back).unwrap());
}
