// Public operations that are not rows: a name, a signature, a doc, and a C++ function; the bindings loop over them.
#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "graph/modes.h"
#include "tensor/tensor.h"

namespace tapeless {

/// An argument or a result on its way between the bindings and a C++ function.
using AnyValue = std::variant<std::monostate, Tensor, Scalar, std::int64_t, bool, double, Dims,
                              std::vector<Tensor>, DType, Device, std::string>;

/// A value that may be either: a tensor keeps its gradient.
using TensorOrNumber = std::variant<Tensor, Scalar>;

/// One dimension, or several: PyTorch tells x.squeeze(0) from x.squeeze((0,)).
using DimOrDims = std::variant<std::int64_t, Dims>;

/// What a parameter accepts; read off the C++ type.
enum class ParameterKind : std::uint8_t {
    Tensor,
    Scalar,
    TensorOrNumber,
    Integer,
    Boolean,
    Real,
    Dims,
    DimOrDims,
    Tensors,
    DType,
    Device,
    Text
};

struct Parameter {
    std::string name;
    ParameterKind kind;
    bool optional = false;  ///< None is accepted
    bool keyword_only = false;
    bool variadic = false;  ///< sizes may be given one by one
    bool required = true;
    std::string default_text;  ///< as the signature writes it
};

namespace detail {

template <class T> struct Kind;
template <> struct Kind<Tensor> {
    static constexpr ParameterKind value = ParameterKind::Tensor;
};
template <> struct Kind<Scalar> {
    static constexpr ParameterKind value = ParameterKind::Scalar;
};
template <> struct Kind<TensorOrNumber> {
    static constexpr ParameterKind value = ParameterKind::TensorOrNumber;
};
template <> struct Kind<std::int64_t> {
    static constexpr ParameterKind value = ParameterKind::Integer;
};
template <> struct Kind<bool> {
    static constexpr ParameterKind value = ParameterKind::Boolean;
};
template <> struct Kind<double> {
    static constexpr ParameterKind value = ParameterKind::Real;
};
template <> struct Kind<Dims> {
    static constexpr ParameterKind value = ParameterKind::Dims;
};
template <> struct Kind<DimOrDims> {
    static constexpr ParameterKind value = ParameterKind::DimOrDims;
};
template <> struct Kind<std::vector<Tensor>> {
    static constexpr ParameterKind value = ParameterKind::Tensors;
};
template <> struct Kind<DType> {
    static constexpr ParameterKind value = ParameterKind::DType;
};
template <> struct Kind<Device> {
    static constexpr ParameterKind value = ParameterKind::Device;
};
template <> struct Kind<std::string> {
    static constexpr ParameterKind value = ParameterKind::Text;
};
template <class T> struct Kind<std::optional<T>> : Kind<T> {};

template <class T> inline constexpr bool is_optional = false;
template <class T> inline constexpr bool is_optional<std::optional<T>> = true;

template <class T> T take(AnyValue& value) {
    if constexpr (is_optional<T>) {
        if (std::holds_alternative<std::monostate>(value)) return std::nullopt;
        return take<typename T::value_type>(value);
    } else if constexpr (std::is_same_v<T, TensorOrNumber>) {
        if (Tensor* x = std::get_if<Tensor>(&value)) return std::move(*x);
        return std::get<Scalar>(value);
    } else if constexpr (std::is_same_v<T, DimOrDims>) {
        if (Dims* dims = std::get_if<Dims>(&value)) return std::move(*dims);
        return std::get<std::int64_t>(value);
    } else {
        return std::get<T>(std::move(value));
    }
}

template <class R> AnyValue give(R result) {
    if constexpr (std::is_same_v<R, std::pair<Tensor, Tensor>>) {
        return std::vector<Tensor>{result.first, result.second};
    } else {
        return result;
    }
}

template <auto function, class R, class... P> AnyValue call(AnyValue* arguments, R (*)(P...)) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) -> AnyValue {
        if constexpr (std::is_void_v<R>) {
            const Tensor written = std::get<Tensor>(arguments[0]);
            function(take<std::remove_cvref_t<P>>(arguments[I])...);
            return written;
        } else {
            return give<R>(function(take<std::remove_cvref_t<P>>(arguments[I])...));
        }
    }(std::index_sequence_for<P...>());
}

struct Signature {
    std::vector<ParameterKind> kinds;
    std::vector<bool> optional;
};
template <class R, class... P> Signature signature_of(R (*)(P...)) {
    return {{Kind<std::remove_cvref_t<P>>::value...}, {is_optional<std::remove_cvref_t<P>>...}};
}

}  // namespace detail

/// What an operation asks of out=, besides a shape that may be resized and a dtype that the result can be cast to.
enum OutRule : std::uint8_t {
    kOutExact = 1,  ///< out has the result's own dtype
    kOutApart = 2,  ///< out shares no memory with the inputs, which are read while it is written
};

struct Operation {
    const char* name;
    const char*
        signature;  ///< "input, dim=None, keepdim=False, *, dtype=None"; "*size" takes sizes one by one
    const char* doc;
    detail::Signature types;
    AnyValue (*call)(AnyValue* arguments);
    bool function = true, method = true;  ///< neither: a part of nn.functional alone, as rows can be
    std::uint8_t out_rules = 0;           ///< of OutRule
    bool knows_levels =
        false;  ///< has rules for Note [Levels]; else it is called for one example after another
    const char* results = nullptr;  ///< of several results: the named tuple of return_types that holds them
    Autocast autocast = Autocast::None;
    /// Names and defaults from the signature, kinds from the C++ types.
    std::vector<Parameter> parameters() const;
};

enum class Offered : std::uint8_t { Both, Function, Method, Nn };

/// Describes `function`; used by each file's list of what it offers. A void function returns its first argument.
template <auto function>
Operation operation(const char* name, const char* signature, const char* doc, Offered offered = Offered::Both,
                    int out_rules = 0) {
    return {name,
            signature,
            doc,
            detail::signature_of(function),
            [](AnyValue* arguments) -> AnyValue { return detail::call<function>(arguments, function); },
            offered == Offered::Both || offered == Offered::Function,
            offered == Offered::Both || offered == Offered::Method,
            static_cast<std::uint8_t>(out_rules)};
}

/// The operation, whose several results come as the named tuple of return_types that has its name, or the one given.
inline Operation named(Operation operation, const char* results = nullptr) {
    operation.results = results ? results : operation.name;
    return operation;
}

/// The operation with its policy under autocast.
inline Operation autocast(Autocast policy, Operation operation) {
    operation.autocast = policy;
    return operation;
}

/// Every structured operation, gathered from the lists of the files of ops/.
const std::vector<Operation>& operations();
/// Adds a file's list when the program starts.
struct Offer {
    explicit Offer(std::vector<Operation> operations);
    /// Of a file whose operations have rules for levels.
    struct KnowsLevels {};
    Offer(KnowsLevels, std::vector<Operation> operations);
};

}  // namespace tapeless
