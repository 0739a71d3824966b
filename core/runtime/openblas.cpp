// Loads OpenBLAS with one thread and gives it ours: it asks for threads through a callback, which a Gang
// serves.
#include "runtime/openblas.h"

#include <dlfcn.h>
#ifdef __linux__
#include <sched.h>
#endif

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/threads.h"

namespace tapeless {
namespace {

struct Library {
    void* handle = nullptr;
    std::string prefix;  ///< of its symbols: "scipy_" in SciPy's builds
    OpenBlas functions;
    void (*set_threads)(int) = nullptr;
    std::string problem;
};

std::mutex loading;
std::string chosen_path;                       // guarded by `loading`
std::atomic<const Library*> library{nullptr};  // set once, found or not

thread_local Gang* product_gang = nullptr;  // the threads that this thread reserved for the running product

using Job = void (*)(int index, void* data, int extra);

/// OpenBLAS wants `jobs` jobs run that wait for one another, so each needs a thread of its own.
/// The reserved gang has them; a product that reserved none gets plain threads: slow, but it cannot hang.
void run_jobs(int, Job job, int jobs, std::size_t size, void* data, int extra) {
    auto one = [&](int i) { job(i, static_cast<char*>(data) + static_cast<std::size_t>(i) * size, extra); };
    if (product_gang != nullptr && jobs <= product_gang->size()) return product_gang->run(jobs, one);
    std::vector<std::thread> threads;
    for (int i = 1; i < jobs; ++i) threads.emplace_back(one, i);
    one(0);
    for (std::thread& thread : threads) thread.join();
}

template <class Function> void find(const Library& from, const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(from.handle, (from.prefix + name).c_str()));
}

/// While it lives this thread may run on one processor only: OpenBLAS counts processors so while it loads,
/// and starts a thread for each but one. (Its environment variable would do the same, but setenv races with
/// other threads' getenv.)
class OneProcessor {
public:
#ifdef __linux__
    OneProcessor() {
        const int here = sched_getcpu();
        known_ = here >= 0 && here < CPU_SETSIZE && sched_getaffinity(0, sizeof before_, &before_) == 0;
        if (!known_) return;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(static_cast<std::size_t>(here), &one);
        known_ = sched_setaffinity(0, sizeof one, &one) == 0;
    }
    ~OneProcessor() {
        if (known_) sched_setaffinity(0, sizeof before_, &before_);
    }

private:
    cpu_set_t before_;
    bool known_ = false;
#else
    OneProcessor() {}
    ~OneProcessor() {}
#endif
};

bool open(Library& result, const std::string& name) {
    const OneProcessor guard;
    result.handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (result.handle != nullptr) return true;
    const char* words = dlerror();
    result.problem += "\n  " + (words == nullptr ? name : std::string(words));
    return false;
}

/// Takes the functions; the library is of no use unless all are there.
bool bind(Library& result) {
    for (const char* prefix : {"scipy_", ""}) {
        result.prefix = prefix;
        find(result, "cblas_sgemm", result.functions.sgemm);
        find(result, "cblas_dgemm", result.functions.dgemm);
        find(result, "cblas_cgemm", result.functions.cgemm);
        find(result, "cblas_zgemm", result.functions.zgemm);
        find(result, "openblas_set_num_threads", result.set_threads);
        const OpenBlas& f = result.functions;
        if (f.sgemm && f.dgemm && f.cgemm && f.zgemm && result.set_threads) break;
        result.set_threads = nullptr;
    }
    if (result.set_threads == nullptr) return false;
    void (*set_callback)(void (*)(int, Job, int, std::size_t, void*, int)) = nullptr;
    find(result, "openblas_set_threads_callback_function", set_callback);
    if (set_callback != nullptr) set_callback(run_jobs);
    result.set_threads(1);
    return true;
}

const Library* load() {
    auto* result = new Library;
    std::vector<std::string> names;
    if (!chosen_path.empty()) names.push_back(chosen_path);
    if (const char* path = std::getenv("TAPELESS_OPENBLAS"); path != nullptr && *path != '\0')
        names.push_back(path);
    names.insert(names.end(), {"libscipy_openblas.so", "libopenblas.so.0"});
    for (const std::string& name : names) {
        if (!open(*result, name)) continue;
        if (bind(*result)) return result;
        result->problem += "\n  " + name + ": it lacks functions that OpenBLAS has";
        dlclose(result->handle);
        result->handle = nullptr;
    }
    return result;
}

const Library& loaded() {
    if (const Library* found = library.load(std::memory_order_acquire)) return *found;
    const std::lock_guard lock(loading);
    if (library.load(std::memory_order_relaxed) == nullptr) library.store(load(), std::memory_order_release);
    return *library.load(std::memory_order_relaxed);
}

}  // namespace

void set_openblas_path(const char* path) {
    const std::lock_guard lock(loading);
    chosen_path = path == nullptr ? "" : path;
}

const OpenBlas* openblas() {
    const Library& found = loaded();
    return found.handle == nullptr ? nullptr : &found.functions;
}

void* openblas_symbol(const char* name) {
    const Library& from = loaded();
    return from.handle == nullptr ? nullptr : dlsym(from.handle, (from.prefix + name).c_str());
}

bool openblas_loaded() {
    const Library* found = library.load(std::memory_order_acquire);
    return found != nullptr && found->handle != nullptr;
}

const std::string& openblas_problem() { return loaded().problem; }

void with_openblas_threads(int wanted, FunctionRef<void()> call) {
    const Library& found = loaded();
    Gang gang(wanted);
    if (gang.size() == 1 || found.handle == nullptr) return call();
    struct Restore {  // also when `call` throws
        const Library& library;
        ~Restore() {
            product_gang = nullptr;
            library.set_threads(1);
        }
    } restore{found};
    product_gang = &gang;
    found.set_threads(gang.size());
    call();
}

}  // namespace tapeless
