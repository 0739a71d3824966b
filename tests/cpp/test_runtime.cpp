// Promises of core/runtime: allocator, pool, gangs, interrupts, fork, what the machine is.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "expect.h"
#include "runtime/allocator.h"
#include "runtime/cgroup.h"
#include "runtime/cpu.h"
#include "runtime/interrupt.h"
#include "runtime/threads.h"

namespace {

using namespace tapeless;
using namespace tapeless::testing;
using std::int64_t;

// Allocator.

void blocks_are_aligned_and_writable_to_their_capacity() {
    bool aligned = true, enough = true;
    std::vector<std::pair<char*, std::size_t>> blocks;
    for (std::size_t bytes :
         {0, 1, 63, 64, 65, 1000, 1024, 1025, 4097, 65536, 65537, 300000, 4 << 20, (5 << 20) + 1}) {
        char* block = static_cast<char*>(allocate(bytes));
        aligned = aligned && reinterpret_cast<std::uintptr_t>(block) % 64 == 0;
        const std::size_t room = capacity(bytes);
        enough = enough && room >= std::max<std::size_t>(bytes, 64) && room % 64 == 0;
        enough = enough && (bytes <= 1024 || room <= bytes + bytes / 8);
        std::memset(block, static_cast<int>(blocks.size()), room);
        blocks.emplace_back(block, bytes);
    }
    bool kept = true;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        kept = kept && blocks[i].first[0] == static_cast<char>(i);
        kept = kept && blocks[i].first[capacity(blocks[i].second) - 1] == static_cast<char>(i);
        release(blocks[i].first, blocks[i].second);
    }
    release(nullptr, 10);
    expect(aligned, "blocks are aligned to 64 bytes");
    expect(enough, "capacities are multiples of 64 and waste at most an eighth");
    expect(kept, "blocks do not overlap");
}

void released_blocks_are_reused() {
    if (kAddressSanitizer) return skipped("released_blocks_are_reused", "AddressSanitizer sees every block");
    for (std::size_t bytes : {100, 5000, 200000, 8 << 20}) {
        void* first = allocate(bytes);
        release(first, bytes);
        void* second = allocate(bytes - 10);
        expect(first == second, text("a block of ", bytes, " bytes is reused"));
        release(second, bytes - 10);
    }
}

void huge_requests_are_refused_with_their_size() {
    const std::string absurd = error_of(ErrorKind::OutOfMemory, [] { allocate(std::size_t{1} << 60); });
    expect(absurd.find("asked for 1152921504606846976 bytes") != std::string::npos,
           "an absurd size: " + absurd);
    if (kAddressSanitizer || kThreadSanitizer)
        return skipped("refused by the system", "sanitizers end the process");
    const std::string refused = error_of(ErrorKind::OutOfMemory, [] { allocate(std::size_t{1} << 46); });
    expect(refused.find("65536 GiB") != std::string::npos, "a size that the system refuses: " + refused);
}

void counts_return_to_where_they_were() {
    const AllocatorStats before = stats();
    void* block = allocate(1 << 20);
    const AllocatorStats during = stats();
    expect(during.in_use == before.in_use + (1 << 20) && during.count == before.count + 1,
           "stats count a block");
    release(block, 1 << 20);
    expect(stats().in_use == before.in_use && stats().count == before.count, "stats forget a released block");
    expect(stats().peak >= during.in_use, "the peak remembers it");
    reset_peak();
    expect(stats().peak == stats().in_use, "reset_peak starts again");
    empty_cache();
    expect(stats().cached < (1 << 20), "empty_cache leaves at most an open slab");
}

void threads_may_release_each_others_blocks() {
    const AllocatorStats before = stats();
    std::atomic<void*> exchange[64] = {};
    auto work = [&](unsigned seed) {
        std::minstd_rand random(seed);
        for (int i = 0; i < 20000; ++i) {
            const unsigned slot = random() % 64;
            const std::size_t bytes = slot % 8 == 0 ? 70000 : slot * 40;
            void* block = allocate(bytes);
            std::memset(block, static_cast<int>(slot), bytes);
            release(exchange[slot].exchange(block), bytes);
        }
    };
    std::thread first(work, 1), second(work, 2);
    first.join();
    second.join();
    for (unsigned slot = 0; slot < 64; ++slot) release(exchange[slot], slot % 8 == 0 ? 70000 : slot * 40);
    expect(stats().in_use == before.in_use && stats().count == before.count,
           "blocks released by other threads count");
}

// Pool.

void each_chunk_runs_once() {
    for (int threads : {1, 2, 8}) {
        set_thread_count(threads);
        bool once = true;
        for (int64_t chunks : {0, 1, 2, 7, 100, 5000}) {
            std::vector<int> hits(static_cast<std::size_t>(chunks), 0);
            parallel_for(chunks, [&](int64_t first, int64_t last) {
                for (int64_t i = first; i < last; ++i) ++hits[static_cast<std::size_t>(i)];
            });
            once = once && std::all_of(hits.begin(), hits.end(), [](int hit) { return hit == 1; });
        }
        expect(once, text("each chunk runs once on ", threads, " threads"));
    }
}

void blocks_cover_the_range() {
    std::atomic<int64_t> sum{0};
    std::atomic<bool> cut_at_blocks{true};
    parallel_blocks(1003, 10, [&](int64_t begin, int64_t end) {
        if (begin % 10 != 0 || end != std::min<int64_t>(1003, begin + 10)) cut_at_blocks = false;
        for (int64_t i = begin; i < end; ++i) sum += i;
    });
    expect(sum == 1003 * 1002 / 2 && cut_at_blocks, "parallel_blocks cuts at multiples of the block");
}

void many_short_loops_lose_nothing() {
    set_thread_count(3);
    int64_t total = 0;
    for (int round = 0; round < 3000; ++round) {
        std::atomic<int64_t> sum{0};
        parallel_for(4, [&](int64_t first, int64_t last) { sum += last - first; });
        total += sum;
        if (round % 500 == 0)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));  // let the workers sleep
    }
    expect(total == 12000, "3000 short loops run all their chunks");
}

void nested_loops_run_on_their_thread() {
    set_thread_count(4);
    std::atomic<int> inner{0};
    std::atomic<bool> same{true};
    parallel_for(8, [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; ++i) {
            const std::thread::id here = std::this_thread::get_id();
            if (!inside_parallel()) same = false;
            parallel_for(5, [&](int64_t begin, int64_t end) {
                if (std::this_thread::get_id() != here) same = false;
                inner += static_cast<int>(end - begin);
            });
        }
    });
    expect(inner == 40 && same && !inside_parallel(), "nested loops run inline");
}

void exceptions_reach_the_caller() {
    for (int threads : {1, 4}) {
        set_thread_count(threads);
        std::string message;
        try {
            parallel_for(100, [](int64_t first, int64_t last) {
                if (first <= 50 && 50 < last) throw std::runtime_error("chunk 50");
            });
        } catch (const std::runtime_error& error) {
            message = error.what();
        }
        expect(message == "chunk 50", "an exception is carried to the caller");
    }
    std::atomic<int> after{0};
    parallel_for(10, [&](int64_t first, int64_t last) { after += static_cast<int>(last - first); });
    expect(after == 10, "the pool works after an exception");
}

std::atomic<int> polls{0};

void an_interrupt_stops_the_loop() {
    set_interrupt_check([] { return ++polls >= 2; });
    for (int threads : {1, 3}) {
        set_thread_count(threads);
        polls = 0;
        std::atomic<int> ran{0};
        const std::string message = error_of(ErrorKind::Python, [&] {
            parallel_for(
                1000,
                [&](int64_t, int64_t) { ++ran, std::this_thread::sleep_for(std::chrono::milliseconds(2)); },
                Interruptible::Yes);
        });
        expect(message == "interrupted" && ran < 1000, "an interrupt stops an interruptible loop");
        polls = 0;
        parallel_for(3, [&](int64_t, int64_t) { std::this_thread::sleep_for(std::chrono::milliseconds(6)); });
        expect(polls == 0, "other loops never poll");
    }
    set_interrupt_check(nullptr);
}

void two_callers_share_nothing_and_both_finish() {
    set_thread_count(3);
    std::atomic<int64_t> total{0};
    auto work = [&] {
        for (int round = 0; round < 300; ++round) {
            int64_t mine[8] = {};
            parallel_for(8, [&](int64_t first, int64_t last) {
                for (int64_t i = first; i < last; ++i) mine[i] = i;
            });
            for (int64_t value : mine) total += value;
        }
    };
    std::thread first(work), second(work);
    first.join();
    second.join();
    expect(total == 2 * 300 * 28, "two threads use the pool at once");
}

void a_gang_runs_its_jobs_at_the_same_time() {
    set_thread_count(4);
    for (int round = 0; round < 20; ++round) {
        Gang gang(4);
        if (gang.size() != 4) return expect(false, "a gang of 4 is granted on a pool of 4");
        std::atomic<int> arrived{0};
        std::atomic<bool> waited{true};
        gang.run(4, [&](int) {
            ++arrived;  // each job waits for all others: it would hang if two shared a thread
            for (int spins = 0; arrived < 4; ++spins) {
                if (spins > 50'000'000) return waited.store(false);
                std::this_thread::yield();
            }
        });
        if (!waited) return expect(false, "the jobs of a gang run at the same time");
    }
    expect(true, "the jobs of a gang run at the same time");
    Gang outer(2);
    Gang second(2);
    expect(outer.size() == 2 && second.size() == 1, "a busy pool grants a gang of one");
    expect(
        error_of(ErrorKind::Runtime, [&] { second.run(2, [](int) {}); }).find("2 jobs") != std::string::npos,
        "a gang refuses more jobs than threads");
    int alone = 0;
    parallel_for(5, [&](int64_t first, int64_t last) { alone += static_cast<int>(last - first); });
    expect(alone == 5, "a loop beside a gang runs on its own thread");
}

void thread_counts_are_checked() {
    expect(default_thread_count() >= 1 && cgroup_cpu_limit() >= 0 && cgroup_memory_limit() >= 0,
           "limits are sane");
    set_thread_count(5);
    expect(thread_count() == 5, "set_thread_count is heard");
    expect(error_of(ErrorKind::Runtime, [] { set_thread_count(0); }).find("positive") != std::string::npos,
           "no threads are refused");
    setenv("OMP_NUM_THREADS", "1,2", 1);
    expect(default_thread_count() == 1, "OMP_NUM_THREADS lowers the default");
    unsetenv("OMP_NUM_THREADS");
}

void a_forked_child_has_a_working_pool() {
    if (kThreadSanitizer) return skipped("a_forked_child_has_a_working_pool", "ThreadSanitizer forbids it");
    set_thread_count(3);
    parallel_for(3, [](int64_t, int64_t) {});
    auto loop = [] {
        std::atomic<int> ran{0};
        parallel_for(50, [&](int64_t first, int64_t last) { ran += static_cast<int>(last - first); });
        Gang gang(3);
        void* block = allocate(100000);
        release(block, 100000);
        return ran == 50 && gang.size() == 3;
    };
    expect(in_child(loop), "a child of fork has a pool");
    expect(in_child([&] { return loop() && in_child(loop); }), "a child's child has a pool");
    std::atomic<bool> stop{false};
    std::thread busy([&] {
        while (!stop) parallel_for(8, [](int64_t, int64_t) { release(allocate(100000), 100000); });
    });
    bool all = true;
    for (int i = 0; i < 10; ++i) all = all && in_child(loop);
    stop = true;
    busy.join();
    expect(all, "a child of a process whose pool is running has a pool");
}

void the_processor_is_known() {
    expect(isa() >= Isa::V2 && isa() <= Isa::V4, "an instruction set is chosen");
    expect(last_level_cache() >= (256 << 10), "the last-level cache is known");
}

}  // namespace

int main() {
    blocks_are_aligned_and_writable_to_their_capacity();
    released_blocks_are_reused();
    huge_requests_are_refused_with_their_size();
    counts_return_to_where_they_were();
    threads_may_release_each_others_blocks();
    each_chunk_runs_once();
    blocks_cover_the_range();
    many_short_loops_lose_nothing();
    nested_loops_run_on_their_thread();
    exceptions_reach_the_caller();
    an_interrupt_stops_the_loop();
    two_callers_share_nothing_and_both_finish();
    a_gang_runs_its_jobs_at_the_same_time();
    thread_counts_are_checked();
    a_forked_child_has_a_working_pool();
    the_processor_is_known();
    return summary();
}
