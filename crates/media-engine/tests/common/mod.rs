//! An engine in a process of its own, a controller, and phones with real sockets.

#![allow(clippy::disallowed_methods, reason = "these tests run in real time, over real sockets")]
#![allow(dead_code, reason = "each test file uses its part")]

use media_proto::codec::{Codec, Decoder, Encoder};
use media_proto::opus;
use media_proto::resample::Resampler;
use media_proto::rtp::{self, Header};
use media_proto::srtp::{MAX_OVERHEAD, Protector, Unprotector};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

static NEXT: AtomicU16 = AtomicU16::new(0);

pub const PATIENCE: Duration = Duration::from_secs(5);

pub fn sleep_ms(ms: u64) {
    thread::sleep(Duration::from_millis(ms));
}

/// A running engine; it is killed and its folder removed when dropped.
pub struct Engine {
    pub child: Child,
    pub folder: PathBuf,
    pub socket: PathBuf,
}

impl Engine {
    pub fn start() -> Engine {
        Engine::start_with(&[], 20)
    }

    /// Starts with more arguments and so many pairs of ports.
    pub fn start_with(more: &[&str], pairs: u16) -> Engine {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("tongdai-engine-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let first = 10_000 + (std::process::id() % 100) as u16 * 80 + number * 400 % 8000;
        let ports = format!("{first}-{}", first + 2 * pairs - 1);
        let socket = folder.join("media.sock");
        let child = Command::new(env!("CARGO_BIN_EXE_tongdai-media"))
            .arg("--socket")
            .arg(&socket)
            .args(["--ip", "127.0.0.1", "--ports", &ports])
            .args(more)
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let engine = Engine { child, folder, socket };
        let started = Instant::now();
        while UnixStream::connect(&engine.socket).is_err() {
            assert!(started.elapsed() < PATIENCE, "the engine does not listen");
            sleep_ms(5);
        }
        engine
    }

    pub fn controller(&self) -> Controller {
        let mut controller = Controller::connect(&self.socket);
        controller.ok(json!({"op": "hello", "proto": 1}));
        controller
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    /// Writes a sound file.
    pub fn wav(&self, name: &str, samples: &[i16]) -> String {
        let mut file = media_proto::wav::header(samples.len() as u32).to_vec();
        file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        let path = self.path(name);
        std::fs::write(&path, file).unwrap();
        path
    }

    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end; returns the exit code.
    pub fn wait(&mut self) -> Option<i32> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(started.elapsed() < PATIENCE, "the engine does not end");
            sleep_ms(5);
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

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

    pub fn hear(&mut self, session: &str, source: Value) {
        self.ok(json!({"op": "hear", "session": session, "source": source}));
    }

    /// Bridges two sessions.
    pub fn bridge(&mut self, a: &str, b: &str) {
        self.hear(a, json!({"kind": "session", "session": b}));
        self.hear(b, json!({"kind": "session", "session": a}));
    }
}

/// The payload type of telephone-event here.
pub const EVENT: u8 = 101;

/// A packet that a phone heard.
#[derive(Clone, Debug)]
pub struct Heard {
    pub at: Instant,
    pub from: SocketAddr,
    pub packet: rtp::Packet,
    pub payload: Vec<u8>,
}

/// A phone: it keeps all that it hears.
pub struct Phone {
    pub socket: UdpSocket,
    pub engine: SocketAddr,
    pub codec: Codec,
    pub has_events: bool,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    /// Every so manieth packet of what is spoken is lost.
    pub loses: usize,
    encoder: Encoder,
    /// Protects what it sends, if it does.
    pub protect: Option<Protector>,
    /// The last packet as it was sent.
    pub last_sent: Vec<u8>,
    unprotect: Arc<Mutex<Option<Unprotector>>>,
    heard: Arc<Mutex<Vec<Heard>>>,
    stop: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl Phone {
    pub fn new(codec: Codec) -> Phone {
        Phone::of(UdpSocket::bind("127.0.0.1:0").unwrap(), codec)
    }

    /// A phone with this socket.
    pub fn of(socket: UdpSocket, codec: Codec) -> Phone {
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let unprotect: Arc<Mutex<Option<Unprotector>>> = Arc::default();
        let listener = {
            let (socket, heard, stop) = (socket.try_clone().unwrap(), heard.clone(), stop.clone());
            let unprotect = unprotect.clone();
            thread::spawn(move || {
                let mut buffer = [0; 2048];
                while !stop.load(Ordering::Relaxed) {
                    if let Ok((length, from)) = socket.recv_from(&mut buffer) {
                        let mut length = length;
                        if buffer[0] >> 6 != 2 {
                            continue; // STUN or DTLS
                        }
                        if let Some(unprotect) = unprotect.lock().unwrap().as_mut() {
                            match unprotect.rtp(&mut buffer[..length]) {
                                Ok((opened, _)) => length = opened,
                                Err(_) => continue, // from before the keys were agreed
                            }
                        }
                        let packet = rtp::parse(&buffer[..length]).expect("RTP");
                        let payload = buffer[packet.payload.clone()].to_vec();
                        heard.lock().unwrap().push(Heard { at: Instant::now(), from, packet, payload });
                    }
                }
            })
        };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Phone {
            socket,
            engine: SocketAddr::from(([127, 0, 0, 1], 9)),
            codec,
            has_events: true,
            sequence: number.wrapping_mul(7919),
            timestamp: u32::from(number) * 99_991,
            ssrc: u32::from(number) + 1,
            loses: 0,
            encoder: Encoder::new(codec, opus::Settings { fec: true, ..Default::default() }).unwrap(),
            protect: None,
            last_sent: Vec::new(),
            unprotect,
            heard,
            stop,
            listener: Some(listener),
        }
    }

    /// What it hears is protected from now on; what it heard before is forgotten.
    pub fn unprotect(&self, keys: Unprotector) {
        *self.unprotect.lock().unwrap() = Some(keys);
        self.forget();
    }

    pub fn port(&self) -> u16 {
        self.socket.local_addr().unwrap().port()
    }

    pub fn payload_type(&self) -> u8 {
        match self.codec {
            Codec::Pcmu => 0,
            Codec::Pcma => 8,
            Codec::G722 => 9,
            Codec::Opus => 111,
        }
    }

    /// Sends one packet of this payload type.
    pub fn send(&mut self, payload_type: u8, payload: &[u8], advance: u32) {
        let header = Header {
            marker: false,
            payload_type,
            sequence: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
        };
        let mut packet = header.to_bytes().to_vec();
        packet.extend(payload);
        if let Some(protect) = &mut self.protect {
            let length = packet.len();
            packet.resize(length + MAX_OVERHEAD, 0);
            let length = protect.rtp(&mut packet, length);
            packet.truncate(length);
        }
        self.socket.send_to(&packet, self.engine).unwrap();
        self.last_sent = packet;
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(advance);
    }

    /// Sends a packet whose every byte is `byte`.
    pub fn say(&mut self, byte: u8) {
        self.send(self.payload_type(), &[byte; 160], 160);
    }

    /// Says so many packets in real time, all bytes `byte`.
    pub fn talk(&mut self, byte: u8, packets: usize) {
        let start = Instant::now();
        for i in 0..packets {
            self.say(byte);
            sleep_until(start + Duration::from_millis(20 * (i as u64 + 1)));
        }
    }

    /// Sends samples of 8 kHz in real time.
    pub fn speak(&mut self, samples: &[i16]) {
        self.speak_at(samples, 8000);
    }

    /// Sends samples of 8 or 16 kHz in real time, as its codec has them.
    pub fn speak_at(&mut self, samples: &[i16], rate: u32) {
        let samples = at_rate(samples, rate, self.codec.rate());
        let start = Instant::now();
        for (i, frame) in samples.chunks_exact(self.codec.rate() as usize / 50).enumerate() {
            let mut payload = [0; opus::MAX_PAYLOAD];
            let length = self.encoder.encode(frame, &mut payload);
            if self.loses == 0 || i % self.loses != 3 {
                self.send(self.payload_type(), &payload[..length], self.codec.clock() / 50);
            } else {
                self.sequence = self.sequence.wrapping_add(1);
                self.timestamp = self.timestamp.wrapping_add(self.codec.clock() / 50);
            }
            sleep_until(start + Duration::from_millis(20 * (i as u64 + 1)));
        }
    }

    /// Presses a key for 100 ms.
    pub fn press(&mut self, digit: char) {
        let event = media_proto::dtmf::event(digit).unwrap();
        for i in 1..=7u16 {
            let event = media_proto::dtmf::Event { event, end: i > 4, volume: 10, duration: 160 * i.min(5) };
            self.send(EVENT, &event.rescaled(8000, self.codec.clock()).to_bytes(), 0);
            if i < 5 {
                sleep_ms(20);
            }
        }
        self.timestamp = self.timestamp.wrapping_add(self.codec.clock() / 10);
    }

    /// What was heard of the session that the phone talks to. (Another test's engine may still send to a port that is
    /// ours now.)
    pub fn heard(&self) -> Vec<Heard> {
        let heard = self.heard.lock().unwrap();
        heard.iter().filter(|heard| heard.from == self.engine).cloned().collect()
    }

    /// Forgets what was heard.
    pub fn forget(&self) {
        self.heard.lock().unwrap().clear();
    }

    /// What was heard, decoded, one packet behind the other, at 8 kHz.
    pub fn sound(&self) -> Vec<i16> {
        self.sound_at(8000)
    }

    /// What was heard, at 8 or 16 kHz.
    pub fn sound_at(&self, rate: u32) -> Vec<i16> {
        let mut decoder = Decoder::new(self.codec).unwrap();
        let mut sound = Vec::new();
        for heard in self.heard().iter().filter(|heard| heard.packet.payload_type != EVENT) {
            assert_eq!(heard.packet.payload_type, self.payload_type());
            let mut samples = [0; 2048];
            let count = decoder.decode(&heard.payload, &mut samples);
            sound.extend(&samples[..count]);
        }
        at_rate(&sound, self.codec.rate(), rate)
    }

    /// Checks that all that was heard is one stream without a gap.
    pub fn assert_one_stream(&self) {
        let heard = self.heard();
        for pair in heard.windows(2) {
            assert_eq!(pair[1].packet.ssrc, pair[0].packet.ssrc, "another SSRC");
            assert_eq!(
                pair[1].packet.sequence,
                pair[0].packet.sequence.wrapping_add(1),
                "a gap in the sequence: {:?}",
                heard.iter().map(|heard| heard.packet.sequence).collect::<Vec<_>>()
            );
            let step = pair[1].packet.timestamp.wrapping_sub(pair[0].packet.timestamp) as i32;
            assert!((0..2 * self.codec.clock() as i32).contains(&step), "the timestamp jumps by {step}");
        }
    }

    /// Waits until something is heard that fits.
    pub fn wait_for(&self, what: &str, fits: impl Fn(&Heard) -> bool) -> Heard {
        let started = Instant::now();
        loop {
            if let Some(heard) = self.heard().into_iter().find(&fits) {
                return heard;
            }
            assert!(started.elapsed() < PATIENCE, "{what} is not heard");
            sleep_ms(2);
        }
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

pub fn sleep_until(moment: Instant) {
    thread::sleep(moment.saturating_duration_since(Instant::now()));
}

fn at_rate(samples: &[i16], from: u32, to: u32) -> Vec<i16> {
    if from == to {
        return samples.to_vec();
    }
    let mut out = vec![0; samples.len() * to as usize / from as usize];
    Resampler::new(from, to).process(samples, &mut out);
    out
}

/// A tone as samples.
pub fn tone(frequency: f64, ms: usize) -> Vec<i16> {
    let step = std::f64::consts::TAU * frequency / 8000.0;
    (0..ms * 8).map(|i| ((step * i as f64).sin() * 6000.0) as i16).collect()
}

/// Amplitude of one frequency in samples (Goertzel).
pub fn amplitude(samples: &[i16], frequency: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (i, &sample) in samples.iter().enumerate() {
        let phase = std::f64::consts::TAU * frequency * i as f64 / 8000.0;
        re += f64::from(sample) * phase.cos();
        im += f64::from(sample) * phase.sin();
    }
    2.0 * (re * re + im * im).sqrt() / samples.len() as f64
}

/// The largest amplitude of a frequency in any 100 ms of the samples.
pub fn loudest(samples: &[i16], frequency: f64) -> f64 {
    samples.windows(800).step_by(100).map(|part| amplitude(part, frequency)).fold(0.0, f64::max)
}
