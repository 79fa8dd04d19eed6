//! The driver of a virtio input device.
#![forbid(unsafe_code)]

#[cfg(target_os = "redox")]
fn main() {
    if let Err(error) = inside::main() {
        driver::say!("virtio-inputd: {error}");
        std::process::exit(1);
    }
}

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("virtio-inputd runs in Ochre only");
    std::process::exit(1);
}

#[cfg(target_os = "redox")]
mod inside {
    use driver::syscall::error::Result;
    use driver::{Dma, Driver, Grant, Input, Producer, Signal, Source, run, virtio};
    use virtio_input::device::Device;

    struct Keyboard {
        device: Device,
        producer: Producer,
    }

    impl Driver for Keyboard {
        fn happened(&mut self, source: Source) -> Result<()> {
            match source {
                Source::Interrupt(_) => {
                    let raws = self.device.take()?;
                    self.producer.say(&raws);
                }
                Source::Input(_) => {
                    if let Some(leds) = self.producer.leds() {
                        self.device.set_leds(leds)?;
                    }
                }
                Source::Time => {}
            }
            Ok(())
        }

        fn new_input(&mut self) -> Option<Input> {
            self.producer.new_input()
        }
    }

    pub fn main() -> Result<()> {
        let grant = Grant::take();
        let vector = (grant.signal == Signal::Msix).then_some(0);
        let device = Device::new(virtio::open(&grant)?, vector, &Dma::new(&grant)?)?;
        let name = format!("{} {}", grant.device(), device.name().replace('/', "-"));
        let producer = Producer::new(&name, 0);
        run(&grant, &mut Keyboard { device, producer })
    }
}
