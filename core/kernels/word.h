// Elements as words: what only moves them is compiled once for each size, not once for each dtype.
#pragma once

#include "base/dtype.h"

namespace tapeless {

/// As many bytes as an element has, aligned as it is.
template <std::size_t Bytes> struct Word {
    alignas(Bytes > 8 ? 8 : Bytes) char bytes[Bytes];
};

template <class F> void with_word(std::size_t bytes, F&& f) {
    switch (bytes) {
        case 1:
            return f(Type<Word<1>>{});
        case 2:
            return f(Type<Word<2>>{});
        case 4:
            return f(Type<Word<4>>{});
        case 8:
            return f(Type<Word<8>>{});
        default:
            return f(Type<Word<16>>{});
    }
}

}  // namespace tapeless
