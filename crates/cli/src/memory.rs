//! The part of the C library and of the drivers in the memory budget. How much may be in use is the pipeline's matter.

/// Makes the C library give large freed blocks back at once and keep smaller ones, and drivers keep few buffers, by starting the program
/// again with the settings in its environment.
///
/// Left alone, glibc raises the size from which a block is mapped and unmapped by itself up to 32 MiB as soon as such blocks are freed,
/// and keeps the freed batches of large rows (`mallopt(3)`, `M_MMAP_THRESHOLD`): about 200 MiB where 75 MiB are in use. Setting that alone
/// leaves 128 KiB for what is kept of smaller blocks (`M_TRIM_THRESHOLD`), so that every batch of the usual size, which is just below, would
/// be taken from the kernel page by page: a fifth of the processor time of a copy. The settings are read before `main`, and setting them
/// from inside would need unsafe code. Where the program cannot be started again it goes on.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn give_back_large_blocks() {
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;

    use whimbrel_app::connectors;

    use crate::scheduling::cores;

    const SETTING: &str = "MALLOC_MMAP_THRESHOLD_";
    const LARGE_BYTES: &str = "1048576";
    const KEPT: &str = "MALLOC_TRIM_THRESHOLD_";
    const KEPT_BYTES: &str = "8388608";
    // Each thread may get a heap of its own, eight for each core, and each heap keeps what was once its largest use: 120 MiB instead of 77
    // where 64 are given. As many threads as there are cores allocate at once, and no more.
    const HEAPS: &str = "MALLOC_ARENA_MAX";

    if std::env::var_os(SETTING).is_some() {
        return;
    }
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let arguments = std::env::args_os().skip(1);
    let heaps = cores().max(2).to_string();
    let drivers = connectors::connectors()
        .into_iter()
        .flat_map(|connector| connector.memory_settings());
    let _refused = Command::new(program)
        .args(arguments)
        .env(SETTING, LARGE_BYTES)
        .env(KEPT, KEPT_BYTES)
        .env(HEAPS, std::env::var_os(HEAPS).unwrap_or_else(|| heaps.into()))
        .envs(drivers.copied())
        .exec();
}

/// Does nothing: other C libraries give large blocks back by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back_large_blocks() {}
