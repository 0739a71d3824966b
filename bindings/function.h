// Custom autograd.Function, shared by its two files: what a node of one carries, and the names looked up.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bindings/hooks.h"

namespace tapeless {

inline constexpr int kInlineSaved = 4, kInlineOutputs = 2;

/// What a custom Function's node carries. Saved values and outputs beyond the inline ones have memory of their own.
struct FunctionState {
    std::shared_ptr<const NodeClass> cls;  ///< the node's own class: the collector may clear the type first
    Foreign to_save, dirty, non_differentiable;  ///< tuples, until forward has returned
    Foreign needs;                               ///< needs_input_grad
    std::string arguments;  ///< per argument of forward: '-' not a tensor, '0' no gradient wanted, '1' wanted
    std::string results;    ///< per output: 't' tensor, '-' something else
    bool materialize = true;
    SavedValue* more_saved = nullptr;
    OutputFacts* more_outputs = nullptr;
};

/// The bases against which overriding is told: Function's own methods.
struct BaseMethods {
    PyObject *backward, *vjp, *setup_context;
    PyObject* bind;  ///< bind(forward, args, kwargs) -> (args, kwargs) with defaults filled in
};
extern BaseMethods base_methods;
extern PyTypeObject* function_node_type;  ///< _core._FunctionNode, which every "<Name>Backward" derives from

/// Attribute names, interned once.
struct Names {
    PyObject* forward = PyUnicode_InternFromString("forward");
    PyObject* backward = PyUnicode_InternFromString("backward");
    PyObject* vjp = PyUnicode_InternFromString("vjp");
    PyObject* setup_context = PyUnicode_InternFromString("setup_context");
    PyObject* backward_cls = PyUnicode_InternFromString("_backward_cls");
    PyObject* forward_cls = PyUnicode_InternFromString("_forward_cls");
    PyObject* node_class = PyUnicode_InternFromString("_node_class");
};
const Names& interned();

inline FunctionState& state_of(Node& node) { return node.get<FunctionState>(); }

/// Vectorcall arguments: one chosen by us, then the rest.
class CallArguments {
public:
    explicit CallArguments(std::size_t count) {
        if (count > kFew) many_.resize(count);
        items_ = count > kFew ? many_.data() : few_;
    }
    PyObject*& operator[](std::size_t i) { return items_[i]; }
    PyObject** data() { return items_; }

private:
    static constexpr std::size_t kFew = 16;
    PyObject* few_[kFew];
    std::vector<PyObject*> many_;
    PyObject** items_;
};

/// The NodeClass of a "<Name>Backward" type, made at the Function's first call; the type and its nodes own it.
const std::shared_ptr<const NodeClass>& class_of_type(PyObject* type);
/// Makes _core._FunctionNode: the context's methods and attributes.
void define_function_node(nb::module_& m);

}  // namespace tapeless
