// The same random numbers as PyTorch for the same seed (random_expected.h), its state's bytes, and the errors.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "base/error.h"
#include "kernels/random.h"
#include "random_expected.h"

namespace {

using namespace tapeless;
using expected::Op;
using expected::Row;

int passed = 0, failed = 0;

void expect(bool holds, const std::string& promise) {
    holds ? ++passed : ++failed;
    if (!holds) std::printf("FAILED: %s\n", promise.c_str());
}

/// The elements of `bytes` as doubles; complex numbers as two each.
std::vector<double> numbers(DType dtype, const std::vector<uint8_t>& bytes) {
    std::vector<double> result;
    visit(real_of(dtype), [&](auto type) {
        using T = typename decltype(type)::type;
        result.resize(bytes.size() / size_of(real_of(dtype)));
        for (size_t i = 0; i < result.size(); ++i) {
            T value;
            std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
            if constexpr (!is_complex_type<T>) result[i] = convert<double>(value);
        }
    });
    return result;
}

void fill_from_tensor(Generator& generator, const Row& row, void* out) {
    std::vector<double> p(static_cast<size_t>(row.n));
    for (size_t i = 0; i < p.size(); ++i) p[i] = static_cast<double>(i % 11) / 10;
    if (row.op == Op::BernoulliDouble) {
        return fill_bernoulli(generator, row.dtype, out, row.n, DType::Float64, p.data());
    }
    const std::vector<float> narrow(p.begin(), p.end());
    fill_bernoulli(generator, row.dtype, out, row.n, DType::Float32, narrow.data());
}

void fill(Generator& g, const Row& row, void* out) {
    const auto integer = [](double value) { return static_cast<int64_t>(value); };
    switch (row.op) {
        case Op::Uniform:
            return fill_uniform(g, row.dtype, out, row.n, row.a, row.b);
        case Op::Normal:
            return fill_normal(g, row.dtype, out, row.n, row.a, row.b);
        case Op::NormalPairs:
            return fill_normal_pairs(g, row.dtype, out, row.n, row.a, row.b);
        case Op::Integers:
            return fill_integers(g, row.dtype, out, row.n, integer(row.a), integer(row.b));
        case Op::IntegersFrom:
            return fill_integers_from(g, row.dtype, out, row.n, integer(row.a));
        case Op::IntegersAll:
            return fill_integers_all(g, row.dtype, out, row.n);
        case Op::Permutation:
            return fill_permutation(g, row.dtype, out, row.n);
        case Op::Bernoulli:
            return fill_bernoulli(g, row.dtype, out, row.n, row.a);
        case Op::BernoulliFloat:
        case Op::BernoulliDouble:
            return fill_from_tensor(g, row, out);
        case Op::Exponential:
            return fill_exponential(g, row.dtype, out, row.n, row.a);
        case Op::Geometric:
            return fill_geometric(g, row.dtype, out, row.n, row.a);
        case Op::LogNormal:
            return fill_log_normal(g, row.dtype, out, row.n, row.a, row.b);
        case Op::Cauchy:
            return fill_cauchy(g, row.dtype, out, row.n, row.a, row.b);
    }
}

/// Zero for what needs no function of a C library or of ours; else a few roundings of the dtype.
double tolerance(const Row& row) {
    const bool exact = row.op != Op::Normal && row.op != Op::NormalPairs && row.op != Op::Exponential &&
                       row.op != Op::LogNormal && row.op != Op::Cauchy;
    if (exact) return 0.0;
    switch (real_of(row.dtype)) {
        case DType::Float16:
            return 0x1p-10;
        case DType::BFloat16:
            return 0x1p-7;
        case DType::Float32:
            return 5e-7;
        default:
            return 4e-15;
    }
}

void every_fill_gives_pytorchs_numbers() {
    for (const Row& row : expected::rows) {
        std::vector<uint8_t> out(static_cast<size_t>(row.n) * size_of(row.dtype));
        Generator generator(row.seed);
        fill(generator, row, out.data());
        const std::vector<double> x = numbers(row.dtype, out);
        double weighted = 0.0, size = 0.0;
        for (size_t i = 0; i < x.size(); ++i) {
            weighted += static_cast<double>(i + 1) * x[i];
            size += static_cast<double>(i + 1) * (1 + std::fabs(x[i]));
        }
        const double allowed = tolerance(row);
        const std::string name = text("op ", static_cast<int>(row.op), ", ", facts(row.dtype).name, ", n ",
                                      row.n, ", seed ", row.seed, ", a ", row.a, ", b ", row.b);
        const auto near = [&](double got, double want, double scale) {
            return std::fabs(got - want) <= allowed * scale;
        };
        expect(near(x.front(), row.first, 1 + std::fabs(row.first)),
               name + ": the first element is PyTorch's");
        expect(near(x.back(), row.last, 1 + std::fabs(row.last)), name + ": the last element is PyTorch's");
        expect(near(weighted, row.weighted, size), name + ": all elements, in order, are PyTorch's");
        expect((generator.random() & 0x7ffffffu) == row.after, name + ": as many draws as PyTorch takes");
    }
}

uint64_t hash(const std::vector<uint8_t>& state) {
    uint64_t h = 14695981039346656037ull;
    for (size_t i = 0; i < state.size(); ++i) {
        if (i < 5024 || i >= 5032) h = (h ^ state[i]) * 1099511628211ull;
    }
    return h;
}

void the_state_bytes_are_pytorchs() {
    Generator g(0);
    double out[700];
    size_t at = 0;
    const auto next = [&](const char* when) {
        expect(hash(g.state()) == expected::states[at], text("state bytes ", when, " are PyTorch's"));
        ++at;
    };
    const auto uniform = [&](int64_t n, const char* when) {
        fill_uniform(g, DType::Float32, out, n);
        next(when);
    };
    next("after seeding");
    uniform(1, "after one draw");
    uniform(622, "one draw before the refill");
    uniform(1, "at the last word");
    uniform(1, "after the refill");
    fill_normal(g, DType::Float32, out, 3);
    next("with a waiting normal");
    uniform(5, "with a normal that survives rand");
    fill_normal(g, DType::Float32, out, 16);
    next("with a normal that survives a block");
    fill_normal(g, DType::Float64, out, 2);
    expect(std::fabs(out[0] - expected::last_normals[0]) < 1e-14, "the waiting normal comes first");
    expect(std::fabs(out[1] - expected::last_normals[1]) < 1e-14, "a new pair follows the waiting normal");
    next("after the waiting normal was taken");
    g.manual_seed((uint64_t{1} << 63) + 5);
    next("after reseeding with a 64-bit seed");
    expect(at == std::size(expected::states), "all expected states were compared");
}

void the_stream_is_mt19937() {
    Generator g(5489);
    for (int i = 0; i < 9999; ++i) g.random();
    expect(g.random() == 4123659995u, "draw 10,000 of seed 5489 is the standard's");
    expect(Generator().initial_seed() == 67280421310721u,
           "a generator without a seed has PyTorch's default seed");
}

void a_restored_or_copied_state_continues_the_same() {
    Generator g(3);
    float scratch[3];
    fill_normal(g, DType::Float32, scratch, 3);
    g.next_normal_float = 0.25f;
    for (int i = 0; i < 700; ++i) g.random();
    Generator copy = g, restored(99);
    restored.set_state(g.state());
    expect(restored.initial_seed() == 3, "the state carries the initial seed");
    expect(restored.next_normal_float == 0.25f, "the state carries the float normal");
    expect(restored.state() == g.state(), "state() after set_state() gives the same bytes");
    double x[3][20];
    int row = 0;
    for (Generator* each : {&g, &copy, &restored}) fill_normal_pairs(*each, DType::Float64, x[row++], 20);
    expect(std::equal(x[0], x[0] + 20, x[1]), "a copy continues like the original");
    expect(std::equal(x[0], x[0] + 20, x[2]), "a restored generator continues like the original");
}

void many_draws_at_once_are_the_single_draws() {
    Generator one(11), many(11);
    for (const size_t count : {1, 5, 623, 624, 625, 0, 1300, 617, 1}) {
        std::vector<uint32_t> at_once(count), singly(count);
        many.draw(at_once.data(), count);
        for (uint32_t& word : singly) word = one.random();
        expect(at_once == singly && one.state() == many.state(),
               text("draw(", count, ") equals single draws"));
    }
}

void seeding_from_the_system_differs_each_time() {
    Generator g;
    const uint64_t first = g.seed();
    expect(first == g.initial_seed(), "seed() returns the new initial seed");
    expect(first != g.seed(), "two seeds from the system differ");
    expect(&default_generator() == &default_generator(), "there is one default generator");
}

void a_uniform_half_never_reaches_its_upper_end() {
    for (const DType dtype : {DType::Float16, DType::BFloat16}) {
        Generator g(0);
        std::vector<uint8_t> out(200000);
        fill_uniform(g, dtype, out.data(), 100000, 1.0, 2.0);
        const std::vector<double> x = numbers(dtype, out);
        expect(*std::max_element(x.begin(), x.end()) < 2.0,
               text(facts(dtype).name, " uniform stays below `to`"));
        expect(*std::min_element(x.begin(), x.end()) >= 1.0,
               text(facts(dtype).name, " uniform stays from `from`"));
    }
}

void a_permutation_holds_every_number_once() {
    Generator g(1);
    std::vector<int64_t> x(1000), all(1000);
    fill_permutation(g, DType::Int64, x.data(), 1000);
    std::iota(all.begin(), all.end(), 0);
    expect(x != all, "a permutation of 1000 is not the identity");
    std::sort(x.begin(), x.end());
    expect(x == all, "a permutation holds 0 .. n-1");
}

template <class Call> void expect_error(const char* promise, const char* part, Call call) {
    Generator g(5);
    const std::vector<uint8_t> before = g.state();
    bool threw = false;
    try {
        call(g);
    } catch (const Error& error) {
        threw = error.message().find(part) != std::string::npos;
        if (!threw) std::printf("message: %s\n", error.message().c_str());
    }
    expect(threw, text(promise, " is an error that names it"));
    expect(g.state() == before, text(promise, " leaves the generator as it was"));
}

void impossible_parameters_are_errors_without_a_draw() {
    double out[8];
    const double nan = std::nan("");
    const auto f32 = DType::Float32;
    expect_error("from > to", "uniform_", [&](Generator& g) { fill_uniform(g, f32, out, 2, 2, 1); });
    expect_error("a range past float32", "to - from",
                 [&](Generator& g) { fill_uniform(g, f32, out, 2, -3e38, 3e38); });
    expect_error("a bound past float16",
                 "to=", [&](Generator& g) { fill_uniform(g, DType::Float16, out, 2, 0, 7e4); });
    expect_error("uniform integers", "int64", [&](Generator& g) { fill_uniform(g, DType::Int64, out, 2); });
    expect_error("a negative std", "std >= 0.0", [&](Generator& g) { fill_normal(g, f32, out, 2, 0, -1); });
    expect_error("a NaN std", "std >= 0.0", [&](Generator& g) { fill_normal(g, f32, out, 2, 0, nan); });
    expect_error("an empty range", "less than", [&](Generator& g) { fill_integers(g, f32, out, 2, 3, 3); });
    expect_error("256 as uint8", "out of bounds",
                 [&](Generator& g) { fill_integers(g, DType::UInt8, out, 2, 0, 257); });
    expect_error("-1 as uint8", "out of bounds",
                 [&](Generator& g) { fill_integers(g, DType::UInt8, out, 2, -1, 3); });
    expect_error("2 as bool", "out of bounds",
                 [&](Generator& g) { fill_integers(g, DType::Bool, out, 2, 0, 3); });
    expect_error("complex integers", "complex64",
                 [&](Generator& g) { fill_integers_all(g, DType::Complex64, out, 2); });
    expect_error("64 bits as int32", "64 bits",
                 [&](Generator& g) { fill_integers_from(g, DType::Int32, out, 2, INT64_MIN); });
    expect_error("random_(3000, None) as half", "2048",
                 [&](Generator& g) { fill_integers_from(g, DType::Float16, out, 2, 3000); });
    expect_error("a permutation of -1", "negative", [&](Generator& g) { fill_permutation(g, f32, out, -1); });
    expect_error("a permutation past int8", "127",
                 [&](Generator& g) { fill_permutation(g, DType::Int8, out, 129); });
    expect_error("p = 1.5", "p=1.5", [&](Generator& g) { fill_bernoulli(g, f32, out, 2, 1.5); });
    expect_error("a NaN probability", "element 1", [&](Generator& g) {
        const double p[] = {0.5, nan};
        fill_bernoulli(g, f32, out, 2, DType::Float64, p);
    });
    expect_error("lambda = 0", "lambda", [&](Generator& g) { fill_exponential(g, f32, out, 2, 0); });
    expect_error("geometric p = 1", "(0, 1)", [&](Generator& g) { fill_geometric(g, f32, out, 2, 1); });
    expect_error("log_normal std = 0", "std > 0.0",
                 [&](Generator& g) { fill_log_normal(g, f32, out, 2, 1, 0); });
    expect_error("sigma = 0", "sigma", [&](Generator& g) { fill_cauchy(g, f32, out, 2, 0, 0); });
}

void a_broken_state_is_refused() {
    std::vector<uint8_t> good = Generator(1).state();
    expect(good.size() == 5056, "the state has PyTorch's 5056 bytes");
    expect_error("a short state", "5056", [&](Generator& g) { g.set_state(good.data(), 5055); });
    const auto broken = [&](const char* promise, size_t at, uint8_t value) {
        std::vector<uint8_t> bytes = good;
        bytes[at] = value;
        expect_error(promise, "Invalid mt19937", [&](Generator& g) { g.set_state(bytes); });
    };
    broken("a state that was never seeded", 12, 0);
    broken("a state with no words left", 8, 0);
    broken("a state that counts past its words", 9, 3);
    broken("a state whose index lies outside", 18, 1);
}

}  // namespace

int main() {
    every_fill_gives_pytorchs_numbers();
    the_state_bytes_are_pytorchs();
    the_stream_is_mt19937();
    a_restored_or_copied_state_continues_the_same();
    many_draws_at_once_are_the_single_draws();
    seeding_from_the_system_differs_each_time();
    a_uniform_half_never_reaches_its_upper_end();
    a_permutation_holds_every_number_once();
    impossible_parameters_are_errors_without_a_draw();
    a_broken_state_is_refused();
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
