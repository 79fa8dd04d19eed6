//! `smol`: timers in their order, channels, blocking work on its thread pool, files.

use std::time::{Duration, Instant};

use smol::channel;
use smol::io::AsyncReadExt;
use smol::{Timer, Unblock};

fn main() {
    smol::block_on(async {
        let (sender, receiver) = channel::bounded(16);
        let started = Instant::now();
        let tasks: Vec<_> = [1800_u64, 600, 1200]
            .into_iter()
            .map(|delay| {
                let sender = sender.clone();
                smol::spawn(async move {
                    Timer::after(Duration::from_millis(delay)).await;
                    sender.send(delay).await.unwrap();
                })
            })
            .collect();
        let mut order = Vec::new();
        for _ in 0..3 {
            order.push(receiver.recv().await.unwrap());
        }
        for task in tasks {
            task.await;
        }
        assert_eq!(order, [600, 1200, 1800]);
        assert!(started.elapsed() >= Duration::from_millis(1800));

        assert_eq!(smol::unblock(|| 6 * 7).await, 42);
        std::fs::write("/tmp/smol", vec![7; 100_000]).unwrap();
        let mut bytes = Vec::new();
        Unblock::new(std::fs::File::open("/tmp/smol").unwrap()).read_to_end(&mut bytes).await.unwrap();
        assert_eq!(bytes.len(), 100_000);
    });
    println!("smol: timers, channels, files");
}
