// The modes of this thread in one word: zero means the fast path, anything else the slow entry.
#pragma once

#include <cstdint>

namespace tapeless {

enum Mode : std::uint32_t {
    kNoGrad = 1 << 0,         ///< results are not recorded
    kInference = 1 << 1,      ///< results have neither versions nor graph
    kSavedHooks = 1 << 2,     ///< saved values go through pack and unpack
    kAnomaly = 1 << 3,        ///< check every gradient, keep tracebacks, run eagerly
    kDefaultDevice = 1 << 4,  ///< creation goes to another device
    kTorchFunction = 1 << 5,  ///< operand types are not asked to take over public functions
    kLevels = 1 << 6,         ///< inside jvp, vmap or grad of func
    kAutocast = 1 << 7,       ///< operations choose the dtype of their floating operands: see ops/autocast.h
};

/// To which dtype an operation converts its floating operands under autocast.
enum class Autocast : std::uint8_t { None, Lower, Float32, Widest };

struct Modes {
    std::uint32_t word = 0;
    bool has(Mode mode) const { return word & mode; }
    void set(Mode mode, bool on) { word = on ? word | mode : word & ~mode; }
};
// Initial-exec: read without a call even from a shared library.
[[gnu::tls_model("initial-exec")]] inline thread_local constinit Modes modes;

inline bool grad_enabled() { return !modes.has(kNoGrad); }

/// Sets one mode for a scope.
class ModeGuard {
public:
    ModeGuard(Mode mode, bool on) : before_(modes) { modes.set(mode, on); }
    ~ModeGuard() { modes = before_; }
    ModeGuard(const ModeGuard&) = delete;
    ModeGuard& operator=(const ModeGuard&) = delete;

private:
    Modes before_;
};

}  // namespace tapeless
