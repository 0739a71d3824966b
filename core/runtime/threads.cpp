// The pool: one mailbox per worker. A worker takes a task out of its mailbox; the caller takes back what
// nobody took.
#include "runtime/threads.h"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#ifdef __linux__
#include <sched.h>
#endif

#include "base/error.h"
#include "runtime/cgroup.h"
#include "runtime/interrupt.h"

namespace tapeless {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMostThreads = 256;
constexpr auto kSpin = std::chrono::microseconds(20);
constexpr auto kPollEvery = std::chrono::milliseconds(5);  // a check of signals takes the interpreter's lock

thread_local bool inside_body = false;

/// Marks this thread as working, so that nested calls run on it alone.
class InsideBody {
public:
    InsideBody() : before_(inside_body) { inside_body = true; }
    ~InsideBody() { inside_body = before_; }
    InsideBody(const InsideBody&) = delete;
    InsideBody& operator=(const InsideBody&) = delete;

private:
    const bool before_;
};

inline void relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    std::this_thread::yield();
#endif
}

/// Spins until `ready()` or until the spinning time is over; says whether it is ready.
template <class Ready> bool spin_until(Ready ready) {
    if (ready()) return true;
    const Clock::time_point end = Clock::now() + kSpin;
    do {
        for (int i = 0; i < 32; ++i) {
            if (ready()) return true;
            relax();
        }
    } while (Clock::now() < end);
    return ready();
}

/// What several threads run together; it lives on the caller's stack until nobody can reach it.
class Task {
public:
    virtual void run(int index) = 0;

    /// Keeps the first exception; the others are dropped.
    void capture() noexcept {
        if (!failed_.exchange(true)) error_ = std::current_exception();
    }
    bool failed() const noexcept { return failed_.load(std::memory_order_relaxed); }
    void rethrow() const {
        if (error_) std::rethrow_exception(error_);
    }

protected:
    ~Task() = default;

private:
    std::atomic<bool> failed_{false};
    std::exception_ptr error_;  // written by the winner of failed_, read after all have left
};

/// Polls for Ctrl-C, seldom, and stops the work by an error.
class Poll {
public:
    explicit Poll(Interruptible interruptible) : on_(interruptible == Interruptible::Yes) {
        if (on_) last_ = Clock::now();
    }
    void operator()() {
        if (!on_) return;
        const Clock::time_point now = Clock::now();
        if (now - last_ < kPollEvery) return;
        last_ = now;
        if (interrupted()) fail(ErrorKind::Python, "interrupted");
    }

private:
    const bool on_;
    Clock::time_point last_;
};

/// parallel_for's task: everybody claims batches of chunks until none is left.
class ChunkTask final : public Task {
public:
    ChunkTask(std::int64_t chunks, std::int64_t batch, Body body, Interruptible interruptible)
        : chunks_(chunks), batch_(batch), body_(body), interruptible_(interruptible) {}

    void run(int index) override {
        const InsideBody inside;
        Poll poll(index == 0 ? interruptible_ : Interruptible::No);
        try {
            while (!failed()) {
                const std::int64_t first = next_.fetch_add(batch_, std::memory_order_relaxed);
                if (first >= chunks_) return;
                body_(first, std::min(chunks_, first + batch_));
                poll();
            }
        } catch (...) {
            capture();
        }
    }

private:
    std::atomic<std::int64_t> next_{0};
    const std::int64_t chunks_;
    const std::int64_t batch_;
    const Body body_;
    const Interruptible interruptible_;
};

/// A gang's task: job i for thread i.
class GangTask final : public Task {
public:
    explicit GangTask(FunctionRef<void(int)> job) : job_(job) {}
    void run(int index) override {
        const InsideBody inside;
        try {
            job_(index);
        } catch (...) {
            capture();
        }
    }

private:
    const FunctionRef<void(int)> job_;
};

/// A worker's side of the pool; on cache lines of its own.
struct alignas(128) Worker {
    std::atomic<Task*> mail{nullptr};
    std::atomic<int> asleep{0};
    std::thread thread;
};

class Pool {
public:
    explicit Pool(Pool* abandoned) : abandoned_(abandoned) {}

    /// Makes the pool ours unless somebody uses it.
    bool try_acquire() noexcept {
        return !busy_.load(std::memory_order_relaxed) && !busy_.exchange(true, std::memory_order_acquire);
    }
    void leave() noexcept { busy_.store(false, std::memory_order_release); }

    /// Has `wanted` workers if the system grants them; says how many. Only for who acquired the pool.
    int prepare(int wanted);
    /// Hands the task to the workers 0 .. helpers-1, as indexes 1 .. helpers, and runs index 0 here.
    /// Where `steal`, tasks that no worker took in the meantime are taken back instead of waited for.
    void run(Task& task, int helpers, bool steal);
    void stop() noexcept;

private:
    void serve(int index);
    void finish_one() noexcept;

    std::atomic<bool> busy_{false};
    std::atomic<bool> stopping_{false};
    std::atomic<int> pending_{0};  ///< helpers of the current task that have not left it
    int started_ = 0;
    std::unique_ptr<Worker> workers_[kMostThreads];
    Pool* const abandoned_;  ///< the parent's pool in a child of fork(); kept reachable, never touched
};

std::atomic<Pool*> current_pool{nullptr};

int Pool::prepare(int wanted) {
    if (started_ >= wanted) return wanted;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all,
                    &before);  // a new thread inherits the mask: signals are the main thread's
    try {
        while (started_ < wanted) {
            workers_[started_] = std::make_unique<Worker>();
            workers_[started_]->thread = std::thread([this, index = started_] { serve(index); });
            ++started_;
        }
    } catch (const std::exception&) {
        workers_[started_].reset();  // no more threads to be had: fewer do the work
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return std::min(started_, wanted);
}

void Pool::serve(int index) {
    Worker& self = *workers_[index];
    auto called = [&] { return self.mail.load() != nullptr || stopping_.load(); };
    while (true) {
        while (!spin_until(called)) {
            self.asleep.store(1);
            if (!called()) self.asleep.wait(1);  // run() writes the mail before it reads `asleep`
            self.asleep.store(0);
        }
        Task* task = self.mail.exchange(nullptr);
        if (task != nullptr) {
            task->run(index + 1);
            finish_one();
        } else if (stopping_.load()) {
            return;
        }
    }
}

void Pool::finish_one() noexcept {
    // pending_ belongs to the pool, not to the task: the caller may already have gone when notify_one runs.
    if (pending_.fetch_sub(1) == 1) pending_.notify_one();
}

void Pool::run(Task& task, int helpers, bool steal) {
    pending_.store(helpers);
    for (int i = 0; i < helpers; ++i) {
        Worker& worker = *workers_[i];
        worker.mail.store(&task);
        if (worker.asleep.load() != 0) {
            worker.asleep.store(0);
            worker.asleep.notify_one();
        }
    }
    task.run(0);
    for (int i = 0; steal && i < helpers; ++i) {
        Task* expected = &task;
        if (workers_[i]->mail.compare_exchange_strong(expected, nullptr)) pending_.fetch_sub(1);
    }
    if (spin_until([&] { return pending_.load() == 0; })) return;
    for (int left = pending_.load(); left != 0; left = pending_.load()) pending_.wait(left);
}

void Pool::stop() noexcept {
    stopping_.store(true);
    for (int i = 0; i < started_; ++i) {
        workers_[i]->asleep.store(0);
        workers_[i]->asleep.notify_one();
        workers_[i]->thread.join();
    }
    started_ = 0;
}

/// At exit: whoever still uses the pool keeps it until the process is gone; else its workers end here, and
/// later calls run on their own thread because the pool stays acquired.
void stop_pool() {
    Pool* pool = current_pool.load();
    if (pool != nullptr && pool->try_acquire()) pool->stop();
}

/// In a child of fork() no worker lives: the pool is left behind, with whatever state it had, for a new one.
void renew_after_fork() {
    if (Pool* lost = current_pool.load(); lost != nullptr) current_pool.store(new Pool(lost));
}

Pool& pool() {
    static const bool made = [] {
        current_pool.store(new Pool(nullptr));
        pthread_atfork(nullptr, nullptr, renew_after_fork);
        std::atexit(stop_pool);
        return true;
    }();
    static_cast<void>(made);
    return *current_pool.load(std::memory_order_acquire);
}

/// Processors that this process may run on.
int allowed_processors() {
#ifdef __linux__
    // The set grows until the kernel's fits: machines may have more than the 1024 of cpu_set_t.
    for (int size = 1024; size <= 1 << 18; size *= 2) {
        cpu_set_t* set = CPU_ALLOC(static_cast<std::size_t>(size));
        const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(size));
        const bool known = sched_getaffinity(0, bytes, set) == 0;
        const int count = known ? CPU_COUNT_S(bytes, set) : 0;
        CPU_FREE(set);
        if (known && count > 0) return count;
    }
#endif
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

/// The number in an environment variable; 0 when there is none. OMP_NUM_THREADS may be a list: its first
/// counts.
int number_in(const char* variable) {
    const char* value = std::getenv(variable);
    return value == nullptr ? 0 : std::max(0, std::atoi(value));
}

std::atomic<int>& count_setting() {
    static std::atomic<int> count{default_thread_count()};
    return count;
}

void run_alone(std::int64_t chunks, Body body, Interruptible interruptible) {
    if (interruptible == Interruptible::No) return body(0, chunks);
    Poll poll(interruptible);
    for (std::int64_t i = 0; i < chunks; ++i) {
        body(i, i + 1);
        poll();
    }
}

}  // namespace

void parallel_for(std::int64_t chunks, Body body, Interruptible interruptible) {
    if (chunks <= 0) return;
    const int threads = static_cast<int>(std::min<std::int64_t>(chunks, thread_count()));
    // On a worker nobody may poll: Python's signals are its main thread's.
    if (inside_body) return body(0, chunks);
    if (threads == 1 || !pool().try_acquire()) {
        const InsideBody inside;
        return run_alone(chunks, body, interruptible);
    }
    Pool& ours = pool();
    // Batches keep claiming cheap and still leave 16 claims per thread to even out.
    const std::int64_t batch = std::max<std::int64_t>(1, chunks / (std::int64_t{16} * threads));
    ChunkTask task(chunks, batch, body, interruptible);
    ours.run(task, ours.prepare(threads - 1), true);
    ours.leave();
    task.rethrow();
}

Gang::Gang(int wanted) {
    wanted = std::min(wanted, thread_count());
    if (wanted <= 1 || inside_body || !pool().try_acquire()) return;
    pool_ = &pool();
    size_ = 1 + static_cast<Pool*>(pool_)->prepare(wanted - 1);
}

Gang::~Gang() {
    if (pool_ != nullptr) static_cast<Pool*>(pool_)->leave();
}

void Gang::run(int jobs, FunctionRef<void(int)> job) {
    check(jobs <= size_, "Gang: got ", jobs, " jobs for ", size_,
          " threads, each job needs a thread of its own");
    if (jobs <= 0) return;
    GangTask task(job);
    if (jobs == 1) {
        task.run(0);
    } else {
        static_cast<Pool*>(pool_)->run(task, jobs - 1, false);
    }
    task.rethrow();
}

int default_thread_count() {
    int count = allowed_processors();
    for (const int limit :
         {cgroup_cpu_limit(), number_in("OMP_NUM_THREADS"), number_in("TAPELESS_NUM_THREADS")}) {
        if (limit > 0) count = std::min(count, limit);
    }
    return std::clamp(count, 1, kMostThreads);
}

int thread_count() { return count_setting().load(std::memory_order_relaxed); }

void set_thread_count(int count) {
    if (count < 1) fail(ErrorKind::Runtime, "set_num_threads: got ", count, ", expected a positive integer");
    count_setting().store(std::min(count, kMostThreads), std::memory_order_relaxed);
}

bool inside_parallel() { return inside_body; }

}  // namespace tapeless
