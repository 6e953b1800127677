//! A peer that speaks ICE and DTLS-SRTP: a full ICE agent and a DTLS end of its own, over a real socket.

use super::{Controller, Engine, Phone};
use media_proto::codec::Codec::Opus;
use media_proto::dtls::{Association, Fingerprint, Identity, Keys, Role, Step, is_dtls};
use media_proto::srtp::{Protector, Unprotector};
use media_proto::stun::{self, Class, Writer};
use serde_json::json;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

const PWD: &str = "the-password-of-engine00";

/// What a browser is, before it has keys.
pub struct Browser {
    pub socket: UdpSocket,
    pub engine: SocketAddr,
    pub identity: Identity,
    zero: Instant,
    dtls: Option<Association>,
    /// ufrag and password of the engine, and our own ufrag.
    pub ice: (String, String, String),
}

impl Browser {
    pub fn new(seed: u8) -> Browser {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let identity = Identity::new([seed; 32], [seed; 16], 1_795_000_000_000_000).unwrap();
        let ice = ("lite".into(), PWD.replace('-', "0"), "full".into());
        let engine = SocketAddr::from(([127, 0, 0, 1], 9));
        Browser { socket, engine, identity, zero: Instant::now(), dtls: None, ice }
    }

    /// Opens the session `name` for it; the engine takes the given part in the handshake.
    pub fn connect(&mut self, control: &mut Controller, name: &str, setup: &str) {
        let opened = control.ok(json!({"op": "open", "session": name}));
        self.engine.set_port(opened["port"].as_u64().unwrap() as u16);
        self.remote(control, name, setup, "opus");
    }

    pub fn remote(&self, control: &mut Controller, name: &str, setup: &str, codec: &str) {
        let (ufrag, pwd, remote_ufrag) = &self.ice;
        control.ok(json!({
            "op": "remote", "session": name, "ip": "0.0.0.0", "port": 9, "rtcp_mux": true,
            "codecs": [{"name": codec, "pt": 111}], "dtmf": [{"pt": 101, "clock": 48000}], "direction": "sendrecv",
            "ice": {"ufrag": ufrag, "pwd": pwd, "remote_ufrag": remote_ufrag},
            "dtls": {"setup": setup, "fingerprints": [self.identity.fingerprint()]},
        }));
    }

    pub fn begin(&mut self, role: Role, fingerprint: &str) {
        let known = vec![Fingerprint::parse(fingerprint).unwrap()];
        self.dtls = Some(Association::new(&self.identity, role, known, self.zero, self.now()));
    }

    pub fn now(&self) -> u64 {
        self.zero.elapsed().as_micros() as u64
    }

    /// Sends checks until one is answered, and returns the answer's error, 0 for none, or `None` when there is none for a while.
    pub fn check(&mut self, nominate: bool) -> Option<u16> {
        let mut out = [0; stun::MAX_LEN];
        let name = format!("{}:{}", self.ice.0, self.ice.2);
        let mut writer = Writer::new(&mut out, Class::Request, [5; 12]).username(name.as_bytes());
        writer = writer.priority(1_853_824_767).controlling(42);
        if nominate {
            writer = writer.use_candidate();
        }
        let length = writer.sign(self.ice.1.as_bytes()).finish();
        let (began, mut asked) = (Instant::now(), None::<Instant>);
        let mut answer = [0; 2048];
        while began.elapsed() < Duration::from_secs(3) {
            if asked.is_none_or(|asked| asked.elapsed() > Duration::from_millis(500)) {
                self.socket.send_to(&out[..length], self.engine).unwrap();
                asked = Some(Instant::now());
            }
            let Ok((length, _)) = self.socket.recv_from(&mut answer) else { continue };
            if let Ok(answer) = stun::parse(&answer[..length]) {
                assert!(answer.error.is_some() || answer.is_authentic(self.ice.1.as_bytes()));
                assert!(answer.error.is_some() || answer.mapped == self.socket.local_addr().ok());
                return Some(answer.error.unwrap_or(0));
            }
        }
        None
    }

    /// Shakes hands, for at most `patience`.
    pub fn shake(&mut self, patience: Duration) -> Option<Keys> {
        let began = Instant::now();
        let mut buffer = [0; 2048];
        while began.elapsed() < patience {
            let now = self.now();
            let (socket, engine, mut keys) = (&self.socket, self.engine, None);
            let mut out = |step: Step<'_>| match step {
                Step::Packet(packet) => drop(socket.send_to(packet, engine).unwrap()),
                Step::Keys(found) => keys = Some(found),
                step => panic!("{step:?}"),
            };
            let dtls = self.dtls.as_mut().unwrap();
            dtls.tick(now, &mut out);
            if let Ok((length, _)) = socket.recv_from(&mut buffer)
                && is_dtls(buffer[0])
            {
                dtls.receive(now, &buffer[..length], &mut out);
            }
            if keys.is_some() {
                return keys;
            }
        }
        None
    }

    /// A phone that goes on with the keys, from the same address.
    pub fn phone(&self, keys: &Keys) -> Phone {
        let mut phone = Phone::of(self.socket.try_clone().unwrap(), Opus);
        phone.engine = self.engine;
        phone.protect = Protector::new(keys.suite, &keys.send);
        phone.unprotect(Unprotector::new(keys.suite, &keys.receive).unwrap());
        phone
    }
}

pub fn hello(engine: &Engine) -> (Controller, String) {
    let mut control = Controller::connect(&engine.socket);
    let hello = control.ok(json!({"op": "hello", "proto": 1}));
    (control, hello["fingerprint"].as_str().unwrap().to_owned())
}

/// A ClientHello of DTLS 1.2 that offers nothing but a suite that nobody has.
pub fn bad_hello() -> Vec<u8> {
    let mut body = vec![0xfe, 0xfd];
    body.extend([7; 32]);
    body.extend([0, 0, 0, 2, 0x12, 0x34, 1, 0]);
    let length = body.len() as u8;
    let mut hello = vec![1, 0, 0, length, 0, 0, 0, 0, 0, 0, 0, length];
    hello.extend(body);
    let mut record = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, hello.len() as u8];
    record.extend(hello);
    record
}
