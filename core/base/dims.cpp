// Printing and multiplying short lists of sizes.
#include "base/dims.h"

#include <ostream>

#include "base/error.h"

namespace tapeless {

std::string to_string(const Dims& dims) {
    std::string out = "[";
    for (int i = 0; i < dims.size(); ++i) out += (i ? ", " : "") + std::to_string(dims[i]);
    return out + "]";
}

std::ostream& operator<<(std::ostream& stream, const Dims& dims) { return stream << to_string(dims); }

std::int64_t product(const Dims& sizes) {
    std::int64_t total = 1;
    bool overflow = false;
    for (std::int64_t size : sizes) overflow |= __builtin_mul_overflow(total, size, &total);
    if (overflow && std::find(sizes.begin(), sizes.end(), 0) != sizes.end()) return 0;
    if (!overflow) return total;
    fail(ErrorKind::Runtime, "numel: integer multiplication overflow: sizes ", to_string(sizes),
         " hold more elements than 2^63 - 1");
}

}  // namespace tapeless
