// Programs: pointwise expressions run in one blocked pass over memory.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/storage.h"

namespace tapeless {

/// Elements of one block: each step of a program works on this many before the next step begins.
inline constexpr std::int64_t kBlock = 512;
/// Loops run on whole groups; tails are padded to one, so that a value's bits never depend on where it lies.
inline constexpr std::int64_t kGroup = 16;

/// Adds up one block into `partial`, one accumulator; the unit of every full sum.
using SumLoop = void (*)(void* partial, const void* in, std::int64_t count);

/// Where one value of a program comes from, or what it is computed by.
struct Value {
    Operand::Kind kind;  ///< Value: computed by a step
    DType dtype;
    const char* data = nullptr;  ///< of Dense, Strided, Number
    const Dims* space = nullptr;
    const Dims* strides = nullptr;
    int reg = -1;  ///< block register that holds it, if it needs one
};

struct Step {
    const Kernel* kernel;  ///< null: conversion
    DType compute, dtype;
    std::uint8_t arity;
    std::int16_t in[kMaxOperands];
    std::int16_t out;
};

/// Where a value is written, all of it.
struct Store {
    std::int16_t value;
    char* data;
    const Dims* space = nullptr;  ///< null: without gaps
    const Dims* strides = nullptr;
};

struct Program {
    std::int64_t numel = 0;
    std::vector<Value> values;
    std::vector<Step> steps;
    std::vector<Store> stores;
    int registers = 0;
    std::size_t widest = 1;  ///< bytes of the widest element
    SumLoop sum = nullptr;   ///< adds up `summed` block by block
    std::int16_t summed = -1;
    std::size_t partial_size = 0;
    char* partials = nullptr;  ///< one accumulator per block
};

/// Runs a program whose registers have been assigned.
void run(const Program& program);

/// One formula applied now: operands are Dense, Strided or Number; `out` lies without gaps unless strides are given.
struct Launch {
    const Kernel* kernel;
    DType compute, dtype;
    int arity;
    std::int64_t numel;
    const Operand* operands;
    const Dims* space;
    char* out;
    const Dims* out_strides = nullptr;
};
void launch(const Launch& now);

/// An operand of the simplest launch: elements side by side, or one number for all; without data, not read.
struct Flat {
    const void* data;
    std::uint8_t size;  ///< bytes of an element
    bool number;
};
/// A loop over operands and a result that lie side by side, without a program; `size`: bytes of a result's element.
void launch_flat(Loop loop, const Flat* operands, int count, void* out, std::size_t size, std::int64_t numel);

/// Whether a new expression may wait, by size and by how much its program has grown.
struct Deferral {
    bool enabled = true;
    std::int64_t least = 8192;  ///< elements below which an operation runs at once
};
[[gnu::tls_model("initial-exec")]] inline thread_local constinit Deferral deferral;
inline constexpr int kMostSteps = 48;

Expression* new_expression();
/// Computes what `expression` stands for, unless that has happened; the bytes are in `expression.result`.
void evaluate(Expression& expression);
/// Computes several in as few passes as their sizes allow; `within_backward` does not count as a use.
void evaluate_all(const std::vector<Storage*>& storages, bool within_backward);
/// Adds up all elements of a value that need not be written: one accumulator per kBlock elements.
void sum_blocks(const Operand& operand, std::int64_t numel, const Dims& space, SumLoop loop,
                std::size_t partial_size, char* partials);

}  // namespace tapeless
