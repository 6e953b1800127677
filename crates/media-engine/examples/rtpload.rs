//! The load of `bench/pbx.py`: sends RTP from many sockets and meters what is relayed back.
//!
//!     rtpload WARM_UP MEASURE DRAIN        (seconds)
//!
//! Standard input has one stream a line, `LOCAL REMOTE PEER TYPE`: two socket addresses, the number (from 0) of the stream
//! whose packets should arrive here, and the payload type that is sent. Each stream sends 50 packets of 20 ms a second; all are
//! spread evenly over the 20 ms. With `-` for the peer it sends noise, and any RTP that arrives counts.
//! Standard output has `start` and `stop` at the edges of the measured window, then one JSON object.
//!
//! A packet carries its stream, its number and when it was sent. The delay ends with the kernel's arrival stamp, so how
//! long this program takes to look does not count. Only packets sent within the window count, and only in order.

use libc::{c_int, c_void};
use media_engine::{clock, sys};
use media_proto::Micros;
use std::io::{self, BufRead, Write};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;

const PTIME: Micros = 20_000;
const PER_SECOND: f64 = 50.0;
const HEADER: usize = 12;
const PACKET: usize = HEADER + 160;
const MAGIC: [u8; 8] = *b"tongdai\0";
/// Packets that are due within this time leave together.
const PAUSE: Micros = 200;
/// Sent later than this after it was due, a packet tells that the generator had no time.
const LATE: Micros = 5_000;

struct Stream {
    socket: UdpSocket,
    peer: Option<u32>,
    payload_type: u8,
    ssrc: u32,
    sent: u32,
    /// The number that the next packet of the peer has, if none is lost.
    expected: u32,
}

#[derive(Default)]
struct Meter {
    sent: u64,
    received: u64,
    unknown: u64,
    refused: u64,
    late: u64,
    latest: Micros,
    delays: Vec<u32>,
}

/// What a packet says of itself.
struct Mark {
    stream: u32,
    number: u32,
    at: Micros,
    measured: bool,
}

impl Mark {
    fn write(&self, payload: &mut [u8]) {
        payload[..8].copy_from_slice(&MAGIC);
        payload[8..12].copy_from_slice(&self.stream.to_be_bytes());
        payload[12..16].copy_from_slice(&self.number.to_be_bytes());
        payload[16..24].copy_from_slice(&self.at.to_be_bytes());
        payload[24] = u8::from(self.measured);
    }

    fn read(packet: &[u8]) -> Option<Mark> {
        let payload = packet.get(HEADER..PACKET)?;
        (packet.len() == PACKET && payload[..8] == MAGIC).then_some(())?;
        Some(Mark {
            stream: u32::from_be_bytes(payload[8..12].try_into().ok()?),
            number: u32::from_be_bytes(payload[12..16].try_into().ok()?),
            at: Micros::from_be_bytes(payload[16..24].try_into().ok()?),
            measured: payload[24] == 1,
        })
    }
}

impl Stream {
    fn parse(line: &str, number: usize) -> Result<Stream, String> {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [local, remote, peer, payload_type] = fields[..] else {
            return Err(format!("not LOCAL REMOTE PEER TYPE: {line}"));
        };
        let address = |text: &str| text.parse::<SocketAddr>().map_err(|_| format!("{text} is no IP:PORT"));
        let socket = UdpSocket::bind(address(local)?).map_err(|error| format!("{local}: {error}"))?;
        socket.connect(address(remote)?).map_err(|error| format!("{remote}: {error}"))?;
        stamp_arrivals(&socket).map_err(|error| format!("{local}: no arrival stamps: {error}"))?;
        let peer = match peer {
            "-" => None,
            peer => Some(peer.parse().map_err(|_| format!("{peer} is no stream"))?),
        };
        let payload_type = payload_type.parse().map_err(|_| format!("{payload_type} is no payload type"))?;
        // another one in each run, as a source that starts again has
        let ssrc = (clock::unix() as u32).wrapping_add(number as u32);
        Ok(Stream { socket, peer, payload_type, ssrc, sent: 0, expected: 0 })
    }

    fn send(&mut self, number: usize, due: Micros, measured: bool, meter: &mut Meter) {
        let mut packet = [0xffu8; PACKET];
        packet[0] = 0x80;
        packet[1] = self.payload_type | if self.sent == 0 { 0x80 } else { 0 };
        packet[2..4].copy_from_slice(&(self.sent as u16).to_be_bytes());
        packet[4..8].copy_from_slice(&self.sent.wrapping_mul(160).to_be_bytes());
        packet[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        if self.peer.is_some() {
            let mark = Mark { stream: number as u32, number: self.sent, at: clock::unix(), measured };
            mark.write(&mut packet[HEADER..]);
        } else {
            let mut noise = self.ssrc.wrapping_add(self.sent) | 1;
            for byte in &mut packet[HEADER..] {
                noise ^= noise << 13;
                noise ^= noise >> 17;
                noise ^= noise << 5;
                *byte = 0x30 | (noise & 0x8f) as u8;
            }
        }
        meter.refused += u64::from(self.socket.send(&packet).is_err());
        self.sent += 1;
        if measured {
            let late = clock::now().saturating_sub(due);
            meter.sent += 1;
            meter.late += u64::from(late > LATE);
            meter.latest = meter.latest.max(late);
        }
    }

    fn receive(&mut self, measured: bool, meter: &mut Meter) {
        let mut buffer = [0u8; 2048];
        while let Some((length, arrived)) = receive(&self.socket, &mut buffer) {
            if self.peer.is_none() {
                meter.received += u64::from(measured);
                continue;
            }
            match Mark::read(&buffer[..length]) {
                Some(mark) if Some(mark.stream) == self.peer && mark.number >= self.expected => {
                    self.expected = mark.number + 1;
                    if mark.measured {
                        meter.received += 1;
                        meter.delays.push(arrived.saturating_sub(mark.at) as u32);
                    }
                }
                _ => meter.unknown += 1,
            }
        }
    }
}

/// Asks the kernel to say of each packet when it arrived.
fn stamp_arrivals(socket: &UdpSocket) -> io::Result<()> {
    let on: c_int = 1;
    // SAFETY: the option's value lives through the call and has the given length.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_TIMESTAMPNS,
            (&raw const on).cast::<c_void>(),
            size_of::<c_int>() as libc::socklen_t,
        )
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Takes one datagram, if any waits: its length, and when it arrived in microseconds since 1970.
fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> Option<(usize, Micros)> {
    let mut control = [0u64; 16];
    let mut vector = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: a plain C structure for which zeros are valid.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut vector;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control) as _;
    // SAFETY: the header points at buffers that outlive the call, with their true lengths.
    let length = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_DONTWAIT) };
    let length = usize::try_from(length).ok()?;
    // SAFETY: the kernel filled the header in; the first control message, if any, lies within `control`.
    let first = unsafe { libc::CMSG_FIRSTHDR(&raw const message).as_ref() }?;
    if first.cmsg_level != libc::SOL_SOCKET || first.cmsg_type != libc::SCM_TIMESTAMPNS {
        return None;
    }
    // SAFETY: a message of this type carries one timespec, which need not be aligned.
    let stamp = unsafe { libc::CMSG_DATA(first).cast::<libc::timespec>().read_unaligned() };
    Some((length, stamp.tv_sec as Micros * 1_000_000 + stamp.tv_nsec as Micros / 1_000))
}

fn tell(word: &str) {
    println!("{word}");
    let _ = io::stdout().flush();
}

fn run(streams: &mut [Stream], warm_up: f64, measure: f64, drain: f64) -> Meter {
    let count = streams.len();
    let slots = |seconds: f64| (seconds * PER_SECOND) as usize * count;
    let (start, stop) = (slots(warm_up), slots(warm_up) + slots(measure));
    let mut meter = Meter { delays: Vec::with_capacity(stop - start), ..Meter::default() };
    let begin = clock::now() + 50_000;
    for slot in 0..stop + slots(drain) {
        let due = begin + slot as Micros * PTIME / count as Micros;
        let early = due.saturating_sub(clock::now());
        if early > 0 {
            sys::pause(Duration::from_micros(early.max(PAUSE)));
        }
        if slot == start {
            tell("start");
        } else if slot == stop {
            tell("stop");
        }
        let number = slot % count;
        streams[number].receive((start..stop).contains(&slot), &mut meter);
        if slot < stop {
            streams[number].send(number, due, slot >= start, &mut meter);
        }
    }
    for stream in streams {
        stream.receive(false, &mut meter);
    }
    meter
}

fn main() -> Result<(), String> {
    let seconds: Vec<f64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let [warm_up, measure, drain] = seconds[..] else {
        return Err("usage: rtpload WARM_UP MEASURE DRAIN (seconds), streams on standard input".into());
    };
    sys::raise_file_limit();
    let mut streams = Vec::new();
    for line in io::stdin().lock().lines() {
        let line = line.map_err(|error| error.to_string())?;
        streams.push(Stream::parse(&line, streams.len())?);
    }
    if streams.is_empty() {
        return Err("no streams on standard input".into());
    }
    let mut meter = run(&mut streams, warm_up, measure, drain);
    meter.delays.sort_unstable();
    let delay = |share: f64| meter.delays.get((meter.delays.len().saturating_sub(1) as f64 * share) as usize);
    let result = serde_json::json!({
        "sent": meter.sent,
        "received": meter.received,
        "unknown": meter.unknown,
        "refused": meter.refused,
        "delay_us": {"p50": delay(0.5), "p99": delay(0.99), "max": delay(1.0)},
        "late": meter.late,
        "latest_us": meter.latest,
    });
    tell(&result.to_string());
    Ok(())
}
