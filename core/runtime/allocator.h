// Memory blocks for storages: 64-byte aligned, kept for reuse, huge pages for large ones.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tapeless {

/// What the allocator holds. Small blocks enter `peak` when a thread asks for a new batch of them.
struct AllocatorStats {
    std::int64_t in_use;  ///< bytes of blocks that are handed out (capacities)
    std::int64_t cached;  ///< bytes kept for reuse
    std::int64_t peak;    ///< the largest in_use since the start or the last reset_peak()
    std::int64_t count;   ///< blocks that are handed out
};

/// A block of at least `bytes` (0 is fine), aligned to 64; throws ErrorKind::OutOfMemory. Contents are
/// arbitrary.
void* allocate(std::size_t bytes);

/// Gives a block back; `bytes` is what allocate() was asked for. Any thread may release any block; null is
/// fine.
void release(void* block, std::size_t bytes) noexcept;

/// The true size of a block asked for with `bytes`: a multiple of 64, at most 12.5 % above `bytes` beyond 1
/// KiB.
std::size_t capacity(std::size_t bytes);

AllocatorStats stats();

/// Gives every cached block above 64 KiB, and those of this thread, back to the system.
void empty_cache();

void reset_peak();

}  // namespace tapeless
