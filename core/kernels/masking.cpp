// Loops of masks: each block of elements knows from the counts of those before it where its part begins.
#include "kernels/masking.h"

#include <algorithm>
#include <vector>

#include "kernels/word.h"
#include "runtime/threads.h"

namespace tapeless {
namespace {

constexpr std::int64_t kBlock = 64 * 1024;

std::int64_t count_in(const bool* mask, std::int64_t begin, std::int64_t end) {
    std::int64_t marked = 0;
    while (begin < end) {  // Sums of bytes that fit into one, which the compiler packs.
        const std::int64_t last = std::min(end, begin + 128);
        std::uint8_t sum = 0;
        for (; begin < last; ++begin) sum = static_cast<std::uint8_t>(sum + mask[begin]);
        marked += sum;
    }
    return marked;
}

/// For each block, how many are marked before it; then all of them.
std::vector<std::int64_t> starts_of(const bool* mask, std::int64_t count) {
    std::vector<std::int64_t> starts(static_cast<std::size_t>((count + kBlock - 1) / kBlock) + 1);
    parallel_blocks(count, kBlock, [&](std::int64_t begin, std::int64_t end) {
        starts[static_cast<std::size_t>(begin / kBlock) + 1] = count_in(mask, begin, end);
    });
    for (std::size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
    return starts;
}

/// Calls f with the type of a word, then for each block with its range and where its part begins.
template <class F> void for_marked(std::size_t element, const bool* mask, std::int64_t count, F&& f) {
    const std::vector<std::int64_t> starts = starts_of(mask, count);
    with_word(element, [&](auto type) {
        parallel_blocks(count, kBlock, [&](std::int64_t begin, std::int64_t end) {
            f(type, begin, end, starts[static_cast<std::size_t>(begin / kBlock)]);
        });
    });
}

}  // namespace

std::int64_t count_marked(const bool* mask, std::int64_t count) { return starts_of(mask, count).back(); }

void take_marked(char* out, const char* x, std::size_t element, const bool* mask, std::int64_t count) {
    for_marked(element, mask, count,
               [&]<class T>(Type<T>, std::int64_t begin, std::int64_t end, std::int64_t start) {
                   T* to = reinterpret_cast<T*>(out) + start;
                   const T* from = reinterpret_cast<const T*>(x);
                   for (std::int64_t i = begin; i < end; ++i) {
                       if (mask[i]) *to++ = from[i];
                   }
               });
}

void put_marked(char* x, const char* source, std::size_t element, const bool* mask, std::int64_t count) {
    for_marked(element, mask, count,
               [&]<class T>(Type<T>, std::int64_t begin, std::int64_t end, std::int64_t start) {
                   T* to = reinterpret_cast<T*>(x);
                   const T* from = reinterpret_cast<const T*>(source) + start;
                   for (std::int64_t i = begin; i < end; ++i) {
                       if (mask[i]) to[i] = *from++;
                   }
               });
}

}  // namespace tapeless
