// Maps that are linear along each of the last dimensions: every output is a weighted sum of a few inputs.
#pragma once

#include <cstdint>
#include <vector>

#include "base/dtype.h"

namespace tapeless {

/// One dimension's map from `from` elements: output i is the sum of weight[k] * input[index[k]], k from starts[i] to
/// starts[i + 1]. Without weights all are 1.
struct Taps {
    std::int64_t from = 0;
    std::vector<std::int64_t> starts{0}, index;
    std::vector<double> weight;

    std::int64_t count() const { return static_cast<std::int64_t>(starts.size()) - 1; }
    /// Ends an output after the taps that were added for it.
    void close() { starts.push_back(static_cast<std::int64_t>(index.size())); }
    bool is_identity() const;
    /// Whether every output is one input, or none.
    bool copies() const;
    Taps transposed() const;
};

/// out = in with every dimension of `dims`, its last ones, mapped; `planes` counts what is before them. Where every
/// dimension copies; an output without an input is `fill`.
void copy_taps(std::size_t element, const char* in, char* out, std::int64_t planes,
               const std::vector<Taps>& dims, const char* fill);
/// The same for any taps, added up in compute_type(dtype); integers in int64. `inner` elements lie behind the dimensions.
void sum_taps(DType dtype, const char* in, char* out, std::int64_t planes, const std::vector<Taps>& dims,
              std::int64_t inner = 1);

}  // namespace tapeless
