//! The load of `bench/engine.py memory`: many peers that speak as browsers do (ICE, DTLS, SRTP).
//!
//!     browserload SECONDS FINGERPRINT        (of the engine)
//!
//! Standard output first has the fingerprint of their certificate; then standard input has one peer a line, `LOCAL REMOTE`,
//! two socket addresses, until its end. Each checks with the credentials below, shakes hands as the client and then sends 50
//! packets a second. When all have done that for so many seconds, standard output has `stop` and how many packets were sent and
//! opened; they go on sending until they are killed, for a minute at most.

use media_engine::{clock, sys};
use media_proto::dtls::{Association, Fingerprint, Identity, Role, Step, is_dtls};
use media_proto::srtp::{MAX_OVERHEAD, Protector, Unprotector};
use media_proto::stun::{self, Class, Writer};
use media_proto::{MS, Micros, SECOND, rtp};
use std::io::{self, BufRead, Write};
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

/// As `bench/harness/engines.py` tells the engine.
const NAMES: &str = "lite:full";
const PASSWORD: &[u8] = b"the0password0of0the0bench";

const PTIME: Micros = 20 * MS;
const PAYLOAD: usize = 80;
/// A handshake that takes longer has failed.
const PATIENCE: Micros = 5 * SECOND;
/// Between two checks, of which the engine wants one every 15 s.
const CHECKS: Micros = 5 * SECOND;
const LONGEST: Micros = 60 * SECOND;

struct Peer {
    socket: UdpSocket,
    header: rtp::Header,
    keys: Option<(Protector, Unprotector)>,
    sent: u64,
    opened: u64,
}

impl Peer {
    fn parse(line: &str, number: usize) -> Result<Peer, String> {
        let (local, remote) = line.split_once(' ').ok_or("a line is `LOCAL REMOTE`")?;
        let address = |text: &str| text.parse::<SocketAddr>().map_err(|error| format!("{text}: {error}"));
        let socket = UdpSocket::bind(address(local)?).map_err(|error| format!("{local}: {error}"))?;
        let ready = socket
            .connect(address(remote)?)
            .and_then(|()| socket.set_read_timeout(Some(Duration::from_millis(5))));
        ready.map_err(|error| error.to_string())?;
        let ssrc = number as u32 + 1;
        let header = rtp::Header { marker: false, payload_type: 111, sequence: 0, timestamp: 0, ssrc };
        Ok(Peer { socket, header, keys: None, sent: 0, opened: 0 })
    }

    /// Shows that it wants to be sent to (RFC 7675), and that here is where.
    fn check(&self) {
        let mut out = [0; stun::MAX_LEN];
        let writer = Writer::new(&mut out, Class::Request, [5; 12]).username(NAMES.as_bytes());
        let writer = writer.priority(1_853_824_767).controlling(42).use_candidate();
        let length = writer.sign(PASSWORD).finish();
        let _ = self.socket.send(&out[..length]);
    }

    fn shake(&mut self, identity: &Identity, theirs: &Fingerprint) -> Result<(), String> {
        let began = clock::now();
        let mut dtls = Association::new(identity, Role::Client, vec![theirs.clone()], clock::start(), began);
        self.check();
        let (mut buffer, mut answered) = ([0; 2048], false);
        while clock::now() < began + PATIENCE {
            let received = self.socket.recv(&mut buffer);
            let (mut keys, mut failure) = (None, None);
            let mut out = |step: Step<'_>| match step {
                Step::Packet(packet) => drop(self.socket.send(packet)),
                Step::Keys(found) => keys = Some(found),
                Step::Failed(why) => failure = Some(why.text()),
                Step::Closed => failure = Some("the engine said goodbye"),
            };
            match received {
                Ok(length) if is_dtls(buffer[0]) => dtls.receive(clock::now(), &buffer[..length], &mut out),
                Ok(length) if length > 0 && buffer[0] < 4 => answered = true,
                _ if !answered => self.check(),
                _ => {}
            }
            if answered {
                dtls.tick(clock::now(), &mut out);
            }
            if let Some(why) = failure {
                return Err(why.into());
            }
            if let Some(keys) = keys {
                let contexts = Protector::new(keys.suite, &keys.send);
                self.keys = contexts.zip(Unprotector::new(keys.suite, &keys.receive));
                return self.socket.set_nonblocking(true).map_err(|error| error.to_string());
            }
        }
        Err("no keys in time".into())
    }

    fn turn(&mut self) {
        let Some((protector, unprotector)) = &mut self.keys else { return };
        let mut packet = [0x5a; rtp::HEADER_LEN + PAYLOAD + MAX_OVERHEAD];
        packet[..rtp::HEADER_LEN].copy_from_slice(&self.header.to_bytes());
        let length = protector.rtp(&mut packet, rtp::HEADER_LEN + PAYLOAD);
        self.sent += u64::from(self.socket.send(&packet[..length]).is_ok());
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.header.timestamp = self.header.timestamp.wrapping_add(960);
        let mut buffer = [0; 2048];
        while let Ok(length) = self.socket.recv(&mut buffer) {
            self.opened += u64::from(unprotector.rtp(&mut buffer[..length]).is_ok());
        }
    }
}

fn tell(word: &str) {
    println!("{word}");
    let _ = io::stdout().flush();
}

fn main() -> Result<(), String> {
    let usage = "usage: browserload SECONDS FINGERPRINT, peers on standard input";
    let mut arguments = std::env::args().skip(1);
    let seconds: u64 = arguments.next().and_then(|text| text.parse().ok()).ok_or(usage)?;
    let theirs = arguments.next().and_then(|text| Fingerprint::parse(&text)).ok_or(usage)?;
    sys::raise_file_limit();
    let identity = Identity::new([3; 32], [3; 16], clock::unix()).ok_or("no certificate")?;
    tell(identity.fingerprint());
    let mut peers = Vec::new();
    for line in io::stdin().lock().lines() {
        let mut peer = Peer::parse(&line.map_err(|error| error.to_string())?, peers.len())?;
        peer.shake(&identity, &theirs).map_err(|error| format!("peer {}: {error}", peers.len()))?;
        peers.push(peer);
    }
    let begin = clock::now();
    let (mut due, mut check, mut told) = (begin, begin + CHECKS, false);
    while due < begin + LONGEST {
        for peer in &mut peers {
            peer.turn();
            if due >= check {
                peer.check();
            }
        }
        if due >= check {
            check = due + CHECKS;
        }
        if !told && due >= begin + seconds * SECOND {
            told = true;
            let count = |of: fn(&Peer) -> u64| peers.iter().map(of).sum::<u64>();
            tell(&format!("stop {} {}", count(|peer| peer.sent), count(|peer| peer.opened)));
        }
        due += PTIME;
        sys::pause(Duration::from_micros(due.saturating_sub(clock::now()).max(1)));
    }
    Ok(())
}
