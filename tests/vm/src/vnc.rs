//! As much of a VNC client as can resize a machine's window (The RFB Protocol, RFC 6143; community extensions for the size).

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Encoding that says: this client can follow another size, and ask for one.
const EXTENDED_DESKTOP_SIZE: i32 = -308;
/// Messages of the client.
const SET_ENCODINGS: u8 = 2;
const SET_DESKTOP_SIZE: u8 = 251;

/// Asks for another size; the connection must stay until the machine has followed.
pub fn resize(socket: &Path, width: u16, height: u16) -> Result<UnixStream, String> {
    let mut stream = crate::qmp::connect(socket, Duration::from_secs(10))?;
    let asked = handshake(&mut stream).and_then(|()| {
        let mut message = vec![SET_ENCODINGS, 0, 0, 2];
        message.extend(0_i32.to_be_bytes());
        message.extend(EXTENDED_DESKTOP_SIZE.to_be_bytes());
        message.extend([SET_DESKTOP_SIZE, 0]);
        message.extend([width, height].iter().flat_map(|number| number.to_be_bytes()));
        // One screen, which is all of it: number, place, size, no flags.
        message.extend([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        message.extend([width, height].iter().flat_map(|number| number.to_be_bytes()));
        message.extend([0; 4]);
        stream.write_all(&message)
    });
    asked.map_err(|error| format!("VNC: {error}"))?;
    Ok(stream)
}

/// Version, no authentication, a shared session, and what the server says of its screen.
fn handshake(stream: &mut UnixStream) -> std::io::Result<()> {
    let mut version = [0; 12];
    stream.read_exact(&mut version)?;
    stream.write_all(b"RFB 003.008\n")?;
    let mut count = [0];
    stream.read_exact(&mut count)?;
    stream.read_exact(&mut vec![0; count[0].into()])?;
    stream.write_all(&[1])?;
    stream.read_exact(&mut [0; 4])?;
    stream.write_all(&[1])?;
    let mut init = [0; 24];
    stream.read_exact(&mut init)?;
    let name = u32::from_be_bytes([init[20], init[21], init[22], init[23]]);
    stream.read_exact(&mut vec![0; name.min(4096) as usize])
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_size_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("vnc");
        let listener = UnixListener::bind(&socket).unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"RFB 003.008\n\x01\x01\0\0\0\0").unwrap();
            let mut init = [0; 24];
            init[23] = 2;
            stream.write_all(&init).unwrap();
            stream.write_all(b"vm").unwrap();
            let mut said = [0; 14 + 12 + 24];
            stream.read_exact(&mut said).unwrap();
            said
        });
        resize(&socket, 1500, 900).unwrap();
        let said = server.join().unwrap();
        assert_eq!(said[14..18], [SET_ENCODINGS, 0, 0, 2]);
        assert_eq!(said[26..32], [SET_DESKTOP_SIZE, 0, 0x05, 0xdc, 0x03, 0x84]);
    }
}
