//! `tokio`: timers in their order, channels under load, many tasks on several threads, blocking work, a task that panics.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

async fn timers() {
    let (sender, mut receiver) = mpsc::channel(16);
    let started = Instant::now();
    for delay in [1800_u64, 600, 1200] {
        let sender = sender.clone();
        tokio::spawn(async move {
            sleep(Duration::from_millis(delay)).await;
            sender.send(delay).await.unwrap();
        });
    }
    drop(sender);
    let mut order = Vec::new();
    while let Some(delay) = receiver.recv().await {
        order.push(delay);
    }
    assert_eq!(order, [600, 1200, 1800]);
    assert!(started.elapsed() >= Duration::from_millis(1800));
    assert!(timeout(Duration::from_millis(20), std::future::pending::<()>()).await.is_err());
}

async fn channels() -> u64 {
    let (sender, mut receiver) = mpsc::channel(64);
    for task in 0..100_u64 {
        let sender = sender.clone();
        tokio::spawn(async move {
            for n in 0..100 {
                sender.send(task * 100 + n).await.unwrap();
            }
        });
    }
    drop(sender);
    let mut sum = 0;
    while let Some(n) = receiver.recv().await {
        sum += n;
    }
    sum
}

async fn pipes() {
    let (mut near, mut far) = tokio::io::duplex(64);
    let writer = tokio::spawn(async move {
        for n in 0..1000_u32 {
            near.write_all(&n.to_le_bytes()).await.unwrap();
        }
    });
    let mut bytes = Vec::new();
    far.read_to_end(&mut bytes).await.unwrap();
    writer.await.unwrap();
    assert_eq!(bytes.len(), 4000);
}

#[tokio::main(worker_threads = 4)]
async fn main() {
    timers().await;
    assert_eq!(channels().await, (0..10_000).sum::<u64>());
    pipes().await;
    let (sender, receiver) = oneshot::channel();
    tokio::task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_millis(10));
        sender.send(42).unwrap();
    });
    assert_eq!(receiver.await, Ok(42));
    std::panic::set_hook(Box::new(|_| {}));
    assert!(tokio::spawn(async { panic!("on purpose") }).await.unwrap_err().is_panic());
    println!("tokio: timers, channels, pipes, blocking work");
}
