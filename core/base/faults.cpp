// The names of the faults that tests can plant, and the switch.
#include "base/faults.h"

namespace tapeless {

std::uint32_t planted_faults = 0;

const char* fault_name(int index) {
    static constexpr const char* kNames[] = {
        "write-shared",     "overwrite-shared",  "partial-drops-rest",   "view-as-whole",   "unexposed",
        "exposed-deferred", "overlap-unnoticed", "self-overlap-written", "log-forgets",     "log-spreads",
        "write-uncounted",  "data-counted",      "version-unchecked",    "view-stale",      "base-kept",
        "region-kept",      "creation-ignored",  "before-image-lost",    "gradient-shared", "hook-shared",
    };
    static_assert(sizeof(kNames) / sizeof(*kNames) == static_cast<int>(Fault::Count));
    return index < static_cast<int>(Fault::Count) ? kNames[index] : nullptr;
}

}  // namespace tapeless
