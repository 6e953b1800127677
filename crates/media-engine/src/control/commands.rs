//! Commands, checked and carried out.

use super::formats::{self, Formats};
use super::replies::{Pending, Waiter};
use super::{ConnectionId, Control, Known};
use crate::clock;
use crate::fault;
use crate::log::{Level, log};
use crate::notes::Refused;
use crate::orders::{Order, Remote, Slot, Sockets, Source, Token};
use crate::playlist::Place;
use crate::ports;
use crate::sys;
use crate::wire::{self, Body, Command, EngineStats, Envelope, ErrorCode, RemoteCommand};
use media_proto::mixer::Gain;
use media_proto::{SAMPLE_RATE, dtmf, tone};
use serde_json::json;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Longest row of digits that one command may send.
const MAX_DIGITS: usize = 64;

/// A command with whom to answer.
pub struct Asked {
    pub waiter: Waiter,
    pub command: Command,
}

/// What comes of a command that is not refused.
pub enum Answer {
    Now(Body),
    /// Another thread has been asked first. Commands for the same target wait for it when `holds` is true.
    Later {
        pending: Pending,
        token: Token,
        holds: bool,
    },
}

/// Why a command is refused.
#[derive(Debug)]
pub struct Refusing {
    pub code: ErrorCode,
    pub detail: String,
}

impl From<Refused> for Refusing {
    fn from((code, detail): Refused) -> Refusing {
        Refusing { code, detail }
    }
}

pub fn refuse<T>(code: ErrorCode, detail: impl Into<String>) -> Result<T, Refusing> {
    Err(Refusing { code, detail: detail.into() })
}

const DONE: Result<Answer, Refusing> = Ok(Answer::Now(Body::Done {}));

impl Control {
    /// Takes a frame from a connection: reads it, and carries it out or keeps it until its turn.
    pub fn take_frame(&mut self, from: ConnectionId, frame: &[u8]) {
        let (op, id) = match wire::read::<Envelope>(frame) {
            Ok(Envelope { op, id }) => (op.unwrap_or_default(), id),
            Err(error) => {
                let waiter = Waiter { from, id: None, op: String::new(), session: None };
                let detail = format!("a frame holds one msgpack map with `op` and perhaps `id`: {error}");
                return self.refuse(&waiter, ErrorCode::BadCommand, detail);
            }
        };
        let mut waiter = Waiter { from, id, op, session: None };
        if !wire::OPS.contains(&waiter.op.as_str()) {
            let detail = format!("there is no command '{}'; there are: {}", waiter.op, wire::OPS.join(", "));
            return self.refuse(&waiter, ErrorCode::BadCommand, detail);
        }
        let command = match wire::read::<Command>(frame) {
            Ok(command) => command,
            Err(error) => {
                return self.refuse(&waiter, ErrorCode::BadValue, without_texts(&error.to_string()));
            }
        };
        if self.controller != Some(from) && !matches!(command, Command::Hello { .. }) {
            return self.refuse(&waiter, ErrorCode::BadCommand, "say hello first".into());
        }
        let target = command.target();
        if let Some(wire::Target::Session(session)) = &target {
            waiter.session = Some(session.clone());
        }
        let asked = Asked { waiter, command };
        match target.and_then(|target| self.waiting.get_mut(&target)) {
            Some(queue) => queue.push_back(asked),
            None => self.execute(asked),
        }
    }

    /// Carries out a command whose turn it is.
    pub fn execute(&mut self, asked: Asked) {
        let target = asked.command.target();
        let waiter = asked.waiter.clone();
        let obeyed = fault::survive(|| self.obey(asked));
        match obeyed.unwrap_or_else(|| refuse(ErrorCode::Internal, "a fault of the engine")) {
            Ok(Answer::Now(body)) => self.grant(&waiter, body),
            Ok(Answer::Later { pending, token, holds }) => {
                self.pending.insert(token, pending);
                if let (true, Some(target)) = (holds, target) {
                    self.waiting.entry(target).or_default();
                }
            }
            Err(Refusing { code, detail }) => self.refuse(&waiter, code, detail),
        }
    }

    fn obey(&mut self, asked: Asked) -> Result<Answer, Refusing> {
        match &asked.command {
            Command::Hello { proto, after } => self.hello(asked.waiter.from, *proto, *after),
            Command::Open { session, ip, port, reserved, release } => {
                if let Some(port) = release {
                    self.ports.release(*port);
                }
                self.open(session, ip.as_deref(), *port, *reserved)
            }
            Command::Reserve { ip, count } => self.reserve(ip.as_deref(), *count),
            Command::Signal { session, ip, port } => {
                let slot = self.slot_of(session)?;
                self.orders.send(Order::Signal { slot, from: SocketAddr::new(parse_ip(ip)?, *port) });
                DONE
            }
            Command::Remote(remote) => self.remote(remote),
            Command::Hear { session, source: wire::Source::Music { file } } => {
                self.slot_of(session)?;
                self.load(vec![file.clone()], true, asked)
            }
            Command::Hear { session, source } => self.hear(session, source),
            Command::Play { session, files, .. } => {
                self.slot_of(session)?;
                self.load(files.clone(), false, asked)
            }
            Command::Stop { session, play } => {
                let slot = self.slot_of(session)?;
                self.orders.send(Order::Stop { slot, play: play.clone() });
                DONE
            }
            Command::Seek { session, play, ms, by_ms } => {
                let slot = self.slot_of(session)?;
                let to = match (*ms, *by_ms) {
                    (Some(ms), None) => Place::At(ms),
                    (None, Some(ms)) => Place::By(ms),
                    _ => return refuse(ErrorCode::BadValue, "give either `ms` or `by_ms`"),
                };
                self.orders.send(Order::Seek { slot, play: play.clone(), to });
                DONE
            }
            Command::Pause { session, play, paused } => {
                let slot = self.slot_of(session)?;
                self.orders.send(Order::Pause { slot, play: play.clone(), paused: *paused });
                DONE
            }
            Command::Record(_) => self.record(asked),
            Command::StopRecord { session, record } => {
                let slot = self.slot_of(session)?;
                self.orders.send(Order::StopRecord { slot, record: record.clone() });
                DONE
            }
            Command::PauseRecord { session, record, paused } => {
                let slot = self.slot_of(session)?;
                self.orders.send(Order::PauseRecord { slot, record: record.clone(), paused: *paused });
                DONE
            }
            Command::Dtmf { session, digits, ms, gap_ms } => self.dtmf(session, digits, *ms, *gap_ms),
            Command::Voice { session, gain_db, muted, agc } => {
                self.voice(session, gain_db.unwrap_or(0.0), *muted, *agc)
            }
            Command::MixerOpen { mixer } => {
                if self.mixers.find(mixer).is_some() {
                    return refuse(ErrorCode::Exists, format!("mixer {mixer} is open"));
                }
                let slot = self.mixers.add(mixer.clone(), ());
                self.orders.send(Order::MixerOpen { mixer: slot });
                DONE
            }
            Command::MixerPlay { mixer, files } => {
                self.mixer_of(mixer)?;
                self.load(files.clone(), false, asked)
            }
            Command::MixerClose { mixer } => {
                let slot = self.mixer_of(mixer)?;
                self.mixers.free(slot);
                self.sessions.silence(&wire::Source::Mixer { mixer: mixer.clone() });
                self.orders.send(Order::MixerClose { mixer: slot });
                DONE
            }
            Command::Close { session } => {
                let slot = self.slot_of(session)?;
                self.forget_session(slot);
                let token = self.token();
                self.orders.send(Order::Close { slot, token: Some(token) });
                Ok(Answer::Later { pending: Pending::Answer(asked.waiter), token, holds: false })
            }
            Command::List {} => Ok(Answer::Now(self.list())),
            Command::Stats { session } => {
                let slot = session.as_ref().map(|session| self.slot_of(session)).transpose()?;
                let token = self.token();
                let pending = match slot {
                    Some(slot) => {
                        self.orders.send(Order::SessionStats { slot, token });
                        Pending::Answer(asked.waiter)
                    }
                    None => {
                        self.orders.send_to_all(|| Order::EngineStats { token });
                        let left = self.orders.len();
                        Pending::Sum { waiter: asked.waiter, stats: EngineStats::default(), left }
                    }
                };
                Ok(Answer::Later { pending, token, holds: false })
            }
        }
    }

    fn hello(&mut self, from: ConnectionId, proto: u32, after: Option<u64>) -> Result<Answer, Refusing> {
        if proto != wire::PROTO {
            let detail = format!("this engine speaks proto {}, not {proto}", wire::PROTO);
            return refuse(ErrorCode::BadValue, detail);
        }
        let before = self.controller.replace(from).filter(|before| *before != from);
        if let Some(before) = before.and_then(|before| self.connections.get_mut(&before)) {
            before.close();
        }
        self.alone_since = None;
        self.ports.let_go(clock::now());
        if let Some(after) = after {
            self.outbox.rewind(after);
        }
        log(
            Level::Info,
            "controller",
            json!({"sessions": self.sessions.len(), "replaced": before.is_some()}),
        );
        Ok(Answer::Now(Body::Hello {
            engine: self.engine.clone(),
            proto: wire::PROTO,
            version: env!("CARGO_PKG_VERSION").into(),
            sessions: self.sessions.len(),
            lost: self.outbox.lost(),
            fingerprint: self.fingerprint.clone(),
        }))
    }

    fn open(
        &mut self,
        session: &str,
        ip: Option<&str>,
        port: Option<u16>,
        reserved: bool,
    ) -> Result<Answer, Refusing> {
        if self.sessions.find(session).is_some() {
            return refuse(ErrorCode::Exists, format!("session {session} is open"));
        }
        let (ip, port, sockets, next) = if reserved {
            self.take(port.unwrap_or_default())?
        } else {
            let ip = self.bind_ip(ip)?;
            let (port, sockets) = self.bind_free(ip, port)?;
            (ip, port, sockets, None)
        };
        let slot = self.sessions.add(session.to_owned(), Known::at(ip, port));
        log(Level::Debug, "opened", json!({"session": session, "port": port}));
        self.orders.send(Order::Open { slot, sockets, trust: self.args.latch });
        Ok(Answer::Now(Body::Opened { ip: ip.to_string(), port, rtcp_port: port + 1, next }))
    }

    fn bind_free(&mut self, ip: IpAddr, wish: Option<u16>) -> Result<(u16, Sockets), Refusing> {
        match self.ports.open(clock::now(), wish, |port| bind(ip, port)) {
            Ok(opened) => Ok(opened),
            Err(ports::Refused::Exhausted) => {
                let (first, last) = (self.args.first_port, self.args.last_port);
                let detail =
                    format!("no pair of ports is free in {first}-{last}; widen --ports or end calls");
                refuse(ErrorCode::NoPorts, detail)
            }
            Err(ports::Refused::System(error)) => {
                let used_up = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM];
                let code = match error.raw_os_error() {
                    Some(number) if used_up.contains(&number) => ErrorCode::NoPorts,
                    _ => ErrorCode::BadIp,
                };
                refuse(code, format!("no socket can be bound to {ip}: {error}"))
            }
        }
    }

    /// A reserved pair, and the port of another one in its place.
    fn take(&mut self, port: u16) -> Result<(IpAddr, u16, Sockets, Option<u16>), Refusing> {
        let Some(sockets) = self.ports.take(port) else {
            return refuse(ErrorCode::NoPorts, format!("port {port} is not reserved"));
        };
        let ip = sockets.rtp.local_addr().map_or(self.args.ip, |at| at.ip());
        // What came before anybody was told of the port is no sound of this session.
        sys::empty(&sockets.rtp);
        sys::empty(&sockets.rtcp);
        let next = self.ports.hold(clock::now(), |port| bind(ip, port));
        Ok((ip, port, sockets, next))
    }

    fn reserve(&mut self, ip: Option<&str>, count: u16) -> Result<Answer, Refusing> {
        let ip = self.bind_ip(ip)?;
        let ports = (0..count).map_while(|_| self.ports.hold(clock::now(), |port| bind(ip, port))).collect();
        Ok(Answer::Now(Body::Reserved { ip: ip.to_string(), ports }))
    }

    fn bind_ip(&self, asked: Option<&str>) -> Result<IpAddr, Refusing> {
        asked.map_or(Ok(self.args.ip), parse_ip)
    }

    fn remote(&mut self, asked: &RemoteCommand) -> Result<Answer, Refusing> {
        let slot = self.slot_of(&asked.session)?;
        let ip = parse_ip(&asked.ip)?;
        let rtcp_ip = asked.rtcp_ip.as_deref().map_or(Ok(ip), parse_ip)?;
        let Some(known) = self.sessions.get_mut(slot) else { return refuse(ErrorCode::NoSession, "") };
        if ip.is_ipv4() != known.ip.is_ipv4() || rtcp_ip.is_ipv4() != known.ip.is_ipv4() {
            let detail = format!(
                "{ip} cannot be reached from {}; open the session on an address of its kind",
                known.ip
            );
            return refuse(ErrorCode::BadIp, detail);
        }
        if asked.port == 0 {
            return refuse(ErrorCode::BadValue, "port 0 means no stream; close the session instead");
        }
        let Formats { codecs, foreign, opus, dtmf, cn, srtp, dtls, ice } = formats::read(asked)?;
        let rtp = SocketAddr::new(ip, asked.port);
        // RTCP is on the next port unless another was signalled; behind the last port there is none.
        let rtcp_port = asked.rtcp_port.or(asked.port.checked_add(1)).unwrap_or(asked.port);
        let remote = Remote {
            rtp,
            rtcp: SocketAddr::new(rtcp_ip, rtcp_port),
            codecs,
            foreign,
            opus,
            dtmf,
            cn,
            srtp,
            dtls,
            ice,
            rtcp_mux: asked.rtcp_mux,
            direction: asked.direction,
            ptime_ms: asked.ptime.clamp(10, 60) / 10 * 10,
        };
        known.remote = Some(rtp);
        known.wide = remote.first().is_some_and(|codec| codec.rate() > SAMPLE_RATE);
        if asked.tag.is_some() {
            known.tag.clone_from(&asked.tag);
        }
        self.orders.send(Order::Remote { slot, remote });
        DONE
    }

    fn hear(&mut self, session: &str, source: &wire::Source) -> Result<Answer, Refusing> {
        let slot = self.slot_of(session)?;
        let resolved = match source {
            wire::Source::Silence => Source::Silence,
            wire::Source::Echo => Source::Echo,
            wire::Source::Session { session: other } if other == session => {
                return refuse(ErrorCode::BadValue, "a session hears itself with the source `echo`");
            }
            wire::Source::Session { session } => Source::Session(self.slot_of(session)?),
            wire::Source::Mixer { mixer } => Source::Mixer(self.mixer_of(mixer)?),
            wire::Source::Tone { tone } => Source::Loop(self.tones[&tone_of(*tone)].clone()),
            wire::Source::Music { .. } => return refuse(ErrorCode::Internal, "music is loaded first"),
        };
        self.set_source(slot, source.clone(), resolved);
        DONE
    }

    /// Sets what a session hears.
    pub fn set_source(&mut self, slot: Slot, source: wire::Source, resolved: Source) {
        if let Some(known) = self.sessions.get_mut(slot) {
            known.source = source;
        }
        self.orders.send(Order::Hear { slot, source: resolved });
    }

    fn dtmf(&mut self, session: &str, digits: &str, ms: u32, gap_ms: u32) -> Result<Answer, Refusing> {
        let slot = self.slot_of(session)?;
        if digits.is_empty() || digits.len() > MAX_DIGITS {
            return refuse(ErrorCode::BadValue, format!("`digits` holds 1 to {MAX_DIGITS} of 0-9 * # A-D"));
        }
        let (ms, gap_ms) = (ms.clamp(40, 5000), gap_ms.clamp(40, 5000));
        match (dtmf::Sender::new(digits, ms, gap_ms), tone::dtmf(digits, ms, gap_ms)) {
            (Some(events), Some(sound)) => {
                self.orders.send(Order::Digits { slot, events, sound: Arc::new(sound) });
                DONE
            }
            _ => {
                refuse(ErrorCode::BadValue, format!("'{digits}' has something that is no key (0-9 * # A-D)"))
            }
        }
    }

    fn voice(&mut self, session: &str, gain_db: f64, muted: bool, agc: bool) -> Result<Answer, Refusing> {
        let slot = self.slot_of(session)?;
        if !gain_db.is_finite() {
            return refuse(ErrorCode::BadValue, "`gain_db` is a number of decibels");
        }
        let gain = if muted { Gain::NONE } else { Gain::from_db(gain_db) };
        self.orders.send(Order::Voice { slot, gain, agc });
        DONE
    }

    /// The slot of a session that has a name.
    pub fn slot_of(&self, session: &str) -> Result<Slot, Refusing> {
        let found = self.sessions.find(session);
        found.map_or_else(|| refuse(ErrorCode::NoSession, format!("there is no session {session}")), Ok)
    }

    pub fn mixer_of(&self, mixer: &str) -> Result<Slot, Refusing> {
        let found = self.mixers.find(mixer);
        found.map_or_else(|| refuse(ErrorCode::NoMixer, format!("there is no mixer {mixer}")), Ok)
    }

    /// Takes a session's name away; its slot is freed when the worker has closed it.
    pub fn forget_session(&mut self, slot: Slot) {
        self.sessions.forget(slot);
        if let Some((session, _)) = self.sessions.get(slot) {
            let source = wire::Source::Session { session: session.clone() };
            self.sessions.silence(&source);
        }
    }

    pub fn token(&mut self) -> Token {
        self.next_token += 1;
        self.next_token
    }

    fn list(&self) -> Body {
        let sessions = self.sessions.named().map(|(_, session, known)| wire::Listed {
            session: session.to_owned(),
            port: known.port,
            source: known.source.clone(),
            remote: known.remote.map(|remote| remote.to_string()),
            tag: known.tag.clone(),
            play: known.play.clone(),
            record: known.record.clone(),
        });
        Body::List {
            sessions: sessions.collect(),
            mixers: self.mixers.named().map(|(_, mixer, ())| mixer.to_owned()).collect(),
        }
    }
}

fn parse_ip(text: &str) -> Result<IpAddr, Refusing> {
    text.parse().or_else(|_| refuse(ErrorCode::BadIp, format!("'{text}' is not an IP address")))
}

fn tone_of(name: wire::ToneName) -> tone::Tone {
    match name {
        wire::ToneName::Ringback => tone::Tone::Ringback,
        wire::ToneName::Busy => tone::Tone::Busy,
        wire::ToneName::Congestion => tone::Tone::Congestion,
    }
}

/// Binds a pair of ports.
fn bind(ip: IpAddr, port: u16) -> io::Result<Sockets> {
    Ok(Sockets { rtp: sys::bind((ip, port).into())?, rtcp: sys::bind((ip, port + 1).into())? })
}

/// What is wrong with a command, without the text that stood in the wrong place: it may be a key.
fn without_texts(detail: &str) -> String {
    match (detail.find('"'), detail.rfind('"')) {
        (Some(from), Some(to)) if from < to => format!("{}…{}", &detail[..from], &detail[to + 1..]),
        _ => detail.to_owned(),
    }
}
