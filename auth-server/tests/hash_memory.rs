//! Memory of password hashes. In a process of its own, because other tests use memory meanwhile.

use auth_server::domain::hash_password;
use test_support::platform::resident_kib;

#[test]
fn memory_returns_to_the_system_after_each_hash() {
    let before = resident_kib();
    // The threads exist at the same time, as those of a server do, and each has its own arena.
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Arc::new(std::sync::Mutex::new(held));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (done, finished) = std::sync::mpsc::channel();
            let held = std::sync::Arc::clone(&held);
            let thread = std::thread::spawn(move || {
                for _ in 0..2 {
                    hash_password("a secret", [7; 16]).unwrap();
                }
                done.send(()).unwrap();
                let _ = held.lock().map(|held| held.recv());
            });
            finished.recv().unwrap();
            thread
        })
        .collect();
    let kept = resident_kib().saturating_sub(before);
    drop(hold);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(kept < 10 * 1_024, "{kept} KiB, a hash takes 19456");
}
