//! Memory: what the machine, or the cgroup that this process is in, has left, and what this process holds.

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Memory is short if less than this share of it is left,
const SHORT_SHARE: u64 = 20;
/// and less than so many bytes.
const SHORT: u64 = 1 << 30;

/// What there is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// What processes can still be given.
    pub available: u64,
    /// All of it.
    pub total: u64,
}

impl Memory {
    /// Of the system, or what its cgroup allows to this process if that is less; `None` if nobody tells.
    #[must_use]
    pub fn now() -> Option<Self> {
        let mut system = System::new().ok()?;
        system.refresh_memory();
        let whole = Self { available: system.available_memory(), total: system.total_memory() };
        let whole = Some(whole).filter(|whole| whole.total > 0);
        let limits = own_process(&mut system, ProcessRefreshKind::nothing())
            .and_then(sysinfo::Process::cgroup_limits)
            .map(|limits| {
                // What caches files counts as used, and is given up when somebody needs it.
                let available = limits.total_memory.saturating_sub(limits.rss).max(limits.free_memory);
                Self { available, total: limits.total_memory }
            });
        match (whole, limits) {
            (Some(whole), Some(limits)) => Some(Self {
                available: whole.available.min(limits.available),
                total: whole.total.min(limits.total),
            }),
            (whole, limits) => whole.or(limits),
        }
    }

    /// So little is left that the system may soon have to kill somebody.
    #[must_use]
    pub fn is_short(self) -> bool {
        self.available < SHORT.min(self.total / SHORT_SHARE)
    }
}

/// Bytes that this process holds, what it shares with others included; `None` if nobody tells.
#[must_use]
pub fn resident() -> Option<u64> {
    let mut system = System::new().ok()?;
    own_process(&mut system, ProcessRefreshKind::nothing().with_memory()).map(sysinfo::Process::memory)
}

fn own_process(system: &mut System, kind: ProcessRefreshKind) -> Option<&sysinfo::Process> {
    let pid = Pid::from_u32(std::process::id());
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, kind);
    system.process(pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_twentieth_is_little_but_a_gigabyte_is_not() {
        let memory = |available, total| Memory { available, total };
        assert!(memory(9, 200).is_short());
        assert!(!memory(10, 200).is_short());
        assert!(!memory(SHORT, 1000 * SHORT).is_short());
        assert!(memory(SHORT - 1, 1000 * SHORT).is_short());
    }

    #[test]
    fn this_machine_has_memory_and_this_process_holds_some() {
        assert!(Memory::now().is_none_or(|memory| memory.total >= memory.available && memory.total > 0));
        assert!(resident().is_none_or(|bytes| bytes > 1 << 20));
    }
}
