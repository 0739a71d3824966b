// What autograd offers to the types of tensors and nodes: registering hooks, running backward, private gradients.
#pragma once

#include "bindings/python.h"
#include "graph/node.h"

namespace tapeless {

/// Each registers `callable` and returns a handle that can remove it again.
PyObject* register_tensor_hook(const Tensor& x, PyObject* callable);
PyObject* register_post_accumulate_hook(const Tensor& x, PyObject* callable);
PyObject* register_node_hook(Node& node, PyObject* callable, bool pre);
/// The ordered dict of x's tensor hooks, or null when there is none; borrowed.
PyObject* tensor_hooks(const Tensor& x);
/// Asks for the gradient of a result to be kept in its .grad.
void retain_grad(const Tensor& x);

/// g for user code: memory that nobody else sees, with g's place in the graph while gradients are recorded.
Tensor private_gradient(const Tensor& g);
/// The same, but never g itself.
Tensor private_copy(const Tensor& g);

/// Tensor.backward: `gradient` and `inputs` may be None.
PyObject* backward(const Tensor& x, PyObject* gradient, bool keep_graph, bool create_graph, PyObject* inputs);

/// The type name that PyTorch's messages give an object.
inline const char* type_name(PyObject* object) { return Py_TYPE(object)->tp_name; }

/// A pair of saved-tensor hooks; the references belong to whoever pushed it.
struct SavedHookPair {
    PyObject* pack;
    PyObject* unpack;
};
/// The pairs that are active in this thread, innermost last.
std::vector<SavedHookPair>& saved_hook_pairs();

void install_hook_calls();                 // hooks.cpp
void install_saved_hooks(nb::module_& m);  // saved_hooks.cpp
void define_modes(nb::module_& m);         // modes.cpp

/// A Python object owned for a scope.
class Owned {
public:
    Owned() = default;
    explicit Owned(PyObject* object) : object_(object) {}
    Owned(Owned&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    Owned& operator=(Owned other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~Owned() { Py_XDECREF(object_); }
    PyObject* get() const { return object_; }
    PyObject* detach() { return std::exchange(object_, nullptr); }
    explicit operator bool() const { return object_ != nullptr; }

private:
    PyObject* object_ = nullptr;
};
/// Takes a new reference; throws when it is null.
inline Owned owned(PyObject* object) { return Owned(checked(object)); }
/// A Foreign takes its own reference.
inline Foreign foreign(const Owned& object) { return Foreign(object.get()); }
inline PyObject* python(const Foreign& reference) { return static_cast<PyObject*>(reference.get()); }

}  // namespace tapeless
