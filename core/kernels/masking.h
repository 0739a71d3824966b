// Elements picked by a mask: taken out side by side, or written from elements that lie side by side.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tapeless {

/// How many of the `count` bytes of a mask are not 0.
std::int64_t count_marked(const bool* mask, std::int64_t count);
/// Copies the marked ones of `count` elements to `out`, one after another.
void take_marked(char* out, const char* x, std::size_t element, const bool* mask, std::int64_t count);
/// The reverse: the marked ones of `count` elements become `source`, one after another.
void put_marked(char* x, const char* source, std::size_t element, const bool* mask, std::int64_t count);

}  // namespace tapeless
