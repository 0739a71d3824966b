// What the C++ tests share: counted expectations, skips with their reason, children of fork().
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <string>

#include "base/error.h"

#if defined(__SANITIZE_THREAD__)
constexpr bool kThreadSanitizer = true;
#else
constexpr bool kThreadSanitizer = false;
#endif
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kAddressSanitizer = true;
#else
constexpr bool kAddressSanitizer = false;
#endif

namespace tapeless::testing {

inline std::atomic<int> passed{0}, failed{0};

/// Counts a promise as kept or broken; a broken one is printed.
inline void expect(bool condition, const std::string& promise) {
    ++(condition ? passed : failed);
    if (!condition) std::printf("FAILED: %s\n", promise.c_str());
}

inline void skipped(const char* what, const char* why) { std::printf("skipped: %s (%s)\n", what, why); }

/// The message of the Error that `function` throws, if it is of that kind.
template <class F> std::string error_of(ErrorKind kind, F&& function) {
    try {
        function();
    } catch (const Error& error) {
        return error.kind() == kind ? error.message() : "wrong kind: " + error.message();
    }
    return "no error";
}

/// Runs `body` in a child of fork(); true when it returns true within 60 s.
template <class F> bool in_child(F&& body) {
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);  // a child that hangs must not hang the test
        _exit(body() ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// Prints the count; the exit status of the program.
inline int summary() {
    std::printf("%d passed, %d failed\n", passed.load(), failed.load());
    return failed == 0 ? 0 : 1;
}

}  // namespace tapeless::testing
