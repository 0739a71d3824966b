// The one thread pool: parallel_for over claimed chunks, and gangs of jobs that run at the same time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <type_traits>

namespace tapeless {

/// A reference to a callable; it owns nothing, so it must not outlive the callable.
template <class Signature> class FunctionRef;

template <class Result, class... Args> class FunctionRef<Result(Args...)> {
public:
    template <class F>
        requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef> && std::is_invocable_v<F&, Args...>)
    FunctionRef(F&& function)
        : object_(const_cast<void*>(static_cast<const void*>(std::addressof(function)))),
          call_([](void* object, Args... args) -> Result {
              return (*static_cast<std::remove_reference_t<F>*>(object))(args...);
          }) {}

    Result operator()(Args... args) const { return call_(object_, args...); }

private:
    void* object_;
    Result (*call_)(void*, Args...);
};

/// Works on the chunks first, ..., last - 1.
using Body = FunctionRef<void(std::int64_t first, std::int64_t last)>;

/// Whether Ctrl-C may stop the work between two chunks: only where a half-written result is thrown away.
enum class Interruptible { No, Yes };

/// Calls `body` so that each chunk of 0 .. chunks-1 is worked on once, by this thread and idle workers.
/// Runs on this thread alone when nested in another body or when another thread uses the pool.
/// The first exception of a body stops the claiming of chunks and is thrown here, after all have stopped.
void parallel_for(std::int64_t chunks, Body body, Interruptible interruptible = Interruptible::No);

/// Cuts 0 .. total-1 into blocks of `block` and calls `body(begin, end)` for each: the cut does not depend on
/// threads.
template <class F>
void parallel_blocks(std::int64_t total, std::int64_t block, F&& body,
                     Interruptible interruptible = Interruptible::No) {
    auto chunk = [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i) body(i * block, std::min(total, (i + 1) * block));
    };
    parallel_for((total + block - 1) / block, chunk, interruptible);
}

/// How many threads work at most, the caller included.
int thread_count();

/// Sets thread_count() for the calls that follow; at least 1, at most 256.
void set_thread_count(int count);

/// What thread_count() is at the start: affinity, cgroup quota, OMP_NUM_THREADS, TAPELESS_NUM_THREADS, the
/// least of them.
int default_thread_count();

/// True inside a body or a gang's job: what is called there runs on this thread alone.
bool inside_parallel();

/// Threads reserved for jobs that must all run at the same time because they wait for one another.
/// While it lives the pool is busy for everybody else. Its size is 1 where no worker is to be had.
class Gang {
public:
    explicit Gang(int wanted);
    ~Gang();
    Gang(const Gang&) = delete;
    Gang& operator=(const Gang&) = delete;

    /// Threads reserved, this one included.
    int size() const { return size_; }

    /// Runs job(0) .. job(jobs - 1), each on a thread of its own; `jobs` is at most size().
    void run(int jobs, FunctionRef<void(int)> job);

private:
    void* pool_ = nullptr;  ///< null when nothing was reserved
    int size_ = 1;
};

}  // namespace tapeless
