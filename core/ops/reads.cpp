// weighted_reads: what grid_sampler's interpolations are sums of; kernels for values and first gradients, gather and
// scatter_add for further ones.
#include "kernels/reads.h"

#include "ops/fresh.h"
#include "ops/indexing.h"
#include "ops/levels.h"
#include "ops/operation.h"

namespace tapeless {
namespace {

/// How many elements the dimensions behind the first two hold.
std::int64_t behind_two(const Tensor& x) {
    std::int64_t count = 1;
    for (int d = 2; d < x->dim(); ++d) count *= x->sizes[d];
    return count;
}

/// These first two sizes, and behind them those of `like`.
Dims sizes_behind(std::int64_t first, std::int64_t second, const Tensor& like) {
    Dims sizes{first, second};
    for (int d = 2; d < like->dim(); ++d) sizes.push_back(like->sizes[d]);
    return sizes;
}

/// x is [N, C, elements...], places and weights [N, taps, points...], these two row-major.
Reads reads_of(const Tensor& x, const Tensor& places, const Tensor& weights) {
    return {x->dtype,
            x->sizes[0],
            x->sizes[1],
            behind_two(x),
            weights->sizes[1],
            behind_two(weights),
            data<std::int64_t>(*places),
            data(*weights)};
}

struct WeightedReads {
    static constexpr const char* node = "WeightedReadsBackward0";
    static constexpr const char* const saved_names[] = {"self", "places", "weights"};

    static Tensor forward(const Tensor& x, const Tensor& places, const Tensor& weights) {
        const Tensor out = fresh(sizes_behind(x->sizes[0], x->sizes[1], weights), x->dtype, x->device);
        const Tensor image = row_major(x), at = row_major(places), scale = row_major(weights);
        if (on_cpu(x) && out->numel > 0) {
            weighted_reads(reads_of(x, at, scale), data(*image), mutable_data(*out));
        }
        return out;
    }

    /// Both gradients as operations that are recorded themselves, in float64: slopes of interpolations are small
    /// differences of sums.
    static void recorded(const Tensor& narrow_x, const Tensor& places, const Tensor& narrow_weights,
                         const Tensor& narrow_g, Node& of, Gradients out) {
        const Tensor x = to_dtype(narrow_x, DType::Float64), g = to_dtype(narrow_g, DType::Float64);
        const Tensor weights = to_dtype(narrow_weights, DType::Float64);
        const std::int64_t images = x->sizes[0], channels = x->sizes[1], taps = weights->sizes[1];
        const std::int64_t points = behind_two(weights);
        const Tensor at = reshape(places, {images, 1, taps * points});
        const Tensor inside = apply(row("ge"), at, Scalar(0));
        const Dims each{images, channels, taps * points};
        const Tensor index = expand(apply(row("clamp_min"), at, Scalar(0)), each);
        const Tensor slope = reshape(g, {images, channels, 1, points});
        if (of.needs(0)) {
            const Tensor shares = reshape(weights, {images, 1, taps, points});
            const Tensor parts = reshape(apply(row("mul"), slope, shares), each);
            const Tensor kept = apply(row("where"), inside, parts, Scalar(0.0));
            const Tensor zeros = full({images, channels, behind_two(x)}, Scalar(0.0), g->dtype, g->device);
            out[0] = to_dtype(reshape(scatter_add(zeros, 2, index, kept), x->sizes), narrow_x->dtype);
        }
        if (of.needs(1)) {
            const Tensor read = gather(reshape(x, {images, channels, behind_two(x)}), 2, index);
            const Tensor kept =
                reshape(apply(row("where"), inside, read, Scalar(0.0)), {images, channels, taps, points});
            const Tensor sums = sum(apply(row("mul"), kept, slope), {1}, false);
            out[1] = to_dtype(reshape(sums, weights->sizes), narrow_x->dtype);
        }
    }

    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor x = unpack(of.saved[0], of), places = unpack(of.saved[1], of),
                     weights = unpack(of.saved[2], of);
        if (grad_enabled() || deepest({&x, &weights, &in[0]}) || x->numel == 0 || weights->numel == 0) {
            recorded(x, places, weights, in[0], of, out);
            return;
        }
        const Tensor image = row_major(x), at = row_major(places), scale = row_major(weights),
                     g = row_major(in[0]);
        const Reads reads = reads_of(x, at, scale);
        if (of.needs(0)) {
            out[0] = fresh(x->sizes, x->dtype, x->device);
            if (on_cpu(x)) add_weighted(reads, data(*g), mutable_data(*out[0]));
        }
        if (of.needs(1)) {
            out[1] = fresh(weights->sizes, weights->dtype, weights->device);
            if (on_cpu(x)) read_products(reads, data(*image), data(*g), mutable_data(*out[1]));
        }
    }
};

Tensor weighted_reads_of(const Tensor& x, const Tensor& places, const Tensor& weights);

/// All examples as one longer batch of images; tangents through each of the two factors.
Tensor reads_at_level(int wrapped, const Tensor& x, const Tensor& places, const Tensor& weights) {
    const Held held(wrapped, {x, places, weights});
    if (held.kind == Level::Kind::Batched) {
        auto folded = [&](std::size_t i) {
            const Tensor whole = held.whole(i);
            Dims sizes(whole->sizes.data() + 1, whole->dim() - 1);
            sizes[0] *= whole->sizes[0];
            return reshape(whole, sizes);
        };
        const Tensor out = weighted_reads_of(folded(0), folded(1), folded(2));
        Dims sizes = sizes_behind(x->sizes[0], out->sizes[1], out);
        sizes.insert(0, held.examples);
        return batched(held.depth, reshape(out, sizes));
    }
    const std::vector<Tensor>& values = held.values;
    const Tensor out = weighted_reads_of(values[0], values[1], values[2]);
    Tensor tangent;
    if (held.own[0]) tangent = weighted_reads_of(held.tangent(0), values[1], values[2]);
    if (held.own[2]) {
        const Tensor more = weighted_reads_of(values[0], values[1], held.tangent(2));
        tangent = tangent ? apply(row("add"), tangent, more) : more;
    }
    return tangent ? dual(held.depth, out, tangent) : out;
}

Tensor weighted_reads_of(const Tensor& x, const Tensor& places, const Tensor& weights) {
    check(x->dim() >= 2 && weights->dim() >= 2 && places->sizes == weights->sizes &&
              x->sizes[0] == weights->sizes[0] && x->dtype == weights->dtype &&
              places->dtype == DType::Int64 && (x->dtype == DType::Float32 || x->dtype == DType::Float64),
          "weighted_reads: elements [N, C, ...] and int64 places and weights [N, taps, ...] are needed");
    check_devices("weighted_reads", {&x, &places, &weights});
    Tensor out;
    if (const int wrapped = deepest({&x, &places, &weights})) {
        out = reads_at_level(wrapped, x, places, weights);
    } else {
        const ModeGuard quiet(kNoGrad, true);
        out = WeightedReads::forward(x, places, weights);
    }
    if (!needs_record({&x, &weights})) return out;
    const Ref<Node> node = record(out, {&x, &weights}, WeightedReads(), 3);
    save(node->saved[0], x);
    save(node->saved[1], places);
    save(node->saved[2], weights);
    return out;
}

const Offer offer(
    Offer::KnowsLevels{},
    {
        operation<&weighted_reads_of>(
            "weighted_reads", "input, places, weights",
            "Sums [N, C, points...] over taps of weights times the elements of [N, C, ...] at places, both "
            "[N, taps, points...]; below 0 is outside and reads 0. Derivative: g times the weights, added at "
            "the "
            "places, and the sums over channels of g times what was read.",
            Offered::Nn),
    });

}  // namespace
}  // namespace tapeless
