//! Who a stream may be exchanged with: the signalled peer, or, once, the source that stands in for it behind a NAT.

use std::net::{IpAddr, SocketAddr};

/// Whose first packet a stream without keys takes for its peer's, while nothing came from the signalled address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// That of a host that the peer named, or that its signalling comes from.
    #[default]
    Signalled,
    /// Anybody's.
    Anyone,
}

/// The peer of one stream.
#[derive(Clone, Debug, Default)]
pub struct Latch {
    trust: Trust,
    signalled: Option<SocketAddr>,
    /// Where its signalling comes from.
    signalling: Option<SocketAddr>,
    source: Option<SocketAddr>,
    /// The next packet of a host that is trusted may change the source.
    open: bool,
}

/// What a packet's source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The peer.
    Peer,
    /// The peer, by this packet: from now on only this source is.
    Latched,
    /// Somebody else: drop it.
    Stranger,
}

impl Latch {
    pub fn new(trust: Trust) -> Latch {
        Latch { trust, ..Latch::default() }
    }

    /// Sets the signalled address. When it changed, the next valid packet may latch again.
    pub fn signal(&mut self, address: SocketAddr) {
        if self.signalled != Some(address) {
            self.signalled = Some(address);
            (self.source, self.open) = (None, true);
        }
    }

    /// Sets where the peer's signalling comes from. When it changed (a NAT has bound anew, or the peer is in another network), the
    /// next valid packet may latch again; until then what is sent goes where it went.
    pub fn signals_from(&mut self, address: SocketAddr) {
        self.open |= self.signalling.replace(address) != Some(address);
    }

    /// Whether a packet from there may latch.
    fn trusts(&self, from: SocketAddr) -> bool {
        let known = [self.signalled, self.signalling];
        self.trust == Trust::Anyone
            || known.into_iter().flatten().any(|known| is_one_host(known.ip(), from.ip()))
    }

    /// Judges the source of a valid packet.
    ///
    /// The first source of a trusted host becomes the peer. The signalled address itself is believed at any time: a stranger that was
    /// quicker than the peer loses the stream to it, and nobody else can take it over.
    pub fn receive(&mut self, from: SocketAddr) -> Verdict {
        let trusted = !self.open || self.trusts(from);
        if self.source == Some(from) && trusted {
            self.open = false;
            return Verdict::Peer;
        }
        let latches = self.signalled == Some(from) || (self.open && trusted);
        if self.signalled.is_none() || !latches {
            return Verdict::Stranger;
        }
        (self.source, self.open) = (Some(from), false);
        Verdict::Latched
    }

    /// Follows a peer that proved itself (its packet was made with the key that only it has); whether it has moved.
    pub fn follow(&mut self, from: SocketAddr) -> bool {
        self.source.replace(from) != Some(from)
    }

    /// Where to send: to the source once it is known, else to the signalled address (unless that is 0.0.0.0 or ::).
    pub fn target(&self) -> Option<SocketAddr> {
        self.source.or(self.signalled.filter(|address| !address.ip().is_unspecified()))
    }

    /// The source that was latched to.
    pub fn source(&self) -> Option<SocketAddr> {
        self.source
    }
}

/// Whether two addresses are of one host, as far as its peers can tell: of IPv6 a host has several in its network of 64 bits (RFC
/// 8981), and what signals from one of them may speak from another.
fn is_one_host(one: IpAddr, other: IpAddr) -> bool {
    match (one, other) {
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            one.octets()[..8] == other.octets()[..8] && !one.is_unspecified()
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> SocketAddr {
        at(last, 4000)
    }

    fn at(last: u8, port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, last], port))
    }

    #[test]
    fn who_proved_himself_is_followed_wherever_he_goes() {
        let mut latch = Latch::default();
        latch.signal(address(1));
        assert!(latch.follow(address(1)));
        assert!(!latch.follow(address(1)));
        assert!(latch.follow(address(7)));
        assert_eq!(latch.target(), Some(address(7)));
    }

    #[test]
    fn the_first_source_of_the_signalled_host_is_the_peer_and_nobody_after_it() {
        let mut latch = Latch::default();
        assert_eq!(latch.receive(address(9)), Verdict::Stranger);
        latch.signal(address(1));
        assert_eq!(latch.target(), Some(address(1)));
        assert_eq!(latch.receive(at(1, 5000)), Verdict::Latched);
        assert_eq!(latch.target(), Some(at(1, 5000)));
        assert_eq!(latch.receive(at(1, 5000)), Verdict::Peer);
        assert_eq!(latch.receive(at(1, 6000)), Verdict::Stranger);
    }

    #[test]
    fn a_stranger_is_no_peer_however_early_he_comes() {
        let mut latch = Latch::default();
        latch.signal(SocketAddr::from(([192, 168, 1, 5], 4000)));
        latch.signals_from(at(2, 5060));
        for _ in 0..1_000 {
            assert_eq!(latch.receive(address(6)), Verdict::Stranger);
        }
        // Behind a NAT, which signals from 10.0.0.2.
        assert_eq!(latch.receive(at(2, 61_000)), Verdict::Latched);
        assert_eq!(latch.receive(at(2, 61_002)), Verdict::Stranger);
        assert_eq!(latch.target(), Some(at(2, 61_000)));
    }

    #[test]
    fn where_anyone_may_be_the_peer_the_first_is_and_loses_the_stream_to_the_signalled_one_for_good() {
        let mut latch = Latch::new(Trust::Anyone);
        latch.signal(address(1));
        assert_eq!(latch.receive(address(6)), Verdict::Latched);
        assert_eq!(latch.receive(address(1)), Verdict::Latched);
        assert_eq!(latch.receive(address(6)), Verdict::Stranger);
        assert_eq!(latch.target(), Some(address(1)));
    }

    #[test]
    fn only_a_changed_address_opens_the_latch_again() {
        let mut latch = Latch::default();
        latch.signal(address(1));
        latch.receive(at(1, 5000));
        latch.signal(address(1));
        assert_eq!(latch.receive(at(1, 6000)), Verdict::Stranger);
        latch.signal(address(4));
        assert_eq!(latch.target(), Some(address(4)));
        assert_eq!(latch.receive(at(1, 6000)), Verdict::Stranger);
        assert_eq!(latch.receive(at(4, 6000)), Verdict::Latched);
    }

    #[test]
    fn a_nat_that_has_bound_anew_is_followed_once_its_signalling_shows_it() {
        let mut latch = Latch::default();
        latch.signal(SocketAddr::from(([192, 168, 1, 5], 4000)));
        latch.signals_from(at(2, 5060));
        latch.receive(at(2, 61_000));
        assert_eq!(latch.receive(at(2, 62_000)), Verdict::Stranger);
        latch.signals_from(at(2, 5060));
        assert_eq!(latch.receive(at(2, 62_000)), Verdict::Stranger, "the same again opens nothing");
        latch.signals_from(at(2, 5999));
        assert_eq!(latch.target(), Some(at(2, 61_000)), "until it is heard, it is where it was");
        assert_eq!(latch.receive(address(6)), Verdict::Stranger);
        assert_eq!(latch.receive(at(2, 62_000)), Verdict::Latched);
        assert_eq!(latch.receive(at(2, 61_000)), Verdict::Stranger);
    }

    #[test]
    fn a_peer_in_another_network_is_not_where_it_was() {
        let mut latch = Latch::default();
        latch.signal(SocketAddr::from(([192, 168, 1, 5], 4000)));
        latch.signals_from(at(2, 5060));
        latch.receive(at(2, 61_000));
        latch.signals_from(at(7, 5060));
        assert_eq!(latch.receive(at(2, 61_000)), Verdict::Stranger);
        assert_eq!(latch.receive(at(7, 40_000)), Verdict::Latched);
        assert_eq!(latch.receive(at(7, 40_000)), Verdict::Peer);
    }

    #[test]
    fn a_host_has_several_addresses_of_ipv6() {
        let six = |text: &str| text.parse::<SocketAddr>().unwrap();
        let mut latch = Latch::default();
        latch.signal(six("[::]:9"));
        latch.signals_from(six("[2001:db8:0:1::5]:5060"));
        assert_eq!(latch.receive(six("[2001:db8:0:2::5]:4000")), Verdict::Stranger);
        assert_eq!(latch.receive(six("[::1]:4000")), Verdict::Stranger);
        assert_eq!(latch.receive(six("[2001:db8:0:1:ab::7]:4000")), Verdict::Latched);
    }

    #[test]
    fn nothing_is_sent_to_no_address() {
        let mut latch = Latch::default();
        latch.signal(SocketAddr::from(([0, 0, 0, 0], 4000)));
        assert_eq!(latch.target(), None);
    }
}
