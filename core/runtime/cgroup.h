// The limits that a Linux control group (a container) sets on this process.
#pragma once

#include <cstdint>

namespace tapeless {

/// Processors' worth of time that the group may use, rounded up; 0 when there is no limit.
int cgroup_cpu_limit();

/// Bytes of memory that the group may use; 0 when there is no limit.
std::int64_t cgroup_memory_limit();

}  // namespace tapeless
