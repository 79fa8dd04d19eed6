//! `rayon` over as many threads as are asked for (`std` cannot tell how many processors there are on this target): sums, sorting, a tree of joins, and a panic that comes back to the caller.

use std::collections::BTreeSet;
use std::panic;
use std::sync::Mutex;
use std::thread;

use rayon::prelude::*;

fn fibonacci(n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    let (a, b) = rayon::join(|| fibonacci(n - 1), || fibonacci(n - 2));
    a + b
}

fn main() {
    let threads = std::env::args().nth(1).and_then(|text| text.parse().ok()).expect("many THREADS");
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().expect("the threads start");
    let ran_on = Mutex::new(BTreeSet::new());
    let sum: u64 = (0..4_000_000_u64)
        .into_par_iter()
        .map(|n| {
            if n % 50_000 == 0 {
                ran_on.lock().unwrap().insert(format!("{:?}", thread::current().id()));
            }
            n * n % 7
        })
        .sum();
    let expected: u64 = (0..4_000_000_u64).map(|n| n * n % 7).sum();
    assert_eq!(sum, expected);

    let mut numbers: Vec<u64> = (0..300_000_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20).collect();
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    numbers.par_sort_unstable();
    assert_eq!(numbers, sorted);

    assert_eq!(fibonacci(22), 17_711);

    panic::set_hook(Box::new(|_| {}));
    let caught = panic::catch_unwind(|| (0..1000).into_par_iter().for_each(|n| assert_ne!(n, 777)));
    assert!(caught.is_err());
    let workers = ran_on.lock().unwrap().len();
    println!("rayon: {threads} threads, {workers} took part");
}
