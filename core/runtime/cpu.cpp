// Asks the processor what it can do.
#include "runtime/cpu.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>

#include "base/error.h"

namespace tapeless {
namespace {

Isa detect() {
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
                    __builtin_cpu_supports("f16c") && __builtin_cpu_supports("lzcnt");
    const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512vl");
    return v4 ? Isa::V4 : v3 ? Isa::V3 : Isa::V2;
#else
    return Isa::V2;
#endif
}

Isa choose() {
    const Isa have = detect();
    const char* asked = std::getenv("TAPELESS_ISA");
    if (asked == nullptr || *asked == '\0') return have;
    const std::string level(asked);
    const bool known = level == "v2" || level == "v3" || level == "v4";
    if (!known)
        fail(ErrorKind::Value, "TAPELESS_ISA: got '", level,
             "', it must be v2, v3 or v4; unset it to detect");
    const Isa wanted = level == "v2" ? Isa::V2 : level == "v3" ? Isa::V3 : Isa::V4;
    return wanted < have ? wanted : have;
}

/// Sizes as Linux prints them: "1024K", "32M".
std::size_t parse_size(const std::string& text) {
    char* unit = nullptr;
    const std::size_t number = std::strtoull(text.c_str(), &unit, 10);
    return *unit == 'K' ? number << 10 : *unit == 'M' ? number << 20 : number;
}

std::size_t detect_last_level_cache() {
    std::size_t largest = 0;
    for (int index = 0; index < 8; ++index) {
        std::ifstream file("/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/size");
        std::string size;
        if (!(file >> size)) break;
        largest = std::max(largest, parse_size(size));
    }
#ifdef _SC_LEVEL3_CACHE_SIZE
    if (largest == 0) largest = static_cast<std::size_t>(std::max(0L, sysconf(_SC_LEVEL3_CACHE_SIZE)));
#endif
    constexpr std::size_t guess = std::size_t{8} << 20;
    return largest == 0 ? guess : largest;
}

}  // namespace

Isa isa() {
    static const Isa level = choose();
    return level;
}

std::size_t last_level_cache() {
    static const std::size_t bytes = detect_last_level_cache();
    return bytes;
}

}  // namespace tapeless
