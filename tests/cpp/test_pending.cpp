// Promises of pending evaluation that a sanitizer can judge: what a program reads outlives it, the pool's threads write
// apart from each other, and threads that take turns (as under Python's lock) see each other's pending values.
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "expect.h"
#include "kernels/program.h"
#include "ops/structured.h"
#include "runtime/threads.h"

namespace {

using namespace tapeless;
using namespace tapeless::testing;
using std::int64_t;

constexpr int64_t kMany = 1 << 17;  // Enough for a program to be spread over the pool.

/// Defers everything on this thread while it lives.
struct DeferAll {
    DeferAll() : before(deferral) { deferral = {true, 0}; }
    ~DeferAll() { deferral = before; }
    Deferral before;
};

Tensor ones(int64_t count) { return full({count}, Scalar(1.0), DType::Float32, {}); }
Tensor twice(const Tensor& x) { return apply(row("mul"), x, Scalar(2.0)); }

bool all_are(const Tensor& x, float value) {
    const float* from = data<float>(*x);
    for (int64_t i = 0; i < x->numel; ++i) {
        if (from[i] != value) return false;
    }
    return true;
}

void operands_may_be_freed_with_the_program() {
    const DeferAll everything;
    for (const int64_t count : {int64_t{1}, int64_t{1000}, kMany}) {
        Tensor x = ones(count);
        for (int step = 0; step < 6; ++step)
            x = twice(x);  // Each pending value is the only reader of the one before.
        expect(static_cast<bool>(x->storage->pending), "a chain of " + std::to_string(count) + " is pending");
        expect(all_are(x, 64), "a chain of " + std::to_string(count) + " is computed");
    }
}

void a_value_that_several_want_is_computed_for_all() {
    const DeferAll everything;
    const Tensor shared = twice(ones(kMany));
    std::vector<Tensor> users;
    for (int k = 0; k < 8; ++k) users.push_back(apply(row("add"), shared, Scalar(static_cast<double>(k))));
    bool right = true;
    for (int k = 0; k < 8; ++k) right = right && all_are(users[k], static_cast<float>(2 + k));
    expect(right && all_are(shared, 2), "eight results of one pending value");
}

void one_program_writes_many_results() {
    const DeferAll everything;
    std::vector<Tensor> results;
    std::vector<Storage*> storages;
    Tensor x = ones(kMany);
    for (int k = 0; k < 5; ++k) {
        x = twice(x);
        results.push_back(x);
        storages.push_back(x->storage.get());
    }
    x = {};
    evaluate_all(storages, true);
    bool right = true;
    for (int k = 0; k < 5; ++k) right = right && all_are(results[k], static_cast<float>(2 << k));
    expect(right, "five results of one program");
}

void a_write_leaves_pending_readers_alone() {
    const DeferAll everything;
    const Tensor x = ones(kMany);
    const Tensor before = twice(x);
    fill_(select(x, 0, 0), Scalar(5.0));
    copy_(slice(x, 0, 10, kMany, 1), twice(slice(x, 0, 10, kMany, 1)));
    expect(all_are(before, 2), "a pending value keeps what it was to read");
    expect(data<float>(*x)[0] == 5 && data<float>(*x)[9] == 1 && data<float>(*x)[kMany - 1] == 2,
           "the writes are there");
}

void integers_wrap_in_sums_and_programs() {
    const Tensor x = full({3}, Scalar(INT64_MAX), DType::Int64, {});
    expect(data<int64_t>(*sum(x, {}, false))[0] == INT64_MAX - 2, "a sum of integers wraps");
    const Tensor y =
        apply(row("add"), full({3}, Scalar(int64_t{INT32_MAX}), DType::Int32, {}), Scalar(int64_t{1}));
    expect(data<std::int32_t>(*y)[2] == INT32_MIN, "an addition of integers wraps");
}

/// Threads that hold one lock in turns, each going on with the value that the one before left pending.
void threads_that_take_turns_share_pending_values() {
    std::mutex lock;
    std::condition_variable turned;
    Tensor x = ones(kMany);
    int turn = 0;
    constexpr int kThreads = 3, kTurns = 12;
    auto work = [&](int me) {
        const DeferAll everything;
        for (int round = me; round < kTurns; round += kThreads) {
            std::unique_lock<std::mutex> held(lock);
            turned.wait(held, [&] { return turn == round; });
            x = round % 4 == 3 ? apply(row("sub"), x, Scalar(1.0)) : apply(row("add"), x, Scalar(1.0));
            if (round % 5 == 4) readable(*x->storage);
            ++turn;
            turned.notify_all();
        }
    };
    std::vector<std::thread> threads;
    for (int me = 0; me < kThreads; ++me) threads.emplace_back(work, me);
    for (std::thread& thread : threads) thread.join();
    expect(all_are(x, 1 + 9 - 3), "pending values pass from thread to thread");
    x = {};
}

}  // namespace

int main() {
    for (const int threads : {1, 4}) {
        set_thread_count(threads);
        operands_may_be_freed_with_the_program();
        a_value_that_several_want_is_computed_for_all();
        one_program_writes_many_results();
        a_write_leaves_pending_readers_alone();
        integers_wrap_in_sums_and_programs();
        threads_that_take_turns_share_pending_values();
    }
    return summary();
}
