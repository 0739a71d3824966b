// How a long kernel learns that the user pressed Ctrl-C; the bindings install the check.
#pragma once

#include <atomic>

namespace tapeless {

/// Returns true when work must stop; it has then set the Python error that ErrorKind::Python carries on.
using InterruptCheck = bool (*)();

namespace detail {
inline std::atomic<InterruptCheck> interrupt_check{nullptr};
}

inline void set_interrupt_check(InterruptCheck check) {
    detail::interrupt_check.store(check, std::memory_order_release);
}

/// Polled by long kernels, on the thread that called them and never on a worker.
inline bool interrupted() {
    const InterruptCheck check = detail::interrupt_check.load(std::memory_order_acquire);
    return check != nullptr && check();
}

}  // namespace tapeless
