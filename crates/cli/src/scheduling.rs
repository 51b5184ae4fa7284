//! How the system shares its processors between us and the databases.

/// Returns how many processors there are to work on; one where the system does not tell.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Lets whoever works on this machine finish its turn before we have ours.
///
/// A server sends rows in pieces of a few kilobytes, and each of them wakes us. Where servers and we share the processors, every such
/// piece interrupted a server: a fifth of our processor time went into changing sides, and as much of theirs. Under this policy
/// (`sched(7)`, `SCHED_BATCH`) a thread that wakes does not interrupt another one, and finds more to do when its turn comes. On
/// processors with nothing else to do, nothing changes. It is set before there is another thread, and inherited; the share that
/// the user has chosen with `nice` stays. Where the system refuses, all goes on as before.
#[cfg(target_os = "linux")]
pub(crate) fn wait_for_turns() {
    use rustix::process::getpriority_process;
    use thread_priority::{
        NormalThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
        set_thread_priority_and_policy, thread_native_id,
    };

    let batch = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Batch);
    let Ok(nice) = getpriority_process(None) else {
        return;
    };
    // The library wants a share on a scale of its own, and spells it as `nice` does.
    let shares = (0..=u8::MAX).filter_map(|share| ThreadPriorityValue::try_from(share).ok());
    let mut shares = shares.map(ThreadPriority::Crossplatform);
    if let Some(same) = shares.find(|share| share.to_posix(batch).is_ok_and(|spelled| spelled == nice)) {
        let _refused = set_thread_priority_and_policy(thread_native_id(), same, batch);
    }
}

/// Does nothing: other systems have no such policy.
#[cfg(not(target_os = "linux"))]
pub(crate) fn wait_for_turns() {}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::*;

    /// The share and the policy of this thread (`proc_pid_stat(5)`, fields 19 and 41).
    fn nice_and_policy() -> [i32; 2] {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let (_, rest) = stat.rsplit_once(')').unwrap();
        let fields: Vec<&str> = rest.split_whitespace().collect();
        [fields[19 - 3], fields[41 - 3]].map(|field| field.parse().unwrap())
    }

    #[test]
    fn we_wait_for_our_turn_with_the_share_that_the_user_gave_us() {
        const BATCH: i32 = 3;
        std::thread::spawn(|| {
            let [given, _] = nice_and_policy();
            wait_for_turns();
            assert_eq!(nice_and_policy(), [given, BATCH]);
            rustix::process::setpriority_process(None, given + 3).unwrap();
            wait_for_turns();
            assert_eq!(nice_and_policy(), [given + 3, BATCH]);
        })
        .join()
        .unwrap();
    }
}
