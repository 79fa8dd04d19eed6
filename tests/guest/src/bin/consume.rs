//! Consumes input in place of the display server, and says what it hears until the escape key goes up. When `inputd` dies it opens it
//! again, as a display server does.

#[cfg(target_os = "redox")]
fn main() {
    inside::main()
}

#[cfg(not(target_os = "redox"))]
fn main() {}

#[cfg(target_os = "redox")]
mod inside {
    use std::fs::File;
    use std::io::Read;
    use std::time::Duration;

    use input_contract::{Event, RECORD, key};

    fn open() -> File {
        loop {
            match File::open("/scheme/input/consumer") {
                Ok(file) => {
                    println!("consume: listening");
                    return file;
                }
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    pub fn main() {
        let mut input = open();
        driver::scheme_server::notify_ready();
        let mut bytes = [0; 64 * RECORD];
        loop {
            let count = match input.read(&mut bytes) {
                Ok(count) => count,
                Err(error) => {
                    println!("consume: {error}");
                    // The old one first: there is one consumer at a time.
                    drop(input);
                    input = open();
                    continue;
                }
            };
            let (records, _) = bytes[..count].as_chunks::<RECORD>();
            for event in records.iter().filter_map(Event::decode) {
                println!("consume: {event:?}");
                if matches!(event, Event::Key { code: key::ESCAPE, pressed: false, .. }) {
                    return;
                }
            }
        }
    }
}
