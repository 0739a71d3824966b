// The allocator: thread-local lists for blocks up to 64 KiB, one shared cache behind them, the system behind
// that.
#include "runtime/allocator.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>

#include "base/error.h"
#include "runtime/cgroup.h"

namespace tapeless {
namespace {

// Size classes: 16 of 64 bytes' step up to 1 KiB, then 8 per doubling. A block serves any request of its
// class, so reuse is a list pop and at most 1/8 is wasted.
constexpr std::size_t kGroup = 64;
constexpr std::size_t kTiny = 1024;        ///< up to here blocks are cut from slabs that are never given back
constexpr std::size_t kLocal = 64 * 1024;  ///< up to here a thread keeps blocks for itself
constexpr std::size_t kMapped = 4 << 20;   ///< from here blocks are mapped on huge pages
constexpr std::size_t kHugePage = 2 << 20;
constexpr std::size_t kLargest = std::size_t{1} << 47;
constexpr std::size_t kSlab =
    64 * 1024;  ///< the first slabs; later ones grow with what there is, up to kMapped
constexpr int kTinyClasses = 16;
constexpr int kLocalClasses = kTinyClasses + 6 * 8;
constexpr int kClasses = kTinyClasses + 37 * 8;

// AddressSanitizer must see each block as the system's, or it cannot find a use after release.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kCaching = false;
#else
constexpr bool kCaching = true;
#endif

inline int class_of(std::size_t bytes) {
    if (bytes <= kTiny) return bytes == 0 ? 0 : static_cast<int>((bytes - 1) / kGroup);
    const int log = std::bit_width(bytes - 1) - 1;  // 10 for 1025 .. 2048
    return kTinyClasses + (log - 10) * 8 + static_cast<int>(((bytes - 1) >> (log - 3)) & 7);
}

constexpr std::size_t class_capacity(int index) {
    if (index < kTinyClasses) return static_cast<std::size_t>(index + 1) * kGroup;
    const int step = index - kTinyClasses;
    return static_cast<std::size_t>(8 + step % 8 + 1) << (10 + step / 8 - 3);
}

/// A free block's own bytes hold its links: `next` in its class, and its place in the order of release.
struct FreeBlock {
    FreeBlock* next;
    FreeBlock* previous;  ///< in the class; only shared blocks above kTiny use it and what follows
    FreeBlock* newer;
    FreeBlock* older;
    int index;
};
static_assert(sizeof(FreeBlock) <= kGroup);

/// One thread's free blocks. Only its thread writes it; the counters are atomic so that stats() may read
/// them.
struct LocalCache {
    struct List {
        FreeBlock* head = nullptr;
        int count = 0;
    };
    List lists[kLocalClasses];
    std::atomic<std::int64_t> bytes{0};   ///< handed out minus taken back by this thread: may be negative
    std::atomic<std::int64_t> blocks{0};  ///< the same, counted in blocks
    std::atomic<std::int64_t> owned{
        0};                      ///< got from Shared minus given to it, so owned - bytes lies in `lists`
    LocalCache* next = nullptr;  ///< the registry of caches
    LocalCache* previous = nullptr;
};

/// Only the owner adds, so no locked instruction is needed.
inline void add(std::atomic<std::int64_t>& counter, std::int64_t amount) {
    counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

/// What allocate() and release() need to know of a class, computed beforehand.
struct LocalClass {
    std::int64_t bytes;
    int most;  ///< blocks that a thread keeps
};
constexpr std::array<LocalClass, kLocalClasses> kLocalTable = [] {
    std::array<LocalClass, kLocalClasses> table{};
    for (int index = 0; index < kLocalClasses; ++index) {
        const auto bytes = static_cast<std::int64_t>(class_capacity(index));
        table[static_cast<std::size_t>(index)] = {
            bytes, static_cast<int>(std::clamp<std::int64_t>((256 * 1024) / bytes, 4, 128))};
    }
    return table;
}();

inline const LocalClass& local_class(int index) { return kLocalTable[static_cast<std::size_t>(index)]; }

std::int64_t cache_limit() {
    std::int64_t memory = static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
    if (const std::int64_t group = cgroup_memory_limit(); group > 0) memory = std::min(memory, group);
    return std::max<std::int64_t>(memory / 8, std::int64_t{64} << 20);
}

/// Memory from the system; null when there is none.
void* system_allocate(std::size_t bytes) {
    if (bytes < kMapped || !kCaching) return std::aligned_alloc(kGroup, bytes);
    const std::size_t span = bytes + kHugePage;  // the surplus lets the block start at a huge page
    void* raw = mmap(nullptr, span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED) return nullptr;
    const auto start = reinterpret_cast<std::uintptr_t>(raw);
    const std::uintptr_t aligned = (start + kHugePage - 1) & ~(kHugePage - 1);
    if (aligned != start) munmap(raw, aligned - start);
    if (const std::size_t tail = start + span - (aligned + bytes); tail != 0) {
        munmap(reinterpret_cast<void*>(aligned + bytes), tail);
    }
    void* block = reinterpret_cast<void*>(aligned);
#ifdef MADV_HUGEPAGE
    madvise(block, bytes, MADV_HUGEPAGE);
#endif
    return block;
}

void system_release(void* block, std::size_t bytes) noexcept {
    if (bytes < kMapped || !kCaching) {
        std::free(block);
    } else {
        munmap(block, bytes);
    }
}

/// What all threads share. It is never destroyed: blocks may come back while the process ends.
class Shared {
public:
    /// One block for the caller, counted as handed out; throws when there is none.
    void* take(int index, std::size_t asked);
    void give(void* block, int index) noexcept;
    /// One block returned, and up to `extra` more put into the thread's list.
    FreeBlock* refill(LocalCache& cache, int index, int extra, std::size_t asked);
    /// Takes `count` blocks off the thread's list.
    void drain(LocalCache& cache, int index, int count) noexcept;
    void enroll(LocalCache* cache);
    void retire(LocalCache* cache) noexcept;
    void empty() noexcept;
    AllocatorStats stats();
    void reset_peak();

    std::mutex mutex;

private:
    FreeBlock* pop(int index) noexcept;
    void push(FreeBlock* block, int index) noexcept;
    void unlink(FreeBlock* block) noexcept;
    void trim(std::int64_t limit) noexcept;
    FreeBlock* cut(int index);
    FreeBlock* acquire(int index, std::size_t asked);
    std::int64_t in_use() const noexcept;
    void note_peak() noexcept { peak_ = std::max(peak_, in_use()); }

    FreeBlock* lists_[kClasses] = {};
    FreeBlock* newest_ = nullptr;
    FreeBlock* oldest_ = nullptr;
    char* slab_ = nullptr;
    std::size_t slab_left_ = 0;
    std::size_t slabs_ = 0;         ///< bytes of all slabs
    std::int64_t cached_ = 0;       ///< bytes in lists_ above kTiny: what trimming bounds
    std::int64_t tiny_cached_ = 0;  ///< bytes in lists_ up to kTiny
    std::int64_t bytes_ = 0;        ///< handed out here, not by a LocalCache
    std::int64_t blocks_ = 0;
    std::int64_t peak_ = 0;
    const std::int64_t limit_ = cache_limit();
    LocalCache* caches_ = nullptr;
};

FreeBlock* Shared::pop(int index) noexcept {
    FreeBlock* block = lists_[index];
    if (block == nullptr) return nullptr;
    if (index < kTinyClasses) {
        lists_[index] = block->next;
        tiny_cached_ -= static_cast<std::int64_t>(class_capacity(index));
    } else {
        unlink(block);
    }
    return block;
}

void Shared::push(FreeBlock* block, int index) noexcept {
    const auto bytes = static_cast<std::int64_t>(class_capacity(index));
    if (index < kTinyClasses) {
        block->next = lists_[index];
        lists_[index] = block;
        tiny_cached_ += bytes;
        return;
    }
    if (!kCaching || bytes > limit_) return system_release(block, class_capacity(index));
    *block = FreeBlock{lists_[index], nullptr, nullptr, newest_, index};
    if (block->next != nullptr) block->next->previous = block;
    lists_[index] = block;
    (newest_ != nullptr ? newest_->newer : oldest_) = block;
    newest_ = block;
    cached_ += bytes;
    trim(limit_);
}

void Shared::unlink(FreeBlock* block) noexcept {
    (block->previous != nullptr ? block->previous->next : lists_[block->index]) = block->next;
    if (block->next != nullptr) block->next->previous = block->previous;
    (block->newer != nullptr ? block->newer->older : newest_) = block->older;
    (block->older != nullptr ? block->older->newer : oldest_) = block->newer;
    cached_ -= static_cast<std::int64_t>(class_capacity(block->index));
}

/// Gives the blocks that lay idle longest back to the system.
void Shared::trim(std::int64_t limit) noexcept {
    while (cached_ > limit) {
        FreeBlock* block = oldest_;
        unlink(block);
        system_release(block, class_capacity(block->index));
    }
}

/// A block cut from the open slab; what is left of a slab too short for it goes to the lists.
FreeBlock* Shared::cut(int index) {
    const std::size_t bytes = class_capacity(index);
    if (slab_left_ < bytes) {
        if (slab_left_ != 0) push(reinterpret_cast<FreeBlock*>(slab_), class_of(slab_left_));
        const std::size_t size = std::clamp(std::bit_floor(slabs_ / 8), kSlab, kMapped);
        slab_ = static_cast<char*>(system_allocate(size));
        slab_left_ = slab_ == nullptr ? 0 : size;
        slabs_ += slab_left_;
        if (slab_ == nullptr) return nullptr;
    }
    auto* block = reinterpret_cast<FreeBlock*>(slab_);
    slab_ += bytes;
    slab_left_ -= bytes;
    return block;
}

/// A cached or fresh block; the cache is emptied before a request is refused.
FreeBlock* Shared::acquire(int index, std::size_t asked) {
    if (FreeBlock* cached = pop(index)) return cached;
    const bool tiny = kCaching && index < kTinyClasses;
    for (int attempt = 0; attempt < 2; ++attempt) {
        void* fresh = tiny ? cut(index) : system_allocate(class_capacity(index));
        if (fresh != nullptr) return static_cast<FreeBlock*>(fresh);
        trim(0);
    }
    const double gib = static_cast<double>(asked) / (1 << 30);
    fail(ErrorKind::OutOfMemory, "allocate: asked for ", asked, " bytes (", gib,
         " GiB), the system has no more; ", in_use(),
         " bytes are in use here: free tensors, or work in smaller pieces");
}

void* Shared::take(int index, std::size_t asked) {
    const std::lock_guard lock(mutex);
    FreeBlock* block = acquire(index, asked);
    bytes_ += static_cast<std::int64_t>(class_capacity(index));
    ++blocks_;
    note_peak();
    return block;
}

void Shared::give(void* block, int index) noexcept {
    const std::lock_guard lock(mutex);
    bytes_ -= static_cast<std::int64_t>(class_capacity(index));
    --blocks_;
    if (kCaching) {
        push(static_cast<FreeBlock*>(block), index);
    } else {
        system_release(block, class_capacity(index));
    }
}

FreeBlock* Shared::refill(LocalCache& cache, int index, int extra, std::size_t asked) {
    const std::lock_guard lock(mutex);
    FreeBlock* const block = acquire(index, asked);
    LocalCache::List& list = cache.lists[index];
    int got = 1;
    for (; got <= extra; ++got) {
        FreeBlock* more = pop(index);
        if (more == nullptr && index < kTinyClasses) more = cut(index);
        if (more == nullptr) break;
        more->next = list.head;
        list.head = more;
        ++list.count;
    }
    add(cache.owned, got * static_cast<std::int64_t>(class_capacity(index)));
    note_peak();
    return block;
}

void Shared::drain(LocalCache& cache, int index, int count) noexcept {
    const std::lock_guard lock(mutex);
    LocalCache::List& list = cache.lists[index];
    for (int i = 0; i < count; ++i) {
        FreeBlock* block = list.head;
        list.head = block->next;
        push(block, index);
    }
    list.count -= count;
    add(cache.owned, -count * static_cast<std::int64_t>(class_capacity(index)));
}

void Shared::enroll(LocalCache* cache) {
    const std::lock_guard lock(mutex);
    cache->next = caches_;
    if (caches_ != nullptr) caches_->previous = cache;
    caches_ = cache;
}

/// The last act of a thread: its counts join ours.
void Shared::retire(LocalCache* cache) noexcept {
    const std::lock_guard lock(mutex);
    (cache->previous != nullptr ? cache->previous->next : caches_) = cache->next;
    if (cache->next != nullptr) cache->next->previous = cache->previous;
    bytes_ += cache->bytes.load(std::memory_order_relaxed);
    blocks_ += cache->blocks.load(std::memory_order_relaxed);
}

void Shared::empty() noexcept {
    const std::lock_guard lock(mutex);
    trim(0);
}

std::int64_t Shared::in_use() const noexcept {
    std::int64_t sum = bytes_;
    for (const LocalCache* cache = caches_; cache != nullptr; cache = cache->next) {
        sum += cache->bytes.load(std::memory_order_relaxed);
    }
    return sum;
}

AllocatorStats Shared::stats() {
    const std::lock_guard lock(mutex);
    note_peak();
    AllocatorStats result{in_use(), cached_ + tiny_cached_ + static_cast<std::int64_t>(slab_left_), peak_,
                          blocks_};
    for (const LocalCache* cache = caches_; cache != nullptr; cache = cache->next) {
        result.cached +=
            cache->owned.load(std::memory_order_relaxed) - cache->bytes.load(std::memory_order_relaxed);
        result.count += cache->blocks.load(std::memory_order_relaxed);
    }
    return result;
}

void Shared::reset_peak() {
    const std::lock_guard lock(mutex);
    peak_ = in_use();
}

Shared& shared() {
    static Shared* const instance = [] {
        // The lock is held across fork(), so that a child never inherits it from a thread that it does not
        // have.
        pthread_atfork([] { shared().mutex.lock(); }, [] { shared().mutex.unlock(); },
                       [] { shared().mutex.unlock(); });
        return new Shared;
    }();
    return *instance;
}

// Initial-exec: read without a call even from a shared library; it takes 16 bytes of the space kept for that.
[[gnu::tls_model("initial-exec")]] thread_local LocalCache* local_cache = nullptr;
[[gnu::tls_model("initial-exec")]] thread_local bool thread_ends = false;

void drain_all(LocalCache& cache) noexcept {
    for (int index = 0; index < kLocalClasses; ++index) {
        if (const int count = cache.lists[index].count; count != 0) shared().drain(cache, index, count);
    }
}

/// Its destructor runs when the thread ends; what is released after that goes to Shared directly.
struct LocalOwner {
    ~LocalOwner() {
        LocalCache* cache = local_cache;
        local_cache = nullptr;
        thread_ends = true;
        if (cache == nullptr) return;
        drain_all(*cache);
        shared().retire(cache);
        delete cache;
    }
    void touch() const noexcept {}
};

/// This thread's cache, made at its first use; null once the thread ends.
LocalCache* make_local() {
    if (thread_ends) return nullptr;
    static thread_local LocalOwner owner;
    owner.touch();
    local_cache = new LocalCache;
    shared().enroll(local_cache);
    return local_cache;
}

[[gnu::noinline]] void* allocate_slow(int index, std::size_t bytes) {
    LocalCache* cache = local_cache != nullptr ? local_cache : make_local();
    if (cache == nullptr) return shared().take(index, bytes);
    const int extra = index < kTinyClasses ? std::min(15, local_class(index).most / 2) : 0;
    FreeBlock* block = shared().refill(*cache, index, extra, bytes);
    add(cache->bytes, static_cast<std::int64_t>(class_capacity(index)));
    add(cache->blocks, 1);
    return block;
}

[[gnu::noinline]] void release_slow(void* block, int index) noexcept {
    LocalCache* cache = local_cache;
    if (cache == nullptr) return shared().give(block, index);
    shared().drain(*cache, index, cache->lists[index].count / 2);
    release(block, class_capacity(index));
}

}  // namespace

namespace {

/// Any block but a tiny one that lies ready.
[[gnu::noinline]] void* allocate_other(std::size_t bytes) {
    if (bytes > kLargest) [[unlikely]] {
        fail(ErrorKind::OutOfMemory, "allocate: asked for ", bytes, " bytes (",
             static_cast<double>(bytes) / (1 << 30),
             " GiB), the system has no more; no machine has: check the shape");
    }
    const int index = class_of(bytes);
    if (!kCaching || bytes > kLocal) return shared().take(index, bytes);
    LocalCache* cache = local_cache;
    if (cache == nullptr || cache->lists[index].head == nullptr) [[unlikely]]
        return allocate_slow(index, bytes);
    LocalCache::List& list = cache->lists[index];
    FreeBlock* block = list.head;
    list.head = block->next;
    --list.count;
    add(cache->bytes, local_class(index).bytes);
    add(cache->blocks, 1);
    return block;
}

}  // namespace

void* allocate(std::size_t bytes) {
    LocalCache* cache = local_cache;
    if (!kCaching || bytes - 1 >= kTiny || cache == nullptr) [[unlikely]]
        return allocate_other(bytes);
    const std::size_t index = (bytes - 1) / kGroup;
    LocalCache::List& list = cache->lists[index];
    FreeBlock* block = list.head;
    if (block == nullptr) [[unlikely]]
        return allocate_other(bytes);
    list.head = block->next;
    --list.count;
    add(cache->bytes, static_cast<std::int64_t>((index + 1) * kGroup));
    add(cache->blocks, 1);
    return block;
}

void release(void* block, std::size_t bytes) noexcept {
    if (block == nullptr) return;
    const int index = class_of(bytes);
    if (!kCaching || bytes > kLocal) return shared().give(block, index);
    LocalCache* cache = local_cache;
    if (cache == nullptr || cache->lists[index].count >= local_class(index).most) [[unlikely]] {
        return release_slow(block, index);
    }
    LocalCache::List& list = cache->lists[index];
    auto* free_block = static_cast<FreeBlock*>(block);
    free_block->next = list.head;
    list.head = free_block;
    ++list.count;
    add(cache->bytes, -local_class(index).bytes);
    add(cache->blocks, -1);
}

std::size_t capacity(std::size_t bytes) { return class_capacity(class_of(bytes)); }

AllocatorStats stats() { return shared().stats(); }

void empty_cache() {
    if (local_cache != nullptr) drain_all(*local_cache);
    shared().empty();
}

void reset_peak() { shared().reset_peak(); }

}  // namespace tapeless
