//! Names of hosts and services, as far as they are known without a network: numeric addresses, the lines of `/etc/hosts`,
//! `localhost`, and the services that programs ask for by name.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address that a text says.
pub fn numeric(text: &[u8]) -> Option<IpAddr> {
    core::str::from_utf8(text).ok()?.parse().ok()
}

/// What is found in the lines of `/etc/hosts` for a name, in order; `take` answers whether to go on.
pub fn in_hosts(hosts: &[u8], name: &[u8], mut take: impl FnMut(IpAddr) -> bool) {
    for line in hosts.split(|&byte| byte == b'\n') {
        let line = line.split(|&byte| byte == b'#').next().unwrap_or_default();
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let Some(address) = words.next().and_then(numeric) else { continue };
        if words.any(|word| word.eq_ignore_ascii_case(name)) && !take(address) {
            return;
        }
    }
}

/// The first name of an address in the lines of `/etc/hosts`.
pub fn name_in_hosts(hosts: &[u8], address: IpAddr) -> Option<&[u8]> {
    hosts.split(|&byte| byte == b'\n').find_map(|line| {
        let line = line.split(|&byte| byte == b'#').next().unwrap_or_default();
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        if words.next().and_then(numeric)? == address { words.next() } else { None }
    })
}

/// Whether a name means this machine (RFC 6761, section 6.3), whatever a file says.
pub fn is_localhost(name: &[u8]) -> bool {
    let name = name.strip_suffix(b".").unwrap_or(name);
    let end = |len: usize| name.len().checked_sub(len).and_then(|at| name.get(at..)).unwrap_or_default();
    name.eq_ignore_ascii_case(b"localhost") || end(10).eq_ignore_ascii_case(b".localhost")
}

/// Addresses of this machine itself.
pub const LOOPBACK: [IpAddr; 2] = [IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::LOCALHOST)];

/// A service with a name (IANA's registry).
pub struct Service {
    /// Its name.
    pub name: &'static core::ffi::CStr,
    /// Its port.
    pub port: u16,
    /// Whether it is spoken over TCP.
    pub tcp: bool,
    /// Whether it is spoken over UDP.
    pub udp: bool,
}

const fn service(name: &'static core::ffi::CStr, port: u16, tcp: bool, udp: bool) -> Service {
    Service { name, port, tcp, udp }
}

/// The services that are known.
pub static SERVICES: [Service; 32] = [
    service(c"echo", 7, true, true),
    service(c"discard", 9, true, true),
    service(c"daytime", 13, true, true),
    service(c"ftp-data", 20, true, false),
    service(c"ftp", 21, true, false),
    service(c"ssh", 22, true, false),
    service(c"telnet", 23, true, false),
    service(c"smtp", 25, true, false),
    service(c"time", 37, true, true),
    service(c"whois", 43, true, false),
    service(c"domain", 53, true, true),
    service(c"bootps", 67, false, true),
    service(c"bootpc", 68, false, true),
    service(c"tftp", 69, false, true),
    service(c"gopher", 70, true, false),
    service(c"finger", 79, true, false),
    service(c"http", 80, true, false),
    service(c"kerberos", 88, true, true),
    service(c"pop3", 110, true, false),
    service(c"sunrpc", 111, true, true),
    service(c"nntp", 119, true, false),
    service(c"ntp", 123, false, true),
    service(c"imap2", 143, true, false),
    service(c"snmp", 161, true, true),
    service(c"irc", 194, true, false),
    service(c"ldap", 389, true, true),
    service(c"https", 443, true, true),
    service(c"submission", 587, true, false),
    service(c"ldaps", 636, true, false),
    service(c"imaps", 993, true, false),
    service(c"pop3s", 995, true, false),
    service(c"mdns", 5353, false, true),
];

/// Finds a service by name, over one of these protocols.
pub fn service_by_name(name: &[u8], tcp: bool, udp: bool) -> Option<&'static Service> {
    SERVICES.iter().find(|known| known.name.to_bytes() == name && (tcp && known.tcp || udp && known.udp))
}

/// Finds a service by port, over one of these protocols.
pub fn service_by_port(port: u16, tcp: bool, udp: bool) -> Option<&'static Service> {
    SERVICES.iter().find(|known| known.port == port && (tcp && known.tcp || udp && known.udp))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTS: &[u8] =
        b"# comment\n127.0.0.1\tlocalhost here # more\n::1 localhost\nnonsense line\n10.0.0.7 Printer\n";

    fn found(name: &str) -> Vec<String> {
        let mut list = Vec::new();
        in_hosts(HOSTS, name.as_bytes(), |address| {
            list.push(address.to_string());
            true
        });
        list
    }

    #[test]
    fn hosts_are_found_in_lines() {
        assert_eq!(found("localhost"), ["127.0.0.1", "::1"]);
        assert_eq!(found("HERE"), ["127.0.0.1"]);
        assert_eq!(found("printer"), ["10.0.0.7"]);
        assert!(found("more").is_empty() && found("line").is_empty() && found("").is_empty());
        assert_eq!(name_in_hosts(HOSTS, "10.0.0.7".parse().unwrap()), Some(&b"Printer"[..]));
        assert_eq!(name_in_hosts(HOSTS, "10.0.0.8".parse().unwrap()), None);
    }

    #[test]
    fn numbers_are_addresses() {
        assert_eq!(numeric(b"192.0.2.1").map(|address| address.is_ipv4()), Some(true));
        assert_eq!(numeric(b"2001:db8::1").map(|address| address.is_ipv6()), Some(true));
        for text in [&b""[..], b"1.2.3", b"1.2.3.256", b"::1%x", b"\xff", b"localhost"] {
            assert!(numeric(text).is_none());
        }
    }

    #[test]
    fn this_machine_has_a_name() {
        assert!(is_localhost(b"localhost") && is_localhost(b"LocalHost.") && is_localhost(b"a.localhost"));
        assert!(!is_localhost(b"localhosts") && !is_localhost(b"xlocalhost") && !is_localhost(b""));
    }

    #[test]
    fn services_have_ports() {
        assert_eq!(service_by_name(b"https", true, false).map(|known| known.port), Some(443));
        assert!(service_by_name(b"ssh", false, true).is_none() && service_by_name(b"", true, true).is_none());
        assert_eq!(service_by_port(53, false, true).map(|known| known.name), Some(c"domain"));
        assert!(service_by_port(4, true, true).is_none());
    }
}
