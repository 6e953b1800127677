//! The least that a relay can cost: what `bench/engine.py` compares the engine with.
//!
//!     floor IP FIRST-PORT SWEEP        (microseconds between two sweeps)
//!
//! Standard input has the phones' socket addresses, one a line. Socket i, on port FIRST-PORT + i, is connected to phone i and
//! sends on what comes from it to the neighbour: 0 and 1 talk, 2 and 3, and so on. No RTP is looked at. Standard output has
//! `ready`.

use media_engine::sys::{self, Batch, Epoll};
use std::io::{self, BufRead};
use std::net::{IpAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [ip, first, sweep] = &arguments[..] else {
        return Err("usage: floor IP FIRST-PORT SWEEP, phones' addresses on standard input".into());
    };
    let (ip, first): (IpAddr, u16) = (ip.parse()?, first.parse()?);
    let sweep = Duration::from_micros(sweep.parse()?);
    sys::raise_file_limit();
    let mut epoll = Epoll::new(1024)?;
    let mut sockets = Vec::new();
    for (number, phone) in io::stdin().lock().lines().enumerate() {
        let socket = UdpSocket::bind((ip, first + number as u16))?;
        socket.set_nonblocking(true)?;
        socket.connect(phone?)?;
        epoll.add(socket.as_fd(), number as u64)?;
        sockets.push(socket);
    }
    println!("ready");
    let mut batch = Batch::default();
    loop {
        sys::pause(sweep);
        for index in 0..epoll.wait(Duration::from_secs(1))? {
            let number = epoll.token(index) as usize;
            if batch.receive_one(&sockets[number]) == 1
                && let (Some((_, datagram)), Some(neighbour)) = (batch.datagram(0), sockets.get(number ^ 1))
            {
                let _ = neighbour.send(datagram); // a phone that is gone is no reason to end
            }
        }
    }
}
