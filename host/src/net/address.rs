//! Which addresses are the public internet's. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Tells whether an address may be reached without a grant that names it: not this machine, not its
/// network, not a cloud's metadata service, no group of receivers.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = matches!(
        (a, b, c),
        // "This" network; 0.0.0.0 reaches the machine itself on Linux.
        (0, ..)
        // Private use.
        | (10, ..)
        | (172, 16..=31, _)
        | (192, 168, _)
        // Between carriers and customers; some clouds keep metadata here.
        | (100, 64..=127, _)
        // Loopback.
        | (127, ..)
        // Link-local, with the metadata service of most clouds.
        | (169, 254, _)
        // Protocol assignments, documentation, 6to4 relays, benchmarks.
        | (192, 0, 0 | 2)
        | (192, 88, 99)
        | (198, 18..=19, _)
        | (198, 51, 100)
        | (203, 0, 113)
        // Multicast, reserved, broadcast.
        | (224..=255, ..)
    );
    // Azure's metadata and health probes have an address that looks public.
    !is_special && address != Ipv4Addr::new(168, 63, 129, 16)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = embedded_v4(address) {
        return is_public_v4(inner);
    }
    let [a, b, c, ..] = address.segments();
    // Only 2000::/3 is given out to the public; all else is loopback, local, multicast or reserved.
    if a & 0xe000 != 0x2000 {
        return false;
    }
    let is_special = match (a, b) {
        // Protocol assignments, documentation.
        (0x2001, ..0x0200 | 0x0db8) | (0x3fff, ..0x1000) => true,
        // AS112, which answers for private names.
        (0x2620, 0x004f) => c == 0x8000,
        _ => false,
    };
    !is_special
}

/// The IPv4 address that an IPv6 one stands for: mapped, compatible, translated (NAT64) or 6to4.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [s0, s1, s2, s3, s4, s5, high, low] = address.segments();
    let v4 = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match [s0, s1, s2, s3, s4, s5] {
        // Compatible addresses include :: and ::1, which become 0.0.0.0 and 0.0.0.1: both refused.
        [0, 0, 0, 0, 0, 0 | 0xffff] | [0, 0, 0, 0, 0xffff, 0] => Some(v4(high, low)),
        [0x0064, 0xff9b, 0, 0, 0, 0] => Some(v4(high, low)),
        // A network's own NAT64 prefix is inside that network.
        [0x0064, 0xff9b, 1, ..] => Some(Ipv4Addr::UNSPECIFIED),
        [0x2002, ..] => Some(v4(s1, s2)),
        // Teredo carries its client's address inverted in the last 32 bits.
        [0x2001, 0, ..] => Some(v4(!high, !low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, public: bool) {
        let parsed = address.parse().expect("an address");
        assert_eq!(is_public(parsed), public, "{address}");
    }

    #[test]
    fn public_addresses_are_public() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "172.15.0.1",
            "172.32.0.1",
            "100.63.0.1",
            "2606:4700:4700::1111",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
        ] {
            check(address, true);
        }
    }

    #[test]
    fn everything_near_is_refused() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "168.63.129.16",
            "172.16.0.1",
            "192.168.1.1",
            "192.0.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::8.8.8.8",
            "2002:7f00:1::1",
            "2001:0:0:0:0:0:80ff:fffe",
        ] {
            check(address, false);
        }
    }
}
