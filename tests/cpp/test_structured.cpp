// Promises of products, indexing, joining and extremes: values against naive loops, gradients of both orders against
// differences, names of nodes, messages. The seed of the random values is printed with every failure of a gradient.
#include <array>
#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "autograd/engine.h"
#include "expect.h"
#include "ops/extremes.h"
#include "ops/indexing.h"
#include "ops/joining.h"
#include "ops/products.h"
#include "ops/structured.h"

namespace {

using namespace tapeless;
using namespace tapeless::testing;
using std::int64_t;
using Tensors = std::vector<Tensor>;
using Function = std::function<Tensor(const Tensors&)>;

constexpr unsigned kSeed = 20240611;
std::minstd_rand generator(kSeed);

Tensor make(const Dims& sizes, DType dtype, const std::vector<double>& values) {
    const Tensor out = empty(sizes, dtype);
    visit(dtype, [&]<class T>(Type<T>) {
        T* to = mutable_data<T>(*out);
        for (std::size_t i = 0; i < values.size(); ++i) to[i] = convert<T>(values[i]);
    });
    return out;
}
Tensor longs(const Dims& sizes, const std::vector<double>& values) {
    return make(sizes, DType::Int64, values);
}

Tensor draw(const Dims& sizes, DType dtype = DType::Float64) {
    std::vector<double> values(static_cast<std::size_t>(product(sizes)));
    for (double& value : values)
        value = static_cast<double>(static_cast<int>(generator() % 2001) - 1000) / 500;
    return make(sizes, dtype, values);
}

std::vector<double> numbers(const Tensor& x) {
    const ModeGuard quiet(kNoGrad, true);
    const Tensor dense = to_dtype(contiguous(x), DType::Float64);
    const double* from = data<double>(*dense);
    return {from, from + dense->numel};
}

Tensor leaf(const Tensor& x) {
    const Tensor out = alias(x);
    set_requires_grad(out, true);
    return out;
}

double weighted(const Tensor& x, const std::vector<double>& weights) {
    const std::vector<double> values = numbers(x);
    double total = 0;
    for (std::size_t i = 0; i < values.size(); ++i) total += values[i] * weights[i];
    return total;
}

Tensors gradients(const Tensor& out, const Tensor& g, const Tensors& inputs, bool create_graph) {
    BackwardOptions options;
    options.keep_graph = options.create_graph = create_graph;
    for (const Tensor& x : inputs) options.inputs.push_back(gradient_edge(x));
    Tensors found = run_backward({gradient_edge(out)}, {g}, options);
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (!found[i]) found[i] = full(inputs[i]->sizes, Scalar(0), inputs[i]->dtype);
    }
    return found;
}

/// Compares f's derivatives with central differences; f must be smooth there.
bool agrees(const Function& f, const Tensors& points) {
    Tensors inputs;
    for (const Tensor& x : points) inputs.push_back(leaf(x));
    const Tensor out = f(inputs), g = draw(out->sizes);
    if (!requires_grad(out)) return false;
    const std::vector<double> weights = numbers(g);
    const Tensors found = gradients(out, g, inputs, false);
    constexpr double h = 1e-5;
    for (std::size_t k = 0; k < points.size(); ++k) {
        const std::vector<double> values = numbers(points[k]), given = numbers(found[k]);
        if (given.size() != values.size()) return false;
        for (std::size_t i = 0; i < values.size(); ++i) {
            auto at = [&](double delta) {
                std::vector<double> moved = values;
                moved[i] += delta;
                Tensors shifted = inputs;
                shifted[k] = leaf(make(points[k]->sizes, DType::Float64, moved));
                return weighted(f(shifted), weights);
            };
            const double expected = (at(h) - at(-h)) / (2 * h);
            if (!(std::abs(expected - given[i]) <= 1e-6 * (1 + std::abs(expected)))) return false;
        }
    }
    return true;
}

/// Both orders: the second is the first of the gradient, seen as a function of inputs and of g.
void expect_gradients(const std::string& name, const Function& f, const Tensors& points) {
    const std::string seed = " (seed " + std::to_string(kSeed) + ")";
    expect(agrees(f, points), name + ": the gradient agrees with differences" + seed);
    const Tensor g = draw(f(points)->sizes);
    const Function gradient = [&](const Tensors& inputs) {
        const Tensors own(inputs.begin(), inputs.end() - 1);
        const Tensors found = gradients(f(own), inputs.back(), own, true);
        Tensor total;
        for (const Tensor& one : found) {
            const Tensor part = sum(apply(row("mul"), one, one), {}, false);
            total = total ? apply(row("add"), total, part) : part;
        }
        return total;
    };
    Tensors all = points;
    all.push_back(g);
    expect(agrees(gradient, all), name + ": so does the second derivative" + seed);
}

/// The names of the nodes behind x, as "Mm(View, -)"; leaves are "A".
std::string graph(Node* node, int depth = 4) {
    if (!node) return "-";
    if (node->cls == accumulate_class) return "A";
    std::string name = node->cls->name;
    const std::size_t at = name.find("Backward");
    if (at != std::string::npos) name.erase(at, 8);
    if (node->edge_count == 0 || depth == 0) return name;  // Deeper is not shown.
    name += "(";
    for (int i = 0; i < node->edge_count; ++i)
        name += (i ? "," : "") + graph(node->edges[i].node.get(), depth - 1);
    return name + ")";
}
std::string graph(const Tensor& x) { return graph(grad_fn(x)); }

void expect_values(const std::string& name, const Tensor& x, const Dims& sizes,
                   const std::vector<double>& values) {
    expect(x->sizes == sizes, name + ": sizes " + to_string(x->sizes));
    const std::vector<double> found = numbers(x);
    bool same = found.size() == values.size();
    for (std::size_t i = 0; same && i < values.size(); ++i) {
        same = found[i] == values[i] || (found[i] != found[i] && values[i] != values[i]);
    }
    std::string text;
    for (double value : found) text += " " + std::to_string(value);
    expect(same, name + ": values" + text);
}

// Products.

/// The product of matrices given by values, in doubles.
std::vector<double> naive(const std::vector<double>& x, const std::vector<double>& y, int64_t m, int64_t k,
                          int64_t n) {
    std::vector<double> out(static_cast<std::size_t>(m * n));
    for (int64_t i = 0; i < m; ++i) {
        for (int64_t p = 0; p < k; ++p) {
            for (int64_t j = 0; j < n; ++j) {
                out[static_cast<std::size_t>(i * n + j)] +=
                    x[static_cast<std::size_t>(i * k + p)] * y[static_cast<std::size_t>(p * n + j)];
            }
        }
    }
    return out;
}

/// Operands as they may lie in memory: row-major, transposed, with gaps, expanded.
Tensors layouts(int64_t m, int64_t n, DType dtype) {
    Tensors out = {draw({m, n}, dtype),
                   transpose(draw({n, m}, dtype), 0, 1),
                   slice(draw({m, 2 * n}, dtype), 1, 0, 2 * n, 2),
                   expand(draw({1, n}, dtype), {m, n}),
                   slice(draw({m, n + 3}, dtype), 1, 2, n + 2, 1),
                   expand(draw({m, 1}, dtype), {m, n})};
    return out;
}

void products_of_any_layout() {
    for (const DType dtype : {DType::Float64, DType::Float32, DType::Int32, DType::Int8, DType::Float16}) {
        const double tolerance = dtype == DType::Float64 ? 1e-12 : dtype == DType::Float32 ? 1e-5 : 5e-3;
        for (const auto& [m, k, n] :
             std::vector<std::array<int64_t, 3>>{{3, 4, 5}, {1, 4, 3}, {3, 1, 1}, {1, 1, 1}, {4, 0, 3}}) {
            for (const Tensor& x : layouts(m, k, dtype)) {
                for (const Tensor& y : layouts(k, n, dtype)) {
                    const Tensor out = mm(x, y);
                    const std::vector<double> expected = naive(numbers(x), numbers(y), m, k, n),
                                              found = numbers(out);
                    bool close = out->contiguous && out->dtype == dtype && out->sizes == Dims{m, n};
                    for (std::size_t i = 0; close && i < found.size(); ++i) {
                        close = std::abs(found[i] - expected[i]) <= tolerance * (1 + std::abs(expected[i]));
                    }
                    expect(close,
                           text("mm of ", facts(dtype).name, " ", m, "x", k, "x", n, " in any layout"));
                }
            }
        }
    }
}

void matmul_names_its_parts_as_pytorch() {
    struct Case {
        Dims x, y;
        const char* names;
    };
    const std::vector<Case> cases = {
        {{3}, {3}, "Dot0(A,A)"},
        {{2, 3}, {3}, "Mv0(A,A)"},
        {{3}, {3, 2}, "Squeeze4(Mm0(Unsqueeze0(A),A))"},
        {{2, 3}, {3, 4}, "Mm0(A,A)"},
        {{5, 2, 3}, {3, 4}, "UnsafeView0(Mm0(View0(A),A))"},
        {{5, 2, 3}, {3}, "UnsafeView0(Mv0(View0(A),A))"},
        {{5, 2, 3}, {5, 3, 4}, "UnsafeView0(Bmm0(View0(Expand0(A)),View0(Expand0(A))))"},
        {{5, 2, 3}, {1, 3, 4}, "UnsafeView0(Mm0(View0(A),Squeeze1(A)))"},
        {{6, 5, 2, 3}, {3, 4}, "UnsafeView0(Mm0(View0(A),A))"},
        {{3}, {5, 3, 4}, "UnsafeView0(Mv0(UnsafeView0(Clone0(Transpose0)),A))"},
        {{2, 3}, {5, 3, 4}, "Clone0(Transpose0(UnsafeView0(Mm0(UnsafeView0,T0))))"},
    };
    for (const Case& one : cases) {
        const Tensor out = matmul(leaf(draw(one.x)), leaf(draw(one.y)));
        const std::string names = graph(out);
        expect(names == one.names,
               text("matmul ", to_string(one.x), " ", to_string(one.y), " is ", one.names, ": ", names));
    }
}

void gradients_of_products() {
    auto two = [](Tensor (*f)(const Tensor&, const Tensor&)) {
        return [f](const Tensors& in) { return f(in[0], in[1]); };
    };
    const std::vector<std::pair<Dims, Dims>> shapes = {{{3}, {3}},
                                                       {{2, 3}, {3}},
                                                       {{3}, {3, 2}},
                                                       {{2, 3}, {3, 2}},
                                                       {{2, 2, 3}, {3, 2}},
                                                       {{2, 2, 3}, {3}},
                                                       {{2, 3}, {2, 3, 2}},
                                                       {{3}, {2, 3, 2}},
                                                       {{2, 2, 3}, {2, 3, 2}},
                                                       {{2, 1, 2, 3}, {2, 3, 1}},
                                                       {{1, 2, 3}, {2, 3, 2}}};
    for (const auto& [x, y] : shapes) {
        expect_gradients(text("matmul ", to_string(x), " ", to_string(y)), two(&matmul), {draw(x), draw(y)});
    }
    expect_gradients("mm of transposed operands", [](const Tensors& in) { return mm(t(in[0]), t(in[1])); },
                     {draw({3, 2}), draw({2, 3})});
    expect_gradients("addmm",
                     [](const Tensors& in) { return addmm(in[0], in[1], in[2], Scalar(3.0), Scalar(0.5)); },
                     {draw({2}), draw({3, 2}), draw({2, 2})});
    expect_gradients("baddbmm",
                     [](const Tensors& in) { return baddbmm(in[0], in[1], in[2], Scalar(3.0), Scalar(0.5)); },
                     {draw({2, 1}), draw({2, 2, 3}), draw({2, 3, 2})});
}

void addmm_ignores_its_input_when_beta_is_zero() {
    const Tensor nan = make({2}, DType::Float32, {NAN, NAN});
    const Tensor x = make({1, 1}, DType::Float32, {2}), y = make({1, 2}, DType::Float32, {3, 4});
    expect_values("addmm, beta 0", addmm(nan, x, y, Scalar(0), Scalar(2)), {1, 2}, {12, 16});
    const Tensor input = make({2}, DType::Float16, {1, 2});
    const Tensor half =
        addmm(input, to_dtype(x, DType::Float16), to_dtype(y, DType::Float16), Scalar(1), Scalar(1));
    expect_values("addmm of halves", half, {1, 2}, {7, 10});
    expect(half->dtype == DType::Float16, "addmm of halves is half");
}

void products_refuse_in_pytorchs_words() {
    const Tensor x = draw({2, 3}, DType::Float32);
    expect(error_of(ErrorKind::Runtime, [&] { mm(x, x); }) ==
               "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)",
           "mm names the shapes");
    expect(error_of(ErrorKind::Runtime, [&] { mv(x, draw({2}, DType::Float32)); }) ==
               "size mismatch, got input (2), mat (2x3), vec (2)",
           "mv names the sizes");
    expect(error_of(ErrorKind::Runtime, [&] { mm(x, draw({3, 2})); }) ==
               "expected m1 and m2 to have the same dtype, but got: float != double",
           "mm names the dtypes");
    expect(error_of(ErrorKind::NotImplemented,
                    [&] { mm(to_dtype(x, DType::Bool), to_dtype(t(x), DType::Bool)); })
               .starts_with("\"addmm_impl_cpu_\" not implemented for 'Bool'"),
           "mm refuses bool");
}

// Indexing.

void indexing_takes_and_adds() {
    const Tensor x = make({3, 4}, DType::Float32, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
    const Tensor i = longs({2}, {2, 0});
    expect_values("index_select 0", index_select(x, 0, i), {2, 4}, {8, 9, 10, 11, 0, 1, 2, 3});
    expect_values("index_select 1", index_select(x, 1, i), {3, 2}, {2, 0, 6, 4, 10, 8});
    expect_values("index_select of a transpose", index_select(transpose(x, 0, 1), 0, i), {2, 3},
                  {2, 6, 10, 0, 4, 8});
    expect_values("gather", gather(x, 1, longs({3, 1}, {3, 0, 1})), {3, 1}, {3, 4, 9});
    expect_values("gather along 0", gather(x, 0, longs({1, 3}, {2, 1, 0})), {1, 3}, {8, 5, 2});
    const Tensor ones = make({2, 4}, DType::Float32, std::vector<double>(8, 1));
    const Tensor zeros = full({3, 4}, Scalar(0), DType::Float32);
    expect_values("index_add with repeats", index_add(zeros, 0, longs({2}, {1, 1}), ones, Scalar(2)), {3, 4},
                  {0, 0, 0, 0, 4, 4, 4, 4, 0, 0, 0, 0});
    expect_values("scatter_add with repeats", scatter_add(zeros, 0, longs({2, 2}, {1, 2, 1, 0}), ones),
                  {3, 4}, {0, 1, 0, 0, 2, 0, 0, 0, 0, 1, 0, 0});
    expect_values("scatter of a number", scatter(zeros, 1, longs({1, 2}, {3, 0}), Scalar(5)), {3, 4},
                  {5, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0});
    expect_values("the input of scatter stays", zeros, {3, 4}, std::vector<double>(12, 0));
}

void advanced_indexing_places_its_dimensions_as_numpy() {
    std::vector<double> values(24);
    for (std::size_t k = 0; k < values.size(); ++k) values[k] = static_cast<double>(k);
    const Tensor x = make({2, 3, 4}, DType::Float32, values);
    const Tensor i = longs({2}, {1, -2}), j = longs({2}, {3, 0}), all;
    expect_values("x[i]", index(x, {longs({1}, {1})}), {1, 3, 4}, {values.begin() + 12, values.end()});
    expect_values("x[:, i, j]", index(x, {all, i, j}), {2, 2}, {7, 4, 19, 16});
    expect_values("x[i, :, j]", index(x, {i, all, j}), {2, 3}, {15, 19, 23, 0, 4, 8});
    expect_values("x[:, i[:, None], j]", index(x, {all, unsqueeze(i, 1), j}), {2, 2, 2},
                  {7, 4, 7, 4, 19, 16, 19, 16});
    const Tensor mask = make({2, 3}, DType::Bool, {0, 1, 0, 0, 0, 1});
    expect_values("x[mask]", index(x, {mask}), {2, 4}, {4, 5, 6, 7, 20, 21, 22, 23});
    expect_values("x[:, mask]", index(x, {all, make({3}, DType::Bool, {1, 0, 1}), longs({1}, {2})}), {2, 2},
                  {2, 10, 14, 22});
    expect(index(transpose(x, 0, 2), {longs({3}, {0, 1, 1})})->strides == Dims({6, 1, 3}),
           "x.transpose(0, 2)[i] keeps the order of x's dimensions");
    const Tensor y = clone(x);
    index_put_(y, {mask}, make({1}, DType::Float32, {-1}), false);
    expect_values("y[mask] = -1", index(y, {mask}), {2, 4}, std::vector<double>(8, -1));
    index_put_(y, {longs({3}, {0, 0, 1})}, make({1}, DType::Float32, {1}), true);
    expect_values("y[i] += 1 with repeats", index(y, {longs({1}, {0}), longs({1}, {0})}), {1, 4},
                  {2, 3, 4, 5});
}

void gradients_of_indexing() {
    const Tensor i = longs({3}, {2, 0, 2}), ij = longs({2, 2}, {1, 0, 1, 1}), all;
    for (const int64_t dim : {0, 1}) {
        expect_gradients("index_select", [&](const Tensors& in) { return index_select(in[0], dim, i); },
                         {draw({3, 3})});
        expect_gradients("index_add",
                         [&](const Tensors& in) { return index_add(in[0], dim, i, in[1], Scalar(0.5)); },
                         {draw({3, 3}), draw({3, 3})});
        expect_gradients("gather", [&](const Tensors& in) { return gather(in[0], dim, ij); }, {draw({2, 2})});
        expect_gradients("scatter_add", [&](const Tensors& in) { return scatter_add(in[0], dim, ij, in[1]); },
                         {draw({2, 3}), draw({2, 2})});
    }
    const Tensor distinct = longs({2, 2}, {1, 0, 0, 1});
    expect_gradients("scatter", [&](const Tensors& in) { return scatter(in[0], 0, distinct, in[1]); },
                     {draw({2, 3}), draw({2, 2})});
    const Tensor mask = make({2, 3}, DType::Bool, {1, 0, 1, 0, 0, 1});
    expect_gradients("x[:, i]", [&](const Tensors& in) { return index(in[0], {all, i}); }, {draw({2, 3})});
    expect_gradients("x[mask]", [&](const Tensors& in) { return index(in[0], {mask}); }, {draw({2, 3, 2})});
    expect_gradients("index_put", [&](const Tensors& in) { return index_put(in[0], {mask}, in[1], false); },
                     {draw({2, 3}), draw({1})});
    expect_gradients("index_put, accumulated",
                     [&](const Tensors& in) { return index_put(in[0], {i}, in[1], true); },
                     {draw({3, 2}), draw({3, 1})});
    auto in_place = [&](auto&& write) {
        return [&, write](const Tensors& in) {
            const Tensor x = clone(in[0]);
            write(x, in[1]);
            return apply(row("mul"), x, in[0]);
        };
    };
    expect_gradients("index_add_",
                     in_place([&](const Tensor& x, const Tensor& y) { index_add_(x, 0, i, y, Scalar(2.0)); }),
                     {draw({3, 2}), draw({3, 2})});
    expect_gradients("scatter_add_",
                     in_place([&](const Tensor& x, const Tensor& y) { scatter_add_(x, 0, ij, y); }),
                     {draw({2, 2}), draw({2, 2})});
    expect_gradients("index_put_ into a view", in_place([&](const Tensor& x, const Tensor& y) {
                         index_put_(select(x, 1, 0), {i}, y, true);
                     }),
                     {draw({3, 2}), draw({3})});
    expect_gradients("scatter_ of a number",
                     in_place([&](const Tensor& x, const Tensor&) { scatter_(x, 0, ij, Scalar(2.0)); }),
                     {draw({2, 2}), draw({2, 2})});
}

void indexing_refuses_in_pytorchs_words() {
    const Tensor x = draw({3, 4}, DType::Float32);
    expect(error_of(ErrorKind::Index, [&] { index_select(x, 0, longs({1}, {3})); }) ==
               "index out of range in self",
           "index_select out of range");
    expect(error_of(ErrorKind::Runtime, [&] { gather(x, 1, longs({1, 1}, {-1})); }) ==
               "index -1 is out of bounds for dimension 1 with size 4",
           "gather out of range");
    expect(error_of(ErrorKind::Index, [&] { index(x, {Tensor(), longs({1}, {-5})}); }) ==
               "index -5 is out of bounds for dimension 1 with size 4",
           "index out of range");
    expect(error_of(ErrorKind::Index, [&] { index(x, {make({2}, DType::Bool, {1, 0})}); }) ==
               "The shape of the mask [2] at index 0 does not match the shape of the indexed tensor [3, 4] "
               "at index 0",
           "a mask of another shape");
    expect(error_of(ErrorKind::Runtime,
                    [&] { scatter_add(x, 0, longs({2, 2}, {0, 0, 0, 0}), draw({1, 4}, DType::Float32)); }) ==
               "Expected index [2, 2] to be no larger than self [3, 4] apart from dimension 0 and to be no "
               "larger size than "
               "src [1, 4]",
           "an index larger than its source");
}

// Joining.

void joining_places_parts_side_by_side() {
    const Tensor x = make({2, 2}, DType::Float32, {1, 2, 3, 4}), y = make({2, 1}, DType::Int64, {5, 6});
    const Tensor joined = cat({x, full({0}, Scalar(0), DType::Float32), y}, 1);
    expect_values("cat along the last dimension", joined, {2, 3}, {1, 2, 5, 3, 4, 6});
    expect(joined->dtype == DType::Float32, "cat promotes");
    expect_values("cat of a transpose", cat({transpose(x, 0, 1), x}, 0), {4, 2}, {1, 3, 2, 4, 1, 2, 3, 4});
    expect_values("stack", stack({x, transpose(x, 0, 1)}, 1), {2, 2, 2}, {1, 2, 1, 3, 3, 4, 2, 4});
    expect_values("stack of numbers",
                  stack({select(select(x, 0, 0), 0, 1), select(select(x, 0, 1), 0, 0)}, 0), {2}, {2, 3});
    expect_gradients("cat", [](const Tensors& in) { return cat({in[0], in[1], in[0]}, -1); },
                     {draw({2, 2}), draw({2, 1})});
    expect_gradients("stack", [](const Tensors& in) { return stack({in[0], in[1]}, -1); },
                     {draw({2, 2}), draw({2, 2})});
    expect(error_of(ErrorKind::Runtime, [&] { cat({x, draw({2, 3}, DType::Float32)}, 0); }) ==
               "Sizes of tensors must match except in dimension 0. Expected size 2 but got size 3 for tensor "
               "number 1 in the "
               "list.",
           "cat names what does not fit");
    expect(error_of(ErrorKind::Value, [&] { cat({}, 0); }) ==
               "torch.cat(): expected a non-empty list of Tensors",
           "cat of nothing");
}

// Extremes.

/// Reference: NaN beats numbers, the first of equal values is found.
int64_t naive_argmax(const std::vector<double>& values, int64_t start, int64_t step, int64_t length) {
    int64_t best = 0;
    auto at = [&](int64_t i) { return values[static_cast<std::size_t>(start + i * step)]; };
    for (int64_t i = 1; i < length; ++i) {
        if (at(i) > at(best) || (at(i) != at(i) && at(best) == at(best))) best = i;
    }
    return best;
}

void extremes_are_the_first_of_equals_and_nan_wins() {
    for (const DType dtype : {DType::Float32, DType::Float64, DType::Int32, DType::UInt8, DType::BFloat16}) {
        for (const int64_t length : {1, 7, 300}) {
            const Tensor source = empty({2, length, 3}, DType::Float64);
            double* to = mutable_data<double>(*source);
            for (int64_t i = 0; i < source->numel; ++i) {
                const unsigned drawn = generator();
                to[i] = drawn % 97 == 0 && is_floating(dtype) ? NAN : static_cast<double>(drawn % 50);
            }
            const Tensor x = to_dtype(source, dtype);
            const std::vector<double> values = numbers(x), rows = numbers(transpose(x, 1, 2));
            std::vector<double> across, along;
            for (int64_t i = 0; i < 6; ++i) {
                across.push_back(
                    static_cast<double>(naive_argmax(values, i / 3 * length * 3 + i % 3, 3, length)));
                along.push_back(static_cast<double>(naive_argmax(rows, i * length, 1, length)));
            }
            const std::string name = text("argmax of ", facts(dtype).name, " over ", length);
            expect_values(name + " across rows", argmax(x, 1, false), {2, 3}, across);
            expect_values(name + " along rows", argmax(contiguous(transpose(x, 1, 2)), -1, true), {2, 3, 1},
                          along);
            expect_values(name + ", all", argmax(x, std::nullopt, false), {},
                          {static_cast<double>(naive_argmax(values, 0, 1, x->numel))});
            expect_values(name + ": max agrees", max(x, 1, false).first, {2, 3},
                          numbers(gather(x, 1, argmax(x, 1, true))));
        }
    }
}

void gradients_of_extremes() {
    const Tensor x = draw({3, 4});
    expect_gradients("max along a dimension", [](const Tensors& in) { return max(in[0], 0, false).first; },
                     {x});
    expect_gradients("min along a dimension, kept",
                     [](const Tensors& in) { return min(in[0], 1, true).first; }, {x});
    expect_gradients("max", [](const Tensors& in) { return max(in[0]); }, {x});
    expect_gradients("amin over two dimensions", [](const Tensors& in) { return amin(in[0], {0, 2}, false); },
                     {draw({2, 3, 2})});
    const Tensor ties = leaf(make({3}, DType::Float64, {2, 2, 1}));
    const Tensor one = make({}, DType::Float64, {1});
    expect_values("amax: ties share", gradients(amax(ties, {}, false), one, {ties}, false)[0], {3},
                  {0.5, 0.5, 0});
    expect_values("max: ties share", gradients(max(ties), one, {ties}, false)[0], {3}, {0.5, 0.5, 0});
    expect_values("max(dim): the first takes all",
                  gradients(max(ties, 0, false).first, one, {ties}, false)[0], {3}, {1, 0, 0});
    expect(graph(max(ties)) == "Max1(A)" && graph(max(ties, 0, false).first) == "Max0(A)" &&
               graph(amax(ties, {}, false)) == "Amax0(A)",
           "extremes are named as in PyTorch");
    expect(!max(ties, 0, false).second->grad_fn, "indices have no gradient");
}

void truths_over_dimensions() {
    const Tensor x = make({2, 2}, DType::Float32, {1, 0, 2, 3});
    expect_values("all", all(x, std::nullopt, false), {}, {0});
    expect_values("any over a dimension", any(x, Dims{1}, true), {2, 1}, {1, 1});
    expect_values("all over a dimension", all(x, Dims{1}, false), {2}, {0, 1});
    expect_values("all of nothing", all(empty({0, 2}, DType::Float32), Dims{0}, false), {2}, {1, 1});
    expect(error_of(ErrorKind::Index, [&] { max(empty({0, 2}, DType::Float32), 0, false); }) ==
               "max(): Expected reduction dim 0 to have non-zero size.",
           "max over nothing");
}

}  // namespace

int main() {
    products_of_any_layout();
    matmul_names_its_parts_as_pytorch();
    gradients_of_products();
    addmm_ignores_its_input_when_beta_is_zero();
    products_refuse_in_pytorchs_words();
    indexing_takes_and_adds();
    advanced_indexing_places_its_dimensions_as_numpy();
    gradients_of_indexing();
    indexing_refuses_in_pytorchs_words();
    joining_places_parts_side_by_side();
    extremes_are_the_first_of_equals_and_nan_wins();
    gradients_of_extremes();
    truths_over_dimensions();
    return summary();
}
