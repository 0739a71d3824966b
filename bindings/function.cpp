// Custom autograd.Function: the context that users see is the node itself, of a Python type made for each Function.
//
// The type "<Name>Backward" is made in Python (autograd/function.py) from _core._FunctionNode; its class attribute
// `_forward_cls` is the user's class. The NodeClass behind it lives as long as that type.
#include <cstdlib>
#include <cstring>
#include <new>

#include "bindings/hooks.h"
#include "bindings/object.h"
#include "graph/record.h"
#include "ops/structured.h"

namespace tapeless {
namespace {

constexpr int kInlineSaved = 4, kInlineOutputs = 2;

/// What a custom Function's node carries. Saved values and outputs beyond the inline ones have memory of their own.
struct FunctionState {
    Foreign to_save, dirty, non_differentiable;  ///< tuples, until forward has returned
    Foreign needs;                               ///< needs_input_grad
    std::string arguments;  ///< per argument of forward: '-' not a tensor, '0' no gradient wanted, '1' wanted
    std::string results;    ///< per output: 't' tensor, '-' something else
    bool materialize = true;
    SavedValue* more_saved = nullptr;
    OutputFacts* more_outputs = nullptr;
};

struct FunctionClass {
    NodeClass node;
    std::string name;
};

/// The bases against which overriding is told: Function's own methods.
struct BaseMethods {
    PyObject *backward, *vjp, *setup_context;
};
BaseMethods base_methods{};
PyTypeObject* function_node_type = nullptr;

struct Names {
    PyObject* forward = PyUnicode_InternFromString("forward");
    PyObject* backward = PyUnicode_InternFromString("backward");
    PyObject* vjp = PyUnicode_InternFromString("vjp");
    PyObject* setup_context = PyUnicode_InternFromString("setup_context");
    PyObject* backward_cls = PyUnicode_InternFromString("_backward_cls");
    PyObject* forward_cls = PyUnicode_InternFromString("_forward_cls");
    PyObject* node_class = PyUnicode_InternFromString("_node_class");
};
const Names& names() {
    static const Names all;
    return all;
}

FunctionState& state_of(Node& node) { return node.get<FunctionState>(); }
Node& node_from(PyObject* self) { return *static_cast<Node*>(as_object(self)); }

int visit_state(Node& node, const Visit& visit) {
    if (!node.payload) return 0;  // The collector ran while the node was being made.
    const FunctionState& state = state_of(node);
    for (const Foreign* reference : {&state.to_save, &state.dirty, &state.non_differentiable, &state.needs}) {
        if (!*reference) continue;
        if (int stop = visit.foreign(reference->get(), visit.context)) return stop;
    }
    return 0;
}

void clear_state(Node& node) noexcept {
    FunctionState& state = state_of(node);
    state.to_save = state.dirty = state.non_differentiable = state.needs = Foreign();
}

void destroy_state(Node& node) noexcept {
    FunctionState& state = state_of(node);
    std::free(state.more_saved);
    std::free(state.more_outputs);
    state.~FunctionState();
}

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

// Backward

/// The user's backward or vjp.
Owned backward_method(Node& node) {
    const Owned cls = owned(PyObject_GetAttr(reinterpret_cast<PyObject*>(Py_TYPE(as_python(&node))), names().forward_cls));
    Owned backward = owned(PyObject_GetAttr(cls.get(), names().backward));
    Owned vjp = owned(PyObject_GetAttr(cls.get(), names().vjp));
    const bool has_vjp = vjp.get() != base_methods.vjp;
    check(!has_vjp || backward.get() == base_methods.backward,
          "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only implement one of "
          "them.");
    return has_vjp ? std::move(vjp) : std::move(backward);
}

/// The gradient of output i as backward gets it; zeros stand for one that did not arrive.
PyObject* incoming(Node& node, Gradients in, int i) {
    const FunctionState& state = state_of(node);
    if (in[i]) return to_python(private_copy(in[i]));
    if (!state.materialize || state.results[static_cast<std::size_t>(i)] != 't') Py_RETURN_NONE;
    const OutputFacts& facts = node.outputs[i];
    return to_python(full(facts.sizes, Scalar(0.0), facts.dtype, facts.device));
}

/// Hands the user's results to the edges, after PyTorch's checks of their number and kind.
void take_results(Node& node, PyObject* results, Gradients out) {
    const std::string& arguments = state_of(node).arguments;
    const char* name = node.cls->name;
    const std::size_t wanted = arguments.size();
    std::size_t count = static_cast<std::size_t>(PyTuple_GET_SIZE(results));
    auto result = [&](std::size_t i) { return PyTuple_GET_ITEM(results, static_cast<Py_ssize_t>(i)); };
    std::size_t kept = count;
    while (kept > wanted && result(kept - 1) == Py_None) --kept;
    if (kept <= wanted && count > wanted) count = wanted;
    check(count == wanted, "function ", name, " returned an incorrect number of gradients (expected ", wanted, ", got ",
          count, ")");
    int edge = 0;
    for (std::size_t i = 0; i < wanted; ++i) {
        PyObject* g = result(i);
        if (arguments[i] == '-') {
            check(g == Py_None, "function ", name, " returned a gradient different from None at position ", i + 1,
                  ", but the corresponding forward input was not a Variable");
            continue;
        }
        if (g != Py_None) {
            check(is_tensor(g), "expected Variable or None (got ", type_name(g), ")");
            out[edge] = private_copy(tensor_from(g));
        }
        ++edge;
    }
}

void apply_function(Node& node, Gradients in, Gradients out) {
    const Owned method = backward_method(node);
    const std::size_t count = node.output_count;
    CallArguments arguments(count + 1);
    Owned gradients = owned(PyTuple_New(static_cast<Py_ssize_t>(count)));
    arguments[0] = as_python(&node);
    for (std::size_t i = 0; i < count; ++i) {
        PyObject* g = checked(incoming(node, in, static_cast<int>(i)));
        PyTuple_SET_ITEM(gradients.get(), static_cast<Py_ssize_t>(i), g);
        arguments[i + 1] = g;
    }
    Owned results = owned(PyObject_Vectorcall(method.get(), arguments.data(), count + 1, nullptr));
    gradients = Owned();
    if (!PyTuple_Check(results.get())) results = owned(PyTuple_Pack(1, results.get()));
    take_results(node, results.get(), out);
}

// The class of nodes

void destroy_class(PyObject* capsule) {
    delete static_cast<FunctionClass*>(PyCapsule_GetPointer(capsule, "tapeless.FunctionClass"));
}

const NodeClass& make_function_class(PyObject* type) {
    auto made = std::make_unique<FunctionClass>();
    made->name = reinterpret_cast<PyTypeObject*>(type)->tp_name;
    made->node = node_class(made->name.c_str(), apply_function);
    made->node.visit_payload = visit_state;
    made->node.clear_payload = clear_state;
    made->node.destroy_payload = destroy_state;
    made->node.takes_undefined = true;
    made->node.binding = type;
    const NodeClass& result = made->node;
    const Owned capsule = owned(PyCapsule_New(made.get(), "tapeless.FunctionClass", destroy_class));
    made.release();
    if (PyObject_SetAttr(type, names().node_class, capsule.get()) < 0) throw nb::python_error();
    return result;
}

/// The NodeClass of a "<Name>Backward" type, made at the Function's first call.
const NodeClass& class_of_type(PyObject* type) {
    PyObject* dict = reinterpret_cast<PyTypeObject*>(type)->tp_dict;
    if (PyObject* capsule = PyDict_GetItemWithError(dict, names().node_class)) {
        return static_cast<FunctionClass*>(PyCapsule_GetPointer(capsule, "tapeless.FunctionClass"))->node;
    }
    if (PyErr_Occurred()) throw nb::python_error();
    check(PyType_Check(type) && PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(type), function_node_type),
          "autograd.Function: _backward_cls must be the type that Function makes; do not assign it");
    return make_function_class(type);
}

// Forward

/// One call of apply.
class Call {
public:
    Call(PyObject* cls, PyObject* const* args, std::size_t count) : cls_(cls), args_(args), count_(count) {}
    PyObject* run();

private:
    void make_context();
    Owned forward();
    Tensor argument(std::size_t i) const { return is_tensor(args_[i]) ? tensor_from(args_[i]) : Tensor(); }
    bool is_argument(const Tensor& x) const;
    static bool contains(const Foreign& tuple, const Tensor& x);
    void mark_written();
    void reserve_outputs(std::size_t count);
    PyObject* wrapped(PyObject* output, int index, std::size_t outputs);
    Tensor recorded(Tensor out, int index, bool is_input, bool is_dirty, std::size_t outputs);
    void check_returned(PyObject* outputs) const;
    void save_values();

    PyObject* cls_;
    PyObject* const* args_;
    std::size_t count_;
    Ref<Node> node_;
    bool records_ = false;
    std::vector<Tensor> views_;  ///< differentiable outputs that are views
    int differentiable_ = 0;
};

void Call::make_context() {
    const Owned type = owned(PyObject_GetAttr(cls_, names().backward_cls));
    std::string arguments(count_, '-');
    std::vector<Edge> edges;
    for (std::size_t i = 0; i < count_; ++i) {
        if (!is_tensor(args_[i])) continue;
        const Tensor x = tensor_from(args_[i]);
        const bool wanted = requires_grad(x);
        arguments[i] = wanted ? '1' : '0';
        records_ |= wanted;
        edges.push_back(wanted && grad_enabled() ? gradient_edge(x) : Edge());
    }
    records_ = records_ && grad_enabled();
    // The edges come first: looking for one may make a node, which must be older than this one.
    node_ = make_node(class_of_type(type.get()), static_cast<int>(edges.size()), kInlineSaved, kInlineOutputs,
                      sizeof(FunctionState));
    new (node_->payload) FunctionState();
    node_->saved_count = node_->output_count = 0;
    for (std::size_t i = 0; i < edges.size(); ++i) node_->edges[i] = std::move(edges[i]);
    state_of(*node_).arguments = std::move(arguments);
}

/// Runs forward, and setup_context if the class has its own.
Owned Call::forward() {
    const ModeGuard without_grad(kNoGrad, true);
    const Owned method = owned(PyObject_GetAttr(cls_, names().forward));
    const Owned setup = owned(PyObject_GetAttr(cls_, names().setup_context));
    PyObject* context = as_python(node_.get());
    if (setup.get() == base_methods.setup_context) {
        CallArguments arguments(count_ + 1);
        arguments[0] = context;
        for (std::size_t i = 0; i < count_; ++i) arguments[i + 1] = args_[i];
        return owned(PyObject_Vectorcall(method.get(), arguments.data(), count_ + 1, nullptr));
    }
    Owned output = owned(PyObject_Vectorcall(method.get(), args_, count_, nullptr));
    const Owned inputs = owned(PyTuple_New(static_cast<Py_ssize_t>(count_)));
    for (std::size_t i = 0; i < count_; ++i) {
        PyTuple_SET_ITEM(inputs.get(), static_cast<Py_ssize_t>(i), Py_NewRef(args_[i]));
    }
    PyObject* arguments[] = {context, inputs.get(), output.get()};
    owned(PyObject_Vectorcall(setup.get(), arguments, 3, nullptr));
    return output;
}

bool Call::is_argument(const Tensor& x) const {
    for (std::size_t i = 0; i < count_; ++i) {
        if (args_[i] == as_python(x.get())) return true;
    }
    return false;
}

bool Call::contains(const Foreign& tuple, const Tensor& x) {
    if (!tuple) return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(python(tuple)); ++i) {
        if (PyTuple_GET_ITEM(python(tuple), i) == as_python(x.get())) return true;
    }
    return false;
}

/// Counts the writes that mark_dirty announced, and warns of tensors that are no inputs.
void Call::mark_written() {
    const Foreign dirty = state_of(*node_).dirty;
    if (!dirty) return;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(python(dirty)); ++i) {
        PyObject* item = PyTuple_GET_ITEM(python(dirty), i);
        if (!is_tensor(item)) {
            fail(ErrorKind::Type, "mark_dirty can only accept variables, but argument ", i, " is of type ", type_name(item));
        }
        const Tensor x = tensor_from(item);
        note_write(x);
        if (is_argument(x)) continue;
        const int status = PyErr_WarnEx(PyExc_UserWarning,
                                        "ctx.mark_dirty() received a tensor that was not an input. Only input Tensors that "
                                        "have been mutated should be passed to ctx.mark_dirty().",
                                        1);
        if (status < 0) throw nb::python_error();
    }
}

void Call::reserve_outputs(std::size_t count) {
    if (count > kInlineOutputs) {
        auto* outputs = static_cast<OutputFacts*>(std::malloc(count * sizeof(OutputFacts)));
        if (!outputs) fail(ErrorKind::OutOfMemory, "autograd.Function: no memory for ", count, " outputs");
        for (std::size_t i = 0; i < count; ++i) new (&outputs[i]) OutputFacts();
        state_of(*node_).more_outputs = node_->outputs = outputs;
    }
    node_->output_count = static_cast<std::uint16_t>(count);
    state_of(*node_).results.assign(count, '-');
}

/// A view of x that a custom Function returned: PyTorch refuses writes through it.
Tensor returned_view(const Tensor& x) {
    Tensor out = alias(x);
    set_view(out, x, Creation::Function);
    return out;
}

/// Ties a differentiable output to the node.
Tensor Call::recorded(Tensor out, int index, bool is_input, bool is_dirty, std::size_t outputs) {
    ++differentiable_;
    if (!is_dirty) {
        if (is_input) out = returned_view(out);
        set_history(out, node_, index);
        return out;
    }
    check(!(out->requires_grad && is_leaf(out)),
          "a leaf Variable that requires grad has been used in an in-place operation.");
    const ViewFacts* view = view_of(*out);
    check(!view || view->detached || outputs == 1,
          "If your Function modifies inplace an input that is a view of another Tensor, your Function cannot return more "
          "than one Tensor. This is not supported by the current autograd engine. You should either make sure the input is "
          "not a view (using .clone() for example) or make your Function only return one Tensor (potentially splitting it "
          "into two Functions: one doing the inplace that returns a single Tensor and a second one that does the other "
          "operations).");
    if (out->autograd) {
        out->autograd->grad.reset();
        out->autograd->hooks = Foreign();
    }
    if (view && !view->detached) {
        rebase_history(out, node_);
    } else {
        set_history(out, node_, index);
    }
    return out;
}

/// An output as the caller gets it; new reference.
PyObject* Call::wrapped(PyObject* output, int index, std::size_t outputs) {
    if (!is_tensor(output)) return Py_NewRef(output);
    FunctionState& state = state_of(*node_);
    state.results[static_cast<std::size_t>(index)] = 't';
    Tensor out = tensor_from(output);
    node_->outputs[index] = {out->sizes, out->dtype, out->device};
    const bool is_input = is_argument(out), is_dirty = contains(state.dirty, out);
    const bool differentiable = records_ && is_differentiable(out->dtype) && !contains(state.non_differentiable, out);
    if (differentiable) {
        out = recorded(std::move(out), index, is_input, is_dirty, outputs);
    } else if (is_input && requires_grad(out)) {
        out = detach(out);
    } else if (is_input && !is_dirty) {
        out = returned_view(out);
    } else if (out->grad_fn && !view_of(*out)) {
        out->grad_fn.reset();
    }
    ViewFacts* view = view_of(*out);
    if (view && !view->detached && !(is_input && is_dirty)) {
        view->creation = Creation::Function;
        view->seen = version(*out);
        if (differentiable) views_.push_back(out);
    }
    return to_python(std::move(out));
}

void Call::check_returned(PyObject* outputs) const {
    const Foreign& dirty = state_of(*node_).dirty;
    if (!dirty) return;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(python(dirty)); ++i) {
        bool returned = false;
        for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(outputs) && !returned; ++k) {
            returned = PyTuple_GET_ITEM(outputs, k) == PyTuple_GET_ITEM(python(dirty), i);
        }
        check(returned,
              "Some elements marked as dirty during the forward method were not returned as output. The inputs that are "
              "modified inplace must all be outputs of the Function.");
    }
}

void Call::save_values() {
    FunctionState& state = state_of(*node_);
    const Foreign values = std::exchange(state.to_save, Foreign());
    if (!values || !records_) return;
    const std::size_t count = static_cast<std::size_t>(PyTuple_GET_SIZE(python(values)));
    if (count > kInlineSaved) {
        auto* saved = static_cast<SavedValue*>(std::malloc(count * sizeof(SavedValue)));
        if (!saved) fail(ErrorKind::OutOfMemory, "save_for_backward: no memory for ", count, " values");
        for (std::size_t i = 0; i < count; ++i) new (&saved[i]) SavedValue();
        state.more_saved = node_->saved = saved;
    }
    node_->saved_count = static_cast<std::uint16_t>(count);
    for (std::size_t i = 0; i < count; ++i) {
        PyObject* item = PyTuple_GET_ITEM(python(values), static_cast<Py_ssize_t>(i));
        if (item == Py_None) continue;
        const Tensor x = tensor_from(item);
        const bool own = x->grad_fn.get() == static_cast<Object*>(node_.get());
        save(node_->saved[i], x, own ? static_cast<int>(x->output) : -1);
    }
}

PyObject* Call::run() {
    make_context();
    Owned returned = forward();
    const bool single = !PyTuple_Check(returned.get());
    if (single) returned = owned(PyTuple_Pack(1, returned.get()));
    const Py_ssize_t count = PyTuple_GET_SIZE(returned.get());
    mark_written();
    check_returned(returned.get());
    reserve_outputs(static_cast<std::size_t>(count));
    Owned outputs = owned(PyTuple_New(count));
    for (Py_ssize_t i = 0; i < count; ++i) {
        PyObject* out = wrapped(PyTuple_GET_ITEM(returned.get(), i), static_cast<int>(i), static_cast<std::size_t>(count));
        PyTuple_SET_ITEM(outputs.get(), i, out);
    }
    if (differentiable_ > 1) {
        for (const Tensor& view : views_) view_of(*view)->creation = Creation::MultiView;
    }
    save_values();
    FunctionState& state = state_of(*node_);
    state.dirty = state.non_differentiable = Foreign();
    return single ? Py_NewRef(PyTuple_GET_ITEM(outputs.get(), 0)) : outputs.detach();
}

PyObject* apply_call(PyObject*, PyObject* const* args, Py_ssize_t count) {
    return guarded([&]() -> PyObject* {
        if (count < 1 || !PyType_Check(args[0])) fail(ErrorKind::Type, "Function.apply: call it on a class");
        return Call(args[0], args + 1, static_cast<std::size_t>(count - 1)).run();
    });
}

// The context's attributes

PyObject* saved_tensors(PyObject* self, void*) {
    return guarded([&]() -> PyObject* {
        Node& node = node_from(self);
        if (node.released) fail_released();
        Owned tuple = owned(PyTuple_New(node.saved_count));
        for (int i = 0; i < node.saved_count; ++i) {
            const SavedValue& saved = node.saved[i];
            PyTuple_SET_ITEM(tuple.get(), i, to_python(saved.empty() ? Tensor() : unpack(saved, node)));
        }
        return tuple.detach();
    });
}

PyObject* needs_input_grad(PyObject* self, void*) {
    FunctionState& state = state_of(node_from(self));
    if (!state.needs) {
        const Owned tuple(PyTuple_New(static_cast<Py_ssize_t>(state.arguments.size())));
        if (!tuple) return nullptr;
        for (std::size_t i = 0; i < state.arguments.size(); ++i) {
            PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), PyBool_FromLong(state.arguments[i] == '1'));
        }
        state.needs = foreign(tuple);
    }
    return Py_NewRef(python(state.needs));
}

int set_needs_input_grad(PyObject* self, PyObject* value, void*) {
    state_of(node_from(self)).needs = Foreign(value);
    return 0;
}

PyObject* materialize_grads(PyObject* self, void*) { return PyBool_FromLong(state_of(node_from(self)).materialize); }

int assign_materialize_grads(PyObject* self, PyObject* value, void*) {
    const int flag = value ? PyObject_IsTrue(value) : 1;
    if (flag < 0) return -1;
    state_of(node_from(self)).materialize = flag;
    return 0;
}

PyObject* set_materialize_grads(PyObject* self, PyObject* value) {
    if (assign_materialize_grads(self, value, nullptr) < 0) return nullptr;
    Py_RETURN_NONE;
}

Foreign tuple_of(PyObject* const* args, Py_ssize_t count) {
    const Owned tuple = owned(PyTuple_New(count));
    for (Py_ssize_t i = 0; i < count; ++i) PyTuple_SET_ITEM(tuple.get(), i, Py_NewRef(args[i]));
    return foreign(tuple);
}

PyObject* save_for_backward(PyObject* self, PyObject* const* args, Py_ssize_t count) {
    return guarded([&]() -> PyObject* {
        for (Py_ssize_t i = 0; i < count; ++i) {
            if (args[i] == Py_None || is_tensor(args[i])) continue;
            fail(ErrorKind::Type, "save_for_backward can only save variables, but argument ", i, " is of type ",
                 type_name(args[i]));
        }
        state_of(node_from(self)).to_save = tuple_of(args, count);
        Py_RETURN_NONE;
    });
}

PyObject* mark_dirty(PyObject* self, PyObject* const* args, Py_ssize_t count) {
    return guarded([&]() -> PyObject* {
        state_of(node_from(self)).dirty = tuple_of(args, count);
        Py_RETURN_NONE;
    });
}

PyObject* mark_non_differentiable(PyObject* self, PyObject* const* args, Py_ssize_t count) {
    return guarded([&]() -> PyObject* {
        for (Py_ssize_t i = 0; i < count; ++i) {
            if (is_tensor(args[i])) continue;
            fail(ErrorKind::Type, "mark_non_differentiable only accepts variable arguments, but got ", type_name(args[i]));
        }
        state_of(node_from(self)).non_differentiable = tuple_of(args, count);
        Py_RETURN_NONE;
    });
}

/// Values saved for forward mode stay attributes, because the node does not use them.
PyObject* save_for_forward(PyObject*, PyObject* const*, Py_ssize_t) { Py_RETURN_NONE; }

PyCFunction fast(PyObject* (*function)(PyObject*, PyObject* const*, Py_ssize_t)) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(function));
}

PyMethodDef methods[] = {
    {"save_for_backward", fast(save_for_backward), METH_FASTCALL, "Keeps tensors (or None) for backward."},
    {"save_for_forward", fast(save_for_forward), METH_FASTCALL, "Keeps tensors for forward mode."},
    {"mark_dirty", fast(mark_dirty), METH_FASTCALL, "Announces inputs that forward wrote into."},
    {"mark_non_differentiable", fast(mark_non_differentiable), METH_FASTCALL, "Announces outputs without gradient."},
    {"set_materialize_grads", set_materialize_grads, METH_O, "Whether missing gradients arrive as zeros."},
    {}};
PyGetSetDef getset[] = {
    {"saved_tensors", saved_tensors, nullptr, "What save_for_backward was given.", nullptr},
    {"needs_input_grad", needs_input_grad, set_needs_input_grad, "Per argument: whether its gradient is wanted.", nullptr},
    {"materialize_grads", materialize_grads, assign_materialize_grads, "See set_materialize_grads.", nullptr},
    {}};

/// Tells which methods are Function's own: _set_function_base(backward, vjp, setup_context).
PyObject* set_function_base(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (count != 3) {
        PyErr_SetString(PyExc_TypeError, "_set_function_base: three functions are needed");
        return nullptr;
    }
    base_methods = {Py_NewRef(args[0]), Py_NewRef(args[1]), Py_NewRef(args[2])};
    Py_RETURN_NONE;
}

PyMethodDef functions[] = {
    {"_function_apply", fast(apply_call), METH_FASTCALL, "Function.apply(cls, *args)."},
    {"_set_function_base", fast(set_function_base), METH_FASTCALL, "Notes Function's own methods."},
    {}};

}  // namespace

void define_function(nb::module_& m) {
    PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(object_dealloc)},
                           {Py_tp_traverse, reinterpret_cast<void*>(object_traverse)},
                           {Py_tp_clear, reinterpret_cast<void*>(object_clear)},
                           {Py_tp_methods, methods},
                           {Py_tp_getset, getset},
                           {Py_tp_doc, const_cast<char*>("The node and context of a custom Function.")},
                           {0, nullptr}};
    PyType_Spec spec = {"tapeless._core._FunctionNode", 0, 0,
                        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                        slots};
    const Owned bases = owned(PyTuple_Pack(1, reinterpret_cast<PyObject*>(node_type)));
    function_node_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpecWithBases(&spec, bases.get())));
    m.attr("_FunctionNode") = nb::borrow(reinterpret_cast<PyObject*>(function_node_type));
    if (PyModule_AddFunctions(m.ptr(), functions) < 0) throw nb::python_error();
}

}  // namespace tapeless
