//! The command line.

use crate::log::Level;
use media_proto::latch::Trust;
use std::net::IpAddr;
use std::os::fd::RawFd;
use std::path::PathBuf;

pub const USAGE: &str = "\
usage: tongdai-media --socket PATH --ip ADDRESS --ports FIRST-LAST [options]

  --socket PATH          Unix socket on which control commands the engine (made with mode 0600)
  --ip ADDRESS           local address of the RTP ports
  --ports FIRST-LAST     their range, e.g. 20000-29999 (even: RTP, odd: RTCP)
  --workers N            threads that move packets (as many as there are cores)
  --orphan-seconds N     end sessions when no controller was connected for this long, and the process
                         when no supervisor was (60)
  --quiet-seconds N      tell of a peer that sent nothing, or only silence, for this long (5)
  --latch WHO            from whom a stream without keys may come before its signalled address has spoken: `signalled`, a
                         host that the peer named or that it signals from; or `anyone` (signalled)
  --lifeline-fd N        inherited listening socket of the supervisor: end when it was not connected for
                         --orphan-seconds
  --log-level LEVEL      debug, info, warning or error (info)
  --version              print the version

       tongdai-media decode SECONDS < FILE    an upload as bare samples (see decode/mod.rs)
";

const MAX_WORKERS: u64 = 64;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Args {
    pub socket: PathBuf,
    pub ip: IpAddr,
    pub first_port: u16,
    pub last_port: u16,
    pub workers: usize,
    pub orphan_seconds: u64,
    pub quiet_seconds: u64,
    pub latch: Trust,
    pub lifeline_fd: Option<RawFd>,
    pub log_level: Level,
}

/// Reads the arguments (without the program's name); an error says what to do.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Args, String> {
    let (mut socket, mut ip, mut ports) = (None, None, None);
    let (mut orphan_seconds, mut quiet_seconds, mut lifeline_fd, mut log_level) = (60, 5, None, Level::Info);
    let mut latch = Trust::default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut workers = cores.min(MAX_WORKERS as usize);
    let mut arguments = arguments.into_iter();
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{name} needs a number, not '{value}'"));
        match name.as_str() {
            "--socket" => socket = Some(PathBuf::from(value)),
            "--ip" => ip = Some(value.parse().map_err(|_| format!("--ip needs an address, not '{value}'"))?),
            "--ports" => ports = Some(port_range(&value)?),
            "--workers" => match number()? {
                count @ 1..=MAX_WORKERS => workers = count as usize,
                count => return Err(format!("--workers is 1 to {MAX_WORKERS}, not {count}")),
            },
            "--orphan-seconds" => orphan_seconds = number()?,
            "--quiet-seconds" => quiet_seconds = number()?,
            "--latch" => {
                latch = match value.as_str() {
                    "signalled" => Trust::Signalled,
                    "anyone" => Trust::Anyone,
                    _ => return Err(format!("--latch is signalled or anyone, not '{value}'")),
                };
            }
            "--lifeline-fd" => lifeline_fd = Some(number()? as RawFd),
            "--log-level" => {
                log_level = Level::from_name(&value).ok_or_else(|| {
                    format!("--log-level is one of {}, not '{value}'", Level::NAMES.join(", "))
                })?;
            }
            _ => return Err(format!("unknown option '{name}'")),
        }
    }
    let (first_port, last_port) = ports.ok_or("--ports is missing")?;
    Ok(Args {
        socket: socket.ok_or("--socket is missing")?,
        ip: ip.ok_or("--ip is missing")?,
        first_port,
        last_port,
        workers,
        orphan_seconds,
        quiet_seconds,
        latch,
        lifeline_fd,
        log_level,
    })
}

fn port_range(text: &str) -> Result<(u16, u16), String> {
    let range = text.split_once('-').and_then(|(first, last)| {
        let (first, last): (u16, u16) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        let first = first.checked_add(first % 2)?;
        (first >= 1024 && last > first).then_some((first, last))
    });
    range.ok_or_else(|| {
        format!("--ports needs a range that holds a pair of ports above 1023, like 20000-29999, not '{text}'")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Args, String> {
        parse(line.split(' ').map(String::from))
    }

    #[test]
    fn a_whole_line_is_read() {
        let args = parsed(
            "--socket /run/m.sock --ip 127.0.0.1 --ports 20001-20009 --orphan-seconds 5 --quiet-seconds 7 \
             --workers 3 --latch anyone --lifeline-fd 3 --log-level debug",
        )
        .unwrap();
        assert_eq!((args.first_port, args.last_port), (20_002, 20_009));
        assert_eq!((args.workers, args.latch), (3, Trust::Anyone));
        assert_eq!((args.orphan_seconds, args.quiet_seconds, args.lifeline_fd), (5, 7, Some(3)));
        assert_eq!(args.log_level, Level::Debug);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, said) in [
            ("--ip 127.0.0.1 --ports 20000-20009", "--socket is missing"),
            ("--socket s --ip here --ports 20000-20009", "--ip needs an address, not 'here'"),
            ("--socket s --ip ::1 --ports 20000", "--ports needs a range"),
            ("--socket s --ip ::1 --ports 20001-20002", "--ports needs a range"),
            ("--socket s --frobnicate 1", "unknown option '--frobnicate'"),
            ("--workers 0", "--workers is 1 to 64, not 0"),
            ("--quiet-seconds soon", "--quiet-seconds needs a number, not 'soon'"),
            ("--latch nobody", "--latch is signalled or anyone, not 'nobody'"),
            ("--socket", "--socket needs a value"),
        ] {
            let error = parsed(line).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
