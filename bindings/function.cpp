// Calling a custom autograd.Function: forward under no_grad, its results tied to the node, what it saved.
#include "bindings/function.h"

#include <cstdlib>
#include <new>

#include "graph/record.h"
#include "ops/structured.h"

namespace tapeless {
namespace {

/// One call of apply.
class Call {
public:
    /// `args` has the positional arguments and then those that `names` (a tuple or null) names.
    Call(PyObject* cls, PyObject* const* args, std::size_t positional, PyObject* names)
        : cls_(cls), args_(args), positional_(positional), names_(names) {
        count_ = positional + (names ? static_cast<std::size_t>(PyTuple_GET_SIZE(names)) : 0);
    }
    PyObject* run();

private:
    void make_context();
    Owned forward();
    Tensor argument(std::size_t i) const { return is_tensor(args_[i]) ? tensor_from(args_[i]) : Tensor(); }
    bool is_argument(const Tensor& x) const;
    static bool contains(const Foreign& tuple, const Tensor& x);
    void mark_written();
    void reserve_outputs(std::size_t count);
    void check_levels() const;
    PyObject* wrapped(PyObject* output, int index, std::size_t outputs);
    Tensor recorded(Tensor out, int index, bool is_input, bool is_dirty, std::size_t outputs);
    void check_returned(PyObject* outputs) const;
    void save_values();

    PyObject* cls_;
    PyObject* const* args_;
    std::size_t positional_;
    PyObject* names_;
    std::size_t count_;
    Ref<Node> node_;
    bool records_ = false;
    std::vector<Tensor> views_;  ///< differentiable outputs that are views
    int differentiable_ = 0;
};

/// Whether anything that a wrapper holds is tracked, or has a tangent.
bool holds_tracked(const Tensor& x) {
    const Level* level = level_of(*x);
    return level && (requires_grad(level->value) || holds_tracked(level->value));
}
bool holds_tangent(const Tensor& x) {
    const Level* level = level_of(*x);
    return level && (level->tangent || holds_tangent(level->value));
}

int deepest_of(PyObject* object) {
    const Tensor x = tensor_from(object);
    return deepest({&x});
}

/// The user's backward serves the level that tracks the arguments themselves; others it would be passed over in silence.
void Call::check_levels() const {
    int wrapped = 0;
    for (std::size_t i = 0; i < count_; ++i) {
        if (is_tensor(args_[i])) wrapped = std::max(wrapped, deepest_of(args_[i]));
    }
    if (!wrapped) return;
    const char* name = reinterpret_cast<PyTypeObject*>(cls_)->tp_name;
    for (std::size_t i = 0; i < count_; ++i) {
        if (!is_tensor(args_[i])) continue;
        const Tensor x = tensor_from(args_[i]);
        check(!holds_tangent(x),
              "You must implement the jvp function for custom autograd.Function to use it with ",
              "forward mode AD: ", name,
              " was given a tensor with a tangent, and jvp of a Function is not supported; ",
              "write it with operations, whose tangents are known");
        const bool beneath = requires_grad(x) && !is_tracked_above(x, wrapped);
        check(!beneath && !holds_tracked(x), "You tried to vmap over ", name,
              ", but it does not have vmap support: ",
              "its input is followed by a grad outside of the vmap; call grad inside of vmap");
    }
}

void Call::make_context() {
    if (modes.has(kLevels)) check_levels();
    const Owned type = owned(PyObject_GetAttr(cls_, interned().backward_cls));
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
    const std::shared_ptr<const NodeClass>& cls = class_of_type(type.get());
    node_ =
        make_node(*cls, static_cast<int>(edges.size()), kInlineSaved, kInlineOutputs, sizeof(FunctionState));
    new (node_->payload) FunctionState();
    state_of(*node_).cls = cls;
    node_->saved_count = node_->output_count = 0;
    for (std::size_t i = 0; i < edges.size(); ++i) node_->edges[i] = std::move(edges[i]);
    state_of(*node_).arguments = std::move(arguments);
}

/// Runs forward, and setup_context if the class has its own.
Owned Call::forward() {
    const ModeGuard without_grad(kNoGrad, true);
    const Owned method = owned(PyObject_GetAttr(cls_, interned().forward));
    const Owned setup = owned(PyObject_GetAttr(cls_, interned().setup_context));
    PyObject* context = as_python(node_.get());
    if (setup.get() == base_methods.setup_context) {
        CallArguments arguments(count_ + 1);
        arguments[0] = context;
        for (std::size_t i = 0; i < count_; ++i) arguments[i + 1] = args_[i];
        return owned(PyObject_Vectorcall(method.get(), arguments.data(), positional_ + 1, names_));
    }
    Owned output = owned(PyObject_Vectorcall(method.get(), args_, positional_, names_));
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
            fail(ErrorKind::Type, "mark_dirty can only accept variables, but argument ", i, " is of type ",
                 type_name(item));
        }
        const Tensor x = tensor_from(item);
        note_write(x);
        if (is_argument(x)) continue;
        const int status =
            PyErr_WarnEx(PyExc_UserWarning,
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
          "If your Function modifies inplace an input that is a view of another Tensor, your Function cannot "
          "return more "
          "than one Tensor. This is not supported by the current autograd engine. You should either make "
          "sure the input is "
          "not a view (using .clone() for example) or make your Function only return one Tensor (potentially "
          "splitting it "
          "into two Functions: one doing the inplace that returns a single Tensor and a second one that does "
          "the other "
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
    const bool differentiable =
        records_ && is_differentiable(out->dtype) && !contains(state.non_differentiable, out);
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
              "Some elements marked as dirty during the forward method were not returned as output. The "
              "inputs that are "
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
        PyObject* out = wrapped(PyTuple_GET_ITEM(returned.get(), i), static_cast<int>(i),
                                static_cast<std::size_t>(count));
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

/// Whether a call of this function with `count` positional arguments leaves no default to be filled in.
bool complete(PyObject* function, std::size_t count) {
    if (!PyFunction_Check(function)) return false;
    const auto* code = reinterpret_cast<PyCodeObject*>(PyFunction_GET_CODE(function));
    constexpr int open = CO_VARARGS | CO_VARKEYWORDS;
    return static_cast<std::size_t>(code->co_argcount) == count && !code->co_kwonlyargcount &&
           !(code->co_flags & open);
}

/// setup_context sees all of forward's arguments, defaults included.
PyObject* call_bound(PyObject* cls, PyObject* const* args, std::size_t positional, PyObject* names) {
    const Owned forward = owned(PyObject_GetAttr(cls, interned().forward));
    if (!names && complete(forward.get(), positional)) return Call(cls, args, positional, nullptr).run();
    const Owned given = owned(PyTuple_New(static_cast<Py_ssize_t>(positional)));
    for (std::size_t i = 0; i < positional; ++i) {
        PyTuple_SET_ITEM(given.get(), static_cast<Py_ssize_t>(i), Py_NewRef(args[i]));
    }
    const Owned named = owned(PyDict_New());
    for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); ++i) {
        PyObject* value = args[positional + static_cast<std::size_t>(i)];
        if (PyDict_SetItem(named.get(), PyTuple_GET_ITEM(names, i), value) < 0) throw nb::python_error();
    }
    const Owned bound = owned(
        PyObject_CallFunctionObjArgs(base_methods.bind, forward.get(), given.get(), named.get(), nullptr));
    PyObject* all = PyTuple_GET_ITEM(bound.get(), 0);
    PyObject* all_named = PyTuple_GET_ITEM(bound.get(), 1);
    const std::size_t count = static_cast<std::size_t>(PyTuple_GET_SIZE(all));
    std::vector<PyObject*> values;
    for (std::size_t i = 0; i < count; ++i)
        values.push_back(PyTuple_GET_ITEM(all, static_cast<Py_ssize_t>(i)));
    const Owned keys = owned(PySequence_Tuple(all_named));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(keys.get()); ++i) {
        values.push_back(PyDict_GetItem(all_named, PyTuple_GET_ITEM(keys.get(), i)));
    }
    return Call(cls, values.data(), count, PyTuple_GET_SIZE(keys.get()) ? keys.get() : nullptr).run();
}

PyObject* apply_call(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&]() -> PyObject* {
        if (count < 1 || !PyType_Check(args[0])) fail(ErrorKind::Type, "Function.apply: call it on a class");
        const std::size_t positional = static_cast<std::size_t>(count - 1);
        const Owned setup = owned(PyObject_GetAttr(args[0], interned().setup_context));
        if (setup.get() != base_methods.setup_context)
            return call_bound(args[0], args + 1, positional, names);
        return Call(args[0], args + 1, positional, names).run();
    });
}

/// Tells which methods are Function's own, and how arguments are bound.
PyObject* set_function_base(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (count != 4) {
        PyErr_SetString(PyExc_TypeError, "_set_function_base: four functions are needed");
        return nullptr;
    }
    base_methods = {Py_NewRef(args[0]), Py_NewRef(args[1]), Py_NewRef(args[2]), Py_NewRef(args[3])};
    Py_RETURN_NONE;
}

PyMethodDef functions[] = {
    {"_function_apply", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(apply_call)),
     METH_FASTCALL | METH_KEYWORDS, "Function.apply(cls, *args, **kwargs)."},
    {"_set_function_base", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(set_function_base)),
     METH_FASTCALL, "_set_function_base(backward, vjp, setup_context, bind)."},
    {}};

}  // namespace

void define_function(nb::module_& m) {
    define_function_node(m);
    if (PyModule_AddFunctions(m.ptr(), functions) < 0) throw nb::python_error();
}

}  // namespace tapeless
