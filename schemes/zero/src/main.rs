//! The daemon of the schemes `null`, `zero` and `rand`: three names of one socket.
#![forbid(unsafe_code)]

#[cfg(target_os = "redox")]
fn main() {
    use devices::devices::{Device, Devices};
    use devices::entropy::Machine;
    use scheme_server::{Port, Server, notify_ready};

    let run = || {
        let machine = Machine::new();
        if !machine.has_generator() {
            eprintln!("zerod: the processor makes no random numbers; the clock has to do");
        }
        let mut scheme = Devices::new(machine);
        let port = Port::new()?;
        for device in Device::ALL {
            port.register(device.name(), device.root())?;
        }
        notify_ready();
        Server::new(port).run(&mut scheme)
    };
    if let Err(error) = run() {
        eprintln!("zerod: {error}");
        std::process::exit(1);
    }
}

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("zerod runs in Ochre only");
    std::process::exit(1);
}
