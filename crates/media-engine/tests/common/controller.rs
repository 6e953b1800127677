//! The controller's side of the command channel.

use super::{EVENT, PATIENCE, Phone, eventually, sleep_ms};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Commands the engine.
pub struct Controller {
    stream: UnixStream,
    next: u64,
    pub events: Vec<Value>,
}

impl Controller {
    pub fn connect(socket: &Path) -> Controller {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Controller { stream, next: 1, events: Vec::new() }
    }

    pub fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub fn send(&mut self, command: &Value) {
        self.write(&media_engine::wire::frame(command));
    }

    /// The next reply or event; `None` when the engine closed the connection.
    pub fn read(&mut self) -> Option<Value> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).ok()?;
        let mut content = vec![0; u32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut content).ok()?;
        Some(rmp_serde::from_slice(&content).unwrap())
    }

    /// Sends a command and returns its reply; events that come before it are kept.
    pub fn ask(&mut self, mut command: Value) -> Value {
        let id = self.next;
        self.next += 1;
        command["id"] = json!(id);
        self.send(&command);
        loop {
            let answer = self.read().expect("the engine closed the connection");
            if answer["re"] == json!(id) {
                return answer;
            }
            self.events.push(answer);
        }
    }

    pub fn ok(&mut self, command: Value) -> Value {
        let answer = self.ask(command.clone());
        assert_eq!(answer["ok"], json!(true), "{command} → {answer}");
        answer
    }

    pub fn refused(&mut self, command: Value) -> String {
        let answer = self.ask(command.clone());
        assert_eq!(answer["ok"], json!(false), "{command} → {answer}");
        assert!(!answer["detail"].as_str().unwrap().is_empty());
        answer["error"].as_str().unwrap().to_owned()
    }

    /// The next event of a kind, with those before it left in `events`.
    pub fn event(&mut self, kind: &str) -> Value {
        loop {
            if let Some(at) = self.events.iter().position(|event| event["ev"] == json!(kind)) {
                return self.events.remove(at);
            }
            let event = self.read().unwrap_or_else(|| panic!("no event {kind}; {:?}", self.events));
            self.events.push(event);
        }
    }

    /// Events of a kind that came up to now.
    pub fn heard(&mut self, kind: &str) -> Vec<Value> {
        self.ok(json!({"op": "list"}));
        self.events.iter().filter(|event| event["ev"] == json!(kind)).cloned().collect()
    }

    /// Opens a session for a phone.
    pub fn connect_phone(&mut self, session: &str, phone: &mut Phone) {
        self.connect_as(session, phone, "sendrecv");
    }

    pub fn connect_as(&mut self, session: &str, phone: &mut Phone, direction: &str) {
        let opened = self.ok(json!({"op": "open", "session": session}));
        phone.engine = SocketAddr::from(([127, 0, 0, 1], opened["port"].as_u64().unwrap() as u16));
        self.remote(session, phone, direction);
    }

    pub fn remote(&mut self, session: &str, phone: &Phone, direction: &str) {
        let mut remote = json!({
            "op": "remote", "session": session, "ip": "127.0.0.1", "port": phone.port(),
            "codecs": [{"name": phone.codec.name(), "pt": phone.payload_type()}],
            "direction": direction, "tag": "a tag",
        });
        if phone.has_events {
            remote["dtmf"] = json!([{"pt": EVENT, "clock": phone.codec.clock()}]);
        }
        self.ok(remote);
    }

    /// Waits until the engine has heard all that the session's phone has said, and the jitter buffer has let go of it.
    pub fn has_heard(&mut self, session: &str, phone: &Phone) {
        eventually("the engine has heard all", || {
            let stats = self.ok(json!({"op": "stats", "session": session}));
            stats["stats"]["rx_packets"].as_u64() >= Some(phone.sent)
        });
        sleep_ms(300);
    }

    pub fn hear(&mut self, session: &str, source: Value) {
        self.ok(json!({"op": "hear", "session": session, "source": source}));
    }

    /// Two phones in a call, as the sessions `a` and `b`.
    pub fn call(&mut self, a: &mut Phone, b: &mut Phone) {
        self.connect_phone("a", a);
        self.connect_phone("b", b);
        self.bridge("a", "b");
    }

    /// Bridges two sessions.
    pub fn bridge(&mut self, a: &str, b: &str) {
        self.hear(a, json!({"kind": "session", "session": b}));
        self.hear(b, json!({"kind": "session", "session": a}));
    }
}
