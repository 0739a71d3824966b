// bincount and histograms: how many elements, or how much of their weight, fall into each bin.
#include <algorithm>

#include "kernels/search.h"
#include "ops/fresh.h"
#include "ops/operation.h"
#include "ops/underived.h"

namespace tapeless {
namespace {

void check_counted(const Tensor& x) {
    if (x->dtype != DType::Bool && is_integral(x->dtype)) return;
    fail(ErrorKind::NotImplemented, "\"bincount_cpu\" not implemented for '", facts(x->dtype).legacy_name,
         "': it counts integers; convert with .long()");
}

Tensor bincount(const Tensor& x, std::optional<Tensor> given, std::int64_t minlength) {
    check_counted(x);
    check(minlength >= 0, "minlength should be >= 0, but it is ", minlength);
    check(x->dim() == 1, "bincount only supports 1-d non-negative integral inputs.");
    if (x->numel == 0) return marked(full({minlength}, Scalar(0), DType::Int64, x->device));
    const Tensor index = row_major(converted(x, DType::Int64));
    const std::int64_t* at = data<std::int64_t>(*index);
    const auto [least, most] = std::minmax_element(at, at + index->numel);
    check(*least >= 0, "bincount only supports 1-d non-negative integral inputs.");
    const std::int64_t size = std::max(*most + 1, minlength);
    if (!given) {
        const Tensor out = full({size}, Scalar(0), DType::Int64, x->device);
        count_into(at, index->numel, mutable_data<std::int64_t>(*out));
        return marked(out);
    }
    check((*given)->dim() == 1 && (*given)->numel == x->numel,
          "weights should be 1-d and have the same length as input");
    const DType dtype = (*given)->dtype == DType::Float32 ? DType::Float32 : DType::Float64;
    const Tensor weights = row_major(converted(*given, dtype));
    const Tensor out = marked(full({size}, Scalar(0), dtype, x->device));
    add_into(dtype, at, index->numel, data<void>(*weights), mutable_data<void>(*out));
    refuse_gradients("bincount", {&x, &*given}, {out});
    return out;
}

/// Bins along one tensor of edges each; the points are the rows of x's last dimension.
Tensor binned(const Tensor& x, const std::vector<Tensor>& edges, const Tensor& weight, Binning binning) {
    const Tensor points = row_major(x), weights = weight ? row_major(weight) : Tensor();
    std::vector<Tensor> held;
    std::vector<Axis> axes;
    Dims sizes;
    for (const Tensor& each : edges) {
        held.push_back(row_major(each));
        axes.push_back({data<void>(*held.back()), each->numel});
        sizes.push_back(each->numel - 1);
    }
    const Tensor out = fresh(sizes, x->dtype, x->device);
    histogram(x->dtype, data<void>(*points), x->numel / static_cast<std::int64_t>(edges.size()), axes,
              weights ? data<void>(*weights) : nullptr, binning, mutable_data<void>(*out));
    return out;
}

/// What a histogram would be if its integral were 1.
Tensor density_of(const Tensor& counts, const std::vector<Tensor>& edges) {
    Tensor out = apply(row("div"), counts, sum(counts, {}, false));
    for (std::size_t d = 0; d < edges.size(); ++d) {
        const std::int64_t bins = edges[d]->numel - 1;
        Dims along(static_cast<int>(edges.size()), 1);
        along[static_cast<int>(d)] = bins;
        const Tensor widths =
            apply(row("sub"), slice(edges[d], 0, 1, bins + 1, 1), slice(edges[d], 0, 0, bins, 1));
        out = apply(row("div"), out, reshape(widths, along));
    }
    return out;
}

Tensor histc(const Tensor& x, const Tensor& edges) {
    const Tensor flat = row_major(x);
    return binned(tensor_of(flat->storage, {x->numel, 1}, {1, 1}, flat->offset, x->dtype), {edges}, {},
                  Binning::Linear);
}

std::vector<Tensor> histogramdd(const Tensor& x, const std::vector<Tensor>& edges,
                                std::optional<Tensor> weight, bool density, bool even,
                                std::string operation) {
    const Tensor weights = weight.value_or(Tensor());
    std::vector<Tensor> results;
    {
        const ModeGuard quiet(kNoGrad, true);
        const Tensor counts = binned(x, edges, weights, even ? Binning::Near : Binning::Search);
        results.push_back(density ? density_of(counts, edges) : counts);
    }
    results.insert(results.end(), edges.begin(), edges.end());
    const bool of_points = operation == "histogram";
    // Edges that were given to histogramdd stay what they are.
    const std::vector<Tensor> made = even || of_points ? results : std::vector<Tensor>{results[0]};
    refuse_gradients(of_points ? "histogram" : "histogramdd", {&x, &weights}, made);
    return results;
}

const Offer offer({
    operation<&bincount>(
        "bincount", "input, weights=None, minlength=0",
        "How often each of 0, 1, ..., max(input) occurs in a vector of non-negative integers, at least "
        "minlength "
        "counts in int64; or the sum of the weights where it occurs, in float32 for float32 weights, else in "
        "float64. No derivative."),
    operation<&histc>(
        "_histc", "input, edges",
        "Counts of the elements in even bins between the first and the last of the edges. No derivative.",
        Offered::Function),
    operation<&histogramdd>(
        "_histogramdd", "input, edges, weight=None, density=False, even=False, operation='histogramdd'",
        "Counts, or sums of weights, of the points in input's last dimension, and the edges. No derivative.",
        Offered::Function),
});

}  // namespace
}  // namespace tapeless
