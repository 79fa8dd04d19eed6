//! The driver of frame buffers.
#![forbid(unsafe_code)]

#[cfg(target_os = "redox")]
fn main() {
    if let Err(error) = inside::main() {
        driver::say!("vgad: {error}");
        std::process::exit(1);
    }
}

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("vgad runs in Ochre only");
    std::process::exit(1);
}

#[cfg(target_os = "redox")]
mod inside {
    use driver::syscall::error::{EIO, ENODEV, Error, Result};
    use driver::{Grant, Granted, Mmio, Ordinary, SCHEME_ROOT, duplicate, serve};
    use graphics::{Adapter, Screen};
    use vga::bochs::{Bochs, Open};
    use vga::loader::{Loader, Shape};

    pub fn main() -> Result<()> {
        let grant = Grant::take();
        if let Some(framebuffer) = grant.get("framebuffer") {
            return serve_loader(&grant, framebuffer);
        }
        let (Some(memory), Some(registers)) = (grant.get("bar0"), grant.get("bar2")) else {
            return Err(Error::new(ENODEV));
        };
        show(&grant, Bochs::new(map(registers)?, memory.len, open(memory.fd))?)
    }

    fn show(grant: &Grant, adapter: impl Adapter) -> Result<()> {
        serve(grant, &mut Screen::new(adapter, SCHEME_ROOT))
    }

    fn map(granted: Granted) -> Result<Mmio> {
        Mmio::map(granted).map_err(|_| Error::new(EIO))
    }

    fn open(fd: usize) -> Open {
        Box::new(move || duplicate(fd))
    }

    fn serve_loader(grant: &Grant, framebuffer: Granted) -> Result<()> {
        let text = driver::read_text(grant.get("shape").ok_or(Error::new(ENODEV))?)?;
        let shape = Shape::parse(&text).ok_or(Error::new(ENODEV))?;
        let place = Granted { len: shape.len(), offset: shape.offset(), ..framebuffer };
        show(grant, Loader::new(shape, map(place)?, open(framebuffer.fd), &Ordinary)?)
    }
}
