//! What `getaddrinfo` is asked, and the answers in order.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libc::{
    AF_INET, AF_INET6, AF_UNSPEC, AI_ADDRCONFIG, AI_ALL, AI_CANONNAME, AI_NUMERICHOST, AI_NUMERICSERV, AI_PASSIVE,
    AI_V4MAPPED, EAI_ADDRFAMILY, EAI_BADFLAGS, EAI_FAIL, EAI_FAMILY, EAI_NONAME, EAI_SERVICE, EAI_SOCKTYPE,
    IPPROTO_TCP, IPPROTO_UDP, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, addrinfo, c_int,
};
use syscall::flag::O_RDONLY;

use crate::rt::path::Canonical;
use crate::rt::{names, resolve, sys};

/// As much as is read of `/etc/hosts`.
pub const HOSTS: usize = 8192;
const FLAGS: c_int = AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_V4MAPPED | AI_ALL | AI_ADDRCONFIG | AI_NUMERICSERV;

/// The lines of `/etc/hosts`; none when it is not there.
pub fn hosts(memory: &mut [u8; HOSTS]) -> &[u8] {
    let read = Canonical::new(b"/", b"/etc/hosts")
        .and_then(|path| resolve::with_open(path, O_RDONLY, |fd| sys::read(fd, &mut memory[..])));
    memory.get(..read.unwrap_or(0)).unwrap_or_default()
}

/// One answer.
pub struct Endpoint {
    /// Address.
    pub address: IpAddr,
    /// Port.
    pub port: u16,
    /// Kind of socket.
    pub kind: c_int,
    /// Protocol.
    pub protocol: c_int,
}

/// What is asked.
pub struct Question<'a> {
    node: Option<&'a [u8]>,
    service: Option<&'a [u8]>,
    family: c_int,
    kind: c_int,
    protocol: c_int,
    /// Flags (`AI_*`).
    pub flags: c_int,
}

/// Kind and protocol of a socket, and a port.
type Port = (c_int, c_int, u16);

impl<'a> Question<'a> {
    /// Checks what is asked.
    pub fn new(node: Option<&'a [u8]>, service: Option<&'a [u8]>, hints: Option<&addrinfo>) -> Result<Self, c_int> {
        let (family, kind, protocol, flags) = hints.map_or((AF_UNSPEC, 0, 0, 0), |hints| {
            (hints.ai_family, hints.ai_socktype, hints.ai_protocol, hints.ai_flags)
        });
        if node.is_none() && service.is_none() {
            return Err(EAI_NONAME);
        }
        if flags & !FLAGS != 0 || (flags & AI_CANONNAME != 0 && node.is_none()) {
            return Err(EAI_BADFLAGS);
        }
        if !matches!(family, AF_UNSPEC | AF_INET | AF_INET6) {
            return Err(EAI_FAMILY);
        }
        if !matches!(kind, 0 | SOCK_STREAM | SOCK_DGRAM | SOCK_RAW) {
            return Err(EAI_SOCKTYPE);
        }
        Ok(Self { node, service, family, kind, protocol, flags })
    }

    /// Whether addresses of this family are wanted.
    fn wants(&self, address: &IpAddr) -> bool {
        match self.family {
            AF_INET => address.is_ipv4(),
            AF_INET6 => address.is_ipv6(),
            _ => true,
        }
    }

    /// Gives the answers, in order.
    pub fn answer(&self, mut give: impl FnMut(&Endpoint) -> Result<(), c_int>) -> Result<(), c_int> {
        let ports = self.ports()?;
        let mut result = Ok(());
        self.addresses(|address| {
            for &(kind, protocol, port) in ports.iter().flatten() {
                if result.is_ok() {
                    result = give(&Endpoint { address, port, kind, protocol });
                }
            }
            result.is_ok()
        })?;
        result
    }

    /// Kinds of sockets that fit, with their protocols and the service's port.
    fn ports(&self) -> Result<[Option<Port>; 3], c_int> {
        let fits = |kind, protocol| {
            (self.kind == 0 || self.kind == kind) && (self.protocol == 0 || protocol == 0 || self.protocol == protocol)
        };
        let number = match self.service {
            None => Some(0),
            Some(text) => core::str::from_utf8(text).ok().and_then(|text| text.parse::<u16>().ok()),
        };
        if number.is_none() && self.flags & AI_NUMERICSERV != 0 {
            return Err(EAI_NONAME);
        }
        let port = |tcp, udp| {
            number.or_else(|| {
                self.service.and_then(|name| names::service_by_name(name, tcp, udp)).map(|known| known.port)
            })
        };
        let stream = port(true, false).filter(|_| fits(SOCK_STREAM, IPPROTO_TCP));
        let datagram = port(false, true).filter(|_| fits(SOCK_DGRAM, IPPROTO_UDP));
        let raw = number.filter(|_| fits(SOCK_RAW, 0));
        let ports = [
            stream.map(|port| (SOCK_STREAM, IPPROTO_TCP, port)),
            datagram.map(|port| (SOCK_DGRAM, IPPROTO_UDP, port)),
            raw.map(|port| (SOCK_RAW, self.protocol, port)),
        ];
        if ports.iter().all(Option::is_none) { Err(EAI_SERVICE) } else { Ok(ports) }
    }

    /// Gives the host's addresses, in order; `take` answers whether to go on.
    fn addresses(&self, mut take: impl FnMut(IpAddr) -> bool) -> Result<(), c_int> {
        const ANY: [IpAddr; 2] = [IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::UNSPECIFIED)];
        let mut all = |list: [IpAddr; 2]| {
            let _ = list.into_iter().filter(|address| self.wants(address)).all(&mut take);
        };
        let Some(node) = self.node else {
            all(if self.flags & AI_PASSIVE != 0 { ANY } else { names::LOOPBACK });
            return Ok(());
        };
        if let Some(address) = names::numeric(node) {
            return self.numeric(address, take);
        }
        if self.flags & AI_NUMERICHOST != 0 || node.is_empty() {
            return Err(EAI_NONAME);
        }
        let (mut known, mut found) = (false, false);
        let mut memory = [0; HOSTS];
        names::in_hosts(hosts(&mut memory), node, |address| {
            known = true;
            let wanted = self.wants(&address);
            found |= wanted;
            !wanted || take(address)
        });
        match (found, known) {
            (true, _) => Ok(()),
            _ if names::is_localhost(node) => {
                let _ = names::LOOPBACK.into_iter().filter(|address| self.wants(address)).all(take);
                Ok(())
            }
            (false, true) => Err(EAI_ADDRFAMILY),
            (false, false) => Err(EAI_FAIL),
        }
    }

    /// An address that was given as such.
    fn numeric(&self, address: IpAddr, mut take: impl FnMut(IpAddr) -> bool) -> Result<(), c_int> {
        match address {
            address if self.wants(&address) => take(address),
            IpAddr::V4(v4) if self.flags & AI_V4MAPPED != 0 => take(IpAddr::V6(v4.to_ipv6_mapped())),
            _ => return Err(EAI_ADDRFAMILY),
        };
        Ok(())
    }
}
