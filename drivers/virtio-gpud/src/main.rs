//! The driver of the virtio graphics device.
#![forbid(unsafe_code)]

#[cfg(target_os = "redox")]
fn main() {
    if let Err(error) = inside::main() {
        driver::say!("virtio-gpud: {error}");
        std::process::exit(1);
    }
}

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("virtio-gpud runs in Ochre only");
    std::process::exit(1);
}

#[cfg(target_os = "redox")]
mod inside {
    use std::thread::sleep;
    use std::time::Duration;

    use driver::syscall::error::Result;
    use driver::{Dma, Grant, SCHEME_ROOT, Signal, serve, virtio};
    use graphics::Screen;
    use virtio_gpu::gpu::Gpu;

    pub fn main() -> Result<()> {
        let grant = Grant::take();
        let vector = (grant.signal == Signal::Msix).then_some(0);
        let pause = || sleep(Duration::from_millis(1));
        let gpu = Gpu::new(virtio::open(&grant)?, vector, Dma::new(&grant)?, pause)?;
        serve(&grant, &mut Screen::new(gpu, SCHEME_ROOT))
    }
}
